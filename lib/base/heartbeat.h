/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* A Type=notify service whose start job waits asks systemd for more time: each heartbeat for
 * HEARTBEAT_EXTENDS_USEC. Three heartbeats fit into the units' TimeoutStartSec=90s and two into what each
 * asks for, so that one may be late. */
#define HEARTBEAT_USEC (20 * USEC_PER_SEC)
#define HEARTBEAT_EXTENDS_USEC (60 * USEC_PER_SEC)
