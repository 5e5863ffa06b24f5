/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <curl/curl.h>

#include "http/http.h"
#include "http/resolve.h"

/* What the files of this folder share. The build sets HAVE_CURL_*: 1 if libcurl has the option and no meson
 * option forces it off. */

typedef struct HttpRequestImpl HttpRequestImpl;

typedef enum HttpRequestState {
        HTTP_REQUEST_RESOLVING, /* waits for the addresses of its name */
        HTTP_REQUEST_QUEUED,    /* goes to libcurl at the end of this turn */
        HTTP_REQUEST_RUNNING,   /* is libcurl's */
        HTTP_REQUEST_ENDED,     /* its on_end waits for a turn of the loop */
        HTTP_REQUEST_DROPPED,   /* its slot is gone, libcurl is on the stack */
} HttpRequestState;

struct HttpRequestImpl {
        HttpClient *client;
        HttpRequest *request; /* NULL once dropped */
        HttpRequestState state;
        HttpRequestImpl **queue; /* of the client: the one that it is in; NULL: none yet */
        HttpRequestImpl *prev, *next;

        CURL *easy;
        HttpTarget *target;
        struct curl_slist *headers, *resolved, *connect_to;
        HttpResolve resolve;
        char *host;
        unsigned port;
        usec_t connect_deadline, deadline; /* monotonic */

        HttpStatus status;
        bool status_told, encoded, head_only, via_proxy;
        long ip_version;      /* CURL_IPRESOLVE_*: of the addresses to try now */
        HttpEnd without_ipv6; /* how the IPv4 addresses ended, while IPv6 is tried */
        size_t header_size;
        uint64_t received, limit;

        HttpEnd end;        /* _HTTP_END_INVALID: libcurl decides it */
        const char *detail; /* static; NULL: see error */
        char error[CURL_ERROR_SIZE];
};

struct HttpClient {
        Loop *loop;
        CURLM *multi;
        LoopTimer timer;
        LoopDeferred settle;
        struct HttpSocket *sockets;
        HttpRequestImpl *resolving, *queued, *running, *ended, *dropped; /* queues, one per state */
        char *name_servers;
        bool in_curl;
};

struct HttpTarget {
        unsigned n_ref;
        char *ca, *certificate, *key;
        size_t ca_size, certificate_size, key_size;
        int ca_fd;
        char ca_path[64];
        char *tls_server_name;
        char *proxy_url, *proxy_host;
        unsigned proxy_port;
        bool insecure;
};

/* client.c */
void http_request_set_state(HttpRequestImpl *impl, HttpRequestState state);
void http_client_request_ended(HttpRequestImpl *impl, HttpEnd end, const char *detail);
void http_client_request_dropped(HttpRequestImpl *impl);

/* request.c */
HttpRequestImpl *http_request_impl_free(HttpRequestImpl *impl);
int http_request_impl_launch(HttpRequestImpl *impl);
void http_request_impl_conclude(HttpRequestImpl *impl, CURLcode code);

/* tls.c */
CURLcode http_target_apply(const HttpTarget *target, CURL *easy);

/* url.c */
typedef struct HttpUrl {
        char *text;
        char *host; /* without brackets, in lower case */
        unsigned port;
        bool is_tls;
        bool is_ipv6;
} HttpUrl;

#define HTTP_URL_NULL ((HttpUrl){})

void http_url_done(HttpUrl *url);
int http_url_parse(const char *text, HttpUrl *ret);
int http_url_parse_proxy(const char *text, HttpUrl *ret);
int http_url_replace_host(HttpUrl *url, const char *host);

/* end.c */
typedef struct HttpFailure {
        CURLcode code;
        long verify_result; /* OpenSSL's, as CURLINFO_SSL_VERIFYRESULT tells it */
        long os_error;      /* errno of the failed connect(), or 0 */
        long proxy_status;  /* of the answer to CONNECT, or 0 */
        bool via_proxy;
        bool answered;      /* a header has come */
        const char *detail; /* libcurl's words */
} HttpFailure;

HttpEnd http_end_of(const HttpFailure *failure);
