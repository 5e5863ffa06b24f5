/* SPDX-License-Identifier: Apache-2.0 */

#include "http/http.h"

static void on_status(HttpRequest *request, const HttpStatus *status) {
        container_of(request, HttpFetch, request)->status = *status;
}

static int on_body(HttpRequest *request, const char *data, size_t size) {
        return buffer_put(&container_of(request, HttpFetch, request)->body, data, size);
}

static void on_end(HttpRequest *request, HttpEnd end, const char *detail) {
        HttpFetch *fetch = container_of(request, HttpFetch, request);

        fetch->on_done(fetch, end, detail);
}

/* Starts a request whose body is collected, up to limit bytes; a larger body is cut there and ends with
 * HTTP_END_TOO_LARGE. body belongs to the fetch until the next start, or buffer_steal(). Errors as
 * http_request_start(). */
int http_fetch_start(HttpClient *client, HttpFetch *fetch, const HttpRequestSpec *spec, size_t limit,
                     void (*on_done)(HttpFetch *fetch, HttpEnd end, const char *detail)) {
        static const HttpRequestOps ops = {
                .on_status = on_status,
                .on_body = on_body,
                .on_end = on_end,
        };
        HttpRequestSpec limited = *spec;

        assert(limit > 0 && on_done);

        limited.body_limit = limit;
        http_fetch_done(fetch);
        fetch->status = (HttpStatus){ .retry_after = USEC_INFINITY };
        fetch->body = BUFFER_INIT(limit);
        fetch->on_done = on_done;
        return http_request_start(client, &fetch->request, &ops, &limited);
}

/* Drops the request and frees the body. */
void http_fetch_done(HttpFetch *fetch) {
        http_request_done(&fetch->request);
        buffer_done(&fetch->body);
}
