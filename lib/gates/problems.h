/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"
#include "base/strv.h"

/* What is wrong with the configuration, as `msready check-config` and `msready reload` tell it. */
typedef struct Problems {
        char **errors;   /* each with file and line where it has one */
        char **warnings; /* likewise */
        size_t n_gates;  /* that are not masked */
} Problems;

#define PROBLEMS_NULL ((Problems){})

void problems_done(Problems *p);
int problems_add(char ***list, const char *format, ...) _printf_(2, 3);
int problems_put(const Problems *p, Buffer *b);
