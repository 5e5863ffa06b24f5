/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "progress.h"

/* Since when nothing has moved. */
typedef struct Stall {
        usec_t moved;    /* when something moved last, on CLOCK_MONOTONIC */
        uint64_t counts; /* a hash of how many are ready */
        uint64_t *seen;  /* hashes of all that was waited for */
        size_t n_seen;
} Stall;

void stall_done(Stall *stall);
int stall_feed(Stall *stall, const Progress *p, const Snapshot *s, usec_t now);
