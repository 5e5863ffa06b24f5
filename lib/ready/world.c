/* SPDX-License-Identifier: Apache-2.0 */

/* The facts, and what is asked of them. What the streams bring is in world-stream.c. */

#include "ready/world.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"

int world_new(World **ret) {
        World *w;

        w = calloc(1, sizeof(World));
        if (!w)
                return -ENOMEM;
        w->interest = 1;

        *ret = w;
        return 0;
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
        free(w->host.cgroup_root);
        free(w->host.cgroup_trouble);
        free(w->host.lost_address);
        free(w->context_setting);
        free(w->node_setting);
        free(w->api_reason);
        free(w->api_message);
        free(w->server);
        free(w->server_ca);
        free(w->server_version);
        return mfree(w);
}

/* The first events may be older than the moment in which the API became ready. */
static void stream_catches_up(WorldStream *s, Instant now) {
        s->listed = false;
        s->synced = now.monotonic;
}

/* The server that comes back may know nothing of the objects that came before the API went out of reach. */
static void world_age_objects(World *w) {
        for (KubeKind k = 0; k < _KUBE_KIND_MAX; k++)
                WORLD_FOREACH(o, w, k)
                        o->is_former = true;
}

/* Answers for paths that came before the API went out of reach say nothing of the server that comes back. */
static void world_forget_paths(World *w) {
        WorldAnswer *a, *next;

        HASH_ITER(hh, w->answers, a, next)
                if (a->key[0] == '/')
                        world_drop_answer(w, a);
}

/* The state of the API server; the first call tells what it is before the daemon has asked. Returns 1 where the state,
 * the reason or the message changed. */
int world_set_api(World *w, ApiState state, const char *reason, const char *message, Instant now) {
        bool changed = state != w->api || !streq_ptr(reason, w->api_reason);
        int r;

        r = free_and_strdup(&w->api_reason, reason);
        if (r < 0)
                return r;
        r = free_and_strdup(&w->api_message, message);
        if (r < 0)
                return r;

        if (state != API_READY && w->api_changed > 0)
                w->api_was_away = true;
        if (changed || w->api_changed == 0)
                w->api_changed = now.boottime;
        if (state == API_READY && w->api != API_READY)
                w->api_ready = now.boottime;
        if (state != API_READY) {
                world_forget_observations(w);
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

const WorldAnswer *world_answer(const World *w, const char *key) {
        WorldAnswer *a;

        HASH_FIND_STR(w->answers, key, a);
        return a;
}

/* Keeps the answer to the question of that key (a path of the API, or what CheckKind.question makes). Returns 1
 * where it differs from before, -ENOMEM. */
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

/* Why the API server is not ready. */
const char *world_api_reason(const World *w) {
        return w->api_reason ?: (w->api == API_NOT_READY ? REASON_API_NOT_READY : REASON_API_UNREACHABLE);
}

/* Whether the stream brings what the rules ask of its role. A stream that was asked for one node, or for its pods,
 * tells nothing of another that is ours now, nor that there is no node. */
static bool stream_serves(const WorldStream *s, StreamRole role, const char *key) {
        const WorldObject *ours = s->world->node;

        if (s->role != role || (key && !streq_ptr(s->key, key)))
                return false;
        return !s->node || (ours && streq(s->node, ours->object->name));
}

/* Whether the API is ready and a stream of this role (and key, where not NULL) is in sync, for our node where it is of
 * one node (rule R0). Else why not: reason is one of ours; the texts live as long as the world is not changed. */
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
                if (!stream_serves(s, role, key))
                        continue;
                if (s->in_sync)
                        return true;
                found = s;
        }

        *ret_reason = found && found->reason ? found->reason : REASON_NOT_SYNCED;
        *ret_message = found ? found->message : NULL;
        return false;
}

/* What is wrong with an object whose name could not be read, on a stream of these roles (1 << StreamRole; and of
 * key, where not NULL) that is in sync, unless it is known to be of another namespace (NULL: any). NULL where there
 * is none. Nothing that such streams say of the namespace is believed: it may be the newest version of any object. */
const char *world_unnamed(const World *w, unsigned roles, const char *key, const char *namespace) {
        if (w->api != API_READY)
                return NULL;
        for (const WorldStream *s = w->streams; s; s = s->next)
                if ((roles & 1U << s->role) && s->in_sync && s->unnamed &&
                    (!key || streq_ptr(s->key, key)) &&
                    (!namespace || !s->unnamed_namespace || streq(s->unnamed_namespace, namespace)))
                        return s->unnamed;
        return NULL;
}

/* Says which object cannot be read, and why, where others have to do without it. */
void world_say_unreadable(const KubeObject *o, char *ret, size_t size) {
        char text[LIMIT_MESSAGE + 64];

        snprintf(text, sizeof(text), "the %s %s cannot be read: %s", kube_kind_to_string(o->kind), o->name,
                 o->unreadable);
        snprintf(ret, size, "%.*s", (int) utf8_truncate(text, size - 1), text);
}
