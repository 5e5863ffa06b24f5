/* SPDX-License-Identifier: Apache-2.0 */

/* [Condition]: a condition or a field of any object, under rule R7. An operator's conditions are the previous
 * boot's until the operator runs, and nothing in them tells. So they count only once a controller, a [Workload]
 * or [Pods] of the same gate, has been TRUE in this boot and has had the time to say otherwise: the object's
 * status was written again after that (others write labels and annotations), or half a minute passed. The gate
 * tells the check of its controller. A volume claim has none: MicroShift itself binds it, once and for all boots. */

#include "ready/check-kinds.h"

#include <stdio.h>

#include "base/string-util.h"
#include "base/value.h"
#include "kube/field.h"
#include "kube/name.h"

#define CONTROLLER_USEC (30 * USEC_PER_SEC)
#define TYPE_LENGTH_MAX 316  /* a name with a prefix */
#define VALUE_LENGTH_MAX 253 /* less than is kept of a field */

static int parse_resource(void *p, const char *value, const char **why) {
        _cleanup_(kube_resource_freep) KubeResource *resource = NULL;
        int r = 0;

        if (*value)
                r = kube_resource_parse(value, &resource);
        if (r == -EINVAL)
                return value_refuse(why, "must be GROUP/VERSION/PLURAL or VERSION/PLURAL, in lower case");
        return r < 0 ? r : value_set_text(p, value);
}

static int parse_name(void *p, const char *value, const char **why) {
        if (*value && !kube_name_is_path_segment(value))
                return value_refuse(why, "not a name that an object can have: no blanks, no / and no %, "
                                         "253 bytes at most");
        return value_set_text(p, value);
}

/* Custom resources may have types of any text. */
static int parse_type(void *p, const char *value, const char **why) {
        if (strlen(value) > TYPE_LENGTH_MAX)
                return value_refuse(why, "too long");
        if (value_is_quoted(value) || value_has_comment(value) || value_has_specifier(value) ||
            !value_is_printable(value))
                return value_refuse(why, "not the type of a condition");
        return value_set_text(p, value);
}

static int parse_status(void *p, const char *value, const char **why) {
        KubeStatus s = *value ? kube_status_from_string(value) : KUBE_STATUS_TRUE, *status = p;

        if ((int) s < 0)
                return value_refuse(why, "must be True, False or Unknown");
        *status = s;
        return 0;
}

static int parse_field(void *p, const char *value, const char **why) {
        if (*value && !kube_field_is_path(value))
                return value_refuse(why, "must be names with dots between them, such as status.phase");
        return value_set_text(p, value);
}

static int parse_value(void *p, const char *value, const char **why) {
        int r;

        if (strlen(value) > VALUE_LENGTH_MAX)
                return value_refuse(why, "too long");
        r = value_set_text(p, value);
        if (r < 0)
                return r;
        /* The value of a field may be any text. */
        if (value_is_quoted(value))
                *why = "the quotes are part of the value that is asked for";
        else if (value_has_comment(value))
                *why = "all of the line is the value that is asked for";
        else if (value_has_specifier(value))
                *why = "the specifier is part of the value that is asked for";
        else
                return 0;
        return 1;
}

static const CheckKeyType resource_type = CHECK_KEY_TEXT(parse_resource);
static const CheckKeyType name_type = CHECK_KEY_TEXT(parse_name);
static const CheckKeyType type_type = CHECK_KEY_TEXT(parse_type);
static const CheckKeyType status_type = { .parse = parse_status, .size = sizeof(KubeStatus) };
static const CheckKeyType field_type = CHECK_KEY_TEXT(parse_field);
static const CheckKeyType value_type = CHECK_KEY_TEXT(parse_value);

/* Either a condition is asked for, or a field. */
static const char *find_conflict(const CheckDefinition *definition) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, definition);

        if (d->type && d->field)
                return "has both Type= and Field=";
        if (!d->type && !d->field)
                return "lacks Type= or Field=";
        if (d->field && check_definition_has(definition, "Status"))
                return "has Status= with Field=, which needs Value=";
        if (d->field && !d->value)
                return "lacks Value=";
        return d->type && d->value ? "has Value= with Type=, which needs Status=" : NULL;
}

static bool needs_controller(const CheckDefinition *definition) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, definition);

        return !streq_ptr(d->resource, "v1/persistentvolumeclaims") || !streq_ptr(d->field, "status.phase");
}

static int describe(const CheckDefinition *definition, char **ret) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, definition);

        return asprintf_ret(ret, "%s %s%s%s %s=%s", d->resource, strempty(d->namespace),
                            d->namespace ? "/" : "", d->name, d->field ?: d->type,
                            d->field ? d->value : kube_status_to_string(d->status));
}

/* The key of the stream that brings the object, with the field that is kept of it. */
static int make_key(const ConditionDefinition *d, char **ret) {
        return asprintf_ret(ret, "%s %s/%s%s%s", d->resource, strempty(d->namespace), d->name,
                            d->field ? " " : "", strempty(d->field));
}

/* What a [Condition] asks, in words that outlive a restart; its label may name another question then. -ENOMEM. */
int check_condition_question(const CheckDefinition *definition, char **ret) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, definition);
        _cleanup_free_ char *key = NULL;
        int r;

        assert(check_kind(definition) == &check_kind_condition);

        r = make_key(d, &key);
        return r < 0 ? r : asprintf_ret(ret, "%s%s%s", key, d->type ? " " : "", strempty(d->type));
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
                r = kube_field_selector("metadata.name", d->name, &fields);
        if (r < 0)
                return r;
        return callback(
                &(StreamDemand){
                        .role = STREAM_GENERIC,
                        .key = key,
                        .query = { .resource = resource,
                                   .namespace = d->namespace,
                                   .field_selector = fields,
                                   .kept_field = d->field },
                },
                userdata);
}

/* The next of the objects that the stream of this key has brought; NULL for the first, and after the last. Those of a
 * gate without Namespace= can be of any. */
static const WorldObject *next_of(const World *w, const char *key, const WorldObject *o) {
        o = o ? o->next : w->by_kind[KUBE_GENERIC];
        while (o && !streq_ptr(o->stream->key, key))
                o = o->next;
        return o;
}

/* The object of that name and namespace. */
static const WorldObject *find(const ConditionDefinition *d, const World *w, const char *key) {
        const WorldObject *o = NULL;

        while ((o = next_of(w, key, o)))
                if (streq(o->object->name, d->name) && streq(o->object->namespace, strempty(d->namespace)))
                        return o;
        return NULL;
}

/* Whether the controller has had its say on the object as it is. Else, in deadline, when it will have. */
static bool controller_has_spoken(const Check *c, const WorldObject *o, Instant now, usec_t *deadline) {
        usec_t due = usec_add(c->controller_true_since, CONTROLLER_USEC);
        uint64_t status = KUBE_GENERIC_OF(o->object)->status_hash;

        if (!c->controlled || c->stands)
                return true;
        if (!c->controller_was_true)
                return false;
        if (now.monotonic >= due || (c->status_noted && status != 0 && status != c->status_then))
                return true;
        *deadline = usec_min(*deadline, due);
        return false;
}

/* Keeps what rule R7 needs of the object as it is now, or of its absence: its status when it was first seen after the
 * controller was TRUE (whoever makes an object may bring an old status along), and that it counts from now on. */
static void take_note(Check *c, const WorldObject *o, Instant now) {
        usec_t deadline = USEC_INFINITY;

        if (!c->controlled || !c->controller_was_true || !o)
                return;
        if (!c->status_noted) {
                c->status_noted = true;
                c->status_then = KUBE_GENERIC_OF(o->object)->status_hash;
        }
        if (controller_has_spoken(c, o, now, &deadline))
                c->stands = true;
}

/* Whether the newest specification has been acted on: the condition says so itself, else the status does for all
 * of it (as kubectl wait reads them). Many kinds, certificates among them, have it in their conditions only. */
static bool is_observed(const KubeObject *o, const KubeCondition *c) {
        return kube_object_is_observed(o, c && c->observed_generation > 0 ? c->observed_generation
                                                                          : o->observed_generation);
}

/* The namespace next to `after` in the alphabet that has one of these objects; NULL where there is none. */
static const char *next_namespace(const World *w, const char *key, const char *after, unsigned *ret_left) {
        const char *next = NULL;
        const WorldObject *o = NULL;

        *ret_left = 0;
        while ((o = next_of(w, key, o))) {
                const char *namespace = o->object->namespace;

                if (strcmp(namespace, after) <= 0)
                        continue;
                (*ret_left)++;
                if (!next || strcmp(namespace, next) < 0)
                        next = namespace;
        }
        return next;
}

/* Says that there is no such object, and where there are others of its name: Namespace= may have been forgotten. */
static void tell_absence(const ConditionDefinition *d, const World *w, const char *key, Finding *f) {
        unsigned others, more = 0;
        const char *first = d->namespace ? NULL : next_namespace(w, key, "", &others);
        const char *second = first ? next_namespace(w, key, first, &more) : NULL;

        f->proof = PROOF_MISSING;
        finding_set(f, EVIDENCE_FALSE, REASON_NOT_FOUND, "the cluster has no such object");
        if (!first)
                return;
        snprintf(f->text, sizeof(f->text),
                 "none exists without a namespace, only in the namespace%s %.63s%s%.63s", second ? "s" : "",
                 first, second ? ", " : "", strempty(second));
        if (more > 1)
                snprintf(f->text + strlen(f->text), sizeof(f->text) - strlen(f->text), " and %u more",
                         more - 1);
        f->message = f->text;
}

/* Tells, where the stream is not in sync, whether the API server, which is ready, does not know what it is
 * asked for. */
static bool tell_unknown_resource(const ConditionDefinition *d, const World *w, Finding *f) {
        if (w->api != API_READY || !streq(f->reason, REASON_NOT_FOUND))
                return false;
        snprintf(f->text, sizeof(f->text), "the API server does not know the resource %.120s%s", d->resource,
                 d->namespace ? " in a namespace" : "");
        f->proof = PROOF_MISSING;
        finding_set(f, EVIDENCE_FALSE, REASON_NOT_FOUND, f->text);
        return true;
}

static void judge_condition(const ConditionDefinition *d, const KubeCondition *c, Finding *f) {
        const char *type = c ? c->type : d->type; /* as the API writes it */

        if (c && c->status == d->status) {
                f->evidence = EVIDENCE_TRUE;
                return;
        }
        snprintf(f->text, sizeof(f->text), "%.*s is %s", (int) utf8_truncate(type, 120), type,
                 c ? kube_status_to_string(c->status) : "absent");
        finding_set(f, EVIDENCE_FALSE, c && !isempty(c->reason) ? c->reason : type,
                    c && !isempty(c->message) ? c->message : f->text);
}

static void judge_field(const ConditionDefinition *d, const KubeGeneric *g, Finding *f) {
        const char *value = g->field ?: g->has_field ? "no value that can be compared" : "absent";

        if (streq_ptr(g->field, d->value)) {
                f->evidence = EVIDENCE_TRUE;
                return;
        }
        if (!*value)
                value = "empty";
        snprintf(f->text, sizeof(f->text), "%.70s is %.*s%s%.*s", d->field, (int) utf8_truncate(value, 50),
                 value, g->field ? ", not " : "", g->field ? (int) utf8_truncate(d->value, 50) : 0,
                 d->value);
        finding_set(f, EVIDENCE_FALSE, d->field, f->text);
}

/* What the condition or the field says, in ret. Returns whether the object, or that there is none, is known as it is
 * now and so may be noted for rule R7. */
static bool find_out(const Check *c, const World *w, Instant now, Watched *ret, usec_t *deadline) {
        const ConditionDefinition *d = CHECK_AS(ConditionDefinition, c->definition);
        _cleanup_free_ char *key = NULL;
        const KubeCondition *condition = NULL;
        const KubeGeneric *g;
        const WorldObject *o;
        Finding *f = &ret->finding;

        *ret = (Watched){ .kind = strrchr(d->resource, '/') ? strrchr(d->resource, '/') + 1 : d->resource,
                          .namespace = strempty(d->namespace),
                          .name = d->name,
                          .since = w->api_changed,
                          .finding = { .evidence = EVIDENCE_NONE, .proof = PROOF_MISSING } };

        if (make_key(d, &key) < 0) {
                f->reason = REASON_NOT_SYNCED;
                return false;
        }
        if (!world_role_in_sync(w, STREAM_GENERIC, key, &f->reason, &f->message) &&
            tell_unknown_resource(d, w, f))
                return false;
        o = ret->object = find(d, w, key);
        if (o) {
                ret->since = o->changed;
                f->proof = PROOF_NONE;
        }
        if (f->reason)
                return false;
        f->message = o && o->object->unreadable ? o->object->unreadable
                                                : world_unnamed(w, 1U << STREAM_GENERIC, key, d->namespace);
        if (f->message) {
                f->reason = REASON_UNREADABLE;
                return false;
        }
        if (!o) {
                tell_absence(d, w, key, f);
                return true;
        }

        g = KUBE_GENERIC_OF(o->object);
        if (d->type)
                condition = kube_condition_find_any_case(g->conditions, g->n_conditions, d->type);
        if (!is_observed(o->object, condition))
                finding_set(f, EVIDENCE_FALSE, REASON_NOT_OBSERVED,
                            "its controller has not acted on its newest specification yet");
        else if (!controller_has_spoken(c, o, now, deadline))
                finding_set(
                        f, EVIDENCE_NONE, REASON_UNPROVEN,
                        "what it says may be from an earlier boot: its controller has not been seen to act");
        else if (d->field)
                judge_field(d, g, f);
        else
                judge_condition(d, condition, f);
        if (f->evidence == EVIDENCE_TRUE && c->controlled)
                f->proof = PROOF_OBSERVED;
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
        else
                c->status_noted = false; /* another server, or a former database, may answer next */
        return report_count(j, &watched);
}

#define MEMBER(m) offsetof(ConditionDefinition, m)

static const CheckKey keys[] = {
        { "Resource", MEMBER(resource), &resource_type, .is_required = true },
        { "Namespace", MEMBER(namespace), &check_key_namespace },
        { "Name", MEMBER(name), &name_type, .is_required = true },
        { "Type", MEMBER(type), &type_type },
        { "Status", MEMBER(status), &status_type },
        { "Field", MEMBER(field), &field_type },
        { "Value", MEMBER(value), &value_type },
        {},
};

const CheckKind check_kind_condition = {
        .syntax = {
                .section = "Condition",
                .size = sizeof(ConditionDefinition),
                .keys = keys,
                .describe = describe,
                .conflict = find_conflict,
                .needs_controller = needs_controller,
        },
        .roles = 1 << STREAM_GENERIC,
        .demand = demand,
        .judge = judge,
        .list = list,
};
