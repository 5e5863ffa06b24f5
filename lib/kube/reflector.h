/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/end.h"
#include "kube/resource.h"
#include "kube/scanner.h"

/* Keeps a copy of what the API server has in step with it: list and watch as a pure state machine. Bytes,
 * ends and times go in; requests and objects come out. All times are monotonic. */

typedef enum ReflectorState {
        REFLECTOR_STOPPED,
        REFLECTOR_WAITING,     /* for /readyz */
        REFLECTOR_BACKING_OFF, /* until the deadline */
        REFLECTOR_REQUESTING,  /* no answer yet */
        REFLECTOR_REFUSED,     /* an answer other than 200 whose body is being read */
        REFLECTOR_LISTING,     /* a page, or the initial events of a WatchList */
        REFLECTOR_RESUMING, /* answered 200 to a resumed watch, in sync with its first event or after 1 s */
        REFLECTOR_WATCHING,
        _REFLECTOR_STATE_MAX,
        _REFLECTOR_STATE_INVALID = -EINVAL,
} ReflectorState;

/* What the owner is to do now: one after the other, until REFLECTOR_NOTHING comes. */
typedef enum ReflectorAction {
        REFLECTOR_NOTHING,
        REFLECTOR_CLOSE,       /* drop the open request, without reflector_end() */
        REFLECTOR_CREDENTIALS, /* read them again, then reflector_kick() */
        REFLECTOR_REQUEST,     /* GET the path below the server's prefix; no request is open */
} ReflectorAction;

/* What the streams to one server learn of it, shared by all. */
typedef struct KubeServerTraits {
        char *version;       /* of the API server, NULL while unknown */
        int watch_list;      /* 1 works, 0 does not, -1 not known */
        uint64_t generation; /* of the version */
} KubeServerTraits;

#define KUBE_SERVER_TRAITS_INIT ((KubeServerTraits){ .watch_list = -1 })

int kube_server_traits_set_version(KubeServerTraits *t, const char *version);
void kube_server_traits_done(KubeServerTraits *t);

typedef struct ReflectorSink ReflectorSink;

/* Called inside the inputs below; must not call back into the reflector. */
typedef struct ReflectorSinkOps {
        /* Whether the sink wants the object. NULL: it wants all. */
        bool (*wanted)(ReflectorSink *s, const KubeBrief *brief);
        /* A new object or a new version of one, which the sink owns from now on, even if it fails. Where it
         * cannot be read it is known by its brief alone (KubeObject.unreadable); without a name it stands for
         * any object of the stream, or of its namespace: which one is changed or gone is not known. initial: it
         * is part of a listing. Below 0: the stream falls out of sync and begins again. */
        int (*object)(ReflectorSink *s, KubeObject *o, bool initial);
        /* The object is gone, or not wanted any more. The sink need not know it. */
        void (*deleted)(ReflectorSink *s, const char *namespace, const char *name, const char *uid);
        /* A listing begins, again maybe: initial objects from here on are all there are. */
        void (*listing_begins)(ReflectorSink *s);
        /* The listing is complete: objects that were not in it are gone. Comes before in_sync. */
        void (*listing_complete)(ReflectorSink *s);
        /* in_sync, trouble or detail has changed. detail may be NULL. */
        void (*sync_changed)(ReflectorSink *s, bool in_sync, ReflectorTrouble trouble, const char *detail);
} ReflectorSinkOps;

struct ReflectorSink {
        const ReflectorSinkOps *ops;
};

typedef struct ReflectorStats {
        uint64_t requests;
        uint64_t failures; /* all */
        uint64_t listings; /* begun */
        uint64_t frames;
        uint64_t bytes;
} ReflectorStats;

typedef struct ReflectorConfig {
        KubeQuery query;          /* copied */
        ReflectorSink *sink;      /* outlives the reflector */
        KubeServerTraits *traits; /* likewise */
        usec_t backoff_cap;       /* REFLECTOR_CAP_* */
        size_t object_limit;      /* LIMIT_OBJECT where 0 */
        uint64_t seed;            /* for the jitter */
} ReflectorConfig;

#define REFLECTOR_CAP_LOOPBACK (1 * USEC_PER_SEC)
#define REFLECTOR_CAP_REMOTE (5 * USEC_PER_SEC)

typedef struct Reflector Reflector;

int reflector_new(const ReflectorConfig *config, Reflector **ret);
Reflector *reflector_free(Reflector *r);
DEFINE_CLEANUP(Reflector, reflector_free)

/* Inputs. After each: take actions until there are none, then arm a timer at the deadline. */
void reflector_start(Reflector *r, usec_t now);
void reflector_set_api_ready(Reflector *r, bool ready, usec_t now);
void reflector_kick(Reflector *r, usec_t now);
void reflector_response(Reflector *r, unsigned status, usec_t retry_after, const char *content_type,
                        usec_t now);
void reflector_bytes(Reflector *r, const void *data, size_t size, usec_t now);
void reflector_end(Reflector *r, KubeEnd end, const char *detail, usec_t now);
void reflector_tick(Reflector *r, usec_t now);

ReflectorAction reflector_take_action(Reflector *r, const char **ret_path);
usec_t reflector_deadline(const Reflector *r);

const ReflectorStats *reflector_stats(const Reflector *r);
