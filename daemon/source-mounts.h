/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"

/* The mounts under the configuration: gate files, msready.conf and MicroShift's files may be on a file system that is
 * mounted when the daemon already runs. */

typedef struct SourceMounts SourceMounts;
typedef struct SourceMountsOps SourceMountsOps;

struct SourceMountsOps {
        /* Another file system has one of the folders now. Not to be acted upon before the call has returned. */
        void (*changed)(SourceMountsOps *ops);
};

int source_mounts_new(Hub *hub, SourceMountsOps *ops, SourceMounts **ret);
SourceMounts *source_mounts_free(SourceMounts *s);
DEFINE_CLEANUP(SourceMounts, source_mounts_free)

void source_mounts_look(SourceMounts *s);
