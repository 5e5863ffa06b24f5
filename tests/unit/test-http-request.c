/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http-server.h"
#include "http/http.h"

typedef struct Fixture Fixture;

/* A request with what came of it. */
typedef struct Probe {
        HttpRequest request;
        Fixture *fixture;
        HttpStatus status;
        Buffer body;
        HttpEnd end;
        char detail[256];
        unsigned n_status, n_body, n_end;
        uint64_t turn;
        void (*in_status)(struct Probe *probe);
        int (*in_body)(struct Probe *probe);
        void (*in_end)(struct Probe *probe);
} Probe;

struct Fixture {
        Loop *loop;
        HttpClient *client;
        Server server;
        LoopTimer timer;
        Probe probes[4];
        unsigned n_pending;
        char url[128];
        char seen[2048];
        const char *answer;
};

static void on_status(HttpRequest *request, const HttpStatus *status) {
        Probe *p = container_of(request, Probe, request);

        p->n_status++;
        p->status = *status;
        if (p->in_status)
                p->in_status(p);
}

static int on_body(HttpRequest *request, const char *data, size_t size) {
        Probe *p = container_of(request, Probe, request);

        assert_true(size > 0);
        p->n_body++;
        assert_ok(buffer_put(&p->body, data, size));
        return p->in_body ? p->in_body(p) : 0;
}

static void on_end(HttpRequest *request, HttpEnd end, const char *detail) {
        Probe *p = container_of(request, Probe, request);
        Fixture *f = p->fixture;

        assert_false(http_request_is_active(request));
        p->n_end++;
        p->end = end;
        p->turn = loop_turns(f->loop);
        snprintf(p->detail, sizeof(p->detail), "%s", detail);
        if (p->in_end)
                p->in_end(p);
        else if (--f->n_pending == 0)
                loop_exit(f->loop, 0);
}

static const HttpRequestOps probe_ops = {
        .on_status = on_status,
        .on_body = on_body,
        .on_end = on_end,
};

static void on_request(Peer *peer, const char *text) {
        Fixture *f = container_of(peer->server, Fixture, server);

        snprintf(f->seen, sizeof(f->seen), "%s", text);
        if (f->answer)
                peer_send(peer, f->answer);
}

static void on_request_close(Peer *peer, const char *text) {
        peer->close_after = true;
        on_request(peer, text);
        peer_send(peer, "");
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        assert_ok(loop_new(&f->loop));
        assert_ok(http_client_new(f->loop, &f->client));
        server_start(&f->server, f->loop);
        f->server.on_request = on_request;
        snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/path?a=b", f->server.port);
        for (unsigned i = 0; i < ELEMENTSOF(f->probes); i++)
                f->probes[i] = (Probe){ .fixture = f, .body = BUFFER_INIT(1 << 24) };
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        for (unsigned i = 0; i < ELEMENTSOF(f->probes); i++) {
                http_request_done(&f->probes[i].request);
                buffer_done(&f->probes[i].body);
        }
        server_stop(&f->server);
        loop_timer_done(&f->timer);
        http_client_free(f->client);
        loop_free(f->loop);
        free(f);
        return 0;
}

static void on_hang(LoopTimer *timer) {
        fail_msg("nothing happened for 10 s");
}

static void on_pause_end(LoopTimer *timer) {
        loop_exit(container_of(timer, Fixture, timer)->loop, 0);
}

static void run(Fixture *f) {
        loop_timer_set(f->loop, &f->timer, now_monotonic() + 10 * USEC_PER_SEC, on_hang);
        assert_ok(loop_run(f->loop));
        loop_timer_stop(&f->timer);
}

static void run_for(Fixture *f, usec_t usec) {
        loop_timer_set(f->loop, &f->timer, now_monotonic() + usec, on_pause_end);
        assert_ok(loop_run(f->loop));
}

static void start(Fixture *f, unsigned i, const HttpRequestSpec *spec) {
        HttpRequestSpec s = *spec;

        if (!s.url)
                s.url = f->url;
        assert_ok(http_request_start(f->client, &f->probes[i].request, &probe_ops, &s));
        assert_int_equal(f->probes[i].n_status, 0);
        f->n_pending++;
}

static Probe *ask(Fixture *f, const HttpRequestSpec *spec) {
        Probe *p = &f->probes[0];

        buffer_clear(&p->body);
        p->n_status = p->n_body = p->n_end = 0;
        p->end = _HTTP_END_INVALID;
        start(f, 0, spec);
        run(f);
        assert_int_equal(p->n_end, 1);
        return p;
}

static const HttpRequestSpec plain = {};

static void test_answer(void **state) {
        Fixture *f = *state;
        Probe *p;

        f->answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8 \r\n"
                    "Content-Length: 2\r\n\r\nok";
        p = ask(f, &(HttpRequestSpec){ .token = "s3cret", .accept = "application/json" });
        assert_int_equal(p->end, HTTP_END_EOF);
        assert_string_equal(p->detail, "");
        assert_int_equal(p->status.code, 200);
        assert_string_equal(p->status.content_type, "text/plain; charset=utf-8");
        assert_true(p->status.retry_after == USEC_INFINITY);
        assert_string_equal(p->body.data, "ok");

        assert_non_null(startswith(f->seen, "GET /path?a=b HTTP/1.1\r\n"));
        assert_non_null(strstr(f->seen, "\r\nAuthorization: Bearer s3cret\r\n"));
        assert_non_null(strstr(f->seen, "\r\nAccept: application/json\r\n"));
        assert_non_null(strstr(f->seen, "\r\nUser-Agent: msready/"));
        assert_null(strcasestr(f->seen, "Accept-Encoding"));
}

static void test_chunked_in_pieces(void **state) {
        static const size_t pieces[] = { 0, 1, 7, 143 };
        Fixture *f = *state;
        Probe *p;

        f->answer = "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "5\r\nhello\r\n1;x=y\r\n,\r\n6\r\n world\r\n0\r\nRetry-After: 3\r\n\r\n";
        for (unsigned i = 0; i < ELEMENTSOF(pieces); i++) {
                f->server.piece = pieces[i];
                p = ask(f, &plain);
                assert_int_equal(p->end, HTTP_END_EOF);
                assert_string_equal(p->body.data, "hello, world");
                assert_int_equal(p->n_status, 1);
                assert_true(p->status.retry_after == USEC_INFINITY);
        }
        assert_int_equal(f->server.n_accepted, 1); /* the connection was kept */
}

static void test_broken_answers(void **state) {
        static const struct {
                const char *answer;
                HttpEnd end;
        } cases[] = {
                { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", HTTP_END_TRUNCATED },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", HTTP_END_TRUNCATED },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                  HTTP_END_TRUNCATED },
                { "HTTP/1.0 200 OK\r\n\r\nhello", HTTP_END_EOF },
                { "HTTP/1.1 200", HTTP_END_DISCONNECTED },
                { "", HTTP_END_DISCONNECTED },
                { "HTTP/1.1 200 OK\r\n", HTTP_END_DISCONNECTED },
                { "HTTP/1.1 200 OK\r\nContent-Length: 0", HTTP_END_DISCONNECTED },
                { "SSH-2.0-OpenSSH_9.2\r\n\r\n", HTTP_END_PROTOCOL },
                { "\x15\x03\x01\x00\x02\x02\x16", HTTP_END_PROTOCOL },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", HTTP_END_TRUNCATED },
                { "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhel", HTTP_END_PROTOCOL },
                { "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
                  HTTP_END_PROTOCOL },
                { "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx",
                  HTTP_END_EOF },
        };
        Fixture *f = *state;

        f->server.on_request = on_request_close;
        for (unsigned i = 0; i < ELEMENTSOF(cases); i++) {
                Probe *p;

                f->answer = cases[i].answer;
                p = ask(f, &plain);
                if (p->end != cases[i].end)
                        fail_msg("case %u: %s (%s)", i, http_end_describe(p->end), p->detail);
                assert_true(p->end == HTTP_END_EOF || !isempty(p->detail));
        }
}

static void on_request_reset(Peer *peer, const char *text) {
        peer->reset_after = true;
        on_request(peer, text);
        peer_send(peer, "");
}

static void test_reset(void **state) {
        Fixture *f = *state;

        f->server.on_request = on_request_reset;
        assert_int_equal(ask(f, &plain)->end, HTTP_END_DISCONNECTED);
}

static void test_status_is_passed_on(void **state) {
        Fixture *f = *state;
        Probe *p;

        f->answer = "HTTP/1.1 503 Service Unavailable\r\nretry-after:5\r\nContent-Length: 0\r\n\r\n";
        p = ask(f, &plain);
        assert_int_equal(p->end, HTTP_END_EOF);
        assert_int_equal(p->status.code, 503);
        assert_true(p->status.retry_after == 5 * USEC_PER_SEC);
        assert_string_equal(p->status.content_type, "");

        f->answer = "HTTP/1.1 429 Slow\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n";
        assert_true(ask(f, &plain)->status.retry_after == USEC_PER_HOUR);
        f->answer = "HTTP/1.1 429 Slow\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"
                    "Content-Length: 0\r\n\r\n";
        assert_true(ask(f, &plain)->status.retry_after == USEC_INFINITY);
        f->answer = "HTTP/1.1 429 Slow\r\nRetry-After: -1\r\nContent-Length: 0\r\n\r\n";
        assert_true(ask(f, &plain)->status.retry_after == USEC_INFINITY);

        f->answer = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
        f->server.n_requests = 0;
        p = ask(f, &plain);
        assert_int_equal(p->status.code, 302);
        assert_int_equal(f->server.n_requests, 1);
}

static void test_limits(void **state) {
        Fixture *f = *state;
        char large[70000];
        Probe *p;

        f->answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        p = ask(f, &(HttpRequestSpec){ .body_limit = 5 });
        assert_int_equal(p->end, HTTP_END_EOF);
        p = ask(f, &(HttpRequestSpec){ .body_limit = 4 });
        assert_int_equal(p->end, HTTP_END_TOO_LARGE);
        assert_string_equal(p->body.data, "hell");

        /* A field that never ends, and fields without end. */
        memset(large, 'x', sizeof(large) - 1);
        large[sizeof(large) - 1] = '\0';
        memcpy(large, "HTTP/1.1 200 OK\r\nA:", 19);
        f->answer = large;
        f->server.on_request = on_request_close;
        p = ask(f, &plain);
        assert_true(p->end != HTTP_END_EOF);
        for (size_t i = 19; i + 6 < sizeof(large); i += 6)
                memcpy(large + i, "\r\nA: b", 6);
        assert_int_equal(ask(f, &plain)->end, HTTP_END_TOO_LARGE);
}

static int abort_body(Probe *p) {
        return -EBADMSG;
}

static void test_abort(void **state) {
        Fixture *f = *state;

        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        f->probes[0].in_body = abort_body;
        assert_int_equal(ask(f, &plain)->end, HTTP_END_ABORTED);
}

static void test_head_only(void **state) {
        Fixture *f = *state;
        Probe *p;

        f->answer = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5000\r\n\r\nhello";
        p = ask(f, &(HttpRequestSpec){ .head_only = true });
        assert_int_equal(p->end, HTTP_END_EOF);
        assert_int_equal(p->status.code, 200);
        assert_int_equal(p->n_body, 0);
}

static void test_refused(void **state) {
        Fixture *f = *state;
        unsigned port = 0;
        int fd = listen_on_loopback(AF_INET, &port);
        Probe *p;

        close(fd);
        snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/", port);
        p = ask(f, &plain);
        assert_int_equal(p->end, HTTP_END_REFUSED);
        assert_true(strlen(p->detail) > 20);
        assert_null(strstr(p->detail, " after ")); /* so many milliseconds */
        snprintf(f->url, sizeof(f->url), "http://localhost:%u/", port);
        assert_int_equal(ask(f, &plain)->end, HTTP_END_REFUSED);
}

static void test_timeouts(void **state) {
        Fixture *f = *state;
        usec_t begin = now_monotonic();
        Probe *p;

        p = ask(f, &(HttpRequestSpec){ .timeout = 30 * USEC_PER_MSEC });
        assert_int_equal(p->end, HTTP_END_TIMEOUT);
        assert_null(strstr(p->detail, " after "));
        assert_true(now_monotonic() - begin >= 29 * USEC_PER_MSEC);

        /* Long enough for the answer to come, also on a busy machine. */
        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
        p = ask(f, &(HttpRequestSpec){ .timeout = 500 * USEC_PER_MSEC });
        assert_int_equal(p->end, HTTP_END_TIMEOUT);
        assert_string_equal(p->body.data, "hel");
}

static void test_localhost_needs_no_name_server(void **state) {
        static const char *const names[] = { "localhost", "LOCALHOST", "localhost.", "app.localhost" };
        Fixture *f = *state;

        /* A name server that is not there. */
        assert_ok(http_client_set_name_servers(f->client, "127.0.0.1:1"));
        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                Probe *p;

                snprintf(f->url, sizeof(f->url), "http://%s:%u/", names[i], f->server.port);
                p = ask(f, &plain);
                if (p->end != HTTP_END_EOF)
                        fail_msg("%s: %s", names[i], p->detail);
        }
}

static void test_all_addresses_are_tried(void **state) {
        Fixture *f = *state;
        unsigned port = 0;
        int fd = listen_on_loopback(AF_INET6, &port);

        if (fd < 0)
                skip_test("this host has no IPv6");
        /* Nothing listens at this port of 127.0.0.1. */
        server_stop(&f->server);
        server_start_on(&f->server, f->loop, fd, port);
        f->server.on_request = on_request;
        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        snprintf(f->url, sizeof(f->url), "http://localhost:%u/", port);
        assert_int_equal(ask(f, &plain)->end, HTTP_END_EOF);
        snprintf(f->url, sizeof(f->url), "http://[::1]:%u/", port);
        assert_int_equal(ask(f, &plain)->end, HTTP_END_EOF);
}

static void drop_self(Probe *p) {
        http_request_done(&p->request);
        loop_exit(p->fixture->loop, 0);
}

static int drop_self_in_body(Probe *p) {
        drop_self(p);
        return 0;
}

static void test_drop_in_callbacks(void **state) {
        Fixture *f = *state;
        Probe *p = &f->probes[0];

        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        p->in_status = drop_self;
        start(f, 0, &plain);
        run(f);
        assert_int_equal(p->n_body, 0);

        p->in_status = NULL;
        p->n_status = 0;
        p->in_body = drop_self_in_body;
        start(f, 0, &plain);
        run(f);
        assert_int_equal(p->n_body, 1);
        run_for(f, 200 * USEC_PER_MSEC);
        assert_int_equal(p->n_end, 0);
        assert_int_equal(f->server.n_closed, 2); /* the connections are gone, too */
}

static void test_drop_at_any_moment(void **state) {
        Fixture *f = *state;
        Probe *p = &f->probes[0];

        /* Not started, no answer yet, inside the answer, ended but not told. */
        start(f, 0, &plain);
        http_request_done(&p->request);
        for (usec_t t = 0; t < 2 * USEC_PER_MSEC; t += 100) {
                f->answer = t % 200 == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" : NULL;
                p->n_status = 0;
                start(f, 0, &plain);
                run_for(f, t);
                http_request_done(&p->request);
                server_stop(&f->server);
                server_start(&f->server, f->loop);
                f->server.on_request = on_request;
                snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/", f->server.port);
        }
}

static void restart_once(Probe *p) {
        Fixture *f = p->fixture;

        if (p->n_end == 1) {
                p->n_status = 0;
                start(f, 0, &plain);
                f->n_pending--;
        } else
                loop_exit(f->loop, 0);
}

static void test_restart_in_end(void **state) {
        Fixture *f = *state;
        Probe *p = &f->probes[0];

        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        p->in_end = restart_once;
        start(f, 0, &plain);
        run(f);
        assert_int_equal(p->n_end, 2);
        assert_string_equal(p->body.data, "hellohello");
}

static int restart_in_body(Probe *p) {
        Fixture *f = p->fixture;

        if (p->n_body == 1) {
                p->n_status = 0;
                start(f, 0, &plain); /* drops the one that is calling */
                f->n_pending--;
                start(f, 1, &plain);
                http_request_done(&f->probes[2].request);
                f->n_pending--;
        }
        return 0;
}

static void test_others_from_inside(void **state) {
        Fixture *f = *state;
        unsigned port = 0;
        int silent = listen_on_loopback(AF_INET, &port);
        char url[64];

        snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        f->probes[0].in_body = restart_in_body;
        start(f, 0, &plain);
        start(f, 2, &(HttpRequestSpec){ .url = url });
        run(f);
        close(silent);
        assert_string_equal(f->probes[0].body.data, "hellohello");
        assert_int_equal(f->probes[0].n_end, 1);
        assert_int_equal(f->probes[1].n_end, 1);
        assert_int_equal(f->probes[2].n_end, 0);
}

/* All at once, when all have asked. */
static void on_request_gather(Peer *peer, const char *text) {
        Server *s = peer->server;

        for (unsigned i = 0; s->n_requests == 4 && i < s->n_accepted; i++)
                peer_reply(&s->peers[i], "200 OK", "ok");
}

static void test_one_end_per_turn(void **state) {
        Fixture *f = *state;

        f->server.on_request = on_request_gather;
        for (unsigned i = 0; i < 4; i++)
                start(f, i, &plain);
        run(f);
        for (unsigned i = 0; i < 4; i++)
                for (unsigned j = 0; j < i; j++)
                        assert_true(f->probes[i].turn != f->probes[j].turn);
}

static void test_connections(void **state) {
        Fixture *f = *state;

        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        ask(f, &plain);
        ask(f, &plain);
        assert_int_equal(f->server.n_accepted, 1);
        ask(f, &(HttpRequestSpec){ .fresh_connection = true });
        assert_int_equal(f->server.n_accepted, 2);

        /* The server has closed the kept ones meanwhile. */
        for (unsigned i = 0; i < f->server.n_accepted; i++)
                peer_close(&f->server.peers[i]);
        assert_int_equal(ask(f, &plain)->end, HTTP_END_EOF);
        assert_int_equal(f->server.n_accepted, 3);
}

static void test_idle_stream_sleeps(void **state) {
        Fixture *f = *state;
        uint64_t turns;

        f->answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
        start(f, 0, &plain);
        /* The end of the time to connect is not the stream's. */
        start(f, 1, &(HttpRequestSpec){ .connect_timeout = 400 * USEC_PER_MSEC });
        run_for(f, 600 * USEC_PER_MSEC);
        assert_string_equal(f->probes[1].body.data, "hello");

        turns = loop_turns(f->loop);
        run_for(f, 400 * USEC_PER_MSEC);
        assert_true(loop_turns(f->loop) - turns <= 2);
        assert_int_equal(f->probes[1].body.size, 5);
}

/* What the kernel was told about the client's end of the connection. */
static void test_dead_peers_are_found(void **state) {
        Fixture *f = *state;
        bool found = false;

        start(f, 0, &plain);
        run_for(f, 200 * USEC_PER_MSEC);
        for (int fd = 3; fd < 64; fd++) {
                struct sockaddr_in a = {};
                socklen_t size = sizeof(a), n = sizeof(int);
                int keepalive = 0, idle = 0, interval = 0;
                unsigned timeout = 0;

                if (getpeername(fd, (struct sockaddr *) &a, &size) < 0 ||
                    ntohs(a.sin_port) != f->server.port)
                        continue;
                found = true;
                assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keepalive, &n), 0);
                assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &n), 0);
                assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, &n), 0);
                assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &n), 0);
                assert_true(keepalive);
                assert_true(idle + 3 * interval <= 30);
                assert_true(timeout > 0 && timeout <= 30000);
        }
        assert_true(found);
}

static void test_bad_requests(void **state) {
        static const char *const urls[] = {
                "",
                "127.0.0.1:80",
                "ftp://127.0.0.1/",
                "file:///etc/passwd",
                "http://",
                "http://user:password@127.0.0.1/",
                "http://127.0.0.1/a b",
                "http://127.0.0.1/\r\nX: y",
                "http://127.0.0.1:0/",
                "http://127.0.0.1:99999/",
                "http://b\xc3\xbc.example/",
        };
        Fixture *f = *state;
        HttpRequest *r = &f->probes[0].request;

        for (unsigned i = 0; i < ELEMENTSOF(urls); i++) {
                const HttpRequestSpec spec = { .url = urls[i] };

                if (http_request_start(f->client, r, &probe_ops, &spec) != -EINVAL)
                        fail_msg("%s was taken", urls[i]);
                assert_false(http_request_is_active(r));
        }
        assert_error(http_request_start(f->client, r, &probe_ops,
                                        &(HttpRequestSpec){ .url = f->url, .token = "a\r\nX: y" }),
                     EINVAL);
        assert_error(http_request_start(f->client, r, &probe_ops,
                                        &(HttpRequestSpec){ .url = f->url, .accept = "a\nb" }),
                     EINVAL);
}

static Probe *ask_through(Fixture *f, const char *proxy, const char *url) {
        _cleanup_(http_target_unrefp) HttpTarget *target = NULL;

        assert_ok(http_target_new(&(HttpTargetSpec){ .proxy_url = proxy }, &target));
        return ask(f, &(HttpRequestSpec){ .target = target, .url = url });
}

static void test_proxy(void **state) {
        Fixture *f = *state;
        char proxy[64];
        Probe *p;

        assert_ok(http_client_set_name_servers(f->client, "127.0.0.1:1"));
        snprintf(proxy, sizeof(proxy), "http://user:pw@localhost:%u", f->server.port);

        /* The name is the proxy's to resolve. */
        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        p = ask_through(f, proxy, "http://name.invalid/x");
        assert_int_equal(p->end, HTTP_END_EOF);
        assert_non_null(startswith(f->seen, "GET http://name.invalid"));

        f->answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        p = ask_through(f, proxy, "https://name.invalid/x");
        assert_int_equal(p->end, HTTP_END_PROXY);
        assert_int_equal(p->n_status, 0);
        assert_non_null(startswith(f->seen, "CONNECT name.invalid:443 HTTP/1.1\r\n"));
        assert_null(strstr(p->detail, "pw"));

        p = ask_through(f, "socks5://127.0.0.1:1", "https://name.invalid/x");
        assert_int_equal(p->end, HTTP_END_PROXY);
        p = ask_through(f, "http://proxy.invalid:1", "https://name.invalid/x");
        assert_int_equal(p->end, HTTP_END_PROXY);
}

static void test_proxy_of_the_environment(void **state) {
        Fixture *f = *state;

        assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
        assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_int_equal(ask(f, &plain)->end, HTTP_END_EOF);

        /* And none that it exempts. */
        assert_int_equal(setenv("no_proxy", "*", 1), 0);
        assert_int_equal(ask_through(f, "http://127.0.0.1:1", f->url)->end, HTTP_END_PROXY);
        unsetenv("http_proxy");
        unsetenv("ALL_PROXY");
        unsetenv("no_proxy");
}

static void test_bad_targets(void **state) {
        HttpTarget *target = NULL;

        assert_error(http_target_new(&(HttpTargetSpec){ .proxy_url = "ftp://x" }, &target), EINVAL);
        assert_error(http_target_new(&(HttpTargetSpec){ .proxy_url = "proxy:80" }, &target), EINVAL);
        assert_error(http_target_new(&(HttpTargetSpec){ .proxy_url = "http://" }, &target), EINVAL);
        assert_error(http_target_new(&(HttpTargetSpec){ .certificate = "", .certificate_size = 0 }, &target),
                     EINVAL);
        assert_error(http_target_new(&(HttpTargetSpec){ .ca = "x", .ca_size = SIZE_MAX }, &target), E2BIG);
}

typedef struct FetchFixture {
        HttpFetch fetch;
        Loop *loop;
        HttpEnd end;
} FetchFixture;

static void on_fetched(HttpFetch *fetch, HttpEnd end, const char *detail) {
        FetchFixture *ff = container_of(fetch, FetchFixture, fetch);

        ff->end = end;
        loop_exit(ff->loop, 0);
}

static void test_fetch(void **state) {
        Fixture *f = *state;
        const HttpRequestSpec spec = { .url = f->url };
        FetchFixture ff = { .loop = f->loop };

        f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_ok(http_fetch_start(f->client, &ff.fetch, &spec, 5, on_fetched));
        run(f);
        assert_int_equal(ff.end, HTTP_END_EOF);
        assert_int_equal(ff.fetch.status.code, 200);
        assert_string_equal(ff.fetch.body.data, "hello");
        assert_ok(http_fetch_start(f->client, &ff.fetch, &spec, 4, on_fetched));
        run(f);
        assert_int_equal(ff.end, HTTP_END_TOO_LARGE);
        assert_string_equal(ff.fetch.body.data, "hell");
        assert_ok(http_fetch_start(f->client, &ff.fetch, &spec, 4, on_fetched));
        http_fetch_done(&ff.fetch);
}

static int global_setup(void **state) {
        return http_global_init();
}

static int global_teardown(void **state) {
        http_global_done();
        return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(test_answer),
                CASE(test_chunked_in_pieces),
                CASE(test_broken_answers),
                CASE(test_reset),
                CASE(test_status_is_passed_on),
                CASE(test_limits),
                CASE(test_abort),
                CASE(test_head_only),
                CASE(test_refused),
                CASE(test_timeouts),
                CASE(test_localhost_needs_no_name_server),
                CASE(test_all_addresses_are_tried),
                CASE(test_drop_in_callbacks),
                CASE(test_drop_at_any_moment),
                CASE(test_restart_in_end),
                CASE(test_others_from_inside),
                CASE(test_one_end_per_turn),
                CASE(test_connections),
                CASE(test_idle_stream_sleeps),
                CASE(test_dead_peers_are_found),
                CASE(test_bad_requests),
                CASE(test_proxy),
                CASE(test_proxy_of_the_environment),
                CASE(test_bad_targets),
                CASE(test_fetch),
        };

        return cmocka_run_group_tests_name("http-request", tests, global_setup, global_teardown);
}
