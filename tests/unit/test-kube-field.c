/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"
#include "kube/field.h"

static void test_paths(void **state) {
        static const char *const right[] = { "a",    "status.phase", "a.b.c.d", "metadata.labels.a\\.b/c",
                                             "a\\.", "\\.a",         "0.1" };
        static const char *const wrong[] = { "",      ".",       ".a",      "a.",      "a..b",   "a b",
                                             "a\\",   "a\\b",    "a\\\\.b", "{.a.b}",  "a[0].b", "a.b[*].c",
                                             "a.'b'", "a.\"b\"", "a\t.b",   "\303\251" };
        char text[256];

        for (size_t i = 0; i < ELEMENTSOF(right); i++)
                if (!kube_field_is_path(right[i]))
                        fail_msg("%s is one", right[i]);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                if (kube_field_is_path(wrong[i]))
                        fail_msg("%s is none", wrong[i]);
        memset(text, 'x', sizeof(text));
        text[254] = '\0';
        assert_false(kube_field_is_path(text));
        text[253] = '\0';
        assert_true(kube_field_is_path(text));
}

static const char object[] =
        "{\"a\":\"text\",\"b\":{\"c\":{\"d\":true,\"e\":[\"x\"],\"f\":null},\"c.d\":7,\"\":1},"
        "\"n\":{\"zero\":0,\"minus\":-3,\"half\":0.5,\"whole\":2.0,\"last\":9007199254740991,"
        "\"next\":9007199254740993,\"empty\":\"\"}}";

static void test_values(void **state) {
        static const struct {
                const char *path, *value;
                bool found;
        } rows[] = {
                { "a", "text", true },
                { "A", NULL, false },
                { "a.b", NULL, false },
                { "b", NULL, true },
                { "b.c.d", "true", true },
                { "b.c.e", NULL, true },
                { "b.c.e.0", NULL, false },
                { "b.c.f", NULL, false },
                { "b.c\\.d", "7", true },
                { "b\\.c.d", NULL, false },
                { "n.zero", "0", true },
                { "n.minus", "-3", true },
                { "n.half", "0.5", true },
                { "n.whole", "2", true },
                { "n.last", "9007199254740991", true },
                { "n.next", NULL, true }, /* it would be read as another one */
                { "n.empty", "", true },
        };
        _cleanup_(jv_freep) JsonValue *json = NULL;

        assert_ok(jv_parse(object, sizeof(object) - 1, &json));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *value = NULL;
                bool found;

                assert_ok(kube_field_read(json, rows[i].path, &found, &value));
                if (found != rows[i].found || !streq_ptr(value, rows[i].value))
                        fail_msg("%s: %s", rows[i].path, value ?: found ? "no value" : "absent");
        }
}

/* No more is kept of a text than of any other text of the cluster, and no half character. */
static void test_long_value(void **state) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));
        _cleanup_(jv_freep) JsonValue *json = NULL;
        _cleanup_free_ char *value = NULL;
        bool found;

        assert_ok(buffer_puts(&b, "{\"a\":\"x"));
        for (int i = 0; i < 1000; i++)
                assert_ok(buffer_puts(&b, "\303\251"));
        assert_ok(buffer_puts(&b, "\"}"));
        assert_ok(jv_parse(b.data, b.size, &json));
        assert_ok(kube_field_read(json, "a", &found, &value));
        assert_int_equal(strlen(value), LIMIT_MESSAGE - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_long_value),
        };
        return cmocka_run_group_tests_name("kube-field", tests, NULL, NULL);
}
