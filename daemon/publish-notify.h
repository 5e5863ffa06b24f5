/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "ready/readiness.h"

/* sd_notify: READY=1 once, STATUS=, heartbeats while the start job waits, the watchdog afterwards. */

typedef struct PublishNotify PublishNotify;

int publish_notify_new(Loop *loop, const Readiness *readiness, PublishNotify **ret);
PublishNotify *publish_notify_free(PublishNotify *p);
DEFINE_CLEANUP(PublishNotify, publish_notify_free)

void publish_notify_update(PublishNotify *p);
void publish_notify_reloading(PublishNotify *p);
void publish_notify_reloaded(PublishNotify *p);
void publish_notify_stopping(PublishNotify *p);

char *publish_notify_make_status(const Readiness *readiness, bool was_ready, Instant now, usec_t realtime);
