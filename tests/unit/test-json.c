/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>

#include "base/limits.h"
#include "json-of.h"

static int parse(const char *text, JsonValue **ret) {
        return jv_parse(text, strlen(text), ret);
}

static JsonValue *must_parse(const char *text) {
        JsonValue *v = NULL;

        assert_ok(parse(text, &v));
        assert_non_null(v);
        return v;
}

static void expect_print(const JsonValue *v, bool pretty, const char *text) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));

        assert_ok(jv_print(v, pretty, &b));
        assert_string_equal(buffer_cstr(&b), text);
}

static void test_good(void **state) {
        /* clang-format off */
        static const char *const good[] = {
                "{}", " [ ] ", "\t\r\n0\n", "\"\"", "true", "false", "null", "-0", "0.5", "1e3", "-1.25E-2",
                "[1,2,[3,{\"a\":[]}]]", "{\"a\":{\"b\":{}},\"B\":1,\"b\":2}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\"",
                "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", "\"\x7f\"", "123456789012345678901234567890",
                "{\"\":0}",
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_(jv_freep) JsonValue *v = NULL;
                _cleanup_free_ char *exact = malloc(strlen(good[i]));

                /* No NUL behind the text: what is read there is found by the sanitizer. */
                memcpy(exact, good[i], strlen(good[i]));
                if (jv_parse(exact, strlen(good[i]), &v) != 0)
                        fail_msg("refused: %s", good[i]);
        }
}

static void test_bad(void **state) {
        /* clang-format off */
        static const char *const bad[] = {
                "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}",
                "{a:1}", "{'a':1}", "{\"a\" 1}", "{1:1}", "[1}", "{\"a\":1]", "1 2", "{} {}", "{}x", "tru", "True",
                "nul", "NaN", "Infinity", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "0x10", "1e999", "-1e999",
                "\"", "\"abc", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u0000\"", "\"a\\u0000b\"",
                "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"\\ud83dx\"", "\"\t\"", "\"\n\"", "\"\x01\"",
                "\xef\xbb\xbf{}", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\v{}", "{}\f", "\x01{}", "/**/{}",
                "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "[{\"x\":{\"k\":1,\"l\":2,\"k\":3}}]", "[1 2]",
                "1111111111111111111111111111111111111111111111111111111111111111",
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                JsonValue *v = (JsonValue *) state;

                if (parse(bad[i], &v) != -EBADMSG || v != (JsonValue *) state)
                        fail_msg("taken, or another error: %s", bad[i]);
        }
        /* NUL bytes, which a C string cannot show. */
        {
                JsonValue *v = NULL;

                assert_error(jv_parse("{}\0", 3, &v), EBADMSG);
                assert_error(jv_parse("\"a\0b\"", 5, &v), EBADMSG);
        }
}

/* Each beginning of a good text is bad, and never read behind its end. */
static void test_cut(void **state) {
        static const char text[] = "{\"a\":[1,-2.5e3,true,null,\"x\\u00e9\\n\"],\"b\":{\"c\":false}}";

        for (size_t n = 0; n < sizeof(text) - 1; n++) {
                _cleanup_free_ char *exact = malloc(MAX(n, (size_t) 1));
                JsonValue *v = NULL;

                memcpy(exact, text, n);
                assert_error(jv_parse(exact, n, &v), EBADMSG);
        }
}

static void test_depth(void **state) {
        char text[200];

        for (size_t depth = 1; depth <= 66; depth++) {
                _cleanup_(jv_freep) JsonValue *v = NULL;

                memset(text, '[', depth);
                memset(text + depth, ']', depth);
                assert_int_equal(jv_parse(text, 2 * depth, &v), depth <= 64 ? 0 : -E2BIG);
        }
        /* Siblings do not add up. */
        {
                _cleanup_(jv_freep) JsonValue *v = must_parse("[{\"a\":[[],[]]},[{}],{\"b\":[1,{}]}]");

                assert_int_equal(jv_length(v), 3);
        }
}

static void test_many_values(void **state) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(MIB(4));
        JsonValue *v = NULL;

        assert_ok(buffer_putc(&b, '['));
        for (size_t i = 1; i < LIMIT_JSON_VALUES - 1; i++)
                assert_ok(buffer_puts(&b, "1,"));
        assert_ok(buffer_puts(&b, "1]"));
        assert_ok(jv_parse(b.data, b.size, &v));
        assert_int_equal(jv_length(v), LIMIT_JSON_VALUES - 1);
        v = jv_free(v);

        b.size--;
        assert_ok(buffer_puts(&b, ",1]"));
        assert_error(jv_parse(b.data, b.size, &v), E2BIG);
}

/* Objects too big to compare each key with each. */
static void test_many_keys(void **state) {
        for (unsigned n = 1; n < 40; n++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));
                JsonValue *v = NULL;

                assert_ok(buffer_putc(&b, '{'));
                for (unsigned i = 0; i < n; i++)
                        assert_ok(buffer_printf(&b, "\"k%u\":%u,", i * 7 % n + 100 * i, i));
                assert_ok(buffer_puts(&b, "\"last\":0}"));
                assert_ok(jv_parse(b.data, b.size, &v));
                assert_int_equal(jv_length(v), n + 1);
                v = jv_free(v);

                b.size--;
                assert_ok(buffer_printf(&b, ",\"k%u\":0}", 0 * 7 % n));
                assert_error(jv_parse(b.data, b.size, &v), EBADMSG);
        }
}

static void test_get(void **state) {
        _cleanup_(jv_freep) JsonValue *v =
                must_parse("{\"status\":{\"nodeInfo\":{\"bootID\":\"x\"},\"n\":3,\"t\":true,\"z\":null}}");
        const JsonValue *status = jv_get(v, "status");

        assert_string_equal(jv_string(jv_path(v, "status", "nodeInfo", "bootID", NULL)), "x");
        assert_null(jv_path(v, "status", "nodeinfo", "bootID", NULL));
        assert_null(jv_path(v, "status", "nodeInfo", "bootID", "deeper", NULL));
        assert_null(jv_path(NULL, "status", NULL));
        assert_ptr_equal(jv_path(v, NULL), v);
        assert_null(jv_get(v, "STATUS"));
        assert_null(jv_get(NULL, "status"));
        assert_null(jv_get_string(status, "n"));
        assert_int_equal(jv_get_int(status, "n", -1), 3);
        assert_int_equal(jv_get_int(status, "t", -1), -1);
        assert_int_equal(jv_get_int(status, "gone", -1), -1);
        assert_true(jv_get_bool(status, "t", false));
        assert_true(jv_get_bool(status, "gone", true));
        assert_false(jv_get_bool(status, "n", false));
        assert_true(jv_is_null(jv_get(status, "z")));
        assert_false(jv_is_null(jv_get(status, "gone")));
        assert_null(jv_first(jv_get(status, "n")));
        assert_null(jv_first(NULL));
        assert_string_equal(jv_key(jv_first(v)), "status");
        assert_int_equal(jv_length(status), 4);
        assert_int_equal(jv_length(NULL), 0);
}

static void test_int(void **state) {
        static const struct {
                const char *text;
                int r;
                int64_t i;
        } rows[] = {
                { "0", 0, 0 },
                { "-0", 0, 0 },
                { "42", 0, 42 },
                { "1763812345678900", 0, 1763812345678900 },
                { "9007199254740991", 0, 9007199254740991 },
                { "-9007199254740991", 0, -9007199254740991 },
                { "9007199254740992", -ERANGE, 0 },
                { "9007199254740993", -ERANGE, 0 },
                { "-9007199254740992", -ERANGE, 0 },
                { "1e300", -ERANGE, 0 },
                { "0.5", -EINVAL, 0 },
                { "1e-400", 0, 0 },
                { "\"1\"", -EINVAL, 0 },
                { "true", -EINVAL, 0 },
                { "null", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(jv_freep) JsonValue *v = must_parse(rows[i].text);
                int64_t got = 0;

                assert_int_equal(jv_int(v, &got), rows[i].r);
                assert_true(got == rows[i].i);
                assert_int_equal(jv_is_int(v), rows[i].r == 0);
        }
        assert_false(jv_is_int(NULL));
}

static void test_build(void **state) {
        _cleanup_(jv_freep) JsonValue *o = NULL, *copy = NULL;
        JsonBuilder b = {};

        jb_array(&b, "list");
        jb_string(&b, NULL, "one");
        jb_object(&b, NULL);
        jb_end(&b);
        jb_end(&b);
        jb_string(&b, "text", "\"\\\b\f\n\r\t\x01/é");
        jb_string(&b, "absent", NULL);
        jb_bool(&b, "yes", true);
        jb_bool(&b, "no", false);
        jb_int(&b, "n", -5);
        assert_ok(jb_finish(&b, &o));

        copy = jv_copy(o);
        expect_print(copy, false,
                     "{\"list\":[\"one\",{}],\"text\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001/é\","
                     "\"yes\":true,\"no\":false,\"n\":-5}");
        expect_print(o, true,
                     "{\n  \"list\": [\n    \"one\",\n    {}\n  ],\n"
                     "  \"text\": \"\\\"\\\\\\b\\f\\n\\r\\t\\u0001/é\",\n"
                     "  \"yes\": true,\n  \"no\": false,\n  \"n\": -5\n}");
}

static void expect_built(JsonBuilder *b, const char *text) {
        _cleanup_(jv_freep) JsonValue *v = NULL;

        assert_ok(jb_finish(b, &v));
        expect_print(v, false, text);
}

/* Of whatever kind the root is, it is closed at the end, and the builder can be used again. */
static void test_build_roots(void **state) {
        JsonBuilder b = {};

        expect_built(&b, "{}");
        jb_strings(&b, "l", (char *[]){ (char *) "a", (char *) "b", NULL });
        jb_strings(&b, "none", NULL);
        jb_object(&b, "o");
        jb_end(&b);
        expect_built(&b, "{\"l\":[\"a\",\"b\"],\"none\":[],\"o\":{}}");
        jb_array(&b, NULL);
        jb_int(&b, NULL, 1);
        expect_built(&b, "[1]");
        jb_object(&b, NULL);
        jb_end(&b);
        expect_built(&b, "{}");
        jb_string(&b, NULL, "alone");
        expect_built(&b, "\"alone\"");
}

static void test_build_times(void **state) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        JsonBuilder b = {};

        jb_usec(&b, "known", 1763812345678900);
        jb_usec(&b, "cut", USEC_INFINITY);
        jb_usec_unless(&b, "never", USEC_INFINITY, USEC_INFINITY);
        jb_usec_unless(&b, "zero", 0, 0);
        jb_usec_unless(&b, "one", 1, 0);
        jb_usec_or_infinity(&b, "limit", 7);
        jb_usec_or_infinity(&b, "none", USEC_INFINITY);
        assert_ok(jb_finish(&b, &v));
        expect_print(
                v, false,
                "{\"known\":1763812345678900,\"cut\":9007199254740991,\"one\":1,\"limit\":7,\"none\":-1}");
        assert_true(jv_get_usec(v, "known", 0) == 1763812345678900);
        assert_true(jv_get_usec(v, "cut", 0) == (usec_t) JSON_INTEGER_MAX);
        assert_true(jv_get_usec(v, "never", USEC_INFINITY) == USEC_INFINITY);
        assert_true(jv_get_usec(v, "never", 0) == 0);
        assert_true(jv_get_usec(v, "none", 5) == 5);
        assert_true(jv_get_usec(NULL, "x", 5) == 5);
}

/* An array is filled later, when what comes behind it is there already. */
static void test_build_reopened(void **state) {
        JsonBuilder b = {};
        JsonValue *array;

        jb_object(&b, "o");
        array = jb_array(&b, "l");
        jb_int(&b, NULL, 1);
        jb_end(&b);
        jb_bool(&b, "x", true);
        jb_end(&b);
        jb_reopen(&b, array);
        jb_int(&b, NULL, 2);
        jb_end(&b);
        jb_int(&b, "last", 3);
        expect_built(&b, "{\"o\":{\"l\":[1,2],\"x\":true},\"last\":3}");
}

/* The first error is the one that is told, wherever it came. */
static void test_build_errors(void **state) {
        JsonValue *v = NULL;
        JsonBuilder b = {};

        jb_string(&b, "text", "once");
        jb_string(&b, "text", "again");
        assert_error(jb_finish(&b, &v), EEXIST);

        jb_object(&b, "o");
        jb_fail(&b, 1);
        jb_int(&b, "i", 1);
        jb_fail(&b, -EIO);
        jb_fail(&b, -ENOMEM);
        assert_null(jb_array(&b, "l"));
        jb_reopen(&b, NULL);
        jb_string(&b, NULL, "x");
        jb_end(&b);
        jb_end(&b);
        jb_end(&b);
        assert_error(jb_finish(&b, &v), EIO);
        assert_null(v);
        expect_built(&b, "{}");
}

static void test_print_numbers(void **state) {
        static const int64_t exact[] = {
                0, 1, -1, 1000000000000000, 1763812345678900, 9007199254740991, -9007199254740991
        };
        static const int64_t wide[] = { 9007199254740992, 9007199254740993, INT64_MAX, INT64_MIN };

        for (size_t i = 0; i < ELEMENTSOF(exact) + ELEMENTSOF(wide); i++) {
                bool is_exact = i < ELEMENTSOF(exact);
                int64_t n = is_exact ? exact[i] : wide[i - ELEMENTSOF(exact)], back;
                _cleanup_(jv_freep) JsonValue *o = json_of_int("n", n), *again = NULL;
                _cleanup_(buffer_done) Buffer b = BUFFER_INIT(100);
                char text[64];

                assert_true(jv_get_int(o, "n", 7) == n);
                snprintf(text, sizeof(text), "{\"n\":%" PRId64 "}", n);
                expect_print(o, false, text);

                assert_ok(jv_print(o, false, &b));
                assert_ok(jv_parse(b.data, b.size, &again));
                assert_int_equal(jv_int(jv_get(again, "n"), &back), is_exact ? 0 : -ERANGE);
                if (is_exact)
                        assert_true(back == n);
        }
        for (size_t i = 0; i < 4; i++) {
                static const char *const texts[] = { "[0.1,-2.5,1e+300]", "[0.30000000000000004]",
                                                     "[3.14e-100]", "[1.5]" };
                _cleanup_(jv_freep) JsonValue *v = must_parse(texts[i]);

                expect_print(v, false, texts[i]);
        }
}

static void test_print_limits(void **state) {
        _cleanup_(jv_freep) JsonValue *v = must_parse("[\"abc\",1,true]"), *s = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(15);
        JsonBuilder builder = {};

        /* Whole or not at all. */
        assert_ok(buffer_puts(&b, "ab"));
        assert_error(jv_print(v, false, &b), E2BIG);
        assert_string_equal(b.data, "ab");
        b.limit = 16;
        assert_ok(jv_print(v, false, &b));
        assert_string_equal(b.data, "ab[\"abc\",1,true]");

        jb_string(&builder, NULL, "a\xff\xc3\xa9\"b");
        assert_ok(jb_finish(&builder, &s));
        expect_print(s, false, "\"a???\\\"b\"");
        assert_null(jv_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),         cmocka_unit_test(test_bad),
                cmocka_unit_test(test_cut),          cmocka_unit_test(test_depth),
                cmocka_unit_test(test_many_values),  cmocka_unit_test(test_many_keys),
                cmocka_unit_test(test_get),          cmocka_unit_test(test_int),
                cmocka_unit_test(test_build),        cmocka_unit_test(test_print_numbers),
                cmocka_unit_test(test_print_limits), cmocka_unit_test(test_build_roots),
                cmocka_unit_test(test_build_times),  cmocka_unit_test(test_build_reopened),
                cmocka_unit_test(test_build_errors),
        };
        return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
