/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"
#include "event/loop.h"

/* GET requests and streams on the event loop. A request is a slot inside its owner: while it runs, the slot
 * holds the connection; http_request_done() drops it at once, at any time. A zeroed slot is idle. */

typedef struct HttpClient HttpClient;
typedef struct HttpTarget HttpTarget;
typedef struct HttpTargetSpec HttpTargetSpec;
typedef struct HttpStatus HttpStatus;
typedef struct HttpRequest HttpRequest;
typedef struct HttpRequestOps HttpRequestOps;
typedef struct HttpRequestSpec HttpRequestSpec;
typedef struct HttpFetch HttpFetch;

/* How a request ended. */
typedef enum HttpEnd {
        HTTP_END_EOF,             /* the answer came whole, whatever its status */
        HTTP_END_TRUNCATED,       /* the connection broke in the middle of the answer */
        HTTP_END_DISCONNECTED,    /* the connection broke before the answer */
        HTTP_END_REFUSED,         /* by the host or by a firewall */
        HTTP_END_UNREACHABLE,     /* no route, or not allowed */
        HTTP_END_TIMEOUT,         /* one of the request's own limits, or the peer vanished */
        HTTP_END_RESOLVE,         /* the name does not exist */
        HTTP_END_RESOLVE_TIMEOUT, /* no name server answers */
        HTTP_END_TLS,             /* the certificate is not trusted or not for this name; no TLS */
        HTTP_END_TLS_CLOCK,       /* the server's certificate is not valid yet: is this clock right? */
        HTTP_END_TLS_EXPIRED,     /* the server's certificate is not valid any more */
        HTTP_END_TLS_CREDENTIALS, /* our certificate or key cannot be used, or the server refuses them */
        HTTP_END_PROXY,           /* the proxy is unreachable or refuses the connection */
        HTTP_END_PROTOCOL,        /* not HTTP, or encoded, which was not asked for */
        HTTP_END_TOO_LARGE,       /* header or body over the ceiling */
        HTTP_END_ABORTED,         /* on_body returned an error */
        HTTP_END_NO_MEMORY,
        HTTP_END_INTERNAL, /* a libcurl that cannot do what we need; detail says what */
        _HTTP_END_MAX,
        _HTTP_END_INVALID = -EINVAL,
} HttpEnd;

const char *http_end_describe(HttpEnd end);

int http_global_init(void);
void http_global_done(void);

/* Whom to trust as the server, and our own credentials. All PEM texts are copied. */
struct HttpTargetSpec {
        const char *ca; /* NULL: what the system trusts */
        size_t ca_size;
        const char *certificate;
        size_t certificate_size;
        const char *key;
        size_t key_size;
        const char *tls_server_name; /* instead of the URL's host */
        const char *proxy_url;       /* http, https, socks5, socks5h; NULL: none, the environment aside */
        bool insecure;               /* does not verify the server */
};

int http_target_new(const HttpTargetSpec *spec, HttpTarget **ret);
HttpTarget *http_target_ref(HttpTarget *target);
HttpTarget *http_target_unref(HttpTarget *target);
DEFINE_CLEANUP(HttpTarget, http_target_unref)

int http_client_new(Loop *loop, HttpClient **ret);
HttpClient *http_client_free(HttpClient *client);
DEFINE_CLEANUP(HttpClient, http_client_free)
const char *http_client_name_servers(const HttpClient *client);
int http_client_set_name_servers(HttpClient *client, const char *servers);

#define HTTP_CONTENT_TYPE_MAX 128

struct HttpStatus {
        int code;
        usec_t retry_after;                       /* a time span; USEC_INFINITY: none was given */
        char content_type[HTTP_CONTENT_TYPE_MAX]; /* "" where there is none */
};

struct HttpRequestOps {
        /* The header has come. May be NULL. */
        void (*on_status)(HttpRequest *request, const HttpStatus *status);
        /* Some of the body has come. A negative value ends the request with HTTP_END_ABORTED. */
        int (*on_body)(HttpRequest *request, const char *data, size_t size);
        /* The request has ended and the slot is idle. detail is libcurl's own words, or "". */
        void (*on_end)(HttpRequest *request, HttpEnd end, const char *detail);
};

struct HttpRequest {
        const HttpRequestOps *ops;
        struct HttpRequestImpl *impl;
};

struct HttpRequestSpec {
        const char *url;
        HttpTarget *target;     /* NULL: no credentials, the system's CAs */
        const char *token;      /* bearer */
        const char *accept;     /* NULL: anything */
        usec_t connect_timeout; /* name, connection and TLS; 0: 30 s */
        usec_t timeout;         /* the whole request; 0: none, for streams */
        uint64_t body_limit;    /* bytes; 0: none, for streams */
        bool fresh_connection;  /* not one that is left from an earlier request */
        bool head_only;         /* ends with HTTP_END_EOF behind the header, whatever the body is */
};

int http_request_start(HttpClient *client, HttpRequest *request, const HttpRequestOps *ops,
                       const HttpRequestSpec *spec);
void http_request_done(HttpRequest *request);
bool http_request_is_active(const HttpRequest *request);

/* A request whose body is collected. */
struct HttpFetch {
        HttpRequest request;
        HttpStatus status; /* code 0: no answer */
        Buffer body;
        void (*on_done)(HttpFetch *fetch, HttpEnd end, const char *detail);
};

int http_fetch_start(HttpClient *client, HttpFetch *fetch, const HttpRequestSpec *spec, size_t limit,
                     void (*on_done)(HttpFetch *fetch, HttpEnd end, const char *detail));
void http_fetch_done(HttpFetch *fetch);
