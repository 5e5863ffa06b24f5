/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/world.h"

#include "options.h"
#include "settings.h"

int host_facts_read(const Options *options, const Settings *settings, HostFacts *facts);
bool host_node_name_is_refused(const char *wanted, const char *kept, const char *host_name);
int host_node_name_trouble(char **ret);
bool host_has_address(const char *address);
usec_t host_userspace_start(void);
