/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "base/hash.h"
#include "kube/object.h"
#include "ready/evidence.h"

/* All that the rules look at: the objects that the streams brought, how far the streams are to be believed,
 * and what the host says. The sources write it; the rules only read it. */

typedef struct World World;
typedef struct WorldStream WorldStream;
typedef struct WorldObject WorldObject;

typedef enum StreamRole {
        STREAM_NODES,
        STREAM_PODS,
        STREAM_PODS_UNSCHEDULED,
        STREAM_DAEMONSETS,
        STREAM_DEPLOYMENTS,
        STREAM_STATEFULSETS,
        STREAM_REPLICASETS,
        STREAM_LEASES,
        STREAM_EVENTS,
        STREAM_GENERIC,
        _STREAM_ROLE_MAX,
        _STREAM_ROLE_INVALID = -EINVAL,
} StreamRole;

/* A list and watch as the rules see it. While it is not in sync its objects may be out of date. */
struct WorldStream {
        World *world;
        StreamRole role;
        char *key; /* GENERIC: what it watches, "GROUP/VERSION/PLURAL NAMESPACE/NAME"; else NULL */
        char *node; /* NODES, PODS, LEASES: it was asked for this node, or for what is its, alone; else NULL */
        bool in_sync;
        bool listed;         /* in sync by a listing, not by resuming */
        usec_t synced;       /* monotonic */
        char *reason;        /* why not in sync */
        char *message;       /* likewise, may be NULL */
        unsigned generation; /* of the listing */
        /* What is wrong with objects that came without a readable name: any object may be one of them. NULL where
         * there are none. Of which namespace they are (NULL: not known, or of several), and in which listing or
         * after it the last one came. */
        char *unnamed, *unnamed_namespace;
        unsigned unnamed_generation;
        /* World.interest when the stream was made: it has dropped what no gate wanted then */
        uint64_t interest;
        WorldStream *next;
};

typedef enum ContainerLife {
        CONTAINER_UNPROBED,
        CONTAINER_ALIVE,
        CONTAINER_DEAD,       /* it was alive, or its group is there and empty */
        CONTAINER_MISSING,    /* there is no such group, and nobody saw one */
        CONTAINER_UNREADABLE, /* the cgroup root cannot be read, or the ID is no name of a group */
} ContainerLife;

struct WorldObject {
        KubeObject *object;
        WorldStream *stream;
        unsigned generation;
        bool is_former; /* brought before the API was last out of reach: by another server, perhaps */
        usec_t changed; /* boottime: when a change of its readiness or reason was last seen */
        usec_t shown;   /* pods: boottime: when a change of its columns was last seen */
        bool is_news;   /* pods: a version that the host has not been asked about yet */

        /* Pods: what the host says of each container, in the order of the pod's. */
        ContainerLife *life;
        /* Bare IDs that lived in the pod's folder, not named by its status, when all lived that the status names;
         * NULL: there was no such moment. */
        char **beside;
        bool is_restarted; /* the dead ones among the containers have successors, unknown to the status */
        bool observed;     /* IDs changed, or Ready went False to True, while we watched */

        /* Nodes: whether there was a sign of life since the API was last out of reach, and since when; how often the
         * Lease has moved since then; since when the boot ID has been the same (all times monotonic). */
        bool alive;
        usec_t alive_since;
        unsigned renewals;
        usec_t booted;

        char *key; /* unique among all objects */
        UT_hash_handle hh;
        WorldObject *previous, *next; /* of the same kind */
};

/* The message for REASON_NOT_ASKED. */
#define API_NOT_ASKED "the API server has not been asked yet"

typedef enum ApiState {
        API_UNREACHABLE, /* no connection, or it has not been asked yet */
        API_NOT_READY,   /* it answers, /readyz is not 200 */
        API_READY,
} ApiState;

/* What was found at a path of the API or at an address: what [Api], [Endpoint] and [Socket] judge. */
typedef struct WorldAnswer {
        char *key;
        Evidence evidence;
        char *reason;
        char *message;
        usec_t changed; /* boottime */
        UT_hash_handle hh;
} WorldAnswer;

/* What all lists and watches so far have cost. */
typedef struct StreamTotals {
        uint64_t requests, failures, listings, events, bytes;
        uint64_t restarts; /* watches beyond the first of each stream */
} StreamTotals;

typedef struct HostFacts {
        char *boot_id;
        char *machine_id; /* NULL where unreadable */
        char *host_name;
        char *lost_address; /* of our node, where this host does not have it, else NULL */
        char *cgroup_root;
        char *cgroup_trouble; /* why the cgroup root cannot be read, else NULL */
} HostFacts;

struct World {
        HostFacts host;
        char *context_setting; /* Context= of the configuration, NULL where it is not set */
        char *node_setting;    /* Node=, NULL for "local" */
        bool cluster_scope;
        uint64_t interest; /* changes with the set of objects that gates look at; from 1 */

        ApiState api;
        char *api_reason;
        char *api_message;
        usec_t api_changed;   /* boottime */
        usec_t api_ready;     /* boottime of the last change to API_READY, 0 before the first */
        bool api_was_away;    /* since the daemon began to ask */
        char *server;         /* its URL; NULL while there is no kubeconfig */
        char *server_ca;      /* a hash of its certificate authority; likewise */
        char *server_version; /* as /version says; NULL while it has not been asked */
        StreamTotals totals;

        WorldStream *streams;
        WorldObject *objects; /* by key */
        WorldObject *by_kind[_KUBE_KIND_MAX];
        size_t n_objects;
        bool has_news; /* there are pods whose is_news is set */
        WorldAnswer *answers;

        struct EventDigest *events; /* borrowed; NULL while no events are read */
        WorldObject *node;          /* ours, as node_choose() last found it; NULL where unknown */
};

int world_new(World **ret);
World *world_free(World *w);
DEFINE_CLEANUP(World, world_free)

int world_set_api(World *w, ApiState state, const char *reason, const char *message, Instant now);
void world_forget_observations(World *w);
int world_set_answer(World *w, const char *key, Evidence e, const char *reason, const char *message,
                     Instant now);
const WorldAnswer *world_answer(const World *w, const char *key);
void world_forget_answer(World *w, const char *key);

int world_add_stream(World *w, StreamRole role, const char *key, const char *node, WorldStream **ret);
WorldStream *world_stream_free(WorldStream *s);
int world_stream_set_sync(WorldStream *s, bool in_sync, const char *reason, const char *message,
                          Instant now);
void world_stream_listing_begins(WorldStream *s);
void world_stream_listing_complete(WorldStream *s);
int world_stream_upsert(WorldStream *s, KubeObject *object, Instant now, WorldObject **ret);
void world_stream_remove(WorldStream *s, KubeKind kind, const char *namespace, const char *name,
                         const char *uid);
bool world_role_in_sync(const World *w, StreamRole role, const char *key, const char **ret_reason,
                        const char **ret_message);
const char *world_api_reason(const World *w);
const char *world_unnamed(const World *w, unsigned roles, const char *key, const char *namespace);
void world_say_unreadable(const KubeObject *o, char *ret, size_t size);

WorldObject *world_find(const World *w, KubeKind kind, const char *namespace, const char *name);
WorldObject *world_find_uid(const World *w, KubeKind kind, const char *uid);

/* Iterates over the objects of a kind. */
#define WORLD_FOREACH(o, w, kind) for (WorldObject *o = (w)->by_kind[kind]; o; o = o->next)
