/* SPDX-License-Identifier: Apache-2.0 */

/* What is told of a gate's objects: each change once, and nothing for want of evidence. */

#include "fixture.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "history/timeline.h"

#define NS "openshift-dns"
#define POD "dns-default-28m2q"

static PlayPod waiting(const char *reason) {
        PlayPod pod = pod_ready(NS, POD, 3, 31);

        pod.phase = "Pending";
        pod.ready = KUBE_STATUS_FALSE;
        pod.containers[0].id = 0;
        pod.containers[0].state = KUBE_CONTAINER_WAITING;
        pod.containers[0].reason = reason;
        return pod;
}

static void put(Play *p, const PlayPod *pod) {
        play_pod(p, pod);
        play_judge(p);
}

static void begin(Play *p) {
        play_cluster(p);
        PLAY_GATE(p, "dns", check_pods(NS, NULL));
        play_load(p);
        assert_objects(p, "");
}

static void begin_ready(Play *p) {
        PlayPod pod = pod_ready(NS, POD, 3, 31);

        begin(p);
        play_start_pod(p, &pod);
        play_judge(p);
        assert_objects(p, "dns: " POD " absent -> ready\n");
}

/* A first boot: a kubelet goes back and forth between two reasons, and each is told once. */
static void test_wait(void **state) {
        PlayPod pod = waiting("ContainerCreating");
        Play p;

        begin(&p);
        put(&p, &pod);
        assert_objects(&p, "dns: " POD " absent -> waiting ContainerCreating\n");
        pod = waiting("ErrImagePull");
        put(&p, &pod);
        pod = waiting("ImagePullBackOff");
        put(&p, &pod);
        assert_objects(&p, "dns: " POD " waiting -> waiting ErrImagePull\n"
                           "dns: " POD " waiting -> waiting ImagePullBackOff\n");
        for (unsigned i = 0; i < 50; i++) {
                pod = waiting(i % 2 ? "ImagePullBackOff" : "ErrImagePull");
                put(&p, &pod);
        }
        assert_objects(&p, "");

        /* It passes after what stood last in its way; from then on all reasons are news again. */
        pod = pod_ready(NS, POD, 3, 31);
        play_start_pod(&p, &pod);
        play_judge(&p);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " waiting -> ready ImagePullBackOff\n");
        pod = waiting("ErrImagePull");
        put(&p, &pod);
        assert_objects(&p, "dns: " POD " ready -> lost ErrImagePull\n");

        /* From one stream to another it is in neither for a moment. */
        play_remove(&p, KUBE_POD, NS, POD);
        play_judge(&p);
        put(&p, &pod);
        play_remove(&p, KUBE_POD, NS, POD);
        play_judge(&p);
        assert_int_equal(gate_deadline(play_find(&p, "dns")), p.now.monotonic + SECONDS(1));
        play_pass(&p, SECONDS(1) - 1);
        assert_objects(&p, "");
        play_pass(&p, 1);
        play_pass(&p, SECONDS(5));
        assert_objects(&p, "dns: " POD " lost -> absent\n");
        play_end(&p);
}

/* The API restarts: nothing is told of what was known, and nobody is gone until all is listed. */
static void test_no_evidence(void **state) {
        PlayPod pod = pod_ready(NS, POD, 3, 31);
        Play p;

        begin_ready(&p);
        play_api(&p, API_UNREACHABLE);
        for (StreamRole r = 0; r < STREAM_GENERIC; r++)
                play_lose(&p, r);
        play_judge(&p);
        play_remove(&p, KUBE_POD, NS, POD);
        play_judge(&p);
        play_pass(&p, SECONDS(5));
        assert_objects(&p, "");
        play_api(&p, API_READY);
        play_pod(&p, &pod);
        play_sync_all(&p);
        play_heartbeat(&p);
        play_judge(&p);
        assert_objects(&p, "");

        play_kill(&p, 31);
        play_look(&p);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " ready -> lost Unproven\n");
        play_end(&p);
}

/* What nobody could look for yet is not waited for; what is there, and in doubt, is. */
static void test_doubt(void **state) {
        PlayNode node = node_of_this_boot();
        PlayPod pod = pod_ready(NS, POD, 3, 31);
        Play p;

        play_begin(&p);
        PLAY_GATE(&p, "dns", check_workload(KUBE_DAEMONSET, NS, "dns-default"), check_pods(NS, NULL));
        play_load(&p);
        assert_objects(&p, "");
        play_api(&p, API_READY);
        play_node(&p, &node);
        play_pod(&p, &pod);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " absent -> waiting NotSynced\n");
        play_end(&p);
}

/* What has not been asked yet waits for nothing that is known: the answer is told. */
static void test_not_asked(void **state) {
        PlayCheck readyz = check_of(&check_kind_api), broker = check_of(&check_kind_socket);
        Play p;

        readyz.api.path = (char *) "/readyz";
        broker.question.address = (char *) "/run/mqtt";
        play_begin(&p);
        PLAY_GATE(&p, "api", readyz);
        PLAY_GATE(&p, "mqtt", broker);
        play_load(&p);
        assert_objects(&p, "");
        assert_null(gate_waited_for(play_find(&p, "mqtt")));
        assert_true(world_set_answer(p.world, "socket /run/mqtt", EVIDENCE_TRUE, NULL, NULL, p.now) > 0);
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        assert_objects(&p, "api: /readyz absent -> waiting ApiUnreachable\n"
                           "mqtt: /run/mqtt absent -> ready\n");
        assert_null(gate_waited_for(play_find(&p, "mqtt")));
        assert_string_equal(gate_waited_for(play_find(&p, "api"))->reason, "ApiUnreachable");

        /* Nor is it what a gate waited for last. */
        assert_true(world_set_api(p.world, API_UNREACHABLE, REASON_NOT_ASKED, API_NOT_ASKED, p.now) > 0);
        play_judge(&p);
        assert_string_equal(gate_waited_for(play_find(&p, "api"))->reason, "ApiUnreachable");
        play_api(&p, API_READY);
        play_judge(&p);
        assert_gate(&p, "api", "ready");
        assert_string_equal(gate_waited_for(play_find(&p, "api"))->reason, "ApiUnreachable");
        play_end(&p);
}

/* A workload waits for what it lacks itself, and passes when enough of its pods do. */
static void test_workload(void **state) {
        const PlayWorkload set = {
                .kind = KUBE_DAEMONSET, .namespace = NS, .name = "dns-default", .uid = 9, .replicas = -1
        };
        PlayPod pod = waiting("ContainerCreating");
        Play p;

        play_cluster(&p);
        PLAY_GATE(&p, "dns", check_workload(KUBE_DAEMONSET, NS, "dns-default"));
        play_load(&p);
        assert_objects(&p, "dns: dns-default absent -> waiting NotFound\n");
        play_workload(&p, &set);
        play_judge(&p);
        assert_objects(&p, "dns: dns-default waiting -> waiting NoPods\n");
        pod_owned(&pod, "DaemonSet", "dns-default", 9);
        put(&p, &pod);
        assert_objects(&p, "dns: " POD " absent -> waiting ContainerCreating\n");
        pod = pod_ready(NS, POD, 3, 31);
        pod_owned(&pod, "DaemonSet", "dns-default", 9);
        play_start_pod(&p, &pod);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " waiting -> ready ContainerCreating\n"
                           "dns: dns-default waiting -> ready NoPods\n");

        /* It is its pod that it is lost for: what it once lacked itself is no reason any more. */
        play_kill(&p, 31);
        play_look(&p);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " ready -> lost Unproven\n"
                           "dns: dns-default ready -> lost\n");
        play_end(&p);
}

/* Two checks of one gate look at the same pod, and only one believes it. */
static void test_two_checks(void **state) {
        PlayCheck believing = check_pods(NS, NULL);
        PlayPod pod = pod_ready(NS, POD, 3, 31);
        Play p;

        play_cluster(&p);
        believing.tally.proof = PROOF_WANTED_NONE;
        PLAY_GATE(&p, "dns", believing, check_pods(NS, NULL));
        play_load(&p);
        put(&p, &pod);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " absent -> waiting Unproven\n");
        play_start_pod(&p, &pod);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " waiting -> ready Unproven\n");
        play_end(&p);
}

/* The node is told of under its name, and not before that is known. */
static void test_node(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        play_begin(&p);
        PLAY_GATE(&p, "node", check_node(NULL));
        play_load(&p);
        play_api(&p, API_READY);
        play_sync_all(&p);
        play_judge(&p);
        assert_objects(&p, "");
        node.boot_id = OLD_BOOT;
        play_node(&p, &node);
        play_judge(&p);
        assert_objects(&p, "node: " GUIDE_NODE " absent -> waiting StaleBoot\n");
        play_end(&p);
}

static void tell_again(Play *p, const char *from, const char *to, const char *reason) {
        Blocker b = { .reason = (char *) reason, .gate = (char *) "dns" };
        ObjectName pod = {};

        assert_ok(object_name_set(&pod, "Pod", NS, POD));
        b.object = pod;
        assert_true(object_state_from_string(from) >= 0);
        assert_ok(trail_restore(&play_find(p, "dns")->trail, &pod, object_state_from_string(to),
                                reason ? &b : NULL));
        object_name_done(&pod);
}

/* What an earlier run has told is not told again, with or without an API; what differs is. */
static void test_restart(void **state) {
        PlayPod pod = waiting("ImagePullBackOff");
        Play p;

        begin(&p);
        tell_again(&p, "absent", "waiting", "ErrImagePull");
        tell_again(&p, "waiting", "waiting", "ImagePullBackOff");
        put(&p, &pod);
        pod = waiting("ErrImagePull");
        put(&p, &pod);
        assert_objects(&p, "");
        pod = pod_ready(NS, POD, 3, 31);
        play_start_pod(&p, &pod);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " waiting -> ready ErrImagePull\n");

        tell_again(&p, "waiting", "ready", NULL);
        play_judge(&p);
        assert_objects(&p, "");
        tell_again(&p, "ready", "absent", NULL);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " absent -> ready\n");
        play_end(&p);
}

/* A reload keeps the trail of a gate, also where its checks are others; who is disabled looks at nothing. */
static void test_reload(void **state) {
        Play p;

        begin_ready(&p);
        PLAY_GATE(&p, "dns", check_pods(NS, "dns-*"));
        play_load(&p);
        assert_objects(&p, "");
        gate_set_enabled(play_find(&p, "dns"), false, NULL);
        play_judge(&p);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " ready -> absent\n");
        gate_set_enabled(play_find(&p, "dns"), true, NULL);
        play_judge(&p);
        assert_objects(&p, "dns: " POD " absent -> ready\n");
        play_end(&p);
}

/* Any order, and one object more than is followed: then of none. */
static void test_many(void **state) {
        const Finding passes = { .evidence = EVIDENCE_TRUE },
                      fails = { .evidence = EVIDENCE_FALSE, .reason = "x" };
        Blocker *wanted = NULL;
        ObjectEdge edge;
        Trail t = {};
        char name[16];

        for (unsigned round = 0; round < 3; round++) {
                unsigned edges = 0;

                trail_begin(&t);
                for (unsigned i = 0; i < LIMIT_TRAIL; i++) {
                        snprintf(name, sizeof(name), "p%u", round == 1 ? LIMIT_TRAIL - 1 - i : i);
                        assert_int_equal(trail_see(&t, "Pod", "n", name, NULL, &passes, &wanted), 0);
                }
                assert_false(trail_next(&t, &edge));
                trail_end_whole(&t, 5 * USEC_PER_SEC, NULL);
                while (trail_next(&t, &edge))
                        edges++;
                assert_int_equal(edges, round == 0 ? LIMIT_TRAIL : 0);
        }

        assert_int_equal(trail_see(&t, "Pod", "n", "one more", NULL, &fails, &wanted), 0);
        trail_end_whole(&t, 5 * USEC_PER_SEC, NULL);
        assert_false(trail_next(&t, &edge));
        assert_int_equal(t.n, 0);
        trail_begin(&t);
        assert_int_equal(trail_see(&t, "Pod", "n", "p0", NULL, &fails, &wanted), 0);
        trail_end_whole(&t, 5 * USEC_PER_SEC, NULL);
        assert_false(trail_next(&t, &edge));
        trail_done(&t);
}

static void test_names(void **state) {
        for (ObjectState s = 0; s < _OBJECT_STATE_MAX; s++)
                assert_int_equal(object_state_from_string(object_state_to_string(s)), s);
        assert_int_equal(object_state_from_string("unknown"), _OBJECT_STATE_INVALID);
        assert_null(object_state_to_string(_OBJECT_STATE_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wait),      cmocka_unit_test(test_no_evidence),
                cmocka_unit_test(test_workload),  cmocka_unit_test(test_two_checks),
                cmocka_unit_test(test_node),      cmocka_unit_test(test_restart),
                cmocka_unit_test(test_reload),    cmocka_unit_test(test_many),
                cmocka_unit_test(test_names),     cmocka_unit_test(test_doubt),
                cmocka_unit_test(test_not_asked),
        };
        return cmocka_run_group_tests_name("ready-trail", tests, NULL, NULL);
}
