/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* How a notify service that waits in its start job keeps systemd waiting: each heartbeat asks for
 * HEARTBEAT_EXTENDS_USEC more. Three of them fit into TimeoutStartSec=90s of the units, and two into what each
 * asks for, so that one may be late. */
#define HEARTBEAT_USEC (20 * USEC_PER_SEC)
#define HEARTBEAT_EXTENDS_USEC (60 * USEC_PER_SEC)
