/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"

/* What this host says: whether containers are alive (their cgroups, rule R3). */

typedef struct SourceHost SourceHost;

int source_host_new(Hub *hub, SourceHost **ret);
SourceHost *source_host_free(SourceHost *s);
DEFINE_CLEANUP(SourceHost, source_host_free)

/* The board is about to be judged: looks at the containers of the pods that are news to the host. */
void source_host_look_at_news(SourceHost *s);
/* The board has been judged: looks again each second while a pod on this host is Ready but unproven, watches
 * the groups of what is alive (also of the gates' kept containers), and forgets groups that no pod names any
 * more. */
void source_host_update(SourceHost *s);
/* The gates may be others, and with them the containers that they kept. */
void source_host_reload(SourceHost *s);
