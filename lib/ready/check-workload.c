/* SPDX-License-Identifier: Apache-2.0 */

/* [Workload]: as many proven pods as a DaemonSet, Deployment or StatefulSet wants (rule R4). What it wants stands in
 * its spec; its status is never read, because the counters there lag and outlive a reboot. */

#include "ready/check-kinds.h"

#include <stdio.h>

#include "base/string-util.h"
#include "base/value.h"
#include "ready/affinity.h"

/* _KUBE_KIND_MAX stands for none. */
static int parse_kind(void *p, const char *value, const char **why) {
        KubeKind k = *value ? kube_kind_from_string(value) : _KUBE_KIND_MAX, *kind = p;

        if (*value && k != KUBE_DAEMONSET && k != KUBE_DEPLOYMENT && k != KUBE_STATEFULSET)
                return value_refuse(why, "neither DaemonSet, Deployment nor StatefulSet");
        *kind = k;
        return 0;
}

static const CheckKeyType kind_type = { .parse = parse_kind, .size = sizeof(KubeKind) };

static int describe(const CheckDefinition *definition, char **ret) {
        const WorkloadDefinition *d = CHECK_AS(WorkloadDefinition, definition);

        return asprintf_ret(ret, "%s %s/%s", kube_kind_to_string(d->kind), d->tally.namespace,
                            d->tally.name);
}

static StreamRole role_of(const WorkloadDefinition *d) {
        switch (d->kind) {
        case KUBE_DAEMONSET:
                return STREAM_DAEMONSETS;
        case KUBE_STATEFULSET:
                return STREAM_STATEFULSETS;
        default:
                return STREAM_DEPLOYMENTS;
        }
}

static unsigned own_roles(const CheckDefinition *definition) {
        StreamRole role = role_of(CHECK_AS(WorkloadDefinition, definition));

        return 1U << role | (role == STREAM_DEPLOYMENTS ? 1U << STREAM_REPLICASETS : 0);
}

/* A ReplicaSet's name is its Deployment's with a hash behind it. */
static bool is_replica_set_of(const char *name, const char *deployment) {
        const char *rest = startswith(name, deployment);

        return rest && rest[0] == '-';
}

static bool wants_pod(const WorkloadDefinition *d, const KubeBrief *brief) {
        if (d->kind == KUBE_DEPLOYMENT)
                return streq(brief->owner_kind, "ReplicaSet") &&
                       is_replica_set_of(brief->owner_name, d->tally.name);
        return streq(brief->owner_kind, kube_kind_to_string(d->kind)) &&
               streq(brief->owner_name, d->tally.name);
}

static bool wants(const CheckDefinition *definition, KubeKind kind, const KubeBrief *brief) {
        const WorkloadDefinition *d = CHECK_AS(WorkloadDefinition, definition);

        if (!brief_may_be_in(brief, d->tally.namespace))
                return false;
        switch (kind) {
        case KUBE_EVENT:
                return true;
        case KUBE_POD:
                return brief->is_partial || wants_pod(d, brief);
        case KUBE_REPLICASET:
                return d->kind == KUBE_DEPLOYMENT &&
                       (brief->is_partial || streq(brief->owner_name, d->tally.name));
        default:
                return kind == d->kind &&
                       (streq(brief->name, d->tally.name) || (brief->is_partial && !brief->name[0]));
        }
}

/* A Deployment owns its pods through its ReplicaSets, each of any revision. */
static bool is_owned(const Check *c, const World *w, const KubePod *p, const KubeObject *owner) {
        const WorldObject *set;

        if (!p->object.owner_uid || !streq_ptr(p->object.namespace, owner->namespace))
                return false;
        if (owner->kind != KUBE_DEPLOYMENT)
                return streq_ptr(p->object.owner_uid, owner->uid);

        set = world_find_uid(w, KUBE_REPLICASET, p->object.owner_uid);
        return set && streq_ptr(set->object->owner_uid, owner->uid);
}

static unsigned eligible_nodes(const World *w, const KubeWorkload *set) {
        unsigned n = 0;

        if (!w->cluster_scope)
                return w->node && affinity_admits(set, KUBE_NODE_OF(w->node->object));
        WORLD_FOREACH(o, w, KUBE_NODE)
                n += affinity_admits(set, KUBE_NODE_OF(o->object));
        return n;
}

static unsigned desired(const Check *c, const World *w, const KubeWorkload *set) {
        int minimum_ready = tally_definition(c->definition)->minimum_ready;

        if (minimum_ready != MINIMUM_READY_UNSET)
                return (unsigned) minimum_ready;
        if (set->object.kind == KUBE_DAEMONSET)
                return eligible_nodes(w, set);
        return set->replicas > 0 ? (unsigned) MIN(set->replicas, (int64_t) LIMIT_OBJECTS) : 0;
}

/* What cannot be read and makes an answer impossible: the workload itself, a ReplicaSet through which it may own pods,
 * or a node on which a DaemonSet may want one. NULL where there is nothing. */
static const KubeObject *find_unreadable(const Check *c, const World *w, const KubeObject *workload) {
        if (workload->unreadable)
                return workload;
        WORLD_FOREACH(o, w, KUBE_REPLICASET)
                if (o->object->unreadable && check_may_look_at(c, o->object))
                        return o->object;
        if (workload->kind != KUBE_DAEMONSET ||
            tally_definition(c->definition)->minimum_ready != MINIMUM_READY_UNSET)
                return NULL;
        WORLD_FOREACH(o, w, KUBE_NODE)
                if (o->object->unreadable && (w->cluster_scope || !w->node || o == w->node))
                        return o->object;
        return NULL;
}

static bool can_be_read(const Check *c, const World *w, const KubeObject *workload, NodeChoice *choice,
                        const char **reason, const char **message) {
        const KubeObject *o = find_unreadable(c, w, workload);

        *reason = REASON_UNREADABLE;
        *message = world_unnamed(w, check_roles(c), NULL, tally_definition(c->definition)->namespace);
        if (!*message && o == workload)
                *message = o->unreadable;
        else if (!*message && o) {
                world_say_unreadable(o, choice->message, sizeof(choice->message));
                *message = choice->message;
        }
        return !*message;
}

/* All streams that an answer rests on. */
static bool in_sync(const Check *c, const World *w, NodeChoice *choice, const char **reason,
                    const char **message) {
        if (!tally_in_sync(w, choice, reason, message))
                return false;
        for (StreamRole role = 0; role < _STREAM_ROLE_MAX; role++)
                if ((check_roles(c) & 1U << role) && !world_role_in_sync(w, role, NULL, reason, message))
                        return false;
        return true;
}

static Watched watched_workload(const Check *c, const World *w) {
        const WorkloadDefinition *d = CHECK_AS(WorkloadDefinition, c->definition);
        const WorldObject *o = world_find(w, d->kind, d->tally.namespace, d->tally.name);

        return (Watched){
                .kind = kube_kind_to_string(d->kind),
                .namespace = d->tally.namespace,
                .name = d->tally.name,
                .object = o,
                .finding.proof = o ? PROOF_NONE : PROOF_MISSING,
        };
}

static int block_without(const Check *c, Judging *j, const char *reason, const char *message, usec_t since,
                         const WorldObject *leftover) {
        Watched watched = watched_workload(c, j->world), seen;
        int r;

        watched.since = since;
        watched.leftover = leftover;
        watched.finding.reason = reason;
        watched.finding.message = message;
        seen = watched;
        seen.finding.evidence = j->report->evidence;
        if (j->report->evidence != EVIDENCE_FALSE)
                seen.finding.reason = NULL; /* a stream that is out of sync is not the workload's matter */
        r = report_see(j, &seen);
        return r < 0 ? r : report_add(j, &watched);
}

static int block(const Check *c, Judging *j, const char *reason, const char *message, usec_t since) {
        return block_without(c, j, reason, message, since, NULL);
}

/* That it is missing is known once its own kind is listed. Pods are not while there is no node. */
static int judge_missing(const Check *c, Judging *j) {
        const char *reason, *message;
        const World *w = j->world;
        Report *report = j->report;

        report->total_objects++;
        if (!world_role_in_sync(w, role_of(CHECK_AS(WorkloadDefinition, c->definition)), NULL, &reason,
                                &message)) {
                report->evidence = EVIDENCE_NONE;
                return block(c, j, reason, message, world_doubt_since(w));
        }
        message = world_unnamed(w, check_roles(c), NULL, tally_definition(c->definition)->namespace);
        if (message) {
                report->evidence = EVIDENCE_NONE;
                return block(c, j, REASON_UNREADABLE, message, 0);
        }
        if (tally_definition(c->definition)->minimum_ready == 0) {
                report->ready_objects++;
                return 0;
        }
        report->evidence = EVIDENCE_FALSE;
        return block(c, j, REASON_NOT_FOUND, "the cluster has no such object yet", w->api_ready);
}

static int judge_nothing_desired(const Check *c, const WorldObject *o, Judging *j) {
        const World *w = j->world;
        NodeChoice choice;

        if (tally_definition(c->definition)->minimum_ready == 0)
                return 0;

        j->report->evidence = EVIDENCE_FALSE;
        if (o->object->kind == KUBE_DAEMONSET && !w->node && !w->cluster_scope) {
                node_choose(w, &choice);
                return block(c, j, choice.reason ?: REASON_NODE_NOT_REGISTERED, choice.message, o->changed);
        }
        if (o->object->kind == KUBE_DAEMONSET)
                return block(c, j, REASON_NO_ELIGIBLE_NODE,
                             "its node selector and affinity match no node in scope", o->changed);
        return block(c, j, REASON_SCALED_TO_ZERO, "its spec asks for 0 replicas", o->changed);
}

static int judge_object(const Check *c, const WorldObject *o, Judging *j) {
        const World *w = j->world;
        Report *report = j->report;
        const char *reason = NULL, *message = NULL;
        size_t first = report->n_blockers;
        NodeChoice choice;
        char text[96];
        unsigned want;
        bool synced;
        Tally t;
        int r;

        r = tally_members(&(Members){ .check = c, .has = is_owned, .owner = o->object }, j, &t);
        if (r < 0)
                return r;

        synced = in_sync(c, w, &choice, &reason, &message) &&
                 can_be_read(c, w, o->object, &choice, &reason, &message);
        want = desired(c, w, KUBE_WORKLOAD_OF(o->object));
        if (!synced) {
                report->evidence = tally_evidence(&t, want, false);
                return report->n_blockers > first ? 0 : block(c, j, reason, message, world_doubt_since(w));
        }
        if (!kube_object_is_observed(o->object, o->object->observed_generation)) {
                report->evidence = EVIDENCE_FALSE;
                return block(c, j, REASON_NOT_OBSERVED,
                             "its controller has not acted on its newest specification yet", o->changed);
        }
        if (want == 0) {
                report_cut(report, first); /* its pods, if there are any, do not matter */
                return judge_nothing_desired(c, o, j);
        }

        report->evidence = tally_evidence(&t, want, true);
        if (report->evidence == EVIDENCE_TRUE) {
                report_cut(report, first);
                return 0;
        }
        if (t.members >= want)
                return 0;
        report->total_objects += want - t.members;
        snprintf(text, sizeof(text), "%u of %u pods exist", t.members, want);
        return block_without(c, j, REASON_NO_PODS, text, o->changed, t.leftover);
}

static int judge_workload(const Check *c, Judging *j) {
        Watched watched = watched_workload(c, j->world);
        int r;

        if (!watched.object)
                return judge_missing(c, j);
        r = judge_object(c, watched.object, j);
        if (r < 0)
                return r;
        /* Its pods keep it shut, or nothing does. */
        watched.finding.evidence = j->report->evidence;
        return report_see(j, &watched);
}

static int judge(Check *c, Judging *j) {
        return judge_workload(c, j);
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched = watched_workload(c, w);
        const WorldObject *o = watched.object;
        Report report = REPORT_INIT;
        int r;

        r = judge_workload(c, &(Judging){ .world = w, .now = now, .report = &report });
        watched.since = o ? o->changed : w->api_changed;
        watched.finding.evidence = report.evidence;
        if (report.n_blockers > 0) {
                watched.finding.reason = report.blockers[0].reason;
                watched.finding.message = report.blockers[0].message;
        }
        if (r >= 0)
                r = callback(&watched, userdata);
        report_done(&report);
        if (r < 0 || !o)
                return r;
        return tally_list(&(Members){ .check = c, .has = is_owned, .owner = o->object }, w, now, callback,
                          userdata);
}

#define MEMBER(m) offsetof(WorkloadDefinition, m)

static const CheckKey keys[] = {
        { "Kind", MEMBER(kind), &kind_type, .is_required = true },
        { "Namespace", MEMBER(tally.namespace), &check_key_namespace, .is_required = true },
        { "Name", MEMBER(tally.name), &check_key_name, .is_required = true },
        { "MinimumReady", MEMBER(tally.minimum_ready), &tally_key_minimum_ready },
        { "Proof", MEMBER(tally.proof), &tally_key_proof },
        {},
};

const CheckKind check_kind_workload = {
        .syntax = {
                .section = "Workload",
                .size = sizeof(WorkloadDefinition),
                .keys = keys,
                .describe = describe,
                .is_controller = true,
        },
        .roles = 1 << STREAM_NODES | 1 << STREAM_PODS | 1 << STREAM_PODS_UNSCHEDULED,
        .own_roles = own_roles,
        .wants = wants,
        .counts_pods = true,
        .judge = judge,
        .list = list,
};
