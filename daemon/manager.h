/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"

#include "options.h"

/* Owns all parts of the daemon and joins them. Only main.c includes this. */

typedef struct Manager Manager;

int manager_new(Loop *loop, const Options *options, int listen_fd, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager, manager_free)
void manager_start(Manager *m);
