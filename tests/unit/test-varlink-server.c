/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "varlink-fixture.h"

#define ECHO(p) "{\"method\":\"test.Example.Echo\",\"parameters\":" p "}|"
#define CALL(m) "{\"method\":\"test.Example." m "\"}|"
#define MORE(m) "{\"method\":\"test.Example." m "\",\"more\":true}|"
#define ONEWAY(m) "{\"method\":\"test.Example." m "\",\"oneway\":true}|"
#define SERVICE_ERROR(e, p) "{\"error\":\"org.varlink.service." e "\",\"parameters\":" p "}|"

static int setup(void **state) {
        *state = fixture_new();
        return 0;
}

static int teardown(void **state) {
        fixture_free(*state);
        return 0;
}

static void test_service_interface(void **state) {
        Fixture *f = *state;
        const char *text;

        assert_string_equal(answer_to(f, "{\"method\":\"org.varlink.service.GetInfo\"}|"),
                            "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\","
                            "\"url\":\"https://example.org/\","
                            "\"interfaces\":[\"org.varlink.service\",\"test.Example\"]}}|");
        assert_string_equal(answer_to(f, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
                                         "\"parameters\":{\"interface\":\"test.Example\"}}|"),
                            "{\"parameters\":{\"description\":\"interface test.Example\\n\"}}|");
        text = answer_to(f, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
                            "\"parameters\":{\"interface\":\"org.varlink.service\"}}|");
        assert_non_null(strstr(text, "\\ninterface org.varlink.service\\n"));
        assert_string_equal(answer_to(f, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
                                         "\"parameters\":{\"interface\":\"test.example\"}}|"),
                            SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"test.example\"}"));
        assert_string_equal(answer_to(f, "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}|"),
                            SERVICE_ERROR("InvalidParameter", "{\"parameter\":\"interface\"}"));
        assert_string_equal(answer_to(f, "{\"method\":\"org.varlink.service.GetInfo\","
                                         "\"parameters\":{\"x\":1}}|"),
                            SERVICE_ERROR("InvalidParameter", "{\"parameter\":\"x\"}"));
}

static void test_method_names(void **state) {
        static const char *const rows[][2] = {
                { "test.Example.Nope",
                  SERVICE_ERROR("MethodNotFound", "{\"method\":\"test.Example.Nope\"}") },
                { "test.Example.echo",
                  SERVICE_ERROR("MethodNotFound", "{\"method\":\"test.Example.echo\"}") },
                { "test.Example.", SERVICE_ERROR("MethodNotFound", "{\"method\":\"test.Example.\"}") },
                { "test.Other.Echo", SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"test.Other\"}") },
                { "test.Exampl.Echo",
                  SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"test.Exampl\"}") },
                { "test.Example", SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"test\"}") },
                { "Echo", SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"Echo\"}") },
                { ".", SERVICE_ERROR("InterfaceNotFound", "{\"interface\":\"\"}") },
                { "test.Example.Missing",
                  SERVICE_ERROR("MethodNotImplemented", "{\"method\":\"test.Example.Missing\"}") },
                { "test.Example.Fail",
                  "{\"error\":\"io.systemd.System\",\"parameters\":{\"origin\":\"linux\","
                  "\"errno\":2,\"errnoName\":\"ENOENT\"}}|" },
                { "test.Example.Watch", "{\"error\":\"org.varlink.service.ExpectedMore\"}|" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char call[200];

                snprintf(call, sizeof(call), "{\"method\":\"%s\"}|", rows[i][0]);
                assert_string_equal(answer_to(*state, call), rows[i][1]);
        }
        assert_string_equal(answer_to(*state, "{\"method\":\"test.Example.Echo\",\"upgrade\":true}|"),
                            SERVICE_ERROR("MethodNotImplemented", "{\"method\":\"test.Example.Echo\"}"));
}

static void test_parameters(void **state) {
        static const char *const rows[][2] = {
                { "null", NULL },
                { "{}", NULL },
                { "{\"text\":\"x\"}", "{\"text\":\"x\"}" },
                { "{\"text\":null,\"number\":null}", "{\"text\":null,\"number\":null}" },
                { "{\"number\":-5}", "{\"number\":-5}" },
                { "{\"number\":9007199254740991}", "{\"number\":9007199254740991}" },
                { "{\"list\":[]}", "{\"list\":[]}" },
                { "{\"list\":[\"a\",\"\"],\"on\":false}", "{\"list\":[\"a\",\"\"],\"on\":false}" },
                { "{\"object\":{\"a\":[1,{}]}}", "{\"object\":{\"a\":[1,{}]}}" },
        };
        static const char *const wrong[][2] = {
                { "{\"texts\":\"x\"}", "texts" },
                { "{\"text\":\"x\",\"Text\":\"x\"}", "Text" },
                { "{\"text\":1}", "text" },
                { "{\"number\":1.5}", "number" },
                { "{\"number\":\"1\"}", "number" },
                { "{\"number\":1e300}", "number" },
                { "{\"list\":\"a\"}", "list" },
                { "{\"list\":{}}", "list" },
                { "{\"list\":[\"a\",null]}", "list" },
                { "{\"on\":\"true\"}", "on" },
                { "{\"object\":[]}", "object" },
        };
        char call[300], expected[300];

        assert_string_equal(answer_to(*state, CALL("Echo")), "{}|");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                snprintf(call, sizeof(call), ECHO("%s"), rows[i][0]);
                if (rows[i][1])
                        snprintf(expected, sizeof(expected), "{\"parameters\":%s}|", rows[i][1]);
                else
                        snprintf(expected, sizeof(expected), "{}|");
                assert_string_equal(answer_to(*state, call), expected);
        }
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                snprintf(call, sizeof(call), ECHO("%s"), wrong[i][0]);
                snprintf(expected, sizeof(expected),
                         SERVICE_ERROR("InvalidParameter", "{\"parameter\":\"%s\"}"), wrong[i][1]);
                assert_string_equal(answer_to(*state, call), expected);
        }
        assert_string_equal(answer_to(*state, CALL("Count")),
                            SERVICE_ERROR("InvalidParameter", "{\"parameter\":\"to\"}"));
        assert_string_equal(
                answer_to(*state, "{\"method\":\"test.Example.Count\",\"parameters\":{\"to\":null}}|"),
                SERVICE_ERROR("InvalidParameter", "{\"parameter\":\"to\"}"));
}

static void test_more_and_oneway(void **state) {
        Fixture *f = *state;

        assert_string_equal(
                answer_to(f, "{\"method\":\"test.Example.Count\",\"parameters\":{\"to\":3},\"more\":true}|"),
                "{\"parameters\":{\"i\":1},\"continues\":true}|"
                "{\"parameters\":{\"i\":2},\"continues\":true}|"
                "{\"parameters\":{\"i\":3}}|");
        assert_string_equal(answer_to(f, "{\"method\":\"test.Example.Count\",\"parameters\":{\"to\":3}}|"),
                            "{\"parameters\":{\"i\":3}}|");
        assert_string_equal(answer_to(f, MORE("Echo")), "{}|");

        /* No reply to a oneway call, not even an error. */
        assert_string_equal(answer_to(f, ONEWAY("Echo") ONEWAY("Fail") ONEWAY("Nope") ONEWAY("Watch")
                                                 ECHO("{\"number\":1}")),
                            "{\"parameters\":{\"number\":1}}|");
        assert_int_equal(f->reports, 0);

        /* One that is deferred is over at once, and the next call is served. */
        assert_string_equal(answer_to(f, ONEWAY("Later") ECHO("{\"number\":2}")),
                            "{\"parameters\":{\"number\":2}}|");
        assert_int_equal(f->gone, 1);
        assert_null(f->waiters[0].slot.call);
}

/* Whoever keeps a call and returns an error then hears that the call is over. */
static void test_deferred_and_failed(void **state) {
        Fixture *f = *state;

        assert_string_equal(answer_to(f, CALL("LaterFail") ONEWAY("LaterFail") CALL("Echo")),
                            "{\"error\":\"io.systemd.System\",\"parameters\":{\"origin\":\"linux\","
                            "\"errno\":105,\"errnoName\":\"ENOBUFS\"}}|{}|");
        assert_int_equal(f->gone, 2);
        assert_null(f->waiters[0].slot.call);
        assert_null(f->waiters[1].slot.call);
        assert_int_equal(f->reports, 0);
}

/* The same conversation, however it is cut. */
static void test_chunks(void **state) {
#define NOT_FOUND SERVICE_ERROR("MethodNotFound", "{\"method\":\"test.Example.Nope\"}")
#define INVALID SERVICE_ERROR("InvalidParameter", "{\"parameter\":\"to\"}")
        static const char calls[] = ECHO("{\"text\":\"a\"}") ONEWAY("Echo")
                CALL("Nope") " \n{\"method\" : \"test.Example.Echo\" }|" ECHO("{\"list\":[\"x\",\"y\"]}")
                        MORE("Count") ECHO("{\"number\":7}");
        static const char replies[] =
                "{\"parameters\":{\"text\":\"a\"}}|" NOT_FOUND "{}|"
                "{\"parameters\":{\"list\":[\"x\",\"y\"]}}|" INVALID "{\"parameters\":{\"number\":7}}|";
        static const size_t chunks[] = { sizeof(calls) - 1, 1, 2, 7, 143 };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(chunks); i++) {
                Buffer got = BUFFER_INIT(10000);
                int fd = fixture_connect(f);

                for (size_t at = 0; at < sizeof(calls) - 1; at += chunks[i]) {
                        char part[sizeof(calls)];

                        snprintf(part, sizeof(part), "%.*s", (int) chunks[i], calls + at);
                        send_calls(fd, part);
                        pump_turns(f, 3);
                        assert_ok(buffer_puts(&got, received(fd)));
                }
                pump(f);
                assert_ok(buffer_puts(&got, received(fd)));
                assert_string_equal(buffer_cstr(&got), replies);
                buffer_done(&got);
                close(fd);
                pump(f);
                assert_int_equal(vl_server_connections(f->server), 0);
        }
        assert_int_equal(f->reports, 0);
}

static void test_malformed_closes_one(void **state) {
        static const char *const rows[] = {
                "|",
                "x|",
                "{}|",
                "[]|",
                "{\"method\":\"test.Example.Echo\",\"id\":1}|",
                "{\"method\":\"test.Example.Echo\",\"more\":1}|",
                "{\"method\":\"test.Example.Echo\",\"more\":true,\"oneway\":true}|",
                "{\"method\":\"test.Example.Echo\",\"parameters\":[]}|",
                "{\"method\":\"test.Example.Echo\",\"parameters\":{\"text\":\"\xff\"}}|",
        };
        Fixture *f = *state;
        int other = fixture_connect(f);

        send_calls(other, CALL("Later"));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char calls[300];

                /* What came before it is answered; what comes after it is not. */
                snprintf(calls, sizeof(calls), ECHO("{\"number\":1}") "%s" CALL("Echo"), rows[i]);
                assert_string_equal(answer_to(f, calls), "{\"parameters\":{\"number\":1}}|$");
                assert_int_equal(f->reports, i + 1);
                assert_int_equal(f->reason_uid, getuid());
        }

        assert_string_equal(received(other), "");
        assert_ok(vl_call_reply(f->waiters[0].slot.call, NULL));
        pump(f);
        assert_string_equal(received(other), "{}|");
        close(other);
}

static void test_deferred_keeps_the_order(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f);

        send_calls(fd, CALL("Later") ECHO("{\"number\":1}") CALL("Later") ECHO("{\"number\":2}"));
        pump(f);
        assert_string_equal(received(fd), "");
        assert_int_equal(f->calls, 1);

        assert_ok(vl_call_error_string(f->waiters[0].slot.call, "test.Example.No", "why", "x"));
        assert_null(f->waiters[0].slot.call);
        pump(f);
        assert_string_equal(received(fd), "{\"error\":\"test.Example.No\",\"parameters\":{\"why\":\"x\"}}|"
                                          "{\"parameters\":{\"number\":1}}|");
        assert_int_equal(f->calls, 3);
        assert_ok(vl_call_reply(f->waiters[1].slot.call, NULL));
        pump(f);
        assert_string_equal(received(fd), "{}|{\"parameters\":{\"number\":2}}|");
        assert_int_equal(f->gone, 0);
        close(fd);
}

static void test_half_closed_client_is_answered(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f);

        send_calls(fd, CALL("Later") ECHO("{\"number\":1}") "{\"meth");
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        pump(f);
        assert_int_equal(f->gone, 0);
        assert_string_equal(received(fd), "");

        assert_ok(vl_call_reply(f->waiters[0].slot.call, NULL));
        pump(f);
        assert_string_equal(received(fd), "{}|{\"parameters\":{\"number\":1}}|$");
        assert_int_equal(vl_server_connections(f->server), 0);
        close(fd);

        /* Half-closed first, gone later: noticed without anything being sent. */
        fd = fixture_connect(f);
        send_calls(fd, CALL("Later"));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        pump(f);
        assert_int_equal(f->gone, 0);
        close(fd);
        pump(f);
        assert_int_equal(f->gone, 1);
        assert_int_equal(vl_server_connections(f->server), 0);
}

static void test_client_goes_away(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f);

        /* Also with calls behind that nobody has read. */
        send_calls(fd, CALL("Later") CALL("Later"));
        pump(f);
        close(fd);
        pump(f);
        assert_int_equal(f->gone, 1);
        assert_int_equal(f->calls, 1);
        assert_int_equal(vl_server_connections(f->server), 0);
        assert_int_equal(f->reports, 0);

        /* The owner gives a call up. */
        fd = fixture_connect(f);
        send_calls(fd, CALL("Later"));
        pump(f);
        vl_slot_done(&f->waiters[1].slot);
        vl_slot_done(&f->waiters[1].slot);
        pump(f);
        assert_string_equal(received(fd), "$");
        assert_int_equal(f->gone, 1);
        close(fd);

        /* The server ends. */
        fd = fixture_connect(f);
        send_calls(fd, CALL("Later"));
        pump(f);
        f->server = vl_server_free(f->server);
        assert_int_equal(f->gone, 2);
        assert_string_equal(received(fd), "$");
        close(fd);
}

typedef struct Alarm {
        LoopTimer timer;
        Loop *loop;
} Alarm;

static void on_alarm(LoopTimer *timer) {
        loop_exit(container_of(timer, Alarm, timer)->loop, 0);
}

/* While a call waits the loop sleeps: neither data that it does not read nor the end of it wakes it. */
static void test_waiting_costs_nothing(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f);
        Alarm alarm = { .loop = f->loop };
        uint64_t before;

        send_calls(fd, CALL("Later") CALL("Echo"));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        pump(f);

        before = loop_turns(f->loop);
        loop_timer_set(f->loop, &alarm.timer, now_monotonic() + 50 * USEC_PER_MSEC, on_alarm);
        assert_ok(loop_run(f->loop));
        assert_true(loop_turns(f->loop) - before <= 3);
        loop_timer_done(&alarm.timer);
        close(fd);
}

static void test_watch_coalesces(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f), slow = fixture_connect(f);
        int64_t last = -1;
        size_t replies = 0;
        const char *s;

        send_calls(fd, MORE("Watch"));
        send_calls(slow, MORE("Watch"));
        pump(f);
        assert_string_equal(received(fd), "{\"parameters\":{\"state\":0},\"continues\":true}|");

        /* One keeps up, the other reads nothing: it is told of some states and in the end of the newest. */
        for (f->state = 1; f->state < 20000; f->state++) {
                for (size_t i = 0; i < f->n_waiters; i++)
                        waiter_publish(&f->waiters[i]);
                pump_turns(f, 2);
                if (f->state % 100 == 0)
                        (void) received(fd);
        }
        f->state--;
        assert_true(connection_queued(f->waiters[1].slot.call->connection) < 200);
        for (unsigned i = 0; i < 1000 && last != f->state; i++) {
                s = received(slow);
                for (; (s = strstr(s, "\"state\":")); replies++) {
                        s += strlen("\"state\":");
                        assert_true(strtol(s, NULL, 10) > last);
                        last = strtol(s, NULL, 10);
                }
                pump(f);
        }
        assert_int_equal(last, f->state);
        assert_true(replies < 19000);
        assert_true(f->drained > 0);
        assert_int_equal(f->reports, 0);
        close(fd);
        close(slow);
}

int main(void) {
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
        const struct CMUnitTest tests[] = {
                ROW(test_service_interface),
                ROW(test_method_names),
                ROW(test_parameters),
                ROW(test_more_and_oneway),
                ROW(test_chunks),
                ROW(test_malformed_closes_one),
                ROW(test_deferred_and_failed),
                ROW(test_deferred_keeps_the_order),
                ROW(test_half_closed_client_is_answered),
                ROW(test_client_goes_away),
                ROW(test_waiting_costs_nothing),
                ROW(test_watch_coalesces),
        };
        return cmocka_run_group_tests_name("varlink-server", tests, NULL, NULL);
}
