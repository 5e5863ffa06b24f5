/* SPDX-License-Identifier: Apache-2.0 */

/* What /readyz and the paths of [Api] checks say, how it comes into the world, and what is reported of it. */

#include "hub-fixture.h"

#include "source-api.h"

typedef struct Fixture {
        HubFixture hub;
        SourceApi *source;
        SourceApiOps ops;
        const char *readyz; /* the whole answer; NULL: the connection is closed */
        const char *livez;
        unsigned n_ready_changed, n_versions, n_refused, n_readyz, n_livez;
} Fixture;

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static Fixture *fixture_of(HubFixture *hub) {
        return container_of(hub, Fixture, hub);
}

static void on_request(Peer *peer, const char *text) {
        Fixture *f = fixture_of(container_of(peer->server, HubFixture, server));
        const char *answer;

        if (startswith(text, "GET /version ")) {
                peer_reply(peer, "200 OK", "{\"gitVersion\":\"v1.31.2\"}");
                return;
        }
        if (startswith(text, "GET /livez ")) {
                f->n_livez++;
                answer = f->livez;
        } else {
                assert_non_null(startswith(text, "GET /readyz "));
                f->n_readyz++;
                answer = f->readyz;
        }
        if (answer)
                peer_send(peer, answer);
        else
                peer_close(peer);
}

static void on_ready_changed(SourceApiOps *ops) {
        container_of(ops, Fixture, ops)->n_ready_changed++;
}

static void on_version(SourceApiOps *ops) {
        container_of(ops, Fixture, ops)->n_versions++;
}

static void on_refused(SourceApiOps *ops) {
        container_of(ops, Fixture, ops)->n_refused++;
}

static Fixture *begin(bool with_kubeconfig) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        f->readyz = f->livez = OK;
        f->ops = (SourceApiOps){ on_ready_changed, on_version, on_refused };
        hub_begin(&f->hub, on_request, with_kubeconfig);
        assert_ok(source_api_new(&f->hub.hub, f->hub.kubeconfig, &f->ops, &f->source));
        return f;
}

static int setup(void **state) {
        *state = begin(true);
        return 0;
}

static int setup_without_kubeconfig(void **state) {
        *state = begin(false);
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        source_api_free(f->source);
        assert_null(f->hub.readiness.world->answers);
        hub_end(&f->hub);
        free(f);
        return 0;
}

static World *world(Fixture *f) {
        return f->hub.readiness.world;
}

static bool is_ready(HubFixture *hub) {
        return hub->readiness.world->api == API_READY;
}

static bool is_not_ready(HubFixture *hub) {
        return hub->readiness.world->api == API_NOT_READY;
}

static bool knows_version(HubFixture *hub) {
        return hub->readiness.world->server_version;
}

static bool has_answer(HubFixture *hub) {
        return world_answer(hub->readiness.world, "/livez");
}

static bool is_told(HubFixture *hub) {
        return hub->n_touched > 0;
}

static void test_ready(void **state) {
        Fixture *f = *state;

        hub_run_until(&f->hub, knows_version);
        assert_int_equal(world(f)->api, API_READY);
        assert_string_equal(world(f)->server_version, "v1.31.2");
        assert_int_equal(f->n_ready_changed, 1);
        assert_int_equal(f->n_versions, 1);
        assert_int_equal(f->n_refused, 0);
        assert_true(f->hub.n_touched >= 2); /* it is ready, and it has a version */

        /* Once it is ready nothing is asked, until a timer or a doubt asks. */
        hub_run_for(&f->hub, 600 * USEC_PER_MSEC);
        assert_int_equal(f->n_readyz, 1);
        source_api_coarse(f->source);
        hub_run_for(&f->hub, 100 * USEC_PER_MSEC);
        assert_int_equal(f->n_readyz, 2);
        assert_int_equal(f->n_ready_changed, 1);
        assert_int_equal(f->n_versions, 1);
}

static void test_not_ready_yet(void **state) {
        Fixture *f = *state;

        f->readyz = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 52\r\n\r\n"
                    "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz no\n";
        hub_run_until(&f->hub, is_not_ready);
        assert_string_equal(world(f)->api_reason, REASON_API_NOT_READY);
        assert_string_equal(world(f)->api_message, "/readyz answered 500: failing: etcd");
        assert_int_equal(f->n_ready_changed, 0);
        f->readyz = OK;
        hub_run_until(&f->hub, is_ready);
        assert_int_equal(f->n_ready_changed, 1);
}

static void test_another_program(void **state) {
        Fixture *f = *state;

        f->readyz = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        hub_run_until(&f->hub, is_not_ready);
        assert_non_null(strstr(world(f)->api_message, "/readyz"));
        assert_int_equal(f->n_ready_changed, 0);
}

/* It is reported, once for each refusal, and not acted upon. */
static void test_refused(void **state) {
        Fixture *f = *state;

        f->readyz = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        hub_run_until(&f->hub, is_not_ready);
        assert_string_equal(world(f)->api_reason, REASON_UNAUTHORIZED);
        assert_int_equal(f->n_refused, 1);
        assert_int_equal(f->hub.n_changed, 0);
        assert_int_equal(f->n_readyz, 1);
}

static void test_out_of_reach(void **state) {
        Fixture *f = *state;

        f->readyz = NULL;
        hub_run_until(&f->hub, is_told);
        assert_int_equal(world(f)->api, API_UNREACHABLE);
        assert_string_equal(world(f)->api_reason, REASON_API_UNREACHABLE);
        assert_int_equal(f->n_ready_changed, 0);
        f->readyz = OK;
        hub_run_until(&f->hub, is_ready);
}

static void test_without_kubeconfig(void **state) {
        Fixture *f = *state;

        hub_run_until(&f->hub, is_told);
        assert_int_equal(world(f)->api, API_UNREACHABLE);
        assert_string_equal(world(f)->api_reason, REASON_KUBECONFIG_MISSING);
        assert_null(world(f)->server);
        assert_int_equal(f->n_readyz, 0);

        /* There is one now: the kubeconfig reports it, and who hears that has this source try again. */
        hub_write_kubeconfig(&f->hub, f->hub.server.port, "t");
        hub_run_for(&f->hub, 200 * USEC_PER_MSEC);
        assert_true(f->hub.n_changed > 0 && f->hub.n_rewritten > 0);
        assert_non_null(world(f)->server);
        assert_int_equal(f->n_readyz, 0);
        source_api_connect_again(f->source, false);
        hub_run_until(&f->hub, is_ready);
}

static void test_doubt(void **state) {
        Fixture *f = *state;

        hub_run_until(&f->hub, knows_version);
        f->readyz = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        source_api_doubt(f->source);
        assert_int_equal(world(f)->api, API_READY); /* a doubt is no answer */
        hub_run_until(&f->hub, is_not_ready);
        assert_int_equal(f->n_ready_changed, 2);

        /* The version is asked again: it may have come back as another release. */
        f->readyz = OK;
        hub_run_until(&f->hub, is_ready);
        hub_run_for(&f->hub, 100 * USEC_PER_MSEC);
        assert_int_equal(f->n_versions, 2);
}

/* Of another server nothing is believed that the former one said. */
static void test_other_server(void **state) {
        Fixture *f = *state;

        hub_run_until(&f->hub, knows_version);
        source_api_connect_again(f->source, true);
        assert_int_equal(world(f)->api, API_UNREACHABLE);
        assert_string_equal(world(f)->api_reason, REASON_NOT_ASKED);
        assert_null(world(f)->server_version);
        assert_int_equal(f->n_ready_changed, 2);
        hub_run_until(&f->hub, knows_version);
        assert_int_equal(f->n_ready_changed, 3);
}

static void test_path(void **state) {
        Fixture *f = *state;

        hub_load_gate(&f->hub, "[Api]\nPath=/livez\n");
        source_api_update(f->source);
        assert_int_equal(f->n_livez, 0); /* the server is not ready yet */
        hub_run_until(&f->hub, is_ready);
        f->livez = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        source_api_update(f->source);
        hub_run_until(&f->hub, has_answer);
        assert_int_equal(world_answer(world(f), "/livez")->evidence, EVIDENCE_FALSE);
        assert_string_equal(world_answer(world(f), "/livez")->reason, REASON_NOT_FOUND);

        /* No check asks for it any more. */
        hub_load_gate(&f->hub, NULL);
        source_api_update(f->source);
        assert_null(world_answer(world(f), "/livez"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_ready),
                TEST(test_not_ready_yet),
                TEST(test_another_program),
                TEST(test_refused),
                TEST(test_out_of_reach),
                cmocka_unit_test_setup_teardown(test_without_kubeconfig, setup_without_kubeconfig, teardown),
                TEST(test_doubt),
                TEST(test_other_server),
                TEST(test_path),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
