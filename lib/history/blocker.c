/* SPDX-License-Identifier: Apache-2.0 */

/* Blockers and the names of objects, as types Blocker and Object of the varlink interface have them. What is
 * read back comes from files that a crash may have cut: members that are missing are errors, never guessed.
 */

#include "history/blocker.h"

#include "base/string-util.h"

void object_name_done(ObjectName *o) {
        free(o->kind);
        free(o->namespace);
        free(o->name);
        *o = (ObjectName){};
}

/* Takes copies; an empty or absent namespace is none. On -ENOMEM *o is as it was. */
int object_name_set(ObjectName *o, const char *kind, const char *namespace, const char *name) {
        _cleanup_(object_name_done) ObjectName n = {};

        n.kind = strdup(kind);
        n.name = strdup(name);
        if (!isempty(namespace))
                n.namespace = strdup(namespace);
        if (!n.kind || !n.name || (!isempty(namespace) && !n.namespace))
                return -ENOMEM;

        object_name_done(o);
        *o = n;
        n = (ObjectName){};
        return 0;
}

/* "Pod openshift-dns/dns-default-x", or "Node edge" without a namespace. -ENOMEM. */
int object_name_to_string(const ObjectName *o, char **ret) {
        return asprintf_ret(ret, "%s %s%s%s", strempty(o->kind), strempty(o->namespace),
                            isempty(o->namespace) ? "" : "/", strempty(o->name));
}

bool object_name_equal(const ObjectName *a, const ObjectName *b) {
        return streq_ptr(a->kind, b->kind) && streq_ptr(a->namespace, b->namespace) &&
               streq_ptr(a->name, b->name);
}

int object_name_to_json(const ObjectName *o, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        int r;

        if (!v)
                return -ENOMEM;
        r = jv_add_string(v, "kind", strempty(o->kind));
        if (r >= 0)
                r = jv_add_string(v, "namespace", o->namespace);
        if (r >= 0)
                r = jv_add_string(v, "name", strempty(o->name));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

/* -EBADMSG where kind or name is missing, -ENOMEM. */
int object_name_from_json(const JsonValue *v, ObjectName *ret) {
        const char *kind = jv_get_string(v, "kind"), *name = jv_get_string(v, "name");
        ObjectName o = {};
        int r;

        if (!kind || !name)
                return -EBADMSG;
        r = object_name_set(&o, kind, jv_get_string(v, "namespace"), name);
        if (r < 0)
                return r;

        *ret = o;
        return 0;
}

void blocker_done(Blocker *b) {
        free(b->gate);
        object_name_done(&b->object);
        free(b->reason);
        free(b->message);
        free(b->hint);
        *b = (Blocker){};
}

/* *ret is written on success only, and not freed before. */
int blocker_copy(const Blocker *b, Blocker *ret) {
        _cleanup_(blocker_done) Blocker copy = { .since = b->since, .is_dated = b->is_dated };
        int r;

        r = object_name_set(&copy.object, strempty(b->object.kind), b->object.namespace,
                            strempty(b->object.name));
        if (r >= 0)
                r = free_and_strdup(&copy.gate, b->gate);
        if (r >= 0)
                r = free_and_strdup(&copy.reason, b->reason);
        if (r >= 0)
                r = free_and_strdup(&copy.message, b->message);
        if (r >= 0)
                r = free_and_strdup(&copy.hint, b->hint);
        if (r < 0)
                return r;

        *ret = copy;
        copy = (Blocker){};
        return 0;
}

int blocker_to_json(const Blocker *b, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object(), *object = NULL;
        int r;

        if (!v)
                return -ENOMEM;
        r = object_name_to_json(&b->object, &object);
        if (r >= 0)
                r = jv_add_string(v, "gate", strempty(b->gate));
        if (r >= 0)
                r = jv_add(v, "object", TAKE_PTR(object));
        if (r >= 0)
                r = jv_add_string(v, "reason", strempty(b->reason));
        if (r >= 0)
                r = jv_add_string(v, "message", b->message);
        if (r >= 0)
                r = jv_add_string(v, "hint", b->hint);
        if (r >= 0)
                r = jv_add_int(v, "sinceBoottimeUSec", (int64_t) b->since);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

/* -EBADMSG where a member that every blocker has is missing or no such thing, -ENOMEM. */
int blocker_from_json(const JsonValue *v, Blocker *ret) {
        const char *gate = jv_get_string(v, "gate"), *reason = jv_get_string(v, "reason");
        _cleanup_(blocker_done) Blocker b = {};
        int64_t since = jv_get_int(v, "sinceBoottimeUSec", -1);
        int r;

        if (!gate || !reason || since < 0)
                return -EBADMSG;
        b.since = (usec_t) since;
        r = object_name_from_json(jv_get(v, "object"), &b.object);
        if (r >= 0)
                r = free_and_strdup(&b.gate, gate);
        if (r >= 0)
                r = free_and_strdup(&b.reason, reason);
        if (r >= 0)
                r = free_and_strdup(&b.message, jv_get_string(v, "message"));
        if (r >= 0)
                r = free_and_strdup(&b.hint, jv_get_string(v, "hint"));
        if (r < 0)
                return r;

        *ret = b;
        b = (Blocker){};
        return 0;
}
