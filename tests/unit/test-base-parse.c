/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/parse.h"

static void test_boolean(void **state) {
        assert_int_equal(parse_boolean("yes"), 1);
        assert_int_equal(parse_boolean("On"), 1);
        assert_int_equal(parse_boolean("1"), 1);
        assert_int_equal(parse_boolean("FALSE"), 0);
        assert_int_equal(parse_boolean("n"), 0);
        assert_error(parse_boolean(""), EINVAL);
        assert_error(parse_boolean("yes "), EINVAL);
        assert_error(parse_boolean("2"), EINVAL);
}

static void test_timespan(void **state) {
        static const struct {
                const char *text;
                usec_t usec;
        } good[] = {
                { "90", 90 * USEC_PER_SEC },
                { "1min 30s", 90 * USEC_PER_SEC },
                { "1min30s", 90 * USEC_PER_SEC },
                { "2h", 2 * USEC_PER_HOUR },
                { "500ms", 500 * USEC_PER_MSEC },
                { "1.5h", 90 * USEC_PER_MINUTE },
                { "0", 0 },
                { " 5 min ", 5 * USEC_PER_MINUTE },
                { "7us", 7 },
                { "0.0000019s", 1 },
                { "1.999999y", UINT64_C(63115168442400) },
                { "infinity", USEC_INFINITY },
                { "1 month", (usec_t) 2629800 * USEC_PER_SEC },
                { "1m", USEC_PER_MINUTE },
        };
        static const char *const bad[] = { "",      " ",           "s",    "5 parsecs", "-1",
                                           "1..5s", "infinity 5s", "5s x", "." };
        usec_t u;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_ok(parse_timespan(good[i].text, &u));
                assert_int_equal(u, good[i].usec);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                u = 77;
                assert_error(parse_timespan(bad[i], &u), EINVAL);
                assert_int_equal(u, 77);
        }
        assert_error(parse_timespan("99999999999999999999", &u), ERANGE);
        assert_error(parse_timespan("600000y", &u), ERANGE);
}

static void test_unsigned(void **state) {
        uint64_t v;
        unsigned n;

        assert_ok(parse_uint64("18446744073709551615", &v));
        assert_true(v == UINT64_MAX);
        assert_error(parse_uint64("18446744073709551616", &v), ERANGE);
        assert_error(parse_uint64("", &v), EINVAL);
        assert_error(parse_uint64("+1", &v), EINVAL);
        assert_ok(parse_unsigned("7", 7, &n));
        assert_error(parse_unsigned("8", 7, &n), ERANGE);
}

static void test_format(void **state) {
        char s[TIMESPAN_MAX];

        assert_string_equal(format_timespan(s, 12 * USEC_PER_SEC), "12s");
        assert_string_equal(format_timespan(s, 850 * USEC_PER_MSEC), "850ms");
        assert_string_equal(format_timespan(s, 200 * USEC_PER_SEC), "3min 20s");
        assert_string_equal(format_timespan(s, 125 * USEC_PER_MINUTE), "2h 5min");
        assert_string_equal(format_timespan(s, 97 * USEC_PER_HOUR), "4d 1h");
        assert_string_equal(format_timespan(s, 2 * USEC_PER_HOUR), "2h");
        assert_string_equal(format_timespan(s, 48 * USEC_PER_HOUR + 1), "2d");
        assert_string_equal(format_timespan(s, 0), "0");
        assert_string_equal(format_timespan(s, 999), "0");
        assert_string_equal(format_timespan(s, USEC_INFINITY), "infinity");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_boolean),
                cmocka_unit_test(test_timespan),
                cmocka_unit_test(test_unsigned),
                cmocka_unit_test(test_format),
        };
        return cmocka_run_group_tests_name("base-parse", tests, NULL, NULL);
}
