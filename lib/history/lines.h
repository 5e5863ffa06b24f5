/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/json.h"

/* Texts with one JSON value per line, as our own files are. */

int lines_put(const JsonValue *v, Buffer *out);
int lines_next(const char **text, size_t *size, JsonValue **ret);
