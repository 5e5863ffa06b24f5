/* SPDX-License-Identifier: Apache-2.0 */

/* libcurl's multi socket API on the event loop.
 *
 * libcurl calls back into the owners of requests (header, body), and must not be called from there: a
 * request that an owner starts meanwhile waits in a queue, and one that it drops stays, without its slot,
 * until libcurl has returned. The owner learns of an end from the loop's deferred work and never from inside
 * libcurl, of one end in a turn.
 *
 * libcurl has one timer. Its callback only notes the time; the loop makes the call that libcurl asks for. */

#include <arpa/inet.h>
#include <ares.h>
#include <signal.h>
#include <utlist.h>

#include "base/log.h"
#include "base/string-util.h"
#include "http/http-internal.h"

/* Connections, in use and kept for the next request. Eight streams, one to ask /readyz, and some
 * endpoints. */
#define CONNECTIONS_KEPT 16L

typedef struct HttpSocket HttpSocket;

struct HttpSocket {
        LoopIo io;
        HttpClient *client;
        curl_socket_t fd;
        HttpSocket *next;
};

static void on_settle(LoopDeferred *deferred);
static void on_timer(LoopTimer *timer);

/* Called once, by main(), before it makes threads. Ignores SIGPIPE unless it has a handler: OpenSSL writes
 * without MSG_NOSIGNAL. -EIO. */
int http_global_init(void) {
        struct sigaction old;

        if (sigaction(SIGPIPE, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
                (void) signal(SIGPIPE, SIG_IGN);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -EIO;
        if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
                curl_global_cleanup();
                return -EIO;
        }
        return 0;
}

void http_global_done(void) {
        ares_library_cleanup();
        curl_global_cleanup();
}

static void queue_remove(HttpRequestImpl *impl) {
        if (impl->queue)
                DL_DELETE(*impl->queue, impl);
        impl->queue = NULL;
}

/* The only writer of the state. Each state has a queue, and some must be looked at before the loop sleeps. */
void http_request_set_state(HttpRequestImpl *impl, HttpRequestState state) {
        HttpClient *client = impl->client;
        HttpRequestImpl **const queues[] = {
                [HTTP_REQUEST_RESOLVING] = &client->resolving, [HTTP_REQUEST_QUEUED] = &client->queued,
                [HTTP_REQUEST_RUNNING] = &client->running,     [HTTP_REQUEST_ENDED] = &client->ended,
                [HTTP_REQUEST_DROPPED] = &client->dropped,
        };

        queue_remove(impl);
        impl->state = state;
        impl->queue = queues[state];
        DL_APPEND(*impl->queue, impl);
        if (state == HTTP_REQUEST_QUEUED || state == HTTP_REQUEST_ENDED)
                loop_deferred_set(client->loop, &client->settle, on_settle);
}

/* Notes the request's end, which is told in a turn of its own. detail is static, or NULL for impl->error. */
void http_client_request_ended(HttpRequestImpl *impl, HttpEnd end, const char *detail) {
        impl->end = end;
        impl->detail = detail;
        http_request_set_state(impl, HTTP_REQUEST_ENDED);
}

static void impl_remove(HttpRequestImpl *impl, HttpRequestImpl **running) {
        if (impl->queue == running)
                (void) curl_multi_remove_handle(impl->client->multi, impl->easy);
        queue_remove(impl);
        http_request_impl_free(impl);
}

/* Frees a request whose owner has dropped it: at once, or, if libcurl is on the stack, when that returns. */
void http_client_request_dropped(HttpRequestImpl *impl) {
        if (impl->state == HTTP_REQUEST_RUNNING && impl->client->in_curl)
                http_request_set_state(impl, HTTP_REQUEST_DROPPED);
        else
                impl_remove(impl, &impl->client->running);
}

static void harvest_ended(HttpClient *client) {
        CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(client->multi, &left))) {
                CURLcode code = message->data.result;
                CURL *easy = message->easy_handle;
                char *private = NULL;
                HttpRequestImpl *impl;

                if (message->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
                impl = (HttpRequestImpl *) (void *) private;
                (void) curl_multi_remove_handle(client->multi, easy);
                if (impl->state == HTTP_REQUEST_DROPPED)
                        impl_remove(impl, NULL);
                else
                        http_request_impl_conclude(impl, code);
        }
}

/* Lets libcurl work, then does what had to wait for its return. */
static void drive_curl(HttpClient *client, curl_socket_t fd, int events) {
        CURLMcode code;
        int running;

        client->in_curl = true;
        code = curl_multi_socket_action(client->multi, fd, events, &running);
        client->in_curl = false;

        harvest_ended(client);
        while (client->dropped)
                impl_remove(client->dropped, &client->dropped);

        /* That libcurl does not know the socket any more is no error of ours. */
        if (code == CURLM_OUT_OF_MEMORY)
                loop_fail(client->loop, -ENOMEM);
        else if (code != CURLM_OK && code != CURLM_BAD_SOCKET)
                loop_fail(client->loop, -EIO);
}

static void on_timer(LoopTimer *timer) {
        drive_curl(container_of(timer, HttpClient, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long milliseconds, void *userdata) {
        HttpClient *client = userdata;
        usec_t due;

        if (milliseconds < 0) {
                loop_timer_stop(&client->timer);
                return 0;
        }

        /* libcurl has cut its time to whole milliseconds; called too early, it would do nothing. */
        due = milliseconds > 0 ? usec_add(now_monotonic(), ((usec_t) milliseconds + 1) * USEC_PER_MSEC) : 0;
        loop_timer_set(client->loop, &client->timer, due, on_timer);
        return 0;
}

static void on_socket_ready(LoopIo *io, unsigned events) {
        HttpSocket *s = container_of(io, HttpSocket, io);

        drive_curl(s->client, s->fd,
                   (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
                           (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void socket_free(HttpClient *client, HttpSocket *s) {
        LL_DELETE(client->sockets, s);
        loop_io_done(&s->io);
        free(s);
}

static int socket_watch(HttpClient *client, HttpSocket *s, curl_socket_t fd, int what) {
        unsigned events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

        if (!s) {
                s = calloc(1, sizeof(HttpSocket));
                if (!s)
                        return -ENOMEM;
                *s = (HttpSocket){ .client = client, .fd = fd };
                LL_PREPEND(client->sockets, s);
                (void) curl_multi_assign(client->multi, fd, s);
        }
        return loop_io_set(client->loop, &s->io, fd, events, on_socket_ready);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_userdata) {
        HttpClient *client = userdata;
        HttpSocket *s = socket_userdata;
        int r;

        if (what == CURL_POLL_REMOVE) {
                if (s)
                        socket_free(client, s);
                return 0;
        }

        /* A connection that the loop does not watch would hang in silence. */
        r = socket_watch(client, s, fd, what);
        if (r < 0)
                loop_fail(client->loop, r);
        return 0;
}

static void launch_request(HttpRequestImpl *impl) {
        HttpClient *client = impl->client;
        int r;

        r = http_request_impl_launch(impl);
        if (r < 0)
                http_client_request_ended(impl, r == -ENOMEM ? HTTP_END_NO_MEMORY : HTTP_END_INTERNAL, "");
        else if (curl_multi_add_handle(client->multi, impl->easy) != CURLM_OK)
                http_client_request_ended(impl, HTTP_END_NO_MEMORY, "");
        else
                http_request_set_state(impl, HTTP_REQUEST_RUNNING);
}

/* libcurl says after how many milliseconds it failed. Without that the same failure has the same words each
 * time: a change of words would be news to all who watch. */
static void drop_milliseconds(char *text) {
        char *from = strstr(text, " after "), *to;

        if (!from)
                return;
        to = from + strlen(" after ");
        to += strspn(to, "0123456789");
        to = (char *) (startswith(to, " milliseconds") ?: startswith(to, " ms"));
        if (to)
                memmove(from, to, strlen(to) + 1);
}

/* on_end comes last: in it the owner may free everything, the client included. */
static void on_settle(LoopDeferred *deferred) {
        HttpClient *client = container_of(deferred, HttpClient, settle);
        _cleanup_free_ char *detail = NULL;
        HttpRequestImpl *impl;
        HttpRequest *request;
        HttpEnd end;

        while (client->queued)
                launch_request(client->queued);

        impl = client->ended;
        if (!impl)
                return;

        detail = strdup(impl->detail ?: impl->error);
        if (detail)
                drop_milliseconds(strip_control(detail));
        end = impl->end;
        request = impl->request;
        request->impl = NULL;
        impl_remove(impl, NULL);
        if (client->ended)
                loop_deferred_set(client->loop, &client->settle, on_settle);
        log_debug("Request ended: %s%s%s", http_end_describe(end), isempty(detail) ? "" : ", ",
                  strempty(detail));
        request->ops->on_end(request, end, strempty(detail));
}

static bool multi_configure(HttpClient *client) {
        CURLM *m = client->multi;

        return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_curl_socket) == CURLM_OK &&
               curl_multi_setopt(m, CURLMOPT_SOCKETDATA, client) == CURLM_OK &&
               curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_curl_timer) == CURLM_OK &&
               curl_multi_setopt(m, CURLMOPT_TIMERDATA, client) == CURLM_OK &&
               curl_multi_setopt(m, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING) == CURLM_OK &&
               curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT) == CURLM_OK;
}

/* Creates a client on loop, which must outlive it. -ENOMEM; -EOPNOTSUPP: libcurl lacks an option. */
int http_client_new(Loop *loop, HttpClient **ret) {
        _cleanup_(http_client_freep) HttpClient *client = NULL;

        client = calloc(1, sizeof(HttpClient));
        if (!client)
                return -ENOMEM;
        client->loop = loop;

        client->multi = curl_multi_init();
        if (!client->multi)
                return -ENOMEM;
        if (!multi_configure(client))
                return -EOPNOTSUPP;

        *ret = TAKE_PTR(client);
        return 0;
}

/* All requests are done before. */
HttpClient *http_client_free(HttpClient *client) {
        if (!client)
                return NULL;

        assert(!client->in_curl);
        assert(!client->resolving && !client->queued && !client->running);
        assert(!client->ended && !client->dropped);

        if (client->multi)
                (void) curl_multi_cleanup(client->multi);
        while (client->sockets)
                socket_free(client, client->sockets);
        loop_timer_done(&client->timer);
        loop_deferred_done(&client->settle);
        free(client->name_servers);
        return mfree(client);
}

/* What http_client_set_name_servers() was given, for http_resolve_start(). */
const char *http_client_name_servers(const HttpClient *client) {
        return client->name_servers;
}

/* Sets name servers ("ADDRESS:PORT,...") to ask instead of the system's and its hosts file; NULL: the
 * system's again. For tests. -ENOMEM. */
int http_client_set_name_servers(HttpClient *client, const char *servers) {
        return free_and_strdup(&client->name_servers, servers);
}
