/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What each unit test begins with: asserts stay on, whatever the build type. */
#undef NDEBUG

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_ok(expr)                                                                                     \
        do {                                                                                                \
                int _r = (expr);                                                                            \
                if (_r < 0)                                                                                 \
                        fail_msg("%s: %s", #expr, strerror(-_r));                                           \
        } while (0)

#define assert_error(expr, error) assert_int_equal((expr), -(error))
