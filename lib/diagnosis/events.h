/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/object.h"

/* What events say about the watched objects, as far as it explains why one is not ready. */
typedef struct EventDigest EventDigest;

/* Why an object is not ready. Valid until the digest is changed. */
typedef struct EventExplanation {
        const char *reason;  /* of the event, verbatim: Pulling, FailedCreatePodSandBox … */
        const char *message; /* "pulling IMAGE" while one is pulled, else the event's own words */
        bool pulling;
        usec_t since; /* boottime: since when an image is pulled, else 0 */
} EventExplanation;

int event_digest_new(EventDigest **ret);
EventDigest *event_digest_free(EventDigest *d);
DEFINE_CLEANUP(EventDigest, event_digest_free)

int event_digest_feed(EventDigest *d, const KubeEvent *event, usec_t boottime, usec_t realtime);
bool event_digest_explain(const EventDigest *d, const char *uid, EventExplanation *ret);
void event_digest_forget(EventDigest *d, const char *uid);
void event_digest_clear(EventDigest *d);
uint64_t event_digest_pulls(const EventDigest *d);
