/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "ready/readiness.h"
#include "varlink/interface.h"

/* io.msready.Readiness and io.systemd.service on the socket. */

typedef struct PublishVarlink PublishVarlink;
typedef struct PublishVarlinkOps PublishVarlinkOps;

/* What a caller can have the daemon do. */
struct PublishVarlinkOps {
        int (*reload)(PublishVarlinkOps *ops, char **reterr_detail);
};

/* The interfaces beside org.varlink.service; ends with NULL. */
extern const VlInterface *const publish_varlink_interfaces[];

/* listen_fd is a socket that systemd passed, owned from now on; -1: the daemon binds path itself. */
int publish_varlink_new(Loop *loop, const Readiness *readiness, PublishVarlinkOps *ops, int listen_fd,
                        const char *path, PublishVarlink **ret);
PublishVarlink *publish_varlink_free(PublishVarlink *p);
DEFINE_CLEANUP(PublishVarlink, publish_varlink_free)

/* The manager tells edges. publish_varlink_flush() answers waits and tells subscribers, once per judgement
 * of the board. */
void publish_varlink_gate_changed(PublishVarlink *p, const Gate *gate, GateState before, unsigned what);
void publish_varlink_verdict_changed(PublishVarlink *p);
void publish_varlink_gates_removed(PublishVarlink *p, char *const *names);
void publish_varlink_stopping(PublishVarlink *p);
void publish_varlink_flush(PublishVarlink *p);
