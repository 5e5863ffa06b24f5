/* SPDX-License-Identifier: Apache-2.0 */

/* What follows from an answer: from its header, its body and its end. */

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "kube/reflector-internal.h"

/* How long a WatchList may go without an initial event (ADDED) or a part of one. Changes meanwhile do not
 * count, or a server that never ends the initial events would be waited for as long as its cluster is busy. */
#define WATCH_LIST_SILENCE (5 * USEC_PER_SEC)
/* How long a page of a list may go without a byte. */
#define PAGE_SILENCE (30 * USEC_PER_SEC)
/* How long the body of a refusal may take. */
#define REFUSAL_TIMEOUT (5 * USEC_PER_SEC)
/* How long a resumed watch that was answered may still begin with an ERROR. */
#define RESUME_SETTLE (1 * USEC_PER_SEC)
#define SHORT_WATCHES_MAX 3
/* Ten times what all objects that we may keep need: a server that goes on sending pages is broken. */
#define PAGES_MAX 4096

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

/* Once, until the server grants a request. */
static void ask_for_credentials(Reflector *r) {
        if (!r->credentials_asked)
                r->credentials_asked = r->credentials_pending = true;
}

static bool is_terminal_for_version(unsigned code) {
        /* 400 and 422 may be due to the version; after a 404 the state is another. */
        return code == 400 || code == 404 || code == 422;
}

static bool may_be_of_version(unsigned code) {
        return code != 401 && code != 403 && code != 429 && code != 503;
}

/* Acts upon r->refusal. in_stream: it came as an ERROR of a stream. */
static void act_on_refusal(Reflector *r, bool in_stream, usec_t now) {
        const KubeRefusal *refusal = &r->refusal;
        char detail[LIMIT_MESSAGE + 64];

        if (refusal->message)
                snprintf(detail, sizeof(detail), "%s (%s%u)", refusal->message, in_stream ? "" : "HTTP ",
                         refusal->code);
        else
                snprintf(detail, sizeof(detail), "%s%u", in_stream ? "error " : "HTTP ", refusal->code);

        if (r->asking == ASKING_WATCH_LIST && !r->resource_version &&
            (refusal->code == 422 || (in_stream && refusal->code == 500))) {
                reflector_fall_back(r, now, detail);
                return;
        }
        if (refusal->expired || refusal->too_large) {
                reflector_list_again(r, now, detail);
                return;
        }

        if (is_terminal_for_version(refusal->code))
                reflector_forget_version(r);
        else if (may_be_of_version(refusal->code))
                reflector_doubt_version(r);
        if (refusal->code == 401)
                ask_for_credentials(r);
        reflector_fail(r, now, trouble_of_code(refusal->code), detail, refusal->retry_after);
}

/* Takes the body of a refusal for complete. */
void reflector_end_of_refusal(Reflector *r, usec_t now) {
        kube_refusal_done(&r->refusal);
        kube_refusal_read(&r->refusal, r->status, r->retry_after, buffer_cstr(&r->body), r->body.size);
        buffer_done(&r->body);
        act_on_refusal(r, false, now);
}

static bool is_json(const char *content_type) {
        const char *rest;

        if (isempty(content_type))
                return true;
        rest = strncasecmp(content_type, "application/json", 16) == 0 ? content_type + 16 : NULL;
        return rest && (*rest == '\0' || *rest == ';' || *rest == ' ');
}

static void begin_answer(Reflector *r, usec_t now) {
        r->credentials_asked = r->credentials_pending = false;
        r->answered = now;
        r->news = r->frames = false;
        r->initial = true;
        kube_scanner_reset(&r->scanner, r->asking == ASKING_LIST ? KUBE_SCAN_LIST : KUBE_SCAN_WATCH);

        switch (r->asking) {
        case ASKING_WATCH:
                if (r->in_sync)
                        reflector_set_state(r, REFLECTOR_WATCHING, USEC_INFINITY);
                else
                        reflector_set_state(r, REFLECTOR_RESUMING, usec_add(now, RESUME_SETTLE));
                return;
        case ASKING_WATCH_LIST:
                reflector_set_state(r, REFLECTOR_LISTING, usec_add(now, WATCH_LIST_SILENCE));
                break;
        case ASKING_LIST:
                reflector_set_state(r, REFLECTOR_LISTING, usec_add(now, PAGE_SILENCE));
                if (r->continue_token)
                        return;
                break;
        }

        r->pages = 0;
        r->stats.listings++;
        r->sink->ops->listing_begins(r->sink);
}

/* Tells the header of the answer. retry_after: a time span, 0 or USEC_INFINITY if it has none; content_type
 * may be NULL. */
void reflector_response(Reflector *r, unsigned status, usec_t retry_after, const char *content_type,
                        usec_t now) {
        char detail[256];

        if (!r->open || r->state != REFLECTOR_REQUESTING)
                return;

        if (status != 200) {
                r->status = status;
                r->retry_after = retry_after;
                buffer_clear(&r->body);
                reflector_set_state(r, REFLECTOR_REFUSED, usec_add(now, REFUSAL_TIMEOUT));
                reflector_set_sync(r, false, trouble_of_code(status), NULL);
                return;
        }
        if (!is_json(content_type)) {
                snprintf(detail, sizeof(detail), "the answer is %.128s, not JSON", content_type);
                reflector_fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, strip_control(detail), 0);
                return;
        }
        begin_answer(r, now);
}

static bool is_brief(const Reflector *r, usec_t now) {
        return usec_sub(now, r->answered) < REFLECTOR_WATCH_MIN;
}

/* Acts upon an error of the scanner. */
static void scan_failed(Reflector *r, int error, usec_t now) {
        char detail[LIMIT_MESSAGE];

        if (error == -ECANCELED) { /* an ERROR is in r->refusal */
                act_on_refusal(r, true, now);
                return;
        }

        switch (error) {
        case -EBADMSG:
                snprintf(detail, sizeof(detail), "the answer is not a list or watch of the API");
                break;
        case -ENODATA:
                snprintf(detail, sizeof(detail), "the answer was cut off");
                break;
        case -E2BIG:
                snprintf(detail, sizeof(detail), "a part of the answer is too large to be read");
                break;
        default:
                snprintf(detail, sizeof(detail), "%s", strerror(-error));
        }

        /* If cut off within an object, all before it was whole. After other errors something is lost. */
        if (error != -ENODATA)
                reflector_forget_version(r);
        else if (is_brief(r, now))
                reflector_doubt_version(r);
        reflector_fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, strip_control(detail), 0);
}

/* Tells a piece of the body. */
void reflector_bytes(Reflector *r, const void *data, size_t size, usec_t now) {
        int k;

        if (!r->open || size == 0)
                return;
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
                reflector_in_sync_again(r);
}

/* A page has come whole. */
static void end_of_page(Reflector *r, usec_t now) {
        const char *token = kube_scanner_continue(&r->scanner);
        int k = 0;

        /* Of all pages the first one's version counts: going on from too early repeats events, from too late
         * loses some. */
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
        reflector_ask(r, now);
}

/* A watch has ended cleanly. */
static void end_of_watch(Reflector *r, usec_t now) {
        bool brief = is_brief(r, now);

        reflector_forgive(r, now);
        if (brief && (!r->news || ++r->short_watches > SHORT_WATCHES_MAX)) {
                reflector_doubt_version(r);
                reflector_fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED, "the watch ended at once", 0);
                return;
        }
        reflector_ask(r, now);
}

static void end_of_body(Reflector *r, usec_t now) {
        int k;

        if (r->state == REFLECTOR_REQUESTING) {
                reflector_fail(r, now, REFLECTOR_TROUBLE_API_UNREACHABLE,
                               "the connection ended without an answer", 0);
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
                reflector_fail(r, now, REFLECTOR_TROUBLE_NOT_SYNCED,
                               "the watch ended within its initial events", 0);
}

/* Tells that the request and its connection are over. detail, in words for users, may be NULL. */
void reflector_end(Reflector *r, KubeEnd end, const char *detail, usec_t now) {
        assert(end >= 0 && end < _KUBE_END_MAX);

        if (!r->open)
                return;
        r->open = false;

        if (r->state == REFLECTOR_REFUSED) {
                reflector_end_of_refusal(r, now);
                return;
        }
        if (end == KUBE_END_EOF) {
                end_of_body(r, now);
                return;
        }

        /* The server that comes back may be another one. */
        if (end == KUBE_END_CONNECT)
                reflector_forget_version(r);
        /* Certificates on either side may have been replaced together with the kubeconfig. */
        if (end == KUBE_END_TLS || end == KUBE_END_CREDENTIALS)
                ask_for_credentials(r);
        reflector_fail(r, now, trouble_of_end(end), isempty(detail) ? kube_end_to_string(end) : detail, 0);
}
