/* SPDX-License-Identifier: Apache-2.0 */

/* Fails the first allocation of a request, then the second, and so on, ours and those of libcurl, c-ares and
 * libev alike, until one passes without. Whatever fails, the request ends, or says at once that it cannot
 * start, or the loop ends with -ENOMEM; and all is given back. */

#include "test.h"

#include <ares.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "failing-malloc.h"
#include "http-server.h"
#include "http/http.h"

typedef struct Fixture {
        Loop *loop;
        LoopTimer timer;
        HttpFetch fetch;
        HttpEnd end;
        bool hung;
} Fixture;

static unsigned port;
static pid_t pid;

static _noreturn_ void serve(int fd) {
        static const char answer[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                     "Content-Type: text/plain\r\n\r\n"
                                     "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                int peer = accept(fd, NULL, NULL);
                char buf[4096];

                if (read(peer, buf, sizeof(buf)) > 0)
                        (void) send(peer, answer, strlen(answer), MSG_NOSIGNAL);
                close(peer);
        }
}

static int group_setup(void **state) {
        int fd = listen_on_loopback(AF_INET, &port);

        assert_true(fd >= 0);
        pid = fork();
        if (pid == 0)
                serve(fd);
        close(fd);

        /* The first to come decides: http_global_init() counts it only. */
        assert_int_equal(curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, free, __wrap_realloc,
                                              __wrap_strdup, __wrap_calloc),
                         CURLE_OK);
        assert_int_equal(ares_library_init_mem(ARES_LIB_INIT_ALL, __wrap_malloc, free, __wrap_realloc),
                         ARES_SUCCESS);
        return http_global_init();
}

static int group_teardown(void **state) {
        http_global_done();
        ares_library_cleanup();
        curl_global_cleanup();
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return 0;
}

static void on_hang(LoopTimer *timer) {
        Fixture *f = container_of(timer, Fixture, timer);

        f->hung = true;
        loop_exit(f->loop, 0);
}

static void on_done(HttpFetch *fetch, HttpEnd end, const char *detail) {
        Fixture *f = container_of(fetch, Fixture, fetch);

        f->end = end;
        loop_exit(f->loop, 0);
}

static int run(Fixture *f, const HttpRequestSpec *spec, HttpTarget **target, HttpClient **client) {
        HttpRequestSpec s = *spec;
        int r;

        r = loop_new(&f->loop);
        if (r < 0)
                return r;
        r = http_client_new(f->loop, client);
        if (r < 0)
                return r;
        r = http_client_set_name_servers(*client, "127.0.0.1:1");
        if (r < 0)
                return r;
        r = http_target_new(&(HttpTargetSpec){ .ca = "x", .ca_size = 1, .tls_server_name = "y" }, target);
        if (r < 0)
                return r;
        s.target = *target;
        loop_timer_set(f->loop, &f->timer, now_monotonic() + 5 * USEC_PER_SEC, on_hang);
        r = http_fetch_start(*client, &f->fetch, &s, 4096, on_done);
        if (r < 0)
                return r;
        return loop_run(f->loop);
}

static void torture(const char *url, HttpEnd expected) {
        unsigned long n = 0, left;

        do {
                HttpTarget *target = NULL;
                HttpClient *client = NULL;
                Fixture f = { .end = _HTTP_END_INVALID };
                int r;

                failing_countdown = ++n;
                /* A c-ares that has no memory for a question may forget it until its time is up. */
                r = run(&f,
                        &(HttpRequestSpec){
                                .url = url, .token = "t", .accept = "a", .timeout = 500 * USEC_PER_MSEC },
                        &target, &client);
                left = failing_countdown;
                failing_countdown = 0;

                if (f.hung)
                        fail_msg("allocation %lu: nothing happened", n);
                if (left > 0) {
                        assert_ok(r);
                        assert_int_equal(f.end, expected);
                } else if (r < 0 && r != -ENOMEM)
                        fail_msg("allocation %lu: %s", n, strerror(-r));

                http_fetch_done(&f.fetch);
                loop_timer_done(&f.timer);
                http_client_free(client);
                http_target_unref(target);
                loop_free(f.loop);
                assert_true(n < 5000);
        } while (left == 0);

        assert_true(n > 20);
}

static void test_address(void **state) {
        char url[64];

        snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
        torture(url, HTTP_END_EOF);
}

static void test_localhost(void **state) {
        char url[64];

        snprintf(url, sizeof(url), "http://localhost:%u/", port);
        torture(url, HTTP_END_EOF);
}

static void test_name(void **state) {
        torture("http://name.test/", HTTP_END_RESOLVE_TIMEOUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_address),
                cmocka_unit_test(test_localhost),
                cmocka_unit_test(test_name),
        };

        return cmocka_run_group_tests_name("http-memory", tests, group_setup, group_teardown);
}
