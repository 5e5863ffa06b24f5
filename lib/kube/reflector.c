/* SPDX-License-Identifier: Apache-2.0 */

/* What a stream goes through:
 *
 *   waiting for /readyz -> requesting -> listing -> watching -> (clean end) requesting -> watching -> …
 *                              ^            |           |
 *                              +--- backing off <-------+-- (anything else) … requesting -> resuming ->
 * watching
 *
 * Where the server can do it, one request lists and watches (WatchList); else a list in pages comes first.
 * Either is asked for without a resourceVersion, the one way to a consistent answer, so the very first
 * objects are of now and not of whenever the server's cache was filled. Once a listing is complete, its
 * resourceVersion and that of each later event or bookmark is where the next watch goes on from.
 *
 * In sync is what this exists for: it is said where we know that we have what the server has, and taken back
 * as soon as there is a doubt. A watch ends cleanly every hour or two, and is resumed within milliseconds:
 * that is no doubt, as long as the server answers. After anything else a resumed watch may turn out to begin
 * with an ERROR (410, as a frame of an answer that said 200), so its first frame is waited for, or a second
 * without one.
 *
 * Where client-go waits up to a minute, this waits one second (five, on a network), because a boot hangs on
 * it. Where client-go waits for the end of the initial events for ever, this gives up after five seconds of
 * silence. */

#include "kube/reflector-internal.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"

/* From a request to the header of its answer. A server whose caches are cold may take its time. */
#define ANSWER_TIMEOUT (30 * USEC_PER_SEC)
/* The same for a watch that is resumed in sync: what we have is of the last end, and no longer to be
 * believed. */
#define RESUME_TIMEOUT (5 * USEC_PER_SEC)
/* No initial event (ADDED) of a WatchList, nor a part of one; what changes meanwhile does not count, or a
 * server that never ends the initial events of a busy cluster would be believed for ever to do so next. */
#define WATCH_LIST_SILENCE (5 * USEC_PER_SEC)
/* No byte within a page of a list. */
#define PAGE_SILENCE (30 * USEC_PER_SEC)
/* The body of a refusal. */
#define REFUSAL_TIMEOUT (5 * USEC_PER_SEC)
/* After a resumed watch was answered, without an ERROR. */
#define RESUME_SETTLE (1 * USEC_PER_SEC)
/* A watch that ends before is a failure, unless it brought something new; and a few times even then. */
#define WATCH_MIN (1 * USEC_PER_SEC)
#define SHORT_WATCHES_MAX 3

#define BACKOFF_FIRST (100 * USEC_PER_MSEC)
/* As many as there can be objects; a server that goes on giving pages for ever is broken. */
#define PAGES_MAX 4096

static const char *const state_table[_REFLECTOR_STATE_MAX] = {
        [REFLECTOR_STOPPED] = "stopped",         [REFLECTOR_WAITING] = "waiting",
        [REFLECTOR_BACKING_OFF] = "backing-off", [REFLECTOR_REQUESTING] = "requesting",
        [REFLECTOR_REFUSED] = "refused",         [REFLECTOR_LISTING] = "listing",
        [REFLECTOR_RESUMING] = "resuming",       [REFLECTOR_WATCHING] = "watching",
};

static const char *const action_table[_REFLECTOR_ACTION_MAX] = {
        [REFLECTOR_NOTHING] = "nothing",
        [REFLECTOR_CLOSE] = "close",
        [REFLECTOR_CREDENTIALS] = "credentials",
        [REFLECTOR_REQUEST] = "request",
};

const char *reflector_state_to_string(ReflectorState state) {
        return state >= 0 && state < _REFLECTOR_STATE_MAX ? state_table[state] : NULL;
}

const char *reflector_action_to_string(ReflectorAction action) {
        return action >= 0 && action < _REFLECTOR_ACTION_MAX ? action_table[action] : NULL;
}

/* The API server says what it is (/version). Another version than before: what was learned of it is
 * forgotten, and every stream tries WatchList again. NULL: not known, nothing changes. -ENOMEM: nothing
 * changed. */
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

/* -ENOMEM is the only error. */
int reflector_new(const ReflectorConfig *config, Reflector **ret) {
        _cleanup_(reflector_freep) Reflector *r = NULL;
        int k;

        assert(config->query.resource && config->sink && config->traits && config->backoff_cap > 0);

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

static void set_state(Reflector *r, ReflectorState state, usec_t deadline) {
        r->deadline = deadline;
        if (r->state == state)
                return;
        log_debug("%s: %s -> %s", r->query.resource->plural, state_table[r->state], state_table[state]);
        r->state = state;
}

void reflector_set_sync(Reflector *r, bool in_sync, ReflectorTrouble trouble, const char *detail) {
        char *copy;

        if (r->in_sync == in_sync && r->trouble == trouble && streq_ptr(r->detail, detail))
                return;

        copy = detail ? strdup(detail) : NULL;
        free(r->detail);
        r->detail = copy;
        r->in_sync = in_sync;
        r->trouble = trouble;
        if (in_sync)
                r->stats.streak = 0;
        log_debug("%s: %s%s%s%s", r->query.resource->plural,
                  in_sync ? "in sync" : "not in sync: ", reflector_trouble_to_string(trouble),
                  r->detail ? ": " : "", strempty(r->detail));
        r->sink->ops->sync_changed(r->sink, in_sync, trouble, r->detail);
}

/* Whatever is asked for or open is given up. */
static void drop_request(Reflector *r) {
        if (r->open)
                r->close_pending = true;
        r->open = r->request_pending = false;
}

/* Between half and all of what the failures in a row have earned; what the server asks for counts up to the
 * cap. */
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

/* A watch that has gone on for a while: what was before it is forgiven. */
static void forgive(Reflector *r, usec_t now) {
        if ((r->state == REFLECTOR_WATCHING || r->state == REFLECTOR_RESUMING) &&
            usec_sub(now, r->answered) >= WATCH_MIN)
                r->failures = r->short_watches = 0;
}

static void fail(Reflector *r, usec_t now, ReflectorTrouble trouble, const char *detail,
                 usec_t retry_after) {
        forgive(r, now);
        drop_request(r);
        r->failures++;
        r->stats.failures++;
        r->stats.streak++;
        set_state(r, REFLECTOR_BACKING_OFF, usec_add(now, backoff_delay(r, retry_after)));
        reflector_set_sync(r, false, trouble, detail);
}

/* What we have cannot be gone on from: the next request lists. */
static void forget_version(Reflector *r) {
        r->resource_version = mfree(r->resource_version);
        r->listed_version = mfree(r->listed_version);
        r->continue_token = mfree(r->continue_token);
}

static bool watch_list_usable(const Reflector *r) {
        if (r->traits->watch_list == 0)
                return false;
        return !r->no_watch_list || r->no_watch_list_generation != r->traits->generation;
}

/* Remembered for all streams, unless another one has shown that this server can: then it is ours alone. */
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

/* Asks for what is next. Sync is kept across this, and taken back by whoever has a reason. */
static void request(Reflector *r, usec_t now) {
        int k;

        drop_request(r);
        if (!r->api_ready) {
                set_state(r, REFLECTOR_WAITING, USEC_INFINITY);
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
                fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, strerror(-k), 0);
                return;
        }
        r->request_pending = true;
        r->requested = now;
        set_state(r, REFLECTOR_REQUESTING, usec_add(now, r->in_sync ? RESUME_TIMEOUT : ANSWER_TIMEOUT));
}

/* The listing that was begun, if any, is not gone on with. */
static void begin(Reflector *r, usec_t now) {
        if (r->continue_token || r->state == REFLECTOR_LISTING)
                forget_version(r);
        request(r, now);
}

/* Lists again; at once, unless that is what went wrong the last time. */
static void relist(Reflector *r, usec_t now, const char *detail) {
        forgive(r, now);
        forget_version(r);
        if (r->failures > 0) {
                fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, detail, 0);
                return;
        }
        r->failures++;
        r->stats.failures++;
        r->stats.streak++;
        reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED, detail);
        request(r, now);
}

static void fall_back(Reflector *r, usec_t now, const char *why) {
        log_debug("%s: no WatchList (%s), listing", r->query.resource->plural, why);
        give_up_watch_list(r);
        forget_version(r);
        reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED, NULL);
        request(r, now);
}

static ReflectorTrouble trouble_of_code(unsigned code) {
        switch (code) {
        case 401:
                return REFLECTOR_TROUBLE_UNAUTHORIZED;
        case 403:
                return REFLECTOR_TROUBLE_FORBIDDEN;
        case 404:
                return REFLECTOR_TROUBLE_NOT_FOUND;
        case 503:
                return REFLECTOR_TROUBLE_API_NOT_READY;
        default:
                return REFLECTOR_TROUBLE_NOT_SYNCED;
        }
}

static ReflectorTrouble trouble_of_end(KubeEnd end) {
        switch (end) {
        case KUBE_END_CLOCK:
                return REFLECTOR_TROUBLE_CLOCK;
        case KUBE_END_CREDENTIALS:
                return REFLECTOR_TROUBLE_UNAUTHORIZED;
        case KUBE_END_PROTOCOL:
        case KUBE_END_INTERNAL:
                return REFLECTOR_TROUBLE_NOT_SYNCED;
        default:
                return REFLECTOR_TROUBLE_API_UNREACHABLE;
        }
}

/* Once, until a request has been granted. */
static void ask_for_credentials(Reflector *r) {
        if (!r->credentials_asked)
                r->credentials_asked = r->credentials_pending = true;
}

static bool is_terminal_for_version(unsigned code) {
        /* What 400 and 422 find fault with may be the version; behind a 404 there is another truth. */
        return code == 400 || code == 404 || code == 422;
}

/* Acts upon r->refusal; in_stream: it came as an ERROR. */
static void refused(Reflector *r, bool in_stream, usec_t now) {
        const KubeRefusal *refusal = &r->refusal;
        char detail[LIMIT_MESSAGE + 64];

        if (refusal->message)
                snprintf(detail, sizeof(detail), "%s (%s%u)", refusal->message, in_stream ? "" : "HTTP ",
                         refusal->code);
        else
                snprintf(detail, sizeof(detail), "%s%u", in_stream ? "error " : "HTTP ", refusal->code);

        if (r->asking == ASKING_WATCH_LIST && !r->resource_version &&
            (refusal->code == 422 || (in_stream && refusal->code == 500))) {
                fall_back(r, now, detail);
                return;
        }
        if (refusal->expired || refusal->too_large) {
                relist(r, now, detail);
                return;
        }

        if (is_terminal_for_version(refusal->code))
                forget_version(r);
        if (refusal->code == 401)
                ask_for_credentials(r);
        fail(r, now, trouble_of_code(refusal->code), detail, refusal->retry_after);
}

/* The body of a refusal is as complete as it will be. */
static void end_of_refusal(Reflector *r, usec_t now) {
        kube_refusal_done(&r->refusal);
        kube_refusal_read(&r->refusal, r->status, r->retry_after, buffer_cstr(&r->body), r->body.size);
        buffer_done(&r->body);
        refused(r, false, now);
}

/* Begins to keep up with the server, as soon as it says that it is ready. All times are monotonic. */
void reflector_start(Reflector *r, usec_t now) {
        if (r->state == REFLECTOR_STOPPED)
                request(r, now);
}

/* Stops. The next start lists anew. */
void reflector_stop(Reflector *r) {
        drop_request(r);
        forget_version(r);
        r->credentials_pending = false;
        r->failures = r->short_watches = 0;
        set_state(r, REFLECTOR_STOPPED, USEC_INFINITY);
        reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED, NULL);
}

/* /readyz has answered 200, or has not: then nothing is asked, and nothing that is open is believed. */
void reflector_set_api_ready(Reflector *r, bool ready, usec_t now) {
        if (r->api_ready == ready)
                return;
        r->api_ready = ready;
        if (r->state == REFLECTOR_STOPPED)
                return;

        forgive(r, now);
        r->failures = 0;
        begin(r, now);
}

/* What is wanted has changed: lists again, beside what the sink has. */
void reflector_relist(Reflector *r, usec_t now) {
        if (r->state == REFLECTOR_STOPPED)
                return;
        forget_version(r);
        reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED, NULL);
        request(r, now);
}

/* Something has happened that may have helped: other credentials, a port that opened. A back-off ends. */
void reflector_kick(Reflector *r, usec_t now) {
        if (r->state == REFLECTOR_BACKING_OFF)
                begin(r, now);
}

static bool is_json(const char *content_type) {
        const char *rest;

        if (isempty(content_type))
                return true;
        rest = strncasecmp(content_type, "application/json", 16) == 0 ? content_type + 16 : NULL;
        return rest && (*rest == '\0' || *rest == ';' || *rest == ' ');
}

static void granted(Reflector *r, usec_t now) {
        r->credentials_asked = r->credentials_pending = false;
        r->answered = now;
        r->news = r->frames = false;
        r->initial = true;
        kube_scanner_reset(&r->scanner, r->asking == ASKING_LIST ? KUBE_SCAN_LIST : KUBE_SCAN_WATCH);

        switch (r->asking) {
        case ASKING_WATCH:
                if (r->in_sync)
                        set_state(r, REFLECTOR_WATCHING, USEC_INFINITY);
                else
                        set_state(r, REFLECTOR_RESUMING, usec_add(now, RESUME_SETTLE));
                return;
        case ASKING_WATCH_LIST:
                set_state(r, REFLECTOR_LISTING, usec_add(now, WATCH_LIST_SILENCE));
                break;
        case ASKING_LIST:
                set_state(r, REFLECTOR_LISTING, usec_add(now, PAGE_SILENCE));
                if (r->continue_token)
                        return;
                break;
        }

        r->pages = 0;
        r->stats.listings++;
        r->sink->ops->listing_begins(r->sink);
}

/* The header of the answer. retry_after: a time span, 0 or USEC_INFINITY where there is none; content_type
 * may be NULL. */
void reflector_response(Reflector *r, unsigned status, usec_t retry_after, const char *content_type,
                        usec_t now) {
        char detail[256];

        if (!r->open || r->state != REFLECTOR_REQUESTING)
                return;

        r->last_byte = now;
        if (status != 200) {
                r->status = status;
                r->retry_after = retry_after;
                buffer_clear(&r->body);
                set_state(r, REFLECTOR_REFUSED, usec_add(now, REFUSAL_TIMEOUT));
                reflector_set_sync(r, false, trouble_of_code(status), NULL);
                return;
        }
        if (!is_json(content_type)) {
                snprintf(detail, sizeof(detail), "the answer is %.128s, not JSON", content_type);
                fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, strip_control(detail), 0);
                return;
        }
        granted(r, now);
}

/* What the scanner found wrong. */
static void scan_failed(Reflector *r, int error, usec_t now) {
        char detail[LIMIT_MESSAGE];

        if (error == -ECANCELED) { /* an ERROR is in r->refusal */
                refused(r, true, now);
                return;
        }

        switch (error) {
        case -EBADMSG:
                snprintf(detail, sizeof(detail), "the answer is not what the API sends%s%.300s",
                         r->culprit[0] ? ", in " : "", r->culprit);
                break;
        case -ENODATA:
                snprintf(detail, sizeof(detail), "the answer was cut off");
                break;
        case -E2BIG:
                snprintf(detail, sizeof(detail), "an object is too large%s%.300s", r->culprit[0] ? ": " : "",
                         r->culprit);
                break;
        default:
                snprintf(detail, sizeof(detail), "%s", strerror(-error));
        }
        r->culprit[0] = '\0';

        /* Cut off within an object: what came before was whole. Else something has been lost. */
        if (error != -ENODATA)
                forget_version(r);
        fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, strip_control(detail), 0);
}

static void in_sync_again(Reflector *r) {
        set_state(r, REFLECTOR_WATCHING, USEC_INFINITY);
        reflector_set_sync(r, true, REFLECTOR_TROUBLE_NONE, NULL);
}

/* The initial events have ended: called from within the scanner. */
void reflector_watch_list_complete(Reflector *r) {
        r->traits->watch_list = 1;
        r->sink->ops->listing_complete(r->sink);
        in_sync_again(r);
}

/* Some of the body. */
void reflector_bytes(Reflector *r, const void *data, size_t size, usec_t now) {
        int k;

        if (!r->open || size == 0)
                return;
        r->last_byte = now;
        r->stats.bytes += size;

        switch (r->state) {
        case REFLECTOR_REFUSED:
                size = MIN(size, LIMIT_HTTP_BODY - r->body.size);
                (void) buffer_put(&r->body, data, size); /* without memory there is less to say */
                return;
        case REFLECTOR_LISTING:
        case REFLECTOR_RESUMING:
        case REFLECTOR_WATCHING:
                break;
        default:
                return;
        }

        k = kube_scanner_feed(&r->scanner, data, size);
        if (k < 0) {
                scan_failed(r, k, now);
                return;
        }

        if (r->state == REFLECTOR_LISTING) {
                if (r->asking == ASKING_LIST)
                        r->deadline = usec_add(now, PAGE_SILENCE);
                else if (r->initial)
                        r->deadline = usec_add(now, WATCH_LIST_SILENCE);
        } else if (r->state == REFLECTOR_RESUMING && r->frames)
                in_sync_again(r);
}

/* A page has come whole. */
static void end_of_page(Reflector *r, usec_t now) {
        const char *token = kube_scanner_continue(&r->scanner);
        int k = 0;

        /* Of all pages the first one's: going on from too early repeats events, from too late loses some. */
        if (r->pages == 0)
                k = free_and_strdup(&r->listed_version, kube_scanner_resource_version(&r->scanner));
        if (k >= 0)
                k = free_and_strdup(&r->continue_token, token);
        if (k < 0 || ++r->pages > PAGES_MAX) {
                scan_failed(r, k < 0 ? k : -EBADMSG, now);
                return;
        }

        if (!token) {
                free(r->resource_version);
                r->resource_version = TAKE_PTR(r->listed_version);
                r->sink->ops->listing_complete(r->sink);
                reflector_set_sync(r, true, REFLECTOR_TROUBLE_NONE, NULL);
        }
        request(r, now);
}

/* A watch has come to its end in order. */
static void end_of_watch(Reflector *r, usec_t now) {
        bool brief = usec_sub(now, r->answered) < WATCH_MIN;

        forgive(r, now);
        if (brief && (!r->news || ++r->short_watches > SHORT_WATCHES_MAX)) {
                fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, "the watch ended at once", 0);
                return;
        }
        request(r, now);
}

static void end_of_body(Reflector *r, usec_t now) {
        int k;

        if (r->state == REFLECTOR_REQUESTING) {
                fail(r, now, REFLECTOR_TROUBLE_API_UNREACHABLE, "the connection ended without an answer", 0);
                return;
        }

        k = kube_scanner_finish(&r->scanner);
        if (k < 0)
                scan_failed(r, k, now);
        else if (r->state != REFLECTOR_LISTING)
                end_of_watch(r, now);
        else if (r->asking == ASKING_LIST)
                end_of_page(r, now);
        else
                fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, "the watch ended within its initial events", 0);
}

/* The request is over, and with it the connection; nothing more comes of it. detail, in the words of whoever
 * carried it, may be NULL. */
void reflector_end(Reflector *r, KubeEnd end, const char *detail, usec_t now) {
        assert(end >= 0 && end < _KUBE_END_MAX);

        if (!r->open)
                return;
        r->open = false;

        if (r->state == REFLECTOR_REFUSED) {
                end_of_refusal(r, now);
                return;
        }
        if (end == KUBE_END_EOF) {
                end_of_body(r, now);
                return;
        }

        /* Certificates on either side may have been replaced together with the kubeconfig. */
        if (end == KUBE_END_TLS || end == KUBE_END_CREDENTIALS)
                ask_for_credentials(r);
        fail(r, now, trouble_of_end(end), isempty(detail) ? kube_end_to_string(end) : detail, 0);
}

static void answer_timed_out(Reflector *r, usec_t now) {
        if (r->in_sync) {
                r->deadline = usec_add(r->requested, ANSWER_TIMEOUT);
                reflector_set_sync(r, false, REFLECTOR_TROUBLE_NOT_SYNCED,
                                   "no answer yet to the watch that is to go on");
                return;
        }
        fail(r, now, REFLECTOR_TROUBLE_API_UNREACHABLE, "no answer in time", 0);
}

/* The deadline may have come. */
void reflector_tick(Reflector *r, usec_t now) {
        if (now < r->deadline)
                return;
        r->deadline = USEC_INFINITY;

        switch (r->state) {
        case REFLECTOR_BACKING_OFF:
                begin(r, now);
                break;
        case REFLECTOR_REQUESTING:
                answer_timed_out(r, now);
                break;
        case REFLECTOR_REFUSED:
                end_of_refusal(r, now);
                break;
        case REFLECTOR_LISTING:
                if (r->asking == ASKING_WATCH_LIST)
                        fall_back(r, now, "no end of the initial events");
                else
                        fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, "the list stopped coming", 0);
                break;
        case REFLECTOR_RESUMING:
                in_sync_again(r);
                break;
        default:
                break;
        }
}

/* The next thing to do. The path is the reflector's own, until the next input. */
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

/* When something last came from the server, 0: never. A hung server is found by this, over all streams. */
usec_t reflector_last_byte(const Reflector *r) {
        return r->last_byte;
}

const KubeQuery *reflector_query(const Reflector *r) {
        return &r->query;
}

const ReflectorStats *reflector_stats(const Reflector *r) {
        return &r->stats;
}
