/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/strv.h"

static inline void assert_joined(char *const *strings, const char *separator, const char *expected) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));

        STRV_FOREACH(s, strings)
                assert_ok(buffer_printf(&b, "%s%s", s == strings ? "" : separator, *s));
        assert_string_equal(buffer_cstr(&b), expected);
}
