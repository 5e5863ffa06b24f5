/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* What the files of a system tell of a unit: its names, what is masked, and the targets that pull it in. */

typedef struct Pulls {
        char **names;   /* the unit's own, and those it is an alias of or that are aliases of it */
        char **targets; /* that pull the unit in */
        char **later;   /* that will do so once the unit is enabled: its [Install] names them */
        char **before;  /* what the unit asks to be started before */
        char *mask;     /* the file that masks it; NULL */
        char *quadlet;  /* the file that podman's generator makes it from; NULL */
        bool is_absent; /* no file makes it; never so of an instance of a template */
} Pulls;

int pulls_read(const char *root, const char *unit, Pulls *ret);
void pulls_done(Pulls *p);
