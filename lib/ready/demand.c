/* SPDX-License-Identifier: Apache-2.0 */

/* Which streams the daemon needs. That follows from the gates and from our node, and is worked out again after each
 * judgement. No stream is open without need, because each costs the API server a watch and the daemon a connection. */

#include "base/string-util.h"
#include "ready/board.h"
#include "ready/node.h"

typedef struct Demand {
        const Board *board;
        const World *world;
        DemandCallback callback;
        void *userdata;
} Demand;

/* The roles that the checks need, as 1 << StreamRole. */
static unsigned roles_of(const Board *b) {
        unsigned roles = 0;

        BOARD_FOREACH_CHECK(c, g, b) {
                roles |= check_roles(c);
        }
        return roles;
}

/* Whether any gate is shut or has doubts, which events may explain. */
static bool is_awaiting(const Board *b) {
        BOARD_FOREACH(g, b) {
                if (gate_is_asked(g) && g->report.evidence != EVIDENCE_TRUE)
                        return true;
        }
        return false;
}

/* Needs the objects of that namespace and with these fields (NULL: all), which are those of one node where node names
 * it. */
static int need_of(const Demand *d, StreamRole role, const char *namespace, const char *fields,
                   const char *node) {
        static const KubeKind kinds[_STREAM_ROLE_MAX] = {
                [STREAM_NODES] = KUBE_NODE,
                [STREAM_PODS] = KUBE_POD,
                [STREAM_PODS_UNSCHEDULED] = KUBE_POD,
                [STREAM_DAEMONSETS] = KUBE_DAEMONSET,
                [STREAM_DEPLOYMENTS] = KUBE_DEPLOYMENT,
                [STREAM_STATEFULSETS] = KUBE_STATEFULSET,
                [STREAM_REPLICASETS] = KUBE_REPLICASET,
                [STREAM_LEASES] = KUBE_LEASE,
                [STREAM_EVENTS] = KUBE_EVENT,
        };
        const StreamDemand demand = {
                .role = role,
                .node = node,
                .query = { .resource = kube_resource_of_kind(kinds[role]),
                           .namespace = namespace,
                           .field_selector = fields },
        };

        return d->callback(&demand, d->userdata);
}

static int need(const Demand *d, StreamRole role, const char *namespace, const char *fields) {
        return need_of(d, role, namespace, fields, NULL);
}

/* Needs only the objects whose field is the name of our node. */
static int need_of_node(const Demand *d, StreamRole role, const char *namespace, const char *field) {
        const char *name = d->world->node->object->name;
        _cleanup_free_ char *fields = NULL;
        int r;

        r = asprintf_ret(&fields, "%s=%s", field, name);
        return r < 0 ? r : need_of(d, role, namespace, fields, name);
}

/* All nodes until ours is proven by this boot's ID, then ours by name. */
static int need_nodes(const Demand *d) {
        const World *w = d->world;

        if (w->cluster_scope || board_wants_other_nodes(d->board) || !w->node ||
            !node_is_of_this_boot(w, w->node))
                return need(d, STREAM_NODES, NULL, NULL);
        return need_of_node(d, STREAM_NODES, NULL, "metadata.name");
}

/* Pods of our node, and pods that have no node yet. */
static int need_pods(const Demand *d) {
        int r;

        if (d->world->cluster_scope)
                return need(d, STREAM_PODS, NULL, NULL);
        r = need(d, STREAM_PODS_UNSCHEDULED, NULL, "spec.nodeName=");
        if (r < 0 || !d->world->node)
                return r;
        return need_of_node(d, STREAM_PODS, NULL, "spec.nodeName");
}

static int need_workloads(const Demand *d, unsigned roles) {
        int r = 0;

        for (StreamRole role = STREAM_DAEMONSETS; r >= 0 && role <= STREAM_REPLICASETS; role++)
                if (roles & 1U << role)
                        r = need(d, role, NULL, NULL);
        return r;
}

static bool all_show_life(const World *w) {
        WORLD_FOREACH(o, w, KUBE_NODE)
                if (!o->alive)
                        return false;
        return true;
}

/* Our node's Lease while a sign of life is missing, and those of other nodes while checks ask for them. In the scope
 * of the whole cluster Leases prove that nodes are fresh. */
static int need_leases(const Demand *d) {
        const World *w = d->world;

        if (w->cluster_scope || (board_wants_other_nodes(d->board) && !all_show_life(w)))
                return need(d, STREAM_LEASES, "kube-node-lease", NULL);
        if (!w->node || w->node->alive)
                return 0;
        return need_of_node(d, STREAM_LEASES, "kube-node-lease", "metadata.name");
}

/* Streams that one check alone needs. */
static int need_of_checks(const Demand *d) {
        int r;

        BOARD_FOREACH_CHECK(c, g, d->board) {
                if (c->kind->demand) {
                        r = c->kind->demand(c->definition, d->callback, d->userdata);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* Calls back for each stream that the gates need with the world as it is; a stream may come twice. The first error,
 * the callback's or -ENOMEM, ends it. */
int board_demand(const Board *b, const World *w, DemandCallback callback, void *userdata) {
        const Demand d = { .board = b, .world = w, .callback = callback, .userdata = userdata };
        unsigned roles = roles_of(b);
        bool pods = roles & 1U << STREAM_PODS;
        int r;

        if ((r = need_nodes(&d)) < 0 || (pods && (r = need_pods(&d)) < 0) ||
            (r = need_workloads(&d, roles)) < 0)
                return r;
        if (pods && is_awaiting(b)) {
                r = need(&d, STREAM_EVENTS, NULL, NULL);
                if (r < 0)
                        return r;
        }
        r = need_leases(&d);
        return r < 0 ? r : need_of_checks(&d);
}
