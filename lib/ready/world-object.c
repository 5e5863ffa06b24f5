/* SPDX-License-Identifier: Apache-2.0 */

#include "ready/world-object.h"

#include "base/string-util.h"

/* Takes the object out of its world and frees it. */
void world_drop_object(World *w, WorldObject *o) {
        if (w->node == o)
                w->node = NULL;
        HASH_DEL(w->objects, o);
        if (o->previous)
                o->previous->next = o->next;
        else
                w->by_kind[o->object->kind] = o->next;
        if (o->next)
                o->next->previous = o->previous;
        w->n_objects--;

        kube_object_free(o->object);
        free(o->life);
        free(o->key);
        free(o);
}

/* Objects of two resources may have the same name: for KUBE_GENERIC the stream's key tells them apart. */
int world_object_key(const char *stream, KubeKind kind, const char *namespace, const char *name,
                     char **ret) {
        return asprintf_ret(ret, "%u %s%s%s/%s", (unsigned) kind,
                            kind == KUBE_GENERIC ? strempty(stream) : "", kind == KUBE_GENERIC ? " " : "",
                            strempty(namespace), name);
}

WorldObject *world_find_of_stream(const World *w, const char *stream, KubeKind kind, const char *namespace,
                                  const char *name) {
        _cleanup_free_ char *key = NULL;
        WorldObject *o;

        if (world_object_key(stream, kind, namespace, name, &key) < 0)
                return NULL;
        HASH_FIND_STR(w->objects, key, o);
        return o;
}

/* The object of this name, or NULL. Not for KUBE_GENERIC, whose names are not unique. */
WorldObject *world_find(const World *w, KubeKind kind, const char *namespace, const char *name) {
        return world_find_of_stream(w, NULL, kind, namespace, name);
}

WorldObject *world_find_uid(const World *w, KubeKind kind, const char *uid) {
        WORLD_FOREACH(o, w, kind)
                if (streq_ptr(o->object->uid, uid))
                        return o;
        return NULL;
}
