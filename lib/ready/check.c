/* SPDX-License-Identifier: Apache-2.0 */

/* What the kinds of checks have in common. A kind is one file, check-KIND.c, and one row here. */

#include "ready/check.h"

#include "base/string-util.h"
#include "ready/explain.h"

static const CheckVTable *const vtables[_CHECK_KIND_MAX] = {
        [CHECK_API] = &check_vtable_api,
        [CHECK_NODE] = &check_vtable_node,
        [CHECK_PODS] = &check_vtable_pods,
        [CHECK_WORKLOAD] = &check_vtable_workload,
        [CHECK_CONDITION] = &check_vtable_condition,
        [CHECK_ENDPOINT] = &check_vtable_endpoint,
};

/* definition is borrowed and has to outlive the check. */
void check_init(Check *c, const CheckDefinition *d) {
        assert(d->kind >= 0 && d->kind < _CHECK_KIND_MAX);

        *c = (Check){ .definition = d, .vtable = vtables[d->kind] };
}

void check_done(Check *c) {
        c->version_then = mfree(c->version_then);
}

/* The streams that the check needs, as 1 << StreamRole. */
unsigned check_roles(const Check *c) {
        unsigned roles = c->vtable->roles;

        if (c->definition->kind == CHECK_WORKLOAD)
                switch (c->definition->workload) {
                case KUBE_DAEMONSET:
                        return roles | 1 << STREAM_DAEMONSETS;
                case KUBE_STATEFULSET:
                        return roles | 1 << STREAM_STATEFULSETS;
                default:
                        return roles | 1 << STREAM_DEPLOYMENTS | 1 << STREAM_REPLICASETS;
                }
        return roles;
}

/* The key of the stream that a [Condition] needs. */
int check_generic_key(const CheckDefinition *d, char **ret) {
        return asprintf_ret(ret, "%s %s/%s", d->resource, strempty(d->namespace), d->name);
}

/* Judges the check on the world as it is and adds what it finds to the report. */
int check_judge(Check *c, const World *w, Instant now, Report *report) {
        Evidence before = report->evidence;
        int r;

        report->evidence = EVIDENCE_TRUE;
        r = c->vtable->judge(c, w, now, report);
        c->evidence = r < 0 ? EVIDENCE_NONE : report->evidence;
        report->evidence = evidence_and(before, c->evidence);
        return r;
}

/* Calls back for each object that the check looks at. The finding lives for the call only. */
int check_list(Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        return c->vtable->list(c, w, now, callback, userdata);
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

/* Looking for a hint costs more than all the rest of a judgement: what stands as it stood keeps the one it had. */
static const char *find_hint(const Report *r, const Blocker *b, const HintQuery *q) {
        const Report *before = r->before;

        if (!before || before->overdue != r->overdue || q->event_reason)
                return hint_for(q);
        for (size_t i = 0; i < before->n_blockers; i++)
                if (object_name_equal(&before->blockers[i].object, &b->object) &&
                    streq(before->blockers[i].reason, b->reason) &&
                    streq_ptr(before->blockers[i].message, b->message))
                        return before->blockers[i].hint;
        return hint_for(q);
}

static int make_blocker(const Report *r, const World *w, const Watched *watched, bool hinted, Blocker *ret) {
        _cleanup_(blocker_done) Blocker b = {};
        Explanation e;
        int k;

        explain(r, w, watched, &e);
        b.since = e.since;
        b.is_dated = b.since != watched->since;
        k = object_name_set(&b.object, watched->kind, watched->namespace, watched->name);
        if (k >= 0)
                k = set(&b.reason, e.query.reason ?: REASON_NOT_SYNCED);
        if (k >= 0)
                k = set(&b.message, e.query.message);
        if (k >= 0 && hinted)
                k = set(&b.hint, find_hint(r, &b, &e.query));
        if (k < 0)
                return k;

        *ret = b;
        b = (Blocker){};
        return 0;
}

/* Adds what was found of an object as a blocker. The same obstacle again, and those over the ceiling, are
 * left out. */
int report_add(Report *r, const World *w, const Watched *watched) {
        Blocker b;
        int k;

        if (r->n_blockers >= ELEMENTSOF(r->blockers))
                return 0;

        k = make_blocker(r, w, watched, true, &b);
        if (k < 0)
                return k;
        /* When it was known no more has nothing to do with when the object changed: the gate dates that. */
        if (watched->object && watched->finding.evidence == EVIDENCE_NONE) {
                b.since = 0;
                b.is_dated = false;
        }

        for (size_t i = 0; i < r->n_blockers; i++)
                if (object_name_equal(&r->blockers[i].object, &b.object) &&
                    streq(r->blockers[i].reason, b.reason)) {
                        blocker_done(&b);
                        return 0;
                }
        r->blockers[r->n_blockers++] = b;
        return 0;
}

/* Lets the gate's trail see what was found of an object, whether or not it is in the gate's way. */
int report_see(Report *r, const World *w, const Watched *watched) {
        Blocker *wanted;
        int k;

        if (!r->trail || watched->is_unnamed)
                return 0;
        k = trail_see(r->trail, watched->kind, watched->namespace, watched->name, &watched->finding,
                      &wanted);
        return k > 0 ? make_blocker(r, w, watched, false, wanted) : k;
}

/* Counts one object into the report, whose evidence it shares; a blocker where it is not TRUE. */
int report_count(Report *r, const World *w, const Watched *watched) {
        int k;

        k = report_see(r, w, watched);
        if (k < 0)
                return k;
        r->total_objects++;
        r->evidence = evidence_and(r->evidence, watched->finding.evidence);
        if (watched->finding.evidence == EVIDENCE_TRUE) {
                r->ready_objects++;
                return 0;
        }
        return report_add(r, w, watched);
}

/* Takes back the blockers behind the first n: what they name does not matter after all. */
void report_cut(Report *r, size_t n) {
        while (r->n_blockers > n)
                blocker_done(&r->blockers[--r->n_blockers]);
}
