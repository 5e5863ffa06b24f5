/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "ready/readiness.h"

/* io.msready.Readiness and io.systemd.service on the socket. */

typedef struct PublishVarlink PublishVarlink;
typedef struct PublishVarlinkOps PublishVarlinkOps;

/* What a caller can have the daemon do. */
struct PublishVarlinkOps {
        int (*reload)(PublishVarlinkOps *ops, char **reterr_detail);
};

/* listen_fd is one that systemd handed over, taken; -1: binds path itself. */
int publish_varlink_new(Loop *loop, const Readiness *readiness, PublishVarlinkOps *ops, int listen_fd,
                        const char *path, PublishVarlink **ret);
PublishVarlink *publish_varlink_free(PublishVarlink *p);
DEFINE_CLEANUP(PublishVarlink, publish_varlink_free)

/* Edges, as they come. publish_varlink_flush() answers those who wait and tells the subscribers, once per
 * judgement of the board. */
void publish_varlink_gate_changed(PublishVarlink *p, const Gate *gate, GateState before, unsigned what);
void publish_varlink_verdict_changed(PublishVarlink *p);
void publish_varlink_gates_removed(PublishVarlink *p, char *const *names);
void publish_varlink_stopping(PublishVarlink *p);
void publish_varlink_flush(PublishVarlink *p);
