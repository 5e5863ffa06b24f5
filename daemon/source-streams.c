/* SPDX-License-Identifier: Apache-2.0 */

/* Joins reflectors (lib/kube), which know list and watch but no network, with requests (lib/http), which know only the
 * network. After each judgement the streams are compared with what the gates need. A stream whose objects are to be
 * watched in another way is replaced: the old one speaks until the new one is in sync. */

#include "source-streams.h"

#include "base/log.h"
#include "base/string-util.h"
#include "kube/reflector.h"
#include "ready/board.h"

typedef struct Stream {
        SourceStreams *source;
        ReflectorSink sink;
        Reflector *reflector;
        WorldStream *world;
        KubeQuery query;
        HttpRequest request;
        uint64_t watches;       /* begun */
        ReflectorStats counted; /* what the world's totals have of it */
        LoopTimer timer;
        bool pumping;
        bool is_refused; /* it waits for credentials to be read */
        bool wanted;
        struct Stream *next;
} Stream;

struct SourceStreams {
        Hub *hub;
        const SourceKubeconfig *kubeconfig;
        SourceStreamsOps *ops;
        Stream *streams;
        KubeServerTraits traits;
        uint64_t seed;
        LoopDeferred sweep;
};

static void pump(Stream *t);

/* The sink: the reflector's objects go into the world. */

static bool sink_wanted(ReflectorSink *sink, const KubeBrief *brief) {
        Stream *t = container_of(sink, Stream, sink);

        return board_wants(&t->source->hub->readiness->board, t->query.resource->kind, brief);
}

static int sink_object(ReflectorSink *sink, KubeObject *o, bool initial) {
        Stream *t = container_of(sink, Stream, sink);
        Hub *hub = t->source->hub;
        bool is_node = o->kind == KUBE_NODE;
        Instant now = instant_now();
        int r;

        if (o->unreadable && (o->kind == KUBE_EVENT || o->kind == KUBE_LEASE)) {
                kube_object_free(o);
                return 0;
        }
        if (o->kind == KUBE_EVENT) {
                r = event_digest_feed(hub->readiness->events, (const KubeEvent *) o, now.boottime,
                                      now_realtime());
                kube_object_free(o);
                if (r > 0)
                        hub_touch(hub);
                return MIN(r, 0);
        }

        r = world_stream_upsert(t->world, o, now, NULL);
        if (r < 0)
                return r;
        /* A part of a listing proves nothing, and to judge the gates for each of a thousand packets, over
         * all objects that came before, took most of the time of a large listing. Nodes are few, and other
         * streams wait for the name of ours. */
        if (!initial || is_node)
                hub_touch(hub);
        return 0;
}

static void sink_deleted(ReflectorSink *sink, const char *namespace, const char *name, const char *uid) {
        Stream *t = container_of(sink, Stream, sink);

        if (t->query.resource->kind == KUBE_EVENT)
                return;
        world_stream_remove(t->world, t->query.resource->kind, namespace, name, uid);
        hub_touch(t->source->hub);
}

static void sink_listing_begins(ReflectorSink *sink) {
        world_stream_listing_begins(container_of(sink, Stream, sink)->world);
}

static void sink_listing_complete(ReflectorSink *sink) {
        Stream *t = container_of(sink, Stream, sink);

        world_stream_listing_complete(t->world);
        hub_touch(t->source->hub);
}

static void sink_sync_changed(ReflectorSink *sink, bool in_sync, ReflectorTrouble trouble,
                              const char *detail) {
        Stream *t = container_of(sink, Stream, sink);
        SourceStreams *s = t->source;
        _cleanup_free_ char *text = detail ? strdup(detail) : NULL;
        int r;

        if (text)
                strip_control(text);
        log_debug("Stream of %s: %s%s%s", t->query.resource->plural,
                  in_sync ? "in sync" : reflector_trouble_to_string(trouble), text ? ": " : "",
                  strempty(text));
        r = world_stream_set_sync(t->world, in_sync, reflector_trouble_to_string(trouble), text,
                                  instant_now());
        if (r < 0)
                loop_fail(s->hub->loop, r);
        if (trouble == REFLECTOR_TROUBLE_API_UNREACHABLE)
                s->ops->doubt(s->ops);
        hub_touch(s->hub);
}

static const ReflectorSinkOps sink_ops = {
        .wanted = sink_wanted,
        .object = sink_object,
        .deleted = sink_deleted,
        .listing_begins = sink_listing_begins,
        .listing_complete = sink_listing_complete,
        .sync_changed = sink_sync_changed,
};

/* The request: the reflector is fed with the server's bytes. */

static void on_status(HttpRequest *request, const HttpStatus *status) {
        Stream *t = container_of(request, Stream, request);

        reflector_response(t->reflector, (unsigned) status->code,
                           status->retry_after == USEC_INFINITY ? 0 : status->retry_after,
                           status->content_type, now_monotonic());
        pump(t);
}

static int on_body(HttpRequest *request, const char *data, size_t size) {
        Stream *t = container_of(request, Stream, request);

        reflector_bytes(t->reflector, data, size, now_monotonic());
        pump(t);
        return 0;
}

static KubeEnd end_of(HttpEnd end) {
        switch (end) {
        case HTTP_END_EOF:
                return KUBE_END_EOF;
        case HTTP_END_TRUNCATED:
        case HTTP_END_DISCONNECTED:
        case HTTP_END_ABORTED:
                return KUBE_END_CUT;
        case HTTP_END_REFUSED:
        case HTTP_END_UNREACHABLE:
        case HTTP_END_RESOLVE:
        case HTTP_END_RESOLVE_TIMEOUT:
        case HTTP_END_PROXY:
                return KUBE_END_CONNECT;
        case HTTP_END_TIMEOUT:
                return KUBE_END_TIMEOUT;
        case HTTP_END_TLS:
                return KUBE_END_TLS;
        case HTTP_END_TLS_CREDENTIALS:
                return KUBE_END_CREDENTIALS;
        case HTTP_END_TLS_CLOCK:
        case HTTP_END_TLS_EXPIRED:
                return KUBE_END_CLOCK;
        case HTTP_END_PROTOCOL:
        case HTTP_END_TOO_LARGE:
                return KUBE_END_PROTOCOL;
        default:
                return KUBE_END_INTERNAL;
        }
}

static void on_end(HttpRequest *request, HttpEnd end, const char *detail) {
        Stream *t = container_of(request, Stream, request);
        SourceStreamsOps *ops = t->source->ops;

        reflector_end(t->reflector, end_of(end), isempty(detail) ? http_end_describe(end) : detail,
                      now_monotonic());
        if (end != HTTP_END_EOF)
                ops->doubt(ops);
        pump(t);
}

static const HttpRequestOps request_ops = {
        .on_status = on_status,
        .on_body = on_body,
        .on_end = on_end,
};

static int start_request(Stream *t, const char *path) {
        const SourceKubeconfig *k = t->source->kubeconfig;
        const KubeConfig *c = source_kubeconfig_get(k);
        _cleanup_free_ char *url = NULL;
        int r;

        if (!c)
                return -ENOENT;
        r = asprintf_ret(&url, "%s%s", c->server, path);
        if (r < 0)
                return r;
        if (strstr(path, "watch=") && t->watches++ > 0)
                t->source->hub->readiness->world->totals.restarts++;
        return http_request_start(t->source->hub->http, &t->request, &request_ops,
                                  &(HttpRequestSpec){
                                          .url = url,
                                          .target = source_kubeconfig_target(k),
                                          .token = c->token.data,
                                          .accept = "application/json",
                                  });
}

static void on_timer(LoopTimer *timer) {
        Stream *t = container_of(timer, Stream, timer);

        reflector_tick(t->reflector, now_monotonic());
        pump(t);
}

/* Adds what the stream has done since the last time to the world's totals. */
static void count(Stream *t) {
        StreamTotals *totals = &t->source->hub->readiness->world->totals;
        const ReflectorStats *s = reflector_stats(t->reflector);

        totals->requests += s->requests - t->counted.requests;
        totals->failures += s->failures - t->counted.failures;
        totals->listings += s->listings - t->counted.listings;
        totals->events += s->frames - t->counted.frames;
        totals->bytes += s->bytes - t->counted.bytes;
        t->counted = *s;
}

/* Does what the reflector asks for until it asks for nothing more, then sets its alarm. */
static void pump(Stream *t) {
        const char *path;
        int r;

        if (t->pumping)
                return;
        t->pumping = true;
        for (;;) {
                ReflectorAction action = reflector_take_action(t->reflector, &path);

                if (action == REFLECTOR_NOTHING)
                        break;
                switch (action) {
                case REFLECTOR_CLOSE:
                        http_request_done(&t->request);
                        break;
                case REFLECTOR_CREDENTIALS:
                        t->is_refused = true;
                        t->source->ops->credentials_refused(t->source->ops);
                        break;
                default:
                        r = start_request(t, path);
                        if (r < 0)
                                reflector_end(t->reflector, KUBE_END_INTERNAL, strerror(-r),
                                              now_monotonic());
                }
        }
        t->pumping = false;

        count(t);
        loop_timer_set(t->source->hub->loop, &t->timer, reflector_deadline(t->reflector), on_timer);
}

static Stream *stream_free(Stream *t) {
        if (!t)
                return NULL;

        http_request_done(&t->request);
        loop_timer_done(&t->timer);
        reflector_free(t->reflector);
        world_stream_free(t->world);
        kube_query_done(&t->query);
        return mfree(t);
}
DEFINE_CLEANUP(Stream, stream_free)

static int stream_new(SourceStreams *s, const StreamDemand *demand, Stream **ret) {
        const KubeConfig *c = source_kubeconfig_get(s->kubeconfig);
        _cleanup_(stream_freep) Stream *t = NULL;
        int r;

        t = calloc(1, sizeof(Stream));
        if (!t)
                return -ENOMEM;
        t->source = s;
        t->sink.ops = &sink_ops;

        r = kube_query_copy(&demand->query, &t->query);
        if (r < 0)
                return r;
        r = world_add_stream(s->hub->readiness->world, demand->role, demand->key, demand->node, &t->world);
        if (r < 0)
                return r;
        r = reflector_new(
                &(ReflectorConfig){
                        .query = t->query,
                        .sink = &t->sink,
                        .traits = &s->traits,
                        .backoff_cap = c && kube_config_is_loopback(c) ? REFLECTOR_CAP_LOOPBACK
                                                                       : REFLECTOR_CAP_REMOTE,
                        .seed = ++s->seed * UINT64_C(0x9e3779b97f4a7c15),
                },
                &t->reflector);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(t);
        return 0;
}

/* Makes sure that there is such a stream, for what the gates look at now. An old stream that still speaks is
 * never taken into use again: the objects that its successor has brought would go with the successor, and no
 * stream would bring them again. */
static int want(const StreamDemand *demand, void *userdata) {
        SourceStreams *s = userdata;
        Stream *t;
        int r;

        for (t = s->streams; t; t = t->next)
                if (t->world->role == demand->role && streq_ptr(t->world->key, demand->key))
                        break; /* the newest stands first */
        if (t && t->world->interest == s->hub->readiness->world->interest &&
            kube_query_equal(&t->query, &demand->query)) {
                t->wanted = true;
                return 0;
        }

        r = stream_new(s, demand, &t);
        if (r < 0)
                return r;
        t->wanted = true;
        t->next = s->streams;
        s->streams = t;

        reflector_start(t->reflector, now_monotonic());
        reflector_set_api_ready(t->reflector, s->hub->readiness->world->api == API_READY, now_monotonic());
        pump(t);
        return 0;
}

static bool are_of_one_kind(const Stream *a, const Stream *b) {
        return a->world->role == b->world->role && streq_ptr(a->world->key, b->world->key);
}

/* Tells whether a newer stream, which is not wanted any more either, has all objects that this one has
 * brought. */
static bool is_superseded(const SourceStreams *s, const Stream *old) {
        for (const Stream *t = s->streams; t != old; t = t->next)
                if (!t->wanted && t->world->in_sync && are_of_one_kind(t, old) &&
                    kube_query_equal(&t->query, &old->query))
                        return true;
        return false;
}

/* A stream that is not wanted any more speaks until its successor is in sync; a stream of another node's
 * pods does not. A stream of nodes also speaks in the middle of its listing: the first node that it brings
 * may be ours, which is why another stream is wanted now. If it took that node along, all nodes would be
 * listed once more, and so on for ever. */
static bool may_speak_on(const SourceStreams *s, const Stream *old) {
        if (old->world->role == STREAM_LEASES || old->world->role == STREAM_EVENTS ||
            (!old->world->in_sync && (old->world->role != STREAM_NODES ||
                                      old->world->interest != s->hub->readiness->world->interest)))
                return false;
        if (is_superseded(s, old))
                return false;
        for (const Stream *t = s->streams; t; t = t->next)
                if (t != old && t->wanted && are_of_one_kind(t, old))
                        return !t->world->in_sync &&
                               (old->world->role != STREAM_PODS || kube_query_equal(&old->query, &t->query));
        return false;
}

static void on_sweep(LoopDeferred *deferred) {
        SourceStreams *s = container_of(deferred, SourceStreams, sweep);

        for (Stream **p = &s->streams; *p;) {
                Stream *t = *p;

                if (t->wanted || may_speak_on(s, t)) {
                        p = &t->next;
                        continue;
                }
                *p = t->next;
                log_debug("Stream of %s%s%s: not wanted any more", t->query.resource->plural,
                          t->query.field_selector ? " " : "", strempty(t->query.field_selector));
                stream_free(t);
                hub_touch(s->hub);
        }
}

/* Begins the streams that the gates need now and that are missing, and ends those that they do not need. */
void source_streams_update(SourceStreams *s) {
        int r;

        if (!source_kubeconfig_get(s->kubeconfig))
                return;
        for (Stream *t = s->streams; t; t = t->next)
                t->wanted = false;
        r = board_demand(&s->hub->readiness->board, s->hub->readiness->world, want, s);
        if (r < 0) {
                loop_fail(s->hub->loop, r);
                return;
        }
        for (Stream *t = s->streams; t; t = t->next)
                if (!t->wanted) {
                        loop_deferred_set(s->hub->loop, &s->sweep, on_sweep);
                        return;
                }
}

/* /readyz has answered 200, or has ceased to. */
void source_streams_api_changed(SourceStreams *s) {
        bool ready = s->hub->readiness->world->api == API_READY;

        for (Stream *t = s->streams; t; t = t->next) {
                reflector_set_api_ready(t->reflector, ready, now_monotonic());
                pump(t);
        }
}

/* The world knows another version of the server. */
void source_streams_version_changed(SourceStreams *s) {
        if (kube_server_traits_set_version(&s->traits, s->hub->readiness->world->server_version) < 0)
                loop_fail(s->hub->loop, -ENOMEM);
}

/* The credentials have been read again: the streams that were refused try them at once, and where they are others
 * (changed) every stream that is backing off does. */
void source_streams_credentials_read(SourceStreams *s, bool changed) {
        for (Stream *t = s->streams; t; t = t->next) {
                if (!changed && !t->is_refused)
                        continue;
                t->is_refused = false;
                reflector_kick(t->reflector, now_monotonic());
                pump(t);
        }
}

/* Another server, or other gates: every stream is replaced by a new one beside it. */
void source_streams_connect_again(SourceStreams *s) {
        s->hub->readiness->world->interest++;
        source_streams_update(s);
}

/* kubeconfig and ops outlive it. -ENOMEM. */
int source_streams_new(Hub *hub, const SourceKubeconfig *kubeconfig, SourceStreamsOps *ops,
                       SourceStreams **ret) {
        SourceStreams *s = calloc(1, sizeof(SourceStreams));

        if (!s)
                return -ENOMEM;
        s->hub = hub;
        s->kubeconfig = kubeconfig;
        s->ops = ops;
        s->traits = KUBE_SERVER_TRAITS_INIT;
        s->seed = now_boottime();

        *ret = s;
        return 0;
}

SourceStreams *source_streams_free(SourceStreams *s) {
        if (!s)
                return NULL;

        while (s->streams) {
                Stream *t = s->streams;

                s->streams = t->next;
                stream_free(t);
        }
        loop_deferred_done(&s->sweep);
        kube_server_traits_done(&s->traits);
        return mfree(s);
}
