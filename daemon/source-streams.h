/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "manager.h"

/* The list+watch streams that the gates need, each a reflector of lib/kube joined to a request of lib/http. */

typedef struct SourceStreams SourceStreams;

typedef struct SourceStreamsStats {
        uint64_t requests, failures, listings, events, bytes;
        uint64_t restarts; /* watches beyond the first of each stream */
} SourceStreamsStats;

int source_streams_new(Manager *m, SourceStreams **ret);
SourceStreams *source_streams_free(SourceStreams *s);
DEFINE_CLEANUP(SourceStreams, source_streams_free)

void source_streams_set_api_ready(SourceStreams *s, bool ready);
void source_streams_set_version(SourceStreams *s, const char *version);
void source_streams_connect_anew(SourceStreams *s);
void source_streams_update(SourceStreams *s);
void source_streams_kick(SourceStreams *s);
void source_streams_stats(const SourceStreams *s, SourceStreamsStats *ret);
