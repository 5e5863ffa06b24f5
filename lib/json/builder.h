/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "json/json.h"

/* Builds a JsonValue from its first member to its last. A zeroed builder is empty. The first error is kept for
 * jb_finish(), which must be called in the end; what is called after an error does nothing. */

#define JSON_BUILDER_DEPTH 8

typedef struct JsonBuilder {
        int error; /* -errno, or 0 */
        JsonValue *root;
        JsonValue *open[JSON_BUILDER_DEPTH]; /* objects and arrays, the innermost last */
        size_t depth;
} JsonBuilder;

void jb_object(JsonBuilder *b, const char *key);
JsonValue *jb_array(JsonBuilder *b, const char *key);
void jb_end(JsonBuilder *b);
void jb_reopen(JsonBuilder *b, JsonValue *value);

void jb_string(JsonBuilder *b, const char *key, const char *s);
void jb_strings(JsonBuilder *b, const char *key, char *const *l);
void jb_int(JsonBuilder *b, const char *key, int64_t i);
void jb_bool(JsonBuilder *b, const char *key, bool value);
void jb_usec(JsonBuilder *b, const char *key, usec_t usec);
void jb_usec_unless(JsonBuilder *b, const char *key, usec_t usec, usec_t absent);
void jb_usec_or_infinity(JsonBuilder *b, const char *key, usec_t usec);
void jb_copy(JsonBuilder *b, const char *key, const JsonValue *v);

void jb_fail(JsonBuilder *b, int r);
int jb_finish(JsonBuilder *b, JsonValue **ret);
