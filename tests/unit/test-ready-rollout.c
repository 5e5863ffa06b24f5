/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R4, revisions: what a rollout that is under way, or stuck, means for [Workload]. */

#include "fixture.h"

#include <stdio.h>

#define NS "shop"

static PlayCheck daemonset, deployment, statefulset;

static int setup(void **state) {
        daemonset = check_workload(KUBE_DAEMONSET, NS, "web");
        deployment = check_workload(KUBE_DEPLOYMENT, NS, "web");
        statefulset = check_workload(KUBE_STATEFULSET, NS, "web");
        return 0;
}

static PlayWorkload web(KubeKind kind, int replicas, const char *revision) {
        return (PlayWorkload){
                .kind = kind,
                .namespace = NS,
                .name = "web",
                .uid = 100,
                .replicas = replicas,
                .revision = revision,
        };
}

static void add_set(Play *p, const char *name, unsigned uid, const char *revision) {
        play_workload(p, &(PlayWorkload){ .kind = KUBE_REPLICASET,
                                          .namespace = NS,
                                          .name = name,
                                          .uid = uid,
                                          .revision = revision,
                                          .owner_kind = "Deployment",
                                          .owner_name = "web",
                                          .owner_uid = 100 });
}

/* The n-th pod of an owner, usable; labels: members of a JSON object. */
static PlayPod add_pod(Play *p, unsigned n, const char *owner_kind, unsigned owner_uid, const char *labels) {
        static char names[8][16];
        PlayPod pod;

        snprintf(names[n], sizeof(names[n]), "web-%u", n);
        pod = pod_ready(NS, names[n], 300 + n, 30 + n);
        pod.labels = labels;
        pod_owned(&pod, owner_kind, "web", owner_uid);
        play_start_pod(p, &pod);
        return pod;
}

/* The same pod, whose image cannot be pulled. */
static void lack_image(Play *p, PlayPod pod) {
        pod.ready = KUBE_STATUS_FALSE;
        pod.phase = "Pending";
        pod.containers[0] = (PlayContainer){ .name = pod.containers[0].name,
                                             .role = KUBE_CONTAINER_MAIN,
                                             .unready = true,
                                             .state = KUBE_CONTAINER_WAITING,
                                             .reason = "ImagePullBackOff",
                                             .message = "Back-off pulling image" };
        play_pod(p, &pod);
}

static void assert_blocker(const Report *r, size_t i, const char *name, const char *reason) {
        assert_true(r->n_blockers > i);
        assert_string_equal(r->blockers[i].object.name, name);
        assert_string_equal(r->blockers[i].reason, reason);
}

/* A Deployment of revision 3 whose pod serves, and revision 4 whose image cannot be pulled. */
static void begin_stuck(Play *p) {
        PlayWorkload w = web(KUBE_DEPLOYMENT, 1, "4");

        play_cluster(p);
        add_set(p, "web-old", 200, "3");
        add_set(p, "web-new", 201, "4");
        add_pod(p, 0, "ReplicaSet", 200, NULL);
        lack_image(p, add_pod(p, 1, "ReplicaSet", 201, NULL));
        play_workload(p, &w);
}

/* A boot with a stuck rollout is not ready, although a pod serves; the new pod's trouble is told first. */
static void test_stuck(void **state) {
        const Report *r;
        Play p;

        begin_stuck(&p);
        PLAY_GATE(&p, "web", deployment);
        play_load(&p);
        assert_gate(&p, "web", "waiting");
        assert_verdict(&p, "waiting");
        r = &play_find(&p, "web")->report;
        assert_evidence(r->evidence, EVIDENCE_FALSE);
        assert_int_equal(r->n_blockers, 2);
        assert_blocker(r, 0, "web-1", "ImagePullBackOff");
        assert_blocker(r, 1, "web-0", REASON_OLD_REVISION);
        assert_string_equal(r->blockers[1].message, "it is of revision 3, and 4 is the newest");
        assert_non_null(strstr(r->blockers[1].hint, "oc rollout status"));
        assert_int_equal(r->blockers[1].since, p.now.boottime); /* and not since the old pod is Ready */
        assert_int_equal(r->ready_objects, 0);
        assert_int_equal(r->total_objects, 1);
        assert_objects(&p, "web: web-1 absent -> waiting ImagePullBackOff\n"
                           "web: web-0 absent -> waiting OldRevision\n"
                           "web: web absent -> waiting\n");

        add_pod(&p, 1, "ReplicaSet", 201, NULL);
        play_judge(&p);
        assert_gate(&p, "web", "ready");
        assert_verdict(&p, "ready");
        assert_int_equal(r->n_blockers, 0);
        play_end(&p);
}

/* A rollout in a running cluster shuts nothing as long as enough pods serve; nor does it open what is lost. */
static void test_open(void **state) {
        PlayWorkload w = web(KUBE_DEPLOYMENT, 1, "3");
        PlayPod old;
        Play p;

        play_cluster(&p);
        PLAY_GATE(&p, "web", deployment);
        add_set(&p, "web-old", 200, "3");
        old = add_pod(&p, 0, "ReplicaSet", 200, NULL);
        play_workload(&p, &w);
        play_load(&p);
        assert_gate(&p, "web", "ready");

        w.revision = "4";
        play_workload(&p, &w);
        add_set(&p, "web-new", 201, "4");
        lack_image(&p, add_pod(&p, 1, "ReplicaSet", 201, NULL));
        play_judge(&p);
        assert_evidence(play_find(&p, "web")->report.evidence, EVIDENCE_TRUE);
        play_pass(&p, SECONDS(3600));
        assert_gate(&p, "web", "ready");

        /* Unknown is open too. */
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        play_pass(&p, SECONDS(301));
        assert_gate(&p, "web", "unknown");
        play_api(&p, API_READY);
        play_sync_all(&p);
        play_lease(&p, GUIDE_NODE);
        play_heartbeat(&p);
        play_judge(&p);
        assert_gate(&p, "web", "ready");

        /* Lost, it takes the newest to open it again. */
        play_kill(&p, 30);
        play_look(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(16));
        assert_gate(&p, "web", "lost");
        play_start_pod(&p, &old);
        play_judge(&p);
        play_pass(&p, SECONDS(100));
        assert_gate(&p, "web", "lost");
        assert_blocker(&play_find(&p, "web")->report, 1, "web-0", REASON_OLD_REVISION);
        add_pod(&p, 1, "ReplicaSet", 201, NULL);
        play_judge(&p);
        play_pass(&p, SECONDS(16));
        assert_gate(&p, "web", "ready");
        play_end(&p);
}

/* By which label or annotation the pods of each kind are told apart; where either side is silent, any counts. */
static void test_kinds(void **state) {
        static const struct {
                KubeKind kind;
                const char *newest, *labels, *set;
                bool counts;
        } rows[] = {
                { KUBE_DAEMONSET, "2", "\"pod-template-generation\":\"2\"", NULL, true },
                { KUBE_DAEMONSET, "2", "\"pod-template-generation\":\"1\"", NULL, false },
                { KUBE_DAEMONSET, "2", "\"pod-template-generation\":\"22\"", NULL, false },
                { KUBE_DAEMONSET, "2", "\"controller-revision-hash\":\"2\"", NULL, true },
                { KUBE_DAEMONSET, NULL, "\"pod-template-generation\":\"1\"", NULL, true },
                { KUBE_STATEFULSET, "web-6b", "\"controller-revision-hash\":\"web-6b\"", NULL, true },
                { KUBE_STATEFULSET, "web-6b", "\"controller-revision-hash\":\"web-5a\"", NULL, false },
                { KUBE_STATEFULSET, "web-6b", "\"pod-template-generation\":\"1\"", NULL, true },
                { KUBE_STATEFULSET, NULL, "\"controller-revision-hash\":\"web-5a\"", NULL, true },
                { KUBE_DEPLOYMENT, "4", "\"controller-revision-hash\":\"3\"", "4", true },
                { KUBE_DEPLOYMENT, "4", "\"pod-template-generation\":\"4\"", "3", false },
                { KUBE_DEPLOYMENT, "4", NULL, NULL, true },
                { KUBE_DEPLOYMENT, NULL, NULL, "3", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PlayWorkload w = web(rows[i].kind, 1, rows[i].newest);
                PlayCheck d = check_workload(rows[i].kind, NS, "web");
                Evidence e;
                Play p;

                play_cluster(&p);
                play_workload(&p, &w);
                if (rows[i].kind == KUBE_DEPLOYMENT) {
                        add_set(&p, "web-1", 200, rows[i].set);
                        add_pod(&p, 0, "ReplicaSet", 200, rows[i].labels);
                } else
                        add_pod(&p, 0, kube_kind_to_string(rows[i].kind), 100, rows[i].labels);
                e = play_ask(&p, &d);
                if (e != (rows[i].counts ? EVIDENCE_TRUE : EVIDENCE_FALSE))
                        fail_msg("row %zu: %s", i, evidence_to_string(e));
                d.workload.any_revision = true;
                assert_evidence(play_ask(&p, &d), EVIDENCE_TRUE);
                play_end(&p);
        }
}

/* Where the owner keeps pods of an old revision on purpose, they are not to wait for. */
static void test_held_back(void **state) {
        static const struct {
                KubeKind kind;
                const char *spec;
                bool counts;
        } rows[] = {
                { KUBE_DEPLOYMENT, "\"paused\":true", true },
                { KUBE_DEPLOYMENT, "\"paused\":false", false },
                { KUBE_DEPLOYMENT, "\"strategy\":{\"type\":\"Recreate\"}", false },
                { KUBE_DAEMONSET, "\"updateStrategy\":{\"type\":\"OnDelete\"}", true },
                { KUBE_DAEMONSET, "\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{}}",
                  false },
                { KUBE_STATEFULSET, "\"updateStrategy\":{\"type\":\"OnDelete\"}", true },
                { KUBE_STATEFULSET,
                  "\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":1}}",
                  true },
                { KUBE_STATEFULSET,
                  "\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":0}}",
                  false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PlayCheck d = check_workload(rows[i].kind, NS, "web");
                PlayWorkload w = web(rows[i].kind, 1, "new");
                Evidence e;
                Play p;

                play_cluster(&p);
                w.spec = rows[i].spec;
                play_workload(&p, &w);
                if (rows[i].kind == KUBE_DEPLOYMENT) {
                        add_set(&p, "web-1", 200, "old");
                        add_pod(&p, 0, "ReplicaSet", 200, NULL);
                } else
                        add_pod(&p, 0, kube_kind_to_string(rows[i].kind), 100,
                                "\"pod-template-generation\":\"old\",\"controller-revision-hash\":\"old\"");
                e = play_ask(&p, &d);
                if (e != (rows[i].counts ? EVIDENCE_TRUE : EVIDENCE_FALSE))
                        fail_msg("row %zu: %s", i, evidence_to_string(e));
                play_end(&p);
        }
}

/* After an undo the controller keeps pods that it made of the same template before, whose generation is another. */
static void test_undone(void **state) {
        static const struct {
                const char *status;
                bool counts;
        } rows[] = {
                { "\"desiredNumberScheduled\":1,\"updatedNumberScheduled\":1", true },
                { "\"desiredNumberScheduled\":1,\"updatedNumberScheduled\":0", false },
                { "\"desiredNumberScheduled\":2,\"updatedNumberScheduled\":1", false },
                /* Not counted: a pod of a node that has the not-ready taint. */
                { "\"desiredNumberScheduled\":1,\"updatedNumberScheduled\":1,\"numberMisscheduled\":1",
                  false },
                { "\"desiredNumberScheduled\":0,\"updatedNumberScheduled\":0", false },
        };
        PlayWorkload w = web(KUBE_DAEMONSET, 0, "3");
        Play p;

        play_cluster(&p);
        add_pod(&p, 0, "DaemonSet", 100, "\"pod-template-generation\":\"1\"");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                w.status = rows[i].status;
                play_workload(&p, &w);
                if (play_ask(&p, &daemonset) != (rows[i].counts ? EVIDENCE_TRUE : EVIDENCE_FALSE))
                        fail_msg("row %zu", i);
        }
        play_end(&p);
}

/* Where the rollout has made no pod that could be blamed, that is told, before the old ones. */
static void test_missing(void **state) {
        PlayWorkload w = web(KUBE_DEPLOYMENT, 3, "4");
        PlayPod pod;
        Play p;

        play_cluster(&p);
        add_set(&p, "web-old", 200, "3");
        add_set(&p, "web-new", 201, "4");
        for (unsigned n = 0; n < 3; n++)
                add_pod(&p, n, "ReplicaSet", 200, NULL);
        play_workload(&p, &w);
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_FALSE);
        assert_int_equal(p.report.n_blockers, 4);
        assert_blocker(&p.report, 0, "web", REASON_NO_PODS);
        assert_string_equal(p.report.blockers[0].message, "0 of 3 pods of the newest revision exist");
        assert_non_null(strstr(p.report.blockers[0].hint, "A rollout is not complete"));
        assert_int_equal(p.report.total_objects, 3);

        /* One comes, and is why the others do not. */
        pod = add_pod(&p, 3, "ReplicaSet", 201, NULL);
        lack_image(&p, pod);
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_FALSE);
        assert_int_equal(p.report.n_blockers, 4);
        assert_blocker(&p.report, 0, "web-3", "ImagePullBackOff");
        for (size_t i = 1; i < 4; i++)
                assert_string_equal(p.report.blockers[i].reason, REASON_OLD_REVISION);

        /* An old pod that fails does not matter. */
        pod = add_pod(&p, 0, "ReplicaSet", 200, NULL);
        lack_image(&p, pod);
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_FALSE);
        assert_string_equal(p.report.blockers[3].reason, REASON_OLD_REVISION);

        /* MinimumReady= takes the place of desired, and asks for the newest too. */
        deployment.tally.minimum_ready = 1;
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_FALSE);
        add_pod(&p, 3, "ReplicaSet", 201, NULL);
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_TRUE);
        assert_int_equal(p.report.n_blockers, 0);
        deployment.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_end(&p);
}

/* What may be out of date is not compared: of each stream that the comparison rests on. */
static void test_out_of_sync(void **state) {
        static const StreamRole roles[] = { STREAM_DEPLOYMENTS, STREAM_REPLICASETS, STREAM_PODS };
        Play p;

        for (size_t i = 0; i < ELEMENTSOF(roles); i++) {
                begin_stuck(&p);
                play_lose(&p, roles[i]);
                assert_evidence(play_ask(&p, &deployment), EVIDENCE_NONE);
                for (size_t k = 0; k < p.report.n_blockers; k++)
                        assert_string_not_equal(p.report.blockers[k].reason, REASON_OLD_REVISION);
                play_end(&p);
        }
}

static int count_ready(const Watched *watched, void *userdata) {
        *(unsigned *) userdata += watched->finding.evidence == EVIDENCE_TRUE;
        return 0;
}

static unsigned list_ready(Play *p) {
        unsigned n = 0;

        assert_ok(check_list(&play_find(p, "web")->checks[0], p->world, p->now, count_ready, &n));
        return n;
}

/* The list of objects agrees with the gate, from the moment at which it opens. */
static void test_list(void **state) {
        PlayWorkload w = web(KUBE_DEPLOYMENT, 1, "4");
        Play p;

        begin_stuck(&p);
        PLAY_GATE(&p, "web", deployment);
        play_load(&p);
        assert_int_equal(list_ready(&p), 0);
        w.revision = "3"; /* undone */
        play_workload(&p, &w);
        play_judge(&p);
        assert_gate(&p, "web", "ready");
        w.revision = "4";
        play_workload(&p, &w);
        assert_int_equal(list_ready(&p), 2); /* the workload and the pod that serves */
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stuck),       cmocka_unit_test(test_open),
                cmocka_unit_test(test_kinds),       cmocka_unit_test(test_held_back),
                cmocka_unit_test(test_undone),      cmocka_unit_test(test_missing),
                cmocka_unit_test(test_out_of_sync), cmocka_unit_test(test_list),
        };

        return cmocka_run_group_tests_name("ready-rollout", tests, setup, NULL);
}
