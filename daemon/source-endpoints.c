/* SPDX-License-Identifier: Apache-2.0 */

/* Asks addresses as a user's browser would: the name by the host's name servers, a connection of its own, the
 * certificate checked, and only the header of the answer. What comes of it is evidence whichever way it goes,
 * and the API has no part in it; what we could not ask for reasons of our own is none.
 *
 * Checks with the same address, expectation and CA share one question. Without such checks nothing runs. */

#include "source-endpoints.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "ready/check-kinds.h"

#define SHUT_USEC (5 * USEC_PER_SEC)
#define OPEN_USEC (30 * USEC_PER_SEC)
#define TIMEOUT_SEC 10U
/* Between the end of a question and the next one, where the answer took longer than the interval. */
#define PAUSE_USEC USEC_PER_SEC
#define TEXT_MAX 512

typedef struct Endpoint {
        SourceEndpoints *source;
        char *key; /* of the question, as the world has the answer */
        char *url;
        StatusRange *expect;
        size_t n_expect;
        char *ca_file;
        HttpTarget *target;  /* made of the CA; NULL: the system's CAs, or not read yet */
        struct stat ca_seen; /* the file that target was made of */

        usec_t interval; /* the shortest IntervalSec= of its checks, 0 where none has one */
        bool named;      /* by a check, still */
        bool open;       /* all gates that ask for it are open */
        Evidence evidence;
        HttpRequest request;
        int status;
        LoopTimer again;
        usec_t asked, pause_ends, due; /* monotonic */
        UT_hash_handle hh;
} Endpoint;

struct SourceEndpoints {
        Manager *manager;
        Endpoint *endpoints;
};

static Endpoint *endpoint_free(Endpoint *e) {
        if (!e)
                return NULL;

        http_request_done(&e->request);
        loop_timer_done(&e->again);
        http_target_unref(e->target);
        free(e->expect);
        free(e->ca_file);
        free(e->url);
        free(e->key);
        return mfree(e);
}
DEFINE_CLEANUP(Endpoint, endpoint_free)

static int endpoint_new(SourceEndpoints *s, const EndpointDefinition *d, const char *key, Endpoint **ret) {
        _cleanup_(endpoint_freep) Endpoint *e = NULL;

        e = calloc(1, sizeof(Endpoint));
        if (!e)
                return -ENOMEM;
        e->source = s;
        e->key = strdup(key);
        e->url = strdup(d->question.address);
        e->ca_file = d->ca_file ? strdup(d->ca_file) : NULL;
        e->expect = calloc(d->expect.n_ranges + 1, sizeof(StatusRange));
        if (!e->key || !e->url || (d->ca_file && !e->ca_file) || !e->expect)
                return -ENOMEM;
        for (size_t i = 0; i < d->expect.n_ranges; i++)
                e->expect[e->n_expect++] = d->expect.ranges[i];

        HASH_ADD_KEYPTR(hh, s->endpoints, e->key, strlen(e->key), e);
        if (!e->hh.tbl)
                return -ENOMEM;

        *ret = TAKE_PTR(e);
        return 0;
}

static void forget(SourceEndpoints *s, Endpoint *e) {
        HASH_DEL(s->endpoints, e);
        world_forget_answer(s->manager->world, e->key);
        endpoint_free(e);
}

static void on_again(LoopTimer *timer);

/* Sets the time of the next question by what is known now. */
static void arm(Endpoint *e) {
        usec_t interval = e->open && e->evidence == EVIDENCE_TRUE ? OPEN_USEC : SHUT_USEC, due;

        if (e->interval > 0)
                interval = e->interval;
        due = e->asked == 0 ? now_monotonic() : MAX(usec_add(e->asked, interval), e->pause_ends);
        if (http_request_is_active(&e->request))
                return;
        if (loop_timer_is_armed(&e->again) && (e->asked == 0 || due == e->due))
                return;
        e->due = due;
        loop_timer_set(e->source->manager->loop, &e->again, due, on_again);
}

/* The question has an answer, or cannot be asked. text is cleaned in place. */
static void settle(Endpoint *e, Evidence evidence, const char *reason, char *text) {
        Manager *m = e->source->manager;
        int r;

        strip_control(text);
        if (evidence != e->evidence)
                log_debug("Endpoint %s: %s%s%s", e->url, evidence_to_string(evidence), text[0] ? ": " : "",
                          text);
        e->evidence = evidence;
        r = world_set_answer(m->world, e->key, evidence, reason, text[0] ? text : NULL, instant_now());
        if (r < 0)
                loop_fail(m->loop, r);
        else if (r > 0)
                manager_touch(m);

        e->pause_ends = usec_add(now_monotonic(), PAUSE_USEC);
        arm(e);
}

static bool is_expected(const Endpoint *e, int status) {
        for (size_t i = 0; i < e->n_expect; i++)
                if (status >= (int) e->expect[i].from && status <= (int) e->expect[i].to)
                        return true;
        return false;
}

static void judge_status(Endpoint *e) {
        char text[TEXT_MAX] = "";
        int n;

        if (is_expected(e, e->status)) {
                settle(e, EVIDENCE_TRUE, NULL, text);
                return;
        }

        n = snprintf(text, sizeof(text), "it answered %d, ", e->status);
        for (size_t i = 0; i < e->n_expect && n < (int) sizeof(text); i++) {
                const StatusRange *x = &e->expect[i];
                size_t left = sizeof(text) - (size_t) n;

                n += x->from == x->to
                             ? snprintf(text + n, left, "%s%u", i > 0 ? "," : "", x->from)
                             : snprintf(text + n, left, "%s%u-%u", i > 0 ? "," : "", x->from, x->to);
        }
        if (n < (int) sizeof(text))
                snprintf(text + n, sizeof(text) - (size_t) n, " is expected");
        settle(e, EVIDENCE_FALSE, REASON_UNEXPECTED_STATUS, text);
}

/* What an end without an answer says. libcurl's words are added only where they are the same each time: with
 * failed connections it tells how many milliseconds they took. */
static const struct {
        const char *reason; /* NULL: our own trouble, which is no evidence */
        const char *words;
        bool with_detail;
} ends[_HTTP_END_MAX] = {
        [HTTP_END_TRUNCATED] = { REASON_DISCONNECTED, "the connection broke inside the answer" },
        [HTTP_END_DISCONNECTED] = { REASON_DISCONNECTED, "the connection broke before the answer" },
        [HTTP_END_REFUSED] = { REASON_CONNECTION_REFUSED,
                               "the connection is refused: nobody listens there" },
        [HTTP_END_UNREACHABLE] = { REASON_UNREACHABLE, "there is no way to it, or none is allowed" },
        [HTTP_END_TIMEOUT] = { REASON_TIMED_OUT, "it timed out" },
        [HTTP_END_RESOLVE] = { REASON_NAME_NOT_FOUND, "its name is not known", true },
        [HTTP_END_RESOLVE_TIMEOUT] = { REASON_NAME_SERVER_SILENT, "no name server answers", true },
        [HTTP_END_TLS] = { REASON_TLS, "TLS failed", true },
        [HTTP_END_TLS_CLOCK] = { REASON_CLOCK, "its certificate is not valid yet at this host's time",
                                 true },
        [HTTP_END_TLS_EXPIRED] = { REASON_TLS, "its certificate has expired at this host's time", true },
        [HTTP_END_TLS_CREDENTIALS] = { REASON_TLS, "TLS failed, it wants a certificate of ours", true },
        [HTTP_END_PROTOCOL] = { REASON_NOT_HTTP, "its answer is not HTTP" },
        [HTTP_END_TOO_LARGE] = { REASON_NOT_HTTP, "the header of its answer is too large" },
        [HTTP_END_NO_MEMORY] = { NULL, "out of memory" },
};

static void judge_end(Endpoint *e, HttpEnd end, const char *detail) {
        const char *words = ends[end].words ?: http_end_to_string(end);
        bool with_detail = (ends[end].with_detail || !ends[end].words) && !isempty(detail);
        char text[TEXT_MAX];

        if (end == HTTP_END_TIMEOUT)
                snprintf(text, sizeof(text), "%s: no answer within %u s", words, TIMEOUT_SEC);
        else
                snprintf(text, sizeof(text), "%s%s%s", words, with_detail ? ": " : "",
                         with_detail ? detail : "");
        if (ends[end].reason)
                settle(e, EVIDENCE_FALSE, ends[end].reason, text);
        else
                settle(e, EVIDENCE_NONE, REASON_NOT_ASKED, text);
}

static void on_status(HttpRequest *request, const HttpStatus *status) {
        container_of(request, Endpoint, request)->status = status->code;
}

static void on_end(HttpRequest *request, HttpEnd end, const char *detail) {
        Endpoint *e = container_of(request, Endpoint, request);

        if (e->status > 0)
                judge_status(e);
        else
                judge_end(e, end == HTTP_END_EOF ? HTTP_END_DISCONNECTED : end, detail);
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads the CA where it is not the one that was read last. */
static int load_ca(Endpoint *e) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t size;
        int r;

        if (!e->ca_file)
                return 0;
        if (stat(e->ca_file, &st) < 0)
                return -errno;
        if (e->target && is_same_file(&st, &e->ca_seen))
                return 0;

        e->target = http_target_unref(e->target);
        r = file_read(e->ca_file, LIMIT_CREDENTIAL, &text, &size);
        if (r < 0)
                return r;
        e->ca_seen = st;
        return http_target_new(&(HttpTargetSpec){ .ca = text, .ca_size = size }, &e->target);
}

static void ask(Endpoint *e) {
        static const HttpRequestOps ops = { .on_status = on_status, .on_end = on_end };
        char text[TEXT_MAX];
        int r;

        e->asked = now_monotonic();
        e->status = 0;

        r = load_ca(e);
        if (r < 0) {
                snprintf(text, sizeof(text), "CAFile=%s: %s", e->ca_file, strerror(-r));
                settle(e, EVIDENCE_NONE, REASON_CA_UNREADABLE, text);
                return;
        }
        r = http_request_start(e->source->manager->http, &e->request, &ops,
                               &(HttpRequestSpec){
                                       .url = e->url,
                                       .target = e->target,
                                       .timeout = TIMEOUT_SEC * USEC_PER_SEC,
                                       .fresh_connection = true,
                                       .head_only = true,
                               });
        if (r < 0) {
                snprintf(text, sizeof(text), "%s", r == -EINVAL ? "this is no good URL" : strerror(-r));
                settle(e, EVIDENCE_NONE, REASON_NOT_ASKED, text);
        }
}

static void on_again(LoopTimer *timer) {
        ask(container_of(timer, Endpoint, again));
}

static int name(SourceEndpoints *s, const Gate *gate, const EndpointDefinition *d) {
        bool open = gate_state(gate) == GATE_READY || gate_state(gate) == GATE_UNKNOWN;
        _cleanup_free_ char *key = NULL;
        Endpoint *e;
        int r;

        r = check_kind_endpoint.question(&d->question.definition, &key);
        if (r < 0)
                return r;
        HASH_FIND_STR(s->endpoints, key, e);
        if (!e) {
                r = endpoint_new(s, d, key, &e);
                if (r < 0)
                        return r;
        }

        e->open = open && (e->open || !e->named);
        if (d->question.interval > 0)
                e->interval =
                        e->interval > 0 ? usec_min(e->interval, d->question.interval) : d->question.interval;
        e->named = true;
        return 0;
}

static int name_all(SourceEndpoints *s) {
        const Board *b = &s->manager->board;
        int r;

        for (size_t i = 0; i < b->n_gates; i++) {
                const Gate *g = b->gates[i];

                if (!gate_is_asked(g))
                        continue;
                for (size_t j = 0; j < g->n_checks; j++) {
                        if (g->checks[j].kind != &check_kind_endpoint)
                                continue;
                        r = name(s, g, CHECK_AS(EndpointDefinition, g->checks[j].definition));
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

void source_endpoints_update(SourceEndpoints *s) {
        Endpoint *e, *next;
        int r;

        HASH_ITER(hh, s->endpoints, e, next) {
                e->named = false;
                e->interval = 0;
        }
        r = name_all(s);
        if (r < 0) {
                loop_fail(s->manager->loop, r);
                return;
        }
        HASH_ITER(hh, s->endpoints, e, next)
                if (e->named)
                        arm(e);
                else
                        forget(s, e);
}

int source_endpoints_new(Manager *m, SourceEndpoints **ret) {
        SourceEndpoints *s = calloc(1, sizeof(SourceEndpoints));

        if (!s)
                return -ENOMEM;
        s->manager = m;

        *ret = s;
        return 0;
}

SourceEndpoints *source_endpoints_free(SourceEndpoints *s) {
        Endpoint *e, *next;

        if (!s)
                return NULL;

        HASH_ITER(hh, s->endpoints, e, next)
                forget(s, e);
        return mfree(s);
}
