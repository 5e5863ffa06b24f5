/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R6: no state stands on the word of another cluster, or of other checks. */

#include "kept.h"

static void assert_begun_again(Play *p, const char *why) {
        if (p->cluster_edges != 1 || !strstr(p->why, why))
                fail_msg("told %u times, \"%s\", not \"%s\"", p->cluster_edges, p->why, why);
        assert_gate(p, "dns", "waiting");
        assert_int_equal(play_find(p, "dns")->n_kept, 0);
        assert_int_equal(play_find(p, "dns")->first_ready, 0);
        assert_false(p->board.verdict.was_ready);
        assert_verdict(p, "waiting");
        assert_int_equal(p->verdict_edges, 1); /* it was ready */
}

static void assert_stands(Play *p) {
        assert_int_equal(p->cluster_edges, 0);
        assert_gate(p, "dns", "ready");
        assert_verdict(p, "ready");
        assert_int_equal(p->gate_edges, 0);
}

/* Another server, or another part of the same cluster: thrown away as soon as that is known, and told once. */
static void test_another_cluster(void **state) {
        static const struct {
                const char *server, *ca, *context, *node;
                bool cluster_scope;
                const char *why; /* NULL: it is the same */
        } rows[] = {
                { "https://localhost:6443", "11", NULL, NULL, false, NULL },
                { "https://10.0.0.1:6443", "11", NULL, NULL, false, "server was https://localhost:6443" },
                { "https://localhost:6443", "12", NULL, NULL, false, "certificate authority" },
                { "https://localhost:6443", NULL, NULL, NULL, false, "certificate authority" },
                { "https://localhost:6443", "11", "b", NULL, false, "Context= was not set and is b" },
                { "https://localhost:6443", "11", NULL, "n", false, "Node= was local and is n" },
                { "https://localhost:6443", "11", NULL, NULL, true, "Scope= was node and is cluster" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Buffer b;
                Play p;

                kept_begin(&p);
                b = kept_stop(&p);
                p.verdict_edges = 0;
                assert_true(free_and_strdup(&p.world->context_setting, rows[i].context) >= 0);
                assert_true(free_and_strdup(&p.world->node_setting, rows[i].node) >= 0);
                p.world->cluster_scope = rows[i].cluster_scope;
                assert_ok(kept_start(&p, &b, &here));
                if (rows[i].context || rows[i].node || rows[i].cluster_scope)
                        assert_begun_again(&p, rows[i].why);
                else
                        assert_stands(&p); /* the kubeconfig has not been read */
                name_cluster(&p, rows[i].server, rows[i].ca);
                play_judge(&p);
                if (rows[i].why)
                        assert_begun_again(&p, rows[i].why);
                else
                        assert_stands(&p);
                play_end(&p);
        }
}

static void list_node(Play *p, unsigned uid) {
        PlayNode node = node_of_this_boot();

        node.uid = uid;
        play_api(p, API_READY);
        play_node(p, &node);
        play_judge(p); /* a listing that is not complete proves nothing */
        assert_stands(p);
        play_sync_all(p);
        play_judge(p);
}

/* At the same address, with the same authority: the UID of our node tells, once it is listed. */
static void test_another_node(void **state) {
        for (unsigned uid = 1; uid < 3; uid++) {
                Play p;

                kept_begin(&p);
                kept_restart(&p);
                p.verdict_edges = 0;
                name_cluster(&p, "https://localhost:6443", "11");
                list_node(&p, uid);
                if (uid == 1)
                        assert_stands(&p);
                else
                        assert_begun_again(&p, "another UID");
                play_end(&p);
        }
}

/* Ours is not there any more. Where it cannot be told which one is ours, nothing is known. */
static void test_no_node(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        kept_begin(&p);
        kept_restart(&p);
        p.verdict_edges = 0;
        node.name = "other";
        play_api(&p, API_READY);
        play_node(&p, &node);
        p.world->node = NULL;
        play_sync_all(&p);
        play_judge(&p);
        assert_stands(&p);

        play_remove(&p, KUBE_NODE, "", "other");
        play_judge(&p);
        assert_begun_again(&p, "no node has the UID");
        play_end(&p);
}

/* While the daemon runs: an authority is changed from time to time, and a context is renamed. The UID of our node
 * decides, as the server has it that is asked now. */
static void test_while_running(void **state) {
        static const struct {
                const char *server, *context;
                unsigned uid;
        } rows[] = {
                { "https://localhost:6443", NULL, 1 }, { "https://localhost:6443", NULL, 2 },
                { "https://10.0.0.1:6443", NULL, 1 },  { "https://10.0.0.1:6443", NULL, 2 },
                { "https://localhost:6443", "b", 1 },  { "https://localhost:6443", "b", 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PlayNode node = node_of_this_boot();
                Play p;

                kept_begin(&p);
                p.verdict_edges = p.gate_edges = 0;
                node.uid = rows[i].uid;
                name_cluster(&p, rows[i].server, rows[i].context ? "11" : "12");
                assert_true(free_and_strdup(&p.world->context_setting, rows[i].context) >= 0);
                play_api(&p, API_UNREACHABLE);
                play_judge(&p);
                play_api(&p, API_READY);
                play_judge(&p);
                assert_stands(&p); /* the node that is known came from the former server */
                assert_string_equal(p.board.cluster.server, "https://localhost:6443");
                play_node(&p, &node);
                play_judge(&p);
                if (rows[i].uid == 1)
                        assert_stands(&p);
                else
                        assert_begun_again(&p, "another UID");
                assert_string_equal(p.board.cluster.server, rows[i].server);
                assert_string_equal(p.board.cluster.node_uid, p.world->node->object->uid);
                play_end(&p);
        }
}

/* Nothing else changed: the node has registered itself anew, and what the gates say stands. */
static void test_node_registers_again(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        kept_begin(&p);
        play_remove(&p, KUBE_NODE, "", GUIDE_NODE);
        play_judge(&p);
        node.uid = 2;
        play_node(&p, &node);
        play_judge(&p);
        assert_int_equal(p.cluster_edges, 0);
        assert_gate(&p, "dns", "ready");
        assert_string_equal(p.board.cluster.node_uid, p.world->node->object->uid);
        play_end(&p);
}

/* Nothing is known of a node by which the clusters could be compared: another server is another cluster. */
static void test_while_running_without_node(void **state) {
        for (int other = 0; other < 2; other++) {
                Play p;

                kept_begin(&p);
                p.verdict_edges = p.gate_edges = 0;
                p.board.cluster.node_uid = mfree(p.board.cluster.node_uid);
                play_api(&p, API_UNREACHABLE);
                if (other)
                        name_cluster(&p, "https://10.0.0.1:6443", "11");
                else
                        assert_true(free_and_strdup(&p.world->context_setting, "b") >= 0);
                play_judge(&p);
                if (other)
                        assert_begun_again(&p, "server was");
                else
                        assert_stands(&p);
                play_end(&p);
        }
}

/* The former cluster's name is kept until it is certain that the new one is the same. */
static void test_restart_in_doubt(void **state) {
        Play p;

        kept_begin(&p);
        name_cluster(&p, "https://localhost:6443", "12");
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        kept_restart(&p);
        p.verdict_edges = 0;
        name_cluster(&p, "https://localhost:6443", "12");
        play_judge(&p);
        assert_begun_again(&p, "certificate authority");
        play_end(&p);
}

/* A gate whose checks are others now begins again, and so does the verdict where it is a required one. */
static void test_other_checks(void **state) {
        for (int required = 0; required < 2; required++) {
                PlayCheck readyz = check_of(&check_kind_api);
                _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
                Buffer b;
                Play p;

                readyz.api.path = (char *) "/readyz";
                kept_begin(&p);
                b = kept_stop(&p);
                p.verdict_edges = p.gate_edges = 0;
                PLAY_GATE(&p, "dns", check_pods(NS, "dns-*"))->required = required;
                PLAY_GATE(&p, "api", readyz);
                assert_ok(board_set(&p.board, p.setups, p.n_setups, p.now, &warnings, &removed));
                p.n_setups = 0;
                assert_ok(keep_restore(&p.board, b.data, b.size, &here, p.now));
                buffer_done(&b);
                play_judge(&p);
                assert_gate(&p, "dns", "waiting");
                assert_int_equal(play_find(&p, "dns")->n_kept, 0);
                assert_int_equal(play_find(&p, "dns")->first_ready, 0);
                assert_gate(&p, "api", "ready");
                assert_int_equal(p.gate_edges, 1);
                assert_int_equal(p.board.verdict.was_ready, !required);
                assert_verdict(&p, required ? "waiting" : "ready");
                assert_int_equal(p.verdict_edges, required);
                play_end(&p);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_another_cluster),
                cmocka_unit_test(test_another_node),
                cmocka_unit_test(test_no_node),
                cmocka_unit_test(test_while_running),
                cmocka_unit_test(test_node_registers_again),
                cmocka_unit_test(test_while_running_without_node),
                cmocka_unit_test(test_restart_in_doubt),
                cmocka_unit_test(test_other_checks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
