/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "output.h"

/* Lines at the bottom of a terminal that are rewritten in place. */

typedef struct Live {
        Output out;       /* takes what to show */
        unsigned *widths; /* of the lines that are shown */
        size_t shown;
        int fd;
} Live;

void live_init(Live *live, int fd);
void live_done(Live *live);
int live_show(Live *live);
int live_clear(Live *live);
void live_forget(Live *live);
