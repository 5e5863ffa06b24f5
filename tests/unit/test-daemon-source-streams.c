/* SPDX-License-Identifier: Apache-2.0 */

/* Which streams there are, what comes of their objects, and what is reported of their ends. */

#include "hub-fixture.h"

#include "source-streams.h"

typedef struct Fixture {
        HubFixture hub;
        SourceStreams *source;
        SourceStreamsOps ops;
        unsigned n_doubts, n_refused;
        unsigned n_nodes, n_daemonsets; /* asked for */
        Peer *daemonsets;               /* who asked last */
        const char *refusal;            /* the answer to all; NULL: streams begin */
} Fixture;

#define BEGIN "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
#define DAEMONSET(version)                                                                                       \
        "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"DaemonSet\",\"metadata\":{"       \
        "\"namespace\":\"openshift-dns\",\"name\":\"dns-default\",\"uid\":\"u1\",\"resourceVersion\":\"" version \
        "\"},\"spec\":{\"template\":{}}}}\n"
#define END_OF_LIST                                                                                           \
        "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"DaemonSet\",\"apiVersion\":\"apps/v1\",\"metadata\":{" \
        "\"resourceVersion\":\"10\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"

static Fixture *fixture_of(HubFixture *hub) {
        return container_of(hub, Fixture, hub);
}

static void send_chunk(Peer *peer, const char *text) {
        char size[32];

        snprintf(size, sizeof(size), "%zx\r\n", strlen(text));
        peer_send(peer, size);
        peer_send(peer, text);
        peer_send(peer, "\r\n");
}

static void on_request(Peer *peer, const char *text) {
        Fixture *f = fixture_of(container_of(peer->server, HubFixture, server));

        if (startswith(text, "GET /api/v1/nodes?"))
                f->n_nodes++;
        else if (startswith(text, "GET /apis/apps/v1/daemonsets?")) {
                f->n_daemonsets++;
                f->daemonsets = peer;
        }
        peer_send(peer, f->refusal ?: BEGIN);
}

static void on_doubt(SourceStreamsOps *ops) {
        container_of(ops, Fixture, ops)->n_doubts++;
}

static void on_refused(SourceStreamsOps *ops) {
        container_of(ops, Fixture, ops)->n_refused++;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        f->ops = (SourceStreamsOps){ on_doubt, on_refused };
        hub_begin(&f->hub, on_request, true);
        assert_ok(source_streams_new(&f->hub.hub, f->hub.kubeconfig, &f->ops, &f->source));
        hub_load_gate(&f->hub, "[Workload]\nKind=DaemonSet\nNamespace=openshift-dns\nName=dns-default\n");
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        source_streams_free(f->source);
        assert_null(f->hub.readiness.world->streams);
        hub_end(&f->hub);
        free(f);
        return 0;
}

static World *world(Fixture *f) {
        return f->hub.readiness.world;
}

static void set_api(Fixture *f, ApiState state) {
        assert_ok(world_set_api(world(f), state, NULL, NULL, instant_now()));
        source_streams_api_changed(f->source);
}

static bool asked_daemonsets(HubFixture *hub) {
        return fixture_of(hub)->daemonsets;
}

/* Each stream has a connection of its own, and any may come first. */
static bool asked_all(HubFixture *hub) {
        return asked_daemonsets(hub) && fixture_of(hub)->n_nodes > 0;
}

static bool has_daemonset(HubFixture *hub) {
        return world_find(hub->readiness.world, KUBE_DAEMONSET, "openshift-dns", "dns-default");
}

static bool daemonsets_in_sync(HubFixture *hub) {
        const char *reason, *message;

        return world_role_in_sync(hub->readiness.world, STREAM_DAEMONSETS, NULL, &reason, &message);
}

static bool daemonsets_out_of_sync(HubFixture *hub) {
        return !daemonsets_in_sync(hub);
}

static bool is_refused(HubFixture *hub) {
        return fixture_of(hub)->n_refused >= 2;
}

static bool has_doubt(HubFixture *hub) {
        return fixture_of(hub)->n_doubts > 0;
}

/* Until the daemon set's stream is listed and in sync. */
static void play_to_sync(Fixture *f) {
        set_api(f, API_READY);
        source_streams_update(f->source);
        hub_run_until(&f->hub, asked_daemonsets);
        send_chunk(f->daemonsets, DAEMONSET("9"));
        send_chunk(f->daemonsets, END_OF_LIST);
        hub_run_until(&f->hub, daemonsets_in_sync);
}

/* Nothing is asked before /readyz has answered 200. */
static void test_waits_for_the_api(void **state) {
        Fixture *f = *state;

        source_streams_update(f->source);
        hub_run_for(&f->hub, 100 * USEC_PER_MSEC);
        assert_int_equal(f->hub.server.n_requests, 0);
        set_api(f, API_READY);
        hub_run_until(&f->hub, asked_all);
        assert_int_equal(f->n_nodes, 1);
}

static void test_objects(void **state) {
        Fixture *f = *state;
        unsigned touched;

        play_to_sync(f);
        assert_true(has_daemonset(&f->hub));
        assert_true(world(f)->totals.requests >= 2);
        assert_true(world(f)->totals.events >= 2);
        assert_true(world(f)->totals.bytes > strlen(DAEMONSET("9")));
        assert_int_equal(world(f)->totals.restarts, 0);

        touched = f->hub.n_touched;
        send_chunk(f->daemonsets, "{\"type\":\"DELETED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":"
                                  "\"DaemonSet\",\"metadata\":{\"namespace\":\"openshift-dns\",\"name\":"
                                  "\"dns-default\",\"uid\":\"u1\",\"resourceVersion\":\"11\"}}}\n");
        hub_run_for(&f->hub, 100 * USEC_PER_MSEC);
        assert_false(has_daemonset(&f->hub));
        assert_true(f->hub.n_touched > touched);
}

/* A refusal is reported and waits for the credentials to be read; then the stream tries what there is now. */
static void test_refused(void **state) {
        Fixture *f = *state;
        unsigned asked;

        f->refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        set_api(f, API_READY);
        source_streams_update(f->source);
        hub_run_until(&f->hub, is_refused);
        assert_int_equal(f->hub.n_changed, 0);
        asked = f->hub.server.n_requests;

        f->refusal = NULL;
        hub_write_kubeconfig(&f->hub, f->hub.server.port, "other");
        assert_int_equal(source_kubeconfig_reread(f->hub.kubeconfig), 1);
        source_streams_credentials_read(f->source, true);
        hub_run_for(&f->hub, 50 * USEC_PER_MSEC);
        assert_true(f->hub.server.n_requests > asked);
}

static void test_doubt(void **state) {
        Fixture *f = *state;

        play_to_sync(f);
        assert_int_equal(f->n_doubts, 0);
        peer_close(f->daemonsets);
        hub_run_until(&f->hub, has_doubt);

        /* The API is found to be away: nothing of it is believed, and nothing is asked. */
        set_api(f, API_UNREACHABLE);
        assert_true(daemonsets_out_of_sync(&f->hub));
}

/* A stream that no gate needs ends; what it brought goes with it. */
static void test_not_wanted(void **state) {
        Fixture *f = *state;

        play_to_sync(f);
        hub_load_gate(&f->hub, "[Api]\n");
        source_streams_update(f->source);
        hub_run_for(&f->hub, 50 * USEC_PER_MSEC);
        assert_false(has_daemonset(&f->hub));
        for (const WorldStream *s = world(f)->streams; s; s = s->next)
                assert_int_not_equal(s->role, STREAM_DAEMONSETS);
        assert_true(world(f)->totals.events >= 2); /* what was counted stays counted */
}

/* For another server or other gates each stream is replaced: the old one speaks until the new one is in sync. */
static void test_connect_again(void **state) {
        Fixture *f = *state;
        Peer *old;

        play_to_sync(f);
        old = f->daemonsets;
        f->daemonsets = NULL;
        source_streams_connect_again(f->source);
        hub_run_until(&f->hub, asked_daemonsets);
        assert_ptr_not_equal(f->daemonsets, old);
        assert_true(old->fd >= 0);
        assert_true(has_daemonset(&f->hub));

        send_chunk(f->daemonsets, DAEMONSET("9"));
        send_chunk(f->daemonsets, END_OF_LIST);
        hub_run_for(&f->hub, 100 * USEC_PER_MSEC);
        source_streams_update(f->source);
        hub_run_for(&f->hub, 100 * USEC_PER_MSEC);
        assert_true(old->fd < 0);
        assert_true(daemonsets_in_sync(&f->hub));
        assert_true(has_daemonset(&f->hub));
}

/* The host looks at pods that are news; a stream says which are. */
static void test_pods_are_news(void **state) {
        Fixture *f = *state;
        KubeObject *pod;
        WorldStream *stream;
        WorldObject *o;
        JsonValue *v;
        const char text[] =
                "{\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"a\",\"name\":\"x\",\"uid\":\"1\","
                "\"resourceVersion\":\"1\"},\"spec\":{},\"status\":{}}";

        assert_ok(world_add_stream(world(f), STREAM_PODS, NULL, NULL, &stream));
        assert_false(world(f)->has_news);
        assert_ok(jv_parse(text, strlen(text), &v));
        assert_ok(kube_object_parse(KUBE_POD, v, &pod, NULL, 0));
        jv_free(v);
        assert_ok(world_stream_upsert(stream, pod, instant_now(), &o));
        assert_true(o->is_news && world(f)->has_news);
        world_stream_free(stream);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_waits_for_the_api), TEST(test_objects),
                TEST(test_refused),           TEST(test_doubt),
                TEST(test_not_wanted),        TEST(test_connect_again),
                TEST(test_pods_are_news),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
