/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "base/version.h"
#include "http/http-internal.h"

#define CONNECT_TIMEOUT_DEFAULT (30 * USEC_PER_SEC)
/* Status line and fields, in all. Servers themselves stop at 8 to 64 KiB in the other direction. */
#define HEADER_MAX KIB(64)
/* A longer Retry-After makes no difference: the back-off's own cap is seconds. */
#define RETRY_AFTER_MAX_SEC 3600
/* The kernel gives a peer up 25 to 30 s after its last packet: it looks at the limit only when a probe is
 * due. */
#define KEEPALIVE_IDLE_SEC 15
#define KEEPALIVE_INTERVAL_SEC 5
#define USER_TIMEOUT_MSEC 25000

static void header_list_free(struct curl_slist *list) {
        for (struct curl_slist *i = list; i; i = i->next)
                explicit_bzero(i->data, strlen(i->data)); /* one is the token */
        curl_slist_free_all(list);
}

/* Not to be called while the handle is in the multi handle. */
HttpRequestImpl *http_request_impl_free(HttpRequestImpl *impl) {
        if (!impl)
                return NULL;

        assert(!impl->queue);
        http_resolve_done(&impl->resolve);
        curl_easy_cleanup(impl->easy);
        header_list_free(impl->headers);
        curl_slist_free_all(impl->resolved);
        curl_slist_free_all(impl->connect_to);
        http_target_unref(impl->target);
        free(impl->host);
        return mfree(impl);
}
DEFINE_CLEANUP(HttpRequestImpl, http_request_impl_free)

/* Ends the transfer from inside a callback of libcurl, which returns another size than it was given. */
static size_t end_transfer(HttpRequestImpl *impl, HttpEnd end, const char *detail) {
        impl->end = end;
        impl->detail = detail;
        return 0;
}

/* The value of the field called name, NUL-terminated in value. */
static bool read_field(const char *line, size_t n, const char *name, char *value, size_t size) {
        size_t m = strlen(name);

        if (n <= m || strncasecmp(line, name, m) != 0 || line[m] != ':')
                return false;

        line += m + 1;
        n -= m + 1;
        while (n > 0 && (line[0] == ' ' || line[0] == '\t'))
                line++, n--;
        while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
                n--;
        n = MIN(n, size - 1);
        memcpy(value, line, n);
        value[n] = '\0';
        return true;
}

/* Whole seconds only: the other form is a date, and dates are not compared. */
static usec_t parse_retry_after(const char *value) {
        uint64_t seconds = 0;

        if (isempty(value))
                return USEC_INFINITY;
        for (const char *p = value; *p; p++) {
                if (*p < '0' || *p > '9')
                        return USEC_INFINITY;
                seconds = MIN(seconds * 10 + (uint64_t) (*p - '0'), (uint64_t) RETRY_AFTER_MAX_SEC);
        }
        return seconds * USEC_PER_SEC;
}

static void header_reset(HttpRequestImpl *impl) {
        impl->status = (HttpStatus){ .retry_after = USEC_INFINITY };
        impl->encoded = false;
}

static size_t header_complete(HttpRequestImpl *impl, size_t n) {
        long code = 0;

        curl_easy_getinfo(impl->easy, CURLINFO_RESPONSE_CODE, &code);
        if (code < 200) {
                header_reset(impl); /* 100 Continue and its kin announce the real one */
                return n;
        }

        impl->status.code = (int) code;
        impl->status_told = true;
        if (impl->request->ops->on_status)
                impl->request->ops->on_status(impl->request, &impl->status);
        if (impl->state == HTTP_REQUEST_DROPPED)
                return 0;

        if (impl->head_only)
                return end_transfer(impl, HTTP_END_EOF, "");
        if (impl->encoded)
                return end_transfer(impl, HTTP_END_PROTOCOL, "The body is encoded, which was not asked for");
        return n;
}

static size_t on_header(char *line, size_t unit, size_t count, void *userdata) {
        HttpRequestImpl *impl = userdata;
        size_t size = unit * count, n = size;
        char value[HTTP_CONTENT_TYPE_MAX];

        if (impl->state == HTTP_REQUEST_DROPPED)
                return 0;

        impl->header_size += size;
        if (impl->header_size > HEADER_MAX)
                return end_transfer(impl, HTTP_END_TOO_LARGE, "The header is too large");
        if (impl->status_told)
                return size; /* a trailer */

        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
                n--;
        if (n == 0)
                return header_complete(impl, size);

        if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
                header_reset(impl);
        else if (read_field(line, n, "Content-Type", value, sizeof(value)))
                memcpy(impl->status.content_type, value, sizeof(value));
        else if (read_field(line, n, "Retry-After", value, sizeof(value)))
                impl->status.retry_after = parse_retry_after(value);
        else if (read_field(line, n, "Content-Encoding", value, sizeof(value)))
                impl->encoded = !isempty(value) && strcasecmp(value, "identity") != 0;

        return size;
}

static size_t on_body(char *data, size_t unit, size_t count, void *userdata) {
        HttpRequestImpl *impl = userdata;
        size_t size = unit * count, n = size;

        if (impl->state == HTTP_REQUEST_DROPPED)
                return 0;
        if (impl->limit > 0)
                n = (size_t) MIN((uint64_t) n, impl->limit - impl->received);

        impl->received += n;
        if (n > 0 && impl->request->ops->on_body) {
                int r = impl->request->ops->on_body(impl->request, data, n);

                if (impl->state == HTTP_REQUEST_DROPPED)
                        return 0;
                if (r < 0)
                        return end_transfer(impl, r == -ENOMEM ? HTTP_END_NO_MEMORY : HTTP_END_ABORTED, "");
        }

        return n < size ? end_transfer(impl, HTTP_END_TOO_LARGE, "The body is too large") : size;
}

/* A stream is silent as long as nothing happens. Only the kernel can find out that its peer is gone, and it
 * wakes no process while all is well. A socket option that the kernel refuses is not worth the connection. */
static int on_socket_made(void *userdata, curl_socket_t fd, curlsocktype purpose) {
        const int on = 1, idle = KEEPALIVE_IDLE_SEC, interval = KEEPALIVE_INTERVAL_SEC;
        const unsigned timeout = USER_TIMEOUT_MSEC;

        if (purpose != CURLSOCKTYPE_IPCXN)
                return CURL_SOCKOPT_OK;

        (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
        (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
        return CURL_SOCKOPT_OK;
}

/* Keeps the first error in c. */
#define SET(option, value)                                                                                  \
        do {                                                                                                \
                if (c == CURLE_OK)                                                                          \
                        c = curl_easy_setopt(impl->easy, option, value);                                    \
        } while (0)

static CURLcode set_rules(HttpRequestImpl *impl) {
        CURLcode c = CURLE_OK;

#if HAVE_CURL_PROTOCOLS_STR
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
        SET(CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
        SET(CURLOPT_PROXY, "");   /* not the environment's */
        SET(CURLOPT_NOPROXY, ""); /* likewise */
        SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        SET(CURLOPT_PATH_AS_IS, 1L);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_NOPROGRESS, 1L);
        SET(CURLOPT_TCP_NODELAY, 1L);
        SET(CURLOPT_USERAGENT, "msready/" PROJECT_VERSION);
        SET(CURLOPT_SOCKOPTFUNCTION, on_socket_made);
        return c;
}

static CURLcode set_callbacks(HttpRequestImpl *impl) {
        CURLcode c = CURLE_OK;

        SET(CURLOPT_PRIVATE, impl);
        SET(CURLOPT_ERRORBUFFER, impl->error);
        SET(CURLOPT_HEADERFUNCTION, on_header);
        SET(CURLOPT_HEADERDATA, impl);
        SET(CURLOPT_WRITEFUNCTION, on_body);
        SET(CURLOPT_WRITEDATA, impl);
        return c;
}

static CURLcode set_spec(HttpRequestImpl *impl, const HttpRequestSpec *spec, const char *url) {
        CURLcode c = CURLE_OK;

        SET(CURLOPT_URL, url);
        SET(CURLOPT_HTTPHEADER, impl->headers);
        SET(CURLOPT_CONNECT_TO, impl->connect_to);
        SET(CURLOPT_FRESH_CONNECT, spec->fresh_connection ? 1L : 0L);
        if (c == CURLE_OK && impl->target)
                c = http_target_apply(impl->target, impl->easy);
        return c;
}

static int list_add(struct curl_slist **list, const char *text) {
        struct curl_slist *l = curl_slist_append(*list, text);

        if (!l)
                return -ENOMEM;
        *list = l;
        return 0;
}

static int _printf_(2, 3) list_addf(struct curl_slist **list, const char *format, ...) {
        char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0)
                return -ENOMEM;

        r = list_add(list, text);
        erase_and_free(text);
        return r;
}

/* A line end would begin another field. */
static bool is_field_value(const char *s) {
        for (; *s; s++)
                if ((unsigned char) *s < ' ' || *s == 0x7f)
                        return false;
        return true;
}

static int add_headers(HttpRequestImpl *impl, const HttpRequestSpec *spec) {
        int r = 0;

        if (spec->accept) {
                if (!is_field_value(spec->accept))
                        return -EINVAL;
                r = list_addf(&impl->headers, "Accept: %s", spec->accept);
        }
        if (r >= 0 && spec->token) {
                if (isempty(spec->token) || !is_field_value(spec->token))
                        return -EINVAL;
                r = list_addf(&impl->headers, "Authorization: Bearer %s", spec->token);
        }
        return r;
}

/* libcurl verifies the URL's host. To verify another name, the URL gets that name, the connection goes where
 * the URL went before, and the Host field stays: as in client-go, the name is for TLS alone. */
static int rename_server(HttpRequestImpl *impl, HttpUrl *url) {
        const char *open = url->is_ipv6 ? "[" : "", *close = url->is_ipv6 ? "]" : "";
        int r;

        if (!impl->target || !impl->target->tls_server_name || !url->is_tls)
                return 0;

        r = list_addf(&impl->connect_to, "::%s%s%s:%u", open, url->host, close, url->port);
        if (r >= 0)
                r = list_addf(&impl->headers, "Host: %s%s%s:%u", open, url->host, close, url->port);
        if (r >= 0)
                r = http_url_replace_host(url, impl->target->tls_server_name);
        return r;
}

static int impl_configure(HttpRequestImpl *impl, const HttpRequestSpec *spec) {
        _cleanup_(http_url_done) HttpUrl url = HTTP_URL_NULL;
        CURLcode c;
        int r;

        r = http_url_parse(spec->url, &url) ?: add_headers(impl, spec) ?: rename_server(impl, &url);
        if (r < 0)
                return r;

        impl->via_proxy = impl->target && impl->target->proxy_host;
        impl->host = strdup(impl->via_proxy ? impl->target->proxy_host : url.host);
        impl->port = impl->via_proxy ? impl->target->proxy_port : url.port;
        if (!impl->host)
                return -ENOMEM;

        c = set_rules(impl);
        if (c == CURLE_OK)
                c = set_callbacks(impl);
        if (c == CURLE_OK)
                c = set_spec(impl, spec, url.text);
        if (c != CURLE_OK)
                return c == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EOPNOTSUPP;
        return 0;
}

static int impl_new(HttpClient *client, const HttpRequestSpec *spec, HttpRequestImpl **ret) {
        _cleanup_(http_request_impl_freep) HttpRequestImpl *impl = NULL;
        usec_t now = now_monotonic();
        int r;

        impl = calloc(1, sizeof(HttpRequestImpl));
        if (!impl)
                return -ENOMEM;
        impl->client = client;
        impl->target = http_target_ref(spec->target);
        impl->limit = spec->body_limit;
        impl->head_only = spec->head_only;
        impl->end = impl->without_ipv6 = _HTTP_END_INVALID;
        impl->ip_version = CURL_IPRESOLVE_WHATEVER;
        impl->deadline = spec->timeout > 0 ? usec_add(now, spec->timeout) : USEC_INFINITY;
        impl->connect_deadline =
                usec_min(impl->deadline, usec_add(now, spec->connect_timeout > 0 ? spec->connect_timeout
                                                                                 : CONNECT_TIMEOUT_DEFAULT));

        impl->easy = curl_easy_init();
        if (!impl->easy)
                return -ENOMEM;
        r = impl_configure(impl, spec);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(impl);
        return 0;
}

static long milliseconds_until(usec_t deadline) {
        usec_t left = usec_sub(deadline, now_monotonic());

        left = usec_min(left, 24 * USEC_PER_HOUR);
        return (long) ((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* Sets what is only known now: the addresses, and how much time is left. */
int http_request_impl_launch(HttpRequestImpl *impl) {
        CURLcode c = CURLE_OK;

        SET(CURLOPT_RESOLVE, impl->resolved);
        SET(CURLOPT_IPRESOLVE, impl->ip_version);
        SET(CURLOPT_CONNECTTIMEOUT_MS, MAX(milliseconds_until(impl->connect_deadline), 1L));
        if (impl->deadline != USEC_INFINITY)
                SET(CURLOPT_TIMEOUT_MS, MAX(milliseconds_until(impl->deadline), 1L));
        if (c != CURLE_OK)
                return c == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EOPNOTSUPP;
        return 0;
}

/* Newer releases of libcurl begin with IPv6, whatever the order of a name's addresses. A server on this host
 * is asked at 127.0.0.1 first, and at ::1 only if nothing answers there. Returns whether that is under way. */
static bool try_ipv6(HttpRequestImpl *impl, HttpEnd end) {
        if (impl->ip_version != CURL_IPRESOLVE_V4)
                return false;
        impl->ip_version = CURL_IPRESOLVE_V6;
        impl->without_ipv6 = end;
        http_request_set_state(impl, HTTP_REQUEST_QUEUED);
        return true;
}

/* Called when libcurl is done with the request. */
void http_request_impl_conclude(HttpRequestImpl *impl, CURLcode code) {
        HttpFailure failure = {
                .code = code,
                .via_proxy = impl->via_proxy,
                .answered = impl->status_told,
                .detail = impl->error,
        };
        HttpEnd end;

        if (impl->end != _HTTP_END_INVALID) {
                http_client_request_ended(impl, impl->end, impl->detail);
                return;
        }

        /* To libcurl the end of the connection ends the header. */
        if (code == CURLE_OK && !impl->status_told) {
                http_client_request_ended(impl, HTTP_END_DISCONNECTED,
                                          "The connection broke in the middle of the header");
                return;
        }

        if (code != CURLE_OK && isempty(impl->error))
                snprintf(impl->error, sizeof(impl->error), "%s", curl_easy_strerror(code));
        curl_easy_getinfo(impl->easy, CURLINFO_SSL_VERIFYRESULT, &failure.verify_result);
        curl_easy_getinfo(impl->easy, CURLINFO_OS_ERRNO, &failure.os_error);
        curl_easy_getinfo(impl->easy, CURLINFO_HTTP_CONNECTCODE, &failure.proxy_status);
        end = http_end_of(&failure);
        if (code == CURLE_COULDNT_CONNECT && try_ipv6(impl, end))
                return;
        /* Nothing answers at either address: that a host has no IPv6 would not explain it. */
        if (code == CURLE_COULDNT_CONNECT && impl->without_ipv6 != _HTTP_END_INVALID)
                end = impl->without_ipv6;
        http_client_request_ended(impl, end, code == CURLE_OK ? "" : NULL);
}

static void on_resolved(HttpResolve *resolve, HttpResolveResult result, const char *text) {
        HttpRequestImpl *impl = container_of(resolve, HttpRequestImpl, resolve);
        HttpEnd end = HTTP_END_NO_MEMORY;

        if (result == HTTP_RESOLVE_OK) {
                if (list_addf(&impl->resolved, "%s:%u:%s", impl->host, impl->port, text) >= 0) {
                        http_request_set_state(impl, HTTP_REQUEST_QUEUED);
                        return;
                }
        } else if (result != HTTP_RESOLVE_NO_MEMORY) {
                end = impl->via_proxy                  ? HTTP_END_PROXY
                      : result == HTTP_RESOLVE_TIMEOUT ? HTTP_END_RESOLVE_TIMEOUT
                                                       : HTTP_END_RESOLVE;
                snprintf(impl->error, sizeof(impl->error), "%.200s: %s", impl->host, text);
        }
        http_client_request_ended(impl, end, NULL);
}

static bool is_literal(const char *host) {
        struct in6_addr a;

        return inet_pton(AF_INET, host, &a) == 1 || inet_pton(AF_INET6, host, &a) == 1;
}

static int impl_find_addresses(HttpRequestImpl *impl) {
        const char *local = http_resolve_locally(impl->host);
        int r;

        if (!local && !is_literal(impl->host)) {
                r = http_resolve_start(impl->client->loop, &impl->resolve, impl->host,
                                       impl->client->name_servers, impl->connect_deadline, on_resolved);
                if (r < 0)
                        return r;
                http_request_set_state(impl, HTTP_REQUEST_RESOLVING);
                return 0;
        }

        if (local) {
                impl->ip_version = CURL_IPRESOLVE_V4;
                r = list_addf(&impl->resolved, "%s:%u:%s", impl->host, impl->port, local);
                if (r < 0)
                        return r;
        }
        http_request_set_state(impl, HTTP_REQUEST_QUEUED);
        return 0;
}

/* Starts a GET request; one that runs in the same slot is dropped. spec is copied; its target is referenced.
 * Calls nothing back itself. on_status and on_body must not free the client, and may do everything else:
 * drop, start and free this request and others. At most one on_end comes in a turn of the loop, and the slot
 * is idle by then. -EINVAL: no good URL (http or https, no user, ASCII), or a control character in a field;
 * -EOPNOTSUPP: libcurl lacks an option; -ENOMEM; the error in reading resolv.conf. */
int http_request_start(HttpClient *client, HttpRequest *request, const HttpRequestOps *ops,
                       const HttpRequestSpec *spec) {
        _cleanup_(http_request_impl_freep) HttpRequestImpl *impl = NULL;
        int r;

        assert(spec->url && ops->on_end);

        http_request_done(request);

        r = impl_new(client, spec, &impl);
        if (r < 0)
                return r;
        impl->request = request;
        r = impl_find_addresses(impl);
        if (r < 0)
                return r;

        request->ops = ops;
        request->impl = TAKE_PTR(impl);
        return 0;
}

/* Drops the request at once: none of its callbacks comes any more. Does nothing to an idle slot. */
void http_request_done(HttpRequest *request) {
        HttpRequestImpl *impl = TAKE_PTR(request->impl);

        if (!impl)
                return;
        impl->request = NULL;
        http_client_request_dropped(impl);
}

bool http_request_is_active(const HttpRequest *request) {
        return request->impl;
}
