/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R1, and of R0 what the world has to do with it. */

#include "fixture.h"

#include <stdio.h>

static PlayCheck local;

static int setup(void **state) {
        local = check_node(NULL);
        return 0;
}

/* --- which node is ours --- */

typedef struct Candidate {
        const char *name;
        bool machine, boot, silent;
} Candidate;

typedef struct Choice {
        const char *what, *setting, *host_name;
        bool no_machine_id;
        Candidate nodes[4];
        const char *ours, *reason;
} Choice;

static const Choice choices[] = {
        { "Node= of the configuration, whatever else speaks for another", .setting = "b", .host_name = "a",
          .nodes = { { "a", true, true }, { "b", false, false } }, .ours = "b" },
        { "Node= names one that is not there", .setting = "c", .host_name = "a",
          .nodes = { { "a", true, true } }, .reason = REASON_NODE_NOT_REGISTERED },
        { "among those of this machine, the one of this boot", .host_name = "a",
          .nodes = { { "a", true, false }, { "b", true, true }, { "c", false, true } }, .ours = "b" },
        { "this boot alone is not this machine", .host_name = "a",
          .nodes = { { "a", false, false }, { "b", false, true } }, .ours = "a" },
        { "among those of this machine, the one of this host name", .host_name = "b",
          .nodes = { { "a", true, false }, { "b", true, false } }, .ours = "b" },
        { "several of this machine and boot: the one of this host name", .host_name = "b",
          .nodes = { { "a", true, true }, { "b", true, true }, { "c", true, true } }, .ours = "b" },
        { "a name of ours from an earlier boot does not decide between two of this one", .host_name = "c",
          .nodes = { { "a", true, true }, { "b", true, true }, { "c", true, false } },
          .reason = REASON_NODE_AMBIGUOUS },
        { "the host name decides where the machine ID does not: a fresh machine ID", .host_name = "a",
          .nodes = { { "a", false, false }, { "b", false, false } }, .ours = "a" },
        { "and against a clone that shares our machine ID", .host_name = "a",
          .nodes = { { "a", false, false }, { "clone", true, false } }, .ours = "a" },
        { "the host name in other letters", .host_name = "EDGE-1",
          .nodes = { { "edge-1", false, false }, { "b", false, false } }, .ours = "edge-1" },
        { "the only one of this machine, under another name", .host_name = "a",
          .nodes = { { "b", true, false }, { "c", false, false } }, .ours = "b" },
        { "the only node, which says nothing of its machine", .host_name = "a",
          .nodes = { { "z", .silent = true } }, .ours = "z" },
        { "the only node, of another machine ID and name, and of this boot", .host_name = "a",
          .nodes = { { "z", false, true } }, .ours = "z" },
        { "the only node is certainly another host's", .host_name = "a", .nodes = { { "z", false, false } },
          .reason = REASON_NODE_NOT_REGISTERED },
        { "all nodes are other hosts'", .host_name = "a",
          .nodes = { { "y", false, false }, { "z", false, false } }, .reason = REASON_NODE_NOT_REGISTERED },
        { "the only node, and no machine ID that can be read", .host_name = "a", .no_machine_id = true,
          .nodes = { { "z", true, true } }, .ours = "z" },
        { "several left", .host_name = "a", .nodes = { { "y", .silent = true }, { "z", .silent = true } },
          .reason = REASON_NODE_AMBIGUOUS },
        { "several of this machine left", .host_name = "a",
          .nodes = { { "x", true, false }, { "y", true, false }, { "z", false, false } },
          .reason = REASON_NODE_AMBIGUOUS },
        { "none", .host_name = "a", .reason = REASON_NODE_NOT_REGISTERED },
};

static void test_choice(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(choices); i++) {
                const Choice *c = &choices[i];
                NodeChoice choice;
                Play p;

                play_begin(&p);
                p.world->node_setting = c->setting ? strdup(c->setting) : NULL;
                free(p.world->host.host_name);
                p.world->host.host_name = strdup(c->host_name);
                if (c->no_machine_id)
                        p.world->host.machine_id = mfree(p.world->host.machine_id);
                for (size_t k = 0; k < ELEMENTSOF(c->nodes) && c->nodes[k].name; k++)
                        play_node(&p, &(PlayNode){ .name = c->nodes[k].name,
                                                   .uid = 1 + (unsigned) k,
                                                   .machine_id = c->nodes[k].silent    ? NULL
                                                                 : c->nodes[k].machine ? THIS_MACHINE
                                                                                       : OTHER_MACHINE,
                                                   .boot_id = c->nodes[k].boot ? THIS_BOOT : OLD_BOOT });
                node_choose(p.world, &choice);
                if (c->ours ? !choice.node || !streq(choice.node->object->name, c->ours)
                            : choice.node != NULL)
                        fail_msg("%s: %s", c->what, choice.node ? choice.node->object->name : choice.reason);
                if (!c->ours && !streq(choice.reason, c->reason))
                        fail_msg("%s: %s", c->what, choice.reason);
                if (!c->ours)
                        assert_true(choice.message[0]);
                play_end(&p);
        }
}

/* NodeAmbiguous comes with their names, and only those that could be ours; however many there are. */
static void test_ambiguous_names(void **state) {
        NodeChoice choice;
        char name[64];
        Play p;

        play_begin(&p);
        for (unsigned i = 0; i < 40; i++) {
                snprintf(name, sizeof(name), "one-of-many-nodes-with-quite-a-long-name-%u", i);
                play_node(&p, &(PlayNode){ .name = name,
                                           .uid = i + 1,
                                           .machine_id = THIS_MACHINE,
                                           .boot_id = OLD_BOOT });
        }
        play_node(&p, &(PlayNode){ .name = "stranger", .uid = 99, .machine_id = OTHER_MACHINE });
        node_choose(p.world, &choice);
        assert_null(choice.node);
        assert_string_equal(choice.reason, REASON_NODE_AMBIGUOUS);
        assert_non_null(strstr(choice.message, "one-of-many"));
        assert_null(strstr(choice.message, "stranger"));
        play_end(&p);
}

/* Decided again at each node event: a host that registers under another name. */
static void test_renamed(void **state) {
        PlayNode old = node_of_this_boot(), new = node_of_this_boot();
        Play p;

        play_begin(&p);
        old.name = "old-name";
        old.boot_id = OLD_BOOT;
        play_node(&p, &old);
        assert_string_equal(p.world->node->object->name, "old-name");
        new.uid = 2;
        play_node(&p, &new);
        assert_string_equal(p.world->node->object->name, GUIDE_NODE);
        play_remove(&p, KUBE_NODE, "", GUIDE_NODE);
        assert_string_equal(p.world->node->object->name, "old-name");
        play_remove(&p, KUBE_NODE, "", "old-name");
        assert_null(p.world->node);
        play_end(&p);
}

/* --- its evidence --- */

typedef struct Row {
        const char *what;
        const char *boot_id;
        KubeStatus ready;
        bool deleting, silent, out_of_sync;
        ApiState api;
        Evidence evidence;
        const char *reason;
} Row;

static const Row rows[] = {
        { "ready, of this boot, alive", THIS_BOOT, KUBE_STATUS_TRUE, .api = API_READY,
          .evidence = EVIDENCE_TRUE },
        { "boot IDs compare without dashes, in any case", "2F6B1F0C58A44F0E9F2B6F0F4D3C2B1A",
          KUBE_STATUS_TRUE, .api = API_READY, .evidence = EVIDENCE_TRUE },
        { "ready, of an earlier boot", OLD_BOOT, KUBE_STATUS_TRUE, .api = API_READY,
          .evidence = EVIDENCE_FALSE, .reason = REASON_STALE_BOOT },
        { "ready, of an earlier boot, silent", OLD_BOOT, KUBE_STATUS_TRUE, .silent = true, .api = API_READY,
          .evidence = EVIDENCE_FALSE, .reason = REASON_STALE_BOOT },
        { "no boot ID yet", "", KUBE_STATUS_TRUE, .api = API_READY, .evidence = EVIDENCE_FALSE,
          .reason = REASON_STALE_BOOT },
        { "a boot ID that is cut off", "2f6b1f0c", KUBE_STATUS_TRUE, .api = API_READY,
          .evidence = EVIDENCE_FALSE, .reason = REASON_STALE_BOOT },
        { "not ready, in the cluster's words", THIS_BOOT, KUBE_STATUS_FALSE, .api = API_READY,
          .evidence = EVIDENCE_FALSE, .reason = "KubeletNotReady" },
        { "unknown", THIS_BOOT, KUBE_STATUS_UNKNOWN, .api = API_READY, .evidence = EVIDENCE_FALSE,
          .reason = "KubeletNotReady" },
        { "no Ready condition", THIS_BOOT, KUBE_STATUS_ABSENT, .api = API_READY, .evidence = EVIDENCE_FALSE,
          .reason = "NotReady" },
        { "being deleted", THIS_BOOT, KUBE_STATUS_TRUE, .deleting = true, .api = API_READY,
          .evidence = EVIDENCE_FALSE, .reason = "Terminating" },
        { "no sign of life", THIS_BOOT, KUBE_STATUS_TRUE, .silent = true, .api = API_READY,
          .evidence = EVIDENCE_NONE, .reason = REASON_KUBELET_SILENT },
        { "not ready and silent is no doubt", THIS_BOOT, KUBE_STATUS_FALSE, .silent = true, .api = API_READY,
          .evidence = EVIDENCE_FALSE, .reason = "KubeletNotReady" },
        { "its stream is out of sync", THIS_BOOT, KUBE_STATUS_TRUE, .out_of_sync = true, .api = API_READY,
          .evidence = EVIDENCE_NONE, .reason = REASON_NOT_SYNCED },
        { "also where it says that it is not ready", THIS_BOOT, KUBE_STATUS_FALSE, .out_of_sync = true,
          .api = API_READY, .evidence = EVIDENCE_NONE, .reason = REASON_NOT_SYNCED },
        { "the API is out of reach", THIS_BOOT, KUBE_STATUS_TRUE, .api = API_UNREACHABLE,
          .evidence = EVIDENCE_NONE, .reason = REASON_API_UNREACHABLE },
        { "/readyz is not 200", THIS_BOOT, KUBE_STATUS_TRUE, .api = API_NOT_READY, .evidence = EVIDENCE_NONE,
          .reason = REASON_API_NOT_READY },
};

static void test_evidence(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Row *r = &rows[i];
                PlayNode node = node_of_this_boot();
                Evidence e;
                Play p;

                node.boot_id = r->boot_id;
                node.ready = r->ready;
                node.reason = r->ready == KUBE_STATUS_TRUE ? "KubeletReady" : "KubeletNotReady";
                node.deleting = r->deleting;
                play_begin(&p);
                play_api(&p, API_READY);
                play_node(&p, &node);
                play_sync_all(&p);
                if (!r->silent)
                        play_heartbeat(&p);
                if (r->out_of_sync)
                        play_lose(&p, STREAM_NODES);
                play_api(&p, r->api);

                e = play_ask(&p, &local);
                if (e != r->evidence || !streq(play_reason(&p), strempty(r->reason)))
                        fail_msg("%s: %s %s", r->what, evidence_to_string(e), play_reason(&p));
                assert_int_equal(p.report.total_objects, 1);
                assert_int_equal(p.report.ready_objects, e == EVIDENCE_TRUE);
                if (e != EVIDENCE_TRUE)
                        assert_string_equal(p.report.blockers[0].object.kind, "Node");
                play_end(&p);
        }
}

static void test_missing(void **state) {
        PlayCheck named = check_node("other"), all = check_node("*");
        Play p;

        play_begin(&p);
        play_api(&p, API_READY);
        assert_evidence(play_ask(&p, &local), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_NOT_SYNCED);
        play_sync(&p, STREAM_NODES);
        assert_evidence(play_ask(&p, &local), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NODE_NOT_REGISTERED);
        assert_evidence(play_ask(&p, &named), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NOT_FOUND);
        assert_evidence(play_ask(&p, &all), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NODE_NOT_REGISTERED);

        free(p.world->host.host_name);
        p.world->host.host_name = strdup("nobody");
        play_node(&p, &(PlayNode){ .name = "y", .uid = 1, .boot_id = OLD_BOOT });
        play_node(&p, &(PlayNode){ .name = "z", .uid = 2, .boot_id = OLD_BOOT });
        assert_evidence(play_ask(&p, &local), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NODE_AMBIGUOUS);
        assert_non_null(strstr(p.report.blockers[0].message, "y"));
        play_end(&p);
}

/* --- the sign of life --- */

typedef struct Life {
        Play play;
        PlayNode node;
} Life;

/* The API is back, with a node of this boot that has not moved. */
static void begin_silent(Life *l) {
        l->node = node_of_this_boot();
        play_begin(&l->play);
        play_api(&l->play, API_READY);
        play_node(&l->play, &l->node);
        play_lease(&l->play, GUIDE_NODE);
        play_sync_all(&l->play);
        assert_evidence(play_ask(&l->play, &local), EVIDENCE_NONE);
        assert_string_equal(play_reason(&l->play), REASON_KUBELET_SILENT);
}

#define assert_life(l, expected)                                                                            \
        assert_evidence(play_ask(&(l).play, &local), (expected) ? EVIDENCE_TRUE : EVIDENCE_NONE)

static void test_life_status(void **state) {
        Life l;

        begin_silent(&l);
        play_node(&l.play, &l.node); /* another version, the same status: a label, by anybody */
        assert_life(l, false);
        l.node.heartbeat++;
        play_node(&l.play, &l.node);
        assert_life(l, true);
        play_end(&l.play);
}

static void test_life_lease(void **state) {
        Life l;

        begin_silent(&l);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, true);
        play_end(&l.play);
}

/* What looks like a Lease of the node and is not: another node's, or one of another namespace. */
static void test_life_foreign_lease(void **state) {
        Life l;

        begin_silent(&l);
        play_lease(&l.play, "other");
        play_lease(&l.play, "other");
        assert_life(l, false);
        play_end(&l.play);
}

static void test_life_boot_id(void **state) {
        Life l;

        begin_silent(&l);
        l.node.boot_id = OLD_BOOT;
        play_node(&l.play, &l.node);
        l.node.boot_id = THIS_BOOT;
        play_node(&l.play, &l.node);
        assert_life(l, true);
        play_end(&l.play);
}

/* Controllers write a node's status too: volumesAttached, as one example. What is new in it besides the heartbeat of
 * Ready is none of the kubelet's words. */
static void test_life_other_writers(void **state) {
        Life l;

        begin_silent(&l);
        l.node.pressure = "NetworkUnavailable";
        play_node(&l.play, &l.node);
        assert_life(l, false);
        l.node.heartbeat++;
        play_node(&l.play, &l.node);
        assert_life(l, true);
        play_end(&l.play);
}

/* Where the API was away since the daemon began to ask, one renewal may be that of a kubelet which has just started and
 * has not looked at anything yet. The second one comes after its status. */
static void test_life_lease_twice(void **state) {
        Life l;

        begin_silent(&l);
        play_api(&l.play, API_UNREACHABLE);
        play_api(&l.play, API_READY);
        play_pass(&l.play, USEC_PER_SEC);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, false);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, true);

        /* Those of before an outage do not count after it. */
        play_api(&l.play, API_NOT_READY);
        play_api(&l.play, API_READY);
        play_pass(&l.play, USEC_PER_SEC);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, false);
        play_api(&l.play, API_NOT_READY);
        play_api(&l.play, API_READY);
        play_pass(&l.play, USEC_PER_SEC);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, false);
        play_end(&l.play);
}

/* The API was away when the daemon first asked: at boot, for one. */
static void test_life_lease_twice_after_a_late_api(void **state) {
        PlayNode node = node_of_this_boot();
        Life l;

        play_begin(&l.play);
        play_api(&l.play, API_UNREACHABLE);
        play_api(&l.play, API_READY);
        play_node(&l.play, &node);
        play_lease(&l.play, GUIDE_NODE);
        play_sync_all(&l.play);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, false);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, true);
        play_end(&l.play);
}

static void test_life_registered(void **state) {
        Life l;

        begin_silent(&l);
        play_remove(&l.play, KUBE_NODE, "", GUIDE_NODE);
        l.node.uid = 2;
        play_node(&l.play, &l.node);
        assert_life(l, true);
        play_end(&l.play);
}

/* The node lifecycle controller writes Ready=Unknown for a kubelet that is dead: that is none of its signs, and
 * takes back the earlier ones. */
static void test_life_unknown(void **state) {
        Life l;

        begin_silent(&l);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, true);
        l.node.ready = KUBE_STATUS_UNKNOWN;
        l.node.heartbeat++;
        play_node(&l.play, &l.node);
        assert_false(l.play.world->node->alive);
        l.node.heartbeat++;
        play_node(&l.play, &l.node);
        assert_false(l.play.world->node->alive);
        l.node.ready = KUBE_STATUS_TRUE;
        l.node.heartbeat++;
        play_node(&l.play, &l.node);
        assert_life(l, true);
        play_end(&l.play);
}

/* Out of reach takes every sign back, whichever it was. */
static void test_life_ends_with_reach(void **state) {
        static const ApiState away[] = { API_UNREACHABLE, API_NOT_READY };

        for (unsigned i = 0; i < 2 * ELEMENTSOF(away); i++) {
                Life l;

                begin_silent(&l);
                if (i & 1)
                        play_heartbeat(&l.play);
                else
                        play_lease(&l.play, GUIDE_NODE);
                assert_life(l, true);
                play_api(&l.play, away[i / 2]);
                assert_life(l, false);
                play_api(&l.play, API_READY);
                assert_life(l, false);
                assert_string_equal(play_reason(&l.play), REASON_KUBELET_SILENT);
                play_pass(&l.play, USEC_PER_SEC);
                play_heartbeat(&l.play);
                assert_life(l, true);
                play_end(&l.play);
        }
}

/* A clean end of a watch, or the loss of one stream, is not out of reach. */
static void test_life_survives_a_stream(void **state) {
        Life l;

        begin_silent(&l);
        play_lease(&l.play, GUIDE_NODE);
        play_lose(&l.play, STREAM_NODES);
        play_resume(&l.play, STREAM_NODES);
        assert_life(l, true);
        play_end(&l.play);
}

/* While /readyz fails, what comes is of the time before it is well again. */
static void test_life_while_away(void **state) {
        Life l;

        begin_silent(&l);
        play_api(&l.play, API_NOT_READY);
        play_heartbeat(&l.play);
        play_lease(&l.play, GUIDE_NODE);
        l.node.heartbeat++;
        play_node(&l.play, &l.node);
        play_api(&l.play, API_READY);
        assert_life(l, false);
        play_end(&l.play);
}

/* Nor is what a stream that stood all the while held back until then. */
static void test_life_held_back(void **state) {
        Life l;

        begin_silent(&l);
        play_api(&l.play, API_NOT_READY);
        play_api(&l.play, API_READY);
        play_lease(&l.play, GUIDE_NODE);
        play_heartbeat(&l.play);
        assert_life(l, false);
        play_pass(&l.play, USEC_PER_SEC);
        play_heartbeat(&l.play);
        assert_life(l, true);
        play_end(&l.play);
}

/* A listing brings what was written while nobody watched. */
static void test_life_not_by_listing(void **state) {
        Life l;

        begin_silent(&l);
        play_api(&l.play, API_UNREACHABLE);
        play_lose(&l.play, STREAM_NODES);
        play_lose(&l.play, STREAM_LEASES);
        play_api(&l.play, API_READY);
        play_list(&l.play, STREAM_NODES);
        play_list(&l.play, STREAM_LEASES);
        l.node.heartbeat++;
        play_node(&l.play, &l.node);
        play_lease(&l.play, GUIDE_NODE);
        play_listed(&l.play, STREAM_NODES);
        play_listed(&l.play, STREAM_LEASES);
        assert_life(l, false);
        play_lease(&l.play, GUIDE_NODE);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, true);
        play_end(&l.play);
}

/* Nor does the replay after resuming by resourceVersion: for a second, what comes is the past. */
static void test_life_not_by_replay(void **state) {
        Life l;

        begin_silent(&l);
        play_api(&l.play, API_UNREACHABLE);
        play_lose(&l.play, STREAM_LEASES);
        play_api(&l.play, API_READY);
        play_resume(&l.play, STREAM_LEASES);
        play_lease(&l.play, GUIDE_NODE);
        play_pass(&l.play, USEC_PER_SEC - 1);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, false);
        play_pass(&l.play, 1);
        play_lease(&l.play, GUIDE_NODE);
        play_lease(&l.play, GUIDE_NODE);
        assert_life(l, true);
        play_end(&l.play);
}

/* The same goes for the pods of that node. */
static void test_life_of_pods(void **state) {
        PlayCheck dns = check_pods("openshift-dns", NULL);
        PlayPod pod = pod_ready("openshift-dns", "dns-default-28m2q", 3, 31);
        Life l;

        begin_silent(&l);
        play_start_pod(&l.play, &pod);
        assert_evidence(play_ask(&l.play, &dns), EVIDENCE_NONE);
        assert_string_equal(play_reason(&l.play), REASON_KUBELET_SILENT);
        play_lease(&l.play, GUIDE_NODE);
        assert_evidence(play_ask(&l.play, &dns), EVIDENCE_TRUE);
        play_end(&l.play);
}

/* A shut gate does not open on a silent kubelet; an open one lives on its grace. */
static void test_silent_gate(void **state) {
        Life l;

        begin_silent(&l);
        PLAY_GATE(&l.play, "node", local);
        play_load(&l.play);
        play_pass(&l.play, 10 * USEC_PER_MINUTE);
        assert_gate(&l.play, "node", "waiting");
        play_heartbeat(&l.play);
        play_judge(&l.play);
        assert_gate(&l.play, "node", "ready");

        play_api(&l.play, API_UNREACHABLE);
        play_judge(&l.play);
        play_api(&l.play, API_READY);
        play_judge(&l.play);
        play_pass(&l.play, 5 * USEC_PER_MINUTE - 1);
        assert_gate(&l.play, "node", "ready");
        play_pass(&l.play, 1);
        assert_gate(&l.play, "node", "unknown");
        play_end(&l.play);
}

/* A remote node is fresh once its Lease has moved; its boot ID is its own affair; our kubelet's
 * heartbeat is not its. */
static void test_remote(void **state) {
        PlayCheck remote = check_node("other"), all = check_node("*");
        PlayNode ours = node_of_this_boot();
        Play p;

        play_cluster(&p);
        p.world->cluster_scope = true;
        play_list(&p, STREAM_LEASES);
        play_lose(&p, STREAM_NODES);
        play_node(&p,
                  &(PlayNode){ .name = "other", .uid = 2, .boot_id = OLD_BOOT, .ready = KUBE_STATUS_TRUE });
        play_resume(&p, STREAM_NODES);
        play_lease(&p, "other");
        play_listed(&p, STREAM_LEASES);
        play_lease(&p, "other");
        play_api(&p, API_NOT_READY);
        play_api(&p, API_READY);
        play_pass(&p, USEC_PER_SEC);
        play_node(&p, &ours);
        play_heartbeat(&p);
        assert_evidence(play_ask(&p, &remote), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_KUBELET_SILENT);
        assert_evidence(play_ask(&p, &all), EVIDENCE_NONE);
        play_lease(&p, "other");
        assert_evidence(play_ask(&p, &remote), EVIDENCE_NONE);
        play_lease(&p, "other");
        assert_evidence(play_ask(&p, &remote), EVIDENCE_TRUE);
        assert_evidence(play_ask(&p, &all), EVIDENCE_TRUE);
        assert_int_equal(p.report.total_objects, 2);
        play_end(&p);
}

static int note_proof(const Watched *watched, void *userdata) {
        *(Proof *) userdata = watched->finding.proof;
        return 0;
}

static void test_proof(void **state) {
        Proof proof = _PROOF_INVALID;
        Play p;

        play_cluster(&p);
        play_ask(&p, &local);
        assert_ok(check_list(&p.check, p.world, p.now, note_proof, &proof));
        assert_int_equal(proof, PROOF_BOOT_ID);
        play_remove(&p, KUBE_NODE, "", GUIDE_NODE);
        assert_ok(check_list(&p.check, p.world, p.now, note_proof, &proof));
        assert_int_equal(proof, PROOF_MISSING);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_choice),
                cmocka_unit_test(test_ambiguous_names),
                cmocka_unit_test(test_renamed),
                cmocka_unit_test(test_evidence),
                cmocka_unit_test(test_missing),
                cmocka_unit_test(test_life_status),
                cmocka_unit_test(test_life_lease),
                cmocka_unit_test(test_life_foreign_lease),
                cmocka_unit_test(test_life_boot_id),
                cmocka_unit_test(test_life_other_writers),
                cmocka_unit_test(test_life_lease_twice),
                cmocka_unit_test(test_life_lease_twice_after_a_late_api),
                cmocka_unit_test(test_life_registered),
                cmocka_unit_test(test_life_unknown),
                cmocka_unit_test(test_life_ends_with_reach),
                cmocka_unit_test(test_life_survives_a_stream),
                cmocka_unit_test(test_life_while_away),
                cmocka_unit_test(test_life_held_back),
                cmocka_unit_test(test_life_not_by_listing),
                cmocka_unit_test(test_life_not_by_replay),
                cmocka_unit_test(test_life_of_pods),
                cmocka_unit_test(test_silent_gate),
                cmocka_unit_test(test_remote),
                cmocka_unit_test(test_proof),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
