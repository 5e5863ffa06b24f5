/* SPDX-License-Identifier: Apache-2.0 */

/* What the streams bring. Two things happen here that are more than book-keeping, because both need an object's old
 * version beside its new one: a node's sign of life (rule R1) and the `observed` proof of a pod (rule R3). Both count
 * only what happens on a stream that was in sync before. After the daemon resumes from a resourceVersion, the server
 * first replays what the daemon missed, which is the past: for a second nothing of that counts as seen. */

#include "ready/world.h"

#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "diagnosis/columns.h"

#define REPLAY_USEC USEC_PER_SEC

/* Takes the object out of its world and frees it. */
static void drop_object(World *w, WorldObject *o) {
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
        strv_free(o->beside);
        free(o->key);
        free(o);
}

/* Objects of two resources may have the same name: for KUBE_GENERIC the stream's key tells them apart. */
static int object_key(const char *stream, KubeKind kind, const char *namespace, const char *name,
                      char **ret) {
        return asprintf_ret(ret, "%u %s%s%s/%s", (unsigned) kind,
                            kind == KUBE_GENERIC ? strempty(stream) : "", kind == KUBE_GENERIC ? " " : "",
                            strempty(namespace), name);
}

static WorldObject *find_of_stream(const World *w, const char *stream, KubeKind kind, const char *namespace,
                                   const char *name) {
        _cleanup_free_ char *key = NULL;
        WorldObject *o;

        if (object_key(stream, kind, namespace, name, &key) < 0)
                return NULL;
        HASH_FIND_STR(w->objects, key, o);
        return o;
}

/* The object of this name, or NULL. Not for KUBE_GENERIC, whose names are not unique. */
WorldObject *world_find(const World *w, KubeKind kind, const char *namespace, const char *name) {
        return find_of_stream(w, NULL, kind, namespace, name);
}

WorldObject *world_find_uid(const World *w, KubeKind kind, const char *uid) {
        WORLD_FOREACH(o, w, kind)
                if (streq_ptr(o->object->uid, uid))
                        return o;
        return NULL;
}

static void stream_destroy(WorldStream *s) {
        free(s->key);
        free(s->node);
        free(s->unnamed);
        free(s->unnamed_namespace);
        free(s->reason);
        free(s->message);
        free(s);
}

/* Adds a stream, not in sync. key and node (either may be NULL) are copied. The world owns it until
 * world_stream_free(). -ENOMEM. */
int world_add_stream(World *w, StreamRole role, const char *key, const char *node, WorldStream **ret) {
        WorldStream *s;

        assert(!node || role == STREAM_NODES || role == STREAM_PODS || role == STREAM_LEASES);

        s = calloc(1, sizeof(WorldStream));
        if (!s)
                return -ENOMEM;
        s->world = w;
        s->role = role;
        s->interest = w->interest;
        s->key = key ? strdup(key) : NULL;
        s->node = node ? strdup(node) : NULL;
        if ((key && !s->key) || (node && !s->node)) {
                stream_destroy(s);
                return -ENOMEM;
        }

        s->next = w->streams;
        w->streams = s;
        *ret = s;
        return 0;
}

static void stream_sweep(WorldStream *s, bool all) {
        World *w = s->world;

        for (KubeKind k = 0; k < _KUBE_KIND_MAX; k++)
                for (WorldObject *o = w->by_kind[k], *next; o; o = next) {
                        next = o->next;
                        if (o->stream == s && (all || o->generation != s->generation))
                                drop_object(w, o);
                }
}

/* A stream that was to take another's place goes before the other: its objects belong to the other again, which
 * brought them before and is believed for as long as it is in sync. */
static void stream_hand_back(WorldStream *s) {
        WorldStream *t = s->next; /* older ones stand behind */

        while (t && !(t->in_sync && t->role == s->role && streq_ptr(t->key, s->key)))
                t = t->next;
        for (KubeKind k = 0; t && k < _KUBE_KIND_MAX; k++)
                WORLD_FOREACH(o, s->world, k)
                        if (o->stream == s) {
                                o->stream = t;
                                o->generation = t->generation;
                        }
}

/* Takes the stream out of its world, with the objects that it brought and no other stream took over. */
WorldStream *world_stream_free(WorldStream *s) {
        if (!s)
                return NULL;

        stream_hand_back(s);
        stream_sweep(s, true);
        for (WorldStream **p = &s->world->streams; *p; p = &(*p)->next)
                if (*p == s) {
                        *p = s->next;
                        break;
                }

        stream_destroy(s);
        return NULL;
}

/* Sets whether the stream is in sync, and where it is not, reason (one of ours) and message. Returns 1 where any of
 * that changed. */
int world_stream_set_sync(WorldStream *s, bool in_sync, const char *reason, const char *message,
                          Instant now) {
        int r, changed = s->in_sync != in_sync;

        r = free_and_strdup(&s->reason, in_sync ? NULL : reason);
        if (r < 0)
                return r;
        changed |= r;
        r = free_and_strdup(&s->message, in_sync ? NULL : message);
        if (r < 0)
                return r;
        changed |= r;

        if (in_sync && !s->in_sync)
                s->synced = now.monotonic;
        if (!in_sync)
                s->listed = false;
        s->in_sync = in_sync;
        return changed;
}

/* A new listing: what it does not name will be gone when it is complete. */
void world_stream_listing_begins(WorldStream *s) {
        s->generation++;
}

void world_stream_listing_complete(WorldStream *s) {
        stream_sweep(s, false);
        if (s->unnamed_generation != s->generation) {
                s->unnamed = mfree(s->unnamed);
                s->unnamed_namespace = mfree(s->unnamed_namespace);
        }
        s->listed = true;
}

static void node_set_alive(WorldObject *o, Instant now) {
        if (o->alive)
                return;
        o->alive = true;
        o->alive_since = now.monotonic;
}

/* Whether a change that this stream brings now was made while we watched. A stream may still have something to
 * say while /readyz fails: that is no sign of life for the time after. */
static bool stream_witnesses(const WorldStream *s, Instant now) {
        if (s->world->api != API_READY || !s->in_sync)
                return false;
        return s->listed || now.monotonic >= usec_add(s->synced, REPLAY_USEC);
}

static bool ids_differ(const KubePod *a, const KubePod *b) {
        if (a->n_containers != b->n_containers)
                return true;
        for (size_t i = 0; i < a->n_containers; i++)
                if (!streq_ptr(a->containers[i].id, b->containers[i].id))
                        return true;
        return false;
}

/* The Ready of a pod or a node. */
static KubeCondition ready_of(const KubeCondition *conditions, size_t n) {
        const KubeCondition *c = kube_condition_find(conditions, n, "Ready");

        return c ? *c : (KubeCondition){ .status = KUBE_STATUS_ABSENT };
}

static KubeCondition pod_ready(const KubePod *p) {
        return ready_of(p->conditions, p->n_conditions);
}

/* A pod that cannot be read has a node where the stream of our node's pods brought it. */
static bool is_bound(const KubePod *p, const WorldStream *s) {
        return p->node || (p->object.unreadable && s->role == STREAM_PODS);
}

/* A pod that is scheduled leaves one stream and enters another, and the two are not in step: the listing of
 * the first may bring it as it was before. A binding is never undone. */
static bool is_before_binding(const WorldObject *o, const WorldStream *s, const KubePod *update) {
        return !is_bound(update, s) && is_bound(KUBE_POD_OF(o->object), o->stream) &&
               streq_ptr(o->object->uid, update->object.uid);
}

/* Whether the pod is as the API server creates it. A pod that is first seen in a later state existed before: its
 * labels or its owner may have changed to what a gate looks at. */
static bool is_blank(const KubePod *p) {
        for (size_t i = 0; i < p->n_containers; i++)
                if (p->containers[i].id)
                        return false;
        return pod_ready(p).status != KUBE_STATUS_TRUE;
}

/* Whether the reason that is told of a pod is another one. */
static bool says_otherwise(const KubePod *a, const KubePod *b) {
        const char *before, *after, *message;

        pod_blocking_reason(a, &before, &message);
        pod_blocking_reason(b, &after, &message);
        return !streq_ptr(before, after);
}

static int pod_carry_over(WorldObject *o, const KubePod *update, bool witnessed, Instant now) {
        const KubePod *old = o->object ? KUBE_POD_OF(o->object) : NULL;
        KubeCondition before, after = pod_ready(update);
        ContainerLife *life;

        life = calloc(update->n_containers + 1, sizeof(ContainerLife));
        if (!life)
                return -ENOMEM;
        for (size_t i = 0; old && i < update->n_containers && i < old->n_containers; i++)
                if (streq_ptr(update->containers[i].id, old->containers[i].id))
                        life[i] = o->life[i];
        free(o->life);
        o->life = life;

        if (old && ids_differ(old, update))
                o->is_restarted = false; /* the host has to be asked about these */

        if (!old || !streq_ptr(old->object.uid, update->object.uid)) {
                o->beside = strv_free(o->beside);
                o->is_restarted = false;
                /* A pod that was created while we watched cannot carry a status of an earlier boot. */
                o->observed = witnessed && !old && is_blank(update);
                o->changed = o->shown = now.boottime;
                return 0;
        }
        before = pod_ready(old);
        if (witnessed && (ids_differ(old, update) ||
                          (before.status == KUBE_STATUS_FALSE && after.status == KUBE_STATUS_TRUE)))
                o->observed = true;
        if ((before.status == KUBE_STATUS_TRUE) != (after.status == KUBE_STATUS_TRUE) ||
            says_otherwise(old, update))
                o->changed = now.boottime;
        if (pod_columns_differ(old, update))
                o->shown = now.boottime;
        return 0;
}

/* What was seen of a node's pods in its earlier boot proves nothing about this boot. */
static void forget_observations(World *w, const char *node) {
        WORLD_FOREACH(o, w, KUBE_POD)
                if (streq_ptr(KUBE_POD_OF(o->object)->node, node))
                        o->observed = false;
}

static void node_forget_life(WorldObject *o) {
        o->alive = false;
        o->renewals = 0;
}

/* What was observed before the API went out of reach proves nothing after it: kubelets, or whole hosts, may have
 * started again in the meantime (rules R1 and R3). */
void world_forget_observations(World *w) {
        WORLD_FOREACH(o, w, KUBE_NODE)
                node_forget_life(o);
        WORLD_FOREACH(o, w, KUBE_POD)
                o->observed = false;
}

/* Rule R1: a kubelet that has just started may renew its Lease before it has looked at anything, but it writes its
 * status before it renews the Lease again. Only where the API has answered all the while that the daemon ran does one
 * renewal tell enough. */
static void node_note_renewal(const World *w, WorldObject *node, Instant now) {
        node->renewals++;
        if (node->renewals >= (w->api_was_away ? 2U : 1U))
                node_set_alive(node, now);
}

static void node_carry_over(World *w, WorldObject *o, const KubeNode *update, bool witnessed, Instant now) {
        const KubeNode *old = o->object ? KUBE_NODE_OF(o->object) : NULL;
        KubeCondition before, ready = ready_of(update->conditions, update->n_conditions);
        KubeStatus after = ready.status;

        if (!old || !streq_ptr(old->boot_id, update->boot_id)) {
                node_forget_life(o); /* `observed` counts from here, also for what runs on it */
                o->booted = now.monotonic;
                o->changed = now.boottime;
                /* Also where it registers itself again: its boot ID in the meantime is not known. */
                forget_observations(w, update->object.name);
        }
        if (!old || !streq_ptr(old->object.uid, update->object.uid)) {
                node_forget_life(o);
                o->changed = now.boottime;
                if (witnessed)
                        node_set_alive(o, now); /* the kubelet has just registered it */
                return;
        }
        /* Controllers write other parts of a node's status. */
        if (witnessed && (!streq_ptr(old->boot_id, update->boot_id) ||
                          (update->heartbeat && !streq_ptr(old->heartbeat, update->heartbeat))))
                node_set_alive(o, now);

        before = ready_of(old->conditions, old->n_conditions);
        if (before.status != after || !streq_ptr(before.reason, ready.reason) ||
            old->object.deleting != update->object.deleting)
                o->changed = now.boottime;
        /* The lifecycle controller says so of a kubelet that it has not heard of. */
        if (after == KUBE_STATUS_UNKNOWN)
                node_forget_life(o);
}

static void lease_carry_over(WorldStream *s, WorldObject *o, const KubeLease *update, bool witnessed,
                             Instant now) {
        const KubeLease *old = o->object ? (const KubeLease *) o->object : NULL;
        WorldObject *node;

        if (!witnessed || (old && streq_ptr(old->renew_time, update->renew_time)))
                return;
        if (!streq_ptr(update->object.namespace, "kube-node-lease"))
                return;

        node = world_find(s->world, KUBE_NODE, "", update->object.name);
        if (node)
                node_note_renewal(s->world, node, now);
}

/* Whether the object was brought by a stream that is to take this one's place. For a while both bring the same, not
 * in step. What the new one has brought is its own: else it would go with the old one, and no stream would bring it
 * again. */
static bool belongs_to_successor(const WorldObject *o, const WorldStream *s) {
        if (!o->stream || o->stream == s || o->stream->role != s->role || !streq_ptr(o->stream->key, s->key))
                return false;
        /* The newest stands first. */
        for (const WorldStream *t = s->world->streams; t; t = t->next)
                if (t == s || t == o->stream)
                        return t == o->stream;
        return false;
}

/* Whether another stream has a newer version: this one lags behind, or its list is older than the events of the
 * other. Versions are of one server: one that was out of reach may have come back with a backup. Streams of two
 * roles are those of pods with and without a node: what both tell of one pod goes by its binding, but of two pods
 * of one name the later is the one that there is. */
static bool is_outdated(const WorldObject *o, const WorldStream *s, const KubeObject *update) {
        if (!o->object || o->stream == s || o->is_former)
                return false;
        if (update->kind == KUBE_POD && is_before_binding(o, s, KUBE_POD_OF(update)))
                return true;
        return !kube_version_is_later(update->resource_version, o->object->resource_version) &&
               (o->stream->role == s->role || !streq_ptr(o->object->uid, update->uid));
}

/* From or to a version that cannot be read nothing can be compared. What was known of the object is forgotten, and no
 * difference to what comes counts as seen. */
static int carry_nothing_over(World *w, WorldObject *o, const KubeObject *update, Instant now) {
        ContainerLife *life;

        if (update->kind == KUBE_POD) {
                life = calloc(KUBE_POD_OF(update)->n_containers + 1, sizeof(ContainerLife));
                if (!life)
                        return -ENOMEM;
                free(o->life);
                o->life = life;
        }
        o->observed = false;
        node_forget_life(o);
        if (!o->object || !o->object->unreadable || !update->unreadable)
                o->changed = o->shown = now.boottime;
        if (update->kind == KUBE_NODE) {
                o->booted = now.monotonic;
                forget_observations(w, update->name);
        }
        return 0;
}

static int carry_over(WorldStream *s, WorldObject *o, const KubeObject *update, Instant now) {
        bool witnessed = stream_witnesses(s, now);

        if (update->unreadable || (o->object && o->object->unreadable))
                return carry_nothing_over(s->world, o, update, now);
        if (update->kind == KUBE_POD)
                return pod_carry_over(o, KUBE_POD_OF(update), witnessed, now);
        if (update->kind == KUBE_NODE)
                node_carry_over(s->world, o, KUBE_NODE_OF(update), witnessed, now);
        else if (update->kind == KUBE_LEASE)
                lease_carry_over(s, o, (const KubeLease *) update, witnessed, now);
        return 0;
}

/* Makes an object of the world out of its first version. new and key are taken on success. */
static int add_object(WorldStream *s, KubeObject **update, char **key, Instant now, WorldObject **ret) {
        World *w = s->world;
        WorldObject *o;
        int r;

        if (w->n_objects >= LIMIT_OBJECTS)
                return -ENOSPC;
        o = calloc(1, sizeof(WorldObject));
        if (!o)
                return -ENOMEM;
        o->changed = now.boottime;
        r = carry_over(s, o, *update, now);
        if (r >= 0) {
                HASH_ADD_KEYPTR(hh, w->objects, *key, strlen(*key), o);
                r = o->hh.tbl ? 0 : -ENOMEM;
        }
        if (r < 0) {
                free(o->life);
                free(o);
                return r;
        }

        o->key = TAKE_PTR(*key);
        o->object = TAKE_PTR(*update);
        o->next = w->by_kind[o->object->kind];
        if (o->next)
                o->next->previous = o;
        w->by_kind[o->object->kind] = o;
        w->n_objects++;
        *ret = o;
        return 0;
}

static void take_place(WorldStream *s, WorldObject *o) {
        o->stream = s;
        o->generation = s->generation;
}

/* The host has to look at a pod with each version that comes, also with one that tells nothing new (rule R3). */
static void note_news(World *w, WorldObject *o) {
        o->is_news = o->object->kind == KUBE_POD;
        w->has_news = w->has_news || o->is_news;
}

/* An object that cannot be read and whose name is not known either. */
static int note_unnamed(WorldStream *s, const KubeObject *update) {
        bool another = s->unnamed && !streq_ptr(s->unnamed_namespace, update->namespace);
        _cleanup_free_ char *text = NULL;
        int r;

        r = asprintf_ret(&text, "the %s whose name is not known%s%s cannot be read: %s",
                         kube_kind_to_string(update->kind), update->namespace[0] ? " in namespace " : "",
                         update->namespace, update->unreadable);
        if (r >= 0)
                r = free_and_strdup(&s->unnamed_namespace,
                                    another || !update->namespace[0] ? NULL : update->namespace);
        if (r < 0)
                return r;
        free(s->unnamed);
        s->unnamed = TAKE_PTR(text);
        s->unnamed_generation = s->generation;
        return 0;
}

/* Puts a new version of an object in place of what there was. object is taken, also on failure. -ENOSPC over
 * the ceiling, -ENOMEM. ret may be NULL, and is NULL for an object without a readable name. */
int world_stream_upsert(WorldStream *s, KubeObject *object, Instant now, WorldObject **ret) {
        _cleanup_(kube_object_freep) KubeObject *update = object;
        _cleanup_free_ char *key = NULL;
        bool is_heirs = false;
        WorldObject *o;
        int r;

        if (update->unreadable && isempty(update->name)) {
                if (ret)
                        *ret = NULL;
                return note_unnamed(s, update);
        }
        r = object_key(s->key, update->kind, update->namespace, update->name, &key);
        if (r < 0)
                return r;

        HASH_FIND_STR(s->world->objects, key, o);
        if (!o)
                r = add_object(s, &update, &key, now, &o);
        else {
                is_heirs = belongs_to_successor(o, s);
                if (is_outdated(o, s, update)) {
                        if (!is_heirs && o->stream->role == s->role)
                                take_place(s, o);
                        note_news(s->world, o);
                        if (ret)
                                *ret = o;
                        return 0;
                }
                r = carry_over(s, o, update, now);
                if (r >= 0) {
                        kube_object_free(o->object);
                        o->object = TAKE_PTR(update);
                }
        }
        if (r < 0)
                return r;

        o->is_former = false;
        note_news(s->world, o);
        if (!is_heirs)
                take_place(s, o);
        if (ret)
                *ret = o;
        return 0;
}

/* Drops an object, unless another stream brings it by now or it was created again. uid may be NULL. A stream that
 * is to take this one's place and is not in sync yet does not count as such: it may never bring the removal. Of an
 * object that cannot be read the uid may not be known. */
void world_stream_remove(WorldStream *s, KubeKind kind, const char *namespace, const char *name,
                         const char *uid) {
        WorldObject *o = find_of_stream(s->world, s->key, kind, namespace, name);

        if (!o || (!isempty(uid) && !isempty(o->object->uid) && !streq(uid, o->object->uid)))
                return;
        if (o->stream != s && (!belongs_to_successor(o, s) || o->stream->in_sync))
                return;
        drop_object(s->world, o);
}
