/* SPDX-License-Identifier: Apache-2.0 */

/* What a stream goes through:
 *
 *   waiting for /readyz -> requesting -> listing -> watching -> requesting -> watching -> …
 *                              ^            |           |    (a clean end)
 *                              +------- backing off <---+
 *                              |
 *                              +-> resuming -> watching
 *
 * Where the server can do it, one request lists and watches (WatchList); else a list in pages comes first.
 * Both ask without a resourceVersion, the only way to a consistent answer, so the first objects are of now
 * and not of the time when the server's cache was filled. Once a listing is complete, the next watch goes on
 * from its resourceVersion, or from that of the last event or bookmark.
 *
 * The purpose of all this is "in sync": the reflector says so when it knows that it has what the server has,
 * and takes it back at the first doubt. A watch ends cleanly every hour or two and is resumed within
 * milliseconds: that is no doubt, as long as the server answers. After any other end a resumed watch may
 * begin with an ERROR (410, as a frame of an answer that said 200), so the reflector waits for its first
 * frame, or for a second without one.
 *
 * That holds for one and the same server. After an outage another server may come up, with a database that
 * was restored: asked to watch from a version that it has not reached, it answers 200 and is silent for
 * ever, without even a bookmark (tried on 1.28 and 1.36). So after a refused connection, or a /readyz that
 * is not 200, the next request is a listing.
 *
 * Where client-go waits up to a minute, the reflector waits one second (five, on a network), because a boot
 * hangs on it. Where client-go waits for the end of the initial events for ever, the reflector gives up
 * after five seconds of silence. */

#include "kube/reflector-internal.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"

/* From a request to the header of its answer. A server with cold caches may take long. */
#define ANSWER_TIMEOUT (30 * USEC_PER_SEC)
/* The same for a watch that is resumed in sync: what we have is as old as the last end, and soon no longer
 * to be believed. */
#define RESUME_TIMEOUT (5 * USEC_PER_SEC)
#define BACKOFF_FIRST (100 * USEC_PER_MSEC)
#define FRUITLESS_MAX 3

/* Tells the version of the API server (/version). If it is another than before, what was learned of the
 * server is forgotten and every stream tries WatchList again. NULL: unknown, nothing changes. -ENOMEM:
 * nothing changed. */
int kube_server_traits_set_version(KubeServerTraits *t, const char *version) {
        bool another = t->version && version && !streq(t->version, version);
        int r;

        if (!version)
                return 0;
        r = free_and_strdup(&t->version, version);
        if (r >= 0 && another) {
                t->watch_list = -1;
                t->generation++;
        }
        return r < 0 ? r : 0;
}

void kube_server_traits_done(KubeServerTraits *t) {
        free(t->version);
        *t = KUBE_SERVER_TRAITS_INIT;
}

/* Creates a stream, which does nothing before reflector_start(). -ENOMEM is the only error. */
int reflector_new(const ReflectorConfig *config, Reflector **ret) {
        _cleanup_(reflector_freep) Reflector *r = NULL;
        int k;

        assert(config->query.resource && config->sink && config->traits && config->backoff_cap > 0);
        assert(config->sink->ops->object && config->sink->ops->deleted && config->sink->ops->sync_changed);
        assert(config->sink->ops->listing_begins && config->sink->ops->listing_complete);

        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;

        r->sink = config->sink;
        r->traits = config->traits;
        r->backoff_cap = config->backoff_cap;
        r->random = config->seed | 1;
        r->deadline = USEC_INFINITY;
        r->trouble = REFLECTOR_TROUBLE_NOT_SYNCED;
        r->body = BUFFER_INIT(LIMIT_HTTP_BODY);
        kube_scanner_init(&r->scanner, &reflector_scanner_ops, config->object_limit ?: LIMIT_OBJECT);

        k = kube_query_copy(&config->query, &r->query);
        if (k < 0)
                return k;

        *ret = TAKE_PTR(r);
        return 0;
}

Reflector *reflector_free(Reflector *r) {
        if (!r)
                return NULL;

        kube_scanner_done(&r->scanner);
        kube_refusal_done(&r->refusal);
        kube_query_done(&r->query);
        buffer_done(&r->body);
        free(r->path);
        free(r->resource_version);
        free(r->listed_version);
        free(r->continue_token);
        free(r->detail);
        return mfree(r);
}

/* Gives up the request that is open or due. */
static void drop_request(Reflector *r) {
        if (r->open)
                r->close_pending = true;
        r->open = r->request_pending = false;
}

/* A random time between half and all of what the failures in a row have earned. The server's Retry-After may
 * make it longer, up to the cap. */
static usec_t backoff_delay(Reflector *r, usec_t retry_after) {
        usec_t delay = r->backoff_cap;

        if (r->failures < 20)
                delay = usec_min(delay, BACKOFF_FIRST << (r->failures - 1));
        r->random ^= r->random << 13;
        r->random ^= r->random >> 7;
        r->random ^= r->random << 17;
        delay = delay / 2 + r->random % (delay / 2 + 1);
        return usec_min(MAX(delay, retry_after), r->backoff_cap);
}

/* Forgets earlier failures once a watch has gone on for a while. */
void reflector_forgive(Reflector *r, usec_t now) {
        if ((r->state == REFLECTOR_WATCHING || r->state == REFLECTOR_RESUMING) &&
            usec_sub(now, r->answered) >= REFLECTOR_WATCH_MIN)
                r->failures = r->short_watches = 0;
}

void reflector_fail(Reflector *r, usec_t now, ReflectorTrouble trouble, const char *detail,
                    usec_t retry_after) {
        reflector_forgive(r, now);
        drop_request(r);
        r->failures++;
        r->stats.failures++;
        reflector_set_state(r, REFLECTOR_BACKING_OFF, usec_add(now, backoff_delay(r, retry_after)));
        reflector_set_sync(r, false, trouble, detail);
}

/* Forgets the version to go on from: the next request lists. */
void reflector_forget_version(Reflector *r) {
        r->fruitless = 0;
        r->resource_version = mfree(r->resource_version);
        r->listed_version = mfree(r->listed_version);
        r->continue_token = mfree(r->continue_token);
}

/* Called when a watch fails, but not for lack of credentials or because the server is busy. If that happens
 * again and again and brings nothing new, the next event may be one that the server cannot read: a listing
 * gets past it. */
void reflector_doubt_version(Reflector *r) {
        if (r->asking == ASKING_WATCH && ++r->fruitless >= FRUITLESS_MAX)
                reflector_forget_version(r);
}

static bool watch_list_usable(const Reflector *r) {
        if (r->traits->watch_list == 0)
                return false;
        return !r->no_watch_list || r->no_watch_list_generation != r->traits->generation;
}

/* Remembers for all streams that the server has no WatchList, unless it has served one to another stream:
 * then for this stream alone. */
static void give_up_watch_list(Reflector *r) {
        if (r->traits->watch_list < 0)
                r->traits->watch_list = 0;
        r->no_watch_list = true;
        r->no_watch_list_generation = r->traits->generation;
}

static int make_path(Reflector *r) {
        r->path = mfree(r->path);
        switch (r->asking) {
        case ASKING_WATCH:
                return kube_path_watch(&r->query, r->resource_version, &r->path);
        case ASKING_WATCH_LIST:
                return kube_path_watch_list(&r->query, &r->path);
        default:
                return kube_path_list(&r->query, r->continue_token, &r->path);
        }
}

/* Asks for what is next. Sync is kept across this; the caller takes it back if it has a reason. */
void reflector_ask(Reflector *r, usec_t now) {
        int k;

        drop_request(r);
        if (!r->api_ready) {
                reflector_set_state(r, REFLECTOR_WAITING, USEC_INFINITY);
                reflector_set_sync(r, false, REFLECTOR_TROUBLE_API_NOT_READY, NULL);
                return;
        }

        if (r->continue_token)
                r->asking = ASKING_LIST;
        else if (r->resource_version)
                r->asking = ASKING_WATCH;
        else
                r->asking = watch_list_usable(r) ? ASKING_WATCH_LIST : ASKING_LIST;

        k = make_path(r);
        if (k < 0) {
                reflector_fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, strerror(-k), 0);
                return;
        }
        r->request_pending = true;
        r->requested = now;
        reflector_set_state(r, REFLECTOR_REQUESTING,
                            usec_add(now, r->in_sync ? RESUME_TIMEOUT : ANSWER_TIMEOUT));
}

/* Asks again, for a new listing if one was under way. */
static void ask_again(Reflector *r, usec_t now) {
        if (r->continue_token || r->state == REFLECTOR_LISTING)
                reflector_forget_version(r);
        reflector_ask(r, now);
}

/* Lists again: at once, or after a back-off if the last attempt failed, too. */
void reflector_list_again(Reflector *r, usec_t now, const char *detail) {
        reflector_forgive(r, now);
        reflector_forget_version(r);
        if (r->failures > 0) {
                reflector_fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, detail, 0);
                return;
        }
        r->failures++;
        r->stats.failures++;
        reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED, detail);
        reflector_ask(r, now);
}

void reflector_fall_back(Reflector *r, usec_t now, const char *why) {
        log_debug("%s: no WatchList (%s), listing", r->query.resource->plural, why);
        give_up_watch_list(r);
        reflector_forget_version(r);
        reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED, NULL);
        reflector_ask(r, now);
}

/* Begins to follow the server, as soon as reflector_set_api_ready() says that it is ready. now is monotonic,
 * here and below. */
void reflector_start(Reflector *r, usec_t now) {
        if (r->state == REFLECTOR_STOPPED)
                reflector_ask(r, now);
}

/* Tells whether /readyz has answered 200. If not, nothing is asked, and what was open is neither believed
 * nor gone on from. */
void reflector_set_api_ready(Reflector *r, bool ready, usec_t now) {
        if (r->api_ready == ready)
                return;
        r->api_ready = ready;
        if (r->state == REFLECTOR_STOPPED)
                return;

        reflector_forgive(r, now);
        r->failures = 0;
        if (ready)
                reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED, NULL);
        else
                reflector_forget_version(r);
        ask_again(r, now);
}

/* Ends a back-off: something may have helped, such as new credentials or a port that opened. */
void reflector_kick(Reflector *r, usec_t now) {
        if (r->state == REFLECTOR_BACKING_OFF)
                ask_again(r, now);
}

static void answer_timed_out(Reflector *r, usec_t now) {
        if (r->in_sync) {
                r->deadline = usec_add(r->requested, ANSWER_TIMEOUT);
                reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED,
                                   "no answer yet to the resumed watch");
                return;
        }
        reflector_fail(r, now, REFLECTOR_TROUBLE_API_UNREACHABLE, "no answer in time", 0);
}

/* Tells the time: the deadline may have come. */
void reflector_tick(Reflector *r, usec_t now) {
        if (now < r->deadline)
                return;
        r->deadline = USEC_INFINITY;

        switch (r->state) {
        case REFLECTOR_BACKING_OFF:
                ask_again(r, now);
                break;
        case REFLECTOR_REQUESTING:
                answer_timed_out(r, now);
                break;
        case REFLECTOR_REFUSED:
                reflector_end_of_refusal(r, now);
                break;
        case REFLECTOR_LISTING:
                if (r->asking == ASKING_WATCH_LIST)
                        reflector_fall_back(r, now, "no end of the initial events");
                else
                        reflector_fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, "the list stalled", 0);
                break;
        case REFLECTOR_RESUMING:
                reflector_in_sync_again(r);
                break;
        default:
                break;
        }
}

/* The next thing that the owner is to do. The path is valid until the next input. */
ReflectorAction reflector_take_action(Reflector *r, const char **ret_path) {
        if (r->close_pending) {
                r->close_pending = false;
                return REFLECTOR_CLOSE;
        }
        if (r->credentials_pending) {
                r->credentials_pending = false;
                return REFLECTOR_CREDENTIALS;
        }
        if (r->request_pending) {
                r->request_pending = false;
                r->open = true;
                r->stats.requests++;
                *ret_path = r->path;
                return REFLECTOR_REQUEST;
        }
        return REFLECTOR_NOTHING;
}

/* When reflector_tick() is due; USEC_INFINITY: not at all. */
usec_t reflector_deadline(const Reflector *r) {
        return r->deadline;
}

bool reflector_in_sync(const Reflector *r) {
        return r->in_sync;
}

ReflectorState reflector_state(const Reflector *r) {
        return r->state;
}

ReflectorTrouble reflector_trouble(const Reflector *r) {
        return r->trouble;
}

const char *reflector_detail(const Reflector *r) {
        return r->detail;
}

const ReflectorStats *reflector_stats(const Reflector *r) {
        return &r->stats;
}
