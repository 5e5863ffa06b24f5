/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/limits.h"
#include "varlink-fixture.h"

#define CALL(m) "{\"method\":\"test.Example." m "\"}|"

static int setup(void **state) {
        *state = fixture_new();
        return 0;
}

static int teardown(void **state) {
        fixture_free(*state);
        return 0;
}

typedef struct Alarm {
        LoopTimer timer;
        Loop *loop;
} Alarm;

static void on_alarm(LoopTimer *timer) {
        loop_exit(container_of(timer, Alarm, timer)->loop, 0);
}

/* Lets the loop run, and sleep, for some time. */
static void run_for(Fixture *f, usec_t usec) {
        Alarm alarm = { .loop = f->loop };

        loop_timer_set(f->loop, &alarm.timer, now_monotonic() + usec, on_alarm);
        assert_ok(loop_run(f->loop));
        loop_timer_done(&alarm.timer);
}

/* Sends as the peer takes it, turning the loop in between. Returns how much it took. */
static size_t feed(Fixture *f, int fd, const char *data, size_t size) {
        size_t at = 0;

        for (unsigned i = 0; i < 200 && at < size; i++) {
                ssize_t n = send(fd, data + at, size - at, MSG_NOSIGNAL);

                if (n > 0)
                        at += (size_t) n;
                else if (errno != EAGAIN)
                        break;
                pump_turns(f, 3);
        }
        pump(f);
        return at;
}

/* A call whose message is exactly size bytes, without its NUL. */
static char *call_of_size(size_t size) {
        static const char head[] = "{\"method\":\"test.Example.Echo\",\"parameters\":{\"text\":\"";
        char *s = malloc(size + 1);

        assert_non_null(s);
        memset(s, 'x', size);
        memcpy(s, head, sizeof(head) - 1);
        memcpy(s + size - 3, "\"}}", 4);
        return s;
}

static void test_message_size(void **state) {
        Fixture *f = *state;

        for (size_t excess = 0; excess < 3; excess++) {
                size_t size = LIMIT_VARLINK_IN + excess;
                _cleanup_free_ char *call = call_of_size(size);
                int fd = fixture_connect(f);

                feed(f, fd, call, size + 1);
                if (excess == 0) {
                        assert_int_equal(f->reports, 0);
                        assert_int_equal(f->calls, 1);
                } else {
                        assert_int_equal(f->reports, excess);
                        assert_string_equal(f->reason, "message is too large");
                        assert_int_equal(vl_server_connections(f->server), 0);
                }
                close(fd);
                pump(f);
        }

        /* Without an end, as much as anybody likes to send. */
        _cleanup_free_ char *endless = malloc(LIMIT_VARLINK_IN * 4);
        int fd = fixture_connect(f);

        memset(endless, ' ', LIMIT_VARLINK_IN * 4);
        assert_true(feed(f, fd, endless, LIMIT_VARLINK_IN * 4) < LIMIT_VARLINK_IN * 4);
        assert_int_equal(f->reports, 3);
        close(fd);
}

static void test_half_sent_message(void **state) {
        Fixture *f = *state;
        int fd, idle, pending;

        f->server->half_sent_usec = 60 * USEC_PER_MSEC;
        fd = fixture_connect(f);
        idle = fixture_connect(f);
        pending = fixture_connect(f);
        send_calls(idle, CALL("Echo"));
        send_calls(pending, CALL("Later") "{\"me");
        send_calls(fd, CALL("Echo") "{");
        pump(f);
        /* More of it does not buy more time. */
        for (unsigned i = 0; i < 4; i++) {
                run_for(f, 20 * USEC_PER_MSEC);
                (void) send(fd, " ", 1, MSG_NOSIGNAL);
        }
        run_for(f, 20 * USEC_PER_MSEC);
        assert_string_equal(received(fd), "{}|$");
        assert_string_equal(f->reason, "the rest of a message did not arrive");
        assert_int_equal(f->reports, 1);

        /* One that says nothing is welcome, and one that waits for us is not at fault. */
        assert_string_equal(received(idle), "{}|");
        assert_string_equal(received(pending), "");
        assert_ok(vl_call_reply(f->waiters[0].slot.call, NULL));
        run_for(f, 100 * USEC_PER_MSEC);
        assert_string_equal(received(pending), "{}|$");
        assert_int_equal(f->reports, 2);
        close(fd);
        close(idle);
        close(pending);
}

/* A call that waits keeps nothing of its message, which may be thirty times as large when it is decoded. */
static void test_waiting_keeps_no_message(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f);

        send_calls(fd, "{\"method\":\"test.Example.Watch\",\"more\":true,\"org.example\":[[],[],[]]}|");
        pump(f);
        assert_string_equal(received(fd), "{\"parameters\":{\"state\":0},\"continues\":true}|");
        assert_null(f->waiters[0].slot.call->request.root);
        assert_true(vl_call_wants_more(f->waiters[0].slot.call));
        close(fd);
        pump(f);
        assert_int_equal(f->gone, 1);
}

static void test_reply_size(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f);
        static char big[1 << 20];
        size_t got = 0;

        /* More than a reply may be: an error says so, and the connection lives. */
        send_calls(fd, "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":16777216}}|" CALL("Echo"));
        pump(f);
        assert_string_equal(received(fd),
                            "{\"error\":\"io.systemd.System\",\"parameters\":{\"origin\":\"linux\","
                            "\"errno\":90,\"errnoName\":\"EMSGSIZE\"}}|{}|");

        /* As much as fits. */
        send_calls(fd, "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":16777000}}|" CALL("Echo"));
        for (unsigned i = 0; i < 2000; i++) {
                ssize_t n;

                pump_turns(f, 2);
                while ((n = recv(fd, big, sizeof(big), 0)) > 0)
                        got += (size_t) n;
        }
        assert_int_equal(got, 16777000 + strlen("{\"parameters\":{\"s\":\"\"}}") + 1 + 3);
        assert_int_equal(f->reports, 0);
        assert_int_equal(f->server->users->queued, 0);
        close(fd);
}

/* One who sends calls and reads nothing is served as far as his socket takes it, and waits; he costs no
 * memory to speak of. */
static void test_calls_without_reading(void **state) {
        static const char call[] = "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":3000}}";
        Fixture *f = *state;
        int fd = fixture_connect(f);
        size_t sent = 0, replies = 0;

        for (unsigned i = 0; i < 5000; i++) {
                ssize_t n = send(fd, call, sizeof(call), MSG_NOSIGNAL);

                if (n < 0)
                        break;
                assert_int_equal(n, sizeof(call));
                sent++;
                pump_turns(f, 2);
        }
        assert_true(sent > f->calls);
        assert_true(connection_queued(f->server->connections) <= KIB(64) + 4000);
        assert_true(f->server->connections->in.allocated <= KIB(65));

        for (unsigned i = 0; i < 3000 && replies < sent; i++) {
                for (const char *s = received(fd); *s; s++)
                        replies += *s == '|';
                pump_turns(f, 2);
        }
        assert_int_equal(replies, sent);
        assert_int_equal(f->reports, 0);
        close(fd);
}

/* A publisher that does not ask whether it can send: the peer is dropped, and its owner told. */
static void test_queue_full(void **state) {
        Fixture *f = *state;
        int fd = fixture_connect(f);
        _cleanup_(jv_freep) JsonValue *p = NULL;
        _cleanup_free_ char *s = calloc(1, KIB(512));
        size_t n = 0;
        int r;

        memset(s, 'x', KIB(512) - 1);
        p = json_of_string("s", s);
        send_calls(fd, "{\"method\":\"test.Example.Watch\",\"more\":true}|");
        pump(f);
        while ((r = vl_call_notify(f->waiters[0].slot.call, p)) >= 0)
                n++;
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(n, LIMIT_VARLINK_OUT / (KIB(512) + 30));
        assert_int_equal(f->gone, 0);
        pump(f);
        assert_int_equal(f->gone, 1);
        assert_string_equal(f->reason, "is not reading what it is sent");
        assert_int_equal(vl_server_connections(f->server), 0);
        assert_null(f->server->users);
        close(fd);
}

/* One that takes nothing at all is dropped after a time; one that takes a little lives on. */
static void test_unread_reply(void **state) {
        static char data[512 * 1024];
        Fixture *f = *state;
        int slow, stopped;

        f->server->unread_usec = USEC_PER_SEC;
        slow = fixture_connect(f);
        stopped = fixture_connect(f);
        send_calls(slow, "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":8000000}}|");
        send_calls(stopped, "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":8000000}}|");
        pump(f);
        assert_int_equal(f->reports, 0);
        for (unsigned i = 0; i < 30 && f->reports == 0; i++) {
                run_for(f, 100 * USEC_PER_MSEC);
                assert_true(recv(slow, data, sizeof(data), MSG_DONTWAIT) > 0);
                pump(f);
        }
        assert_int_equal(f->reports, 1);
        assert_string_equal(f->reason, "is not reading what it is sent");
        assert_int_equal(vl_server_connections(f->server), 1);
        close(slow);
        close(stopped);
}

static void test_queues_of_one_user(void **state) {
        Fixture *f = *state;
        int fds[8];

        /* Each within its own limit; the fifth would take the user over his. */
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = fixture_connect(f);
                send_calls(fds[i], "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":16000000}}|");
        }
        pump(f);
        assert_true(f->server->users->queued <= LIMIT_VARLINK_OUT_PER_UID);
        assert_int_equal(f->reports, 4);
        assert_int_equal(vl_server_connections(f->server), 4);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
        pump(f);
        assert_null(f->server->users);
}

/* However many ask, the rest of the loop has its turn; and whoever asks for much waits for the others. */
static void test_turns_end(void **state) {
        Fixture *f = *state;
        size_t turns = 0, before;
        int fds[20], last;

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = fixture_connect(f);
        last = fixture_connect(f);
        pump(f);
        f->server->turn_usec = 0;
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                for (size_t k = 0; k < 50; k++)
                        send_calls(fds[i], CALL("Echo"));
        send_calls(last, CALL("Echo"));
        do {
                before = f->calls;
                pump_turns(f, 2);
                assert_true(f->calls - before <= 2);
                turns++;
        } while (*received(last) == '\0' && turns < 1000);
        assert_true(turns < 200);
        assert_true(f->calls < 200);

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
        close(last);
        for (size_t i = 0; i < 3000 && vl_server_connections(f->server) > 0; i++)
                pump(f);
        assert_int_equal(vl_server_connections(f->server), 0);
}

/* A connection of a user that we are not. */
static int connect_as(Fixture *f, uid_t uid) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_ok(connection_new(f->server, fds[1], &(VlPeer){ .uid = uid }));
        return fds[0];
}

/* Who has many users of his own (subuid(5)) takes neither memory without end nor the place of root. */
static void test_many_users(void **state) {
        Fixture *f = *state;
        int fds[20], root;

        assert_true(geteuid() < 100000);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = connect_as(f, 100000 + (uid_t) i);
                send_calls(fds[i], "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":16000000}}|");
                pump(f);
                assert_true(f->server->queued <= LIMIT_VARLINK_OUT_IN_ALL);
        }
        assert_string_equal(f->reason, "all users together leave too much unread");
        assert_int_equal(vl_server_connections(f->server), LIMIT_VARLINK_OUT_IN_ALL / 16000000);

        root = connect_as(f, 0);
        send_calls(root, "{\"method\":\"test.Example.Big\",\"parameters\":{\"size\":16000000}}|");
        pump(f);
        assert_true(vl_server_connections(f->server) > LIMIT_VARLINK_OUT_IN_ALL / 16000000);
        close(root);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                close(fds[i]);
        pump(f);
        assert_int_equal(f->server->queued, 0);

        f->server->limit_connections = 5;
        f->server->limit_connections_of_root = 2;
        for (size_t i = 0; i < 3; i++) {
                assert_ok(server_admit(f->server, &(VlPeer){ .uid = 100000 }));
                fds[i] = connect_as(f, 100000 + (uid_t) i);
        }
        assert_error(server_admit(f->server, &(VlPeer){ .uid = 100000 }), EUSERS);
        assert_ok(server_admit(f->server, &(VlPeer){ .uid = 0 }));
        assert_ok(server_admit(f->server, &(VlPeer){ .uid = geteuid() }));
        for (size_t i = 0; i < 3; i++)
                close(fds[i]);
        pump(f);
}

static void test_connections(void **state) {
        Fixture *f = *state;
        int fds[2], clients[3];

        f->server->limit_connections_per_uid = 3;
        for (size_t i = 0; i < ELEMENTSOF(clients); i++)
                clients[i] = fixture_connect(f);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        assert_error(vl_server_add_connection(f->server, fds[1]), EUSERS);
        assert_string_equal(f->reason, "too many connections of this user");
        assert_string_equal(received(fds[0]), "$");
        close(fds[0]);

        f->server->limit_connections = 3;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        assert_error(vl_server_add_connection(f->server, fds[1]), EUSERS);
        assert_string_equal(f->reason, "too many connections");
        close(fds[0]);
        assert_int_equal(vl_server_connections(f->server), 3);
        for (size_t i = 0; i < ELEMENTSOF(clients); i++)
                close(clients[i]);
        pump(f);
        assert_int_equal(vl_server_connections(f->server), 0);
}

static void test_reports_are_few(void **state) {
        Fixture *f = *state;

        for (unsigned i = 0; i < 100; i++)
                assert_string_equal(answer_to(f, "|"), "$");
        assert_int_equal(f->reports, 20);
        assert_non_null(strstr(f->reason, "many"));
        f->server->reports_since -= 31 * USEC_PER_SEC;
        assert_string_equal(answer_to(f, "|"), "$");
        assert_int_equal(f->reports, 21);
}

static int connect_path(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
                close(fd);
                return -errno;
        }
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        return fd;
}

static void test_path(void **state) {
        Fixture *f = *state;
        char folder[] = "/tmp/test-varlink-XXXXXX", path[64], too_long[200];
        VlServer *second = NULL;
        struct stat st;
        int fd;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/socket", folder);
        memset(too_long, 'x', sizeof(too_long) - 1);
        too_long[sizeof(too_long) - 1] = '\0';
        assert_error(vl_server_listen_path(f->server, too_long), ENAMETOOLONG);

        /* What is no socket stays. */
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(fd);
        assert_error(vl_server_listen_path(f->server, path), EADDRINUSE);
        assert_int_equal(unlink(path), 0);

        assert_ok(vl_server_listen_path(f->server, path));
        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0666);
        fd = connect_path(path);
        send_calls(fd, CALL("Echo"));
        pump(f);
        assert_string_equal(received(fd), "{}|");
        close(fd);

        /* A live one is not replaced, nor removed by who comes later. */
        assert_ok(vl_server_new(f->loop, &f->service, &second));
        assert_error(vl_server_listen_path(second, path), EADDRINUSE);
        second = vl_server_free(second);
        assert_int_equal(lstat(path, &st), 0);

        /* A dead one is. */
        f->server->path_inode++;
        f->server = vl_server_free(f->server);
        assert_int_equal(lstat(path, &st), 0);
        assert_error(connect_path(path), ECONNREFUSED);
        assert_ok(vl_server_new(f->loop, &f->service, &f->server));
        assert_ok(vl_server_listen_path(f->server, path));
        for (unsigned i = 0; i < 3; i++) {
                fd = connect_path(path);
                assert_true(fd >= 0);
                send_calls(fd, CALL("Echo"));
                pump(f);
                assert_string_equal(received(fd), "{}|");
                close(fd);
        }

        /* And our own goes with us. */
        f->server = vl_server_free(f->server);
        assert_int_equal(lstat(path, &st), -1);
        assert_int_equal(rmdir(folder), 0);
}

static void test_out_of_descriptors(void **state) {
        Fixture *f = *state;
        char folder[] = "/tmp/test-varlink-XXXXXX", path[64];
        struct rlimit limit, old;
        int fds[20], old_client;
        uint64_t before;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/socket", folder);
        f->server->resume_usec = 50 * USEC_PER_MSEC;
        assert_ok(vl_server_listen_path(f->server, path));
        old_client = connect_path(path);
        pump(f);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = connect_path(path);
                assert_true(fds[i] >= 0);
        }

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        limit = (struct rlimit){ (rlim_t) fds[ELEMENTSOF(fds) - 1] + 6, old.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        before = loop_turns(f->loop);
        run_for(f, 120 * USEC_PER_MSEC);
        assert_true(loop_turns(f->loop) - before < 40);
        assert_string_equal(f->reason, "out of file descriptors, accepting paused");
        assert_in_range(vl_server_connections(f->server), 2, 10);

        /* Those who are in are served meanwhile. */
        send_calls(old_client, CALL("Echo"));
        pump(f);
        assert_string_equal(received(old_client), "{}|");

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        run_for(f, 120 * USEC_PER_MSEC);
        assert_int_equal(vl_server_connections(f->server), ELEMENTSOF(fds) + 1);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                send_calls(fds[i], CALL("Echo"));
                pump(f);
                assert_string_equal(received(fds[i]), "{}|");
                close(fds[i]);
        }
        close(old_client);
        f->server = vl_server_free(f->server);
        assert_int_equal(rmdir(folder), 0);
}

int main(void) {
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
        const struct CMUnitTest tests[] = {
                ROW(test_message_size), ROW(test_half_sent_message),
                ROW(test_reply_size),   ROW(test_calls_without_reading),
                ROW(test_queue_full),   ROW(test_queues_of_one_user),
                ROW(test_connections),  ROW(test_reports_are_few),
                ROW(test_path),         ROW(test_out_of_descriptors),
                ROW(test_unread_reply), ROW(test_waiting_keeps_no_message),
                ROW(test_many_users),   ROW(test_turns_end),
        };
        return cmocka_run_group_tests_name("varlink-limits", tests, NULL, NULL);
}
