/* SPDX-License-Identifier: Apache-2.0 */

/* [Pods]: the pods of a namespace that a selector and a name pattern pick. TRUE when each is proven, and at
 * least one is there; or when MinimumReady= of them are (rule R4). */

#include "ready/check-kinds.h"

#include <stdio.h>

#include "base/string-util.h"
#include "base/value.h"
#include "kube/name.h"

static int parse_glob(void *p, const char *value, const char **why) {
        if (*value && !kube_name_pattern_is_valid(value))
                return value_refuse(
                        why,
                        "not a pattern that the name of a pod can match: *, ? and [] beside " KUBE_NAME_WORDS);
        return value_set_text(p, value);
}

static void selector_done(void *p) {
        struct PodsSelector *s = p;

        free(s->text);
        selector_free(s->requirements, s->n_requirements);
}

static int parse_selector(void *p, const char *value, const char **why) {
        struct PodsSelector *s = p;
        SelectorRequirement *requirements = NULL;
        size_t n = 0;
        int r;

        r = selector_parse(value, &requirements, &n, why);
        if (r < 0)
                return r;
        selector_free(s->requirements, s->n_requirements);
        s->requirements = requirements;
        s->n_requirements = n;
        return value_set_text(&s->text, value);
}

static bool selector_equal(const void *a, const void *b) {
        const struct PodsSelector *x = a, *y = b;

        return streq_ptr(x->text, y->text);
}

static uint64_t selector_hash(uint64_t hash, const void *p) {
        const struct PodsSelector *s = p;

        return check_key_text_hash(hash, &s->text);
}

static const CheckKeyType glob_type = CHECK_KEY_TEXT(parse_glob);
static const CheckKeyType selector_type = {
        .parse = parse_selector, .done = selector_done, .equal = selector_equal, .hash = selector_hash
};

static int describe(const CheckDefinition *d, char **ret) {
        const PodsDefinition *pods = CHECK_AS(PodsDefinition, d);

        return asprintf_ret(ret, "pods %s/%s%s%s", pods->tally.namespace ?: "*", pods->tally.name ?: "*",
                            pods->selector.text ? " with " : "", strempty(pods->selector.text));
}

static bool wants(const CheckDefinition *definition, KubeKind kind, const KubeBrief *brief) {
        const PodsDefinition *d = CHECK_AS(PodsDefinition, definition);
        /* selector_matches() looks at nothing but the labels, whose order it does not mind. */
        const KubeObject labelled = { .kind = KUBE_POD, .labels = (char **) brief->labels };

        if (d->tally.namespace && !brief_may_be_in(brief, d->tally.namespace))
                return false;
        if (kind != KUBE_POD)
                return kind == KUBE_EVENT;
        if (d->tally.name && brief->name[0] && !glob_matches(d->tally.name, brief->name))
                return false;
        return brief->is_partial ||
               selector_matches(d->selector.requirements, d->selector.n_requirements, &labelled);
}

static bool is_picked(const Check *c, const World *w, const KubePod *p, const KubeObject *owner) {
        const PodsDefinition *d = CHECK_AS(PodsDefinition, c->definition);

        if (d->tally.namespace && !streq(d->tally.namespace, p->object.namespace))
                return false;
        if (d->tally.name && !glob_matches(d->tally.name, p->object.name))
                return false;
        return selector_matches(d->selector.requirements, d->selector.n_requirements, &p->object);
}

static int judge(Check *c, Judging *j) {
        const PodsDefinition *pods = CHECK_AS(PodsDefinition, c->definition);
        const TallyDefinition *d = &pods->tally;
        const World *w = j->world;
        Report *report = j->report;
        const char *reason = NULL, *message = NULL;
        size_t first = report->n_blockers;
        Watched watched = {
                .kind = "Pods",
                .namespace = d->namespace,
                .name = d->name ?: pods->selector.text ?: "*",
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
        j->spare = tally_spare(&t, wanted);
        in_sync = tally_in_sync(w, &choice, &reason, &message);
        if (in_sync && (message = world_unnamed(w, check_roles(c), NULL, d->namespace))) {
                in_sync = false;
                reason = REASON_UNREADABLE;
        }
        report->evidence = tally_evidence(&t, wanted, in_sync);
        if (report->evidence == EVIDENCE_TRUE) {
                report_cut(report, first);
                return 0;
        }
        /* The blockers of its pods say enough where there are as many pods as wanted. Otherwise add one that says that
         * pods are missing; while that is not known, only where no pod has a blocker. */
        if (in_sync ? t.members >= wanted : report->n_blockers > first)
                return 0;

        if (in_sync && t.members > 0) {
                report->total_objects += wanted - t.members;
                snprintf(text, sizeof(text), "%u of %u pods exist", t.members, wanted);
        } else
                snprintf(text, sizeof(text), "no pod %smatches", w->cluster_scope ? "" : "of this node ");
        watched.finding.evidence = report->evidence;
        watched.finding.reason = in_sync ? REASON_NO_PODS : reason;
        watched.finding.message = in_sync ? text : message;
        watched.leftover = t.leftover;
        return report_add(j, &watched);
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        return tally_list(&(Members){ .check = c, .has = is_picked }, w, now, callback, userdata);
}

#define MEMBER(m) offsetof(PodsDefinition, m)

static const CheckKey keys[] = {
        { "Namespace", MEMBER(tally.namespace), &check_key_namespace },
        { "Selector", MEMBER(selector), &selector_type },
        { "Name", MEMBER(tally.name), &glob_type },
        { "MinimumReady", MEMBER(tally.minimum_ready), &tally_key_minimum_ready },
        { "Proof", MEMBER(tally.proof), &tally_key_proof },
        {},
};

const CheckKind check_kind_pods = {
        .syntax = {
                .section = "Pods",
                .size = sizeof(PodsDefinition),
                .keys = keys,
                .describe = describe,
                .is_controller = true,
        },
        .roles = 1 << STREAM_NODES | 1 << STREAM_PODS | 1 << STREAM_PODS_UNSCHEDULED,
        .wants = wants,
        .counts_pods = true,
        .judge = judge,
        .list = list,
};
