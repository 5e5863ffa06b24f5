/* SPDX-License-Identifier: Apache-2.0 */

/* [Workload]: as many proven pods as a DaemonSet, Deployment or StatefulSet wants (rule R4). What it wants stands in
 * its spec; the counters of its status, which lag and outlive a reboot, are never taken for pods.
 *
 * While the gate is shut only pods of the newest revision count, so that a boot or an update whose rollout is stuck
 * is not ready. While it is open those of every revision do: a rollout in a running cluster shuts nothing as long as
 * enough pods serve. */

#include "ready/check-kinds.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "base/value.h"
#include "ready/affinity.h"

/* _KUBE_KIND_MAX stands for none. */
static int parse_kind(void *p, const char *value, const char **why) {
        KubeKind k = *value ? kube_kind_from_string(value) : _KUBE_KIND_MAX, *kind = p;

        if (*value && k != KUBE_DAEMONSET && k != KUBE_DEPLOYMENT && k != KUBE_STATEFULSET)
                return value_refuse(why, "must be Deployment, DaemonSet or StatefulSet");
        *kind = k;
        return 0;
}

static int parse_revision(void *p, const char *value, const char **why) {
        bool *any = p;

        if (*value && !streq(value, "newest") && !streq(value, "any"))
                return value_refuse(why, "must be newest or any");
        *any = streq(value, "any");
        return 0;
}

static const CheckKeyType kind_type = { .parse = parse_kind, .size = sizeof(KubeKind) };
static const CheckKeyType revision_type = { .parse = parse_revision, .size = sizeof(bool) };

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

/* A Deployment owns its pods through its ReplicaSets. */
static bool is_owned(const Check *c, const World *w, const KubePod *p, const KubeObject *owner) {
        const WorldObject *set;

        if (!p->object.owner_uid || !streq_ptr(p->object.namespace, owner->namespace))
                return false;
        if (owner->kind != KUBE_DEPLOYMENT)
                return streq_ptr(p->object.owner_uid, owner->uid);

        set = world_find_uid(w, KUBE_REPLICASET, p->object.owner_uid);
        return set && streq_ptr(set->object->owner_uid, owner->uid);
}

/* The revision of a pod, NULL where that is not told. */
static const char *revision_of(const World *w, const KubePod *p) {
        const WorldObject *set;

        if (streq_ptr(p->object.owner_kind, "DaemonSet"))
                return kube_label(&p->object, "pod-template-generation");
        if (streq_ptr(p->object.owner_kind, "StatefulSet"))
                return kube_label(&p->object, "controller-revision-hash");
        set = world_find_uid(w, KUBE_REPLICASET, p->object.owner_uid);
        return set ? KUBE_WORKLOAD_OF(set->object)->revision : NULL;
}

/* Its pods. synced: all that is known of them is up to date, so that their revisions can be compared. */
static Members members_of(const Check *c, const KubeObject *owner, bool synced) {
        const KubeWorkload *set = KUBE_WORKLOAD_OF(owner);
        bool any = c->gate_is_open || CHECK_AS(WorkloadDefinition, c->definition)->any_revision;

        return (Members){
                .check = c,
                .has = is_owned,
                .owner = owner,
                .revision = synced && !any && !set->is_rolled_out ? set->revision : NULL,
                .revision_of = revision_of,
        };
}

static bool has_pod_on(const World *w, const KubeWorkload *set, const char *node) {
        WORLD_FOREACH(o, w, KUBE_POD) {
                const KubePod *p = KUBE_POD_OF(o->object);

                if (streq_ptr(p->node, node) && pod_is_member(p) &&
                    streq_ptr(p->object.owner_uid, set->object.uid))
                        return true;
        }
        return false;
}

/* The taint that makes a node unwanted which the DaemonSet's selector and affinity match; NULL where none does. As
 * its controller sees it, a pod that is on the node already stays, unless the taint ends it. */
static const KubeTaint *find_obstacle(const World *w, const KubeWorkload *set, const KubeNode *node) {
        const KubeTaint *taint = affinity_repels(set, node);

        return taint && (taint->evicts || !has_pod_on(w, set, node->object.name)) ? taint : NULL;
}

static bool is_in_scope(const World *w, const WorldObject *node) {
        return w->cluster_scope || node_is_ours(w, node);
}

static unsigned eligible_nodes(const World *w, const KubeWorkload *set) {
        unsigned n = 0;

        WORLD_FOREACH(o, w, KUBE_NODE)
                n += is_in_scope(w, o) && affinity_admits(set, KUBE_NODE_OF(o->object)) &&
                     !find_obstacle(w, set, KUBE_NODE_OF(o->object));
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

/* Whether all that an answer rests on is up to date and can be read; else why not. choice has room for the message. */
static bool is_known(const Check *c, const World *w, const KubeObject *workload, NodeChoice *choice,
                     const char **reason, const char **message) {
        return in_sync(c, w, choice, reason, message) &&
               can_be_read(c, w, workload, choice, reason, message);
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

static int block_without(const Check *c, Judging *j, const char *reason, const char *message,
                         const WorldObject *leftover) {
        Watched watched = watched_workload(c, j->world), seen;
        int r;

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

static int block(const Check *c, Judging *j, const char *reason, const char *message) {
        return block_without(c, j, reason, message, NULL);
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
                return block(c, j, reason, message);
        }
        message = world_unnamed(w, check_roles(c), NULL, tally_definition(c->definition)->namespace);
        if (message) {
                report->evidence = EVIDENCE_NONE;
                return block(c, j, REASON_UNREADABLE, message);
        }
        if (tally_definition(c->definition)->minimum_ready == 0) {
                report->ready_objects++;
                return 0;
        }
        report->evidence = EVIDENCE_FALSE;
        return block(c, j, REASON_NOT_FOUND, "the cluster has no such object");
}

/* What keeps the DaemonSet's pods off every node in scope. */
static void say_no_node(const World *w, const KubeWorkload *set, char *text, size_t size) {
        snprintf(text, size, "its node selector and affinity match no node in scope");
        WORLD_FOREACH(o, w, KUBE_NODE) {
                const KubeNode *node = KUBE_NODE_OF(o->object);
                const KubeTaint *taint =
                        is_in_scope(w, o) && affinity_admits(set, node) ? find_obstacle(w, set, node) : NULL;

                if (taint)
                        snprintf(text, size,
                                 "the node %s has the taint %s%s%s:%s, which its pods do not tolerate",
                                 node->object.name, taint->key, taint->value ? "=" : "",
                                 strempty(taint->value), taint->evicts ? "NoExecute" : "NoSchedule");
        }
}

static int judge_nothing_desired(const Check *c, const WorldObject *o, Judging *j) {
        const World *w = j->world;
        char text[3 * LIMIT_MESSAGE]; /* more than is kept */

        if (tally_definition(c->definition)->minimum_ready == 0)
                return 0;

        j->report->evidence = EVIDENCE_FALSE;
        if (o->object->kind == KUBE_DAEMONSET) {
                say_no_node(w, KUBE_WORKLOAD_OF(o->object), text, sizeof(text));
                return block(c, j, REASON_NO_ELIGIBLE_NODE, text);
        }
        return block(c, j, REASON_SCALED_TO_ZERO, "its spec asks for 0 replicas");
}

/* The taint of a node's state for which the DaemonSet's controller makes no pod there; its node. */
static const KubeTaint *find_delay(const World *w, const KubeWorkload *set, const KubeNode **ret_node) {
        if (set->object.kind != KUBE_DAEMONSET)
                return NULL;
        WORLD_FOREACH(o, w, KUBE_NODE) {
                const KubeNode *node = KUBE_NODE_OF(o->object);
                const KubeTaint *taint = affinity_delays(set, node);

                if (!taint || !is_in_scope(w, o) || !affinity_admits(set, node) ||
                    has_pod_on(w, set, node->object.name))
                        continue;
                *ret_node = node;
                return taint;
        }
        return NULL;
}

static void say_missing(const Members *m, const World *w, const Tally *t, unsigned want, char *text,
                        size_t size) {
        const KubeWorkload *set = KUBE_WORKLOAD_OF(m->owner);
        const KubeNode *node = NULL;
        const KubeTaint *taint = find_delay(w, set, &node);

        if (t->old > 0)
                snprintf(text, size, "%u of %u pods of the newest revision exist", t->members, want);
        else if (taint)
                snprintf(text, size,
                         "%u of %u pods exist; the node %s has the taint %s, which they do not tolerate",
                         t->members, want, node->object.name, taint->key);
        else if (!w->cluster_scope && set->pods_counted > t->members)
                snprintf(text, size,
                         "%u of %u pods exist on this node; the status counts %" PRIi64 " in the cluster",
                         t->members, want, set->pods_counted);
        else
                snprintf(text, size, "%u of %u pods exist", t->members, want);
}

/* Where pods are missing. While some of an old revision have their place, what keeps those of the newest from being
 * ready keeps the rest from being made. */
static int block_missing(const Members *m, Judging *j, const Tally *t, unsigned want, bool is_first) {
        char text[3 * LIMIT_MESSAGE]; /* more than is kept */

        if (t->members >= want)
                return 0;
        j->report->total_objects += want - t->members;
        if (!is_first && t->members + t->old >= want)
                return 0;
        say_missing(m, j->world, t, want, text, sizeof(text));
        return block_without(m->check, j, REASON_NO_PODS, text, t->leftover);
}

static int judge_object(const Check *c, const WorldObject *o, Judging *j) {
        const World *w = j->world;
        Report *report = j->report;
        const char *reason = NULL, *message = NULL;
        size_t first = report->n_blockers;
        NodeChoice choice;
        unsigned want;
        bool synced;
        Members m;
        Tally t;
        int r;

        synced = is_known(c, w, o->object, &choice, &reason, &message);
        m = members_of(c, o->object, synced);
        r = tally_members(&m, j, &t);
        if (r < 0)
                return r;

        want = desired(c, w, KUBE_WORKLOAD_OF(o->object));
        j->spare = tally_spare(&t, want);
        if (!synced) {
                report->evidence = tally_evidence(&t, want, false);
                return report->n_blockers > first ? 0 : block(c, j, reason, message);
        }
        if (!kube_object_is_observed(o->object, o->object->observed_generation)) {
                report->evidence = EVIDENCE_FALSE;
                return block(c, j, REASON_NOT_OBSERVED,
                             "its controller has not acted on its newest specification yet");
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
        r = block_missing(&m, j, &t, want, report->n_blockers == first);
        return r < 0 || t.old == 0 ? r : tally_block_old(&m, j);
}

/* What the workload is shown with: the first of the blockers that are its own or its pods', which begin at first. */
static void take_finding(Watched *watched, const Report *report, size_t first) {
        const Blocker *b = NULL;

        for (size_t i = first; i < report->n_blockers; i++)
                if (!b || (b->is_doubt && !report->blockers[i].is_doubt))
                        b = &report->blockers[i];
        watched->finding.evidence = report->evidence;
        watched->finding.reason = b ? b->reason : NULL;
        watched->finding.message = b ? b->message : NULL;
}

static int judge_workload(const Check *c, Judging *j) {
        Watched watched = watched_workload(c, j->world);
        size_t first = j->report->n_blockers;
        int r;

        if (watched.object)
                r = judge_object(c, watched.object, j);
        else
                r = judge_missing(c, j);
        /* Its pods keep it shut, or nothing does. */
        watched.finding.evidence = j->report->evidence;
        if (r >= 0 && watched.object)
                r = report_see(j, &watched);
        if (r < 0)
                return r;
        take_finding(&watched, j->report, first);
        report_show(j, &watched);
        return 0;
}

static int judge(Check *c, Judging *j) {
        return judge_workload(c, j);
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched = watched_workload(c, w);
        const WorldObject *o = watched.object;
        const char *reason, *message;
        Report report = REPORT_INIT;
        NodeChoice choice;
        Members m;
        int r;

        r = judge_workload(c, &(Judging){ .world = w, .now = now, .report = &report });
        watched.since = o ? o->changed : w->api_changed;
        take_finding(&watched, &report, 0);
        if (r >= 0)
                r = callback(&watched, userdata);
        report_done(&report);
        if (r < 0 || !o)
                return r;
        m = members_of(c, o->object, is_known(c, w, o->object, &choice, &reason, &message));
        return tally_list(&m, w, now, callback, userdata);
}

/* A DaemonSet that does not want a pod on our node. What is in doubt applies: it is judged, and has no evidence. */
static bool applies(const Check *c, const World *w) {
        const WorldObject *o = watched_workload(c, w).object;
        const char *reason, *message;
        NodeChoice choice;

        return !o || o->object->kind != KUBE_DAEMONSET || w->cluster_scope ||
               tally_definition(c->definition)->minimum_ready != MINIMUM_READY_UNSET || !w->node ||
               !node_is_of_this_boot(w, w->node) || !is_known(c, w, o->object, &choice, &reason, &message) ||
               eligible_nodes(w, KUBE_WORKLOAD_OF(o->object)) > 0;
}

#define MEMBER(m) offsetof(WorkloadDefinition, m)

static const CheckKey keys[] = {
        { "Kind", MEMBER(kind), &kind_type, .is_required = true },
        { "Namespace", MEMBER(tally.namespace), &check_key_namespace, .is_required = true },
        { "Name", MEMBER(tally.name), &check_key_name, .is_required = true },
        { "MinimumReady", MEMBER(tally.minimum_ready), &tally_key_minimum_ready },
        { "Revision", MEMBER(any_revision), &revision_type },
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
        .applies = applies,
        .counts_pods = true,
        .judge = judge,
        .list = list,
};
