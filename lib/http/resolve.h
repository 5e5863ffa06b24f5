/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"

/* Asks name servers for the addresses of a name, without ever blocking. */

typedef struct HttpResolve HttpResolve;

typedef enum HttpResolveResult {
        HTTP_RESOLVE_OK,
        HTTP_RESOLVE_NOT_FOUND,
        HTTP_RESOLVE_TIMEOUT,
        HTTP_RESOLVE_NO_MEMORY,
} HttpResolveResult;

struct HttpResolve {
        /* The slot is idle by then. text is the addresses as "192.0.2.1,[2001:db8::1]", or why there are
         * none. */
        void (*on_end)(HttpResolve *resolve, HttpResolveResult result, const char *text);
        struct HttpResolveImpl *impl;
};

const char *http_resolve_locally(const char *name);
int http_resolve_start(Loop *loop, HttpResolve *resolve, const char *name, const char *servers,
                       usec_t deadline,
                       void (*on_end)(HttpResolve *resolve, HttpResolveResult result, const char *text));
void http_resolve_done(HttpResolve *resolve);
