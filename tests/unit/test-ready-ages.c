/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R8: since when a blocker stands, and when the daemon saw a watched object change. */

#include "fixture.h"

#include "base/limits.h"
#include "base/string-util.h"
#include "ready/readiness.h"

#define NS "shop"
#define POD "web-0"

static Play play;
static Readiness readiness;
static ReadinessOps ops;

static void on_cluster_changed(ReadinessOps *o, const char *why) {
}
static void on_gate_changed(ReadinessOps *o, const Gate *gate, GateState before, unsigned what) {
}
static void on_verdict_changed(ReadinessOps *o, GateState before) {
}

static void judge(void) {
        readiness.board = play.board;
        assert_ok(readiness_reconsider(&readiness, play.now, play.now.boottime, &ops));
        play.board = readiness.board;
}

static void load(void) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;

        assert_ok(board_set(&play.board, play.setups, play.n_setups, play.now, &warnings, &removed));
        play.n_setups = 0;
}

static int setup(void **state) {
        play_cluster(&play);
        ops = (ReadinessOps){ on_cluster_changed, on_gate_changed, on_verdict_changed };
        readiness = (Readiness){ .world = play.world };
        assert_ok(event_digest_new(&readiness.events));
        assert_ok(timeline_new(64, 64, &readiness.timeline));
        assert_ok(boot_log_new(8, &readiness.boots));
        return 0;
}

static int teardown(void **state) {
        readiness.events = event_digest_free(readiness.events);
        readiness.timeline = timeline_free(readiness.timeline);
        readiness.boots = boot_log_free(readiness.boots);
        play_end(&play);
        return 0;
}

/* --- since when a blocker stands --- */

static unsigned uid;

static void pod_says(const char *reason) {
        PlayPod pod = pod_ready(NS, POD, uid, 40);

        if (reason) {
                pod.ready = KUBE_STATUS_FALSE;
                pod.phase = "Pending";
                pod.containers[0] = (PlayContainer){ .name = "app",
                                                     .role = KUBE_CONTAINER_MAIN,
                                                     .state = KUBE_CONTAINER_WAITING,
                                                     .unready = true,
                                                     .reason = reason };
                play_pod(&play, &pod);
        } else
                play_start_pod(&play, &pod);
}

/* The daemon starts again, with its time line. */
static void restart(void) {
        PlayNode node = play.node;

        play_restart_daemon(&play);
        readiness.world = play.world;
        PLAY_GATE(&play, "web", check_pods(NS, NULL));
        load();
        readiness.board = play.board;
        readiness_restored(&readiness, true, play.now, play.now.boottime);
        judge();
        play_api(&play, API_READY);
        play_node(&play, &node);
}

static void test_since(void **state) {
        static const struct {
                unsigned at; /* seconds */
                enum { SAYS, IS_MADE_AGAIN, AWAY, BACK, RESTARTED } what;
                const char *reason;
                unsigned since;
        } rows[] = {
                { 1, SAYS, "ContainerCreating", 1 },
                { 60, SAYS, "ErrImagePull", 60 },
                { 70, SAYS, "ImagePullBackOff", 70 },
                { 80, SAYS, "ErrImagePull", 60 }, /* the kubelet goes back and forth */
                { 90, SAYS, "ImagePullBackOff", 70 },
                { 100, AWAY, REASON_API_UNREACHABLE, 100 },
                { 105, BACK, "ImagePullBackOff", 70 },
                { 110, SAYS, "ErrImagePull", 60 },
                { 120, AWAY, REASON_API_UNREACHABLE, 120 }, /* another outage */
                { 125, BACK, "ErrImagePull", 60 },
                { 130, SAYS, "CrashLoopBackOff", 130 },
                { 140, RESTARTED, "CrashLoopBackOff", 130 },
                { 150, SAYS, "ImagePullBackOff", 70 },
                { 160, RESTARTED, "CreateContainerError", 160 },
                { 170, IS_MADE_AGAIN, "ContainerCreating", 170 }, /* a pod of the same name */
                { 180, SAYS, "ErrImagePull", 180 },
                { 190, SAYS, NULL, 0 },
                { 200, SAYS, "ErrImagePull", 200 }, /* it has passed since */
                { 210, RESTARTED, "ErrImagePull", 200 },
        };
        usec_t start = play.now.boottime;

        uid = 100;
        PLAY_GATE(&play, "web", check_pods(NS, NULL));
        load();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Report *r;

                play.now.monotonic += start + SECONDS(rows[i].at) - play.now.boottime;
                play.now.boottime = start + SECONDS(rows[i].at);
                uid += rows[i].what == IS_MADE_AGAIN;
                if (rows[i].what == AWAY)
                        play_api(&play, API_UNREACHABLE);
                if (rows[i].what == BACK)
                        play_api(&play, API_READY);
                if (rows[i].what == RESTARTED)
                        restart();
                if (rows[i].what != AWAY && rows[i].what != BACK)
                        pod_says(rows[i].reason);
                if (rows[i].what != AWAY)
                        play_sync_all(&play);
                play_heartbeat(&play);
                judge();
                r = &play_find(&play, "web")->report;
                if (!rows[i].reason) {
                        assert_int_equal(r->n_blockers, 0);
                        continue;
                }
                assert_int_equal(r->n_blockers, 1);
                if (!streq(r->blockers[0].reason, rows[i].reason) ||
                    r->blockers[0].since != start + SECONDS(rows[i].since))
                        fail_msg("%us: %s since %" PRIu64 "us, not %s since %us", rows[i].at,
                                 r->blockers[0].reason, r->blockers[0].since - start, rows[i].reason,
                                 rows[i].since);
        }
}

/* What is missing is missing since then, though the API was away. */
static void test_since_of_what_is_missing(void **state) {
        usec_t missing = play.now.boottime + SECONDS(5);

        play_sleep(&play, SECONDS(5));
        PLAY_GATE(&play, "web", check_workload(KUBE_DEPLOYMENT, NS, "web"));
        load();
        judge();
        play_sleep(&play, SECONDS(60));
        play_api(&play, API_UNREACHABLE);
        judge();
        play_sleep(&play, SECONDS(3));
        play_api(&play, API_READY);
        play_sync_all(&play);
        judge();
        assert_string_equal(play_find(&play, "web")->report.blockers[0].reason, REASON_NOT_FOUND);
        assert_int_equal(play_find(&play, "web")->report.blockers[0].since, missing);
}

/* --- when the daemon saw an object change --- */

typedef struct Sought {
        const Gate *gate;
        const char *kind;
        usec_t changed;
        unsigned n;
} Sought;

static int on_watched(const Watched *w, void *userdata) {
        Sought *s = userdata;

        if (!streq(w->kind, s->kind))
                return 0;
        s->n++;
        s->changed = gate_watched_changed(s->gate, w);
        return 0;
}

/* Of the only object of that kind that the gate looks at. */
static usec_t changed(const char *kind) {
        const Gate *g = play_find(&play, "web");
        Sought s = { .gate = g, .kind = kind };

        for (size_t i = 0; i < g->n_checks; i++)
                assert_ok(check_list(&g->checks[i], play.world, play.now, on_watched, &s));
        assert_int_equal(s.n, 1);
        return s.changed;
}

/* Judges 10 s later; the object of that kind has changed then, or not since before. */
static void assert_changed(const char *kind, bool now) {
        static usec_t before;

        judge();
        if (!now)
                assert_int_equal(changed(kind), before);
        else
                assert_int_equal(changed(kind), play.now.boottime);
        before = changed(kind);
        play_sleep(&play, SECONDS(10));
        judge();
        assert_int_equal(changed(kind), before);
}

static void test_workload(void **state) {
        PlayWorkload set = {
                .kind = KUBE_STATEFULSET, .namespace = NS, .name = "web", .uid = 200, .replicas = 1
        };
        PlayPod pod = pod_ready(NS, POD, 100, 40);

        PLAY_GATE(&play, "web", check_workload(KUBE_STATEFULSET, NS, "web"));
        load();
        assert_changed("StatefulSet", true); /* NotFound */
        play_workload(&play, &set);
        assert_changed("StatefulSet", true); /* NoPods */
        pod_owned(&pod, "StatefulSet", "web", 200);
        pod.ready = KUBE_STATUS_FALSE;
        pod.containers[0].unready = true;
        play_pod(&play, &pod);
        assert_changed("StatefulSet", true); /* as its pod: ContainersNotReady */
        set.generation = set.observed = 2;
        play_workload(&play, &set);
        assert_changed("StatefulSet", false); /* it was written, and says the same */
        pod.ready = KUBE_STATUS_TRUE;
        pod.containers[0].unready = false;
        play_start_pod(&play, &pod);
        assert_changed("StatefulSet", true); /* Ready */
        play_api(&play, API_UNREACHABLE);
        assert_changed("StatefulSet", true);
        play_api(&play, API_READY);
        play_sync_all(&play);
        play_heartbeat(&play);
        assert_changed("StatefulSet", true);
        play_remove(&play, KUBE_STATEFULSET, NS, "web");
        assert_changed("StatefulSet", true);
}

/* A pod's columns are kubectl's. They do not change where the API is away, or where its containers are looked at. */
static void test_pod(void **state) {
        PlayPod pod = pod_ready(NS, POD, 100, 40);

        pod.containers[1] = pod.containers[0];
        pod.containers[1].name = "sidecar";
        pod.containers[1].id = 41;
        pod.ready = KUBE_STATUS_FALSE;
        pod.containers[0].unready = pod.containers[1].unready = true;
        PLAY_GATE(&play, "web", check_pods(NS, NULL));
        load();
        play_pod(&play, &pod);
        assert_changed("Pod", true);
        play_pod(&play, &pod);
        assert_changed("Pod", false);
        pod.containers[0].unready = false; /* 1/2, and the same reason */
        play_pod(&play, &pod);
        assert_changed("Pod", true);
        pod.containers[1].unready = false;
        pod.ready = KUBE_STATUS_TRUE;
        play_start_pod(&play, &pod);
        assert_changed("Pod", true);
        play_api(&play, API_UNREACHABLE);
        assert_changed("Pod", false);
        play_api(&play, API_READY);
        play_sync_all(&play);
        play_heartbeat(&play);
        assert_changed("Pod", false);
        play_kill(&play, 41);
        play_look(&play);
        assert_changed("Pod", false);
        pod.containers[0].state = KUBE_CONTAINER_WAITING;
        pod.containers[0].reason = "CrashLoopBackOff";
        play_pod(&play, &pod);
        assert_changed("Pod", true);
}

static void test_node(void **state) {
        PlayNode node = play.node;

        PLAY_GATE(&play, "web", check_node(NULL));
        load();
        assert_changed("Node", true);
        node.heartbeat++;
        play_node(&play, &node);
        assert_changed("Node", false);
        node.ready = KUBE_STATUS_FALSE;
        node.reason = "KubeletNotReady";
        play_node(&play, &node);
        assert_changed("Node", true);
        node.ready = KUBE_STATUS_TRUE;
        node.boot_id = OLD_BOOT;
        play_node(&play, &node);
        assert_changed("Node", true); /* StaleBoot */
}

static void test_condition(void **state) {
        PlayGeneric tls = { .namespace = NS,
                            .name = "tls",
                            .uid = 50,
                            .type = "Ready",
                            .status = KUBE_STATUS_FALSE,
                            .reason = "Pending" };
        PlayCheck check = check_of(&check_kind_condition);

        check.condition.resource = (char *) "cert-manager.io/v1/certificates";
        check.condition.namespace = (char *) NS;
        check.condition.name = (char *) "tls";
        check.condition.type = (char *) "Ready";
        check.condition.status = KUBE_STATUS_TRUE;
        play_generic_stream(&play, "cert-manager.io/v1/certificates shop/tls");
        play_listed(&play, STREAM_GENERIC);
        PLAY_GATE(&play, "web", check);
        load();
        assert_changed("certificates", true); /* NotFound */
        play_generic(&play, &tls);
        assert_changed("certificates", true);
        tls.labels = "\"a\":\"b\"";
        play_generic(&play, &tls);
        assert_changed("certificates", false);
        tls.status = KUBE_STATUS_TRUE;
        play_generic(&play, &tls);
        assert_changed("certificates", true);
}

static void answer(const char *key, Evidence e, const char *reason) {
        assert_true(world_set_answer(play.world, key, e, reason, NULL, play.now) >= 0);
}

/* What the daemon asks itself, before and after it has: not since the kernel started. */
static void test_answers(void **state) {
        const struct {
                const CheckKind *kind;
                const char *address;
        } rows[] = { { &check_kind_endpoint, "http://a:8/" },
                     { &check_kind_socket, "/run/a.sock" },
                     { &check_kind_api, "/apis/a" } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PlayCheck check = check_of(rows[i].kind);
                const char *kind = rows[i].kind->syntax.section;
                _cleanup_free_ char *key = NULL;

                if (rows[i].kind->question) {
                        check.question.address = (char *) rows[i].address;
                        assert_ok(rows[i].kind->question(&check.definition, &key));
                } else {
                        check.api.path = (char *) rows[i].address;
                        assert_ok(asprintf_ret(&key, "%s", rows[i].address));
                }
                PLAY_GATE(&play, "web", check);
                load();
                assert_changed(kind, true);
                answer(key, EVIDENCE_FALSE, "ConnectionRefused");
                assert_changed(kind, true);
                answer(key, EVIDENCE_FALSE, "ConnectionRefused");
                assert_changed(kind, false);
                answer(key, EVIDENCE_TRUE, NULL);
                assert_changed(kind, true);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_since),    TEST(test_since_of_what_is_missing),
                TEST(test_workload), TEST(test_pod),
                TEST(test_node),     TEST(test_condition),
                TEST(test_answers),
        };

        return cmocka_run_group_tests_name("ready-ages", tests, NULL, NULL);
}
