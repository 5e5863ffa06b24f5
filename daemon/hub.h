/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "http/http.h"
#include "ready/readiness.h"

#include "options.h"
#include "settings.h"

/* What each source is given. It writes what it learns into the readiness' world, and reports what other parts have to
 * do about it. Nothing of a report is acted upon before the call has returned. */
typedef struct Hub Hub;

enum {
        HUB_NEWS = 1 << 0,         /* in the world: the board is judged before the loop sleeps again */
        HUB_REFUSED = 1 << 1,      /* the server does not take the credentials: they are to be read again */
        HUB_CREDENTIALS = 1 << 2,  /* there are others, or the old ones are worth another try */
        HUB_OTHER_SERVER = 1 << 3, /* with the above */
        HUB_REWRITTEN = 1 << 4,    /* the kubeconfig was written: MicroShift has started */
        HUB_API = 1 << 5,          /* the world's API is ready, or is so no longer */
        HUB_VERSION = 1 << 6,      /* the world has another server_version */
        HUB_DOUBT = 1 << 7,        /* a stream failed as if the API server were away */
};

struct Hub {
        Loop *loop;
        HttpClient *http;
        const Options *options;
        const Settings *settings; /* another one after a reload */
        Readiness *readiness;
        void (*report)(Hub *hub, unsigned reports);
};

static inline void hub_report(Hub *hub, unsigned reports) {
        hub->report(hub, reports);
}
