/* SPDX-License-Identifier: Apache-2.0 */

/* What the kinds of checks have in common. */

#include "ready/check.h"

#include "base/string-util.h"
#include "diagnosis/columns.h"
#include "ready/explain.h"

/* The kind of a check. */
const CheckKind *check_kind(const CheckDefinition *d) {
        return container_of(d->syntax, CheckKind, syntax);
}

/* d is borrowed and has to outlive the check. */
void check_init(Check *c, const CheckDefinition *d) {
        *c = (Check){ .definition = d, .kind = check_kind(d) };
}

/* The streams that the check needs, as 1 << StreamRole. */
unsigned check_roles(const Check *c) {
        return c->kind->roles | (c->kind->own_roles ? c->kind->own_roles(c->definition) : 0);
}

/* Whether the check wants the object, by its metadata; where those are not known it may. */
bool check_may_look_at(const Check *c, const KubeObject *o) {
        const KubeBrief brief = {
                .namespace = o->namespace,
                .name = o->name,
                .owner_kind = strempty(o->owner_kind),
                .owner_name = strempty(o->owner_name),
                .labels = o->labels,
                .is_partial = o->is_partial,
        };

        return c->kind->wants && c->kind->wants(c->definition, o->kind, &brief);
}

static int count(const Watched *watched, void *userdata) {
        return report_count(userdata, watched);
}

/* The judge for kinds in which every listed object counts. */
int check_count_listed(Check *c, Judging *j) {
        return check_list(c, j->world, j->now, count, j);
}

/* Judges the check on the world as it is and adds what it finds to the report. On failure (-ENOMEM) the check has no
 * evidence. */
int check_judge(Check *c, Judging *j) {
        Evidence before = j->report->evidence;
        int r;

        j->report->evidence = EVIDENCE_TRUE;
        j->spare = 0;
        r = c->kind->judge(c, j);
        c->spare = j->spare;
        c->evidence = r < 0 ? EVIDENCE_NONE : j->report->evidence;
        j->report->evidence = evidence_and(before, c->evidence);
        return r;
}

/* Calls back for each object that the check looks at, which is none where it is set aside; nothing changes by that.
 * The finding lives for the call only. Returns what the callback returned where that was negative, or -ENOMEM. */
int check_list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        return c->is_set_aside ? 0 : c->kind->list(c, w, now, callback, userdata);
}

void report_done(Report *r) {
        for (size_t i = 0; i < r->n_blockers; i++)
                blocker_done(&r->blockers[i]);
        *r = REPORT_INIT;
}

static int set(char **p, const char *s) {
        if (!s)
                return 0;
        *p = strndup(s, utf8_truncate(s, LIMIT_MESSAGE));
        return *p ? 0 : -ENOMEM;
}

/* The same obstacle in a report, or NULL. */
Blocker *report_find(Report *r, const Blocker *b) {
        for (size_t i = 0; i < r->n_blockers; i++)
                if (object_name_equal(&r->blockers[i].object, &b->object) &&
                    streq(r->blockers[i].reason, b->reason))
                        return &r->blockers[i];
        return NULL;
}

/* The search for a hint costs more than the rest of a judgement: an unchanged blocker keeps the hint that it had. */
static const char *find_hint(const Judging *j, const Blocker *b, const HintQuery *q) {
        const Blocker *same = j->before ? report_find(j->before, b) : NULL;

        if (same && j->before->overdue == j->overdue && !q->event_reason &&
            streq_ptr(same->message, b->message))
                return same->hint;
        return hint_for(q);
}

/* Whether nothing is known to be wrong with the object, and evidence is lacking. */
static bool is_in_doubt(const Report *r, const Watched *watched) {
        return watched->finding.evidence != EVIDENCE_FALSE && r->evidence != EVIDENCE_FALSE;
}

/* Rule R8: since when the obstacle is there. What is known to be wrong counts since the object first had this reason
 * while it has not passed, whatever else was told of it meanwhile: a kubelet goes back and forth between reasons, and
 * an outage ends none. Else, that the object is not ready counts since it says so; that the API is out of reach, since
 * it went. Anything else the daemon finds out itself, and it counts since then: when the object last changed does not
 * matter. A blocker that was there before keeps its time, see take_report(). */
static usec_t obstacle_since(const Judging *j, const Watched *watched) {
        const Finding *f = &watched->finding;
        const World *w = j->world;
        usec_t first = 0;

        if (j->trail && f->reason && !is_in_doubt(j->report, watched))
                first = trail_since(j->trail, watched->kind, watched->namespace, watched->name, f->reason);
        if (first > 0)
                return first;
        if (f->is_reported)
                return watched->since;
        if (w->api != API_READY && streq_ptr(f->reason, world_api_reason(w)))
                return w->api_changed;
        return j->now.boottime;
}

static int make_blocker(const Judging *j, const Watched *watched, bool hinted, Blocker *ret) {
        _cleanup_(blocker_done) Blocker b = {};
        Explanation e;
        int k;

        explain(j, watched, &e);
        b.since = usec_min(e.since ?: USEC_INFINITY, obstacle_since(j, watched));
        k = object_name_set(&b.object, watched->kind, watched->namespace, watched->name);
        if (k >= 0)
                k = set(&b.reason, e.query.reason ?: REASON_NOT_SYNCED);
        if (k >= 0)
                k = set(&b.message, e.query.message);
        if (k >= 0 && hinted)
                k = set(&b.hint, find_hint(j, &b, &e.query));
        if (k < 0)
                return k;

        *ret = b;
        b = (Blocker){};
        return 0;
}

/* Adds a blocker for what was found of an object, unless it is already there or there are too many. */
int report_add(Judging *j, const Watched *watched) {
        Report *r = j->report;
        bool is_doubt = is_in_doubt(r, watched);
        Blocker b;
        int k;

        if (r->n_blockers >= (is_doubt ? LIMIT_DOUBTS : LIMIT_BLOCKERS))
                return 0;

        k = make_blocker(j, watched, true, &b);
        if (k < 0)
                return k;
        b.is_doubt = is_doubt;
        if (report_find(r, &b)) {
                blocker_done(&b);
                return 0;
        }
        r->blockers[r->n_blockers++] = b;
        return 0;
}

/* Lets the gate's trail see what was found of an object, whether or not it blocks the gate. */
int report_see(Judging *j, const Watched *watched) {
        Blocker *wanted;
        int k;

        if (!j->trail || watched->is_unnamed)
                return 0;
        k = trail_see(j->trail, watched->kind, watched->namespace, watched->name,
                      watched->object ? watched->object->object->uid : NULL, &watched->finding, &wanted);
        return k > 0 ? make_blocker(j, watched, false, wanted) : k;
}

/* STATUS of an object that is no pod: pods have kubectl's column. */
const char *watched_status(const Watched *watched) {
        const KubeObject *o = watched->object ? watched->object->object : NULL;

        if (watched->finding.evidence != EVIDENCE_TRUE)
                return strna(watched->finding.reason);
        return o && o->kind == KUBE_NODE ? node_status_column(KUBE_NODE_OF(o)) : "Ready";
}

/* Lets the gate's trail see what is shown of an object that is no pod, after report_see(). */
void report_show(Judging *j, const Watched *watched) {
        if (j->trail && !watched->is_unnamed)
                trail_show(j->trail, watched->kind, watched->namespace, watched->name,
                           watched_status(watched), j->now.boottime);
}

/* Counts one object into the report and its evidence, and adds a blocker where it is not TRUE. */
int report_count(Judging *j, const Watched *watched) {
        Report *r = j->report;
        int k;

        k = report_see(j, watched);
        if (k < 0)
                return k;
        report_show(j, watched);
        r->total_objects++;
        r->evidence = evidence_and(r->evidence, watched->finding.evidence);
        if (watched->finding.evidence == EVIDENCE_TRUE) {
                r->ready_objects++;
                return 0;
        }
        return report_add(j, watched);
}

/* Rule R8: what shuts the gate comes before what is only not known, each in the order of the checks. */
void report_sort(Report *r) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_blockers; i++) {
                Blocker b = r->blockers[i];

                if (b.is_doubt)
                        continue;
                memmove(r->blockers + n + 1, r->blockers + n, (i - n) * sizeof(Blocker));
                r->blockers[n++] = b;
        }
}

/* Removes all blockers but the first n: those do not matter after all. */
void report_cut(Report *r, size_t n) {
        while (r->n_blockers > n)
                blocker_done(&r->blockers[--r->n_blockers]);
}
