/* SPDX-License-Identifier: Apache-2.0 */

/* [Endpoint]: asks a URL as a user's browser would: the name by the host's name servers, a connection of its own, the
 * certificate checked, and only the header of the answer. */

#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "question.h"
#include "ready/check-kinds.h"

typedef struct Endpoint {
        Question question;
        StatusRange *expect;
        size_t n_expect;
        char *ca_file;
        HttpTarget *target;  /* made of the CA; NULL: the system's CAs, or not read yet */
        struct stat ca_seen; /* the file that target was made of */
        HttpRequest request;
        int status;
} Endpoint;

static void endpoint_done(Question *q) {
        Endpoint *e = container_of(q, Endpoint, question);

        http_request_done(&e->request);
        http_target_unref(e->target);
        free(e->expect);
        free(e->ca_file);
}

static int endpoint_init(Question *q, const CheckDefinition *definition) {
        const EndpointDefinition *d = CHECK_AS(EndpointDefinition, definition);
        Endpoint *e = container_of(q, Endpoint, question);

        e->ca_file = d->ca_file ? strdup(d->ca_file) : NULL;
        e->expect = calloc(d->expect.n_ranges, sizeof(StatusRange));
        if ((d->ca_file && !e->ca_file) || !e->expect)
                return -ENOMEM;
        memcpy(e->expect, d->expect.ranges, d->expect.n_ranges * sizeof(StatusRange));
        e->n_expect = d->expect.n_ranges;
        return 0;
}

static bool is_expected(const Endpoint *e, int status) {
        for (size_t i = 0; i < e->n_expect; i++)
                if (status >= (int) e->expect[i].from && status <= (int) e->expect[i].to)
                        return true;
        return false;
}

static void judge_status(Endpoint *e) {
        char text[QUESTION_TEXT_MAX] = "";
        int n;

        if (is_expected(e, e->status)) {
                question_settle(&e->question, EVIDENCE_TRUE, NULL, text);
                return;
        }

        n = snprintf(text, sizeof(text), "it answered %d, expected ", e->status);
        for (size_t i = 0; i < e->n_expect && n < (int) sizeof(text); i++) {
                const StatusRange *x = &e->expect[i];
                size_t left = sizeof(text) - (size_t) n;

                n += x->from == x->to
                             ? snprintf(text + n, left, "%s%u", i > 0 ? "," : "", x->from)
                             : snprintf(text + n, left, "%s%u-%u", i > 0 ? "," : "", x->from, x->to);
        }
        question_settle(&e->question, EVIDENCE_FALSE, REASON_UNEXPECTED_STATUS, text);
}

/* Why an end without an answer shuts the gate; NULL: the trouble is the daemon's own, which is no evidence. */
static const char *const reasons[_HTTP_END_MAX] = {
        [HTTP_END_TRUNCATED] = REASON_DISCONNECTED,
        [HTTP_END_DISCONNECTED] = REASON_DISCONNECTED,
        [HTTP_END_REFUSED] = REASON_CONNECTION_REFUSED,
        [HTTP_END_UNREACHABLE] = REASON_UNREACHABLE,
        [HTTP_END_TIMEOUT] = REASON_TIMED_OUT,
        [HTTP_END_RESOLVE] = REASON_NAME_NOT_FOUND,
        [HTTP_END_RESOLVE_TIMEOUT] = REASON_NAME_SERVER_SILENT,
        [HTTP_END_TLS] = REASON_TLS,
        [HTTP_END_TLS_CLOCK] = REASON_CLOCK,
        [HTTP_END_TLS_EXPIRED] = REASON_TLS,
        [HTTP_END_TLS_CREDENTIALS] = REASON_TLS,
        [HTTP_END_PROTOCOL] = REASON_NOT_HTTP,
        [HTTP_END_TOO_LARGE] = REASON_NOT_HTTP,
};

/* Of failed connections libcurl's words say how many milliseconds they took, which would be another message each
 * time; they are left out there. */
static bool has_lasting_detail(HttpEnd end) {
        return end == HTTP_END_RESOLVE || end == HTTP_END_RESOLVE_TIMEOUT ||
               streq_ptr(reasons[end], REASON_TLS) || streq_ptr(reasons[end], REASON_CLOCK) ||
               (!reasons[end] && end != HTTP_END_NO_MEMORY);
}

static void judge_end(Endpoint *e, HttpEnd end, const char *detail) {
        const char *words = http_end_describe(end);
        bool with_detail = has_lasting_detail(end) && !isempty(detail);
        char text[QUESTION_TEXT_MAX];

        if (end == HTTP_END_TIMEOUT)
                snprintf(text, sizeof(text), "%s: no answer within %u s", words, QUESTION_TIMEOUT_SEC);
        else
                snprintf(text, sizeof(text), "%s%s%s", words, with_detail ? ": " : "",
                         with_detail ? detail : "");
        question_settle(&e->question, reasons[end] ? EVIDENCE_FALSE : EVIDENCE_NONE,
                        reasons[end] ?: REASON_CANNOT_ASK, text);
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

static void endpoint_ask(Question *q) {
        Endpoint *e = container_of(q, Endpoint, question);
        static const HttpRequestOps ops = { .on_status = on_status, .on_end = on_end };
        char text[QUESTION_TEXT_MAX];
        int r;

        e->status = 0;

        r = load_ca(e);
        if (r < 0) {
                snprintf(text, sizeof(text), "CAFile=%s: %s", e->ca_file, file_read_fault(r));
                question_settle(q, EVIDENCE_NONE, REASON_CA_UNREADABLE, text);
                return;
        }
        r = http_request_start(q->hub->http, &e->request, &ops,
                               &(HttpRequestSpec){
                                       .url = q->address,
                                       .target = e->target,
                                       .timeout = QUESTION_TIMEOUT_SEC * USEC_PER_SEC,
                                       .fresh_connection = true,
                                       .head_only = true,
                               });
        if (r < 0) {
                snprintf(text, sizeof(text), "%s", r == -EINVAL ? "this URL is not valid" : strerror(-r));
                question_settle(&e->question, EVIDENCE_NONE, REASON_CANNOT_ASK, text);
        }
}

const Asker asker_endpoint = {
        .kind = &check_kind_endpoint,
        .size = sizeof(Endpoint),
        .init = endpoint_init,
        .ask = endpoint_ask,
        .done = endpoint_done,
};
