/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/builder.h"
#include "test.h"

/* Objects with one member. The caller's. */

static inline JsonValue *json_of_string(const char *key, const char *s) {
        JsonBuilder b = {};
        JsonValue *v;

        jb_string(&b, key, s);
        assert_ok(jb_finish(&b, &v));
        return v;
}

static inline JsonValue *json_of_int(const char *key, int64_t i) {
        JsonBuilder b = {};
        JsonValue *v;

        jb_int(&b, key, i);
        assert_ok(jb_finish(&b, &v));
        return v;
}
