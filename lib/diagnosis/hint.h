/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* What is known of a blocker when a hint is looked for. Everything but the reason may be NULL. */
typedef struct HintQuery {
        const char *kind; /* of the object: "Pod", "Node", "DaemonSet", "Endpoint" … */
        const char *namespace;
        const char *name;
        const char *reason;
        const char *message;
        const char *event_reason; /* of the newest event that explains the object */
        const char *event_message;
        bool pull_always; /* a container that waits has imagePullPolicy Always */
        bool vendor;      /* the gate is one that ships with msready */
        bool overdue;     /* NotFound: long after /readyz answered ok */
} HintQuery;

const char *hint_for(const HintQuery *q);
const char *hint_nth(size_t i);
