/* SPDX-License-Identifier: Apache-2.0 */

/* The builder keeps the path from the root to the object or array that the next member goes into. key is the
 * member's name in an object and NULL in an array. The root needs neither a beginning nor an end: the first member
 * with a key makes it an object, and a builder without members gives {}. */

#include "json/builder.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "base/strv.h"

/* Keeps r if it is an error and the first one; the tree is freed. */
void jb_fail(JsonBuilder *b, int r) {
        if (r >= 0 || b->error < 0)
                return;
        b->error = r;
        b->root = jv_free(b->root);
        b->depth = 0;
}

static int add_to_open(JsonBuilder *b, const char *key, JsonValue *value) {
        JsonValue *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;

        if (b->error < 0)
                return b->error;
        if (!value)
                return -ENOMEM;
        if (!parent) {
                assert(!b->root);
                b->root = value;
                return 0;
        }
        assert(key ? jv_is_object(parent) : jv_is_array(parent));
        if (key && jv_get(parent, key))
                return -EEXIST;
        return (key ? cJSON_AddItemToObject(parent, key, value) : cJSON_AddItemToArray(parent, value))
                       ? 0
                       : -ENOMEM;
}

/* Owns value, and frees it on failure. Returns it where it has become part of the tree, else NULL. */
static JsonValue *put_value(JsonBuilder *b, const char *key, JsonValue *value) {
        int r;

        if (key && b->depth == 0)
                jb_object(b, NULL);
        r = add_to_open(b, key, value);
        if (r >= 0)
                return value;
        jb_fail(b, r);
        return jv_free(value);
}

/* Opens an object or array of the tree: members go into it until jb_end(). value may be NULL after an error. */
void jb_reopen(JsonBuilder *b, JsonValue *value) {
        if (b->error < 0)
                return;
        assert(b->depth < JSON_BUILDER_DEPTH);
        b->open[b->depth++] = value;
}

/* -EEXIST, here and below, where the object has a member of that name. */
void jb_object(JsonBuilder *b, const char *key) {
        jb_reopen(b, put_value(b, key, cJSON_CreateObject()));
}

/* Returns the array, for jb_reopen(); NULL after an error. It lives as long as the tree. */
JsonValue *jb_array(JsonBuilder *b, const char *key) {
        JsonValue *array = put_value(b, key, cJSON_CreateArray());

        jb_reopen(b, array);
        return array;
}

/* Closes the innermost object or array. */
void jb_end(JsonBuilder *b) {
        if (b->error < 0)
                return;
        assert(b->depth > 0);
        b->depth--;
}

/* NULL leaves the member out. */
void jb_string(JsonBuilder *b, const char *key, const char *s) {
        assert(s || key);

        if (s)
                put_value(b, key, cJSON_CreateString(s));
}

/* An array, empty where l is NULL. */
void jb_strings(JsonBuilder *b, const char *key, char *const *l) {
        jb_array(b, key);
        STRV_FOREACH(s, l)
                jb_string(b, NULL, *s);
        jb_end(b);
}

/* Any int64_t is printed exactly; jv_parse() and jv_int() read it back up to JSON_INTEGER_MAX. */
void jb_int(JsonBuilder *b, const char *key, int64_t i) {
        char text[24];

        if (i >= -JSON_INTEGER_MAX && i <= JSON_INTEGER_MAX) {
                put_value(b, key, cJSON_CreateNumber((double) i));
                return;
        }
        snprintf(text, sizeof(text), "%" PRId64, i);
        put_value(b, key, cJSON_CreateRaw(text));
}

void jb_bool(JsonBuilder *b, const char *key, bool value) {
        put_value(b, key, cJSON_CreateBool(value));
}

/* A time that is known. It is cut to what jv_get_usec() reads back, which is 285 years. */
void jb_usec(JsonBuilder *b, const char *key, usec_t usec) {
        jb_int(b, key, (int64_t) MIN(usec, (usec_t) JSON_INTEGER_MAX));
}

/* The value `absent`, which stands for no time, leaves the member out. */
void jb_usec_unless(JsonBuilder *b, const char *key, usec_t usec, usec_t absent) {
        if (usec != absent)
                jb_usec(b, key, usec);
}

/* A time limit: USEC_INFINITY is -1. */
void jb_usec_or_infinity(JsonBuilder *b, const char *key, usec_t usec) {
        if (usec == USEC_INFINITY)
                jb_int(b, key, -1);
        else
                jb_usec(b, key, usec);
}

void jb_copy(JsonBuilder *b, const char *key, const JsonValue *v) {
        put_value(b, key, jv_copy(v));
}

/* Hands the tree over to the caller, or returns the first error. The builder is empty afterwards. */
int jb_finish(JsonBuilder *b, JsonValue **ret) {
        int r;

        if (!b->root)
                jb_object(b, NULL);
        assert(b->depth <= 1);

        r = b->error;
        if (r >= 0)
                *ret = b->root;
        *b = (JsonBuilder){};
        return r;
}
