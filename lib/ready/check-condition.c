/* SPDX-License-Identifier: Apache-2.0 */

/* [Condition]: a condition of any object, under rule R7. An operator's conditions are the previous boot's
 * until the operator runs, and nothing in them tells. So they count only once a controller, a [Workload] or
 * [Pods] of the same gate, has been TRUE in this boot and has had the time to say otherwise: a new version of
 * the object came after that, or half a minute passed. The gate tells the check of its controller. */

#include "ready/check.h"

#include <stdio.h>

#include "base/string-util.h"

#define CONTROLLER_USEC (30 * USEC_PER_SEC)

static const WorldObject *find(const Check *c, const World *w) {
        const CheckDefinition *d = c->definition;
        _cleanup_free_ char *key = NULL;

        if (check_generic_key(d, &key) < 0)
                return NULL;
        WORLD_FOREACH(o, w, KUBE_GENERIC)
                if (streq_ptr(o->stream->key, key) && streq(o->object->name, d->name) &&
                    (!d->namespace || streq(o->object->namespace, d->namespace)))
                        return o;
        return NULL;
}

static bool controller_has_spoken(Check *c, const WorldObject *o, Instant now, usec_t *deadline) {
        usec_t due;

        if (!c->controlled || c->stands)
                return true;
        if (!c->controller_was_true)
                return false;
        if (!c->version_then && o->object->resource_version)
                c->version_then = strdup(o->object->resource_version);

        due = usec_add(c->controller_true_since, CONTROLLER_USEC);
        if (now.monotonic >= due ||
            (c->version_then && !streq_ptr(c->version_then, o->object->resource_version)))
                c->stands = true;
        else
                *deadline = usec_min(*deadline, due);
        return c->stands;
}

/* An object that is made after its controller was TRUE is of this boot. */
static void note_absence(Check *c) {
        if (c->controlled && c->controller_was_true && !c->version_then)
                c->version_then = strdup(""); /* lacking memory: half a minute decides */
}

/* Whether the newest specification has been acted on: the condition says so itself, else the status does for all
 * of it (as kubectl wait reads them). Many kinds, certificates among them, have it in their conditions only. */
static bool is_observed(const KubeObject *o, const KubeCondition *c) {
        return kube_object_is_observed(o, c && c->observed_generation > 0 ? c->observed_generation
                                                                          : o->observed_generation);
}

static void judge_object(Check *c, const World *w, Instant now, Watched *ret, usec_t *deadline) {
        const CheckDefinition *d = c->definition;
        _cleanup_free_ char *key = NULL;
        const WorldObject *o = find(c, w);
        const KubeCondition *condition;
        Finding *f = &ret->finding;

        *ret = (Watched){ .kind = strrchr(d->resource, '/') ? strrchr(d->resource, '/') + 1 : d->resource,
                          .namespace = strempty(d->namespace),
                          .name = d->name,
                          .object = o,
                          .since = o ? o->changed : w->api_ready,
                          .finding = { .evidence = EVIDENCE_NONE,
                                       .proof = o ? PROOF_NONE : PROOF_MISSING } };

        if (check_generic_key(d, &key) < 0) {
                f->reason = REASON_NOT_SYNCED;
                return;
        }
        if (!world_role_in_sync(w, STREAM_GENERIC, key, &f->reason, &f->message)) {
                if (!o)
                        ret->since = world_doubt_since(w);
                return;
        }
        if (!o) {
                note_absence(c);
                f->evidence = EVIDENCE_FALSE;
                f->proof = PROOF_MISSING;
                f->reason = REASON_NOT_FOUND;
                f->message = "the cluster has no such object yet";
                return;
        }

        condition = kube_condition_find(((const KubeGeneric *) o->object)->conditions,
                                        ((const KubeGeneric *) o->object)->n_conditions, d->type);
        if (!is_observed(o->object, condition)) {
                f->evidence = EVIDENCE_FALSE;
                f->reason = REASON_NOT_OBSERVED;
                f->message = "its controller has not acted on its newest specification yet";
        } else if (!controller_has_spoken(c, o, now, deadline)) {
                f->reason = REASON_UNPROVEN;
                f->message =
                        "the condition may be of an earlier boot: its controller has not been seen to act";
        } else if (!condition || condition->status != d->status) {
                f->evidence = EVIDENCE_FALSE;
                snprintf(f->text, sizeof(f->text), "%s is %s", d->type,
                         condition ? kube_status_to_string(condition->status) : "absent");
                f->reason = condition && !isempty(condition->reason) ? condition->reason : d->type;
                f->message = condition && !isempty(condition->message) ? condition->message : f->text;
        } else {
                f->evidence = EVIDENCE_TRUE;
                f->proof = c->controlled ? PROOF_OBSERVED : PROOF_NONE;
        }
}

static int list(Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        usec_t deadline = USEC_INFINITY;
        Watched watched;

        judge_object(c, w, now, &watched, &deadline);
        return callback(&watched, userdata);
}

static int judge(Check *c, const World *w, Instant now, Report *report) {
        Watched watched;

        judge_object(c, w, now, &watched, &report->deadline);
        return report_count(report, w, &watched);
}

const CheckVTable check_vtable_condition = {
        .section = "Condition",
        .roles = 1 << STREAM_GENERIC,
        .judge = judge,
        .list = list,
};
