/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "progress.h"

/* Since when there has been no progress. */
typedef struct Stall {
        usec_t moved;    /* when there was progress last, on CLOCK_MONOTONIC */
        uint64_t counts; /* a hash of how many are ready */
        uint64_t *seen;  /* hashes of all blockers so far */
        size_t n_seen;
} Stall;

void stall_done(Stall *stall);
int stall_feed(Stall *stall, const Progress *p, const Snapshot *s, usec_t now);
