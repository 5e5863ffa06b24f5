/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R4: what a DaemonSet wants of a node, and what a gate makes of one that wants nothing here. */

#include "fixture.h"

#include <stdio.h>

#include "base/string-util.h"
#include "ready/affinity.h"

#define NS "shop"

static PlayCheck agent, web, condition, api;

static int setup(void **state) {
        agent = check_workload(KUBE_DAEMONSET, NS, "agent");
        web = check_workload(KUBE_DAEMONSET, NS, "web");
        api = check_of(&check_kind_api);
        api.api.path = (char *) "/readyz";
        condition = check_of(&check_kind_condition);
        condition.condition.resource = (char *) "cert-manager.io/v1/certificates";
        condition.condition.namespace = (char *) NS;
        condition.condition.name = (char *) "tls";
        condition.condition.type = (char *) "Ready";
        condition.condition.status = KUBE_STATUS_TRUE;
        return 0;
}

static PlayWorkload set_of(const char *name, unsigned uid) {
        return (PlayWorkload){ .kind = KUBE_DAEMONSET, .namespace = NS, .name = name, .uid = uid };
}

/* The pod of a DaemonSet, usable. */
static PlayPod add_pod(Play *p, const char *set, unsigned uid) {
        PlayPod pod = pod_ready(NS, set, 300 + uid, 30 + uid - 100);

        pod_owned(&pod, "DaemonSet", set, uid);
        play_start_pod(p, &pod);
        return pod;
}

/* --- selector and affinity --- */

#define EXPR(key, op, values) "{\"key\":\"" key "\",\"operator\":\"" op "\",\"values\":[" values "]}"
#define TERM(expressions) "{\"matchExpressions\":[" expressions "]}"
#define FIELDS(expressions) "{\"matchFields\":[" expressions "]}"

static const struct {
        const char *selector, *affinity;
        bool admits;
} affinities[] = {
        { NULL, NULL, true },
        { "\"zone\":\"a\"", NULL, true },
        { "\"zone\":\"a\",\"gpu\":\"\"", NULL, true },
        { "\"zone\":\"b\"", NULL, false },
        { "\"zone\":\"a\",\"missing\":\"\"", NULL, false },
        { NULL, "", false },
        { NULL, "{}", false },
        { NULL, TERM(EXPR("zone", "In", "\"b\",\"a\"")), true },
        { NULL, TERM(EXPR("zone", "In", "\"b\"")), false },
        { NULL, TERM(EXPR("missing", "In", "\"b\"")), false },
        { NULL, TERM(EXPR("zone", "NotIn", "\"b\"")), true },
        { NULL, TERM(EXPR("zone", "NotIn", "\"a\"")), false },
        { NULL, TERM(EXPR("missing", "NotIn", "\"a\"")), true },
        { NULL, TERM(EXPR("zone", "Exists", "")), true },
        { NULL, TERM(EXPR("missing", "Exists", "")), false },
        { NULL, TERM(EXPR("missing", "DoesNotExist", "")), true },
        { NULL, TERM(EXPR("zone", "DoesNotExist", "")), false },
        { NULL, TERM(EXPR("cores", "Gt", "\"3\"")), true },
        { NULL, TERM(EXPR("cores", "Gt", "\"4\"")), false },
        { NULL, TERM(EXPR("cores", "Lt", "\"5\"")), true },
        { NULL, TERM(EXPR("cores", "Lt", "\"4\"")), false },
        { NULL, TERM(EXPR("zone", "Gt", "\"3\"")), false },
        { NULL, TERM(EXPR("cores", "Gt", "\"1\",\"2\"")), false },
        { NULL, TERM(EXPR("zone", "Near", "\"a\"")), false },
        { NULL, TERM(EXPR("zone", "In", "\"a\"") "," EXPR("cores", "In", "\"8\"")), false },
        { NULL, TERM(EXPR("zone", "In", "\"b\"")) "," TERM(EXPR("cores", "In", "\"4\"")), true },
        { NULL, "{}," TERM(EXPR("zone", "In", "\"b\"")), false },
        { NULL, FIELDS(EXPR("metadata.name", "In", "\"" GUIDE_NODE "\"")), true },
        { NULL, FIELDS(EXPR("metadata.name", "In", "\"other\"")), false },
        { NULL, FIELDS(EXPR("spec.nodeName", "In", "\"" GUIDE_NODE "\"")), false },
        { "\"zone\":\"b\"", TERM(EXPR("zone", "Exists", "")), false },
};

static void test_affinity(void **state) {
        PlayNode node = node_of_this_boot();

        node.labels = "\"zone\":\"a\",\"gpu\":\"\",\"cores\":\"4\"";
        for (size_t i = 0; i < ELEMENTSOF(affinities); i++) {
                PlayWorkload w = set_of("web", 100);
                WorldObject *o, *set;
                Play p;

                play_begin(&p);
                w.node_selector = affinities[i].selector;
                w.affinity = affinities[i].affinity;
                o = play_node(&p, &node);
                set = play_workload(&p, &w);
                if (affinity_admits(KUBE_WORKLOAD_OF(set->object), KUBE_NODE_OF(o->object)) !=
                    affinities[i].admits)
                        fail_msg("row %zu: %s %s", i, strempty(w.node_selector), strempty(w.affinity));
                play_end(&p);
        }
}

/* --- taints --- */

#define TAINT(key, value, effect) "{\"key\":\"" key "\",\"value\":\"" value "\",\"effect\":\"" effect "\"}"
#define BARE(key, effect) "{\"key\":\"" key "\",\"effect\":\"" effect "\"}"
#define TOLERATE(members) "{" members "}"

static const struct {
        const char *taints, *tolerations;
        bool repels, evicts;
} taints[] = {
        { NULL, NULL, false, false },
        { TAINT("own", "a", "NoSchedule"), NULL, true, false },
        { TAINT("own", "a", "NoExecute"), NULL, true, true },
        { TAINT("own", "a", "NoSchedule") "," BARE("other", "NoExecute"), NULL, true, true },
        { TAINT("own", "a", "PreferNoSchedule"), NULL, false, false },
        { TAINT("own", "a", "Whatever"), NULL, false, false },
        { BARE("node.kubernetes.io/not-ready", "NoSchedule"), NULL, false, false },
        { BARE("node.kubernetes.io/unreachable", "NoExecute"), NULL, false, false },
        { BARE("node.kubernetes.io/unschedulable", "NoSchedule"), NULL, false, false },
        { BARE("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule"), NULL, false, false },
        { BARE("node-role.kubernetes.io/control-plane", "NoSchedule"), NULL, true, false },
        /* Key, operator, value, effect. */
        { TAINT("own", "a", "NoSchedule"), TOLERATE("\"key\":\"own\",\"value\":\"a\""), false, false },
        { TAINT("own", "a", "NoSchedule"),
          TOLERATE("\"key\":\"own\",\"operator\":\"Equal\",\"value\":\"a\""), false, false },
        { TAINT("own", "a", "NoSchedule"), TOLERATE("\"key\":\"own\",\"value\":\"b\""), true, false },
        { TAINT("own", "a", "NoSchedule"), TOLERATE("\"key\":\"own\""), true, false },
        { BARE("own", "NoSchedule"), TOLERATE("\"key\":\"own\""), false, false },
        { TAINT("own", "a", "NoSchedule"), TOLERATE("\"key\":\"own\",\"operator\":\"Exists\""), false,
          false },
        { TAINT("own", "a", "NoSchedule"), TOLERATE("\"key\":\"ow\",\"operator\":\"Exists\""), true, false },
        { TAINT("own", "a", "NoSchedule"), TOLERATE("\"operator\":\"Exists\""), false, false },
        { TAINT("own", "a", "NoSchedule"), TOLERATE("\"operator\":\"Exists\",\"effect\":\"NoExecute\""),
          true, false },
        { TAINT("own", "a", "NoExecute"),
          TOLERATE("\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":9"), false,
          false },
        { TAINT("own", "a", "NoExecute"), TOLERATE("\"operator\":\"Exists\",\"effect\":\"NoSchedule\""),
          true, true },
        { TAINT("own", "a", "NoSchedule") "," TAINT("other", "b", "NoSchedule"),
          TOLERATE("\"key\":\"own\",\"operator\":\"Exists\"") "," TOLERATE(
                  "\"key\":\"other\",\"value\":\"b\""),
          false, false },
        { TAINT("own", "a", "NoSchedule") "," TAINT("other", "b", "NoSchedule"),
          TOLERATE("\"key\":\"own\",\"operator\":\"Exists\""), true, false },
        /* An operator of a later release makes no node unwanted. */
        { TAINT("own", "5", "NoSchedule"), TOLERATE("\"key\":\"own\",\"operator\":\"Gt\",\"value\":\"3\""),
          false, false },
};

static void test_taints(void **state) {
        PlayNode node = node_of_this_boot();

        for (size_t i = 0; i < ELEMENTSOF(taints); i++) {
                PlayWorkload w = set_of("web", 100);
                const KubeTaint *taint;
                WorldObject *o, *set;
                Play p;

                play_begin(&p);
                node.taints = taints[i].taints;
                w.tolerations = taints[i].tolerations;
                o = play_node(&p, &node);
                set = play_workload(&p, &w);
                taint = affinity_repels(KUBE_WORKLOAD_OF(set->object), KUBE_NODE_OF(o->object));
                if ((taint != NULL) != taints[i].repels || (taint && taint->evicts != taints[i].evicts))
                        fail_msg("row %zu: %s %s", i, strempty(node.taints), strempty(w.tolerations));
                play_end(&p);
        }
}

static void set_taints(Play *p, const char *text) {
        PlayNode node = node_of_this_boot();

        node.taints = text;
        play_node(p, &node);
}

static void assert_blocked(Play *p, const PlayCheck *d, const char *reason, const char *message,
                           const char *hint) {
        assert_evidence(play_ask(p, d), EVIDENCE_FALSE);
        assert_string_equal(play_reason(p), reason);
        assert_string_equal(p->report.blockers[0].message, message);
        assert_non_null(strstr(p->report.blockers[0].hint, hint));
}

/* A node whose taint keeps the DaemonSet's pods away is not to wait for; a pod that is there already stays, unless
 * the taint ends it. */
static void test_repelled(void **state) {
        PlayWorkload w = set_of("web", 100);
        Play p;

        play_cluster(&p);
        play_workload(&p, &w);
        set_taints(&p, TAINT("own", "a", "NoSchedule"));
        assert_blocked(&p, &web, REASON_NO_ELIGIBLE_NODE,
                       "the node " GUIDE_NODE
                       " has the taint own=a:NoSchedule, which its pods do not tolerate",
                       "oc adm taint node");
        add_pod(&p, "web", 100);
        assert_evidence(play_ask(&p, &web), EVIDENCE_TRUE);
        set_taints(&p, BARE("own", "NoExecute"));
        assert_blocked(&p, &web, REASON_NO_ELIGIBLE_NODE,
                       "the node " GUIDE_NODE " has the taint own:NoExecute, which its pods do not tolerate",
                       "oc adm taint node");
        w.tolerations = TOLERATE("\"operator\":\"Exists\"");
        play_workload(&p, &w);
        assert_evidence(play_ask(&p, &web), EVIDENCE_TRUE);
        w.node_selector = "\"no\":\"node\"";
        play_workload(&p, &w);
        assert_blocked(&p, &web, REASON_NO_ELIGIBLE_NODE,
                       "its node selector and affinity match no node in scope", "node selector or affinity");
        play_end(&p);
}

/* In the scope of the cluster each node counts by itself. */
static void test_cluster_scope(void **state) {
        PlayWorkload w = set_of("web", 100);
        PlayNode other = { .name = "other", .uid = 2, .boot_id = OLD_BOOT, .ready = KUBE_STATUS_TRUE };
        Play p;

        play_cluster(&p);
        p.world->cluster_scope = true;
        play_workload(&p, &w);
        add_pod(&p, "web", 100);
        play_node(&p, &other);
        assert_blocked(&p, &web, REASON_NO_PODS, "1 of 2 pods exist", "No pod matches");
        other.taints = TAINT("own", "a", "NoSchedule");
        play_node(&p, &other);
        assert_evidence(play_ask(&p, &web), EVIDENCE_TRUE);
        play_end(&p);
}

/* A node that is not ready never makes a workload unwanted. While it has the taint, the controller makes no pod: the
 * node is told as the cause, and not the gate's file. */
static void test_not_ready_taint(void **state) {
        PlayWorkload w = set_of("web", 100);
        PlayNode node = node_of_this_boot();
        Play p;

        play_cluster(&p);
        w.status = "\"desiredNumberScheduled\":0";
        play_workload(&p, &w);
        set_taints(&p, BARE("node.kubernetes.io/not-ready", "NoSchedule"));
        assert_blocked(&p, &web, REASON_NO_PODS,
                       "0 of 1 pods exist; the node " GUIDE_NODE
                       " has the taint node.kubernetes.io/not-ready, which they do not tolerate",
                       "see the gate node");
        w.tolerations = TOLERATE("\"operator\":\"Exists\"");
        play_workload(&p, &w);
        assert_blocked(&p, &web, REASON_NO_PODS, "0 of 1 pods exist", "No pod matches");

        /* Of this one the controller makes its pods tolerant. */
        w.tolerations = NULL;
        play_workload(&p, &w);
        set_taints(&p, BARE("node.kubernetes.io/not-ready", "NoExecute"));
        assert_blocked(&p, &web, REASON_NO_PODS, "0 of 1 pods exist", "No pod matches");
        set_taints(&p, BARE("node.kubernetes.io/disk-pressure", "NoSchedule"));
        assert_blocked(&p, &web, REASON_NO_PODS, "0 of 1 pods exist", "No pod matches");

        /* In the scope of the cluster, the node that lacks the pod. */
        p.world->cluster_scope = true;
        add_pod(&p, "web", 100);
        set_taints(&p, BARE("node.kubernetes.io/not-ready", "NoSchedule"));
        node.name = "other";
        node.uid = 2;
        play_node(&p, &node);
        assert_blocked(&p, &web, REASON_NO_PODS, "1 of 2 pods exist", "No pod matches");
        node.taints = BARE("node.kubernetes.io/unreachable", "NoSchedule");
        play_node(&p, &node);
        assert_blocked(
                &p, &web, REASON_NO_PODS,
                "1 of 2 pods exist; the node other has the taint node.kubernetes.io/unreachable, which they "
                "do not tolerate",
                "see the gate node");
        play_end(&p);
}

/* A pod on another node is not looked at in the scope of ours: that is told where the status counts it. */
static void test_elsewhere(void **state) {
        static const KubeKind kinds[] = { KUBE_DEPLOYMENT, KUBE_STATEFULSET };
        Play p;

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                PlayCheck d = check_workload(kinds[i], NS, "web");
                PlayWorkload w = set_of("web", 100);

                w.kind = kinds[i];
                w.replicas = 1;
                w.status = "\"replicas\":1";
                play_cluster(&p);
                play_workload(&p, &w);
                assert_blocked(&p, &d, REASON_NO_PODS,
                               "0 of 1 pods exist on this node; the status counts 1 in the cluster",
                               "set Scope=cluster");
                p.world->cluster_scope = true;
                assert_blocked(&p, &d, REASON_NO_PODS, "0 of 1 pods exist", "No pod matches");
                p.world->cluster_scope = false;
                w.status = "\"replicas\":0";
                play_workload(&p, &w);
                assert_blocked(&p, &d, REASON_NO_PODS, "0 of 1 pods exist", "No pod matches");
                play_end(&p);
        }
}

/* --- a gate with a DaemonSet that does not want this node --- */

/* The DaemonSet web, whose pod is usable, and agent, which wants another node. */
static void begin_worker(Play *p) {
        PlayWorkload one = set_of("web", 100), other = set_of("agent", 101);

        play_cluster(p);
        other.node_selector = "\"role\":\"master\"";
        play_workload(p, &one);
        play_workload(p, &other);
        add_pod(p, "web", 100);
}

static int count_listed(const Watched *watched, void *userdata) {
        (*(unsigned *) userdata)++;
        return 0;
}

static unsigned count_objects(Play *p, const char *gate) {
        const Gate *g = play_find(p, gate);
        unsigned n = 0;

        for (size_t i = 0; i < g->n_checks; i++)
                assert_ok(check_list(&g->checks[i], p->world, p->now, count_listed, &n));
        return n;
}

/* It does not count beside a check that applies. With none that does, the gate stays shut. */
static void test_set_aside(void **state) {
        PlayWorkload both = set_of("agent", 101);
        const Report *r;
        Play p;

        begin_worker(&p);
        PLAY_GATE(&p, "ovn", agent, web);
        PLAY_GATE(&p, "only", agent);
        play_load(&p);
        r = &play_find(&p, "ovn")->report;
        assert_gate(&p, "ovn", "ready");
        assert_evidence(r->evidence, EVIDENCE_TRUE);
        assert_int_equal(r->n_blockers, 0);
        assert_int_equal(r->total_objects, 1);
        assert_int_equal(count_objects(&p, "ovn"), 2);
        assert_gate(&p, "only", "waiting");
        assert_evidence(play_find(&p, "only")->report.evidence, EVIDENCE_FALSE);
        assert_string_equal(play_find(&p, "only")->report.blockers[0].reason, REASON_NO_ELIGIBLE_NODE);
        assert_int_equal(count_objects(&p, "only"), 1);

        /* The check beside it decides alone. */
        play_kill(&p, 30);
        play_look(&p);
        play_judge(&p);
        assert_evidence(r->evidence, EVIDENCE_FALSE);
        assert_int_equal(r->n_blockers, 1);
        play_start(&p, 30);
        play_look(&p);

        /* It counts as soon as it wants this node. */
        play_workload(&p, &both);
        play_judge(&p);
        assert_evidence(r->evidence, EVIDENCE_FALSE);
        assert_string_equal(r->blockers[0].reason, REASON_NO_PODS);
        add_pod(&p, "agent", 101);
        play_judge(&p);
        assert_gate(&p, "ovn", "ready");
        assert_gate(&p, "only", "ready");
        assert_int_equal(r->total_objects, 2);
        play_end(&p);
}

/* Whether it applies is in doubt while the node or a stream is: it is judged, and nothing opens. */
static void test_doubt(void **state) {
        static const StreamRole roles[] = { STREAM_NODES, STREAM_DAEMONSETS };
        PlayNode node = node_of_this_boot();
        Play p;

        for (size_t i = 0; i < ELEMENTSOF(roles); i++) {
                begin_worker(&p);
                play_lose(&p, roles[i]);
                PLAY_GATE(&p, "ovn", agent, web);
                play_load(&p);
                assert_gate(&p, "ovn", "waiting");
                assert_evidence(play_find(&p, "ovn")->report.evidence, EVIDENCE_NONE);
                play_sync(&p, roles[i]);
                play_judge(&p);
                play_end(&p);
        }

        begin_worker(&p);
        play_remove(&p, KUBE_NODE, "", GUIDE_NODE);
        PLAY_GATE(&p, "ovn", agent, web);
        play_load(&p);
        assert_gate(&p, "ovn", "waiting");
        node.boot_id = OLD_BOOT; /* perhaps another host's */
        play_node(&p, &node);
        play_judge(&p);
        assert_gate(&p, "ovn", "waiting");
        node.boot_id = THIS_BOOT;
        play_node(&p, &node);
        play_heartbeat(&p);
        play_judge(&p);
        assert_gate(&p, "ovn", "ready");
        play_end(&p);
}

/* MinimumReady= says what is wanted, whatever the DaemonSet wants. */
static void test_minimum(void **state) {
        Play p;

        begin_worker(&p);
        agent.tally.minimum_ready = 1;
        PLAY_GATE(&p, "ovn", agent, web);
        play_load(&p);
        assert_gate(&p, "ovn", "waiting");
        agent.tally.minimum_ready = MINIMUM_READY_UNSET;
        play_end(&p);
}

static void begin_with_condition(Play *p) {
        begin_worker(p);
        play_generic_stream(p, "cert-manager.io/v1/certificates shop/tls");
        play_generic(p, &(PlayGeneric){ .namespace = NS,
                                        .name = "tls",
                                        .uid = 9,
                                        .type = "Ready",
                                        .status = KUBE_STATUS_TRUE });
        play_sync(p, STREAM_GENERIC);
}

/* A controller that does not run here has not been TRUE: its condition says nothing (rule R7). */
static void test_no_controller(void **state) {
        Play p;

        begin_with_condition(&p);
        PLAY_GATE(&p, "certificate", condition, agent);
        play_load(&p);
        play_pass(&p, SECONDS(60));
        assert_gate(&p, "certificate", "waiting");
        assert_evidence(play_find(&p, "certificate")->report.evidence, EVIDENCE_FALSE);
        play_end(&p);

        /* Nor does another check beside it, and what the condition waits for is told. */
        begin_with_condition(&p);
        PLAY_GATE(&p, "certificate", condition, agent, api);
        play_load(&p);
        play_pass(&p, SECONDS(60));
        assert_gate(&p, "certificate", "waiting");
        assert_string_equal(play_find(&p, "certificate")->report.blockers[0].reason,
                            REASON_NO_ELIGIBLE_NODE);
        play_end(&p);

        /* The one that does run here speaks for it. */
        begin_with_condition(&p);
        PLAY_GATE(&p, "certificate", condition, agent, web);
        play_load(&p);
        assert_gate(&p, "certificate", "waiting");
        play_pass(&p, SECONDS(31));
        assert_gate(&p, "certificate", "ready");
        play_end(&p);
}

/* A condition that has had its controller's word waits for nothing: the DaemonSet may leave this node. */
static void test_controller_leaves(void **state) {
        PlayWorkload both = set_of("agent", 101), other = set_of("agent", 101);
        Play p;

        begin_with_condition(&p);
        other.node_selector = "\"role\":\"master\"";
        play_workload(&p, &both);
        add_pod(&p, "agent", 101);
        PLAY_GATE(&p, "certificate", condition, agent, api);
        play_load(&p);
        play_pass(&p, SECONDS(31));
        assert_gate(&p, "certificate", "ready");
        play_workload(&p, &other);
        play_judge(&p);
        assert_evidence(play_find(&p, "certificate")->report.evidence, EVIDENCE_TRUE);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_affinity),          cmocka_unit_test(test_taints),
                cmocka_unit_test(test_repelled),          cmocka_unit_test(test_cluster_scope),
                cmocka_unit_test(test_not_ready_taint),   cmocka_unit_test(test_elsewhere),
                cmocka_unit_test(test_set_aside),         cmocka_unit_test(test_doubt),
                cmocka_unit_test(test_minimum),           cmocka_unit_test(test_no_controller),
                cmocka_unit_test(test_controller_leaves),
        };

        return cmocka_run_group_tests_name("ready-affinity", tests, setup, NULL);
}
