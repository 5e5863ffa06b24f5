/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/board.h"

/* The state that outlives a restart of the daemon, as text (rule R6). */

typedef struct KeepStamp {
        const char *boot_id;
        usec_t userspace; /* monotonic: when this userspace began; 0 without systemd */
} KeepStamp;

int keep_print(const Board *board, const World *w, const KeepStamp *stamp, Instant now, Buffer *out);
int keep_restore(Board *b, const char *text, size_t size, const KeepStamp *stamp, Instant now);
