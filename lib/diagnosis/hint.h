/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* A blocker, as far as it matters for its hint. Any text may be NULL. */
typedef struct HintQuery {
        const char *kind; /* of the object: "Pod", "Node", "DaemonSet", "Endpoint" … */
        const char *namespace;
        const char *name;
        const char *host_name; /* this host's */
        const char *reason;
        const char *message;
        const char *event_reason; /* of the newest event that explains the object */
        const char *event_message;
        bool pull_always; /* a waiting container has imagePullPolicy Always */
        bool vendor;      /* the gate ships with msready */
        bool overdue;     /* NotFound: long after /readyz answered ok */
} HintQuery;

const char *hint_for(const HintQuery *q);
const char *hint_nth(size_t i);
