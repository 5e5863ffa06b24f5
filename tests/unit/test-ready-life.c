/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R3: how dead a container is, and whether it was started again. */

#include "fixture.h"

#define NS "openshift-dns"

static PlayCheck dns;
static PlayPod base;

static int setup(void **state) {
        dns = check_pods(NS, NULL);
        base = pod_of_dns();
        return 0;
}

/* Only what was found out: a group that nobody has seen may be elsewhere. */
static void test_how_dead(void **state) {
        Play p;

        play_cluster(&p);
        play_pod(&p, &base);
        play_look(&p);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE);
        assert_string_equal(
                p.report.blockers[0].message,
                "it is reported Ready, but container sidecar was not found below /sys/fs/cgroup");
        play_start_pod(&p, &base);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);
        for (int again = 0; again < 3; again++) {
                play_kill(&p, 31);
                play_look(&p);
                assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE);
                assert_string_equal(
                        p.report.blockers[0].message,
                        "it is reported Ready, but container dns is no longer running on this host");
                play_pod(&p, &base);
        }
        play_end(&p);
}

/* --- R3: containers that were started again, unknown to the API server --- */

#define SANDBOX 90
#define DEBUGGER 91

/* The pod is proven; its sandbox has a process, as containerd's has. Then the API is out of reach, or the stream of
 * pods out of sync, or neither: the kubelet has not written yet. */
static void begin_restarting(Play *p, int how, bool sandbox) {
        play_cluster(p);
        for (unsigned id = 31; id <= 33; id++)
                play_start_beside(p, 3, id);
        if (sandbox)
                play_start_beside(p, 3, SANDBOX);
        play_pod(p, &base);
        play_look(p);
        assert_evidence(play_ask(p, &dns), EVIDENCE_TRUE);
        if (how == 1)
                play_api(p, API_NOT_READY);
        else if (how == 2)
                play_lose(p, STREAM_PODS);
}

static Evidence look_and_ask(Play *p) {
        play_look(p);
        return play_ask(p, &dns);
}

static void test_restarted(void **state) {
        for (int how = 0; how < 6; how++) {
                PlayPod pod = base;
                Play p;

                begin_restarting(&p, how % 3, how >= 3);
                play_kill(&p, 32);
                assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
                play_start_beside(&p, 3, 42);
                assert_evidence(look_and_ask(&p), EVIDENCE_NONE);
                if (how % 3 == 0) {
                        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
                        assert_string_equal(
                                p.report.blockers[0].message,
                                "container kube-rbac-proxy is no longer running, but the pod has another running "
                                "one that its status does not name yet");
                }

                /* One successor for two is not enough, nor is one that is dead again. */
                play_kill(&p, 31);
                assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
                play_start_beside(&p, 3, 41);
                assert_evidence(look_and_ask(&p), EVIDENCE_NONE);
                play_kill(&p, 42);
                assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
                play_start_beside(&p, 3, 43);
                assert_evidence(look_and_ask(&p), EVIDENCE_NONE);

                /* It says so in the end. */
                play_api(&p, API_READY);
                play_sync_all(&p);
                play_heartbeat(&p);
                assert_evidence(look_and_ask(&p), EVIDENCE_NONE);
                pod.containers[0].id = 41;
                pod.containers[1].id = 43;
                play_pod(&p, &pod);
                assert_evidence(look_and_ask(&p), EVIDENCE_TRUE);
                play_kill(&p, 43);
                assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
                play_end(&p);
        }
}

/* What lives beside a dead container is no successor: the sandbox, a debugger that came later, another pod's. */
static void test_not_restarted(void **state) {
        for (int how = 0; how < 3; how++) {
                Play p;

                begin_restarting(&p, 0, true);
                play_start_beside(&p, 3, DEBUGGER);
                play_pod(&p, &base); /* with the debugger's status */
                assert_evidence(look_and_ask(&p), EVIDENCE_TRUE);
                if (how == 1)
                        play_api(&p, API_UNREACHABLE);
                else if (how == 2)
                        play_lose(&p, STREAM_PODS);
                play_start_beside(&p, 4, 44);
                play_kill(&p, 31);
                assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
                play_pod(&p, &base);
                assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
                play_end(&p);
        }
}

/* Nobody saw the pod whole: what lives in its folder may be its sandbox. */
static void test_restart_unknown(void **state) {
        Play p;

        play_cluster(&p);
        play_start_beside(&p, 3, SANDBOX);
        play_start_beside(&p, 3, 31);
        play_start_beside(&p, 3, 33);
        play_pod(&p, &base);
        assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
        play_start_beside(&p, 3, 42);
        assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
        play_end(&p);
}

/* More than can be remembered lives beside them. */
static void test_restart_among_many(void **state) {
        Play p;

        begin_restarting(&p, 0, true);
        for (unsigned i = 0; i < 4; i++)
                play_start_beside(&p, 3, DEBUGGER + i);
        assert_evidence(look_and_ask(&p), EVIDENCE_TRUE);
        play_kill(&p, 31);
        assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
        play_start_beside(&p, 3, 41);
        assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
        play_end(&p);
}

/* Another pod of the same name has nothing of the former's. */
static void test_restart_of_another(void **state) {
        PlayPod pod = base;
        Play p;

        begin_restarting(&p, 0, false);
        play_kill(&p, 31);
        play_start_beside(&p, 3, 41);
        assert_evidence(look_and_ask(&p), EVIDENCE_NONE);
        pod.uid = 5;
        play_pod(&p, &pod);
        play_start_beside(&p, 5, 42);
        assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
        play_end(&p);
}

/* The gate that rests on it stays open, on its grace, and counts no hold. */
static void test_restart_in_time(void **state) {
        Play p;

        begin_restarting(&p, 0, true);
        PLAY_GATE(&p, "dns", dns);
        play_load(&p);
        assert_gate(&p, "dns", "ready");
        play_api(&p, API_NOT_READY);
        play_judge(&p);
        play_kill(&p, 32);
        play_look(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(2));
        play_start_beside(&p, 3, 42);
        play_look(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(100));
        assert_gate(&p, "dns", "ready");
        play_kill(&p, 42);
        play_look(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(13) - 1);
        assert_gate(&p, "dns", "ready");
        play_pass(&p, 1);
        assert_gate(&p, "dns", "lost");
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_how_dead),           cmocka_unit_test(test_restarted),
                cmocka_unit_test(test_not_restarted),      cmocka_unit_test(test_restart_unknown),
                cmocka_unit_test(test_restart_among_many), cmocka_unit_test(test_restart_of_another),
                cmocka_unit_test(test_restart_in_time),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
