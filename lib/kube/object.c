/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/object.h"

#include <stdio.h>

#include "base/limits.h"
#include "kube/field.h"
#include "kube/object-internal.h"

static const char *const kind_table[_KUBE_KIND_MAX] = {
        [KUBE_NODE] = "Node",
        [KUBE_POD] = "Pod",
        [KUBE_DAEMONSET] = "DaemonSet",
        [KUBE_DEPLOYMENT] = "Deployment",
        [KUBE_STATEFULSET] = "StatefulSet",
        [KUBE_REPLICASET] = "ReplicaSet",
        [KUBE_LEASE] = "Lease",
        [KUBE_EVENT] = "Event",
        [KUBE_GENERIC] = "Object",
};

const size_t kube_object_sizes[_KUBE_KIND_MAX] = {
        [KUBE_NODE] = sizeof(KubeNode),
        [KUBE_POD] = sizeof(KubePod),
        [KUBE_DAEMONSET] = sizeof(KubeWorkload),
        [KUBE_DEPLOYMENT] = sizeof(KubeWorkload),
        [KUBE_STATEFULSET] = sizeof(KubeWorkload),
        [KUBE_REPLICASET] = sizeof(KubeWorkload),
        [KUBE_LEASE] = sizeof(KubeLease),
        [KUBE_EVENT] = sizeof(KubeEvent),
        [KUBE_GENERIC] = sizeof(KubeGeneric),
};

const char *kube_kind_to_string(KubeKind kind) {
        return kind >= 0 && kind < _KUBE_KIND_MAX ? kind_table[kind] : NULL;
}

KubeKind kube_kind_from_string(const char *s) {
        for (int i = 0; i < _KUBE_KIND_MAX; i++)
                if (streq(kind_table[i], s))
                        return i;
        return _KUBE_KIND_INVALID;
}

/* Whether observed, the generation that a controller says it has acted on, is the newest. 0 counts as such:
 * the controller does not say. */
bool kube_object_is_observed(const KubeObject *o, int64_t observed) {
        return observed <= 0 || observed >= o->generation;
}

/* The value of a label, or NULL. */
const char *kube_label(const KubeObject *o, const char *key) {
        STRV_FOREACH(label, o->labels) {
                const char *rest = startswith(*label, key);

                if (rest && *rest == '=')
                        return rest + 1;
        }
        return NULL;
}

static bool is_number(const char *s) {
        return s && *s && s[strspn(s, "0123456789")] == '\0';
}

/* Whether a is a later version than b, of one resource on one server. Versions are numbers of any length; if
 * one is no number, a counts as later. */
bool kube_version_is_later(const char *a, const char *b) {
        if (!is_number(a) || !is_number(b))
                return true;
        a += strspn(a, "0");
        b += strspn(b, "0");
        if (strlen(a) != strlen(b))
                return strlen(a) > strlen(b);
        return strcmp(a, b) > 0;
}

/* The owner that is the controller, or NULL. */
static const JsonValue *find_controller(const JsonValue *metadata) {
        JSON_FOREACH(owner, jv_get(metadata, "ownerReferences"))
                if (jv_get_bool(owner, "controller", false))
                        return owner;
        return NULL;
}

static const char *read_identity(Arena *a, const char *s, const char *what, bool mandatory) {
        if (mandatory && isempty(s))
                arena_refuse(a, -EBADMSG, "its metadata has no %s", what);
        else if (s && strlen(s) > NAME_SIZE_MAX)
                arena_refuse(a, -E2BIG, "its %s has %zu bytes; at most %d are read", what, strlen(s),
                             NAME_SIZE_MAX);
        return arena_string(a, s) ?: "";
}

static void read_object(Arena *a, const JsonValue *json, KubeObject *o) {
        const JsonValue *metadata = jv_get(json, "metadata"), *owner;

        o->namespace = read_identity(a, jv_get_string(metadata, "namespace"), "namespace", false);
        o->name = read_identity(a, jv_get_string(metadata, "name"), "name", true);
        o->uid = read_identity(a, jv_get_string(metadata, "uid"), "uid", true);
        o->resource_version =
                read_identity(a, jv_get_string(metadata, "resourceVersion"), "resourceVersion", false);
        o->generation = jv_get_int(metadata, "generation", 0);
        o->observed_generation = jv_get_int(jv_get(json, "status"), "observedGeneration", 0);
        o->deleting = !isempty(jv_get_string(metadata, "deletionTimestamp"));

        owner = find_controller(metadata);
        if (owner) {
                o->owner_kind = arena_word(a, jv_get_string(owner, "kind"));
                o->owner_name = arena_string(a, jv_get_string(owner, "name"));
                o->owner_uid = arena_string(a, jv_get_string(owner, "uid"));
        }

        /* No gate selects events or leases by label. */
        if (o->kind != KUBE_EVENT && o->kind != KUBE_LEASE)
                o->labels = arena_pairs(a, jv_get(metadata, "labels"), "labels");
}

static void read_all(Arena *a, const JsonValue *json, KubeObject *o) {
        read_object(a, json, o);

        switch (o->kind) {
        case KUBE_NODE:
                kube_node_read(a, json, (KubeNode *) o);
                break;
        case KUBE_POD:
                kube_pod_read(a, json, (KubePod *) o);
                break;
        case KUBE_DAEMONSET:
        case KUBE_DEPLOYMENT:
        case KUBE_STATEFULSET:
        case KUBE_REPLICASET:
                kube_workload_read(a, json, (KubeWorkload *) o);
                break;
        case KUBE_LEASE:
                kube_lease_read(a, json, (KubeLease *) o);
                break;
        case KUBE_EVENT:
                kube_event_read(a, json, (KubeEvent *) o);
                break;
        case KUBE_GENERIC:
                kube_generic_read(a, json, (KubeGeneric *) o);
                break;
        default:
                assert(false);
        }
}

/* Any of the kinds, filled while only sizes are added up. */
typedef union AnyObject {
        KubeObject object;
        KubeNode node;
        KubePod pod;
        KubeWorkload workload;
        KubeLease lease;
        KubeEvent event;
        KubeGeneric generic;
} AnyObject;

static int fail(const Arena *a, char *ret_fault, size_t size) {
        if (ret_fault)
                snprintf(ret_fault, size, "%s", a->fault);
        return a->error;
}

/* Reads an object of the given kind. Members of the wrong type count as absent. -EBADMSG if it has no name
 * or no uid, -E2BIG if it has more members than LIMIT_MEMBERS or an over-long name: ret_fault (size bytes,
 * may be NULL) then says why, as "it has ...". -ENOMEM. */
int kube_object_parse(KubeKind kind, const JsonValue *json, KubeObject **ret, char *ret_fault, size_t size) {
        Arena sizes = {}, arena = {};
        AnyObject scratch = {};
        KubeObject *o;

        assert(kind >= 0 && kind < _KUBE_KIND_MAX);

        arena_alloc(&sizes, 1, kube_object_sizes[kind]);
        scratch.object.kind = kind;
        read_all(&sizes, json, &scratch.object);
        if (sizes.error < 0)
                return fail(&sizes, ret_fault, size);

        arena.size = sizes.used;
        arena.base = calloc(1, arena.size);
        if (!arena.base)
                return -ENOMEM;

        o = arena_alloc(&arena, 1, kube_object_sizes[kind]);
        o->kind = kind;
        read_all(&arena, json, o);
        if (arena.error < 0) {
                free(arena.base);
                return fail(&arena, ret_fault, size);
        }

        *ret = o;
        return 0;
}

/* Keeps what the object of json, a KUBE_GENERIC that was read from it, has at a path. -ENOMEM. */
int kube_object_keep_field(KubeObject *o, const JsonValue *json, const char *path) {
        KubeGeneric *g = KUBE_GENERIC_OF(o);

        assert(o->kind == KUBE_GENERIC && !g->field);
        return kube_field_read(json, path, &g->has_field, &g->field);
}

/* Frees the object with all that it points to. Returns NULL. */
KubeObject *kube_object_free(KubeObject *o) {
        if (o && o->kind == KUBE_POD) {
                free(KUBE_POD_OF(o)->blocking_reason);
                free(KUBE_POD_OF(o)->blocking_message);
        }
        if (o && o->kind == KUBE_GENERIC)
                free(KUBE_GENERIC_OF(o)->field);
        return mfree(o);
}
