/* SPDX-License-Identifier: Apache-2.0 */

/* Against a name server on the loop of the test. */

#include "test.h"

#include "base/string-util.h"
#include "http-server.h"
#include "http/http.h"
#include "http/resolve.h"

typedef struct Fixture {
        Loop *loop;
        LoopIo io;
        LoopTimer timer;
        int fd;
        unsigned n_asked;
        char servers[64];
        HttpResolve resolve;
        HttpResolveResult result;
        char text[2048];
        unsigned n_end;

        HttpClient *client;
        Server server;
        HttpFetch fetch;
        HttpEnd end;
} Fixture;

typedef struct Question {
        char name[256];
        unsigned type;
        size_t end;
} Question;

static Question read_question(const uint8_t *data, size_t size) {
        Question q = {};
        size_t i = 12, n = 0;

        while (i < size && data[i] != 0) {
                size_t k = data[i++];

                assert_true(i + k < size && n + k + 1 < sizeof(q.name));
                if (n > 0)
                        q.name[n++] = '.';
                memcpy(q.name + n, data + i, k);
                n += k;
                i += k;
        }
        q.type = data[i + 2];
        q.end = i + 5;
        return q;
}

static const uint8_t address_a[] = { 127, 0, 0, 1 };
static const uint8_t address_b[] = { 127, 0, 0, 9 };

static size_t add_answer(uint8_t *data, size_t n, const uint8_t *address) {
        const uint8_t head[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4 };

        memcpy(data + n, head, sizeof(head));
        memcpy(data + n + sizeof(head), address, 4);
        data[7]++;
        return n + sizeof(head) + 4;
}

static void on_question(LoopIo *io, unsigned events) {
        Fixture *f = container_of(io, Fixture, io);
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        uint8_t data[1024];
        ssize_t got = recvfrom(f->fd, data, 512, 0, (struct sockaddr *) &from, &size);
        Question q;
        size_t n;

        assert_true(got > 12);
        f->n_asked++;
        q = read_question(data, (size_t) got);
        if (streq(q.name, "silent.test") || (streq(q.name, "half.test") && q.type != 1))
                return;

        memset(data + 6, 0, 6);
        data[2] = 0x81;
        data[3] = 0x80;
        n = q.end;
        if (streq(q.name, "garbage.test"))
                memset(data + 12, 0xff, n - 12);
        else if (streq(q.name, "half.test"))
                n = add_answer(data, n, address_a);
        else if (!streq(q.name, "api.test") && !streq(q.name, "many.test"))
                data[3] |= 3; /* NXDOMAIN */
        else if (q.type == 1) {
                if (streq(q.name, "api.test")) {
                        n = add_answer(data, n, address_b);
                        n = add_answer(data, n, address_a);
                } else
                        while (n + 16 < 512)
                                n = add_answer(data, n, address_a);
        }
        assert_int_equal(sendto(f->fd, data, n, 0, (struct sockaddr *) &from, size), (ssize_t) n);
}

static void on_request(Peer *peer, const char *text) {
        peer_reply(peer, "200 OK", "ok");
}

static int setup(void **state) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        assert_ok(loop_new(&f->loop));
        f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(f->fd, (struct sockaddr *) &a, size), 0);
        assert_int_equal(getsockname(f->fd, (struct sockaddr *) &a, &size), 0);
        snprintf(f->servers, sizeof(f->servers), "127.0.0.1:%u", ntohs(a.sin_port));
        assert_ok(loop_io_set(f->loop, &f->io, f->fd, LOOP_READ, on_question));
        assert_ok(http_client_new(f->loop, &f->client));
        assert_ok(http_client_set_name_servers(f->client, f->servers));
        server_start(&f->server, f->loop);
        f->server.on_request = on_request;
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        http_resolve_done(&f->resolve);
        http_fetch_done(&f->fetch);
        http_client_free(f->client);
        server_stop(&f->server);
        loop_timer_done(&f->timer);
        loop_io_done(&f->io);
        close(f->fd);
        loop_free(f->loop);
        free(f);
        return 0;
}

static void on_end(HttpResolve *resolve, HttpResolveResult result, const char *text) {
        Fixture *f = container_of(resolve, Fixture, resolve);

        f->n_end++;
        f->result = result;
        snprintf(f->text, sizeof(f->text), "%s", text);
        loop_exit(f->loop, 0);
}

static HttpResolveResult ask(Fixture *f, const char *name, usec_t timeout) {
        usec_t deadline = now_monotonic() + timeout;

        f->n_end = 0;
        assert_ok(http_resolve_start(f->loop, &f->resolve, name, f->servers, deadline, on_end));
        assert_int_equal(f->n_end, 0);
        assert_ok(loop_run(f->loop));
        assert_int_equal(f->n_end, 1);
        return f->result;
}

static void test_addresses(void **state) {
        Fixture *f = *state;

        assert_int_equal(ask(f, "api.test", 5 * USEC_PER_SEC), HTTP_RESOLVE_OK);
        assert_non_null(strstr(f->text, "127.0.0.1"));
        assert_non_null(strstr(f->text, "127.0.0.9"));
        assert_int_equal(f->n_asked, 2);
}

static void test_many_addresses(void **state) {
        Fixture *f = *state;
        unsigned n = 1;

        assert_int_equal(ask(f, "many.test", 5 * USEC_PER_SEC), HTTP_RESOLVE_OK);
        for (const char *p = f->text; (p = strchr(p, ',')); p++)
                n++;
        assert_int_equal(n, 16);
}

static void test_not_found(void **state) {
        Fixture *f = *state;

        assert_int_equal(ask(f, "nothing.test", 5 * USEC_PER_SEC), HTTP_RESOLVE_NOT_FOUND);
        assert_false(isempty(f->text));
        assert_int_equal(ask(f, "", 5 * USEC_PER_SEC), HTTP_RESOLVE_NOT_FOUND);
}

static void test_silent_server(void **state) {
        Fixture *f = *state;
        usec_t begin = now_monotonic();
        uint64_t turns = loop_turns(f->loop);
        HttpResolve *r = &f->resolve;

        assert_int_equal(ask(f, "silent.test", 60 * USEC_PER_MSEC), HTTP_RESOLVE_TIMEOUT);
        /* Where it counted, the name server's own time would be twice as long at least. */
        assert_true(now_monotonic() - begin < 2 * USEC_PER_SEC);
        assert_true(loop_turns(f->loop) - turns < 16);

        /* Dropped at once, at any moment. */
        begin = now_monotonic();
        f->n_end = 0;
        assert_ok(http_resolve_start(f->loop, r, "silent.test", f->servers, USEC_INFINITY, on_end));
        http_resolve_done(&f->resolve);
        assert_true(now_monotonic() - begin < 2 * USEC_PER_SEC);
        assert_int_equal(f->n_end, 0);
}

/* Some name servers, and what stands before them, leave questions for IPv6 addresses unanswered. What is known is
 * used; the whole time of an endpoint, or more, would go by otherwise. */
static void test_silent_for_ipv6(void **state) {
        Fixture *f = *state;
        usec_t begin = now_monotonic();
        _cleanup_free_ char *twice = NULL;

        assert_int_equal(ask(f, "half.test", 5 * USEC_PER_SEC), HTTP_RESOLVE_OK);
        assert_string_equal(f->text, "127.0.0.1");
        assert_true(now_monotonic() - begin < 4 * USEC_PER_SEC);
        /* Also where two of them are asked in turn. */
        assert_ok(asprintf_ret(&twice, "%s,%s", f->servers, f->servers));
        snprintf(f->servers, sizeof(f->servers), "%s", twice);
        begin = now_monotonic();
        assert_int_equal(ask(f, "half.test", 10 * USEC_PER_SEC), HTTP_RESOLVE_OK);
        assert_true(now_monotonic() - begin < 4 * USEC_PER_SEC);
}

static void test_no_server(void **state) {
        Fixture *f = *state;
        HttpResolve *r = &f->resolve;

        snprintf(f->servers, sizeof(f->servers), "127.0.0.1:1");
        assert_int_equal(ask(f, "api.test", 5 * USEC_PER_SEC), HTTP_RESOLVE_TIMEOUT);
        assert_error(http_resolve_start(f->loop, r, "x.test", "nonsense", USEC_INFINITY, on_end), EINVAL);
}

static void test_garbage(void **state) {
        Fixture *f = *state;

        assert_true(ask(f, "garbage.test", 60 * USEC_PER_MSEC) != HTTP_RESOLVE_OK);
}

static void test_own_name(void **state) {
        Fixture *f = *state;
        char own[256] = "";

        assert_int_equal(gethostname(own, sizeof(own) - 1), 0);
        assert_int_equal(ask(f, own, 5 * USEC_PER_SEC), HTTP_RESOLVE_OK);
        assert_string_equal(f->text, "127.0.0.1,[::1]");
}

static void test_local_names(void **state) {
        assert_string_equal(http_resolve_locally("localhost"), "127.0.0.1,[::1]");
        assert_non_null(http_resolve_locally("LocalHost."));
        assert_non_null(http_resolve_locally("a.localhost"));
        assert_null(http_resolve_locally("notlocalhost"));
        assert_null(http_resolve_locally(".localhost"));
        assert_null(http_resolve_locally("localhost.example"));
        assert_null(http_resolve_locally(""));
        assert_null(http_resolve_locally("."));
}

static void on_done(HttpFetch *fetch, HttpEnd end, const char *detail) {
        Fixture *f = container_of(fetch, Fixture, fetch);

        f->end = end;
        snprintf(f->text, sizeof(f->text), "%s", detail);
        loop_exit(f->loop, 0);
}

static HttpEnd get(Fixture *f, const char *host, usec_t timeout) {
        char url[128];
        const HttpRequestSpec spec = { .url = url, .timeout = timeout };

        snprintf(url, sizeof(url), "http://%s:%u/", host, f->server.port);
        assert_ok(http_fetch_start(f->client, &f->fetch, &spec, 99, on_done));
        assert_ok(loop_run(f->loop));
        return f->end;
}

static void test_requests(void **state) {
        Fixture *f = *state;

        /* Nothing listens at the first address. */
        assert_int_equal(get(f, "api.test", 5 * USEC_PER_SEC), HTTP_END_EOF);
        assert_string_equal(f->fetch.body.data, "ok");
        assert_int_equal(get(f, "API.test", 5 * USEC_PER_SEC), HTTP_END_EOF);
        assert_int_equal(get(f, "nothing.test", 5 * USEC_PER_SEC), HTTP_END_RESOLVE);
        assert_non_null(startswith(f->text, "nothing.test: "));
        assert_int_equal(get(f, "silent.test", 60 * USEC_PER_MSEC), HTTP_END_RESOLVE_TIMEOUT);
}

static void on_pause_end(LoopTimer *timer) {
        loop_exit(container_of(timer, Fixture, timer)->loop, 0);
}

/* The loop goes on while a name server is silent, and the request is dropped at once. */
static void test_request_with_silent_server(void **state) {
        const HttpRequestSpec spec = { .url = "http://silent.test/" };
        Fixture *f = *state;
        usec_t begin = now_monotonic();

        assert_ok(http_fetch_start(f->client, &f->fetch, &spec, 99, on_done));
        loop_timer_set(f->loop, &f->timer, begin + 20 * USEC_PER_MSEC, on_pause_end);
        assert_ok(loop_run(f->loop));
        assert_true(http_request_is_active(&f->fetch.request));
        http_fetch_done(&f->fetch);
        assert_true(now_monotonic() - begin < 2 * USEC_PER_SEC);
}

static int group_setup(void **state) {
        return http_global_init();
}

static int group_teardown(void **state) {
        http_global_done();
        return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(test_addresses),
                CASE(test_many_addresses),
                CASE(test_not_found),
                CASE(test_silent_server),
                CASE(test_silent_for_ipv6),
                CASE(test_no_server),
                CASE(test_garbage),
                CASE(test_own_name),
                cmocka_unit_test(test_local_names),
                CASE(test_requests),
                CASE(test_request_with_silent_server),
        };

        return cmocka_run_group_tests_name("http-resolve", tests, group_setup, group_teardown);
}
