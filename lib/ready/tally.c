/* SPDX-License-Identifier: Apache-2.0 */

#include "ready/tally.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"

#define MINIMUM_READY_MAX 1000000
/* Bytes told of a revision: a label's value has at most 63. */
#define REVISION_TOLD 63

static int parse_minimum_ready(void *p, const char *value, const char **why) {
        int *minimum_ready = p;
        unsigned n;

        if (*value && parse_unsigned(value, MINIMUM_READY_MAX, &n) < 0)
                return value_refuse(why, "not a number of pods: 0 to 1000000");
        *minimum_ready = *value ? (int) n : MINIMUM_READY_UNSET;
        return 0;
}

static int parse_proof(void *p, const char *value, const char **why) {
        ProofWanted *proof = p;

        if (!*value || streq(value, "cgroup"))
                *proof = PROOF_WANTED_CGROUP;
        else if (streq(value, "observed"))
                *proof = PROOF_WANTED_OBSERVED;
        else if (streq(value, "none"))
                *proof = PROOF_WANTED_NONE;
        else
                return value_refuse(why, "must be cgroup, observed or none");
        return 0;
}

const CheckKeyType tally_key_minimum_ready = { .parse = parse_minimum_ready, .size = sizeof(int) };
const CheckKeyType tally_key_proof = { .parse = parse_proof, .size = sizeof(ProofWanted) };

/* Whether the streams of pods are in sync, both that of pods on nodes and that of pods not scheduled yet. In the scope
 * of one node the daemon lists no pods until it knows which node is ours; choice has the reason then. */
bool tally_in_sync(const World *w, NodeChoice *choice, const char **ret_reason, const char **ret_message) {
        if (!w->cluster_scope && !w->node &&
            world_role_in_sync(w, STREAM_NODES, NULL, ret_reason, ret_message)) {
                node_choose(w, choice);
                if (!choice->node) {
                        *ret_reason = choice->reason;
                        *ret_message = choice->message;
                        return false;
                }
        }
        return world_role_in_sync(w, STREAM_PODS, NULL, ret_reason, ret_message) &&
               world_role_in_sync(w, STREAM_PODS_UNSCHEDULED, NULL, ret_reason, ret_message);
}

/* Whether the check looks at the pod, or may where its labels and owner could not be read. */
static bool is_its_pod(const Members *m, const World *w, const KubePod *p) {
        if (p->object.is_partial)
                return check_may_look_at(m->check, &p->object);
        return m->has(m->check, w, p, m->owner);
}

/* The revision of a pod that does not count for it; NULL where the pod counts. */
static const char *find_old_revision(const Members *m, const World *w, const KubePod *p) {
        const char *revision = m->revision ? m->revision_of(w, p) : NULL;

        return revision && !streq(revision, m->revision) ? revision : NULL;
}

/* What rules R2, R3 and R4 say of one member. Returns whether it counts; if not, it does not matter how it fares. */
static bool judge_member(const Members *m, const World *w, Instant now, const WorldObject *pod, Finding *ret,
                         usec_t *deadline) {
        const char *old = find_old_revision(m, w, KUBE_POD_OF(pod->object));

        pod_judge(w, pod, tally_definition(m->check->definition)->proof, now, ret, deadline);
        if (!old)
                return true;
        *ret = (Finding){ .proof = ret->proof };
        finding_set(ret, EVIDENCE_FALSE, REASON_OLD_REVISION, ret->text);
        snprintf(ret->text, sizeof(ret->text), "it is of revision %.*s, and %.*s is the newest",
                 (int) utf8_truncate(old, REVISION_TOLD), old,
                 (int) utf8_truncate(m->revision, REVISION_TOLD), m->revision);
        return false;
}

/* The next of the check's pods in scope, also of those that are no members; NULL for the first, and after the last. */
static const WorldObject *next_pod(const Members *m, const World *w, const WorldObject *o) {
        o = o ? o->next : w->by_kind[KUBE_POD];
        while (o &&
               !(pod_is_in_scope(w, KUBE_POD_OF(o->object)) && is_its_pod(m, w, KUBE_POD_OF(o->object))))
                o = o->next;
        return o;
}

#define POD_FOREACH(o, m, w) for (const WorldObject *o = next_pod(m, w, NULL); o; o = next_pod(m, w, o))

static Watched watched_pod(const WorldObject *o) {
        return (Watched){
                .kind = "Pod",
                .namespace = o->object->namespace,
                .name = o->object->name,
                .object = o,
                .since = o->changed,
        };
}

/* Calls back for each member with what rules R2 to R4 say of it. */
int tally_list(const Members *m, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        usec_t deadline = USEC_INFINITY;
        int r;

        POD_FOREACH(o, m, w) {
                Watched watched = watched_pod(o);

                if (!pod_is_member(KUBE_POD_OF(o->object)))
                        continue;
                judge_member(m, w, now, o, &watched.finding, &deadline);
                r = callback(&watched, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Notes the last pod that failed or is being deleted: it may say why a pod is missing. */
static void take_leftover(Tally *t, const WorldObject *pod) {
        const char *version = t->leftover ? t->leftover->object->resource_version : NULL;

        if (pod_is_leftover(KUBE_POD_OF(pod->object)) &&
            (!t->leftover || kube_version_is_later(pod->object->resource_version, version)))
                t->leftover = pod;
}

/* Counts the members, with their containers, into the report, and adds a blocker for each that is not proven. Leaves
 * the report's evidence and the blockers of pods of an old revision to the caller. */
int tally_members(const Members *m, Judging *j, Tally *ret) {
        Report *report = j->report;
        const World *w = j->world;
        Tally t = {};
        int r;

        POD_FOREACH(o, m, w) {
                const KubePod *p = KUBE_POD_OF(o->object);
                Watched watched = watched_pod(o);
                Finding *f = &watched.finding;
                unsigned ready, total;
                bool counts;

                if (!pod_is_member(p)) {
                        take_leftover(&t, o);
                        continue;
                }
                counts = judge_member(m, w, j->now, o, f, &report->deadline);
                r = report_see(j, &watched);
                if (r < 0)
                        return r;
                if (!counts) {
                        t.old++;
                        continue;
                }
                pod_count_containers(p, &ready, &total);
                report->total_objects++;
                report->total_containers += total;
                t.members++;
                if (f->evidence == EVIDENCE_TRUE) {
                        report->ready_objects++;
                        report->ready_containers += total;
                        t.proven++;
                        continue;
                }
                report->ready_containers += f->reason && streq(f->reason, REASON_UNPROVEN) ? 0 : ready;
                t.doubtful += f->evidence == EVIDENCE_NONE;
                t.dead += pod_is_dead(f);
                r = report_add(j, &watched);
                if (r < 0)
                        return r;
        }

        *ret = t;
        return 0;
}

/* Adds a blocker for each pod of an old revision. They go behind what keeps those of the newest from taking their
 * place. */
int tally_block_old(const Members *m, Judging *j) {
        const World *w = j->world;
        int r;

        POD_FOREACH(o, m, w) {
                usec_t deadline = USEC_INFINITY;
                Watched watched = watched_pod(o);

                if (!pod_is_member(KUBE_POD_OF(o->object)) ||
                    judge_member(m, w, j->now, o, &watched.finding, &deadline))
                        continue;
                r = report_add(j, &watched);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The evidence of the tally where that many pods are wanted. While one of the streams is not in sync the objects may
 * be out of date; dead containers count nevertheless. */
Evidence tally_evidence(const Tally *t, unsigned wanted, bool in_sync) {
        if (!in_sync)
                return t->dead > 0 && t->members - t->dead < wanted ? EVIDENCE_FALSE : EVIDENCE_NONE;
        if (t->proven >= wanted)
                return EVIDENCE_TRUE;
        return t->proven + t->doubtful >= wanted ? EVIDENCE_NONE : EVIDENCE_FALSE;
}

/* How many more of its pods may die, where nothing else is known, before tally_evidence() is FALSE. */
unsigned tally_spare(const Tally *t, unsigned wanted) {
        return t->members > t->dead + wanted ? t->members - t->dead - wanted : 0;
}
