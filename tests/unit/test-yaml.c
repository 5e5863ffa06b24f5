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

static void expect(const char *text, int error, const char *detail) {
        _cleanup_free_ char *got = NULL;
        YNode *n = NULL;
        int r = ynode_parse(text, strlen(text), &n, &got);

        if (r != -error)
                fail_msg("%d in: %s", r, text);
        assert_null(n);
        assert_non_null(got);
        if (!strstr(got, detail))
                fail_msg("\"%s\" lacks \"%s\"", got, detail);
        /* The detail may be NULL. */
        assert_error(ynode_parse(text, strlen(text), &n, NULL), error);
}

static void expect_error(const char *text, const char *detail) {
        expect(text, EBADMSG, detail);
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

/* What the tree passes over is known. */
static void test_rest(void **state) {
        static const struct {
                const char *text;
                unsigned line;
        } rows[] = {
                { "a: 1\n", 0 },
                { "", 0 },
                { "a: 1\n...\n# comment\n", 0 },
                { "a: 1\n---\n", 0 },
                { "---\na: 1\n---\n---\n# comment\n", 0 },
                { "a: 1\n---\n~\n", 3 },
                { "a: 1\n---\nb: 2\n", 3 },
                { "a: 1\n...\n---\n- b\n", 4 },
                { "---\n---\na: 1\n", 3 },
                { "a: 1\n...\nb: 2\n", 3 },
                { "  a: 1\nb: 2\n", 2 },
                { "{a: 1}\nb: 2\n", 2 },
                { "a: 1\n---\n[\n", 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(ynode_freep) YNode *n = must_parse(rows[i].text);

                if (ynode_rest_line(n) != rows[i].line)
                        fail_msg("line %u in: %s", ynode_rest_line(n), rows[i].text);
        }
}

static void test_bad(void **state) {
        expect_error("? [1]\n: 2\n", "line 1: a key must be plain text");
        expect_error("? {a: 1}\n: 2\n", "a key must be plain text");
        expect_error("a: \"\\0\"\n", "a NUL byte in a text");
        expect_error("a: 1\n b: 2\n", "line 2");
        expect_error("a:\n\t- b\n", "line 2");
        expect_error("a: 1\nplain\n", "line 3");
        expect_error("a: 1\nplain\nb: 2\n", "line 3");
        expect_error("a: \x01\n", "line 1");
        expect_error("a: 1\nb: \xff\xfe\n", "UTF-8");
        expect_error("a: @b\n", "line 1");
        expect_error("a: 1\n]", "line 2");
}

/* Where the text ends in the middle, more of it may come. */
static void test_breaks_off(void **state) {
        expect("a: \"x\n", ENODATA, "line 2: while scanning a quoted scalar");
        expect("a: 'x", ENODATA, "line 1");
        expect("[1, 2\n", ENODATA, "line 2");
        expect("a: {b: 1", ENODATA, "flow mapping");
        expect("a: 1\npla", ENODATA, "could not find");
        expect("a: b\nc: https:", ENODATA, "mapping values");
        expect("a: \xc3", ENODATA, "incomplete UTF-8");
        expect("\xff\xfe"
               "a",
               ENODATA, "incomplete UTF-16");
        expect("!<", ENODATA, "line 1");
        expect("%YAML 1.1\n", ENODATA, "line 2");
}

static bool is_last(const char *text, const char *key) {
        _cleanup_(ynode_freep) YNode *n = must_parse(text);

        return ynode_is_last(ynode_get(n, key));
}

static void test_is_last(void **state) {
        _cleanup_(ynode_freep) YNode *open = must_parse("a: 1\n"), *flow = must_parse("{a: 1}\n"),
                                     *ended = must_parse("a: 1\n...\n"), *rest = must_parse("a: 1\n--- b\n"),
                                     *empty = must_parse("");

        assert_true(ynode_is_last(open));
        assert_true(ynode_is_last(empty));
        assert_false(ynode_is_last(flow));
        assert_false(ynode_is_last(ended));
        assert_false(ynode_is_last(rest));

        assert_false(is_last("a: 1\n", "a"));
        assert_true(is_last("a: 1", "a"));
        assert_false(is_last("a: 1\nb: 2", "a"));
        assert_true(is_last("a:\n", "a"));
        assert_true(is_last("a: |\n  x\n", "a"));
        assert_false(is_last("a: 'x'", "a"));
        assert_true(is_last("a:\n- b\n", "a"));
        assert_false(is_last("a:\n- b\nc: 1\n", "a"));
        assert_false(is_last("a: []\n", "a"));
        assert_true(is_last("b: 1\na:\n  - c: {d: 1}\n", "a"));
        assert_false(is_last("x: &x\n  y: 1\na: *x\n", "a"));
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

static int parse_as_utf16(const char *text, size_t size, YNode **ret, char **reterr_detail) {
        _cleanup_free_ char *wide = malloc(2 * size + 2);

        memcpy(wide, "\xfe\xff", 2);
        for (size_t i = 0; i < size; i++)
                wide[2 * i + 2] = '\0', wide[2 * i + 3] = text[i];
        return ynode_parse(wide, 2 * size + 2, ret, reterr_detail);
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
                detail = mfree(detail);
                tree = ynode_free(tree);
                assert_int_equal(parse_as_utf16(b.data, b.size, &tree, &detail), n <= 16 ? 0 : -EBADMSG);
                b.size = before;
        }
}

/* Writes n as JSON, its scalars as texts, the members of a map in the order of their names. */
static void write_json(const YNode *n, Buffer *out) {
        const YNode *done = NULL;
        bool comma = false;

        if (!ynode_is_map(n) && !ynode_is_list(n)) {
                assert_ok(ynode_is_null(n) ? buffer_puts(out, "null")
                                           : buffer_printf(out, "\"%s\"", ynode_string(n)));
                return;
        }
        assert_ok(buffer_puts(out, ynode_is_map(n) ? "{" : "["));
        if (ynode_is_list(n))
                YNODE_FOREACH(item, n) {
                        assert_ok(buffer_puts(out, comma ? "," : ""));
                        write_json(item, out);
                        comma = true;
                }
        while (ynode_is_map(n)) {
                const YNode *next = NULL;

                YNODE_FOREACH(m, n)
                        if ((!done || strcmp(ynode_key(m), ynode_key(done)) > 0) &&
                            (!next || strcmp(ynode_key(m), ynode_key(next)) < 0))
                                next = m;
                if (!next)
                        break;
                assert_ok(buffer_printf(out, "%s\"%s\":", comma ? "," : "", ynode_key(next)));
                write_json(next, out);
                done = next;
                comma = true;
        }
        assert_ok(buffer_puts(out, ynode_is_map(n) ? "}" : "]"));
}

#define BOM "\xef\xbb\xbf"
#define NBSP "\xc2\xa0"
#define ZWSP "\xe2\x80\x8b"
#define X "x: &x {a: '1', b: '2'}\n"
#define X_JSON "\"x\":{\"a\":\"1\",\"b\":\"2\"}"
#define TEXT(s) s, sizeof(s) - 1

/* The second column is what sigs.k8s.io/yaml v1.6.0 (goyaml v2.4.3, as client-go v0.36.3 and MicroShift have them)
 * made of the first, v1.3.0 the same; NULL where it was refused. A zero
 * width space stands for the byte order mark that begins a key there. Values are quoted where their type would differ. */
static void test_as_goyaml(void **state) {
        static const struct {
                const char *text;
                size_t size;
                const char *json;
        } rows[] = {
                /* Encodings */
                { TEXT(BOM "a: p\nb: q\n"), "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT(BOM "---\na: p\nb: q\n"), "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT(BOM "# x\na: p\nb: q\n"), "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT(BOM), "null" },
                { TEXT("\xff\xfe"
                       "a\0:\0 \0p\0\n\0b\0:\0 \0q\0\n\0"),
                  "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("\xfe\xff"
                       "\0a\0:\0 \0p\0\n\0b\0:\0 \0q\0\n"),
                  "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("a\0:\0 \0p\0\n\0"), NULL },
                { TEXT("\xff\xfe"
                       "a\0:\0 \0p\0\n\0\x00\xd8"),
                  NULL },
                { TEXT("a: p\n" BOM "b: q\n"), "{\"a\":\"p\",\"" ZWSP "b\":\"q\"}" },
                { TEXT("---\n" BOM "a: p\nb: q\n"), "{\"b\":\"q\",\"" ZWSP "a\":\"p\"}" },
                { TEXT("a: p" BOM "q\n"), "{\"a\":\"p" BOM "q\"}" },
                /* What looks like a blank or a line end */
                { TEXT("a: p\n" NBSP "b: q\n"), "{\"a\":\"p\",\"" NBSP "b\":\"q\"}" },
                { TEXT("a: p\n" ZWSP "b: q\n"), "{\"a\":\"p\",\"" ZWSP "b\":\"q\"}" },
                { TEXT("a:" NBSP "p\nb: q\n"), NULL },
                { TEXT("a: p\nb:" NBSP "q\n"), NULL },
                { TEXT("a: p\n\tb: q\n"), NULL },
                { TEXT("a:\tp\nb: q\n"), "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("a: p\r\nb: q\r\n"), "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("a: p\rb: q\r"), "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("a: p\xc2\x85"
                       "b: q\xc2\x85"),
                  "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("a: p\xe2\x80\xa8"
                       "b: q\n"),
                  "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("a: p\xe2\x80\xa9"
                       "b: q\n"),
                  "{\"a\":\"p\",\"b\":\"q\"}" },
                { TEXT("a: p\x0c"
                       "b: q\n"),
                  NULL },
                { TEXT("a: p\0b: q\n"), NULL },
                { TEXT("a: p\x7f\n"), NULL },
                /* Documents */
                { TEXT("a: p\n---\nb: q\n"), "{\"a\":\"p\"}" },
                { TEXT("---\n---\na: p\n"), "null" },
                { TEXT("# x\n---\na: p\n"), "{\"a\":\"p\"}" },
                { TEXT("a: p\n...\nb: q\n"), "{\"a\":\"p\"}" },
                { TEXT("...\na: p\n"), NULL },
                { TEXT("%YAML 1.1\n---\na: p\n"), "{\"a\":\"p\"}" },
                { TEXT("%YAML 2.0\n---\na: p\n"), NULL },
                { TEXT("%YAML 1.1\na: p\n"), NULL },
                { TEXT("  a: p\nb: q\n"), "{\"a\":\"p\"}" },
                { TEXT("{a: p}\nb: q\n"), "{\"a\":\"p\"}" },
                { TEXT("a\nb: q\n"), NULL },
                /* Keys twice */
                { TEXT("a: p\na: q\n"), "{\"a\":\"q\"}" },
                { TEXT("a: {b: p}\na: {c: q}\n"), "{\"a\":{\"c\":\"q\"}}" },
                { TEXT("a: p\nb: r\na: [q]\n"), "{\"a\":[\"q\"],\"b\":\"r\"}" },
                /* Aliases */
                { TEXT("a: &x p\nb: *x\n"), "{\"a\":\"p\",\"b\":\"p\"}" },
                { TEXT("a: &x k\n*x : p\n"), "{\"a\":\"k\",\"k\":\"p\"}" },
                { TEXT("&x a: p\nb: *x\n"), "{\"a\":\"p\",\"b\":\"a\"}" },
                { TEXT("a: &x p\nb: &x q\nc: *x\n"), "{\"a\":\"p\",\"b\":\"q\",\"c\":\"q\"}" },
                { TEXT("a: &x [~, {b: p}]\na: *x\n"), "{\"a\":[null,{\"b\":\"p\"}]}" },
                { TEXT("a: *x\nb: &x p\n"), NULL },
                { TEXT("a: &x [*x]\n"), NULL },
                { TEXT("a: &x [p]\n*x : q\n"), NULL },
                /* Merges */
                { TEXT(X "z:\n  <<: *x\n  b: '3'\n"), "{" X_JSON ",\"z\":{\"a\":\"1\",\"b\":\"3\"}}" },
                { TEXT(X "z:\n  b: '3'\n  <<: *x\n"), "{" X_JSON ",\"z\":{\"a\":\"1\",\"b\":\"2\"}}" },
                { TEXT(X "z: {<<: *x, <<: {a: '9'}}\n"), "{" X_JSON ",\"z\":{\"a\":\"9\",\"b\":\"2\"}}" },
                { TEXT(X "z: {a: '5', <<: *x, a: '6'}\n"), "{" X_JSON ",\"z\":{\"a\":\"6\",\"b\":\"2\"}}" },
                { TEXT(X "z: {<<: *x, a: }\n"), "{" X_JSON ",\"z\":{\"a\":null,\"b\":\"2\"}}" },
                { TEXT("z: {<<: {a: p}, b: q}\n"), "{\"z\":{\"a\":\"p\",\"b\":\"q\"}}" },
                { TEXT("z: {<<: &m {a: p}, b: q}\nzz: *m\n"),
                  "{\"z\":{\"a\":\"p\",\"b\":\"q\"},\"zz\":{\"a\":\"p\"}}" },
                { TEXT("z: {<<: [{a: p}, {a: q, c: r}], b: s}\n"),
                  "{\"z\":{\"a\":\"p\",\"b\":\"s\",\"c\":\"r\"}}" },
                { TEXT("x: &x {a: p}\nw: &w {<<: *x, b: q}\nz: {<<: *w, c: r}\n"),
                  "{\"w\":{\"a\":\"p\",\"b\":\"q\"},\"x\":{\"a\":\"p\"},\"z\":{\"a\":\"p\",\"b\":\"q\",\"c\":\"r\"}}" },
                { TEXT("x: &x {a: {b: p}}\nz: {<<: *x, a: {c: q}}\n"),
                  "{\"x\":{\"a\":{\"b\":\"p\"}},\"z\":{\"a\":{\"c\":\"q\"}}}" },
                { TEXT("z: {\"<<\": {a: p}, b: q}\n"), "{\"z\":{\"<<\":{\"a\":\"p\"},\"b\":\"q\"}}" },
                { TEXT("z: {<<: p}\n"), NULL },
                { TEXT("z: {<<: }\n"), NULL },
                { TEXT("z: {<<: [p]}\n"), NULL },
                { TEXT("x: &x [{a: p}]\nz: {<<: *x}\n"), NULL },
                { TEXT("z: &z {<<: *z}\n"), NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(buffer_done) Buffer json = BUFFER_INIT(KIB(4));
                _cleanup_(ynode_freep) YNode *n = NULL;
                _cleanup_free_ char *detail = NULL;
                int r = ynode_parse(rows[i].text, rows[i].size, &n, &detail);

                assert_int_equal(!detail, r >= 0);
                if ((r >= 0) != !!rows[i].json)
                        fail_msg("row %zu: %d %s in: %s", i, r, strna(detail), rows[i].text);
                if (r < 0)
                        continue;
                write_json(n, &json);
                if (!streq(buffer_cstr(&json), rows[i].json))
                        fail_msg("row %zu: %s", i, buffer_cstr(&json));
        }
}

/* The last of a key counts, and where it was before is known. */
static void test_twice(void **state) {
        _cleanup_(ynode_freep) YNode *n = must_parse("a: &x {b: [1]}\nb: 2\na:\n  - 1\nb: 3\nb: 4\nc: *x\n");

        assert_int_equal(ynode_line(ynode_get(n, "a")), 4);
        assert_int_equal(ynode_key_line(ynode_get(n, "a")), 3);
        assert_int_equal(ynode_earlier_line(ynode_get(n, "a")), 1);
        assert_int_equal(ynode_earlier_line(ynode_get(n, "b")), 5);
        assert_int_equal(ynode_key_line(ynode_get(n, "b")), 6);
        assert_int_equal(ynode_earlier_line(ynode_get(n, "c")), 0);
        assert_string_equal(ynode_key(ynode_first(n)), "a");
        assert_string_equal(ynode_string(ynode_first(ynode_get(ynode_get(n, "c"), "b"))), "1");
}

/* What aliases can make is bounded: in values, in depth, in anchors, in text. */
static void test_alias_bounds(void **state) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(KIB(256));

        assert_ok(buffer_puts(&text, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]\n"));
        for (unsigned i = 0; i < 20; i++)
                assert_ok(buffer_printf(&text, "a%u: &a%u [*a%u, *a%u, *a%u, *a%u]\n", i + 1, i + 1, i, i, i,
                                        i));
        expect_error(buffer_cstr(&text), "too many values");

        buffer_clear(&text);
        assert_ok(buffer_puts(&text, "a0: &a0 {k0: 1, k1: 1}\n"));
        for (unsigned i = 0; i < 20; i++)
                assert_ok(buffer_printf(&text, "a%u: &a%u {<<: [*a%u, *a%u], b: *a%u, c: *a%u}\n", i + 1,
                                        i + 1, i, i, i, i));
        expect_error(buffer_cstr(&text), "too many values");

        buffer_clear(&text);
        assert_ok(buffer_puts(&text, "a0: &a0 [1]\n"));
        for (unsigned i = 0; i < 20; i++)
                assert_ok(buffer_printf(&text, "a%u: &a%u [[[*a%u]]]\n", i + 1, i + 1, i));
        expect_error(buffer_cstr(&text), "line 11: nested too deeply");

        buffer_clear(&text);
        for (unsigned i = 0; i < 300; i++)
                assert_ok(buffer_printf(&text, "- &a%u 1\n", i));
        expect_error(buffer_cstr(&text), "line 257: too many anchors");

        buffer_clear(&text);
        assert_ok(buffer_printf(&text, "a: &a %010000u\nb:\n", 1U));
        for (unsigned i = 0; i < 30; i++)
                assert_ok(buffer_puts(&text, "- *a\n"));
        expect_error(buffer_cstr(&text), "aliases copy too much text");
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
                assert_true(r == 0 || r == -EBADMSG || r == -ENODATA);
                assert_int_equal(!!tree, r == 0);
                assert_int_equal(!!detail, r < 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree),
                cmocka_unit_test(test_json_is_yaml),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_first_document_only),
                cmocka_unit_test(test_rest),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_breaks_off),
                cmocka_unit_test(test_is_last),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_tag_directives),
                cmocka_unit_test(test_as_goyaml),
                cmocka_unit_test(test_twice),
                cmocka_unit_test(test_alias_bounds),
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_many_keys),
                cmocka_unit_test(test_cut),
        };
        return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
