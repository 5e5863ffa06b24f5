/* SPDX-License-Identifier: Apache-2.0 */

/* Rules R2 and R3. */

#include "fixture.h"

#include "ready/pod.h"

#define NS "openshift-dns"

static PlayCheck dns;
static PlayPod base;

static int setup(void **state) {
        dns = check_pods(NS, NULL);
        base = pod_of_dns();
        base.containers[3] = (PlayContainer){ .name = "init",
                                              .role = KUBE_CONTAINER_INIT,
                                              .state = KUBE_CONTAINER_TERMINATED,
                                              .reason = "Completed",
                                              .id = 34 };
        return 0;
}

/* --- R2: what the pod's status says; all its containers live --- */

static void no_change(PlayPod *p) {
}

static void pending(PlayPod *p) {
        p->phase = "Pending";
}

static void unknown_phase(PlayPod *p) {
        p->phase = "Unknown";
}

static void unready(PlayPod *p) {
        p->ready = KUBE_STATUS_FALSE;
        p->ready_reason = "ContainersNotReady";
}

static void readiness_gate(PlayPod *p) {
        p->ready = KUBE_STATUS_FALSE;
        p->ready_reason = "ReadinessGatesNotReady";
}

static void no_condition(PlayPod *p) {
        p->ready = KUBE_STATUS_ABSENT;
}

static void unknown(PlayPod *p) {
        p->ready = KUBE_STATUS_UNKNOWN;
        p->ready_reason = "NodeLost";
}

static void absent(PlayPod *p) {
        p->containers[1].absent = true;
}

static void absent_sidecar(PlayPod *p) {
        p->containers[2].absent = true;
}

static void absent_init(PlayPod *p) {
        p->containers[3].absent = true;
}

static void crashing(PlayPod *p) {
        p->containers[0].state = KUBE_CONTAINER_WAITING;
        p->containers[0].reason = "CrashLoopBackOff";
        p->containers[0].message = "back-off 5m0s";
}

static void no_id(PlayPod *p) {
        p->containers[0].id = 0;
}

static void sidecar_down(PlayPod *p) {
        p->containers[2].state = KUBE_CONTAINER_TERMINATED;
}

static void no_state(PlayPod *p) {
        p->containers[0].state = KUBE_CONTAINER_NONE;
}

static void unobserved(PlayPod *p) {
        p->generation = 3;
        p->observed = 2;
}

static void observed(PlayPod *p) {
        p->generation = 3;
        p->observed = 3;
}

static void observes_nothing(PlayPod *p) {
        p->generation = 3;
}

static void unobserved_and_crashing(PlayPod *p) {
        unobserved(p);
        crashing(p);
}

static void hollow(PlayPod *p) {
        memset(p->containers, 0, sizeof(p->containers));
}

static void init_only(PlayPod *p) {
        memset(p->containers, 0, 3 * sizeof(p->containers[0]));
}

typedef struct Row {
        const char *what;
        void (*change)(PlayPod *p);
        Evidence evidence;
        const char *reason, *message;
} Row;

static const Row rows[] = {
        { "all is well", no_change, EVIDENCE_TRUE },
        { "not Running", pending, EVIDENCE_FALSE },
        { "of unknown phase", unknown_phase, EVIDENCE_FALSE, "Unknown" },
        { "its condition says no, and why", unready, EVIDENCE_FALSE, "ContainersNotReady" },
        { "a readiness gate says no", readiness_gate, EVIDENCE_FALSE, "ReadinessGatesNotReady" },
        { "its condition is not there", no_condition, EVIDENCE_FALSE },
        { "its condition is unknown", unknown, EVIDENCE_FALSE, "NodeLost" },
        { "a container of the spec is not in the status", absent, EVIDENCE_FALSE },
        { "nor is a restartable init container", absent_sidecar, EVIDENCE_FALSE },
        { "other init containers do not count", absent_init, EVIDENCE_TRUE },
        { "a container does not run", crashing, EVIDENCE_FALSE, "CrashLoopBackOff", "back-off 5m0s" },
        { "a restartable init container does not run", sidecar_down, EVIDENCE_FALSE },
        { "a container has an empty state", no_state, EVIDENCE_FALSE },
        { "a container has no ID", no_id, EVIDENCE_FALSE },
        { "the kubelet has not seen its newest spec", unobserved, EVIDENCE_FALSE, REASON_NOT_OBSERVED },
        { "the kubelet has seen it", observed, EVIDENCE_TRUE },
        { "an old kubelet does not say", observes_nothing, EVIDENCE_TRUE },
        { "its own status comes first", unobserved_and_crashing, EVIDENCE_FALSE, "CrashLoopBackOff" },
        { "without any container", hollow, EVIDENCE_FALSE },
        { "with an init container only", init_only, EVIDENCE_FALSE },
};

static void test_status(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Row *r = &rows[i];
                PlayPod pod = base;
                Evidence e;
                Play p;

                play_cluster(&p);
                for (unsigned id = 31; id <= 33; id++)
                        play_start(&p, id);
                r->change(&pod);
                play_pod(&p, &pod);
                play_look(&p);
                e = play_ask(&p, &dns);
                if (e != r->evidence || (r->reason && !streq(play_reason(&p), r->reason)))
                        fail_msg("%s: %s %s", r->what, evidence_to_string(e), play_reason(&p));
                if (e != EVIDENCE_TRUE)
                        assert_true(*play_reason(&p));
                if (r->message)
                        assert_string_equal(p.report.blockers[0].message, r->message);
                play_end(&p);
        }
}

/* --- R2 and R4: who is a member --- */

static void test_members(void **state) {
        static const char *const phases[] = { "Succeeded", "Failed" };
        PlayPod pod = base;
        Play p;

        play_cluster(&p);
        for (size_t i = 0; i < ELEMENTSOF(phases); i++) {
                pod = base;
                pod.phase = phases[i];
                play_start_pod(&p, &pod);
                assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE);
                assert_string_equal(play_reason(&p), REASON_NO_PODS);
        }
        pod = base;
        pod.deleting = true;
        play_start_pod(&p, &pod);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NO_PODS);

        /* A Job is done by its Complete condition. */
        pod = base;
        pod_owned(&pod, "Job", "migrate", 9);
        play_start_pod(&p, &pod);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NO_PODS);
        play_end(&p);
}

/* --- R3: cgroups --- */

static void test_life(void **state) {
        Play p;

        play_cluster(&p);
        play_pod(&p, &base);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE); /* not looked at */
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        assert_true(pod_awaits_proof(p.world, world_find(p.world, KUBE_POD, NS, base.name)));

        play_look(&p); /* none of them lives: the old boot's status */
        assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        assert_non_null(strstr(p.report.blockers[0].message, "sidecar"));
        assert_true(pod_awaits_proof(p.world, world_find(p.world, KUBE_POD, NS, base.name)));

        play_start(&p, 31);
        play_start(&p, 33);
        play_look(&p);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE); /* some are not enough */
        assert_non_null(strstr(p.report.blockers[0].message, "kube-rbac-proxy"));

        play_start(&p, 32);
        play_look(&p);
        assert_evidence(play_ask(&p, &dns),
                        EVIDENCE_TRUE); /* the init container is over and need not live */
        assert_false(pod_awaits_proof(p.world, world_find(p.world, KUBE_POD, NS, base.name)));
        assert_int_equal(p.report.ready_containers, 3);
        assert_int_equal(p.report.total_containers, 3);

        /* It is alive as long as its ID is the same, and has to be looked at when it is another. */
        play_pod(&p, &base);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);
        base.containers[0].id = 41;
        play_pod(&p, &base);
        base.containers[0].id = 31;
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        play_end(&p);
}

/* A dead container is FALSE also while the API is away, and while the stream is being listed again. */
static void test_dead_while_away(void **state) {
        Play p;

        for (int away = 0; away < 3; away++) {
                play_cluster(&p);
                play_start_pod(&p, &base);
                assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);
                if (away == 0)
                        play_api(&p, API_UNREACHABLE);
                else if (away == 1)
                        play_api(&p, API_NOT_READY);
                else
                        play_lose(&p, STREAM_PODS);
                assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
                play_kill(&p, 32);
                play_look(&p);
                assert_evidence(play_ask(&p, &dns), EVIDENCE_FALSE);
                assert_string_equal(play_reason(&p), REASON_UNPROVEN);
                play_end(&p);
        }
}

/* systemctl stop kubepods.slice, the API gone too: lost, not unknown. */
static void test_stopped_slice(void **state) {
        Play p;

        play_cluster(&p);
        play_start_pod(&p, &base);
        PLAY_GATE(&p, "dns", dns);
        play_load(&p);
        assert_gate(&p, "dns", "ready");
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        play_pass(&p, SECONDS(20));
        assert_gate(&p, "dns", "ready");
        for (unsigned id = 31; id <= 33; id++)
                play_kill(&p, id);
        play_look(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(15) - 1);
        assert_gate(&p, "dns", "ready");
        play_pass(&p, 1);
        assert_gate(&p, "dns", "lost");
        play_end(&p);
}

/* --- R3: names that no group can have --- */

static Evidence look_and_ask(Play *p) {
        play_look(p);
        return play_ask(p, &dns);
}

static void test_unusable_names(void **state) {
        PlayPod pod = base;
        WorldObject *o;
        Play p;

        play_cluster(&p);
        play_start_pod(&p, &base);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);
        pod.containers[1].odd_id = "cri-o://../../x";
        o = play_pod(&p, &pod);
        assert_evidence(look_and_ask(&p), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNREADABLE);
        assert_non_null(
                strstr(p.report.blockers[0].message, "container kube-rbac-proxy cannot be the name"));
        assert_false(pod_awaits_proof(p.world, o)); /* it will not be found by looking again */

        /* A dead one is dead all the same. */
        play_kill(&p, 31);
        assert_evidence(look_and_ask(&p), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        assert_true(pod_awaits_proof(p.world, o));

        /* A static pod's hash is its uid here. */
        pod.containers[1].odd_id = NULL;
        pod.config_hash = "../x";
        pod_owned(&pod, "Node", GUIDE_NODE, 1);
        play_start_pod(&p, &pod);
        o->life[0] = o->life[1] = o->life[2] = CONTAINER_UNREADABLE;
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNREADABLE);
        assert_non_null(strstr(p.report.blockers[0].message, "its uid cannot be part of the name"));
        assert_false(pod_awaits_proof(p.world, o));
        play_end(&p);
}

/* A root that cannot be read is an error, never a weaker proof. */
static void test_unreadable(void **state) {
        Play p;

        play_cluster(&p);
        p.unreadable = true;
        p.world->host.cgroup_trouble = strdup("/sys/fs/cgroup: Permission denied");
        play_start_pod(&p, &base);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        assert_non_null(strstr(p.report.blockers[0].message, "Permission denied"));
        play_pass(&p, USEC_PER_HOUR);
        assert_evidence(play_ask_again(&p), EVIDENCE_NONE);
        play_end(&p);
}

/* Which node is ours is not known: no reason to prove our pods as a stranger's. */
static void test_node_unknown(void **state) {
        PlayNode other = node_of_this_boot();
        Play p;

        play_cluster(&p);
        play_pod(&p, &base);
        other.name = "other";
        other.uid = 2;
        play_node(&p, &other);
        free(p.world->host.host_name);
        p.world->host.host_name = strdup("nobody");
        play_node(&p, &other);
        assert_null(p.world->node);
        p.world->by_kind[KUBE_POD]->observed = true;
        play_pass(&p, 10 * USEC_PER_MINUTE);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_NODE_AMBIGUOUS);
        play_end(&p);
}

/* --- R3: by observation --- */

static void ask_observed(Play *p, Evidence expected) {
        PlayCheck d = dns;

        d.tally.proof = PROOF_WANTED_OBSERVED;
        assert_evidence(play_ask(p, &d), expected);
        if (expected == EVIDENCE_NONE)
                assert_string_equal(play_reason(p), REASON_UNPROVEN);
}

static void begin_observing(Play *p) {
        play_begin(p);
        play_api(p, API_READY);
        play_node(p, &(PlayNode){ .name = GUIDE_NODE,
                                  .uid = 1,
                                  .boot_id = THIS_BOOT,
                                  .machine_id = THIS_MACHINE,
                                  .ready = KUBE_STATUS_TRUE });
        play_pod(p, &base);
        play_sync_all(p);
        play_heartbeat(p);
        ask_observed(p, EVIDENCE_NONE);
}

static void test_observed_ids(void **state) {
        PlayPod pod = base;
        Play p;

        begin_observing(&p);
        play_pod(&p, &pod); /* again the same */
        ask_observed(&p, EVIDENCE_NONE);
        pod.containers[1].id = 42;
        play_pod(&p, &pod);
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* Neither what was observed before an outage of the API nor how long the node was fresh then tells of the time after
 * it: the host may have booted again. */
static void test_observed_before_an_outage(void **state) {
        PlayPod pod = base;
        Play p;

        begin_observing(&p);
        pod.containers[1].id = 42;
        play_pod(&p, &pod);
        play_pass(&p, SECONDS(60));
        ask_observed(&p, EVIDENCE_TRUE);
        play_api(&p, API_NOT_READY);
        play_api(&p, API_READY);
        play_pass(&p, SECONDS(1));
        play_heartbeat(&p);
        ask_observed(&p, EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        play_pass(&p, SECONDS(60));
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

static void test_observed_ready(void **state) {
        PlayPod pod = base;
        Play p;

        begin_observing(&p);
        pod.ready = KUBE_STATUS_FALSE;
        play_pod(&p, &pod);
        pod.ready = KUBE_STATUS_TRUE;
        play_pod(&p, &pod);
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* Created while we watched: what it says then and later is of this boot, also what is listed. */
static void test_observed_creation(void **state) {
        PlayPod blank = base;
        Play p;

        begin_observing(&p);
        play_remove(&p, KUBE_POD, NS, base.name);
        blank.phase = "Pending";
        blank.ready = KUBE_STATUS_ABSENT;
        for (size_t i = 0; i < ELEMENTSOF(blank.containers); i++)
                blank.containers[i].absent = true;
        play_pod(&p, &blank);
        play_lose(&p, STREAM_PODS);
        play_list(&p, STREAM_PODS);
        play_pod(&p, &base);
        play_listed(&p, STREAM_PODS);
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* One that is ready when it is seen first was not created then: its labels have changed to what a gate asks for. */
static void test_not_observed_by_labels(void **state) {
        PlayPod pod = base;
        Play p;

        begin_observing(&p);
        play_remove(&p, KUBE_POD, NS, base.name);
        play_pod(&p, &pod);
        ask_observed(&p, EVIDENCE_NONE);
        pod.containers[1].id = 42;
        play_pod(&p, &pod);
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* While we did not watch, nothing was observed. */
static void test_not_observed_by_listing(void **state) {
        PlayPod pod = base;
        Play p;

        begin_observing(&p);
        play_lose(&p, STREAM_PODS);
        play_list(&p, STREAM_PODS);
        pod.containers[1].id = 42;
        play_pod(&p, &pod);
        play_listed(&p, STREAM_PODS);
        ask_observed(&p, EVIDENCE_NONE);
        play_lose(&p, STREAM_PODS);
        play_resume(&p, STREAM_PODS);
        pod.containers[1].id = 43;
        play_pod(&p, &pod); /* replayed */
        ask_observed(&p, EVIDENCE_NONE);
        play_pass(&p, USEC_PER_SEC);
        pod.containers[1].id = 44;
        play_pod(&p, &pod);
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* The node has been fresh, with the same boot ID, for 60 s of watching. */
static void test_observed_by_time(void **state) {
        Play p;

        begin_observing(&p);
        play_pass(&p, SECONDS(60) - 1);
        ask_observed(&p, EVIDENCE_NONE);
        assert_int_equal(p.report.deadline, p.now.monotonic + 1);
        play_pass(&p, 1);
        ask_observed(&p, EVIDENCE_TRUE);

        /* Out of reach, and all of it again. */
        play_api(&p, API_UNREACHABLE);
        play_api(&p, API_READY);
        play_pass(&p, SECONDS(100));
        ask_observed(&p, EVIDENCE_NONE);
        play_heartbeat(&p);
        play_pass(&p, SECONDS(60) - 1);
        ask_observed(&p, EVIDENCE_NONE);
        play_pass(&p, 1);
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

static void test_observed_needs_this_boot(void **state) {
        PlayNode node = node_of_this_boot();
        Play p;

        begin_observing(&p);
        node.boot_id = OLD_BOOT;
        play_node(&p, &node);
        play_pass(&p, SECONDS(600));
        ask_observed(&p, EVIDENCE_NONE);
        node.boot_id = THIS_BOOT;
        play_node(&p, &node);
        play_pass(&p, SECONDS(59));
        ask_observed(&p, EVIDENCE_NONE);
        play_pass(&p, SECONDS(1));
        ask_observed(&p, EVIDENCE_TRUE);
        play_end(&p);
}

/* A pod of another node: the Lease that moves, its boot ID, its pods; and never our cgroups. */
static void test_remote(void **state) {
        PlayNode node = { .name = "other", .uid = 2, .boot_id = OLD_BOOT, .ready = KUBE_STATUS_TRUE };
        PlayPod pod = base;
        Play p;

        play_cluster(&p);
        p.world->cluster_scope = true;
        play_lose(&p, STREAM_PODS);
        play_lose(&p, STREAM_NODES);
        pod.node = "other";
        play_node(&p, &node);
        play_pod(&p, &pod);
        play_lease(&p, "other");
        play_sync_all(&p);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        play_lease(&p, "other");
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        play_pass(&p, SECONDS(60));
        assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);

        /* It reboots: what was seen of its pods is the past. */
        p.world->by_kind[KUBE_POD]->observed = true;
        node.boot_id = THIS_BOOT;
        play_node(&p, &node);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        pod.containers[0].id = 51;
        play_pod(&p, &pod);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);

        /* Also where it is created again meanwhile. */
        node.uid = 3;
        node.boot_id = OLD_BOOT;
        play_node(&p, &node);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        play_end(&p);
}

/* A node that was deleted registers itself again, after a reboot: what was seen of its pods is the past. */
static void test_remote_registers_again(void **state) {
        PlayNode node = { .name = "other", .uid = 2, .boot_id = OLD_BOOT, .ready = KUBE_STATUS_TRUE };
        PlayPod pod = base;
        Play p;

        play_cluster(&p);
        p.world->cluster_scope = true;
        pod.node = "other";
        play_node(&p, &node);
        play_pod(&p, &pod);
        pod.containers[0].id = 51;
        play_pod(&p, &pod);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);
        play_remove(&p, KUBE_NODE, NULL, "other");
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        node.uid = 3;
        node.boot_id = THIS_BOOT;
        play_node(&p, &node);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_UNPROVEN);
        pod.containers[0].id = 52;
        play_pod(&p, &pod);
        assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);
        play_end(&p);
}

/* Where nodes are not watched, nobody knows whether one is still in the boot in which its pods were seen, nor for
 * how long it has been. */
static void test_nodes_out_of_sync(void **state) {
        PlayNode node = { .name = "other", .uid = 2, .boot_id = OLD_BOOT, .ready = KUBE_STATUS_TRUE };
        PlayPod pod = base;
        Play p;

        for (int seen = 0; seen < 2; seen++) {
                play_cluster(&p);
                p.world->cluster_scope = true;
                pod.node = "other";
                play_node(&p, &node);
                play_lose(&p, STREAM_PODS);
                play_list(&p, STREAM_PODS);
                play_pod(&p, &pod);
                play_listed(&p, STREAM_PODS);
                if (seen) {
                        pod.containers[0].id++;
                        play_pod(&p, &pod);
                }
                assert_evidence(play_ask(&p, &dns), seen ? EVIDENCE_TRUE : EVIDENCE_NONE);
                play_lose(&p, STREAM_NODES);
                play_pass(&p, SECONDS(60));
                assert_evidence(play_ask(&p, &dns), EVIDENCE_NONE);
                assert_string_equal(play_reason(&p), REASON_NOT_SYNCED);
                play_resume(&p, STREAM_NODES);
                assert_evidence(play_ask(&p, &dns), EVIDENCE_TRUE);
                play_end(&p);
        }
}

/* Proof=none is the administrator's own risk, but for a kubelet that is silent. */
static void test_no_proof(void **state) {
        PlayCheck d = dns;
        Play p;

        d.tally.proof = PROOF_WANTED_NONE;
        play_cluster(&p);
        play_pod(&p, &base);
        assert_evidence(play_ask(&p, &d), EVIDENCE_TRUE);
        play_api(&p, API_UNREACHABLE);
        play_api(&p, API_READY);
        assert_evidence(play_ask(&p, &d), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_KUBELET_SILENT);
        play_end(&p);
}

static int note_proof(const Watched *watched, void *userdata) {
        *(Proof *) userdata = watched->finding.proof;
        return 0;
}

static void assert_proof(Play *p, ProofWanted wanted, Proof expected) {
        PlayCheck d = dns;
        Proof proof = _PROOF_INVALID;

        d.tally.proof = wanted;
        play_ask(p, &d);
        assert_ok(check_list(&p->check, p->world, p->now, note_proof, &proof));
        assert_string_equal(proof_to_string(proof), proof_to_string(expected));
}

static void test_proof_is_told(void **state) {
        Play p;

        play_cluster(&p);
        play_pod(&p, &base);
        assert_proof(&p, PROOF_WANTED_CGROUP, PROOF_NONE);
        play_start_pod(&p, &base);
        assert_proof(&p, PROOF_WANTED_CGROUP, PROOF_CGROUP);
        assert_proof(&p, PROOF_WANTED_NONE, PROOF_NONE);
        p.world->by_kind[KUBE_POD]->observed = true;
        assert_proof(&p, PROOF_WANTED_OBSERVED, PROOF_OBSERVED);
        play_api(&p, API_UNREACHABLE); /* its containers live on */
        assert_proof(&p, PROOF_WANTED_CGROUP, PROOF_CGROUP);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_members),
                cmocka_unit_test(test_life),
                cmocka_unit_test(test_dead_while_away),
                cmocka_unit_test(test_stopped_slice),
                cmocka_unit_test(test_unusable_names),
                cmocka_unit_test(test_unreadable),
                cmocka_unit_test(test_node_unknown),
                cmocka_unit_test(test_observed_ids),
                cmocka_unit_test(test_observed_before_an_outage),
                cmocka_unit_test(test_observed_ready),
                cmocka_unit_test(test_observed_creation),
                cmocka_unit_test(test_not_observed_by_labels),
                cmocka_unit_test(test_not_observed_by_listing),
                cmocka_unit_test(test_observed_by_time),
                cmocka_unit_test(test_observed_needs_this_boot),
                cmocka_unit_test(test_remote),
                cmocka_unit_test(test_remote_registers_again),
                cmocka_unit_test(test_nodes_out_of_sync),
                cmocka_unit_test(test_no_proof),
                cmocka_unit_test(test_proof_is_told),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
