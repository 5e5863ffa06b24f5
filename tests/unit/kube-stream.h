/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "base/string-util.h"
#include "kube-brief.h"
#include "kube/reflector-internal.h"

/* A reflector between a server that is played and a sink that keeps what it is told. */

#define STORE_MAX 64

typedef struct Stored {
        char key[32]; /* ns/name */
        char version[24];
        unsigned generation;
        char unreadable[100]; /* "" where it was read */
} Stored;

typedef struct Stream {
        ReflectorSink sink;
        Reflector *reflector;
        KubeServerTraits *traits;
        usec_t now;
        size_t piece; /* bytes per input; 0: of changing sizes */

        Stored store[STORE_MAX];
        size_t n_store;
        unsigned generation;
        const char *only; /* the app that is wanted; NULL: all */
        int fail;         /* what object() returns */
        unsigned listings, completed, sync_changes, deletions;

        bool open;
        char path[512]; /* of the last request */
        unsigned requests, closes, credentials;
} Stream;

static inline Stored *stream_find(Stream *s, const char *key) {
        for (size_t i = 0; i < s->n_store; i++)
                if (streq(s->store[i].key, key))
                        return &s->store[i];
        return NULL;
}

static bool stream_wanted(ReflectorSink *sink, const KubeBrief *brief) {
        Stream *s = container_of(sink, Stream, sink);

        return !s->only || brief_is_of_app(brief, s->only);
}

static int stream_object(ReflectorSink *sink, KubeObject *o, bool initial) {
        Stream *s = container_of(sink, Stream, sink);
        char key[32];
        Stored *e;

        if (s->fail < 0) {
                kube_object_free(o);
                return s->fail;
        }
        snprintf(key, sizeof(key), "%.15s/%.15s", o->namespace, o->name);
        e = stream_find(s, key);
        if (!e) {
                assert_true(s->n_store < STORE_MAX);
                e = &s->store[s->n_store++];
                snprintf(e->key, sizeof(e->key), "%s", key);
        }
        snprintf(e->version, sizeof(e->version), "%s", o->resource_version);
        e->generation = s->generation;
        snprintf(e->unreadable, sizeof(e->unreadable), "%s", strempty(o->unreadable));
        assert_true(initial == (reflector_state(s->reflector) == REFLECTOR_LISTING));
        kube_object_free(o);
        return 0;
}

static void stream_drop(Stream *s, Stored *e) {
        *e = s->store[--s->n_store];
}

static void stream_deleted(ReflectorSink *sink, const char *namespace, const char *name, const char *uid) {
        Stream *s = container_of(sink, Stream, sink);
        char key[32];
        Stored *e;

        s->deletions++;
        snprintf(key, sizeof(key), "%.15s/%.15s", namespace, name);
        e = stream_find(s, key);
        if (e)
                stream_drop(s, e);
}

static void stream_listing_begins(ReflectorSink *sink) {
        Stream *s = container_of(sink, Stream, sink);

        s->generation++;
        s->listings++;
}

static void stream_listing_complete(ReflectorSink *sink) {
        Stream *s = container_of(sink, Stream, sink);

        for (size_t i = s->n_store; i-- > 0;)
                if (s->store[i].generation != s->generation)
                        stream_drop(s, &s->store[i]);
        s->completed++;
}

static void stream_sync_changed(ReflectorSink *sink, bool in_sync, ReflectorTrouble trouble,
                                const char *detail) {
        Stream *s = container_of(sink, Stream, sink);

        assert_true(in_sync == reflector_in_sync(s->reflector));
        assert_true(in_sync == (trouble == REFLECTOR_TROUBLE_NONE));
        s->sync_changes++;
}

static const ReflectorSinkOps stream_ops = {
        .wanted = stream_wanted,
        .object = stream_object,
        .deleted = stream_deleted,
        .listing_begins = stream_listing_begins,
        .listing_complete = stream_listing_complete,
        .sync_changed = stream_sync_changed,
};

/* Does what the reflector says, as its owner would. */
static inline void stream_settle(Stream *s) {
        const char *path = NULL;
        ReflectorAction a;

        while ((a = reflector_take_action(s->reflector, &path)) != REFLECTOR_NOTHING)
                switch (a) {
                case REFLECTOR_CLOSE:
                        assert_true(s->open);
                        s->open = false;
                        s->closes++;
                        break;
                case REFLECTOR_CREDENTIALS:
                        s->credentials++;
                        break;
                case REFLECTOR_REQUEST:
                        assert_false(s->open);
                        s->open = true;
                        s->requests++;
                        snprintf(s->path, sizeof(s->path), "%s", path);
                        break;
                default:
                        fail_msg("no such action: %d", (int) a);
                }
}

static inline void stream_init(Stream *s, KubeKind kind, KubeServerTraits *traits, usec_t cap,
                               size_t object_limit) {
        const ReflectorConfig config = {
                .query = { .resource = kube_resource_of_kind(kind) },
                .sink = &s->sink,
                .traits = traits,
                .backoff_cap = cap,
                .object_limit = object_limit,
                .seed = 42,
        };

        s->sink.ops = &stream_ops;
        s->traits = traits;
        s->now = 1000 * USEC_PER_SEC;
        assert_ok(reflector_new(&config, &s->reflector));
}

static inline void stream_done(Stream *s) {
        s->reflector = reflector_free(s->reflector);
}

static inline void stream_answer_full(Stream *s, unsigned status, usec_t retry_after, const char *type) {
        assert_true(s->open);
        reflector_response(s->reflector, status, retry_after, type, s->now);
        stream_settle(s);
}

static inline void stream_answer(Stream *s, unsigned status) {
        stream_answer_full(s, status, USEC_INFINITY, "application/json");
}

/* The server sends bytes, cut into pieces; what comes after a close is lost. */
static inline void stream_send(Stream *s, const void *data, size_t size) {
        for (size_t i = 0; i < size && s->open;) {
                size_t n = s->piece ?: 1 + (i * 7919) % 173;

                n = MIN(n, size - i);
                reflector_bytes(s->reflector, (const char *) data + i, n, s->now);
                stream_settle(s);
                i += n;
        }
}

static inline void stream_say(Stream *s, const char *text) {
        stream_send(s, text, strlen(text));
}

static inline void stream_end(Stream *s, KubeEnd end) {
        assert_true(s->open);
        s->open = false;
        reflector_end(s->reflector, end, NULL, s->now);
        stream_settle(s);
}

/* Time goes by, with ticks whenever one is due. */
static inline void stream_wait(Stream *s, usec_t usec) {
        usec_t until = s->now + usec;

        while (reflector_deadline(s->reflector) <= until) {
                s->now = MAX(s->now, reflector_deadline(s->reflector));
                reflector_tick(s->reflector, s->now);
                stream_settle(s);
        }
        s->now = until;
}
