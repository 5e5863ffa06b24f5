/* SPDX-License-Identifier: Apache-2.0 */

/* The facts. Two things happen here that are more than book-keeping, for both need an object's old version
 * beside its new one: a node's sign of life (rule R1) and the `observed` proof of a pod (rule R3). Both count
 * only what happens on a stream that was in sync before. After resuming from a resourceVersion, the server
 * first replays what we missed, which is the past: for a second nothing of that counts as seen. */

/* A map that cannot grow leaves the element out (its hh.tbl is NULL then) instead of ending the process. */

#include "ready/world.h"

#include "base/limits.h"
#include "base/string-util.h"

#define REPLAY_USEC USEC_PER_SEC

int world_new(World **ret) {
        World *w;

        w = calloc(1, sizeof(World));
        if (!w)
                return -ENOMEM;
        w->interest = 1;

        *ret = w;
        return 0;
}

static void world_drop_object(World *w, WorldObject *o) {
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

static void world_drop_answer(World *w, WorldAnswer *a) {
        HASH_DEL(w->answers, a);
        free(a->key);
        free(a->reason);
        free(a->message);
        free(a);
}

World *world_free(World *w) {
        WorldAnswer *a, *next;

        if (!w)
                return NULL;

        while (w->streams)
                world_stream_free(w->streams);
        assert(w->n_objects == 0);
        HASH_ITER(hh, w->answers, a, next)
                world_drop_answer(w, a);

        free(w->host.boot_id);
        free(w->host.machine_id);
        free(w->host.host_name);
        free(w->host.cgroup_trouble);
        free(w->host.lost_address);
        free(w->node_setting);
        free(w->api_reason);
        free(w->api_message);
        free(w->server);
        free(w->server_version);
        return mfree(w);
}

/* What comes first may be what was held back while nobody could say so. */
static void stream_catches_up(WorldStream *s, Instant now) {
        s->listed = false;
        s->synced = now.monotonic;
}

/* What was brought before the API was out of reach, the server that comes back may know nothing of. */
static void world_age_objects(World *w) {
        for (KubeKind k = 0; k < _KUBE_KIND_MAX; k++)
                WORLD_FOREACH(o, w, k)
                        o->is_former = true;
}

/* What a path of the API answered before it went out of reach says nothing of the server that comes back. */
static void world_forget_paths(World *w) {
        WorldAnswer *a, *next;

        HASH_ITER(hh, w->answers, a, next)
                if (a->key[0] == '/')
                        world_drop_answer(w, a);
}

/* The state of the API server. Leaving API_READY takes every sign of life back (rule R1). Returns 1 where
 * there is something else to tell: the state, the reason or the message. */
int world_set_api(World *w, ApiState state, const char *reason, const char *message, Instant now) {
        bool changed = state != w->api || !streq_ptr(reason, w->api_reason);
        int r;

        r = free_and_strdup(&w->api_reason, reason);
        if (r < 0)
                return r;
        r = free_and_strdup(&w->api_message, message);
        if (r < 0)
                return r;

        if (changed)
                w->api_changed = now.boottime;
        if (state == API_READY && w->api != API_READY)
                w->api_ready = now.boottime;
        if (state != API_READY) {
                w->host.kubelet_healthy = false;
                WORLD_FOREACH(o, w, KUBE_NODE)
                        o->alive = false;
                world_forget_paths(w);
        }
        if (state == API_READY && w->api != API_READY) {
                for (WorldStream *s = w->streams; s; s = s->next)
                        stream_catches_up(s, now);
                world_age_objects(w);
        }
        w->api = state;
        return changed || r > 0;
}

static void node_set_alive(WorldObject *o, Instant now) {
        if (o->alive)
                return;
        o->alive = true;
        o->alive_since = now.monotonic;
}

/* The kubelet's own healthz answered ok. Returns 1 where that is news. */
int world_set_kubelet_healthy(World *w, Instant now) {
        if (w->host.kubelet_healthy || w->api != API_READY)
                return 0;
        w->host.kubelet_healthy = true;
        w->host.healthy_since = now.monotonic;
        return 1;
}

const WorldAnswer *world_answer(const World *w, const char *key) {
        WorldAnswer *a;

        HASH_FIND_STR(w->answers, key, a);
        return a;
}

/* What asking at key (a path of the API, a URL) brought. Returns 1 where that differs from before. */
int world_set_answer(World *w, const char *key, Evidence e, const char *reason, const char *message,
                     Instant now) {
        WorldAnswer *a;
        int r, changed;

        HASH_FIND_STR(w->answers, key, a);
        if (!a) {
                a = calloc(1, sizeof(WorldAnswer));
                if (!a)
                        return -ENOMEM;
                a->key = strdup(key);
                if (!a->key) {
                        free(a);
                        return -ENOMEM;
                }
                a->changed = now.boottime;
                HASH_ADD_KEYPTR(hh, w->answers, a->key, strlen(a->key), a);
                if (!a->hh.tbl) {
                        free(a->key);
                        free(a);
                        return -ENOMEM;
                }
        }

        changed = a->evidence != e;
        a->evidence = e;
        r = free_and_strdup(&a->reason, reason);
        if (r < 0)
                return r;
        changed |= r;
        r = free_and_strdup(&a->message, message);
        if (r < 0)
                return r;
        if (changed)
                a->changed = now.boottime;
        return changed | r;
}

void world_forget_answer(World *w, const char *key) {
        WorldAnswer *a;

        HASH_FIND_STR(w->answers, key, a);
        if (a)
                world_drop_answer(w, a);
}

/* Adds a stream, not in sync. key (may be NULL) is copied. The world owns it until world_stream_free(). */
int world_add_stream(World *w, StreamRole role, const char *key, WorldStream **ret) {
        WorldStream *s;

        s = calloc(1, sizeof(WorldStream));
        if (!s)
                return -ENOMEM;
        s->world = w;
        s->role = role;
        s->interest = w->interest;
        s->key = key ? strdup(key) : NULL;
        if (key && !s->key) {
                free(s);
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
                                world_drop_object(w, o);
                }
}

/* A stream that was to take another's place goes first: what it brought is the other's again, which has brought it
 * before and is to be believed for as long as it is in sync. */
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

        free(s->key);
        free(s->reason);
        free(s->message);
        return mfree(s);
}

/* Says whether the stream is to be believed; reason (one of ours) and message where it is not. Returns 1
 * where anything of that is new. */
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
        s->listed = true;
}

/* Objects of two resources may have the same name: for KUBE_GENERIC the stream's key tells them apart. */
static int make_key(const char *stream, KubeKind kind, const char *namespace, const char *name, char **ret) {
        return asprintf_ret(ret, "%u %s%s%s/%s", (unsigned) kind,
                            kind == KUBE_GENERIC ? strempty(stream) : "", kind == KUBE_GENERIC ? " " : "",
                            strempty(namespace), name);
}

static WorldObject *find(const World *w, const char *stream, KubeKind kind, const char *namespace,
                         const char *name) {
        _cleanup_free_ char *key = NULL;
        WorldObject *o;

        if (make_key(stream, kind, namespace, name, &key) < 0)
                return NULL;
        HASH_FIND_STR(w->objects, key, o);
        return o;
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

static KubeStatus pod_ready(const KubePod *p) {
        const KubeCondition *c = kube_condition_find(p->conditions, p->n_conditions, "Ready");

        return c ? c->status : KUBE_STATUS_ABSENT;
}

static const char *pod_ready_reason(const KubePod *p) {
        const KubeCondition *c = kube_condition_find(p->conditions, p->n_conditions, "Ready");

        return c ? c->reason : NULL;
}

/* A pod that is scheduled leaves one stream and enters another, and the two are not in step: the listing of
 * the first may bring it as it was before. A binding is never undone. */
static bool is_before_binding(const WorldObject *o, const KubePod *new) {
        return !new->node &&KUBE_POD_OF(o->object)->node &&streq_ptr(o->object->uid, new->object.uid);
}

/* As the API server makes a pod. One that is seen first when it is further than that was there before: its labels or
 * its owner may have changed to what a gate looks at. */
static bool is_blank(const KubePod *p) {
        for (size_t i = 0; i < p->n_containers; i++)
                if (p->containers[i].id)
                        return false;
        return pod_ready(p) != KUBE_STATUS_TRUE;
}

static int pod_carry_over(WorldObject *o, const KubePod *new, bool witnessed, Instant now) {
        const KubePod *old = o->object ? KUBE_POD_OF(o->object) : NULL;
        ContainerLife *life;

        life = calloc(new->n_containers + 1, sizeof(ContainerLife));
        if (!life)
                return -ENOMEM;
        for (size_t i = 0; old && i < new->n_containers &&i < old->n_containers; i++)
                if (streq_ptr(new->containers[i].id, old->containers[i].id))
                        life[i] = o->life[i];
        free(o->life);
        o->life = life;

        if (!old || !streq_ptr(old->object.uid, new->object.uid)) {
                /* A pod that was created while we watched cannot carry a status of an earlier boot. */
                o->observed = witnessed && !old && is_blank(new);
                o->changed = now.boottime;
                return 0;
        }
        if (witnessed && (ids_differ(old, new) ||
                          (pod_ready(old) == KUBE_STATUS_FALSE && pod_ready(new) == KUBE_STATUS_TRUE)))
                o->observed = true;
        if (pod_ready(old) != pod_ready(new) || !streq_ptr(pod_ready_reason(old), pod_ready_reason(new)) ||
            !streq_ptr(old->phase, new->phase) || old->object.deleting != new->object.deleting)
                o->changed = now.boottime;
        return 0;
}

/* What was seen of the pods of a node in an earlier boot of it proves nothing of this one. */
static void forget_observations(World *w, const char *node) {
        WORLD_FOREACH(o, w, KUBE_POD)
                if (streq_ptr(KUBE_POD_OF(o->object)->node, node))
                        o->observed = false;
}

static void node_carry_over(World *w, WorldObject *o, const KubeNode *new, bool witnessed, Instant now) {
        const KubeNode *old = o->object ? KUBE_NODE_OF(o->object) : NULL;
        const KubeCondition *a, *b;

        if (!old || !streq_ptr(old->boot_id, new->boot_id)) {
                o->alive = false; /* `observed` counts from here, also for what runs on it */
                o->booted = now.monotonic;
                o->changed = now.boottime;
        }
        /* Also where it registers itself again: nobody knows what its boot ID was meanwhile. */
        if (!old || !streq_ptr(old->boot_id, new->boot_id))
                forget_observations(w, new->object.name);
        if (!old || !streq_ptr(old->object.uid, new->object.uid)) {
                o->alive = false;
                o->changed = now.boottime;
                if (witnessed)
                        node_set_alive(o, now); /* the kubelet has just registered it */
                return;
        }
        if (witnessed && !streq_ptr(old->boot_id, new->boot_id))
                node_set_alive(o, now);
        if (witnessed && old->status_hash != new->status_hash) {
                /* Whoever else writes a node's status says so: the lifecycle controller turns Ready to Unknown. */
                b = kube_condition_find(new->conditions, new->n_conditions, "Ready");
                if (b && b->status != KUBE_STATUS_UNKNOWN)
                        node_set_alive(o, now);
        }

        a = kube_condition_find(old->conditions, old->n_conditions, "Ready");
        b = kube_condition_find(new->conditions, new->n_conditions, "Ready");
        if ((a ? a->status : KUBE_STATUS_ABSENT) != (b ? b->status : KUBE_STATUS_ABSENT))
                o->changed = now.boottime;
        if (b && b->status == KUBE_STATUS_UNKNOWN)
                o->alive = false;
}

static void lease_carry_over(WorldStream *s, WorldObject *o, const KubeLease *new, bool witnessed,
                             Instant now) {
        const KubeLease *old = o->object ? (const KubeLease *) o->object : NULL;
        WorldObject *node;

        if (!witnessed || (old && streq_ptr(old->renew_time, new->renew_time)))
                return;
        if (!streq_ptr(new->object.namespace, "kube-node-lease"))
                return;

        node = world_find(s->world, KUBE_NODE, "", new->object.name);
        if (node)
                node_set_alive(node, now);
}

/* Whether the object was brought by a stream that is to take this one's place. For a while both bring the same,
 * not in step. What the new one has brought is its own, else it would go with the old one, and nobody would
 * bring it again. */
static bool belongs_to_successor(const WorldObject *o, const WorldStream *s) {
        if (!o->stream || o->stream == s || o->stream->role != s->role || !streq_ptr(o->stream->key, s->key))
                return false;
        /* The newest stands first. */
        for (const WorldStream *t = s->world->streams; t; t = t->next)
                if (t == s || t == o->stream)
                        return t == o->stream;
        return false;
}

/* Whether another stream knows better: this one lags behind, or its list was drawn up before what that one has told
 * since. Versions are of one server: one that was out of reach may have come back with a backup. Streams of two roles
 * are those of pods with and without a node: what both tell of one pod goes by its binding, but of two pods of one
 * name the later is the one that there is. */
static bool is_outdated(const WorldObject *o, const WorldStream *s, const KubeObject *new) {
        if (!o->object || o->stream == s || o->is_former)
                return false;
        if (new->kind == KUBE_POD && is_before_binding(o, KUBE_POD_OF(new)))
                return true;
        return !kube_version_is_later(new->resource_version, o->object->resource_version) &&
               (o->stream->role == s->role || !streq_ptr(o->object->uid, new->uid));
}

/* Puts a new version of an object in place of what there was. object is taken, also on failure. -ENOSPC over
 * the ceiling. ret may be NULL. */
int world_stream_upsert(WorldStream *s, KubeObject *object, Instant now, WorldObject **ret) {
        _cleanup_(kube_object_freep) KubeObject *new = object;
        _cleanup_free_ char *key = NULL;
        World *w = s->world;
        bool witnessed = stream_witnesses(s, now), is_heirs;
        WorldObject *o;
        int r;

        r = make_key(s->key, new->kind, new->namespace, new->name, &key);
        if (r < 0)
                return r;

        HASH_FIND_STR(w->objects, key, o);
        if (!o) {
                if (w->n_objects >= LIMIT_OBJECTS)
                        return -ENOSPC;
                o = calloc(1, sizeof(WorldObject));
                if (!o)
                        return -ENOMEM;
                o->changed = now.boottime;
        }

        is_heirs = belongs_to_successor(o, s);
        if (is_outdated(o, s, new)) {
                if (!is_heirs && o->stream->role == s->role) {
                        o->stream = s;
                        o->generation = s->generation;
                }
                if (ret)
                        *ret = o;
                return 0;
        }

        if (new->kind == KUBE_POD) {
                r = pod_carry_over(o, KUBE_POD_OF(new), witnessed, now);
                if (r < 0) {
                        if (!o->key)
                                free(o);
                        return r;
                }
        } else if (new->kind == KUBE_NODE)
                node_carry_over(w, o, KUBE_NODE_OF(new), witnessed, now);
        else if (new->kind == KUBE_LEASE)
                lease_carry_over(s, o, (const KubeLease *) new, witnessed, now);

        if (!o->key) {
                HASH_ADD_KEYPTR(hh, w->objects, key, strlen(key), o);
                if (!o->hh.tbl) {
                        free(o->life);
                        free(o);
                        return -ENOMEM;
                }
        }
        kube_object_free(o->object);
        o->object = TAKE_PTR(new);
        o->is_former = false;
        o->is_news = o->object->kind == KUBE_POD;
        w->has_news = w->has_news || o->is_news;
        if (!is_heirs) {
                o->stream = s;
                o->generation = s->generation;
        }
        if (!o->key) {
                o->key = TAKE_PTR(key);
                o->next = w->by_kind[o->object->kind];
                if (o->next)
                        o->next->previous = o;
                w->by_kind[o->object->kind] = o;
                w->n_objects++;
        }

        if (ret)
                *ret = o;
        return 0;
}

/* Drops an object, unless another stream brings it by now or it was created anew. uid may be NULL. A stream that
 * takes this one's place and is not in sync yet is no such stream: it may never say so. */
void world_stream_remove(WorldStream *s, KubeKind kind, const char *namespace, const char *name,
                         const char *uid) {
        WorldObject *o = find(s->world, s->key, kind, namespace, name);

        if (!o || (uid && o->object->uid && !streq(uid, o->object->uid)))
                return;
        if (o->stream != s && (!belongs_to_successor(o, s) || o->stream->in_sync))
                return;
        world_drop_object(s->world, o);
}

/* Why the API server is not ready. */
const char *world_api_reason(const World *w) {
        return w->api_reason ?: (w->api == API_NOT_READY ? REASON_API_NOT_READY : REASON_API_UNREACHABLE);
}

/* Since when (boottime) a stream that is not in sync cannot be: since the API is out of reach or not ready, else 0,
 * for since it is seen. */
usec_t world_doubt_since(const World *w) {
        return w->api == API_READY ? 0 : w->api_changed;
}

/* Whether there is a stream of this role (and key, where not NULL) that is to be believed, the API being
 * ready. Else why not: reason is one of ours; the texts live as long as the world is not changed. */
bool world_role_in_sync(const World *w, StreamRole role, const char *key, const char **ret_reason,
                        const char **ret_message) {
        const WorldStream *found = NULL;

        /* Over the whole cluster one stream brings all pods. */
        if (w->cluster_scope && role == STREAM_PODS_UNSCHEDULED)
                role = STREAM_PODS;
        if (w->api != API_READY) {
                *ret_reason = world_api_reason(w);
                *ret_message = w->api_message;
                return false;
        }
        for (const WorldStream *s = w->streams; s; s = s->next) {
                if (s->role != role || (key && !streq_ptr(s->key, key)))
                        continue;
                if (s->in_sync)
                        return true;
                found = s;
        }

        *ret_reason = found && found->reason ? found->reason : REASON_NOT_SYNCED;
        *ret_message = found ? found->message : NULL;
        return false;
}

bool world_has_role(const World *w, StreamRole role) {
        for (const WorldStream *s = w->streams; s; s = s->next)
                if (s->role == role)
                        return true;
        return false;
}

/* The object of this name, or NULL. Not for KUBE_GENERIC, whose names are not unique. */
WorldObject *world_find(const World *w, KubeKind kind, const char *namespace, const char *name) {
        return find(w, NULL, kind, namespace, name);
}

WorldObject *world_find_uid(const World *w, KubeKind kind, const char *uid) {
        WORLD_FOREACH(o, w, kind)
                if (streq_ptr(o->object->uid, uid))
                        return o;
        return NULL;
}
