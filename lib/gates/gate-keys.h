/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/gate-file.h"

/* The keys of gate files. Only gate-file.c reads them. */

typedef struct GateReader {
        GateDefinition *definition;
        CheckDefinition *check; /* that the line belongs to; NULL in [Gate] and in what is skipped */
        const char *why;        /* why a value was refused */
        char *detail;           /* likewise, allocated; wins where it is set */
} GateReader;

/* Takes a value, "" to reset. -EINVAL with the reason in the reader, -ENOMEM. */
typedef int (*GateKeyParser)(GateReader *r, const char *value);

GateKeyParser gate_key_parser(const char *section, const char *key);
