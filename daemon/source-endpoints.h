/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"

/* Asks the addresses of [Endpoint] checks and puts what came back into the world's answers. */

typedef struct SourceEndpoints SourceEndpoints;

int source_endpoints_new(Hub *hub, SourceEndpoints **ret);
SourceEndpoints *source_endpoints_free(SourceEndpoints *s);
DEFINE_CLEANUP(SourceEndpoints, source_endpoints_free)

/* The board has been judged, or has other gates: asks each address every 5 s while it is shut and every 30 s
 * while it is open, or as IntervalSec= says; forgets those that no enabled gate names. */
void source_endpoints_update(SourceEndpoints *s);
