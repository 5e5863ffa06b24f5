/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "http/http.h"
#include "ready/readiness.h"

#include "options.h"
#include "settings.h"

/* What each source is given. It writes what it learns into the readiness' world and calls hub_touch(); what another
 * part has to do about that, the source reports through operations of its own. */
typedef struct Hub Hub;

struct Hub {
        Loop *loop;
        HttpClient *http;
        const Options *options;
        const Settings *settings; /* another one after a reload */
        Readiness *readiness;
        void (*touched)(Hub *hub);
};

/* Something in the world is new: the board is judged before the loop sleeps again. */
static inline void hub_touch(Hub *hub) {
        hub->touched(hub);
}
