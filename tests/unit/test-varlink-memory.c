/* SPDX-License-Identifier: Apache-2.0 */

/* Fails the first allocation of a conversation, then the second, and so on, until all passes without.
 * Whatever fails, what the client is told are whole replies, in order, up to the end of its connection;
 * somebody else is served; and nothing is lost. */

#include "test.h"

#include "failing-malloc.h"
#include "varlink-fixture.h"
#include "varlink/client.h"

#define CALL(m) "{\"method\":\"test.Example." m "\"}|"

static const char calls[] =
        "{\"method\":\"test.Example.Echo\",\"parameters\":{\"text\":\"a\",\"list\":[\"b\"]}}|" CALL(
                "Nope") "{\"method\":\"org.varlink.service.GetInfo\"}|" CALL("Later") CALL("Fail")
                CALL("Echo");

/* The replies begin as these do; a call that failed for want of memory may be answered with that. */
static bool is_reply_to(unsigned i, const char *reply) {
        static const char *const begins[] = {
                "{\"parameters\":{\"text\":\"a\",\"list\":[\"b\"]}}",
                "{\"error\":\"org.varlink.service.MethodNotFound\"",
                "{\"parameters\":{\"vendor\"",
                "{}",
                "{\"error\":\"io.systemd.System\"",
                "{}",
        };

        return i < ELEMENTSOF(begins) &&
               (startswith(reply, begins[i]) || startswith(reply, "{\"error\":\"io.systemd.System\""));
}

/* Counts the replies and looks at each. */
static unsigned check_replies(const char *text) {
        unsigned n = 0;

        while (*text && *text != '$') {
                const char *end = strchr(text, '|');

                assert_non_null(end);
                assert_true(is_reply_to(n, text));
                n++;
                text = end + 1;
        }
        return n;
}

/* Whether all six calls were answered. The nth allocation from the connection on fails. */
static bool converse(unsigned long n_fails) {
        Fixture *f = fixture_new();
        int other = fixture_connect(f), fds[2], r;
        unsigned n;

        send_calls(other, CALL("Echo"));
        pump(f);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
        send_calls(fds[0], calls);

        failing_countdown = n_fails;
        r = vl_server_add_connection(f->server, fds[1]);
        assert_true(r == 0 || r == -ENOMEM);
        pump(f);
        if (f->n_waiters > 0 && f->waiters[0].slot.call)
                (void) vl_call_reply(f->waiters[0].slot.call, NULL);
        pump(f);

        n = check_replies(received(fds[0]));
        if (n < 6)
                assert_int_equal(vl_server_connections(f->server), 1);
        close(fds[0]);
        pump(f);
        assert_int_equal(vl_server_connections(f->server), 1);
        failing_countdown = 0;
        assert_string_equal(received(other), "{}|");
        send_calls(other, CALL("Echo"));
        pump(f);
        assert_string_equal(received(other), "{}|");
        close(other);
        fixture_free(f);
        return n == 6;
}

static void test_server(void **state) {
        unsigned long n;
        bool answered;

        for (n = 1;; n++) {
                unsigned long before = failing_failed;

                answered = converse(n);
                failing_countdown = 0;
                if (failing_failed == before)
                        break;
        }
        assert_true(answered);
        assert_true(n > 10);
}

static int call_once(void) {
        static const char text[] = "{\"parameters\":{\"x\":[1,2,3]}}";
        VlClient *client = NULL;
        VlReply reply = {};
        int fds[2], r;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(send(fds[1], text, sizeof(text), 0), sizeof(text));
        r = vl_client_new_fd(fds[0], &client);
        if (r < 0)
                close(fds[0]);
        else
                r = vl_client_call(client, "a.b.C", NULL, now_monotonic() + USEC_PER_SEC, &reply);
        if (r >= 0)
                assert_non_null(jv_get(reply.parameters, "x"));
        vl_reply_done(&reply);
        vl_client_free(client);
        close(fds[1]);
        return r;
}

static void test_client(void **state) {
        unsigned long n;
        int r;

        for (n = 1;; n++) {
                unsigned long before = failing_failed;

                failing_countdown = n;
                r = call_once();
                failing_countdown = 0;
                if (failing_failed == before)
                        break;
                assert_error(r, ENOMEM);
        }
        assert_ok(r);
        assert_true(n > 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_server),
                cmocka_unit_test(test_client),
        };
        return cmocka_run_group_tests_name("varlink-memory", tests, NULL, NULL);
}
