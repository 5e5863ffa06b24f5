/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/builder.h"

/* Texts with one JSON value per line, as our own files are. */

int lines_put(JsonBuilder *b, Buffer *out);
int lines_next(const char **text, size_t *size, JsonValue **ret);
