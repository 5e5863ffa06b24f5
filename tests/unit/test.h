/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What each unit test begins with: asserts stay on, whatever the build type. */
#undef NDEBUG

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Ends a test that cannot run here, for packages are built in places where much cannot. Not by cmocka's skip(): before
 * 1.1.6 it says "not ok", which meson takes for a failure. Under CI=true nothing may be skipped. */
#define skip_test(why)                                                                                      \
        do {                                                                                                \
                const char *_ci = getenv("CI");                                                             \
                if (_ci && strcmp(_ci, "true") == 0)                                                        \
                        fail_msg("skipped, which is a failure under CI=true: %s", why);                     \
                print_message("# skipped: %s\n", why);                                                      \
                return;                                                                                     \
        } while (0)

#define assert_ok(expr)                                                                                     \
        do {                                                                                                \
                int _r = (expr);                                                                            \
                if (_r < 0)                                                                                 \
                        fail_msg("%s: %s", #expr, strerror(-_r));                                           \
        } while (0)

#define assert_error(expr, error) assert_int_equal((expr), -(error))
