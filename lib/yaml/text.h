/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The text of a file, as it is given to libyaml. */

typedef struct YText {
        const char *text;
        size_t size;
        size_t read; /* up to here */
} YText;

int ytext_read(void *data, unsigned char *buffer, size_t size, size_t *ret_size);
bool ytext_has_many_tags(const char *text, size_t size);
bool ytext_ends_line(const char *text, size_t size);
