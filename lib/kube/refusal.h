/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* Why the server refuses a request: its Status, as the body of an answer or as an ERROR in a stream, or
 * plain text. */
typedef struct KubeRefusal {
        unsigned code;
        char *reason;  /* NULL where it is not a Status */
        char *message; /* one line, NULL where there is none */
        usec_t retry_after;
        bool expired;   /* the resourceVersion, or the continue token, is too old */
        bool too_large; /* the server has not reached the resourceVersion yet */
} KubeRefusal;

#define KUBE_REFUSAL_NULL ((KubeRefusal){})

void kube_refusal_read(KubeRefusal *r, unsigned code, usec_t retry_after, const char *body, size_t size);
void kube_refusal_done(KubeRefusal *r);
