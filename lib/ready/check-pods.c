/* SPDX-License-Identifier: Apache-2.0 */

/* [Pods]: the pods of a namespace that a selector and a name pattern pick. TRUE when each is proven, and at
 * least one is there; or when MinimumReady= of them are (rule R4). */

#include "ready/tally.h"

#include <stdio.h>

#include "base/string-util.h"

static bool is_picked(const Check *c, const World *w, const KubePod *p, const KubeObject *owner) {
        const CheckDefinition *d = c->definition;

        if (d->namespace && !streq(d->namespace, p->object.namespace))
                return false;
        if (d->name && !glob_matches(d->name, p->object.name))
                return false;
        return selector_matches(d->requirements, d->n_requirements, &p->object);
}

static Evidence verdict(const Tally *t, unsigned wanted, bool in_sync) {
        if (!in_sync)
                return tally_out_of_sync(t, wanted);
        if (t->proven >= wanted)
                return EVIDENCE_TRUE;
        return t->proven + t->doubtful >= wanted ? EVIDENCE_NONE : EVIDENCE_FALSE;
}

static int judge(Check *c, Judging *j) {
        const CheckDefinition *d = c->definition;
        const World *w = j->world;
        Report *report = j->report;
        const char *reason = NULL, *message = NULL;
        size_t first = report->n_blockers;
        Watched watched = {
                .kind = "Pods",
                .namespace = d->namespace,
                .name = d->name ?: d->selector ?: "*",
        };
        NodeChoice choice;
        unsigned wanted;
        char text[96];
        bool in_sync;
        Tally t;
        int r;

        r = tally_members(&(Members){ .check = c, .has = is_picked }, j, &t);
        if (r < 0)
                return r;

        wanted = d->minimum_ready == MINIMUM_READY_UNSET ? MAX(t.members, 1U) : (unsigned) d->minimum_ready;
        in_sync = tally_in_sync(w, &choice, &reason, &message);
        report->evidence = verdict(&t, wanted, in_sync);
        if (report->evidence == EVIDENCE_TRUE) {
                report_cut(report, first);
                return 0;
        }
        /* Its pods keep it shut, where there are enough; else also that some are missing, or not known. */
        if (in_sync ? t.members >= wanted : report->n_blockers > first)
                return 0;

        if (in_sync && t.members > 0) {
                report->total_objects += wanted - t.members;
                snprintf(text, sizeof(text), "%u of %u pods exist", t.members, wanted);
        } else
                snprintf(text, sizeof(text), "no pod matches");
        watched.finding.evidence = report->evidence;
        watched.finding.reason = in_sync ? REASON_NO_PODS : reason;
        watched.finding.message = in_sync ? text : message;
        watched.leftover = t.leftover;
        watched.since = in_sync ? w->api_ready : world_doubt_since(w);
        return report_add(j, &watched);
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        return tally_list(&(Members){ .check = c, .has = is_picked }, w, now, callback, userdata);
}

const CheckVTable check_vtable_pods = {
        .section = "Pods",
        .roles = 1 << STREAM_NODES | 1 << STREAM_PODS | 1 << STREAM_PODS_UNSCHEDULED,
        .judge = judge,
        .list = list,
};
