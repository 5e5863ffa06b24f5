/* SPDX-License-Identifier: Apache-2.0 */

/* [Condition]: a condition of any object, under rule R7. An operator's conditions are the previous boot's
 * until the operator runs, and nothing in them tells. So they count only once a controller, a [Workload] or
 * [Pods] of the same gate, has been TRUE in this boot and has had the time to say otherwise: a new version of
 * the object came after that, or half a minute passed. The gate tells the check of its controller. */

#include "ready/check-kinds.h"

#include <stdio.h>

#include "base/string-util.h"
#include "base/value.h"

#define CONTROLLER_USEC (30 * USEC_PER_SEC)
#define TYPE_LENGTH_MAX 316 /* a name with a prefix */

static int parse_resource(void *p, const char *value, const char **why) {
        unsigned parts = 1;

        if (strlen(value) > CHECK_NAME_MAX)
                return value_refuse(why, "too long");
        for (const char *s = value; *s; s++) {
                if (*s == '/') {
                        if (s == value || s[1] == '/' || s[1] == '\0')
                                return value_refuse(why, "neither GROUP/VERSION/PLURAL nor VERSION/PLURAL");
                        parts++;
                } else if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *s))
                        return value_refuse(
                                why, "neither GROUP/VERSION/PLURAL nor VERSION/PLURAL, in lower case");
        }
        if (*value && (parts < 2 || parts > 3))
                return value_refuse(why, "neither GROUP/VERSION/PLURAL nor VERSION/PLURAL");
        return value_set_text(p, value);
}

static int parse_type(void *p, const char *value, const char **why) {
        if (!value_is_plain(value) || strlen(value) > TYPE_LENGTH_MAX)
                return value_refuse(why, "not the type of a condition");
        return value_set_text(p, value);
}

static int parse_status(void *p, const char *value, const char **why) {
        KubeStatus s = *value ? kube_status_from_string(value) : KUBE_STATUS_TRUE, *status = p;

        if ((int) s < 0)
                return value_refuse(why, "neither True, False nor Unknown");
        *status = s;
        return 0;
}

static const CheckKeyType resource_type = CHECK_KEY_TEXT(parse_resource);
static const CheckKeyType type_type = CHECK_KEY_TEXT(parse_type);
static const CheckKeyType status_type = { .parse = parse_status, .size = sizeof(KubeStatus) };

static int describe(const CheckDefinition *definition, char **ret) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, definition);

        return asprintf_ret(ret, "%s %s%s%s %s=%s", d->resource, strempty(d->namespace),
                            d->namespace ? "/" : "", d->name, d->type, kube_status_to_string(d->status));
}

/* The key of the stream that brings the object. */
static int make_key(const ConditionDefinition *d, char **ret) {
        return asprintf_ret(ret, "%s %s/%s", d->resource, strempty(d->namespace), d->name);
}

/* What a [Condition] asks, in words that outlive a restart; its label may name another question then. -ENOMEM. */
int check_condition_question(const CheckDefinition *definition, char **ret) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, definition);
        _cleanup_free_ char *key = NULL;
        int r;

        assert(check_kind(definition) == &check_kind_condition);

        r = make_key(d, &key);
        return r < 0 ? r : asprintf_ret(ret, "%s %s", key, d->type);
}

static int demand(const CheckDefinition *definition, DemandCallback callback, void *userdata) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, definition);
        _cleanup_(kube_resource_freep) KubeResource *resource = NULL;
        _cleanup_free_ char *key = NULL, *fields = NULL;
        int r;

        r = make_key(d, &key);
        if (r >= 0)
                r = kube_resource_parse(d->resource, &resource);
        if (r >= 0)
                r = asprintf_ret(&fields, "metadata.name=%s", d->name);
        if (r < 0)
                return r;
        return callback(
                &(StreamDemand){
                        .role = STREAM_GENERIC,
                        .key = key,
                        .query = { .resource = resource,
                                   .namespace = d->namespace,
                                   .field_selector = fields },
                },
                userdata);
}

static const WorldObject *find(const Check *c, const World *w) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, c->definition);
        _cleanup_free_ char *key = NULL;

        if (make_key(d, &key) < 0)
                return NULL;
        WORLD_FOREACH(o, w, KUBE_GENERIC)
                if (streq_ptr(o->stream->key, key) && streq(o->object->name, d->name) &&
                    (!d->namespace || streq(o->object->namespace, d->namespace)))
                        return o;
        return NULL;
}

static bool controller_has_spoken(const Check *c, const WorldObject *o, Instant now, usec_t *deadline) {
        usec_t due = usec_add(c->controller_true_since, CONTROLLER_USEC);

        if (!c->controlled || c->stands)
                return true;
        if (!c->controller_was_true)
                return false;
        if (now.monotonic >= due ||
            (c->version_then && !streq_ptr(c->version_then, o->object->resource_version)))
                return true;
        *deadline = usec_min(*deadline, due);
        return false;
}

/* Keeps what rule R7 needs of the object as it is now: its version when the controller was first seen TRUE ("" for
 * no object: one that is made after that is of this boot), and that it counts from now on. */
static void take_note(Check *c, const WorldObject *o, Instant now) {
        usec_t deadline = USEC_INFINITY;
        const char *version = o ? o->object->resource_version : "";

        if (!c->controlled || !c->controller_was_true)
                return;
        if (!c->version_then && version)
                c->version_then = strdup(version); /* lacking memory: half a minute decides */
        if (o && controller_has_spoken(c, o, now, &deadline))
                c->stands = true;
}

/* Whether the newest specification has been acted on: the condition says so itself, else the status does for all
 * of it (as kubectl wait reads them). Many kinds, certificates among them, have it in their conditions only. */
static bool is_observed(const KubeObject *o, const KubeCondition *c) {
        return kube_object_is_observed(o, c && c->observed_generation > 0 ? c->observed_generation
                                                                          : o->observed_generation);
}

/* What the condition says, in ret. Returns whether the object, or that there is none, is known as it is now and so may
 * be noted for rule R7. */
static bool find_out(const Check *c, const World *w, Instant now, Watched *ret, usec_t *deadline) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, c->definition);
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

        if (make_key(d, &key) < 0) {
                f->reason = REASON_NOT_SYNCED;
                return false;
        }
        if (!world_role_in_sync(w, STREAM_GENERIC, key, &f->reason, &f->message)) {
                if (!o)
                        ret->since = world_doubt_since(w);
                return false;
        }
        f->message = o && o->object->unreadable ? o->object->unreadable
                                                : world_unnamed(w, 1U << STREAM_GENERIC, key, d->namespace);
        if (f->message) {
                f->reason = REASON_UNREADABLE;
                return false;
        }
        if (!o) {
                f->proof = PROOF_MISSING;
                finding_set(f, EVIDENCE_FALSE, REASON_NOT_FOUND, "the cluster has no such object yet");
                return true;
        }

        condition = kube_condition_find(((const KubeGeneric *) o->object)->conditions,
                                        ((const KubeGeneric *) o->object)->n_conditions, d->type);
        if (!is_observed(o->object, condition)) {
                finding_set(f, EVIDENCE_FALSE, REASON_NOT_OBSERVED,
                            "its controller has not acted on its newest specification yet");
                return false;
        }
        if (!controller_has_spoken(c, o, now, deadline)) {
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
        return true;
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        usec_t deadline = USEC_INFINITY;
        Watched watched;

        (void) find_out(c, w, now, &watched, &deadline);
        return callback(&watched, userdata);
}

static int judge(Check *c, Judging *j) {
        Watched watched;

        if (find_out(c, j->world, j->now, &watched, &j->report->deadline))
                take_note(c, watched.object, j->now);
        return report_count(j, &watched);
}

#define MEMBER(m) offsetof(ConditionDefinition, m)

static const CheckKey keys[] = {
        { "Resource", MEMBER(resource), &resource_type, .is_required = true },
        { "Namespace", MEMBER(namespace), &check_key_namespace },
        { "Name", MEMBER(name), &check_key_name, .is_required = true },
        { "Type", MEMBER(type), &type_type, .is_required = true },
        { "Status", MEMBER(status), &status_type },
        {},
};

const CheckKind check_kind_condition = {
        .syntax = {
                .section = "Condition",
                .size = sizeof(ConditionDefinition),
                .keys = keys,
                .describe = describe,
                .needs_controller = true,
        },
        .roles = 1 << STREAM_GENERIC,
        .demand = demand,
        .judge = judge,
        .list = list,
};
