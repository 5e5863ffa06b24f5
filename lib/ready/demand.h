/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/resource.h"
#include "ready/board.h"

/* A stream that the gates need. Lives for the call that tells of it. */
typedef struct StreamDemand {
        StreamRole role;
        const char *key; /* of a STREAM_GENERIC, as WorldStream has it; else NULL */
        KubeQuery query;
} StreamDemand;

typedef int (*DemandCallback)(const StreamDemand *demand, void *userdata);

int board_demand(const Board *b, const World *w, DemandCallback callback, void *userdata);
