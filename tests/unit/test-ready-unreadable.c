/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R0, one object: what cannot be read is NO-EVIDENCE for the checks that look at it, or may, and for no others.
 * Neither is an old version believed, nor does the way back prove anything. */

#include "fixture.h"

#define NS "shop"
#define WHY "it has 1025 labels; at most 1024 are read"
#define UID(n) "0000000" #n "-1111-4222-8333-444444444444"

static PlayCheck pods, daemonset, deployment, statefulset, local;

static int setup(void **state) {
        pods = check_pods(NS, NULL);
        daemonset = check_workload(KUBE_DAEMONSET, NS, "web");
        deployment = check_workload(KUBE_DEPLOYMENT, NS, "web");
        statefulset = check_workload(KUBE_STATEFULSET, NS, "web");
        local = check_node(NULL);
        return 0;
}

/* An object of which no more is known than its brief comes on the stream. */
static void bring(Play *p, StreamRole role, KubeKind kind, const KubeBrief *brief) {
        KubeBrief b = *brief;
        KubeObject *o = NULL;

        b.namespace = b.namespace ?: "";
        b.name = b.name ?: "";
        b.uid = b.uid ?: "";
        b.resource_version = b.resource_version ?: "";
        b.owner_kind = b.owner_kind ?: "";
        b.owner_name = b.owner_name ?: "";
        b.owner_uid = b.owner_uid ?: "";
        assert_ok(kube_object_unreadable(kind, &b, WHY, &o));
        assert_ok(world_stream_upsert(p->streams[role], o, p->now, NULL));
}

#define BRING(p, role, kind, ...) bring((p), (role), (kind), &(KubeBrief){ __VA_ARGS__ })

static void choose(Play *p) {
        NodeChoice choice;

        node_choose(p->world, &choice);
        p->world->node = choice.node;
}

/* Our node lives, by its Lease alone. */
static void begin(Play *p) {
        PlayNode node = node_of_this_boot();

        play_begin(p);
        play_api(p, API_READY);
        play_node(p, &node);
        play_lease(p, GUIDE_NODE);
        play_sync_all(p);
        play_lease(p, GUIDE_NODE);
        play_lease(p, GUIDE_NODE);
}

static PlayPod start_pod(Play *p, const char *name, unsigned uid) {
        PlayPod pod = pod_ready(NS, name, uid, 10 + uid);

        play_start_pod(p, &pod);
        return pod;
}

#define assert_asked(p, d, expected)                                                                        \
        do {                                                                                                \
                assert_evidence(play_ask((p), (d)), (expected));                                            \
                if ((expected) == EVIDENCE_NONE)                                                            \
                        assert_string_equal(play_reason(p), REASON_UNREADABLE);                             \
        } while (0)

/* An old version is not believed, the other pods are, and what can be read again counts. */
static void test_pod(void **state) {
        PlayCheck one = pods;
        PlayPod web;
        Play p;

        begin(&p);
        web = start_pod(&p, "web", 3);
        start_pod(&p, "db", 4);
        assert_asked(&p, &pods, EVIDENCE_TRUE);

        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web", .uid = UID(3));
        assert_asked(&p, &pods, EVIDENCE_NONE);
        assert_int_equal(p.report.n_blockers, 1);
        assert_string_equal(p.report.blockers[0].object.name, "web");
        assert_string_equal(p.report.blockers[0].message, WHY);
        one.tally.minimum_ready = 1;
        assert_asked(&p, &one, EVIDENCE_TRUE);
        one.tally.minimum_ready = 2;
        assert_asked(&p, &one, EVIDENCE_NONE);
        one.tally.minimum_ready = 3;
        assert_asked(&p, &one, EVIDENCE_FALSE);

        play_start_pod(&p, &web);
        assert_asked(&p, &pods, EVIDENCE_TRUE);
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web", .uid = UID(3));
        play_remove(&p, KUBE_POD, NS, "web");
        assert_asked(&p, &pods, EVIDENCE_TRUE);

        /* A new listing without it. */
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web", .is_partial = true);
        assert_asked(&p, &pods, EVIDENCE_NONE);
        play_list(&p, STREAM_PODS);
        start_pod(&p, "db", 4);
        play_listed(&p, STREAM_PODS);
        assert_asked(&p, &pods, EVIDENCE_TRUE);
        play_end(&p);
}

/* A removal whose uid is known ends the doubt about an object whose uid was not. */
static void test_removal(void **state) {
        Play p;

        begin(&p);
        start_pod(&p, "db", 4);
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web", .is_partial = true);
        assert_asked(&p, &pods, EVIDENCE_NONE);
        world_stream_remove(p.streams[STREAM_PODS], KUBE_POD, NS, "web", UID(3));
        assert_asked(&p, &pods, EVIDENCE_TRUE);
        play_end(&p);
}

/* Who looks at it, by as much as could be read. */
static void test_who_looks(void **state) {
        static char *const labels[] = { (char *) "app=web", NULL };
        const struct {
                KubeBrief brief;
                Evidence pods, daemonset;
        } rows[] = {
                { { .namespace = "tenant", .name = "x", .uid = "u" }, EVIDENCE_TRUE, EVIDENCE_TRUE },
                { { .namespace = "tenant", .name = "x", .is_partial = true }, EVIDENCE_TRUE, EVIDENCE_TRUE },
                { { .namespace = "tenant", .is_partial = true }, EVIDENCE_TRUE, EVIDENCE_TRUE },
                { { .namespace = NS, .name = "x", .uid = "u", .labels = labels },
                  EVIDENCE_NONE,
                  EVIDENCE_TRUE },
                /* A DaemonSet has as many as it wants: what else may be its own does not matter. */
                { { .namespace = NS, .name = "x", .is_partial = true }, EVIDENCE_NONE, EVIDENCE_TRUE },
                /* It may be a newer version of any pod. */
                { { .namespace = NS, .is_partial = true }, EVIDENCE_NONE, EVIDENCE_NONE },
                { { .name = "x", .is_partial = true }, EVIDENCE_NONE, EVIDENCE_NONE },
                { { .is_partial = true }, EVIDENCE_NONE, EVIDENCE_NONE },
                { { .namespace = NS, .name = "done", .uid = "u", .owner_kind = "Job", .owner_uid = "j" },
                  EVIDENCE_TRUE,
                  EVIDENCE_TRUE },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PlayPod pod = pod_ready(NS, "web-1", 3, 13);
                Play p;

                begin(&p);
                play_workload(&p,
                              &(PlayWorkload){
                                      .kind = KUBE_DAEMONSET, .namespace = NS, .name = "web", .uid = 100 });
                pod_owned(&pod, "DaemonSet", "web", 100);
                play_start_pod(&p, &pod);
                bring(&p, STREAM_PODS, KUBE_POD, &rows[i].brief);
                assert_asked(&p, &pods, rows[i].pods);
                assert_asked(&p, &daemonset, rows[i].daemonset);
                /* All of that ends with a listing without it. */
                play_list(&p, STREAM_PODS);
                play_start_pod(&p, &pod);
                play_listed(&p, STREAM_PODS);
                assert_asked(&p, &pods, EVIDENCE_TRUE);
                assert_asked(&p, &daemonset, EVIDENCE_TRUE);
                play_end(&p);
        }
}

/* Names are all that is known of this one: the pattern tells. */
static void test_pattern(void **state) {
        PlayCheck picked = check_pods(NS, "web-*");
        Play p;

        begin(&p);
        start_pod(&p, "web-1", 3);
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "db", .is_partial = true);
        assert_asked(&p, &picked, EVIDENCE_TRUE);
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web-2", .is_partial = true);
        assert_asked(&p, &picked, EVIDENCE_NONE);
        play_end(&p);
}

/* Of another version nothing is proven: neither that container IDs changed while we watched, nor that it was created. */
static void test_pod_not_observed(void **state) {
        PlayCheck observed = pods;
        PlayPod web;
        Play p;

        observed.tally.proof = PROOF_WANTED_OBSERVED;
        begin(&p);
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web", .uid = UID(3));
        assert_asked(&p, &observed, EVIDENCE_NONE);
        web = start_pod(&p, "web", 3);
        assert_evidence(play_ask(&p, &observed), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        web.containers[0].id = 99;
        play_start_pod(&p, &web);
        assert_asked(&p, &observed, EVIDENCE_TRUE);
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web", .uid = UID(3));
        play_start_pod(&p, &web);
        assert_evidence(play_ask(&p, &observed), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        play_end(&p);
}

/* The stream of pods without a node lags behind: it neither takes the place of what cannot be read, nor removes it. */
static void test_pod_is_bound(void **state) {
        PlayPod web;
        Play p;

        begin(&p);
        start_pod(&p, "db", 4);
        BRING(&p, STREAM_PODS, KUBE_POD, .namespace = NS, .name = "web", .uid = UID(3),
              .resource_version = "1000");
        web = pod_ready(NS, "web", 3, 0);
        web.node = NULL;
        web.phase = "Pending";
        play_pod(&p, &web);
        assert_asked(&p, &pods, EVIDENCE_NONE);
        world_stream_remove(p.streams[STREAM_PODS_UNSCHEDULED], KUBE_POD, NS, "web", UID(3));
        assert_asked(&p, &pods, EVIDENCE_NONE);
        play_end(&p);
}

static void test_workload(void **state) {
        static const KubeKind kinds[] = { KUBE_DAEMONSET, KUBE_STATEFULSET, KUBE_DEPLOYMENT };
        static const StreamRole roles[] = { STREAM_DAEMONSETS, STREAM_STATEFULSETS, STREAM_DEPLOYMENTS };
        const PlayCheck *checks[] = { &daemonset, &statefulset, &deployment };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                PlayWorkload web = {
                        .kind = kinds[i], .namespace = NS, .name = "web", .uid = 100, .replicas = 1
                };
                PlayPod pod = pod_ready(NS, "web-5f-1", 3, 13);
                Play p;

                begin(&p);
                play_workload(&p, &web);
                pod_owned(&pod, kube_kind_to_string(kinds[i]), "web", 100);
                if (kinds[i] == KUBE_DEPLOYMENT) {
                        play_workload(&p, &(PlayWorkload){ .kind = KUBE_REPLICASET,
                                                           .namespace = NS,
                                                           .name = "web-5f",
                                                           .uid = 200,
                                                           .owner_kind = "Deployment",
                                                           .owner_name = "web",
                                                           .owner_uid = 100 });
                        pod_owned(&pod, "ReplicaSet", "web-5f", 200);
                }
                play_start_pod(&p, &pod);
                assert_asked(&p, checks[i], EVIDENCE_TRUE);

                /* Others of its kind cost it nothing, unless it is not known which one it is. */
                BRING(&p, roles[i], kinds[i], .namespace = NS, .name = "other", .is_partial = true);
                BRING(&p, roles[i], kinds[i], .namespace = "tenant", .is_partial = true);
                assert_asked(&p, checks[i], EVIDENCE_TRUE);
                BRING(&p, roles[i], kinds[i], .namespace = NS, .is_partial = true);
                assert_asked(&p, checks[i], EVIDENCE_NONE);
                play_list(&p, roles[i]);
                play_workload(&p, &web);
                play_listed(&p, roles[i]);
                assert_asked(&p, checks[i], EVIDENCE_TRUE);

                BRING(&p, roles[i], kinds[i], .namespace = NS, .name = "web", .uid = "u");
                assert_asked(&p, checks[i], EVIDENCE_NONE);
                assert_string_equal(p.report.blockers[0].message, WHY);
                play_workload(&p, &web);
                assert_asked(&p, checks[i], EVIDENCE_TRUE);

                /* It is not "not there" while one without a name is. */
                play_remove(&p, kinds[i], NS, "web");
                assert_evidence(play_ask(&p, checks[i]), EVIDENCE_FALSE);
                BRING(&p, roles[i], kinds[i], .is_partial = true);
                assert_asked(&p, checks[i], EVIDENCE_NONE);
                play_end(&p);
        }
}

/* Through a ReplicaSet that cannot be read it may own pods of any revision. */
static void test_replica_set(void **state) {
        PlayWorkload web = {
                .kind = KUBE_DEPLOYMENT, .namespace = NS, .name = "web", .uid = 100, .replicas = 1
        };
        PlayPod pod = pod_ready(NS, "web-5f-1", 3, 13);
        Play p;

        begin(&p);
        play_workload(&p, &web);
        pod_owned(&pod, "ReplicaSet", "web-5f", 200);
        play_start_pod(&p, &pod);
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_FALSE);
        BRING(&p, STREAM_REPLICASETS, KUBE_REPLICASET, .namespace = NS, .name = "db-1", .owner_name = "db");
        assert_evidence(play_ask(&p, &deployment), EVIDENCE_FALSE);
        BRING(&p, STREAM_REPLICASETS, KUBE_REPLICASET, .namespace = NS, .name = "web-5f",
              .is_partial = true);
        assert_asked(&p, &deployment, EVIDENCE_NONE);
        assert_string_equal(p.report.blockers[0].object.kind, "Deployment");
        assert_string_equal(p.report.blockers[0].message, "the ReplicaSet web-5f cannot be read: " WHY);
        play_end(&p);
}

/* Our node: an open gate lives on its grace, a shut one stays shut until the kubelet shows life again. Pods that their
 * cgroups prove are believed while the Lease moves. */
static void test_node(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        begin(&p);
        start_pod(&p, "web", 3);
        play_workload(&p,
                      &(PlayWorkload){ .kind = KUBE_DAEMONSET, .namespace = NS, .name = "web", .uid = 100 });
        PLAY_GATE(&p, "node", local);
        PLAY_GATE(&p, "pods", pods);
        play_load(&p);
        assert_gate(&p, "node", "ready");

        BRING(&p, STREAM_NODES, KUBE_NODE, .name = GUIDE_NODE, .uid = UID(1));
        choose(&p);
        assert_non_null(p.world->node);
        play_judge(&p);
        assert_asked(&p, &local, EVIDENCE_NONE);
        assert_string_equal(p.report.blockers[0].message, WHY);
        assert_asked(&p, &pods, EVIDENCE_NONE);
        assert_string_equal(p.report.blockers[0].message, "the Node " GUIDE_NODE " cannot be read: " WHY);
        assert_asked(&p, &daemonset, EVIDENCE_NONE);
        play_lease(&p, GUIDE_NODE);
        assert_asked(&p, &local, EVIDENCE_NONE);
        assert_asked(&p, &pods, EVIDENCE_TRUE);
        assert_asked(&p, &daemonset, EVIDENCE_NONE);
        play_pass(&p, SECONDS(60));
        assert_gate(&p, "node", "ready");
        play_pass(&p, SECONDS(300));
        assert_gate(&p, "node", "unknown");
        assert_gate(&p, "pods", "ready");

        /* That it can be read again is no sign of life: anybody may have repaired its labels. */
        play_node(&p, &node);
        assert_evidence(play_ask(&p, &local), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_KUBELET_SILENT);
        play_lease(&p, GUIDE_NODE);
        assert_asked(&p, &local, EVIDENCE_TRUE);
        play_end(&p);
}

/* Which node is ours, where some cannot be read. */
static void test_node_choice(void **state) {
        static const struct {
                const char *unreadable, *readable, *boot_id, *machine_id;
                const char *chosen;
        } rows[] = {
                { "x", NULL, NULL, NULL, "x" },
                { "x", "y", THIS_BOOT, THIS_MACHINE, "y" },
                { "x", GUIDE_NODE, OLD_BOOT, THIS_MACHINE, GUIDE_NODE },
                { "x", GUIDE_NODE, OLD_BOOT, OTHER_MACHINE, GUIDE_NODE },
                { GUIDE_NODE, "y", OLD_BOOT, OTHER_MACHINE, GUIDE_NODE },
                { GUIDE_NODE, "y", OLD_BOOT, THIS_MACHINE, GUIDE_NODE },
                { "x", "y", OLD_BOOT, THIS_MACHINE, NULL },
                { "x", "y", OLD_BOOT, OTHER_MACHINE, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                for (unsigned first = 0; first < 2; first++) {
                        Play p;

                        play_begin(&p);
                        play_api(&p, API_READY);
                        for (unsigned k = 0; k < 2; k++)
                                if (k == first)
                                        BRING(&p, STREAM_NODES, KUBE_NODE, .name = rows[i].unreadable);
                                else if (rows[i].readable)
                                        play_node(&p, &(PlayNode){ .name = rows[i].readable,
                                                                   .uid = 2,
                                                                   .boot_id = rows[i].boot_id,
                                                                   .machine_id = rows[i].machine_id,
                                                                   .ready = KUBE_STATUS_TRUE });
                        play_sync_all(&p);
                        p.world->node = NULL;
                        choose(&p);
                        if (rows[i].chosen) {
                                assert_non_null(p.world->node);
                                assert_string_equal(p.world->node->object->name, rows[i].chosen);
                        } else {
                                assert_null(p.world->node);
                                assert_asked(&p, &local, EVIDENCE_NONE);
                        }
                        play_end(&p);
                }
}

/* The one that was ours stays it, though another has the same machine ID. */
static void test_node_stays_ours(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        begin(&p);
        node.name = "clone";
        node.uid = 2;
        node.boot_id = OLD_BOOT;
        play_node(&p, &node);
        assert_string_equal(p.world->node->object->name, GUIDE_NODE);
        p.world->host.host_name = mfree(p.world->host.host_name);
        BRING(&p, STREAM_NODES, KUBE_NODE, .name = GUIDE_NODE, .uid = UID(1));
        choose(&p);
        assert_string_equal(p.world->node->object->name, GUIDE_NODE);
        assert_asked(&p, &local, EVIDENCE_NONE);
        play_end(&p);
}

/* Nor does the proof by observation hold while it is not known in which boot the node is. */
static void test_remote_node(void **state) {
        PlayNode other = { .name = "other", .uid = 2, .boot_id = OLD_BOOT, .ready = KUBE_STATUS_TRUE };
        PlayPod web = pod_ready(NS, "web", 3, 13);
        Play p;

        begin(&p);
        p.world->cluster_scope = true;
        play_node(&p, &other);
        play_lease(&p, "other");
        play_lease(&p, "other");
        web.node = "other";
        play_pod(&p, &web);
        web.containers[0].id = 14;
        play_pod(&p, &web);
        assert_asked(&p, &pods, EVIDENCE_TRUE);
        BRING(&p, STREAM_NODES, KUBE_NODE, .name = "other", .uid = UID(2));
        assert_evidence(play_ask(&p, &pods), EVIDENCE_NONE);
        play_lease(&p, "other");
        play_pass(&p, SECONDS(120));
        assert_asked(&p, &pods, EVIDENCE_NONE);
        other.boot_id = THIS_BOOT;
        play_node(&p, &other);
        play_lease(&p, "other");
        assert_evidence(play_ask(&p, &pods), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        play_end(&p);
}

static void test_nodes_without_a_name(void **state) {
        PlayCheck all = check_node("*"), named = check_node("other");
        Play p;

        begin(&p);
        start_pod(&p, "web", 3);
        assert_asked(&p, &all, EVIDENCE_TRUE);
        assert_evidence(play_ask(&p, &named), EVIDENCE_FALSE);
        BRING(&p, STREAM_NODES, KUBE_NODE, .is_partial = true);
        assert_asked(&p, &local, EVIDENCE_NONE);
        assert_asked(&p, &all, EVIDENCE_NONE);
        assert_asked(&p, &named, EVIDENCE_NONE);
        assert_asked(&p, &pods, EVIDENCE_NONE);
        assert_string_equal(p.report.blockers[0].message,
                            "the Node whose name is not known cannot be read: " WHY);
        /* While the API is out of reach that is what keeps them. */
        play_api(&p, API_UNREACHABLE);
        assert_evidence(play_ask(&p, &local), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_API_UNREACHABLE);
        play_end(&p);
}

static void test_condition(void **state) {
        PlayCheck tls = check_of(&check_kind_condition);
        PlayGeneric object = {
                .namespace = NS, .name = "tls", .uid = 5, .type = "Ready", .status = KUBE_STATUS_TRUE
        };
        Play p;

        tls.condition.resource = (char *) "cert-manager.io/v1/certificates";
        tls.condition.namespace = (char *) NS;
        tls.condition.name = (char *) "tls";
        tls.condition.type = (char *) "Ready";
        tls.condition.status = KUBE_STATUS_TRUE;
        begin(&p);
        play_generic_stream(&p, "cert-manager.io/v1/certificates shop/tls");
        play_generic(&p, &object);
        play_listed(&p, STREAM_GENERIC);
        assert_asked(&p, &tls, EVIDENCE_TRUE);
        BRING(&p, STREAM_GENERIC, KUBE_GENERIC, .namespace = NS, .name = "tls");
        assert_asked(&p, &tls, EVIDENCE_NONE);
        play_generic(&p, &object);
        assert_asked(&p, &tls, EVIDENCE_TRUE);
        BRING(&p, STREAM_GENERIC, KUBE_GENERIC, .is_partial = true);
        assert_asked(&p, &tls, EVIDENCE_NONE);
        play_end(&p);
}

/* However many come, and whatever they are called, what is kept of them has a ceiling. */
static void test_bounds(void **state) {
        static char label[70000];
        char *labels[] = { label, NULL };
        KubeObject *o = NULL;
        Play p;

        memset(label, 'x', sizeof(label) - 1);
        label[1] = '=';
        assert_ok(kube_object_unreadable(KUBE_POD,
                                         &(KubeBrief){ .namespace = NS,
                                                       .name = "web",
                                                       .uid = "u",
                                                       .resource_version = label,
                                                       .owner_kind = label,
                                                       .owner_name = label,
                                                       .owner_uid = label,
                                                       .labels = labels },
                                         WHY, &o));
        assert_string_equal(o->name, "web");
        assert_true(o->is_partial && !o->labels && !o->owner_uid);
        assert_string_equal(o->resource_version, "");
        kube_object_free(o);
        assert_ok(kube_object_unreadable(KUBE_POD,
                                         &(KubeBrief){ .namespace = label,
                                                       .name = label,
                                                       .uid = label,
                                                       .resource_version = "1",
                                                       .owner_kind = "",
                                                       .owner_name = "",
                                                       .owner_uid = "" },
                                         WHY, &o));
        assert_true(isempty(o->name) && isempty(o->namespace) && isempty(o->uid) && o->is_partial);
        kube_object_free(o);

        /* A name without its namespace tells nothing. */
        assert_ok(kube_object_unreadable(KUBE_POD,
                                         &(KubeBrief){ .namespace = label,
                                                       .name = "web",
                                                       .uid = "u",
                                                       .resource_version = "1",
                                                       .owner_kind = "",
                                                       .owner_name = "",
                                                       .owner_uid = "" },
                                         WHY, &o));
        assert_true(isempty(o->name) && isempty(o->namespace) && o->is_partial);
        kube_object_free(o);

        begin(&p);
        for (unsigned i = 0; i < 1000; i++)
                BRING(&p, STREAM_PODS, KUBE_POD, .namespace = i % 2 ? NS : "tenant", .is_partial = true);
        assert_int_equal(p.world->n_objects, 2);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pod),
                cmocka_unit_test(test_removal),
                cmocka_unit_test(test_who_looks),
                cmocka_unit_test(test_pattern),
                cmocka_unit_test(test_pod_not_observed),
                cmocka_unit_test(test_pod_is_bound),
                cmocka_unit_test(test_workload),
                cmocka_unit_test(test_replica_set),
                cmocka_unit_test(test_node),
                cmocka_unit_test(test_node_choice),
                cmocka_unit_test(test_node_stays_ours),
                cmocka_unit_test(test_remote_node),
                cmocka_unit_test(test_nodes_without_a_name),
                cmocka_unit_test(test_condition),
                cmocka_unit_test(test_bounds),
        };
        return cmocka_run_group_tests_name("ready-unreadable", tests, setup, NULL);
}
