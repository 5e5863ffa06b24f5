/* SPDX-License-Identifier: Apache-2.0 */

/* Blockers and the names of objects, in the shape of types Blocker and Object of the varlink interface. They
 * are read back from files that a crash may have cut: a missing member is an error, never guessed. */

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

        assert(kind && name);

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

void object_name_to_json(JsonBuilder *b, const char *key, const ObjectName *o) {
        jb_object(b, key);
        jb_string(b, "kind", strempty(o->kind));
        jb_string(b, "namespace", o->namespace);
        jb_string(b, "name", strempty(o->name));
        jb_end(b);
}

/* As object_name_set(); -EBADMSG if kind or name is missing. */
int object_name_from_json(const JsonValue *v, ObjectName *o) {
        const char *kind = jv_get_string(v, "kind"), *name = jv_get_string(v, "name");

        if (!kind || !name)
                return -EBADMSG;
        return object_name_set(o, kind, jv_get_string(v, "namespace"), name);
}

void blocker_done(Blocker *b) {
        free(b->gate);
        object_name_done(&b->object);
        free(b->reason);
        free(b->message);
        free(b->hint);
        *b = (Blocker){};
}

/* Writes ret on success only, and does not free what it had. -ENOMEM. */
int blocker_copy(const Blocker *b, Blocker *ret) {
        _cleanup_(blocker_done) Blocker copy = { .since = b->since, .is_doubt = b->is_doubt };
        int r;

        r = object_name_set(&copy.object, strempty(b->object.kind), b->object.namespace,
                            strempty(b->object.name)) ?:
                set_string(&copy.gate, b->gate) ?:
                set_string(&copy.reason, b->reason) ?:
                set_string(&copy.message, b->message) ?:
                set_string(&copy.hint, b->hint);
        if (r < 0)
                return r;

        *ret = copy;
        copy = (Blocker){};
        return 0;
}

void blocker_to_json(JsonBuilder *b, const char *key, const Blocker *blocker) {
        jb_object(b, key);
        jb_string(b, "gate", strempty(blocker->gate));
        object_name_to_json(b, "object", &blocker->object);
        jb_string(b, "reason", strempty(blocker->reason));
        jb_string(b, "message", blocker->message);
        jb_string(b, "hint", blocker->hint);
        jb_usec(b, "sinceBoottimeUSec", blocker->since);
        jb_end(b);
}

/* The result is the caller's, for blocker_done(). -EBADMSG if a member that every blocker has is missing or
 * of another type, -ENOMEM. */
int blocker_from_json(const JsonValue *v, Blocker *ret) {
        const char *gate = jv_get_string(v, "gate"), *reason = jv_get_string(v, "reason");
        _cleanup_(blocker_done) Blocker b = {};
        int r;

        b.since = jv_get_usec(v, "sinceBoottimeUSec", USEC_INFINITY);
        if (!gate || !reason || b.since == USEC_INFINITY)
                return -EBADMSG;
        r = object_name_from_json(jv_get(v, "object"), &b.object) ?:
                set_string(&b.gate, gate) ?:
                set_string(&b.reason, reason) ?:
                set_string(&b.message, jv_get_string(v, "message")) ?:
                set_string(&b.hint, jv_get_string(v, "hint"));
        if (r < 0)
                return r;

        *ret = b;
        b = (Blocker){};
        return 0;
}
