/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R6: our own restart, within one boot and one userspace. */

#include "kept.h"

static void die(Play *p, unsigned id) {
        play_kill(p, id);
        play_look(p);
        play_judge(p);
}

static void test_restart(void **state) {
        usec_t first, changed;
        Play p;

        kept_begin(&p);
        play_pass(&p, SECONDS(50));
        first = play_find(&p, "dns")->first_ready;
        changed = p.board.verdict.changed;
        kept_restart(&p);
        assert_gate(&p, "dns", "ready");
        assert_verdict(&p, "ready");
        assert_int_equal(p.gate_edges, 0);
        assert_int_equal(play_find(&p, "dns")->first_ready, first);
        assert_int_equal(play_find(&p, "dns")->changed, first);
        assert_int_equal(p.board.verdict.changed, changed);

        /* READY=1 needs every required gate TRUE on this process's own streams. */
        assert_false(board_is_fresh(&p.board));
        play_end(&p);
}

static void test_fresh_again(void **state) {
        PlayPod pod = pod_ready(NS, "dns-default-28m2q", 3, 31);
        PlayNode node = node_of_this_boot();
        Play p;

        kept_begin(&p);
        kept_restart(&p);
        play_api(&p, API_READY);
        play_node(&p, &node);
        play_pod(&p, &pod);
        play_sync_all(&p);
        play_look(&p);
        play_judge(&p);
        assert_false(board_is_fresh(&p.board)); /* the kubelet is silent */
        play_heartbeat(&p);
        play_judge(&p);
        assert_true(board_is_fresh(&p.board));
        assert_int_equal(play_find(&p, "dns")->n_kept, 0); /* the streams speak for themselves */
        play_end(&p);
}

/* Another boot, another userspace (a soft-reboot keeps the boot ID and /run): thrown away. */
static void test_elsewhere(void **state) {
        static const KeepStamp others[] = {
                { OLD_BOOT, 4321 }, { THIS_BOOT, 4322 }, { THIS_BOOT, 0 }, { "", 4321 }, { OLD_BOOT, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                Buffer b;
                Play p;

                kept_begin(&p);
                b = kept_stop(&p);
                assert_error(kept_start(&p, &b, &others[i]), ESTALE);
                assert_gate(&p, "dns", "waiting");
                assert_verdict(&p, "waiting");
                assert_false(p.board.verdict.was_ready);
                assert_int_equal(play_find(&p, "dns")->n_kept, 0);
                play_end(&p);
        }
}

/* The time since the stamp counts as NO-EVIDENCE: it stays open for what is left of its grace. */
static void test_grace(void **state) {
        static const struct {
                usec_t away, down; /* without evidence before the stop, and while we were down */
        } rows[] = { { 0, 0 }, { 0, 100 }, { 100, 0 }, { 100, 100 }, { 0, 299 }, { 200, 50 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                usec_t left = SECONDS(300 - rows[i].away - rows[i].down);
                Play p;

                kept_begin(&p);
                if (rows[i].away > 0) {
                        play_api(&p, API_UNREACHABLE);
                        play_judge(&p);
                        play_pass(&p, SECONDS(rows[i].away));
                }
                kept_restart_after(&p, SECONDS(rows[i].down));
                assert_gate(&p, "dns", "ready");
                play_pass(&p, left - 1);
                assert_gate(&p, "dns", "ready");
                play_pass(&p, 1);
                assert_gate(&p, "dns", "unknown");
                assert_verdict(&p, "unknown");
                play_end(&p);
        }
}

/* It has run out while we were down. An hour asleep does not count. */
static void test_grace_is_over(void **state) {
        Buffer b;
        Play p;

        kept_begin(&p);
        b = kept_stop(&p);
        play_sleep(&p, 10 * USEC_PER_HOUR);
        assert_ok(kept_start(&p, &b, &here));
        assert_gate(&p, "dns", "ready");
        kept_restart_after(&p, SECONDS(300));
        assert_gate(&p, "dns", "unknown");
        assert_int_equal(p.gate_edges, 2);
        play_end(&p);
}

/* A running hold goes on from what was left; what nobody watched neither counts nor resets. */
static void test_hold(void **state) {
        Play p;

        kept_begin(&p);
        die(&p, 31);
        play_pass(&p, SECONDS(10));
        assert_gate(&p, "dns", "ready");
        kept_restart_after(&p, SECONDS(100));
        assert_gate(&p, "dns", "ready");
        assert_evidence(play_find(&p, "dns")->report.evidence,
                        EVIDENCE_FALSE); /* dead at the stop, and dead now */
        play_pass(&p, SECONDS(5) - 1);
        assert_gate(&p, "dns", "ready");
        play_pass(&p, 1);
        assert_gate(&p, "dns", "lost");
        play_end(&p);
}

/* Nor does the time for which the daemon was stopped before it ended, whatever it believed when that began. */
static void test_hold_of_a_stalled_daemon(void **state) {
        Play p;

        kept_begin(&p);
        die(&p, 31);
        p.now.monotonic += SECONDS(100);
        p.now.boottime += SECONDS(100);
        kept_restart(&p);
        assert_gate(&p, "dns", "ready");
        assert_evidence(play_find(&p, "dns")->report.evidence, EVIDENCE_FALSE);
        play_pass(&p, SECONDS(13));
        assert_gate(&p, "dns", "ready");
        play_pass(&p, SECONDS(2));
        assert_gate(&p, "dns", "lost");
        play_end(&p);
}

/* A container that is dead now is FALSE at once, the API being there or not. */
static void test_dead(void **state) {
        Buffer b;
        Play p;

        kept_begin(&p);
        b = kept_stop(&p);
        play_kill(&p, 32);
        assert_ok(kept_start(&p, &b, &here));
        assert_int_equal(play_find(&p, "dns")->n_kept, 2);
        assert_evidence(play_find(&p, "dns")->report.evidence, EVIDENCE_FALSE);
        assert_string_equal(play_find(&p, "dns")->report.blockers[0].reason, REASON_UNPROVEN);
        play_pass(&p, SECONDS(15));
        assert_gate(&p, "dns", "lost");
        assert_gate(&p, "api", "ready");
        assert_verdict(&p, "lost");
        play_end(&p);
}

static void add_spare_gates(Play *p) {
        PlayCheck two = check_pods(NS, NULL);

        two.pods.tally.minimum_ready = 2;
        PLAY_GATE(p, "two", check_node(NULL), two);
        PLAY_GATE(p, "all", check_pods(NS, NULL));
}

static void restart_with_spare_pods(Play *p) {
        Buffer b = kept_stop(p);

        assert_ok(kept_start_with(p, &b, &here, add_spare_gates));
}

/* Pods beyond those that are wanted never block, nor where they die after a restart while the API is away. One that
 * was dead before the restart is missing in what is left. */
static void test_spare_pods(void **state) {
        for (unsigned dead_before = 0; dead_before < 2; dead_before++) {
                Play p;

                play_cluster(&p);
                for (unsigned n = 0; n < 3; n++) {
                        const char *const names[] = { "dns-1", "dns-2", "dns-3" };
                        PlayPod pod = pod_ready(NS, names[n], 3 + n, 31 + 2 * n);

                        pod.containers[1] = (PlayContainer){ .name = "proxy",
                                                             .role = KUBE_CONTAINER_MAIN,
                                                             .state = KUBE_CONTAINER_RUNNING,
                                                             .id = 32 + 2 * n };
                        play_start_pod(&p, &pod);
                }
                add_spare_gates(&p);
                play_load(&p);
                assert_gate(&p, "two", "ready");
                play_api(&p, API_UNREACHABLE);
                play_judge(&p);
                if (dead_before)
                        die(&p, 31);
                else
                        restart_with_spare_pods(&p);
                die(&p, 31);
                die(&p, 32);
                for (int again = 0; again < 2; again++) {
                        assert_evidence(play_find(&p, "two")->report.evidence, EVIDENCE_NONE);
                        assert_evidence(play_find(&p, "all")->report.evidence, EVIDENCE_FALSE);
                        restart_with_spare_pods(&p);
                }
                die(&p, 36);
                assert_evidence(play_find(&p, "two")->report.evidence, EVIDENCE_FALSE);
                play_end(&p);
        }
}

#define SANDBOX 90
#define SUCCESSOR 42

static void add_twofold_gate(Play *p) {
        PLAY_GATE(p, "dns", check_pods(NS, NULL), check_pods(NS, "*"));
}

/* dns is open by two checks that look at one pod, whose sandbox has a process; and the API goes away. */
static void begin_with_sandbox(Play *p) {
        PlayPod pod = pod_ready(NS, "dns-default-28m2q", 3, 31);

        play_cluster(p);
        pod.containers[1] = (PlayContainer){
                .name = "proxy", .role = KUBE_CONTAINER_MAIN, .state = KUBE_CONTAINER_RUNNING, .id = 32
        };
        play_start_beside(p, 3, SANDBOX);
        play_start_pod(p, &pod);
        add_twofold_gate(p);
        play_load(p);
        assert_gate(p, "dns", "ready");
        play_api(p, API_UNREACHABLE);
        play_judge(p);
}

static void restart_with_sandbox(Play *p) {
        Buffer b = kept_stop(p);

        assert_ok(kept_start_with(p, &b, &here, add_twofold_gate));
}

static void assert_dns(Play *p, Evidence expected) {
        play_look(p);
        play_judge(p);
        assert_evidence(play_find(p, "dns")->report.evidence, expected);
}

/* A container that was started again while the API is away is not dead, before a restart of the daemon and after it;
 * the sandbox beside a dead one is nobody's successor. */
static void test_restarted_container(void **state) {
        for (int before = 0; before < 2; before++) {
                PlayPod pod = pod_ready(NS, "dns-default-28m2q", 3, 31);
                PlayNode node = node_of_this_boot();
                Play p;

                begin_with_sandbox(&p);
                if (before) {
                        play_kill(&p, 32);
                        play_start_beside(&p, 3, SUCCESSOR);
                        assert_dns(&p, EVIDENCE_NONE);
                }
                for (int again = 0; again < 2; again++)
                        restart_with_sandbox(&p);
                assert_evidence(play_find(&p, "dns")->report.evidence, EVIDENCE_NONE);
                play_kill(&p, 32);
                play_kill(&p, SUCCESSOR);
                assert_dns(&p, EVIDENCE_FALSE);
                play_start_beside(&p, 3, SUCCESSOR + 1);
                assert_dns(&p, EVIDENCE_NONE);
                restart_with_sandbox(&p);
                assert_dns(&p, EVIDENCE_NONE);

                /* The API server is back and serves the status that it has. */
                pod.containers[1] = (PlayContainer){ .name = "proxy",
                                                     .role = KUBE_CONTAINER_MAIN,
                                                     .state = KUBE_CONTAINER_RUNNING,
                                                     .id = 32 };
                play_api(&p, API_READY);
                play_node(&p, &node);
                play_pod(&p, &pod);
                play_sync_all(&p);
                assert_dns(&p, EVIDENCE_NONE);
                assert_int_equal(play_find(&p, "dns")->n_kept, 0);
                play_kill(&p, SUCCESSOR + 1);
                assert_dns(&p, EVIDENCE_FALSE);
                play_end(&p);
        }
}

/* All alive: that proves nothing of their readiness, and opens nothing. */
static void test_alive(void **state) {
        Play p;

        kept_begin(&p);
        kept_restart(&p);
        assert_evidence(play_find(&p, "dns")->report.evidence, EVIDENCE_NONE);
        play_end(&p);
}

/* Stopped while the API is away, and once more: the proven containers come along. */
static void test_kept_while_away(void **state) {
        Play p;

        kept_begin(&p);
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        for (int i = 0; i < 3; i++) {
                kept_restart(&p);
                assert_int_equal(play_find(&p, "dns")->n_kept, 2);
        }
        assert_string_equal(play_find(&p, "dns")->kept[0].pod_uid, "d41d8cd98f00b204e9800998ecf8427e");
        die(&p, 31);
        assert_evidence(play_find(&p, "dns")->report.evidence, EVIDENCE_FALSE);
        play_end(&p);
}

static void test_states(void **state) {
        Play p;

        /* lost stays lost, and settles for the hold before it opens again */
        kept_begin(&p);
        die(&p, 31);
        play_pass(&p, SECONDS(15));
        assert_gate(&p, "dns", "lost");
        kept_restart(&p);
        assert_gate(&p, "dns", "lost");
        assert_verdict(&p, "lost");
        assert_true(p.board.verdict.was_ready);
        assert_int_equal(play_find(&p, "dns")->n_kept, 0);
        play_end(&p);

        /* waiting stays waiting */
        play_begin(&p);
        add_gates(&p);
        play_load(&p);
        kept_restart(&p);
        assert_gate(&p, "dns", "waiting");
        assert_verdict(&p, "waiting");
        assert_false(p.board.verdict.was_ready);
        play_end(&p);
}

/* A gate that is gone, one that is new and one that is disabled by now. */
static void test_other_gates(void **state) {
        PlayCheck readyz = check_of(&check_kind_api);
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        Buffer b;
        Play p;

        readyz.api.path = (char *) "/readyz";
        kept_begin(&p);
        b = kept_stop(&p);
        PLAY_GATE(&p, "dns", check_pods(NS, NULL))->enabled = false;
        PLAY_GATE(&p, "fresh", readyz);
        assert_ok(board_set(&p.board, p.setups, p.n_setups, p.now, &warnings, &removed));
        p.n_setups = 0;
        assert_ok(keep_restore(&p.board, b.data, b.size, &here, p.now));
        buffer_done(&b);
        assert_gate(&p, "dns", "disabled");
        assert_gate(&p, "fresh", "waiting");
        play_end(&p);
}

/* Rule R7: that a condition stands is kept, and for that condition only. */
static void test_conditions(void **state) {
        for (int other = 0; other < 2; other++) {
                PlayCheck c = check_of(&check_kind_condition), pods = check_pods(NS, NULL);
                _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
                Buffer b = BUFFER_INIT(MIB(1));
                Play p;

                kept_begin(&p);
                c.definition.label = (char *) "tls";
                c.condition.resource = (char *) "cert-manager.io/v1/certificates";
                c.condition.namespace = (char *) "shop";
                c.condition.name = (char *) "tls";
                c.condition.type = (char *) "Ready";
                PLAY_GATE(&p, "certificate", c, pods);
                play_load(&p);
                play_find(&p, "certificate")->checks[0].stands = true;
                assert_ok(keep_print(&p.board, p.world, &here, p.now, &b));
                play_restart_daemon(&p);
                if (other)
                        c.condition.name = (char *) "another";
                PLAY_GATE(&p, "certificate", c, pods);
                assert_ok(board_set(&p.board, p.setups, p.n_setups, p.now, &warnings, &removed));
                p.n_setups = 0;
                assert_ok(keep_restore(&p.board, b.data, b.size, &here, p.now));
                buffer_done(&b);
                assert_int_equal(play_find(&p, "certificate")->checks[0].stands, !other);
                play_end(&p);
        }
}

/* --- what somebody else may have put there --- */

#define HEAD "{\"version\":2,\"bootId\":\"" THIS_BOOT "\",\"userspace\":4321,"
#define REST "\"stamp\":1,\"state\":\"ready\",\"wasReady\":true,\"cluster\":{\"scope\":\"node\"},"
/* The hashes of the checks, which are the same in every run. */
#define API_HASH "\"checks\":\"f844328b4db71205\","
#define DNS_HASH "\"checks\":\"0c82d6e50cbe5968\","
#define GATE "{\"name\":\"api\"," API_HASH "\"state\":\"ready\",\"falseFor\":0,\"noneFor\":0}"
#define DNS "{\"name\":\"dns\"," DNS_HASH "\"state\":\"ready\","
#define CONTAINER "\"namespace\":\"n\",\"pod\":\"p\",\"uid\":\"u\",\"container\":\"c\",\"id\":\"i\""

static const char *const hostile[] = {
        "",
        "{",
        "[]",
        "null",
        "\"ready\"",
        "{}",
        HEAD "\"stamp\":99999999999999,\"state\":\"ready\",\"gates\":[" GATE "]}", /* the future */
        HEAD "\"stamp\":1,\"gates\":[" GATE "]}",
        HEAD "\"stamp\":1,\"state\":\"disabled\",\"gates\":[" GATE "]}",
        HEAD "\"stamp\":1,\"state\":\"open\",\"gates\":[" GATE "]}",
        HEAD REST "\"gates\":[" GATE ",{\"name\":\"dns\",\"state\":\"open\"}]}",
        HEAD REST "\"gates\":[" GATE ",{\"name\":\"dns\"}]}",
        HEAD REST "\"gates\":[" GATE ",{\"name\":\"dns\",\"state\":\"disabled\"}]}",
        HEAD "\"stamp\":1,\"state\":\"ready\",\"gates\":[" GATE "]}", /* of which cluster? */
        HEAD REST "\"gates\":[" GATE "," DNS "\"containers\":[{}]}]}",
        HEAD REST "\"gates\":[" GATE "," DNS "\"containers\":[{" CONTAINER ",\"qos\":9}]}]}",
        HEAD REST "\"gates\":[" GATE "," DNS "\"containers\":[7]}]}",
        "{\"version\":1,\"bootId\":\"" THIS_BOOT "\",\"userspace\":4321," REST "\"gates\":[" GATE "]}",
        "{\"version\":3,\"bootId\":\"" THIS_BOOT "\",\"userspace\":4321," REST "\"gates\":[" GATE "]}",
        "{\"version\":2,\"userspace\":4321," REST "\"gates\":[" GATE "]}",
};

static void test_hostile(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(hostile); i++) {
                Buffer b = BUFFER_INIT(KIB(8));
                Play p;

                play_begin(&p);
                assert_ok(buffer_puts(&b, hostile[i]));
                if (kept_start(&p, &b, &here) >= 0)
                        fail_msg("row %zu was believed", i);
                assert_gate(&p, "api", "waiting"); /* nothing of it is believed, nor in part */
                assert_gate(&p, "dns", "waiting");
                assert_int_equal(play_find(&p, "dns")->n_kept, 0);
                assert_verdict(&p, "waiting");
                assert_false(p.board.verdict.was_ready);
                play_end(&p);
        }
}

/* Times beyond reason do no more than times. */
static void test_hostile_times(void **state) {
        Buffer b = BUFFER_INIT(KIB(8));
        Play p;

        play_begin(&p);
        assert_ok(buffer_puts(&b, HEAD REST
                              "\"gates\":[{\"name\":\"api\"," API_HASH
                              "\"state\":\"ready\",\"changed\":9007199254740991,"
                              "\"firstReady\":9007199254740991,\"falseFor\":9007199254740991,"
                              "\"noneFor\":9007199254740991}," DNS "\"changed\":-5,"
                              "\"falseFor\":-5,\"noneFor\":-5,\"containers\":\"none\",\"conditions\":{}},"
                              "{\"state\":\"ready\"},{\"name\":\"nobody\",\"state\":\"ready\"},null]}"));
        assert_ok(kept_start(&p, &b, &here));
        assert_true(play_find(&p, "api")->changed <= p.now.boottime);
        assert_true(play_find(&p, "api")->first_ready <= p.now.boottime);
        assert_gate(&p, "api", "unknown");
        play_end(&p);
}

/* Cut anywhere, it is refused whole, or what it says is complete. */
static void test_truncated(void **state) {
        Buffer b;
        Play p;

        kept_begin(&p);
        b = kept_stop(&p);
        for (size_t n = 0; n < b.size; n++) {
                Buffer cut = BUFFER_INIT(MIB(1));

                assert_ok(buffer_put(&cut, b.data, n));
                if (n == 0)
                        assert_ok(buffer_puts(&cut, ""));
                if (kept_start(&p, &cut, &here) >= 0)
                        fail_msg("cut at %zu, it was believed", n);
                assert_gate(&p, "dns", "waiting");
                play_restart_daemon(&p);
        }
        buffer_done(&b);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_restart),
                cmocka_unit_test(test_fresh_again),
                cmocka_unit_test(test_elsewhere),
                cmocka_unit_test(test_grace),
                cmocka_unit_test(test_grace_is_over),
                cmocka_unit_test(test_hold),
                cmocka_unit_test(test_hold_of_a_stalled_daemon),
                cmocka_unit_test(test_dead),
                cmocka_unit_test(test_spare_pods),
                cmocka_unit_test(test_restarted_container),
                cmocka_unit_test(test_alive),
                cmocka_unit_test(test_kept_while_away),
                cmocka_unit_test(test_states),
                cmocka_unit_test(test_other_gates),
                cmocka_unit_test(test_conditions),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_hostile_times),
                cmocka_unit_test(test_truncated),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
