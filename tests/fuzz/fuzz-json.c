/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/limits.h"
#include "json/json.h"

static void walk(const JsonValue *v) {
        int64_t i;

        assert(jv_is_null(v) + jv_is_object(v) + jv_is_array(v) + jv_is_string(v) + jv_is_bool(v) <= 1);
        assert(jv_is_int(v) == (jv_int(v, &i) >= 0));
        assert(!jv_string(v) == !jv_is_string(v));
        JSON_FOREACH(m, v) {
                /* Each key is there once. */
                if (jv_is_object(v) && jv_length(v) < 100)
                        assert(jv_get(v, jv_key(m)) == m);
                walk(m);
        }
}

/* A text that is accepted can be printed, and the print parses to the same value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(buffer_done) Buffer one = BUFFER_INIT(MIB(64)), two = BUFFER_INIT(MIB(64));
        _cleanup_(jv_freep) JsonValue *v = NULL, *again = NULL, *copy = NULL;

        if (jv_parse((const char *) data, size, &v) < 0) {
                assert(!v);
                return 0;
        }
        walk(v);
        copy = jv_copy(v);
        assert(copy);
        assert(jv_print(copy, size % 2, &one) == 0);
        assert(jv_parse(one.data, one.size, &again) == 0);
        assert(jv_print(again, size % 2, &two) == 0);
        assert(one.size == two.size && memcmp(one.data, two.data, one.size) == 0);
        return 0;
}
