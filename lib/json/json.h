/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"
#include "base/clock.h"

/* JSON that is checked and bounded before it is used. */

typedef struct cJSON JsonValue;

/* Below 2^53 each integer has a double of its own; 2^53 + 1 is read as 2^53. */
#define JSON_INTEGER_MAX (((int64_t) 1 << 53) - 1)

/* How deep arrays and objects may nest. */
#define JSON_DEPTH_MAX 64

/* Iterates over the members of an object or the elements of an array; over nothing if v is neither. */
#define JSON_FOREACH(i, v) for (const JsonValue *i = jv_first(v); i; i = jv_next(i))

int jv_check_text(const char *text, size_t size);
int jv_parse(const char *text, size_t size, JsonValue **ret);
JsonValue *jv_free(JsonValue *v);
DEFINE_CLEANUP(JsonValue, jv_free)

bool jv_is_null(const JsonValue *v);
bool jv_is_object(const JsonValue *v);
bool jv_is_array(const JsonValue *v);
bool jv_is_string(const JsonValue *v);
bool jv_is_bool(const JsonValue *v);
bool jv_is_int(const JsonValue *v);

const JsonValue *jv_first(const JsonValue *v);
const JsonValue *jv_next(const JsonValue *v);
const char *jv_key(const JsonValue *member);
size_t jv_length(const JsonValue *v);

const char *jv_string(const JsonValue *v);
bool jv_bool(const JsonValue *v, bool otherwise);
int jv_int(const JsonValue *v, int64_t *ret);

const JsonValue *jv_get(const JsonValue *object, const char *key);
const JsonValue *jv_path(const JsonValue *object, ...) __attribute__((sentinel));
const char *jv_get_string(const JsonValue *object, const char *key);
bool jv_get_bool(const JsonValue *object, const char *key, bool otherwise);
int64_t jv_get_int(const JsonValue *object, const char *key, int64_t otherwise);
usec_t jv_get_usec(const JsonValue *object, const char *key, usec_t otherwise);
JsonValue *jv_copy(const JsonValue *v);

int jv_print_string(const char *s, Buffer *out);
int jv_print(const JsonValue *v, bool pretty, Buffer *out);
