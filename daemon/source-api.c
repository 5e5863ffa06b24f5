/* SPDX-License-Identifier: Apache-2.0 */

/* Is the API server there?
 *
 * MicroShift refuses every request until /readyz has answered 200 for the first time, no matter to which client; so
 * the daemon asks that, often, and nothing else before. Once /readyz has answered, a quiet cluster sends nothing: the
 * coarse timer asks again now and then, because a server that hangs closes no connection. */

#include "source-api.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "host-facts.h"
#include "message-id.h"
#include "ready/check-kinds.h"

/* Between questions while the server is not ready; more of them would fill its journal (it logs each failing
 * /readyz). */
#define PROBE_USEC (250 * USEC_PER_MSEC)
/* Between connections that fail at once to a server that is not on this host. */
#define PROBE_REMOTE_USEC USEC_PER_SEC
/* How often the host's files are read for a reason why the server does not answer. */
#define LOOK_USEC (5 * USEC_PER_SEC)
#define PROBE_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define TEXT_MAX 256

typedef struct ApiPath {
        SourceApi *source;
        char *path;
        HttpFetch fetch;
        LoopTimer again;
        bool wanted; /* by a check of an enabled gate */
        UT_hash_handle hh;
} ApiPath;

struct SourceApi {
        Hub *hub;
        SourceKubeconfig *kubeconfig;
        SourceApiOps *ops;
        HttpFetch probe;
        HttpFetch version_fetch;
        LoopTimer again;
        ApiPath *paths;
        char *name_trouble; /* why MicroShift may not start; NULL: not known */
        usec_t looked;      /* monotonic, at the files that tell that */
        bool told;          /* the reason that the world has is in the log */
};

static void probe(SourceApi *s);

static void on_again(LoopTimer *timer) {
        probe(container_of(timer, SourceApi, again));
}

static void probe_again(SourceApi *s, usec_t delay) {
        loop_timer_set(s->hub->loop, &s->again, usec_add(now_monotonic(), delay), on_again);
}

static void tell_transition(const SourceApi *s, ApiState before) {
        const World *w = s->hub->readiness->world;
        const LogField fields[] = {
                { "MESSAGE_ID",
                  w->api == API_READY ? MESSAGE_ID_API_REACHABLE : MESSAGE_ID_API_UNREACHABLE },
                { "MSREADY_REASON", w->api_reason },
                {},
        };

        if ((w->api == API_READY) != (before == API_READY))
                log_full(w->api == API_READY ? LOG_INFO : LOG_NOTICE, fields,
                         w->api == API_READY ? "API server %s is ready%s%s%s" : "API server %s: %s%s%s",
                         strna(w->server), w->api == API_READY ? "" : strna(w->api_reason),
                         w->api_message ? ": " : "", strempty(w->api_message));
}

/* That a server has not been asked yet is no news for the log: the answer is. */
static void set_state(SourceApi *s, ApiState state, const char *reason, const char *message) {
        World *w = s->hub->readiness->world;
        ApiState before = w->api;
        bool asked = !streq_ptr(reason, REASON_NOT_ASKED);
        bool is_new = state != API_READY && asked && (!s->told || !streq_ptr(w->api_reason, reason));
        _cleanup_free_ char *text = message ? strdup(message) : NULL;
        int r;

        if (text)
                strip_control(text);
        r = world_set_api(w, state, reason, text, instant_now());
        if (r < 0) {
                loop_fail(s->hub->loop, r);
                return;
        }

        if (asked)
                tell_transition(s, before);
        s->told = state != API_READY && asked;
        /* Without a kubeconfig there is no server to name, and the kubeconfig's trouble has been logged. */
        if (is_new && w->server && (before == API_READY) == (state == API_READY))
                log_notice("API server %s: %s%s%s", w->server, reason, text ? ": " : "", strempty(text));
        if ((state == API_READY) != (before == API_READY))
                s->ops->ready_changed(s->ops);
        if (r > 0)
                hub_touch(s->hub);
}

/* Puts an answer that is not 200 into words: the checks that fail, out of /readyz's "[-]etcd failed: reason
 * withheld"; else the message of a Status; else its first line. */
static void words_of(const char *body, char *ret, size_t size) {
        _cleanup_(jv_freep) JsonValue *status = NULL;
        size_t used = 0;

        ret[0] = '\0';
        for (const char *line = body; line && *line; line = strchr(line, '\n')) {
                const char *name;
                int n;

                if (*line == '\n')
                        line++;
                name = startswith(line, "[-]");
                if (!name || used + 1 >= size)
                        continue;
                n = snprintf(ret + used, size - used, "%s%.*s",
                             used > 0 ? ", " : "failing: ", (int) strcspn(name, " \n"), name);
                used += (size_t) MAX(n, 0);
        }
        if (used == 0 && jv_parse(body, strlen(body), &status) >= 0 && jv_get_string(status, "message"))
                snprintf(ret, size, "%s", jv_get_string(status, "message"));
        else if (used == 0)
                snprintf(ret, size, "%.*s", (int) strcspn(body, "\n"), body);
}

static void describe_answer(const HttpFetch *f, const char *subject, char ret[static TEXT_MAX]) {
        char words[192];

        words_of(buffer_cstr(&f->body), words, sizeof(words));
        snprintf(ret, TEXT_MAX, "%s answered %d%s%s", subject, f->status.code, words[0] ? ": " : "", words);
}

static const char *reason_of_status(int code) {
        return code == 401 ? REASON_UNAUTHORIZED : code == 403 ? REASON_FORBIDDEN : REASON_API_NOT_READY;
}

static void probe_answered(SourceApi *s) {
        const HttpFetch *f = &s->probe;
        int code = f->status.code;
        char text[TEXT_MAX];

        if (code == 200 && streq(buffer_cstr(&f->body), "ok")) {
                set_state(s, API_READY, NULL, NULL);
                return;
        }

        if (code == 200)
                snprintf(text, sizeof(text),
                         "/readyz returned 200 without \"ok\": not a Kubernetes API server");
        else
                describe_answer(f, "/readyz", text);
        set_state(s, API_NOT_READY, reason_of_status(code), text);
        if (code == 401)
                s->ops->credentials_refused(s->ops);
        probe_again(s, code == 401 || code == 403 ? PROBE_REMOTE_USEC : PROBE_USEC);
}

static const char *reason_of_end(HttpEnd end) {
        switch (end) {
        case HTTP_END_TLS_CLOCK:
        case HTTP_END_TLS_EXPIRED:
                return REASON_CLOCK;
        case HTTP_END_TLS_CREDENTIALS:
                return REASON_UNAUTHORIZED;
        default:
                return REASON_API_UNREACHABLE;
        }
}

static void ask_version(SourceApi *s);

/* Read now and then while no server answers: the administrator may change MicroShift's set-up meanwhile. */
static const char *name_trouble(SourceApi *s) {
        if (s->looked == 0 || now_monotonic() >= usec_add(s->looked, LOOK_USEC)) {
                s->looked = now_monotonic();
                s->name_trouble = mfree(s->name_trouble);
                (void) host_node_name_trouble(&s->name_trouble);
        }
        return s->name_trouble;
}

static void on_probed(HttpFetch *fetch, HttpEnd end, const char *detail) {
        SourceApi *s = container_of(fetch, SourceApi, probe);
        const KubeConfig *c = source_kubeconfig_get(s->kubeconfig);
        const World *w = s->hub->readiness->world;
        ApiState before = w->api;
        const char *trouble = NULL;
        char text[512];

        if (end == HTTP_END_EOF) {
                probe_answered(s);
                /* The server may come back as another release. */
                if (w->api == API_READY && (before != API_READY || !w->server_version))
                        ask_version(s);
                return;
        }

        if (end == HTTP_END_REFUSED)
                trouble = name_trouble(s);
        snprintf(text, sizeof(text), "%s%s%.200s%s%s", http_end_describe(end), isempty(detail) ? "" : ": ",
                 strempty(detail), trouble ? "; " : "", strempty(trouble));
        set_state(s, API_UNREACHABLE, reason_of_end(end), text);
        probe_again(s, c && kube_config_is_loopback(c) ? PROBE_USEC : PROBE_REMOTE_USEC);
}

static int start_fetch(SourceApi *s, HttpFetch *fetch, const char *path,
                       void (*on_done)(HttpFetch *fetch, HttpEnd end, const char *detail)) {
        const KubeConfig *c = source_kubeconfig_get(s->kubeconfig);
        _cleanup_free_ char *url = NULL;
        int r;

        r = asprintf_ret(&url, "%s%s", c->server, path);
        if (r < 0)
                return r;
        return http_fetch_start(s->hub->http, fetch,
                                &(HttpRequestSpec){
                                        .url = url,
                                        .target = source_kubeconfig_target(s->kubeconfig),
                                        .token = c->token.data,
                                        .timeout = PROBE_TIMEOUT_USEC,
                                },
                                LIMIT_HTTP_BODY, on_done);
}

static void probe(SourceApi *s) {
        const SourceKubeconfig *k = s->kubeconfig;
        int r;

        loop_timer_stop(&s->again);
        if (!source_kubeconfig_get(k)) {
                /* The kubeconfig's source watches the file and reports when there is one. */
                set_state(s, API_UNREACHABLE, source_kubeconfig_reason(k) ?: REASON_KUBECONFIG_MISSING,
                          source_kubeconfig_message(k));
                return;
        }
        if (http_request_is_active(&s->probe.request))
                return;

        r = start_fetch(s, &s->probe, "/readyz", on_probed);
        if (r < 0) {
                set_state(s, API_UNREACHABLE, REASON_API_UNREACHABLE, strerror(-r));
                probe_again(s, PROBE_REMOTE_USEC);
        }
}

static void on_version(HttpFetch *fetch, HttpEnd end, const char *detail) {
        SourceApi *s = container_of(fetch, SourceApi, version_fetch);
        World *w = s->hub->readiness->world;
        _cleanup_(jv_freep) JsonValue *v = NULL;
        const char *version;

        if (end != HTTP_END_EOF || fetch->status.code != 200 ||
            jv_parse(buffer_cstr(&fetch->body), fetch->body.size, &v) < 0)
                return;
        version = jv_get_string(v, "gitVersion");
        if (!version || free_and_strdup(&w->server_version, version) < 0)
                return;
        s->ops->version(s->ops);
        hub_touch(s->hub);
}

static void ask_version(SourceApi *s) {
        if (source_kubeconfig_get(s->kubeconfig) && !http_request_is_active(&s->version_fetch.request))
                (void) start_fetch(s, &s->version_fetch, "/version", on_version);
}

static void ask_path(ApiPath *p);

static void on_path_again(LoopTimer *timer) {
        ask_path(container_of(timer, ApiPath, again));
}

static void on_path_answered(HttpFetch *fetch, HttpEnd end, const char *detail) {
        ApiPath *p = container_of(fetch, ApiPath, fetch);
        Hub *hub = p->source->hub;
        World *w = hub->readiness->world;
        Evidence e = EVIDENCE_NONE;
        const char *reason = NULL;
        char text[TEXT_MAX] = "";
        int r;

        /* The question is older than the outage: its answer says nothing of the server that comes back,
         * which is asked again. */
        if (w->api != API_READY)
                return;

        if (end != HTTP_END_EOF) {
                reason = reason_of_end(end);
                snprintf(text, sizeof(text), "%s%s%s", http_end_describe(end), isempty(detail) ? "" : ": ",
                         strempty(detail));
                source_api_doubt(p->source);
        } else if (fetch->status.code == 200)
                e = EVIDENCE_TRUE;
        else {
                e = EVIDENCE_FALSE;
                reason = fetch->status.code == 404 ? REASON_NOT_FOUND : reason_of_status(fetch->status.code);
                describe_answer(fetch, "it", text);
        }

        strip_control(text);
        r = world_set_answer(w, p->path, e, reason, text[0] ? text : NULL, instant_now());
        if (r < 0)
                loop_fail(hub->loop, r);
        else if (r > 0)
                hub_touch(hub);
        if (e != EVIDENCE_TRUE)
                loop_timer_set(hub->loop, &p->again, usec_add(now_monotonic(), USEC_PER_SEC), on_path_again);
}

static void ask_path(ApiPath *p) {
        if (p->source->hub->readiness->world->api != API_READY || http_request_is_active(&p->fetch.request))
                return;
        (void) start_fetch(p->source, &p->fetch, p->path, on_path_answered);
}

static void path_free(ApiPath *p) {
        HASH_DEL(p->source->paths, p);
        world_forget_answer(p->source->hub->readiness->world, p->path);
        http_fetch_done(&p->fetch);
        loop_timer_done(&p->again);
        free(p->path);
        free(p);
}

static int want_path(SourceApi *s, const char *path) {
        ApiPath *p;

        HASH_FIND_STR(s->paths, path, p);
        if (p) {
                p->wanted = true;
                return 0;
        }
        p = calloc(1, sizeof(ApiPath));
        if (!p)
                return -ENOMEM;
        *p = (ApiPath){ .source = s, .path = strdup(path), .wanted = true };
        if (p->path)
                HASH_ADD_KEYPTR(hh, s->paths, p->path, strlen(p->path), p);
        if (!p->hh.tbl) {
                free(p->path);
                free(p);
                return -ENOMEM;
        }
        return 0;
}

/* The board has been judged: asks the paths of [Api] checks that have no answer yet, and forgets those that
 * no check names any more. */
void source_api_update(SourceApi *s) {
        ApiPath *p, *next;

        HASH_ITER(hh, s->paths, p, next)
                p->wanted = false;
        BOARD_FOREACH_CHECK(c, g, &s->hub->readiness->board) {
                if (c->kind == &check_kind_api) {
                        const char *path = CHECK_AS(ApiDefinition, c->definition)->path;

                        if (!streq(path, "/readyz") && want_path(s, path) < 0)
                                loop_fail(s->hub->loop, -ENOMEM);
                }
        }

        HASH_ITER(hh, s->paths, p, next)
                if (!p->wanted)
                        path_free(p);
                else if (!world_answer(s->hub->readiness->world, p->path) && !loop_timer_is_armed(&p->again))
                        ask_path(p);
}

/* A connection has failed, or a stream ended as it should not: asks /readyz at once. */
void source_api_doubt(SourceApi *s) {
        if (s->hub->readiness->world->api == API_READY)
                probe(s);
}

/* Credentials or address are new, or a port may have opened. other_server: takes back what the former server
 * said, does not wait for its answers, and calls the other one ready only when that says so. */
void source_api_connect_again(SourceApi *s, bool other_server) {
        http_fetch_done(&s->probe);
        http_fetch_done(&s->version_fetch);
        s->hub->readiness->world->server_version = mfree(s->hub->readiness->world->server_version);
        for (ApiPath *p = s->paths; p && other_server; p = p->hh.next) {
                http_fetch_done(&p->fetch);
                loop_timer_stop(&p->again);
        }
        if (other_server)
                set_state(s, API_UNREACHABLE, REASON_NOT_ASKED, API_NOT_ASKED);
        probe(s);
}

/* The coarse timer: asks everything once more while all is well. */
void source_api_coarse(SourceApi *s) {
        if (s->hub->readiness->world->api != API_READY)
                return;
        probe(s);
        for (ApiPath *p = s->paths; p; p = p->hh.next)
                ask_path(p);
}

/* Begins to ask in the next turn of the loop. kubeconfig and ops outlive it. -ENOMEM. */
int source_api_new(Hub *hub, SourceKubeconfig *kubeconfig, SourceApiOps *ops, SourceApi **ret) {
        _cleanup_(source_api_freep) SourceApi *s = NULL;

        s = calloc(1, sizeof(SourceApi));
        if (!s)
                return -ENOMEM;
        s->hub = hub;
        s->kubeconfig = kubeconfig;
        s->ops = ops;

        /* Not from here: the other parts do not exist yet. */
        probe_again(s, 0);

        *ret = TAKE_PTR(s);
        return 0;
}

SourceApi *source_api_free(SourceApi *s) {
        ApiPath *p, *next;

        if (!s)
                return NULL;

        HASH_ITER(hh, s->paths, p, next)
                path_free(p);
        http_fetch_done(&s->probe);
        http_fetch_done(&s->version_fetch);
        loop_timer_done(&s->again);
        free(s->name_trouble);
        return mfree(s);
}
