/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <ares.h>
#include <netinet/in.h>

#include "base/macro.h"

/* The host's name servers, for c-ares. */

#define NAME_SERVERS_MAX 3 /* glibc's */

typedef struct NameServers {
        struct sockaddr_in6 ipv6[NAME_SERVERS_MAX];
        unsigned n_ipv6;
} NameServers;

int name_servers_open(NameServers *servers, const char *given, const struct ares_options *options, int mask,
                      ares_channel *ret);
