/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R4: [Workload] and [Pods]. */

#include "fixture.h"

#include <stdio.h>

#include "base/limits.h"

#define NS "shop"

static PlayCheck daemonset, deployment, statefulset, pods;

static int setup(void **state) {
        daemonset = check_workload(KUBE_DAEMONSET, NS, "web");
        deployment = check_workload(KUBE_DEPLOYMENT, NS, "web");
        statefulset = check_workload(KUBE_STATEFULSET, NS, "web");
        pods = check_pods(NS, NULL);
        return 0;
}

static PlayWorkload web(KubeKind kind, int replicas) {
        return (PlayWorkload){
                .kind = kind, .namespace = NS, .name = "web", .uid = 100, .replicas = replicas
        };
}

/* The n-th pod of an owner, usable. */
static PlayPod add_pod(Play *p, unsigned n, const char *owner_kind, unsigned owner_uid) {
        static char names[8][16];
        PlayPod pod;

        snprintf(names[n], sizeof(names[n]), "web-%u", n);
        pod = pod_ready(NS, names[n], 300 + n, 30 + n);
        pod_owned(&pod, owner_kind, "web", owner_uid);
        play_start_pod(p, &pod);
        return pod;
}

static void assert_blocked(Play *p, const PlayCheck *d, Evidence e, const char *kind, const char *reason) {
        assert_evidence(play_ask(p, d), e);
        assert_true(p->report.n_blockers > 0);
        assert_string_equal(p->report.blockers[0].object.kind, kind);
        assert_string_equal(p->report.blockers[0].reason, reason);
}

static void assert_true_check(Play *p, const PlayCheck *d) {
        assert_evidence(play_ask(p, d), EVIDENCE_TRUE);
        assert_int_equal(p->report.n_blockers, 0);
}

static void begin_with(Play *p, KubeKind kind, int replicas) {
        PlayWorkload w = web(kind, replicas);

        play_cluster(p);
        play_workload(p, &w);
}

/* As many proven members as desired: spec.replicas, which is 1 where the spec is silent. */
static void test_replicas(void **state) {
        Play p;

        for (int replicas = -1; replicas <= 3; replicas++) {
                unsigned want = replicas < 0 ? 1 : (unsigned) replicas;

                if (replicas == 0)
                        continue;
                begin_with(&p, KUBE_STATEFULSET, replicas);
                for (unsigned n = 0; n < want; n++) {
                        play_ask(&p, &statefulset);
                        assert_evidence(p.report.evidence, EVIDENCE_FALSE);
                        assert_string_equal(p.report.blockers[p.report.n_blockers - 1].reason,
                                            REASON_NO_PODS);
                        assert_int_equal(p.report.total_objects, want);
                        add_pod(&p, n, "StatefulSet", 100);
                }
                assert_true_check(&p, &statefulset);
                assert_int_equal(p.report.ready_objects, want);
                play_end(&p);
        }
}

/* Its pods are what keeps it shut, not the workload, where there are enough of them. */
static void test_blockers(void **state) {
        PlayPod pod;
        Play p;

        begin_with(&p, KUBE_STATEFULSET, 2);
        add_pod(&p, 0, "StatefulSet", 100);
        pod = add_pod(&p, 1, "StatefulSet", 100);
        pod.ready = KUBE_STATUS_FALSE;
        pod.ready_reason = "ContainersNotReady";
        play_pod(&p, &pod);
        assert_blocked(&p, &statefulset, EVIDENCE_FALSE, "Pod", "ContainersNotReady");
        assert_int_equal(p.report.n_blockers, 1);
        assert_string_equal(p.report.blockers[0].object.name, "web-1");

        play_remove(&p, KUBE_POD, NS, "web-1");
        assert_blocked(&p, &statefulset, EVIDENCE_FALSE, "StatefulSet", REASON_NO_PODS);
        assert_string_equal(p.report.blockers[0].message, "1 of 2 pods exist");
        play_end(&p);
}

/* Members beyond the desired never block: a surge, leftovers, those on their way out. */
static void test_surplus(void **state) {
        PlayPod pod;
        Play p;

        begin_with(&p, KUBE_STATEFULSET, 2);
        add_pod(&p, 0, "StatefulSet", 100);
        add_pod(&p, 1, "StatefulSet", 100);
        pod = add_pod(&p, 2, "StatefulSet", 100);
        pod.phase = "Pending";
        pod.ready = KUBE_STATUS_FALSE;
        play_pod(&p, &pod);
        pod = add_pod(&p, 3, "StatefulSet", 100);
        pod.deleting = true;
        play_pod(&p, &pod);
        pod = add_pod(&p, 4, "StatefulSet", 100);
        pod.phase = "Failed";
        play_pod(&p, &pod);
        assert_true_check(&p, &statefulset);

        /* One that ends is no member: what is left does not do. */
        pod = add_pod(&p, 1, "StatefulSet", 100);
        pod.deleting = true;
        play_pod(&p, &pod);
        assert_evidence(play_ask(&p, &statefulset), EVIDENCE_FALSE);
        play_end(&p);
}

/* Owned by uid: neither by name, nor the pods of an earlier workload of that name, nor of another namespace. */
static void test_ownership(void **state) {
        PlayPod pod;
        Play p;

        begin_with(&p, KUBE_STATEFULSET, 1);
        add_pod(&p, 0, "StatefulSet", 99);
        pod = pod_ready(NS, "web-1", 301, 31);
        play_start_pod(&p, &pod);
        pod = pod_ready("elsewhere", "web-0", 302, 32);
        pod_owned(&pod, "StatefulSet", "web", 100);
        play_start_pod(&p, &pod);
        assert_blocked(&p, &statefulset, EVIDENCE_FALSE, "StatefulSet", REASON_NO_PODS);
        play_end(&p);
}

static void add_set(Play *p, const char *name, unsigned uid, unsigned owner) {
        play_workload(p, &(PlayWorkload){ .kind = KUBE_REPLICASET,
                                          .namespace = NS,
                                          .name = name,
                                          .uid = uid,
                                          .owner_kind = "Deployment",
                                          .owner_name = "web",
                                          .owner_uid = owner });
}

/* A Deployment through its ReplicaSets. */
static void test_deployment(void **state) {
        Play p;

        begin_with(&p, KUBE_DEPLOYMENT, 2);
        add_pod(&p, 0, "Deployment", 100); /* owned by nobody that a Deployment makes */
        add_pod(&p, 1, "ReplicaSet", 200);
        assert_blocked(&p, &deployment, EVIDENCE_FALSE, "Deployment", REASON_NO_PODS);
        assert_string_equal(p.report.blockers[0].message, "0 of 2 pods exist");
        add_set(&p, "web-old", 200, 100);
        add_set(&p, "web-new", 201, 100);
        add_set(&p, "web-stranger", 202, 999);
        add_pod(&p, 2, "ReplicaSet", 202);
        assert_blocked(&p, &deployment, EVIDENCE_FALSE, "Deployment", REASON_NO_PODS);
        assert_string_equal(p.report.blockers[0].message, "1 of 2 pods exist");
        add_pod(&p, 3, "ReplicaSet", 201);
        assert_true_check(&p, &deployment);

        play_lose(&p, STREAM_REPLICASETS);
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_NONE);
        play_end(&p);
}

/* Nothing is taken from the counters of .status: fixture.c writes 99 there. */
static void test_counters(void **state) {
        Play p;

        begin_with(&p, KUBE_DAEMONSET, 0);
        assert_blocked(&p, &daemonset, EVIDENCE_FALSE, "DaemonSet", REASON_NO_PODS);
        play_end(&p);
}

static void test_nothing_desired(void **state) {
        PlayPod pod;
        Play p;

        begin_with(&p, KUBE_DEPLOYMENT, 0);
        assert_blocked(&p, &deployment, EVIDENCE_FALSE, "Deployment", REASON_SCALED_TO_ZERO);
        deployment.tally.minimum_ready = 0;
        assert_true_check(&p, &deployment);
        deployment.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_end(&p);

        begin_with(&p, KUBE_STATEFULSET, 0);
        pod = add_pod(&p, 0, "StatefulSet", 100);
        pod.ready = KUBE_STATUS_FALSE;
        play_pod(&p, &pod);
        assert_blocked(&p, &statefulset, EVIDENCE_FALSE, "StatefulSet", REASON_SCALED_TO_ZERO);
        assert_int_equal(p.report.n_blockers, 1);
        statefulset.tally.minimum_ready = 0;
        assert_true_check(&p, &statefulset);
        statefulset.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_end(&p);
}

static void test_not_found(void **state) {
        Play p;

        play_cluster(&p);
        assert_blocked(&p, &daemonset, EVIDENCE_FALSE, "DaemonSet", REASON_NOT_FOUND);
        daemonset.tally.minimum_ready = 0;
        assert_true_check(&p, &daemonset);
        daemonset.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_lose(&p, STREAM_DAEMONSETS);
        assert_blocked(&p, &daemonset, EVIDENCE_NONE, "DaemonSet", REASON_NOT_SYNCED);
        play_end(&p);
}

/* In [Workload], MinimumReady=N takes the place of desired: less or more. */
static void test_minimum(void **state) {
        Play p;

        begin_with(&p, KUBE_STATEFULSET, 3);
        add_pod(&p, 0, "StatefulSet", 100);
        statefulset.tally.minimum_ready = 1;
        assert_true_check(&p, &statefulset);
        statefulset.tally.minimum_ready = 4;
        add_pod(&p, 1, "StatefulSet", 100);
        add_pod(&p, 2, "StatefulSet", 100);
        assert_evidence(play_ask(&p, &statefulset), EVIDENCE_FALSE);
        add_pod(&p, 3, "StatefulSet", 100);
        assert_true_check(&p, &statefulset);
        statefulset.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_end(&p);
}

static void test_generation(void **state) {
        PlayWorkload w = web(KUBE_STATEFULSET, 1);
        Play p;

        play_cluster(&p);
        add_pod(&p, 0, "StatefulSet", 100);
        w.generation = 5;
        play_workload(&p, &w); /* observes nothing */
        assert_true_check(&p, &statefulset);
        w.observed = 4;
        play_workload(&p, &w);
        assert_blocked(&p, &statefulset, EVIDENCE_FALSE, "StatefulSet", REASON_NOT_OBSERVED);
        w.replicas = 0;
        play_workload(&p, &w);
        assert_blocked(&p, &statefulset, EVIDENCE_FALSE, "StatefulSet", REASON_NOT_OBSERVED);
        w.replicas = 1;
        w.observed = 5;
        play_workload(&p, &w);
        assert_true_check(&p, &statefulset);
        play_end(&p);
}

/* Out of sync is NO-EVIDENCE, whatever was known last, for each stream that the answer rests on. */
static void test_out_of_sync(void **state) {
        static const StreamRole roles[] = { STREAM_DAEMONSETS, STREAM_PODS, STREAM_PODS_UNSCHEDULED,
                                            STREAM_NODES };
        PlayPod pod;
        Play p;

        for (size_t i = 0; i < ELEMENTSOF(roles); i++) {
                begin_with(&p, KUBE_DAEMONSET, 0);
                pod = add_pod(&p, 0, "DaemonSet", 100);
                assert_true_check(&p, &daemonset);
                play_lose(&p, roles[i]);
                assert_evidence(play_ask(&p, &daemonset), EVIDENCE_NONE);
                pod.ready = KUBE_STATUS_FALSE;
                play_pod(&p, &pod);
                assert_evidence(play_ask(&p, &daemonset), EVIDENCE_NONE);
                play_end(&p);
        }
}

/* Less than MinimumReady= known last, and the API away: no evidence. One of them dead: FALSE. */
static void test_minimum_while_away(void **state) {
        PlayCheck two[] = { pods, statefulset };
        Play p;

        begin_with(&p, KUBE_STATEFULSET, 1);
        add_pod(&p, 0, "StatefulSet", 100);
        for (size_t i = 0; i < ELEMENTSOF(two); i++)
                two[i].tally.minimum_ready = 2;
        for (size_t i = 0; i < ELEMENTSOF(two); i++)
                assert_evidence(play_ask(&p, &two[i]), EVIDENCE_FALSE);
        play_api(&p, API_UNREACHABLE);
        for (size_t i = 0; i < ELEMENTSOF(two); i++)
                assert_evidence(play_ask(&p, &two[i]), EVIDENCE_NONE);
        play_kill(&p, 30);
        play_look(&p);
        for (size_t i = 0; i < ELEMENTSOF(two); i++)
                assert_evidence(play_ask(&p, &two[i]), EVIDENCE_FALSE);
        play_end(&p);
}

/* A dead one among more than are wanted says nothing while the rest is in doubt. */
static void test_dead_surplus(void **state) {
        Play p;

        begin_with(&p, KUBE_STATEFULSET, 1);
        add_pod(&p, 0, "StatefulSet", 100);
        add_pod(&p, 1, "StatefulSet", 100);
        play_api(&p, API_UNREACHABLE);
        play_kill(&p, 30);
        play_look(&p);
        assert_evidence(play_ask(&p, &statefulset), EVIDENCE_NONE);
        play_kill(&p, 31);
        play_look(&p);
        assert_evidence(play_ask(&p, &statefulset), EVIDENCE_FALSE);
        play_end(&p);
}

/* --- [Pods] --- */

static void test_pods(void **state) {
        PlayPod pod;
        Play p;

        play_cluster(&p);
        assert_blocked(&p, &pods, EVIDENCE_FALSE, "Pods", REASON_NO_PODS);
        add_pod(&p, 0, "ReplicaSet", 1);
        assert_true_check(&p, &pods);
        pod = add_pod(&p, 1, "ReplicaSet", 1);
        pod.ready = KUBE_STATUS_FALSE;
        pod.ready_reason = "ContainersNotReady";
        play_pod(&p, &pod);
        assert_blocked(&p, &pods, EVIDENCE_FALSE, "Pod", "ContainersNotReady"); /* each, not just one */

        pods.tally.minimum_ready = 1;
        assert_true_check(&p, &pods);
        pods.tally.minimum_ready = 2;
        assert_evidence(play_ask(&p, &pods), EVIDENCE_FALSE);
        pods.tally.minimum_ready = 0;
        assert_true_check(&p, &pods);
        pods.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_end(&p);
}

/* Where each pod that is there is proven, the one that is not keeps the gate shut, and is told. */
static void test_pods_missing(void **state) {
        PlayPod pod;
        Play p;

        play_cluster(&p);
        pods.tally.minimum_ready = 2;
        add_pod(&p, 0, "ReplicaSet", 1);
        assert_blocked(&p, &pods, EVIDENCE_FALSE, "Pods", REASON_NO_PODS);
        assert_string_equal(p.report.blockers[0].message, "1 of 2 pods exist");
        assert_int_equal(p.report.n_blockers, 1);
        assert_int_equal(p.report.ready_objects, 1);
        assert_int_equal(p.report.total_objects, 2);
        pod = add_pod(&p, 1, "ReplicaSet", 1);
        assert_true_check(&p, &pods);
        pods.tally.minimum_ready = 3;
        pod.ready = KUBE_STATUS_FALSE;
        pod.ready_reason = "ContainersNotReady";
        play_pod(&p, &pod);
        assert_blocked(&p, &pods, EVIDENCE_FALSE, "Pod", "ContainersNotReady");
        assert_int_equal(p.report.n_blockers, 2);
        assert_string_equal(p.report.blockers[1].message, "2 of 3 pods exist");
        pods.tally.minimum_ready = 1;
        assert_true_check(&p, &pods);

        /* Nor is it told that nothing is in the way while it is not known what is. */
        play_remove(&p, KUBE_POD, NS, pod.name);
        assert_true_check(&p, &pods);
        play_lose(&p, STREAM_PODS_UNSCHEDULED);
        assert_blocked(&p, &pods, EVIDENCE_NONE, "Pods", REASON_NOT_SYNCED);
        assert_int_equal(p.report.blockers[0].since,
                         p.now.boottime); /* since it is seen, and not since the API was ready */
        pods.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_end(&p);
}

static void test_pods_unscheduled(void **state) {
        PlayPod pod = pod_ready(NS, "web-9", 309, 39);
        Play p;

        play_cluster(&p);
        add_pod(&p, 0, "ReplicaSet", 1);
        pod.node = NULL;
        pod.phase = "Pending";
        pod.ready = KUBE_STATUS_ABSENT;
        pod.containers[0].absent = true;
        play_pod(&p, &pod);
        assert_evidence(play_ask(&p, &pods), EVIDENCE_FALSE);
        play_lose(&p, STREAM_PODS_UNSCHEDULED);
        assert_evidence(play_ask(&p, &pods), EVIDENCE_NONE);
        play_end(&p);
}

static void test_pods_picked(void **state) {
        SelectorRequirement app = { .key = (char *) "app",
                                    .operator= SELECTOR_EQUALS,
                                    .values = (char *[]){ (char *) "web", NULL } };
        PlayPod pod = pod_ready(NS, "web-7", 307, 37);
        PlayCheck d = pods;
        Play p;

        play_cluster(&p);
        pod.labels = "\"app\":\"web\"";
        play_start_pod(&p, &pod);
        pod = pod_ready(NS, "db-0", 308, 38); /* not alive */
        play_pod(&p, &pod);
        pod = pod_ready("other", "web-8", 309, 39); /* nor is this one */
        play_pod(&p, &pod);

        d.tally.name = (char *) "web-*";
        assert_true_check(&p, &d);
        d.tally.namespace = NULL;
        assert_evidence(play_ask(&p, &d), EVIDENCE_NONE);
        d = pods;
        d.pods.selector.requirements = &app;
        d.pods.selector.n_requirements = 1;
        assert_true_check(&p, &d);
        d = pods;
        d.tally.name = (char *) "nothing-*";
        assert_blocked(&p, &d, EVIDENCE_FALSE, "Pods", REASON_NO_PODS);
        play_end(&p);
}

/* --- DaemonSets and nodes --- */

static void test_daemonset_scope(void **state) {
        PlayWorkload w = web(KUBE_DAEMONSET, 0);
        Play p;

        begin_with(&p, KUBE_DAEMONSET, 0);
        play_node(&p,
                  &(PlayNode){ .name = "other", .uid = 2, .boot_id = OLD_BOOT, .ready = KUBE_STATUS_TRUE });
        add_pod(&p, 0, "DaemonSet", 100);
        assert_true_check(&p, &daemonset); /* Scope=node: ours */
        p.world->cluster_scope = true;
        assert_blocked(&p, &daemonset, EVIDENCE_FALSE, "DaemonSet", REASON_NO_PODS);
        w.node_selector = "\"kubernetes.io/hostname\":\"" GUIDE_NODE "\"";
        play_workload(&p, &w);
        assert_true_check(&p, &daemonset);
        w.node_selector = "\"kubernetes.io/hostname\":\"nowhere\"";
        play_workload(&p, &w);
        assert_blocked(&p, &daemonset, EVIDENCE_FALSE, "DaemonSet", REASON_NO_ELIGIBLE_NODE);
        p.world->cluster_scope = false;
        assert_blocked(&p, &daemonset, EVIDENCE_FALSE, "DaemonSet", REASON_NO_ELIGIBLE_NODE);
        daemonset.tally.minimum_ready = 0;
        assert_true_check(&p, &daemonset);
        daemonset.tally.minimum_ready = MINIMUM_READY_UNSET;

        w.node_selector = NULL;
        play_workload(&p, &w);
        play_remove(&p, KUBE_NODE, "", GUIDE_NODE);
        play_remove(&p, KUBE_NODE, "", "other");
        assert_blocked(&p, &daemonset, EVIDENCE_NONE, "DaemonSet", REASON_NODE_NOT_REGISTERED);
        play_end(&p);
}

/* No more blockers are told than anybody reads, and none twice. */
static void test_many_blockers(void **state) {
        char name[32];
        Play p;

        play_cluster(&p);
        for (unsigned n = 0; n < 100; n++) {
                PlayPod pod;

                snprintf(name, sizeof(name), "web-%u", n);
                pod = pod_ready(NS, name, 1000 + n, 1000 + n);
                pod.ready = KUBE_STATUS_FALSE;
                play_pod(&p, &pod);
        }
        assert_evidence(play_ask(&p, &pods), EVIDENCE_FALSE);
        assert_int_equal(p.report.n_blockers, LIMIT_BLOCKERS);
        assert_int_equal(p.report.total_objects, 100);
        play_end(&p);
}

static int count_watched(const Watched *watched, void *userdata) {
        (*(unsigned *) userdata)++;
        return 0;
}

static int refuse(const Watched *watched, void *userdata) {
        return -EXFULL;
}

static void test_list(void **state) {
        unsigned n = 0;
        Play p;

        begin_with(&p, KUBE_DAEMONSET, 0);
        add_pod(&p, 0, "DaemonSet", 100);
        play_ask(&p, &daemonset);
        assert_ok(check_list(&p.check, p.world, p.now, count_watched, &n));
        assert_int_equal(n, 2); /* itself and its pod */
        assert_error(check_list(&p.check, p.world, p.now, refuse, NULL), EXFULL);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replicas),        cmocka_unit_test(test_blockers),
                cmocka_unit_test(test_surplus),         cmocka_unit_test(test_ownership),
                cmocka_unit_test(test_deployment),      cmocka_unit_test(test_counters),
                cmocka_unit_test(test_nothing_desired), cmocka_unit_test(test_not_found),
                cmocka_unit_test(test_minimum),         cmocka_unit_test(test_generation),
                cmocka_unit_test(test_out_of_sync),     cmocka_unit_test(test_minimum_while_away),
                cmocka_unit_test(test_dead_surplus),    cmocka_unit_test(test_pods),
                cmocka_unit_test(test_pods_missing),    cmocka_unit_test(test_pods_unscheduled),
                cmocka_unit_test(test_pods_picked),     cmocka_unit_test(test_daemonset_scope),
                cmocka_unit_test(test_many_blockers),   cmocka_unit_test(test_list),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
