/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "kube-brief.h"
#include "kube-pods.h"
#include "kube/scanner.h"

/* Writes down what the scanner says, one line per frame. */
typedef struct Record {
        KubeScanner scanner;
        Buffer lines;
        const char *only; /* the app that is wanted; NULL: all */
        int fail;         /* what on_frame returns */
        unsigned frames, kept, asked;
        size_t largest;
} Record;

static const char *const frame_names[_KUBE_FRAME_TYPE_MAX] = {
        [KUBE_FRAME_ITEM] = "ITEM",         [KUBE_FRAME_ADDED] = "ADDED",
        [KUBE_FRAME_MODIFIED] = "MODIFIED", [KUBE_FRAME_DELETED] = "DELETED",
        [KUBE_FRAME_BOOKMARK] = "BOOKMARK", [KUBE_FRAME_ERROR] = "ERROR",
};

static bool on_wanted(KubeScanner *s, const KubeBrief *brief) {
        Record *r = container_of(s, Record, scanner);

        r->asked++;
        return brief_is_of_app(brief, r->only);
}

static int on_frame(KubeScanner *s, const KubeFrame *f) {
        Record *r = container_of(s, Record, scanner);

        r->frames++;
        r->kept += f->wanted;
        r->largest = MAX(r->largest, f->size);
        assert_true(!f->text == !(f->wanted && !f->fault));
        if (f->text)
                assert_int_equal(f->text[f->size], '\0');
        if (r->lines.limit > 0)
                assert_ok(buffer_printf(&r->lines, "%s %s/%s %s %s%s%s\n", frame_names[f->type],
                                        f->brief->namespace, f->brief->name, f->brief->resource_version,
                                        f->text     ? f->text
                                        : f->wanted ? f->fault
                                                    : "-",
                                        f->brief->initial_events_end ? " END" : "", f->brief->owner_uid));
        return r->fail;
}

static const KubeScannerOps all_ops = { .on_frame = on_frame };
static const KubeScannerOps some_ops = { .on_frame = on_frame, .wanted = on_wanted };

/* Feeds text in pieces of the given size (0: of changing sizes) and returns how it ended. */
static int scan(Record *r, KubeScanMode mode, const char *text, size_t size, size_t piece) {
        int e = 0;

        kube_scanner_reset(&r->scanner, mode);
        buffer_clear(&r->lines);
        r->frames = r->kept = r->asked = 0;
        for (size_t i = 0; i < size && e == 0;) {
                size_t n = piece ?: 1 + (i * 7919) % 173;

                n = MIN(n, size - i);
                e = kube_scanner_feed(&r->scanner, text + i, n);
                i += n;
        }
        return e < 0 ? e : kube_scanner_finish(&r->scanner);
}

static const size_t pieces[] = { SIZE_MAX, 1, 2, 3, 7, 64, 143, 0 };

static void check(KubeScanMode mode, const char *only, const char *text, int expected, const char *lines) {
        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                Record r = { .only = only, .lines = BUFFER_INIT(MIB(1)) };
                int e;

                kube_scanner_init(&r.scanner, only ? &some_ops : &all_ops, KIB(64));
                e = scan(&r, mode, text, strlen(text), pieces[i]);
                if (e != expected)
                        fail_msg("%s in pieces of %zu: %d, not %d", text, pieces[i], e, expected);
                assert_string_equal(buffer_cstr(&r.lines), lines);
                /* An error stays. */
                if (e < 0)
                        assert_int_equal(kube_scanner_feed(&r.scanner, " ", 1), e);
                kube_scanner_done(&r.scanner);
                buffer_done(&r.lines);
        }
}

#define META(name, rv)                                                                                      \
        "\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"resourceVersion\":\"" rv "\"}"
#define FRAME(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

static void test_watch(void **state) {
        check(KUBE_SCAN_WATCH, NULL, "", 0, "");
        check(KUBE_SCAN_WATCH, NULL, " \n\t ", 0, "");
        check(KUBE_SCAN_WATCH, NULL, FRAME("ADDED", "{\"kind\":\"Pod\"," META("a", "1") ",\"spec\":{}}"), 0,
              "ADDED ns/a 1 {\"kind\":\"Pod\"," META("a", "1") ",\"spec\":{}}\n");
        /* Nothing between the values, line ends within them, another order of the members, unknown ones. */
        check(KUBE_SCAN_WATCH, NULL,
              "{\"object\":{" META(
                      "a", "1") "},\"type\":\"MODIFIED\"}{ \"type\" : \"DELETED\" ,\n\"object\" : {\n\"x\" "
                                ": [ {} , \"]\" ] , " META(
                                        "b", "2") " } , \"more\":[1,{\"type\":\"}\"}], \"n\": -1.5e3 }",
              0, "MODIFIED ns/a 1 {" META("a", "1") "}\nDELETED ns/b 2 -\n");
        /* Metadata that come last, and none at all. */
        check(KUBE_SCAN_WATCH, NULL,
              FRAME("ADDED", "{\"status\":{\"metadata\":{\"name\":\"no\"}}," META("a", "1") "}"), 0,
              "ADDED ns/a 1 {\"status\":{\"metadata\":{\"name\":\"no\"}}," META("a", "1") "}\n");
        check(KUBE_SCAN_WATCH, NULL, FRAME("ADDED", "{\"metadata\":null}") FRAME("ADDED", "{}"), 0,
              "ADDED /  its metadata has no name\nADDED /  its metadata has no name\n");
        /* Bookmarks, with and without the end mark, whatever the order. */
        check(KUBE_SCAN_WATCH, NULL,
              FRAME("BOOKMARK",
                    "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"7\",\"creationTimestamp\":null}}")
                      FRAME("BOOKMARK",
                            "{\"metadata\":{\"resourceVersion\":\"8\",\"annotations\":{\"k8s.io/initial-events-end\":"
                            "\"true\"}},\"spec\":{\"containers\":null}}") "{\"object\":{\"metadata\":{\"annotations\":{\"x\":\"\",\"k8s.io/initial-events-end\":"
                                                                          "\"true\"},\"resourceVersion\":\"9\"}},\"type\":\"BOOKMARK\"}",
              0, "BOOKMARK / 7 -\nBOOKMARK / 8 - END\nBOOKMARK / 9 - END\n");
        check(KUBE_SCAN_WATCH, NULL, FRAME("ERROR", "{\"kind\":\"Status\",\"metadata\":{},\"code\":410}"), 0,
              "ERROR /  {\"kind\":\"Status\",\"metadata\":{},\"code\":410}\n");
        /* A type from the future is left out. */
        check(KUBE_SCAN_WATCH, NULL, FRAME("MOVED", "{}") FRAME("ADDED", "{" META("a", "1") "}"), 0,
              "ADDED ns/a 1 {" META("a", "1") "}\n");
}

static void test_strings(void **state) {
        /* Quotes, braces and backslashes within strings. */
        check(KUBE_SCAN_WATCH, NULL,
              FRAME("ADDED", "{\"a\\\"}\":\"}\\\\\",\"b\":\"\\\\\\\"{[\"," META(
                                     "a", "1") ",\"c\":[\"\\\\\\\\\",\"]\"]}"),
              0,
              "ADDED ns/a 1 {\"a\\\"}\":\"}\\\\\",\"b\":\"\\\\\\\"{[\"," META(
                      "a", "1") ",\"c\":[\"\\\\\\\\\",\"]\"]}\n");
        /* A key that only looks like the one. */
        check(KUBE_SCAN_WATCH, NULL,
              FRAME("ADDED", "{\"\\\"metadata\":{\"name\":\"x\"},\"metadatametadata\":{}}"), 0,
              "ADDED /  its metadata has no name\n");
        /* What is escaped is decoded before anybody compares it. */
        check(KUBE_SCAN_WATCH, NULL,
              FRAME("DELETED",
                    "{\"metadata\":{\"name\":\"\\u0061\\/\\n\\\"\\u00e9\\u20ac\\ud83d\\ude00\",\"namespace\":"
                    "\"\\ud800x\\u0000\\uZ\"}}"),
              0, "DELETED ?x??Z/a/\n\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80  -\n");
}

static void test_watch_errors(void **state) {
        static const struct {
                const char *text;
                int error;
        } rows[] = {
                { "<html><body>Please log in</body></html>", EBADMSG },
                { "\x1f\x8b\x08", EBADMSG },
                { "null", EBADMSG },
                { "[]", EBADMSG },
                { "ok", EBADMSG },
                { "{", ENODATA },
                { "{\"type", ENODATA },
                { "{\"type\":\"ADDED\"", ENODATA },
                { "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"na", ENODATA },
                { "{\"type\":\"ADDED\",\"object\":{}", ENODATA },
                { "{}", EBADMSG },
                { "{\"type\":\"ADDED\"}", EBADMSG },
                { "{\"object\":{}}", EBADMSG },
                { "{\"type\":\"ADDED\",\"object\":null}", EBADMSG },
                { "{\"type\":\"ADDED\",\"object\":[]}", EBADMSG },
                { "{\"type\":3,\"object\":{}}", EBADMSG },
                { "{\"type\":\"ADDED\",\"type\":\"ADDED\",\"object\":{}}", EBADMSG },
                { "{\"type\":\"ADDED\",\"object\":{},\"object\":{}}", EBADMSG },
                { "{\"type\":\"ADDED\",\"object\":{\"metadata\":{},\"metadata\":{}}}", EBADMSG },
                { "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"name\" \"x\"}}}", EBADMSG },
                { "{\"type\":\"ADDED\",,\"object\":{}}", EBADMSG },
                { "{\"type\" \"ADDED\"}", EBADMSG },
                { "{\"type\":\"ADDED\",}", EBADMSG },
                { "{\"type\":x}", EBADMSG },
                { "{type:1}", EBADMSG },
                { "{\"type\":\"ADDED\"]", EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                check(KUBE_SCAN_WATCH, NULL, rows[i].text, -rows[i].error, "");
        /* What came whole before the error counts. */
        check(KUBE_SCAN_WATCH, NULL, FRAME("DELETED", "{" META("a", "1") "}") "<html>", -EBADMSG,
              "DELETED ns/a 1 -\n");
        check(KUBE_SCAN_WATCH, NULL, FRAME("DELETED", "{" META("a", "1") "}") "{\"type\"", -ENODATA,
              "DELETED ns/a 1 -\n");
}

static void check_list(const char *text, int expected, const char *lines, const char *version,
                       const char *token) {
        check(KUBE_SCAN_LIST, NULL, text, expected, lines);
        for (size_t i = 0; i < ELEMENTSOF(pieces) && expected == 0; i++) {
                Record r = {};

                kube_scanner_init(&r.scanner, &all_ops, KIB(64));
                assert_ok(scan(&r, KUBE_SCAN_LIST, text, strlen(text), pieces[i]));
                assert_string_equal(kube_scanner_resource_version(&r.scanner), version);
                if (token)
                        assert_string_equal(kube_scanner_continue(&r.scanner), token);
                else
                        assert_null(kube_scanner_continue(&r.scanner));
                kube_scanner_done(&r.scanner);
        }
}

static void test_list(void **state) {
        check_list(
                "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"12\"},\"items\":[]}\n",
                0, "", "12", NULL);
        check_list("{\"metadata\":{\"resourceVersion\":\"12\",\"continue\":\"\"},\"items\":null}", 0, "",
                   "12", NULL);
        check_list(
                "{\"metadata\":{\"resourceVersion\":\"12\",\"continue\":\"ab\\u0063\\/\",\"remainingItemCount\":17},"
                "\"items\":[{" META("a", "1") "},{" META("b", "2") ",\"spec\":{}}]}",
                0, "ITEM ns/a 1 {" META("a", "1") "}\nITEM ns/b 2 {" META("b", "2") ",\"spec\":{}}\n", "12",
                "abc/");
        /* The list's own metadata behind its items. */
        check_list("{ \"items\" : [ {" META("a",
                                            "1") "} ] , \"metadata\" : { \"resourceVersion\" : \"12\" } } ",
                   0, "ITEM ns/a 1 {" META("a", "1") "}\n", "12", NULL);
        check_list("{\"metadata\":{\"resourceVersion\":\"1\",\"remainingItemCount\":-3},\"items\":[]}", 0,
                   "", "1", NULL);
}

static void test_list_errors(void **state) {
        static const struct {
                const char *text;
                int error;
        } rows[] = {
                { "", ENODATA },
                { "{\"items\":[", ENODATA },
                { "{\"items\":[]", ENODATA },
                { "{\"kind\":\"Status\",\"metadata\":{},\"code\":500}", EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":\"12\"}}", EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":12},\"items\":[]}", EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":\"\"},\"items\":[]}", EBADMSG },
                { "{\"metadata\":[],\"items\":[]}", EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":\"12\"},\"items\":{}}", EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":\"12\"},\"items\":[1]}", EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":\"12\"},\"items\":[],\"items\":[]}", EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":\"12\"},\"metadata\":{\"resourceVersion\":\"12\"},\"items\":[]}",
                  EBADMSG },
                { "{\"metadata\":{\"resourceVersion\":\"12\"},\"items\":[]}{}", EBADMSG },
                { "<html>", EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Record r = { .lines = BUFFER_INIT(KIB(4)) };

                for (size_t k = 0; k < ELEMENTSOF(pieces); k++) {
                        kube_scanner_init(&r.scanner, &all_ops, KIB(64));
                        assert_int_equal(
                                scan(&r, KUBE_SCAN_LIST, rows[i].text, strlen(rows[i].text), pieces[k]),
                                -rows[i].error);
                        kube_scanner_done(&r.scanner);
                }
                buffer_done(&r.lines);
        }
}

/* One object that cannot be read ends nothing: what could be read of its metadata tells who looks at it. */
static void test_faults(void **state) {
        static const char malformed[] = "its metadata is malformed JSON";
        static const struct {
                const char *metadata, *known;
        } rows[] = {
                { "{\"name\" \"x\"}", "/" },
                { "{\"name\":\"x\",}", "/x" },
                { "{\"name\":\"x\",\"namespace\":\"ns\",\"labels\":{\"a\"}}", "ns/x" },
                { "{name:1}", "/" },
                { "{\"namespace\":\"ns\",\"ownerReferences\":[{\"uid\":\"u\"},{}{}]}", "ns/" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = NULL, *lines = NULL;

                assert_ok(asprintf_ret(&text,
                                       FRAME("ADDED", "{\"metadata\":%s}")
                                               FRAME("DELETED", "{\"metadata\":%s}")
                                                       FRAME("ADDED", "{" META("a", "1") "}"),
                                       rows[i].metadata, rows[i].metadata));
                assert_ok(asprintf_ret(&lines,
                                       "ADDED %s  %s\nDELETED %s  -\nADDED ns/a 1 {" META("a", "1") "}\n",
                                       rows[i].known, malformed, rows[i].known));
                check(KUBE_SCAN_WATCH, NULL, text, 0, lines);
        }
        check(KUBE_SCAN_LIST, NULL,
              "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{},{" META("a", "1") "}]}", 0,
              "ITEM /  its metadata has no name\nITEM ns/a 1 {" META("a", "1") "}\n");
}

/* Bytes of one object around the ceiling: before its metadata, within and behind them. */
static void test_ceiling_places(void **state) {
        static const char before[] = "{\"type\":\"ADDED\",\"object\":{\"x\":\"", end[] = "}}";
        static const char metadata[] = META("a", "7"), last[] = ",\"uid\":\"u\"}";
        static const struct {
                size_t before, within, behind;
                const char *known;
        } rows[] = {
                { 2000, 0, 0, "ns/a" },  { 2000, 500, 0, "ns/a" }, { 900, 500, 0, "ns/a" },
                { 0, 500, 900, "ns/a" }, { 0, 3000, 0, "ns/a" },   { 2000, 1500, 400, "ns/a" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                for (size_t k = 0; k < ELEMENTSOF(pieces); k++) {
                        Record r = { .lines = BUFFER_INIT(KIB(4)) };
                        Buffer b = BUFFER_INIT(KIB(16));
                        _cleanup_free_ char *line = NULL;
                        size_t size;

                        assert_ok(buffer_puts(&b, before));
                        for (size_t n = 0; n < rows[i].before; n++)
                                assert_ok(buffer_putc(&b, '{'));
                        assert_ok(
                                buffer_printf(&b, "\",%.*s,\"x\":\"", (int) strlen(metadata) - 1, metadata));
                        for (size_t n = 0; n < rows[i].within; n++)
                                assert_ok(buffer_putc(&b, 'y'));
                        assert_ok(buffer_printf(&b, "\"%s,\"\":\"", last));
                        for (size_t n = 0; n < rows[i].behind; n++)
                                assert_ok(buffer_putc(&b, 'z'));
                        assert_ok(buffer_printf(&b, "\"%s", end));
                        size = b.size - strlen("{\"type\":\"ADDED\",\"object\":}");
                        assert_ok(buffer_puts(&b, FRAME("ADDED", "{" META("b", "8") "}")));

                        kube_scanner_init(&r.scanner, &all_ops, 1000);
                        assert_ok(scan(&r, KUBE_SCAN_WATCH, b.data, b.size, pieces[k]));
                        assert_ok(asprintf_ret(&line,
                                               "ADDED %s 7 it has %zu bytes; at most 1000 are read\n"
                                               "ADDED ns/b 8 {" META("b", "8") "}\n",
                                               rows[i].known, size));
                        assert_string_equal(buffer_cstr(&r.lines), line);
                        assert_true(r.scanner.text.allocated <= 1001);
                        kube_scanner_done(&r.scanner);
                        buffer_done(&r.lines);
                        buffer_done(&b);
                }
}

#define LABELLED(name, app)                                                                                 \
        "{\"metadata\":{\"name\":\"" name "\",\"labels\":{\"z\":\"1\",\"app\":\"" app "\"}},\"spec\":{}}"

static void test_wanted(void **state) {
        check(KUBE_SCAN_WATCH, "dns",
              FRAME("ADDED", LABELLED("a", "dns")) FRAME("ADDED", LABELLED("b", "web"))
                      FRAME("MODIFIED", LABELLED("c", "web")) FRAME("DELETED", LABELLED("d", "dns")),
              0, "ADDED /a  " LABELLED("a", "dns") "\nADDED /b  -\nMODIFIED /c  -\nDELETED /d  -\n");
        /* The type behind the object. */
        check(KUBE_SCAN_WATCH, "dns", "{\"object\":" LABELLED("b", "web") ",\"type\":\"ADDED\"}", 0,
              "ADDED /b  -\n");
        check(KUBE_SCAN_LIST, "dns",
              "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" LABELLED("a", "web") "," LABELLED(
                      "b", "dns") "]}",
              0, "ITEM /a  -\nITEM /b  " LABELLED("b", "dns") "\n");
        /* No labels behind some: not those of the one before. */
        check(KUBE_SCAN_WATCH, "dns",
              FRAME("ADDED", LABELLED("a", "dns"))
                      FRAME("ADDED", "{\"metadata\":{\"name\":\"b\",\"labels\":{}}}")
                              FRAME("ADDED", "{\"metadata\":{\"name\":\"c\"}}"),
              0, "ADDED /a  " LABELLED("a", "dns") "\nADDED /b  -\nADDED /c  -\n");
        /* Owners: the controlling one counts. */
        check(KUBE_SCAN_WATCH, NULL,
              FRAME("DELETED",
                    "{\"metadata\":{\"name\":\"a\",\"ownerReferences\":[{\"uid\":\"u1\"},{\"uid\":\"u2\",\"kind\":\"X\","
                    "\"controller\":true},null,{\"uid\":\"u3\",\"controller\":true}]}}"),
              0, "DELETED /a  -u2\n");
}

static void test_ceiling(void **state) {
        Buffer b = BUFFER_INIT(MIB(1));
        static const size_t ceiling = 1000;

        /* Exactly as large as may be, one byte more, and much more of an unwanted object. */
        for (size_t extra = 0; extra < 2; extra++)
                for (size_t wanted = 0; wanted < 2; wanted++)
                        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                                const char *head = wanted ? LABELLED("a", "dns") : LABELLED("a", "web");
                                size_t size = ceiling + extra + (wanted ? 0 : 2500);
                                Record r = { .only = "dns", .lines = BUFFER_INIT(KIB(16)) };

                                buffer_clear(&b);
                                assert_ok(buffer_printf(&b, "{\"type\":\"ADDED\",\"object\":%.*s,\"x\":\"",
                                                        (int) strlen(head) - 1, head));
                                for (size_t k = strlen(head) - 1 + strlen(",\"x\":\"\"}"); k < size; k++)
                                        assert_ok(buffer_puts(&b, "y"));
                                assert_ok(buffer_puts(&b, "\"}}"));

                                kube_scanner_init(&r.scanner, &some_ops, ceiling);
                                assert_ok(scan(&r, KUBE_SCAN_WATCH, b.data, b.size, pieces[i]));
                                assert_int_equal(r.frames, 1);
                                assert_int_equal(r.kept, wanted);
                                assert_int_equal(r.largest, wanted && !extra ? ceiling : 0);
                                assert_true(r.scanner.text.allocated <= ceiling + 1);
                                kube_scanner_done(&r.scanner);
                                buffer_done(&r.lines);
                        }

        /* One that does not end is none. */
        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                Record r = { .only = "dns" };

                buffer_clear(&b);
                assert_ok(buffer_puts(&b, "{\"type\":\"ADDED\",\"object\":{\"x\":\""));
                while (b.size < 6 * ceiling)
                        assert_ok(buffer_putc(&b, 'x'));
                kube_scanner_init(&r.scanner, &some_ops, ceiling);
                assert_error(scan(&r, KUBE_SCAN_WATCH, b.data, b.size, pieces[i]), E2BIG);
                kube_scanner_done(&r.scanner);
        }

        /* More labels than a real object has: an unwanted object with them breaks no stream, and all are looked at. */
        buffer_clear(&b);
        assert_ok(buffer_puts(
                &b, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"labels\":{\"l\":\"\""));
        for (unsigned i = 0; i < 5 * LIMIT_MEMBERS; i++)
                assert_ok(buffer_printf(&b, ",\"l%u\":\"\"", i));
        assert_ok(buffer_puts(&b, ",\"app\":\"dns\"}}}}"));
        for (unsigned wanted = 0; wanted < 2; wanted++) {
                Record r = { .only = wanted ? "dns" : "web" };

                kube_scanner_init(&r.scanner, &some_ops, MIB(1));
                assert_ok(scan(&r, KUBE_SCAN_WATCH, b.data, b.size, 143));
                assert_int_equal(r.kept, wanted);
                assert_true(r.scanner.n_labels_allocated <= LIMIT_MEMBERS);
                kube_scanner_done(&r.scanner);
        }
        buffer_done(&b);
}

static void test_callback_error(void **state) {
        const char *text = FRAME("ADDED", "{" META("a", "1") "}") FRAME("ADDED", "{" META("b", "2") "}");

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                Record r = { .fail = -ENOSPC };

                kube_scanner_init(&r.scanner, &all_ops, KIB(64));
                assert_error(scan(&r, KUBE_SCAN_WATCH, text, strlen(text), pieces[i]), ENOSPC);
                assert_int_equal(r.frames, 1);
                kube_scanner_done(&r.scanner);
        }
}

static uint64_t next_random(uint64_t *seed) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed;
}

/* The fast way and the plain way say the same of whatever bytes, cut wherever. */
static void test_skip(void **state) {
        static const char alphabet[] = "{}[]\"\\{\"}ab ;]\\\"xyzuvw,.;:-_";
        uint64_t seed = 88172645463325252u;

        for (unsigned round = 0; round < 20000; round++) {
                char text[400];
                size_t size = next_random(&seed) % sizeof(text),
                       letters = 8 + next_random(&seed) % (sizeof(alphabet) - 8);
                KubeSkip a = { .depth = 1 + next_random(&seed) % 20 }, b = a, c = a;
                const char *p, *q, *t = text;

                for (size_t i = 0; i < size; i++)
                        text[i] = alphabet[next_random(&seed) % letters];
                p = kube_skip(&a, text, text + size);
                q = kube_skip_bytewise(&b, text, text + size);
                while (t < text + size && c.depth > 0) {
                        size_t n = 1 + next_random(&seed) % 150;

                        t = kube_skip(&c, t, t + MIN(n, (size_t) (text + size - t)));
                }
                assert_ptr_equal(p, q);
                assert_ptr_equal(p, t);
                assert_int_equal(a.depth, b.depth);
                assert_int_equal(a.depth, c.depth);
                assert_int_equal(a.in_string, b.in_string);
                assert_int_equal(a.in_string, c.in_string);
                assert_int_equal(a.escaped, b.escaped);
                assert_int_equal(a.escaped, c.escaped);
        }
}

/* Random damage: the same words whatever the pieces, and never a crash. */
static void test_damage(void **state) {
        static const char base[] = FRAME("ADDED", LABELLED("a", "dns"))
                FRAME("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"8\"}}")
                        FRAME("MODIFIED", "{\"spec\":[1,{\"x\":\"\\\"\"}]," META("b", "2") "}");
        static const char alphabet[] = "{}[]\",:\\ abtn1\n";
        uint64_t seed = 1;

        for (unsigned round = 0; round < 3000; round++) {
                char text[sizeof(base)];
                char *first = NULL;
                int error = 0;

                memcpy(text, base, sizeof(base));
                for (unsigned k = 0; k < 1 + round % 3; k++)
                        text[next_random(&seed) % (sizeof(base) - 1)] =
                                alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];

                for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                        Record r = { .only = "dns", .lines = BUFFER_INIT(KIB(16)) };
                        int e;

                        kube_scanner_init(&r.scanner, &some_ops, KIB(64));
                        e = scan(&r, round % 5 == 4 ? KUBE_SCAN_LIST : KUBE_SCAN_WATCH, text, strlen(text),
                                 pieces[i]);
                        if (!first) {
                                first = strdup(buffer_cstr(&r.lines));
                                error = e;
                        }
                        assert_int_equal(e, error);
                        assert_string_equal(buffer_cstr(&r.lines), first);
                        kube_scanner_done(&r.scanner);
                        buffer_done(&r.lines);
                }
                free(first);
        }
}

/* 10,000 pods of which 13 are wanted: memory is that of one. How fast is told, for comparison. */
static void test_many(void **state) {
        static const unsigned PODS = 10000;
        static const size_t PIECE = 16384;
        Buffer b = BUFFER_INIT(MIB(64));
        Record r = { .only = "dns" };
        usec_t begin, usec, plain;
        KubeSkip k;

        for (unsigned i = 0; i < PODS; i++) {
                assert_ok(buffer_puts(&b, "{\"type\":\"ADDED\",\"object\":"));
                put_pod(&b, &(PodSpec){ .number = i,
                                        .resource_version = i,
                                        .app = i % 770 == 0 ? "dns" : "web" });
                assert_ok(buffer_puts(&b, "}\n"));
        }

        kube_scanner_init(&r.scanner, &some_ops, LIMIT_OBJECT);
        begin = now_monotonic();
        assert_ok(scan(&r, KUBE_SCAN_WATCH, b.data, b.size, PIECE));
        usec = MAX(now_monotonic() - begin, (usec_t) 1);
        assert_int_equal(r.frames, PODS);
        assert_int_equal(r.asked, PODS);
        assert_int_equal(r.kept, 13);
        assert_true(r.scanner.text.allocated < KIB(16));
        assert_true(r.scanner.brief_text.allocated < KIB(16));

        begin = now_monotonic();
        k = (KubeSkip){ .depth = SIZE_MAX / 2 };
        kube_skip_bytewise(&k, b.data, b.data + b.size);
        plain = MAX(now_monotonic() - begin, (usec_t) 1);
        begin = now_monotonic();
        k = (KubeSkip){ .depth = SIZE_MAX / 2 };
        kube_skip(&k, b.data, b.data + b.size);
        print_message("# %zu bytes, 13 of %u pods wanted: %" PRIu64 " MB/s; only passed over: %" PRIu64
                      " MB/s, byte by byte %" PRIu64 " MB/s\n",
                      b.size, PODS, b.size / usec, b.size / MAX(now_monotonic() - begin, (usec_t) 1),
                      b.size / plain);
        kube_scanner_done(&r.scanner);
        buffer_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_watch),        cmocka_unit_test(test_strings),
                cmocka_unit_test(test_watch_errors), cmocka_unit_test(test_list),
                cmocka_unit_test(test_list_errors),  cmocka_unit_test(test_wanted),
                cmocka_unit_test(test_faults),       cmocka_unit_test(test_ceiling_places),
                cmocka_unit_test(test_ceiling),      cmocka_unit_test(test_callback_error),
                cmocka_unit_test(test_skip),         cmocka_unit_test(test_damage),
                cmocka_unit_test(test_many),
        };
        return cmocka_run_group_tests_name("kube-scanner", tests, NULL, NULL);
}
