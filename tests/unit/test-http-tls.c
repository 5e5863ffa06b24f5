/* SPDX-License-Identifier: Apache-2.0 */

/* Against openssl s_server, which does with TLS what a real server does, and says why it refuses. */

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "http-server.h"
#include "http/http.h"

typedef struct Fixture {
        Loop *loop;
        HttpClient *client;
        LoopTimer timer, killer;
        HttpFetch fetch;
        HttpEnd end;
        char detail[256];
        pid_t pid;
        int out, in;
        unsigned port;
} Fixture;

static char folder[] = "/tmp/msready-tls-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int group_setup(void **state) {
        _cleanup_free_ char *command = NULL;

        assert_ok(http_global_init());
        assert_non_null(mkdtemp(folder));
        assert_ok(asprintf_ret(&command, "%s/tests/unit/make-certificates.sh %s >%s/log 2>&1",
                               getenv("MSREADY_SOURCE") ?: ".", folder, folder));
        if (system(command) != 0)
                fail_msg("openssl cannot make certificates: see %s/log", folder);
        return 0;
}

static int group_teardown(void **state) {
        (void) nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        http_global_done();
        return 0;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        f->out = f->in = -1;
        assert_ok(loop_new(&f->loop));
        assert_ok(http_client_new(f->loop, &f->client));
        *state = f;
        return 0;
}

static void server_end(Fixture *f) {
        if (f->pid > 0) {
                kill(f->pid, SIGKILL);
                waitpid(f->pid, NULL, 0);
        }
        f->pid = 0;
        f->out = safe_close(f->out);
        f->in = safe_close(f->in);
}

static int teardown(void **state) {
        Fixture *f = *state;

        http_fetch_done(&f->fetch);
        loop_timer_done(&f->timer);
        loop_timer_done(&f->killer);
        http_client_free(f->client);
        loop_free(f->loop);
        server_end(f);
        free(f);
        return 0;
}

/* Reads what the server prints until it has said words. */
static void await(Fixture *f, const char *words, char *seen, size_t size) {
        size_t n = 0;

        for (;;) {
                ssize_t k = read(f->out, seen + n, size - 1 - n);

                if (k <= 0)
                        fail_msg("the server has gone before it said %s", words);
                n += (size_t) k;
                seen[n] = '\0';
                if (strstr(seen, words))
                        return;
        }
}

/* Starts a server with certificate name; arguments are added behind, up to a NULL. */
static void server_begin(Fixture *f, const char *name, const char *const *arguments) {
        const char *argv[32] = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert" };
        char certificate[128], key[128], seen[4096], *p;
        int out[2], in[2], n = 5;

        server_end(f);
        snprintf(certificate, sizeof(certificate), "%s/%s.pem", folder, name);
        snprintf(key, sizeof(key), "%s/%s.key", folder, name);
        argv[n++] = certificate;
        argv[n++] = "-key";
        argv[n++] = key;
        while (arguments && *arguments)
                argv[n++] = *arguments++;

        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        f->pid = fork();
        assert_true(f->pid >= 0);
        if (f->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) signal(SIGPIPE, SIG_DFL);
                if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(open("/dev/null", O_WRONLY), 2) < 0)
                        _exit(1);
                execvp("openssl", (char *const *) argv);
                _exit(1);
        }
        close(out[1]);
        close(in[0]);
        f->out = out[0];
        f->in = in[1];

        await(f, "\n", seen, sizeof(seen));
        if (!strstr(seen, "ACCEPT "))
                await(f, "ACCEPT ", seen, sizeof(seen));
        p = strstr(seen, "ACCEPT 127.0.0.1:");
        assert_non_null(p);
        f->port = (unsigned) strtoul(p + strlen("ACCEPT 127.0.0.1:"), NULL, 10);
        assert_true(f->port > 0);
}

static const char *const www[] = { "-www", NULL };

static void on_done(HttpFetch *fetch, HttpEnd end, const char *detail) {
        Fixture *f = container_of(fetch, Fixture, fetch);

        f->end = end;
        snprintf(f->detail, sizeof(f->detail), "%s", detail);
        loop_exit(f->loop, 0);
}

static void on_hang(LoopTimer *timer) {
        fail_msg("nothing happened for 10 s");
}

static void ask(Fixture *f, const char *host, HttpTarget *target, HttpEnd expected) {
        char url[128];

        snprintf(url, sizeof(url), "https://%s:%u/", host, f->port);
        f->end = _HTTP_END_INVALID;
        loop_timer_set(f->loop, &f->timer, now_monotonic() + 10 * USEC_PER_SEC, on_hang);
        assert_ok(http_fetch_start(f->client, &f->fetch, &(HttpRequestSpec){ .url = url, .target = target },
                                   LIMIT_HTTP_BODY, on_done));
        assert_ok(loop_run(f->loop));
        if (f->end != expected)
                fail_msg("%s (%s) instead of %s", http_end_describe(f->end), f->detail,
                         http_end_describe(expected));
        if (expected == HTTP_END_EOF)
                assert_int_equal(f->fetch.status.code, 200);
        else
                assert_false(isempty(f->detail));
}

static char *text_of(const char *name, const char *suffix) {
        char path[128], *text = NULL;
        size_t size;

        snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
        assert_ok(file_read(path, LIMIT_CREDENTIAL, &text, &size));
        return text;
}

/* NULL: none. */
static HttpTarget *target_of(const char *ca, const char *certificate, const char *key, const char *name) {
        _cleanup_free_ char *a = ca ? text_of(ca, "pem") : NULL;
        _cleanup_free_ char *c = certificate ? text_of(certificate, "pem") : NULL;
        _cleanup_free_ char *k = key ? text_of(key, "key") : NULL;
        HttpTarget *target = NULL;

        assert_ok(http_target_new(
                &(HttpTargetSpec){
                        .ca = a,
                        .ca_size = a ? strlen(a) : 0,
                        .certificate = c,
                        .certificate_size = c ? strlen(c) : 0,
                        .key = k,
                        .key_size = k ? strlen(k) : 0,
                        .tls_server_name = name,
                },
                &target));
        return target;
}

static void test_server_is_verified(void **state) {
        _cleanup_(http_target_unrefp) HttpTarget *good = target_of("ca", NULL, NULL, NULL);
        _cleanup_(http_target_unrefp) HttpTarget *bad = target_of("other-ca", NULL, NULL, NULL);
        _cleanup_(http_target_unrefp) HttpTarget *none = NULL;
        Fixture *f = *state;

        server_begin(f, "server", www);
        ask(f, "127.0.0.1", good, HTTP_END_EOF);
        ask(f, "localhost", good, HTTP_END_EOF);
        ask(f, "127.0.0.1", bad, HTTP_END_TLS);
        assert_non_null(strstr(f->detail, "certificate"));
        ask(f, "127.0.0.1", NULL, HTTP_END_TLS); /* the system does not trust it */

        assert_ok(http_target_new(&(HttpTargetSpec){ .insecure = true }, &none));
        ask(f, "127.0.0.1", none, HTTP_END_EOF);
        ask(f, "127.0.0.1", bad, HTTP_END_TLS);
}

static void test_new_ca_counts_at_once(void **state) {
        Fixture *f = *state;

        server_begin(f, "server", www);
        for (unsigned i = 0; i < 4; i++) {
                HttpTarget *target = target_of(i % 2 == 0 ? "ca" : "other-ca", NULL, NULL, NULL);

                ask(f, "127.0.0.1", target, i % 2 == 0 ? HTTP_END_EOF : HTTP_END_TLS);
                http_target_unref(target); /* gives its descriptor back, if it has one */
        }
}

static void test_server_name(void **state) {
        char certificate[128], key[128];
        const char *const talk[] = { "-servername", "kubernetes", "-servername_fatal",
                                     "-cert2",      certificate,  "-key2",
                                     key,           NULL };
        _cleanup_(http_target_unrefp) HttpTarget *plain = target_of("ca", NULL, NULL, NULL);
        _cleanup_(http_target_unrefp) HttpTarget *named = target_of("ca", NULL, NULL, "kubernetes");
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        char seen[8192], host[64];
        Fixture *f = *state;

        snprintf(certificate, sizeof(certificate), "%s/named.pem", folder);
        snprintf(key, sizeof(key), "%s/named.key", folder);
        server_begin(f, "named", www);
        ask(f, "localhost", plain, HTTP_END_TLS);
        ask(f, "127.0.0.1", plain, HTTP_END_TLS);
        ask(f, "localhost", named, HTTP_END_EOF);
        ask(f, "127.0.0.1", named, HTTP_END_EOF);

        /* The name is told to the server's TLS, and its HTTP hears the old one. */
        server_begin(f, "named", talk);
        assert_int_equal(write(f->in, answer, strlen(answer)), (ssize_t) strlen(answer));
        ask(f, "127.0.0.1", named, HTTP_END_EOF);
        await(f, "\r\n\r\n", seen, sizeof(seen));
        snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%u\r\n", f->port);
        assert_non_null(strstr(seen, host));
        assert_null(strstr(seen, "Host: kubernetes"));
}

static void test_clock(void **state) {
        _cleanup_(http_target_unrefp) HttpTarget *target = target_of("ca", NULL, NULL, NULL);
        Fixture *f = *state;

        server_begin(f, "early", www);
        ask(f, "127.0.0.1", target, HTTP_END_TLS_CLOCK);
        server_begin(f, "late", www);
        ask(f, "127.0.0.1", target, HTTP_END_TLS_EXPIRED);
}

static void test_client_certificate(void **state) {
        char ca[128];
        const char *const verify13[] = {
                "-www", "-Verify", "1", "-verify_return_error", "-CAfile", ca, NULL
        };
        const char *const verify12[] = { "-www",    "-Verify", "1",       "-verify_return_error",
                                         "-CAfile", ca,        "-tls1_2", NULL };
        const char *const *const servers[] = { verify13, verify12 };
        _cleanup_(http_target_unrefp) HttpTarget *none = target_of("ca", NULL, NULL, NULL);
        _cleanup_(http_target_unrefp) HttpTarget *good = target_of("ca", "client", "client", NULL);
        _cleanup_(http_target_unrefp) HttpTarget *bad = target_of("ca", "stranger", "stranger", NULL);
        Fixture *f = *state;

        snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
        for (unsigned i = 0; i < ELEMENTSOF(servers); i++) {
                server_begin(f, "server", servers[i]);
                ask(f, "127.0.0.1", good, HTTP_END_EOF);
                ask(f, "127.0.0.1", bad, HTTP_END_TLS_CREDENTIALS);
                if (servers[i] == verify13) /* before, the alert says no more than that it failed */
                        ask(f, "127.0.0.1", none, HTTP_END_TLS_CREDENTIALS);
                ask(f, "127.0.0.1", good, HTTP_END_EOF);
        }
}

static void test_unusable_credentials(void **state) {
        _cleanup_(http_target_unrefp) HttpTarget *mismatch = target_of("ca", "client", "stranger", NULL);
        _cleanup_(http_target_unrefp) HttpTarget *not_pem = NULL, *not_ca = NULL;
        Fixture *f = *state;

        server_begin(f, "server", www);
        ask(f, "127.0.0.1", mismatch, HTTP_END_TLS_CREDENTIALS);
        assert_ok(http_target_new(&(HttpTargetSpec){ .certificate = "no",
                                                     .certificate_size = 2,
                                                     .key = "no",
                                                     .key_size = 2,
                                                     .insecure = true },
                                  &not_pem));
        ask(f, "127.0.0.1", not_pem, HTTP_END_TLS_CREDENTIALS);
        assert_ok(http_target_new(&(HttpTargetSpec){ .ca = "no", .ca_size = 2 }, &not_ca));
        ask(f, "127.0.0.1", not_ca, HTTP_END_TLS);
}

static void on_no_request(Peer *peer, const char *text) {
}

static void on_hello_close(LoopIo *io, unsigned events) {
        peer_close(container_of(io, Peer, io));
}

static void on_accepted(LoopIo *io, unsigned events) {
        Server *s = container_of(io, Server, io);
        Peer *p = &s->peers[s->n_accepted];

        on_server_ready(io, events);
        assert_ok(loop_io_set(s->loop, &p->io, p->fd, LOOP_READ, on_hello_close));
}

static void on_hello_answer(LoopIo *io, unsigned events) {
        Peer *p = container_of(io, Peer, io);

        loop_io_done(io);
        p->close_after = true;
        peer_send(p, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n");
}

static void on_accepted_plain(LoopIo *io, unsigned events) {
        Server *s = container_of(io, Server, io);
        Peer *p = &s->peers[s->n_accepted];

        on_server_ready(io, events);
        assert_ok(loop_io_set(s->loop, &p->io, p->fd, LOOP_READ, on_hello_answer));
}

static void test_no_tls_there(void **state) {
        Fixture *f = *state;
        Server *s = calloc(1, sizeof(Server));

        assert_non_null(s);
        server_start(s, f->loop);
        s->on_request = on_no_request;
        f->port = s->port;
        assert_ok(loop_io_set(f->loop, &s->io, s->fd, LOOP_READ, on_accepted_plain));
        ask(f, "127.0.0.1", NULL, HTTP_END_TLS);

        /* As a server that is being stopped does. */
        assert_ok(loop_io_set(f->loop, &s->io, s->fd, LOOP_READ, on_accepted));
        ask(f, "127.0.0.1", NULL, HTTP_END_DISCONNECTED);
        server_stop(s);
        free(s);
}

/* As soon as the header has come, however long that takes, and what follows it with it. */
static void on_kill(LoopTimer *timer) {
        Fixture *f = container_of(timer, Fixture, killer);

        if (f->fetch.status.code == 200)
                kill(f->pid, SIGKILL);
        else
                loop_timer_set(f->loop, timer, now_monotonic() + 20 * USEC_PER_MSEC, on_kill);
}

/* A connection that ends without the end of TLS, and before that of the body. */
static void test_cut_off(void **state) {
        static const char *const talk[] = { NULL };
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
        _cleanup_(http_target_unrefp) HttpTarget *target = target_of("ca", NULL, NULL, NULL);
        Fixture *f = *state;

        server_begin(f, "server", talk);
        assert_int_equal(write(f->in, answer, strlen(answer)), (ssize_t) strlen(answer));
        loop_timer_set(f->loop, &f->killer, now_monotonic() + 20 * USEC_PER_MSEC, on_kill);
        ask(f, "127.0.0.1", target, HTTP_END_TRUNCATED);
        assert_int_equal(f->fetch.status.code, 200);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(test_server_is_verified), CASE(test_new_ca_counts_at_once),
                CASE(test_server_name),        CASE(test_clock),
                CASE(test_client_certificate), CASE(test_unusable_credentials),
                CASE(test_no_tls_there),       CASE(test_cut_off),
        };

        if (!streq_ptr(getenv("CI"), "true") && system("openssl version >/dev/null 2>&1") != 0) {
                puts("1..0 # SKIP openssl is missing");
                return 0;
        }
        return cmocka_run_group_tests_name("http-tls", tests, group_setup, group_teardown);
}
