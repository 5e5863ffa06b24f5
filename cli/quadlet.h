/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Units that Quadlet, podman's generator, makes from files of its own. */

typedef struct QuadletUnit {
        char *file;    /* that it is made from */
        char *service; /* "edge.service" */
        char **links;  /* of its [Install], as "kiosk.service" or "multi-user.target.wants/edge.service" */
        char **before; /* what it asks to be started before */
} QuadletUnit;

typedef struct QuadletUnits {
        QuadletUnit *units;
        size_t n;
} QuadletUnits;

int quadlet_read(const char *root, QuadletUnits *ret);
void quadlet_done(QuadletUnits *q);
