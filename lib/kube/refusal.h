/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* Why the server does not give what it was asked for: its Status, as the body of an answer or as an ERROR in
 * a stream, or plain text. */
typedef struct KubeRefusal {
        unsigned code;
        char *reason;  /* NULL where it is not a Status */
        char *message; /* one line, NULL where there is none */
        usec_t retry_after;
        bool expired;   /* the resourceVersion, or the continue token, is too old */
        bool too_large; /* the resourceVersion is one that the server has not come to */
} KubeRefusal;

#define KUBE_REFUSAL_NULL ((KubeRefusal){})

void kube_refusal_read(KubeRefusal *r, unsigned code, usec_t retry_after, const char *body, size_t size);
void kube_refusal_done(KubeRefusal *r);
