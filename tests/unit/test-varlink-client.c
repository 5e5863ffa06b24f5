/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "json-of.h"
#include "varlink/client.h"

static usec_t in_msec(unsigned msec) {
        return now_monotonic() + msec * USEC_PER_MSEC;
}

/* A client, and the server's end of its socket as bytes. */
static VlClient *client_new(int *ret_fd) {
        VlClient *client;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_ok(vl_client_new_fd(fds[0], &client));
        *ret_fd = fds[1];
        return client;
}

static void put(int fd, const char *data, size_t size) {
        assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

static void test_call(void **state) {
        static const char text[] = "{\"parameters\":{\"x\":1}}";
        char got[100];
        VlReply reply;
        int fd;
        _cleanup_(vl_client_freep) VlClient *client = client_new(&fd);

        put(fd, text, sizeof(text));
        assert_ok(vl_client_call(client, "a.b.C", NULL, in_msec(1000), &reply));
        assert_null(reply.error);
        assert_int_equal(jv_get_int(reply.parameters, "x", 0), 1);
        vl_reply_done(&reply);
        assert_int_equal(recv(fd, got, sizeof(got), 0), sizeof("{\"method\":\"a.b.C\"}"));
        assert_string_equal(got, "{\"method\":\"a.b.C\"}");

        put(fd, "{\"error\":\"a.b.E\"}", 18);
        assert_ok(vl_client_receive(client, in_msec(1000), &reply));
        assert_string_equal(reply.error, "a.b.E");
        vl_reply_done(&reply);

        close(fd);
        assert_error(vl_client_receive(client, in_msec(1000), &reply), ECONNRESET);
        assert_error(vl_client_send(client, "a.b.C", NULL, 0, in_msec(1000)), EPIPE);
}

static void test_stream_in_chunks(void **state) {
        static const char text[] = "{\"parameters\":{\"i\":1},\"continues\":true}\0"
                                   "{\"parameters\":{\"i\":2},\"continues\":true}\0"
                                   "{\"parameters\":{\"i\":3}}";
        static const size_t chunks[] = { sizeof(text), 1, 7, 41, 143 };

        for (size_t i = 0; i < ELEMENTSOF(chunks); i++) {
                int64_t next = 1;
                VlReply reply;
                int fd, r;
                _cleanup_(vl_client_freep) VlClient *client = client_new(&fd);

                assert_ok(vl_client_send(client, "a.b.C", NULL, VL_MORE, in_msec(1000)));
                for (size_t at = 0; at < sizeof(text); at += chunks[i]) {
                        put(fd, text + at, MIN(chunks[i], sizeof(text) - at));
                        while ((r = vl_client_receive(client, 0, &reply)) >= 0) {
                                assert_int_equal(jv_get_int(reply.parameters, "i", 0), next);
                                assert_int_equal(reply.continues, next < 3);
                                vl_reply_done(&reply);
                                next++;
                        }
                        assert_int_equal(r, -ETIMEDOUT);
                }
                assert_int_equal(next, 4);
                close(fd);
        }
}

static void test_what_is_no_reply(void **state) {
        static const char *const rows[] = { "x", "[]", "{\"x\":1}", "{\"continues\":true}", "" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                VlReply reply;
                int fd;
                _cleanup_(vl_client_freep) VlClient *client = client_new(&fd);

                assert_ok(vl_client_send(client, "a.b.C", NULL, 0, in_msec(1000)));
                put(fd, rows[i], strlen(rows[i]) + 1);
                assert_error(vl_client_receive(client, in_msec(1000), &reply), EPROTO);
                close(fd);
        }
}

static void test_deadlines(void **state) {
        usec_t before = now_monotonic();
        VlReply reply;
        int fd, r;
        _cleanup_(vl_client_freep) VlClient *client = client_new(&fd);

        assert_error(vl_client_call(client, "a.b.C", NULL, in_msec(40), &reply), ETIMEDOUT);
        assert_in_range(now_monotonic() - before, 40 * USEC_PER_MSEC, 5 * USEC_PER_SEC);
        put(fd, "{", 1);
        assert_error(vl_client_receive(client, in_msec(20), &reply), ETIMEDOUT);
        put(fd, "}", 2);
        assert_ok(vl_client_receive(client, in_msec(1000), &reply));
        vl_reply_done(&reply);

        /* A server that reads nothing. */
        _cleanup_(jv_freep) JsonValue *p = NULL;
        _cleanup_free_ char *s = calloc(1, KIB(32));
        memset(s, 'x', KIB(32) - 1);
        p = json_of_string("s", s);
        do
                r = vl_client_send(client, "a.b.C", p, VL_ONEWAY, in_msec(20));
        while (r >= 0);
        assert_int_equal(r, -ETIMEDOUT);
        close(fd);
}

static void on_signal(int number) {
}

/* Signals on the way neither end nor prolong the wait. */
static void test_interrupted(void **state) {
        const struct sigaction action = { .sa_handler = on_signal };
        usec_t before = now_monotonic();
        VlReply reply;
        int fd, status;
        pid_t child;
        _cleanup_(vl_client_freep) VlClient *client = client_new(&fd);

        assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
        child = fork();
        if (child == 0) {
                vl_client_free(client);
                for (unsigned i = 0; i < 10; i++) {
                        (void) usleep(10000);
                        (void) kill(getppid(), SIGUSR1);
                }
                _exit(0);
        }
        assert_error(vl_client_receive(client, in_msec(60), &reply), ETIMEDOUT);
        assert_in_range(now_monotonic() - before, 60 * USEC_PER_MSEC, 5 * USEC_PER_SEC);
        while (waitpid(child, &status, 0) < 0)
                assert_int_equal(errno, EINTR);
        assert_int_equal(status, 0);
        close(fd);
}

static void test_too_large(void **state) {
        _cleanup_free_ char *s = malloc(MIB(1));
        size_t sent = 0;
        VlReply reply;
        int fd, r;
        _cleanup_(vl_client_freep) VlClient *client = client_new(&fd);
        _cleanup_(jv_freep) JsonValue *p = NULL;
        _cleanup_free_ char *big = calloc(1, LIMIT_VARLINK_IN);

        memset(s, ' ', MIB(1));
        do {
                ssize_t n = send(fd, s, MIB(1), MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n > 0)
                        sent += (size_t) n;
                r = vl_client_receive(client, 0, &reply);
        } while (r == -ETIMEDOUT);
        assert_int_equal(r, -EMSGSIZE);
        assert_in_range(sent, LIMIT_VARLINK_REPLY, LIMIT_VARLINK_REPLY + MIB(2));

        memset(big, 'x', LIMIT_VARLINK_IN - 1);
        p = json_of_string("s", big);
        assert_error(vl_client_send(client, "a.b.C", p, 0, in_msec(1000)), E2BIG);
        close(fd);
}

static void test_connect(void **state) {
        char folder[] = "/tmp/test-client-XXXXXX", path[64], url[80], too_long[200];
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        VlClient *client = NULL, *second = NULL;
        usec_t before;
        int fd;

        assert_non_null(mkdtemp(folder));
        (void) snprintf(path, sizeof(path), "%s/socket", folder);
        (void) snprintf(url, sizeof(url), "unix:%s", path);
        memset(too_long, 'x', sizeof(too_long) - 1);
        too_long[sizeof(too_long) - 1] = '\0';
        assert_error(vl_client_connect(too_long, in_msec(100), &client), ENAMETOOLONG);
        assert_error(vl_client_connect(path, in_msec(100), &client), ENOENT);

        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_error(vl_client_connect(path, in_msec(100), &client), ECONNREFUSED);
        if (geteuid() != 0) {
                assert_int_equal(chmod(path, 0), 0);
                assert_error(vl_client_connect(path, in_msec(100), &client), EACCES);
                assert_int_equal(chmod(path, 0600), 0);
        }

        /* A server that accepts nobody: the backlog of 0 holds one. */
        assert_int_equal(listen(fd, 0), 0);
        assert_ok(vl_client_connect(url, in_msec(100), &client));
        before = now_monotonic();
        assert_error(vl_client_connect(path, in_msec(50), &second), ETIMEDOUT);
        assert_true(now_monotonic() - before >= 40 * USEC_PER_MSEC);

        vl_client_free(client);
        close(fd);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_call),
                cmocka_unit_test(test_stream_in_chunks),
                cmocka_unit_test(test_what_is_no_reply),
                cmocka_unit_test(test_deadlines),
                cmocka_unit_test(test_interrupted),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_connect),
        };
        return cmocka_run_group_tests_name("varlink-client", tests, NULL, NULL);
}
