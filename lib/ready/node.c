/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R1: which node is ours, and whether its Ready is of this boot.
 *
 * The kubelet writes the boot ID and Ready in one patch, so a version of the node that has this boot's ID
 * dates its own Ready, without a clock. That says that the kubelet ran in this boot, not that it runs: an API
 * server that comes back serves a dead kubelet's Ready for most of a minute. Hence the sign of life. */

#include "ready/node.h"

#include <stdio.h>

#include "base/string-util.h"

bool node_is_of_this_boot(const World *w, const WorldObject *node) {
        return hex_equal_ignoring_dashes(KUBE_NODE_OF(node->object)->boot_id, w->host.boot_id);
}

/* What a node has in common with this host. */
enum {
        SAME_MACHINE = 1 << 0,
        SAME_BOOT = 1 << 1,
        SAME_HOST_NAME = 1 << 2,
        NOT_FOREIGN = 1 << 3,
};

/* What the node has of that. It is certainly another host's where it has a machine ID, as this host has, and nothing
 * of it is this host's. A host whose machine ID and name are new since the kubelet wrote them is told so for as long
 * as it takes the kubelet to write the boot ID. */
static unsigned in_common(const World *w, const WorldObject *o) {
        const char *machine_id = KUBE_NODE_OF(o->object)->machine_id;
        const HostFacts *host = &w->host;
        unsigned same = 0;

        if (host->machine_id && hex_equal_ignoring_dashes(machine_id, host->machine_id))
                same |= SAME_MACHINE;
        if (node_is_of_this_boot(w, o))
                same |= SAME_BOOT;
        if (host->host_name && strcasecmp(o->object->name, host->host_name) == 0)
                same |= SAME_HOST_NAME;
        return same != 0 || !host->machine_id || isempty(machine_id) ? same | NOT_FOREIGN : same;
}

static bool matches(const World *w, const WorldObject *o, unsigned wanted) {
        return (in_common(w, o) & wanted) == wanted;
}

static unsigned count(const World *w, unsigned wanted, WorldObject **ret_first) {
        unsigned n = 0;

        WORLD_FOREACH(o, w, KUBE_NODE)
                if (matches(w, o, wanted) && n++ == 0)
                        *ret_first = o;
        return n;
}

static void say_ambiguous(const World *w, unsigned wanted, NodeChoice *ret) {
        size_t used;

        ret->reason = REASON_NODE_AMBIGUOUS;
        used = (size_t) snprintf(ret->message, sizeof(ret->message),
                                 "any of these nodes could be this host:");
        WORLD_FOREACH(o, w, KUBE_NODE)
                if (matches(w, o, wanted) && used < sizeof(ret->message)) {
                        int n = snprintf(ret->message + used, sizeof(ret->message) - used, " %s",
                                         o->object->name);
                        used += (size_t) MAX(n, 0);
                }
}

/* Any node that cannot be read may be this host, where no other is of this boot. The one that was this host still
 * is; else a name tells, but neither the machine ID alone nor that there is only one other. Returns whether that
 * decides. */
static bool choose_among_unreadable(const World *w, unsigned wanted, NodeChoice *ret) {
        bool is_only = w->by_kind[KUBE_NODE] && !w->by_kind[KUBE_NODE]->next;

        if (wanted & SAME_BOOT)
                return false;
        if (w->node && w->node->object->unreadable) {
                ret->node = w->node;
                return true;
        }
        if ((wanted & SAME_HOST_NAME) || is_only)
                return false;
        WORLD_FOREACH(o, w, KUBE_NODE)
                if (o->object->unreadable) {
                        ret->reason = REASON_UNREADABLE;
                        world_say_unreadable(o->object, ret->message, sizeof(ret->message));
                        return true;
                }
        return false;
}

/* Rule R1: finds the node that is this host: the one that the configuration names; else, among those of this machine
 * ID, the one of this boot or of this host name; else the one of this host name; else the only node that is not
 * certainly another host's. Decided again at each change of a node, because a host may register itself under another
 * name. */
void node_choose(const World *w, NodeChoice *ret) {
        static const unsigned order[] = { SAME_MACHINE | SAME_BOOT, SAME_MACHINE | SAME_HOST_NAME,
                                          SAME_HOST_NAME, NOT_FOREIGN };

        *ret = (NodeChoice){};

        if (w->node_setting) {
                ret->node = world_find(w, KUBE_NODE, "", w->node_setting);
                if (!ret->node) {
                        ret->reason = REASON_NODE_NOT_REGISTERED;
                        snprintf(ret->message, sizeof(ret->message), "no node is named %s, as Node= says",
                                 w->node_setting);
                }
                return;
        }

        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                WorldObject *first = NULL;
                unsigned n = count(w, order[i], &first);

                if (choose_among_unreadable(w, order[i], ret))
                        return;

                /* Several of this machine and boot: one of them may still have the host's name. */
                if (n > 1 && (order[i] & SAME_BOOT))
                        n = count(w, order[i] | SAME_HOST_NAME, &first) == 1 ? 1 : n;
                if (n == 1) {
                        ret->node = first;
                        return;
                }
                if (n > 1) {
                        say_ambiguous(w, order[i], ret);
                        return;
                }
        }

        ret->reason = REASON_NODE_NOT_REGISTERED;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 w->by_kind[KUBE_NODE]
                         ? "the kubelet of this host has not registered a node: every node has "
                           "another machine ID, boot ID and name"
                         : "the kubelet has not registered a node");
}

/* Whether the node is this host. */
bool node_is_ours(const World *w, const WorldObject *node) {
        return node && node == w->node;
}

/* Since when (monotonic) the node has been fresh with the same boot ID, for the proof by observation;
 * USEC_INFINITY where it is not. Ours is fresh in this boot only. */
usec_t node_fresh_since(const World *w, const WorldObject *node) {
        if (!node->alive || (node_is_ours(w, node) && !node_is_of_this_boot(w, node)))
                return USEC_INFINITY;
        return MAX(node->alive_since, node->booted);
}

/* The i-th of the conditions by which the node's kubelet says in this boot that it is short of something; NULL
 * behind the last. Such a node may be ready. */
const KubeCondition *node_pressure(const World *w, const WorldObject *node, size_t i) {
        static const char *const types[] = { "DiskPressure", "MemoryPressure", "PIDPressure",
                                             "NetworkUnavailable" };
        const KubeNode *n = KUBE_NODE_OF(node->object);

        if (node_is_ours(w, node) && !node_is_of_this_boot(w, node))
                return NULL;
        for (size_t k = 0; k < ELEMENTSOF(types); k++) {
                const KubeCondition *c = kube_condition_find(n->conditions, n->n_conditions, types[k]);

                if (c && c->status == KUBE_STATUS_TRUE && i-- == 0)
                        return c;
        }
        return NULL;
}

/* What the node's own status says, without asking which kubelet wrote it and when. */
static bool node_status_is_ready(const WorldObject *node, Finding *f) {
        const KubeNode *n = KUBE_NODE_OF(node->object);
        const KubeCondition *ready = kube_condition_find(n->conditions, n->n_conditions, "Ready");

        if (n->object.deleting) {
                f->reason = "Terminating";
                f->message = "the node is being deleted";
                return false;
        }
        if (!ready || ready->status != KUBE_STATUS_TRUE) {
                f->reason = ready && ready->reason ? ready->reason : "NotReady";
                f->message = ready ? ready->message : "the node has no Ready condition";
                return false;
        }
        return true;
}

/* Rule R1 for one node. Ours is proven by the boot ID, another by a Lease that moves. Only TRUE needs a sign of life:
 * a status that shuts the gate counts even while the kubelet is silent. */
void node_judge(const World *w, const WorldObject *node, Finding *ret) {
        const KubeNode *n = KUBE_NODE_OF(node->object);
        const char *reason, *message;

        *ret = (Finding){ .evidence = EVIDENCE_FALSE, .proof = PROOF_NONE };

        if (!world_role_in_sync(w, STREAM_NODES, NULL, &reason, &message)) {
                finding_set(ret, EVIDENCE_NONE, reason, message);
                return;
        }

        if (node->object->unreadable) {
                finding_set(ret, EVIDENCE_NONE, REASON_UNREADABLE, node->object->unreadable);
                return;
        }
        if (node_is_ours(w, node) && !node_is_of_this_boot(w, node)) {
                ret->reason = REASON_STALE_BOOT;
                snprintf(ret->text, sizeof(ret->text), "%s",
                         isempty(n->boot_id) ? "the kubelet has not reported a boot ID yet"
                                             : "its status is from an earlier boot: "
                                               "the kubelet has not reported in this one");
                ret->message = ret->text;
                return;
        }
        if (node_is_ours(w, node))
                ret->proof = PROOF_BOOT_ID;
        else if (node->alive)
                ret->proof = PROOF_OBSERVED;

        ret->is_reported = !node_status_is_ready(node, ret);
        if (ret->is_reported)
                return;
        if (!node->alive) {
                finding_set(
                        ret, EVIDENCE_NONE, REASON_KUBELET_SILENT,
                        "it is reported Ready, but the kubelet has shown no activity since the API server "
                        "became reachable");
                return;
        }

        ret->evidence = EVIDENCE_TRUE;
}
