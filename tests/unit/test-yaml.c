/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "yaml/yaml.h"

static YNode *must_parse(const char *text) {
        _cleanup_free_ char *detail = NULL;
        YNode *n = NULL;

        if (ynode_parse(text, strlen(text), &n, &detail) < 0)
                fail_msg("%s in: %s", detail, text);
        return n;
}

static void expect_error(const char *text, const char *detail) {
        _cleanup_free_ char *got = NULL;
        YNode *n = NULL;

        assert_error(ynode_parse(text, strlen(text), &n, &got), EBADMSG);
        assert_null(n);
        assert_non_null(got);
        if (!strstr(got, detail))
                fail_msg("\"%s\" lacks \"%s\"", got, detail);
        /* The detail may be NULL. */
        assert_error(ynode_parse(text, strlen(text), &n, NULL), EBADMSG);
}

static void test_tree(void **state) {
        _cleanup_(ynode_freep) YNode *n = must_parse("# comment\n"
                                                     "a: 1\n"
                                                     "b:\n"
                                                     "- x\n"
                                                     "- name: y\n"
                                                     "  'quoted key': \"two\\nlines\"\n"
                                                     "c: {d: null, e: ~, f: '', g: \"null\", h: }\n"
                                                     "block: |\n"
                                                     "  one\n"
                                                     "  two\n");
        const YNode *b = ynode_get(n, "b"), *c = ynode_get(n, "c"), *item;

        assert_true(ynode_is_map(n));
        assert_string_equal(ynode_string(ynode_get(n, "a")), "1");
        assert_int_equal(ynode_line(ynode_get(n, "a")), 2);
        assert_true(ynode_is_list(b));
        assert_null(ynode_string(b));
        item = ynode_first(b);
        assert_string_equal(ynode_string(item), "x");
        assert_null(ynode_key(item));
        item = ynode_next(item);
        assert_string_equal(ynode_string(ynode_get(item, "quoted key")), "two\nlines");
        assert_int_equal(ynode_line(ynode_get(item, "quoted key")), 6);
        assert_null(ynode_next(item));
        assert_true(ynode_is_null(ynode_get(c, "d")));
        assert_true(ynode_is_null(ynode_get(c, "e")));
        assert_true(ynode_is_null(ynode_get(c, "h")));
        assert_null(ynode_string(ynode_get(c, "d")));
        assert_string_equal(ynode_string(ynode_get(c, "f")), "");
        assert_string_equal(ynode_string(ynode_get(c, "g")), "null");
        assert_string_equal(ynode_string(ynode_get(n, "block")), "one\ntwo\n");
        assert_null(ynode_get(n, "A"));
        assert_null(ynode_get(b, "x"));
        assert_null(ynode_get(NULL, "x"));
        assert_null(ynode_first(NULL));
        assert_int_equal(ynode_line(NULL), 0);
        assert_false(ynode_is_null(NULL));
}

static void test_json_is_yaml(void **state) {
        _cleanup_(ynode_freep) YNode *n = must_parse("{\"a\": {\"b\": [true, 1.5]}}");

        assert_string_equal(ynode_string(ynode_first(ynode_get(ynode_get(n, "a"), "b"))), "true");
}

static void test_empty(void **state) {
        static const char *const empty[] = { "",           "\n", "# nothing\n",     "---\n",
                                             "---\n...\n", "~",  "%YAML 1.1\n---\n" };

        for (size_t i = 0; i < ELEMENTSOF(empty); i++) {
                _cleanup_(ynode_freep) YNode *n = must_parse(empty[i]);

                assert_true(ynode_is_null(n));
        }
}

static void test_first_document_only(void **state) {
        _cleanup_(ynode_freep) YNode *n = must_parse("a: 1\n---\na: 2\n--- [\n");

        assert_string_equal(ynode_string(ynode_get(n, "a")), "1");
}

static void test_bad(void **state) {
        expect_error("a: 1\nb: 2\na: 3\n", "line 3: key \"a\" was given already, on line 1");
        expect_error("a: {b: 1, b: 2}\n", "line 1: key \"b\"");
        expect_error("a: &x 1\nb: *x\n", "line 2: aliases");
        expect_error("? [1]\n: 2\n", "line 1: a key must be plain text");
        expect_error("? {a: 1}\n: 2\n", "a key must be plain text");
        expect_error("a: \"\\0\"\n", "a NUL byte in a text");
        expect_error("a: \"x\n", "line 2");
        expect_error("a: 1\n b: 2\n", "line 2");
        expect_error("a:\n\t- b\n", "line 2");
        expect_error("a: 1\nplain\n", "line 3");
        expect_error("a: \x01\n", "line 1");
        expect_error("a: 1\nb: \xff\xfe\n", "UTF-8");
        expect_error("[1, 2\n", "line");
        expect_error("a: @b\n", "line 1");
        expect_error("!<", "line 1");
}

static void test_depth(void **state) {
        for (unsigned depth = 30; depth <= 34; depth++) {
                _cleanup_(ynode_freep) YNode *n = NULL;
                char text[100];

                memset(text, '[', depth);
                memset(text + depth, ']', depth);
                assert_int_equal(ynode_parse(text, 2 * (size_t) depth, &n, NULL),
                                 depth <= 32 ? 0 : -EBADMSG);
        }
}

static void test_many(void **state) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(MIB(1));
        _cleanup_free_ char *detail = NULL;
        YNode *n = NULL;

        /* The list itself is one. */
        for (unsigned i = 1; i < LIMIT_YAML_NODES; i++)
                assert_ok(buffer_puts(&b, "- x\n"));
        assert_ok(ynode_parse(b.data, b.size, &n, NULL));
        n = ynode_free(n);
        assert_ok(buffer_puts(&b, "- x\n"));
        assert_error(ynode_parse(b.data, b.size, &n, &detail), EBADMSG);
        assert_string_equal(detail, "line 16384: too many values");
}

/* What libyaml takes a square of time for is not given to it. */
static void test_tag_directives(void **state) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));

        for (unsigned n = 1; n <= 17; n++) {
                _cleanup_(ynode_freep) YNode *tree = NULL;
                _cleanup_free_ char *detail = NULL;
                size_t before;

                assert_ok(buffer_printf(&b, "%%TAG !t%u! tag:example.org,2026:\n", n));
                before = b.size;
                assert_ok(buffer_puts(&b, "---\na: 1\n"));
                assert_int_equal(ynode_parse(b.data, b.size, &tree, &detail), n <= 16 ? 0 : -EBADMSG);
                if (n > 16)
                        assert_string_equal(detail, "line 1: too many %TAG directives");
                b.size = before;
        }
}

static YNode *must_parse_lenient(const char *text) {
        _cleanup_free_ char *detail = NULL;
        YNode *n = NULL;

        if (ynode_parse_lenient(text, strlen(text), &n, &detail) < 0)
                fail_msg("%s in: %s", detail, text);
        return n;
}

static void expect_lenient_error(const char *text, const char *detail) {
        _cleanup_free_ char *got = NULL;
        YNode *n = NULL;

        assert_error(ynode_parse_lenient(text, strlen(text), &n, &got), EBADMSG);
        assert_null(n);
        if (!strstr(got, detail))
                fail_msg("\"%s\" lacks \"%s\"", got, detail);
}

/* As Go reads it: the last of a key counts, also behind an alias of the one before, and the newest anchor. */
static void test_lenient(void **state) {
        _cleanup_(ynode_freep) YNode *twice =
                must_parse_lenient("a: &x {b: [1]}\nb: 2\na: *x\nb: 3\nb: 4\nc: 5\n");
        _cleanup_(ynode_freep) YNode *again = must_parse_lenient("a: &x 1\nb: &x [~, 2]\nc: [*x, *x]\n");
        const YNode *c = ynode_first(ynode_get(again, "c"));

        assert_string_equal(ynode_string(ynode_first(ynode_get(ynode_get(twice, "a"), "b"))), "1");
        assert_int_equal(ynode_line(ynode_get(twice, "a")), 3);
        assert_string_equal(ynode_string(ynode_get(twice, "b")), "4");
        assert_string_equal(ynode_string(ynode_get(twice, "c")), "5");
        assert_string_equal(ynode_key(ynode_first(twice)), "a");
        assert_true(ynode_is_null(ynode_first(c)));
        assert_string_equal(ynode_string(ynode_next(ynode_first(ynode_next(c)))), "2");

        expect_lenient_error("a: *x\n", "line 1: an alias without an anchor");
        expect_lenient_error("a: &x [*x]\n", "line 1: an alias inside its own anchor");
        expect_lenient_error("a: &x b\n? *x\n: 1\n", "a key must be plain text");
        expect_lenient_error("? [1]\n: 2\n", "a key must be plain text");
}

/* What aliases can make is bounded: in values, in depth, in anchors, in text. */
static void test_lenient_bounds(void **state) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(KIB(256));

        assert_ok(buffer_puts(&text, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]\n"));
        for (unsigned i = 0; i < 20; i++)
                assert_ok(buffer_printf(&text, "a%u: &a%u [*a%u, *a%u, *a%u, *a%u]\n", i + 1, i + 1, i, i, i,
                                        i));
        expect_lenient_error(buffer_cstr(&text), "too many values");

        buffer_clear(&text);
        assert_ok(buffer_puts(&text, "a0: &a0 [1]\n"));
        for (unsigned i = 0; i < 20; i++)
                assert_ok(buffer_printf(&text, "a%u: &a%u [[[*a%u]]]\n", i + 1, i + 1, i));
        expect_lenient_error(buffer_cstr(&text), "line 11: nested too deeply");

        buffer_clear(&text);
        for (unsigned i = 0; i < 300; i++)
                assert_ok(buffer_printf(&text, "- &a%u 1\n", i));
        expect_lenient_error(buffer_cstr(&text), "line 257: too many anchors");

        buffer_clear(&text);
        assert_ok(buffer_printf(&text, "a: &a %010000u\nb:\n", 1U));
        for (unsigned i = 0; i < 30; i++)
                assert_ok(buffer_puts(&text, "- *a\n"));
        expect_lenient_error(buffer_cstr(&text), "aliases copy too much text");
}

/* As goyaml.v2 resolves them. */
static void test_types(void **state) {
        static const struct {
                const char *text, *type;
        } rows[] = {
                { "no", "boolean" },    { "y", "boolean" },       { "Off", "boolean" },
                { "TRUE", "boolean" },  { "nO", "string" },       { "'no'", "string" },
                { "\"on\"", "string" }, { "!!str no", "string" }, { "! 'no'", "string" },
                { "~", "null" },        { "", "null" },           { "''", "string" },
                { "!!str", "string" },  { "12", "number" },       { "-1", "number" },
                { "+.5", "number" },    { "1.", "number" },       { ".", "string" },
                { "-", "list" },        { "1e3", "number" },      { "1e", "string" },
                { "1E-3", "number" },   { "1_000", "number" },    { "_1", "string" },
                { "0x1f", "number" },   { "0X1F", "number" },     { "0x", "string" },
                { "0xg", "string" },    { "0o17", "number" },     { "08", "number" },
                { "0b11", "number" },   { "0b12", "string" },     { ".inf", "number" },
                { "-.INF", "number" },  { ".NaN", "number" },     { "inf", "string" },
                { "1.2.3", "string" },  { "10.0.0.1", "string" }, { "2001-12-14", "string" },
                { "1:30", "string" },   { "- no", "list" },       { "a: b", "map" },
                { "{}", "map" },        { "[]", "list" },
        };

        assert_null(ynode_type(NULL));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(ynode_freep) YNode *n = NULL;

                assert_ok(ynode_parse(rows[i].text, strlen(rows[i].text), &n, NULL));
                if (!streq(ynode_type(n), rows[i].type))
                        fail_msg("%s: %s", rows[i].text, ynode_type(n));
        }
}

static usec_t time_of_keys(unsigned n) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(KIB(256));
        usec_t best = USEC_INFINITY;

        for (unsigned i = 0; i < n; i++)
                assert_ok(buffer_printf(&text, "k%u:\n", i));
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(ynode_freep) YNode *tree = NULL;
                clock_t begin = clock();

                assert_ok(ynode_parse(text.data, text.size, &tree, NULL));
                best = MIN(best, (usec_t) (clock() - begin));
        }
        return best;
}

/* Eight times the keys take eight times as long, and not sixty-four times. */
static void test_many_keys(void **state) {
        usec_t few = time_of_keys(2000), many = time_of_keys(16000);

        if (many > 25 * few)
                fail_msg("%" PRIu64 " and %" PRIu64, few, many);
}

/* The only key that may come again: each has its own to merge. */
static void test_merge_keys(void **state) {
        static const char text[] = "<<: a\nb: c\n<<: d\n";
        _cleanup_(ynode_freep) YNode *tree = NULL;
        const YNode *n;

        assert_ok(ynode_parse_lenient(text, strlen(text), &tree, NULL));
        n = ynode_last(tree);
        assert_string_equal(ynode_string(n), "d");
        n = ynode_previous(n);
        assert_string_equal(ynode_string(n), "c");
        n = ynode_previous(n);
        assert_string_equal(ynode_string(n), "a");
        assert_ptr_equal(n, ynode_get(tree, "<<"));
        assert_null(ynode_previous(n));
        assert_null(ynode_last(n));
        assert_null(ynode_last(NULL));
}

/* Each beginning either parses or is refused; nothing is read behind its end. */
static void test_cut(void **state) {
        static const char text[] =
                "a:\n- b: \"c\\u00e9\"\n  d: {e: [1, 'x']}\n- |\n  text\nlast: &z !!str 1\n";

        for (size_t n = 0; n < sizeof(text); n++) {
                _cleanup_(ynode_freep) YNode *tree = NULL;
                _cleanup_free_ char *exact = malloc(MAX(n, (size_t) 1)), *detail = NULL;
                int r;

                memcpy(exact, text, n);
                r = ynode_parse(exact, n, &tree, &detail);
                assert_true(r == 0 || r == -EBADMSG);
                assert_int_equal(!!tree, r == 0);
                assert_int_equal(!!detail, r < 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree),       cmocka_unit_test(test_json_is_yaml),
                cmocka_unit_test(test_empty),      cmocka_unit_test(test_first_document_only),
                cmocka_unit_test(test_bad),        cmocka_unit_test(test_depth),
                cmocka_unit_test(test_many),       cmocka_unit_test(test_tag_directives),
                cmocka_unit_test(test_lenient),    cmocka_unit_test(test_lenient_bounds),
                cmocka_unit_test(test_types),      cmocka_unit_test(test_many_keys),
                cmocka_unit_test(test_merge_keys), cmocka_unit_test(test_cut),
        };
        return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
