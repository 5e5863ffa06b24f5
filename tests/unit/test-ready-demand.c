/* SPDX-License-Identifier: Apache-2.0 */

/* Which streams the gates need, told as one line each: role, where, which, key. */

#include "fixture.h"

#include "ready/board.h"

#define OURS "=" GUIDE_NODE

static const char *const names[_STREAM_ROLE_MAX] = {
        [STREAM_NODES] = "nodes",
        [STREAM_PODS] = "pods",
        [STREAM_PODS_UNSCHEDULED] = "unscheduled",
        [STREAM_DAEMONSETS] = "daemonsets",
        [STREAM_DEPLOYMENTS] = "deployments",
        [STREAM_STATEFULSETS] = "statefulsets",
        [STREAM_REPLICASETS] = "replicasets",
        [STREAM_LEASES] = "leases",
        [STREAM_EVENTS] = "events",
        [STREAM_GENERIC] = "generic",
};

static int tell(const StreamDemand *demand, void *userdata) {
        const KubeQuery *q = &demand->query;

        return buffer_printf(userdata, "%s%s%s%s%s%s%s\n", names[demand->role], q->namespace ? " in " : "",
                             strempty(q->namespace), q->field_selector ? " " : "",
                             strempty(q->field_selector), demand->key ? " for " : "", strempty(demand->key));
}

static void assert_demand(const Play *p, const char *expected) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(4096);

        assert_ok(board_demand(&p->board, p->world, tell, &b));
        assert_string_equal(buffer_cstr(&b), expected);
}

static void begin(Play *p, const PlayNode *node) {
        play_begin(p);
        play_api(p, API_READY);
        if (node)
                play_node(p, node);
        play_sync_all(p);
}

/* Our node becomes known, proves to be of this boot, and shows that it lives; a reboot takes it all back. */
static void test_node(void **state) {
        PlayNode old = node_of_this_boot(), new = node_of_this_boot();
        Play p;

        begin(&p, NULL);
        PLAY_GATE(&p, "dns", check_workload(KUBE_DAEMONSET, "openshift-dns", "dns-default"));
        play_load(&p);
        assert_demand(&p, "nodes\nunscheduled spec.nodeName=\ndaemonsets\nevents\n");
        play_end(&p);

        old.boot_id = OLD_BOOT;
        begin(&p, &old);
        PLAY_GATE(&p, "dns", check_workload(KUBE_DAEMONSET, "openshift-dns", "dns-default"));
        play_load(&p);
        assert_demand(&p,
                      "nodes\nunscheduled spec.nodeName=\npods spec.nodeName" OURS "\ndaemonsets\nevents\n"
                      "leases in kube-node-lease metadata.name" OURS "\n");
        play_node(&p, &new);
        play_judge(&p);
        assert_demand(&p, "nodes metadata.name" OURS "\nunscheduled spec.nodeName=\n"
                          "pods spec.nodeName" OURS "\ndaemonsets\nevents\n");
        play_api(&p, API_UNREACHABLE);
        play_api(&p, API_READY);
        play_judge(&p);
        assert_demand(&p, "nodes metadata.name" OURS "\nunscheduled spec.nodeName=\n"
                          "pods spec.nodeName" OURS "\ndaemonsets\nevents\n"
                          "leases in kube-node-lease metadata.name" OURS "\n");
        play_remove(&p, KUBE_NODE, "", GUIDE_NODE);
        play_judge(&p);
        assert_demand(&p, "nodes\nunscheduled spec.nodeName=\ndaemonsets\nevents\n");
        play_end(&p);
}

/* Events are for what is shut, and cost the API server a watch: none without. */
static void test_open(void **state) {
        Play p;

        world_of_guide(&p);
        assert_demand(&p,
                      "nodes metadata.name" OURS "\nunscheduled spec.nodeName=\n"
                      "pods spec.nodeName" OURS "\ndaemonsets\ndeployments\nstatefulsets\nreplicasets\n");
        play_kill(&p, p.alive[0]);
        play_look(&p);
        play_judge(&p);
        assert_demand(&p, "nodes metadata.name" OURS "\nunscheduled spec.nodeName=\n"
                          "pods spec.nodeName" OURS
                          "\ndaemonsets\ndeployments\nstatefulsets\nreplicasets\nevents\n");
        play_end(&p);
}

static void test_kinds(void **state) {
        PlayCheck api = check_of(&check_kind_api), condition = check_of(&check_kind_condition), field;
        PlayNode node = node_of_this_boot();
        Play p;

        api.api.path = (char *) "/livez";
        condition.condition.resource = (char *) "cert-manager.io/v1/certificates";
        condition.condition.namespace = (char *) "shop";
        condition.condition.name = (char *) "tls";
        condition.condition.type = (char *) "Ready";
        field = condition;
        field.condition.resource = (char *) "v1/persistentvolumeclaims";
        field.condition.type = NULL;
        field.condition.field = (char *) "status.phase";

        const struct {
                PlayCheck check;
                const char *needs;
        } rows[] = {
                { api, "nodes metadata.name" OURS "\n" },
                { check_node(NULL), "nodes metadata.name" OURS "\n" },
                { check_node("other"), "nodes\n" },
                { check_node("*"), "nodes\n" },
                { check_pods("a", "*"), "nodes metadata.name" OURS "\nunscheduled spec.nodeName=\n"
                                        "pods spec.nodeName" OURS "\nevents\n" },
                { check_workload(KUBE_STATEFULSET, "a", "b"),
                  "nodes metadata.name" OURS "\nunscheduled spec.nodeName=\npods spec.nodeName" OURS "\n"
                  "statefulsets\nevents\n" },
                { check_workload(KUBE_DEPLOYMENT, "a", "b"),
                  "nodes metadata.name" OURS "\nunscheduled spec.nodeName=\npods spec.nodeName" OURS "\n"
                  "deployments\nreplicasets\nevents\n" },
                { condition,
                  "nodes metadata.name" OURS "\n"
                  "generic in shop metadata.name=tls for cert-manager.io/v1/certificates shop/tls\n" },
                { field,
                  "nodes metadata.name" OURS "\n"
                  "generic in shop metadata.name=tls for v1/persistentvolumeclaims shop/tls status.phase\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                begin(&p, &node);
                play_heartbeat(&p);
                PLAY_GATE(&p, "gate", rows[i].check);
                play_load(&p);
                assert_demand(&p, rows[i].needs);
                play_end(&p);
        }
}

static void test_cluster_scope(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        begin(&p, &node);
        p.world->cluster_scope = true;
        PLAY_GATE(&p, "gate", check_pods("a", "*"));
        play_load(&p);
        assert_demand(&p, "nodes\npods\nevents\nleases in kube-node-lease\n");
        play_end(&p);
}

/* Another host's node that a check asks for is fresh once its Lease has moved: that has to be seen. */
static void test_other_nodes(void **state) {
        PlayNode node = node_of_this_boot(),
                 other = { .name = "other", .uid = 2, .ready = KUBE_STATUS_TRUE };
        Play p;

        begin(&p, &node);
        play_lose(&p, STREAM_NODES);
        play_lose(&p, STREAM_LEASES);
        play_node(&p, &other);
        play_lease(&p, "other");
        play_node(&p, &node);
        play_sync_all(&p);
        play_heartbeat(&p);
        PLAY_GATE(&p, "gate", check_node("*"));
        play_load(&p);
        assert_demand(&p, "nodes\nleases in kube-node-lease\n");
        play_lease(&p, "other");
        play_judge(&p);
        assert_demand(&p, "nodes\n");
        play_api(&p, API_UNREACHABLE);
        play_api(&p, API_READY);
        play_judge(&p);
        assert_demand(&p, "nodes\nleases in kube-node-lease\n");
        play_end(&p);
}

/* What is disabled or invalid is not asked, and its being shut is not explained by events. */
static void test_not_asked(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        begin(&p, &node);
        play_heartbeat(&p);
        PLAY_GATE(&p, "disabled", check_workload(KUBE_DAEMONSET, "a", "b"))->enabled = false;
        PLAY_GATE(&p, "invalid", check_pods("a", "*"))->definition->invalid =
                strdup("invalid.gate:3: what is that?");
        PLAY_GATE(&p, "unreadable", check_pods("a", "*"))->cause = strdup("config.yaml:2: cannot be read");
        play_load(&p);
        assert_demand(&p, "nodes metadata.name" OURS "\n");
        play_end(&p);
}

static int refuse(const StreamDemand *demand, void *userdata) {
        return -EXDEV;
}

static void test_refused(void **state) {
        Play p;

        world_of_guide(&p);
        assert_int_equal(board_demand(&p.board, p.world, refuse, NULL), -EXDEV);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_node),        cmocka_unit_test(test_open),
                cmocka_unit_test(test_kinds),       cmocka_unit_test(test_cluster_scope),
                cmocka_unit_test(test_not_asked),   cmocka_unit_test(test_refused),
                cmocka_unit_test(test_other_nodes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
