/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <sys/resource.h>
#include <sys/un.h>

#include "http-server.h"
#include "source-questions.h"

#include "base/string-util.h"
#include "ready/check-kinds.h"

/* The source with a board of gates and a server. */
typedef struct Fixture {
        Hub hub;
        Readiness readiness;
        LoopDeferred reconsider;
        SourceQuestions *source;
        Server server;
        const char *answer; /* NULL: the connection is closed */
        bool keep_open;
        char url[128];
        CheckDefinition *checks[4];
        size_t n_checks;
        unsigned n_touched, n_wanted;
        LoopTimer hang;
} Fixture;

static void gate_changed(BoardOps *ops, Gate *gate, GateState before, unsigned what) {
}

static void verdict_changed(BoardOps *ops, const Verdict *verdict, GateState before) {
}

static void object_changed(BoardOps *ops, const Gate *gate, const ObjectEdge *edge) {
}

static BoardOps board_ops = { .object_changed = object_changed,
                              .gate_changed = gate_changed,
                              .verdict_changed = verdict_changed };

static void on_reconsider(LoopDeferred *deferred) {
        Fixture *f = container_of(deferred, Fixture, reconsider);

        assert_ok(board_reconsider(&f->readiness.board, f->readiness.world, instant_now(), &board_ops));
        source_questions_update(f->source);
        if (HASH_COUNT(f->readiness.world->answers) >= f->n_wanted && f->n_wanted > 0)
                loop_exit(f->hub.loop, 0);
}

static void on_touched(Hub *hub) {
        Fixture *f = container_of(hub, Fixture, hub);

        f->n_touched++;
        loop_deferred_set(hub->loop, &f->reconsider, on_reconsider);
}

static void on_request(Peer *peer, const char *text) {
        Fixture *f = container_of(peer->server, Fixture, server);

        assert_non_null(strstr(text, "User-Agent: msready/"));
        if (f->answer)
                peer_send(peer, f->answer);
        else
                peer_close(peer);
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        f->hub = (Hub){ .readiness = &f->readiness, .touched = on_touched };
        assert_ok(loop_new(&f->hub.loop));
        assert_ok(http_client_new(f->hub.loop, &f->hub.http));
        assert_ok(world_new(&f->readiness.world));
        f->readiness.board = BOARD_INIT;
        assert_ok(source_questions_new(&f->hub, &f->source));
        server_start(&f->server, f->hub.loop);
        f->server.on_request = on_request;
        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/app", f->server.port);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        source_questions_free(f->source);
        assert_null(f->readiness.world->answers);
        loop_deferred_done(&f->reconsider);
        loop_timer_done(&f->hang);
        board_done(&f->readiness.board);
        world_free(f->readiness.world);
        server_stop(&f->server);
        http_client_free(f->hub.http);
        loop_free(f->hub.loop);
        free(f);
        return 0;
}

static void set(CheckDefinition *d, const char *key, const char *value) {
        const char *why = "";

        if (check_definition_set(d, key, value, &why) < 0)
                fail_msg("%s=%s: %s", key, value, why);
}

static CheckDefinition *want(Fixture *f, const char *url) {
        CheckDefinition **d = &f->checks[f->n_checks++];

        assert_ok(check_definition_new(&check_kind_endpoint.syntax, "", "F", 1, d));
        set(*d, "URL", url);
        return *d;
}

static void want_socket(Fixture *f, const char *address) {
        CheckDefinition **d = &f->checks[f->n_checks++];

        assert_ok(check_definition_new(&check_kind_socket.syntax, "", "F", 1, d));
        set(*d, "Connect", address);
        set(*d, "IntervalSec", "1");
}

/* A gate for each check, the first of them called "a". */
static void load(Fixture *f) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        GateSetup setups[ELEMENTSOF(f->checks)] = {};

        for (size_t i = 0; i < f->n_checks; i++) {
                GateDefinition *d = calloc(1, sizeof(GateDefinition));

                assert_non_null(d);
                assert_ok(asprintf_ret(&d->name, "%c", (char) ('a' + i)));
                d->checks = calloc(1, sizeof(CheckDefinition *));
                d->checks[0] = f->checks[i];
                d->n_checks = 1;
                setups[i] = (GateSetup){ .definition = d, .enabled = true, .timing = GATE_TIMING_DEFAULT };
        }
        assert_ok(board_set(&f->readiness.board, setups, f->n_checks, instant_now(), &warnings, &removed));
        f->n_checks = 0;
        hub_touch(&f->hub);
}

static void on_hang(LoopTimer *timer) {
        fail_msg("no answer for 12 s");
}

/* Runs until so many answers are there. */
static void run(Fixture *f, unsigned n_wanted) {
        f->n_wanted = n_wanted;
        loop_timer_set(f->hub.loop, &f->hang, now_monotonic() + 12 * USEC_PER_SEC, on_hang);
        assert_ok(loop_run(f->hub.loop));
        loop_timer_stop(&f->hang);
}

static void on_enough(LoopTimer *timer) {
        loop_exit(container_of(timer, Fixture, hang)->hub.loop, 0);
}

static void run_for(Fixture *f, usec_t usec) {
        f->n_wanted = 0;
        loop_timer_set(f->hub.loop, &f->hang, now_monotonic() + usec, on_enough);
        assert_ok(loop_run(f->hub.loop));
}

/* Runs until the server has been asked, and left, so often. */
static void run_until(Fixture *f, unsigned n_requests, unsigned n_closed) {
        usec_t end = now_monotonic() + 12 * USEC_PER_SEC;

        while (f->server.n_requests < n_requests || f->server.n_closed < n_closed) {
                assert_true(now_monotonic() < end);
                run_for(f, 10 * USEC_PER_MSEC);
        }
}

static const Report *report(Fixture *f, const char *gate) {
        return &board_find(&f->readiness.board, gate)->report;
}

static void assert_blocked(Fixture *f, const char *gate, Evidence evidence, const char *reason,
                           const char *message) {
        const Report *r = report(f, gate);

        assert_int_equal(r->evidence, evidence);
        assert_int_equal(r->n_blockers, 1);
        assert_string_equal(r->blockers[0].object.kind,
                            board_find(&f->readiness.board, gate)->checks[0].kind->syntax.section);
        assert_string_equal(r->blockers[0].reason, reason);
        if (!glob_matches(message, r->blockers[0].message))
                fail_msg("\"%s\" is not like \"%s\"", r->blockers[0].message, message);
}

static void test_answers(void **state) {
        Fixture *f = *state;

        want(f, f->url);
        load(f);
        run(f, 1);
        assert_int_equal(report(f, "a")->evidence, EVIDENCE_TRUE);
        assert_int_equal(report(f, "a")->ready_objects, 1);
        assert_int_equal(gate_state(board_find(&f->readiness.board, "a")), GATE_READY);
        assert_int_equal(f->server.n_requests, 1);
}

static void test_redirection_is_an_answer(void **state) {
        Fixture *f = *state;

        f->answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n";
        want(f, f->url);
        load(f);
        run(f, 1);
        assert_int_equal(report(f, "a")->evidence, EVIDENCE_TRUE);
}

/* What comes behind the header is neither awaited nor read. */
static void test_body_is_not_read(void **state) {
        Fixture *f = *state;

        f->answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\nx";
        want(f, f->url);
        load(f);
        run(f, 1);
        assert_int_equal(report(f, "a")->evidence, EVIDENCE_TRUE);
        run_until(f, 1, 1);
        assert_int_equal(f->server.n_closed, 1);
}

static void test_wrong_status(void **state) {
        Fixture *f = *state;

        f->answer = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
        want(f, f->url);
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "UnexpectedStatus", "it answered 503, expected 200-399");
        assert_non_null(report(f, "a")->blockers[0].hint);
}

static void test_same_address_other_expectations(void **state) {
        Fixture *f = *state;

        f->answer = "HTTP/1.1 404 Not Found\r\n\r\n";
        want(f, f->url);
        set(want(f, f->url), "ExpectStatus", "401 404");
        set(want(f, f->url), "ExpectStatus", "200,500-599");
        load(f);
        run(f, 3);
        assert_blocked(f, "a", EVIDENCE_FALSE, "UnexpectedStatus", "it answered 404, expected 200-399");
        assert_int_equal(report(f, "b")->evidence, EVIDENCE_TRUE);
        assert_blocked(f, "c", EVIDENCE_FALSE, "UnexpectedStatus", "it answered 404, expected 200,500-599");
        assert_int_equal(f->server.n_requests, 3);
}

static void test_same_check_is_asked_once(void **state) {
        Fixture *f = *state;

        for (int i = 0; i < 3; i++)
                want(f, f->url);
        load(f);
        run(f, 1);
        for (const char *gate = "abc"; *gate; gate++)
                assert_int_equal(report(f, (const char[]){ *gate, '\0' })->evidence, EVIDENCE_TRUE);
        run_for(f, 50 * USEC_PER_MSEC);
        assert_int_equal(f->server.n_requests, 1);
}

static void test_refused(void **state) {
        Fixture *f = *state;
        char url[64];
        unsigned port = 0;

        assert_ok(close(listen_on_loopback(AF_INET, &port)));
        snprintf(url, sizeof(url), "http://localhost:%u/", port);
        want(f, url);
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "ConnectionRefused", "connection refused");
        assert_non_null(strstr(report(f, "a")->blockers[0].hint, "Nothing listens"));
}

static void test_disconnected(void **state) {
        Fixture *f = *state;

        f->answer = NULL;
        want(f, f->url);
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "Disconnected", "the connection broke before the answer");
}

static void test_not_http(void **state) {
        Fixture *f = *state;

        f->answer = "220 mail.example.com ESMTP\r\n";
        want(f, f->url);
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "NotHTTP", "the answer is not HTTP");
}

/* The server does not speak TLS. */
static void test_tls(void **state) {
        Fixture *f = *state;
        char url[64];

        f->answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
        f->server.on_request = on_request;
        snprintf(url, sizeof(url), "https://127.0.0.1:%u/", f->server.port);
        want(f, url);
        load(f);
        /* It waits for the end of a header, which a handshake does not have. */
        run_for(f, 500 * USEC_PER_MSEC);
        assert_int_equal(f->server.n_accepted, 1);
        if (report(f, "a")->n_blockers > 0 && access("/etc/ssl/certs", F_OK) < 0)
                skip_test("libcurl finds no CA certificates");
        peer_send(&f->server.peers[0], f->answer);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "TLS", "TLS failed: *");
        assert_non_null(report(f, "a")->blockers[0].hint);
}

/* Knows no name. */
typedef struct NameServer {
        LoopIo io;
        int fd;
} NameServer;

static void on_question(LoopIo *io, unsigned events) {
        NameServer *server = container_of(io, NameServer, io);
        struct sockaddr_in peer;
        socklen_t size = sizeof(peer);
        uint8_t data[512];
        ssize_t n;

        n = recvfrom(server->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *) &peer, &size);
        if (n < 12)
                return;
        data[2] |= 0x80; /* an answer: */
        data[3] = 0x83;  /* no such domain */
        (void) sendto(server->fd, data, (size_t) n, 0, (const struct sockaddr *) &peer, size);
}

static void name_server_start(NameServer *server, Fixture *f) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        char address[64];

        *server = (NameServer){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
        assert_ok(bind(server->fd, (struct sockaddr *) &a, size));
        assert_ok(getsockname(server->fd, (struct sockaddr *) &a, &size));
        snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(a.sin_port));
        assert_ok(http_client_set_name_servers(f->hub.http, address));
        assert_ok(loop_io_set(f->hub.loop, &server->io, server->fd, LOOP_READ, on_question));
}

static void name_server_stop(NameServer *server) {
        loop_io_done(&server->io);
        close(server->fd);
}

static void test_name_not_found(void **state) {
        Fixture *f = *state;
        NameServer server;

        name_server_start(&server, f);
        want(f, "http://app.apps.nowhere.test/");
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "NameNotFound",
                       "the name does not resolve: app.apps.nowhere.test: *");
        assert_non_null(strstr(report(f, "a")->blockers[0].hint, "wildcard DNS"));
        name_server_stop(&server);
}

static void test_unreadable_ca(void **state) {
        Fixture *f = *state;

        set(want(f, f->url), "CAFile", "/nowhere/ca.pem");
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_NONE, "CAUnreadable",
                       "CAFile=/nowhere/ca.pem: No such file or directory");
        assert_int_equal(f->server.n_requests, 0);
}

/* The CA is another question to the same address. */
static void test_ca_counts(void **state) {
        Fixture *f = *state;

        set(want(f, f->url), "CAFile", "/nowhere/ca.pem");
        want(f, f->url);
        load(f);
        run(f, 2);
        assert_int_equal(report(f, "a")->evidence, EVIDENCE_NONE);
        assert_int_equal(report(f, "b")->evidence, EVIDENCE_TRUE);
}

/* The same failure again is no news, and nobody is told. */
static void test_again_without_news(void **state) {
        Fixture *f = *state;
        unsigned n_touched;

        f->answer = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
        set(want(f, f->url), "IntervalSec", "1");
        load(f);
        run(f, 1);
        n_touched = f->n_touched;
        run_until(f, 2, 0);
        run_for(f, 300 * USEC_PER_MSEC);
        assert_int_equal(f->n_touched, n_touched);

        f->answer = "HTTP/1.1 200 OK\r\n\r\n";
        run_until(f, f->server.n_requests + 1, 0);
        run_for(f, 300 * USEC_PER_MSEC);
        assert_int_equal(gate_state(board_find(&f->readiness.board, "a")), GATE_READY);
}

/* Nothing is asked, and nothing is known, that no enabled gate names; a request on its way is dropped. */
static void test_forgotten(void **state) {
        Fixture *f = *state;

        want(f, f->url);
        load(f);
        run(f, 1);
        gate_set_enabled(board_find(&f->readiness.board, "a"), false, NULL);
        source_questions_update(f->source);
        assert_null(f->readiness.world->answers);

        f->answer = "";
        gate_set_enabled(board_find(&f->readiness.board, "a"), true, NULL);
        source_questions_update(f->source);
        run_until(f, 2, 0);
        assert_int_equal(f->server.n_requests, 2);
        load(f); /* no gates */
        run_until(f, 2, 2);
        assert_int_equal(f->server.n_closed, 2);
        assert_null(f->readiness.world->answers);
}

/* A reload that leaves the check as it is asks nothing again. */
static void test_reload_keeps_answers(void **state) {
        Fixture *f = *state;

        want(f, f->url);
        load(f);
        run(f, 1);
        want(f, f->url);
        load(f);
        run_for(f, 100 * USEC_PER_MSEC);
        assert_int_equal(f->server.n_requests, 1);
        assert_int_equal(gate_state(board_find(&f->readiness.board, "a")), GATE_READY);
}

static void test_idle_without_endpoints(void **state) {
        Fixture *f = *state;
        uint64_t turns;

        load(f);
        run_for(f, 20 * USEC_PER_MSEC);
        turns = loop_turns(f->hub.loop);
        run_for(f, 100 * USEC_PER_MSEC);
        assert_true(loop_turns(f->hub.loop) - turns <= 2);
}

static void assert_question(CheckDefinition *d, const char *expected) {
        _cleanup_free_ char *key = NULL;

        assert_ok(check_kind(d)->question(d, &key));
        assert_string_equal(key, expected);
}

static void test_keys(void **state) {
        _cleanup_(check_definition_freep) CheckDefinition *d = NULL;

        assert_ok(check_definition_new(&check_kind_endpoint.syntax, "", "F", 1, &d));
        set(d, "URL", "http://x/");
        assert_question(d, "http://x/ 200-399");
        set(d, "ExpectStatus", "200-299 404");
        set(d, "CAFile", "/etc/a b.pem");
        set(d, "IntervalSec", "7");
        assert_question(d, "http://x/ 200-299,404-404 /etc/a b.pem");
}

/* Runs until the gate's first blocker has this reason; NULL: until it has none. */
static void run_until_reason(Fixture *f, const char *gate, const char *reason) {
        usec_t end = now_monotonic() + 12 * USEC_PER_SEC;

        for (;;) {
                const Report *r = report(f, gate);

                if (reason ? r->n_blockers > 0 && streq(r->blockers[0].reason, reason)
                           : r->evidence == EVIDENCE_TRUE)
                        return;
                assert_true(now_monotonic() < end);
                run_for(f, 10 * USEC_PER_MSEC);
        }
}

/* Listens where a listener was before. */
static int listen_again(bool v6, unsigned port) {
        struct sockaddr_in a4 = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t) port) };
        struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                   .sin6_port = htons((uint16_t) port) };
        int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

        assert_ok(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
        assert_ok(v6 ? bind(fd, (struct sockaddr *) &a6, sizeof(a6))
                     : bind(fd, (struct sockaddr *) &a4, sizeof(a4)));
        assert_ok(listen(fd, 64));
        return fd;
}

/* Comes late, is there, is gone: a host of each kind, side by side. */
static void test_tcp_socket(void **state) {
        static const struct {
                const char *host;
                bool v6;
        } rows[] = { { "127.0.0.1", false }, { "localhost", true }, { "[::1]", true } };
        char addresses[ELEMENTSOF(rows)][64];
        unsigned ports[ELEMENTSOF(rows)], n = 0;
        int fds[ELEMENTSOF(rows)];
        Fixture *f = *state;

        for (; n < ELEMENTSOF(rows); n++) {
                int fd = listen_on_loopback(rows[n].v6 ? AF_INET6 : AF_INET, &ports[n]);

                if (fd < 0)
                        break; /* a host without IPv6 */
                assert_ok(close(fd));
                snprintf(addresses[n], sizeof(addresses[n]), "%s:%u", rows[n].host, ports[n]);
                want_socket(f, addresses[n]);
        }
        assert_true(n > 0);
        load(f);
        run(f, n);
        for (unsigned i = 0; i < n; i++) {
                const char gate[] = { (char) ('a' + i), '\0' };

                assert_blocked(f, gate, EVIDENCE_FALSE, "ConnectionRefused", "connection refused");
                assert_string_equal(report(f, gate)->blockers[0].object.name, addresses[i]);
                assert_non_null(strstr(report(f, gate)->blockers[0].hint, "ss -ltnp"));
                fds[i] = listen_again(rows[i].v6, ports[i]);
        }
        for (unsigned i = 0; i < n; i++) {
                const char gate[] = { (char) ('a' + i), '\0' };

                run_until_reason(f, gate, NULL);
                assert_int_equal(gate_state(board_find(&f->readiness.board, gate)), GATE_READY);
                assert_ok(close(fds[i]));
        }
        for (unsigned i = 0; i < n; i++)
                run_until_reason(f, (const char[]){ (char) ('a' + i), '\0' }, "ConnectionRefused");
}

static int listen_on_path(const char *path, int type, int backlog) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
        assert_ok(bind(fd, (struct sockaddr *) &a, sizeof(a)));
        if (type == SOCK_STREAM)
                assert_ok(listen(fd, backlog));
        return fd;
}

static void test_unix_socket(void **state) {
        char folder[] = "/tmp/test-questions-XXXXXX", path[64];
        Fixture *f = *state;
        int fd, waiting;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/socket", folder);
        want_socket(f, path);
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "NotFound", "no such socket");
        assert_non_null(strstr(report(f, "a")->blockers[0].hint, "Connect="));

        fd = listen_on_path(path, SOCK_STREAM, 8);
        run_until_reason(f, "a", NULL);
        assert_ok(close(fd)); /* its file stays */
        run_until_reason(f, "a", "ConnectionRefused");
        assert_ok(unlink(path));

        fd = listen_on_path(path, SOCK_DGRAM, 0);
        run_until_reason(f, "a", "Unreachable");
        assert_blocked(f, "a", EVIDENCE_FALSE, "Unreachable",
                       "no route to the address, or the connection is not allowed: *");
        assert_ok(close(fd));
        assert_ok(unlink(path));

        /* A full queue is waited for. */
        fd = listen_on_path(path, SOCK_STREAM, 0);
        waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        {
                struct sockaddr_un a = { .sun_family = AF_UNIX };

                snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
                assert_ok(connect(waiting, (struct sockaddr *) &a, sizeof(a)));
        }
        run_for(f, 2 * USEC_PER_SEC);
        assert_blocked(f, "a", EVIDENCE_FALSE, "Unreachable", "*"); /* no answer yet */
        assert_ok(close(accept(fd, NULL, NULL)));
        run_until_reason(f, "a", NULL);
        assert_ok(close(waiting));
        assert_ok(close(fd));
        assert_ok(unlink(path));
        assert_ok(rmdir(folder));
}

/* What the daemon lacks is told as that, and not as a question that is still to come. */
static void test_no_descriptors(void **state) {
        Fixture *f = *state;
        struct rlimit limit, none;

        assert_ok(getrlimit(RLIMIT_NOFILE, &limit));
        none = limit;
        none.rlim_cur = 0;
        want_socket(f, "/nowhere/socket");
        load(f);
        assert_ok(setrlimit(RLIMIT_NOFILE, &none));
        run(f, 1);
        assert_ok(setrlimit(RLIMIT_NOFILE, &limit));
        assert_blocked(f, "a", EVIDENCE_NONE, "CannotAsk", "it cannot be asked: Too many open files");
        run_until_reason(f, "a", "NotFound");
}

static void test_socket_of_a_name(void **state) {
        Fixture *f = *state;
        NameServer server;

        name_server_start(&server, f);
        want_socket(f, "broker.nowhere.test:1883");
        load(f);
        run(f, 1);
        assert_blocked(f, "a", EVIDENCE_FALSE, "NameNotFound",
                       "the name does not resolve: broker.nowhere.test: *");
        name_server_stop(&server);
}

/* Forgotten with its question on the way. */
static void test_socket_dropped(void **state) {
        Fixture *f = *state;

        assert_ok(http_client_set_name_servers(f->hub.http, "127.0.0.1:1"));
        want_socket(f, "broker.nowhere.test:1883");
        want_socket(f, "192.0.2.1:1883"); /* a network for examples */
        load(f);
        run_for(f, 20 * USEC_PER_MSEC);
        load(f);
        run_for(f, 20 * USEC_PER_MSEC);
        assert_null(f->readiness.world->answers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_answers),
                TEST(test_redirection_is_an_answer),
                TEST(test_body_is_not_read),
                TEST(test_wrong_status),
                TEST(test_same_address_other_expectations),
                TEST(test_same_check_is_asked_once),
                TEST(test_refused),
                TEST(test_disconnected),
                TEST(test_not_http),
                TEST(test_tls),
                TEST(test_name_not_found),
                TEST(test_unreadable_ca),
                TEST(test_ca_counts),
                TEST(test_again_without_news),
                TEST(test_forgotten),
                TEST(test_reload_keeps_answers),
                TEST(test_tcp_socket),
                TEST(test_unix_socket),
                TEST(test_no_descriptors),
                TEST(test_socket_of_a_name),
                TEST(test_socket_dropped),
                TEST(test_idle_without_endpoints),
                cmocka_unit_test(test_keys),
        };
        int r;

        assert_ok(http_global_init());
        r = cmocka_run_group_tests(tests, NULL, NULL);
        http_global_done();
        return r;
}
