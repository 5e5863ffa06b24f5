/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "manager.h"

/* sd_notify: READY=1 once, STATUS=, heartbeats while the start job waits, the watchdog afterwards. */

typedef struct PublishNotify PublishNotify;

int publish_notify_new(Manager *m, PublishNotify **ret);
PublishNotify *publish_notify_free(PublishNotify *p);
DEFINE_CLEANUP(PublishNotify, publish_notify_free)

void publish_notify_ready(PublishNotify *p);
void publish_notify_update(PublishNotify *p);
void publish_notify_reloading(PublishNotify *p);
void publish_notify_reloaded(PublishNotify *p);
void publish_notify_stopping(PublishNotify *p);
