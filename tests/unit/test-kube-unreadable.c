/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R0, one object, on its way through a stream: what cannot be read is handed over as such, and all else goes on. */

#include "test.h"

#include "base/limits.h"
#include "kube-story.h"

#define BARE(name, rv, metadata, rest)                                                                      \
        "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"uid\":\"u-" name                       \
        "\",\"resourceVersion\":\"" rv "\"" metadata "}" rest "}"

static void assert_stored(Stream *s, const char *key, const char *version, const char *unreadable) {
        Stored *e = stream_find(s, key);

        assert_non_null(e);
        assert_string_equal(e->version, version);
        assert_string_equal(e->unreadable, unreadable);
}

/* One object that cannot be read, in the initial events, in a page and in a watch: the stream is in sync, and goes on
 * from there. */
STORY(test_everywhere) {
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s,
                   FRAME("ADDED", BARE("a", "3", ",\"labels\":{\"a\"}", "")) ADDED("b", "7") END_MARK("10"));
        assert_true(reflector_in_sync(s->reflector));
        assert_stored(s, "ns/a", "3", "its metadata is malformed JSON");
        assert_stored(s, "ns/b", "7", "");

        stream_say(s, FRAME("MODIFIED", BARE("b", "11", "", ",\"status\":\"\xff\"")));
        assert_stored(s, "ns/b", "11", "it is malformed JSON");
        stream_say(s, MODIFIED("b", "12") MODIFIED("a", "13"));
        assert_stored(s, "ns/b", "12", "");
        assert_stored(s, "ns/a", "13", "");
        stream_say(s, FRAME("MODIFIED", BARE("a", "14", "", ",\"status\":\"\xff\"")) DELETED("a", "15"));
        assert_null(stream_find(s, "ns/a"));
        stream_say(s, FRAME("ADDED", BARE("c", "16", "", ",\"status\":[,]")));
        assert_stored(s, "ns/c", "16", "it is malformed JSON");
        assert_true(reflector_in_sync(s->reflector));
        stream_wait(s, 3600 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_PATH("16"));
        assert_int_equal(s->listings, 1);

        stream_answer(s, 410);
        stream_end(s, KUBE_END_EOF);
        stream_wait(s, 5 * USEC_PER_SEC);
        stream_answer(s, 422);
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, LIST_PATH);
        stream_answer(s, 200);
        stream_say(s, LIST("20", ",\"continue\":\"x\"", "{}," BARE("c", "16", "", ",\"status\":\"\xff\"")));
        stream_end(s, KUBE_END_EOF);
        stream_answer(s, 200);
        stream_say(s, LIST("20", "", POD("b", "12")));
        stream_end(s, KUBE_END_EOF);
        assert_true(reflector_in_sync(s->reflector));
        assert_stored(s, "ns/c", "16", "it is malformed JSON");
        assert_stored(s, "ns/b", "12", "");
        assert_stored(s, "/", "", "its metadata has no name");
}

/* The reasons name the ceiling that was hit. */
static void test_ceilings(void **state) {
        static const struct {
                const char *before, *element, *after;
                unsigned n;
                const char *expected;
        } rows[] = {
                { ",\"labels\":{", "\"l%u\":\"\"", "}}}", 1025,
                  "it has 1025 labels; at most 1024 are read" },
                { ",\"labels\":{", "\"l%u\":\"\"", "}}}", 1024, "" },
                { "},\"spec\":{\"containers\":[", "{\"name\":\"%u\"}", "]}}", 1026,
                  "it has 1026 containers; at most 1024 are read" },
                { "},\"spec\":[", "%u", "]}", LIMIT_JSON_VALUES + 1,
                  "it has more than 262144 values, or more than 64 levels" },
                { "},\"data\":\"", "1234567890", "\"}", 419431,
                  "it has 4194395 bytes; at most 4194304 are read" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                KubeServerTraits traits = KUBE_SERVER_TRAITS_INIT;
                Buffer b = BUFFER_INIT(2 * LIMIT_OBJECT);
                Stream s = { .piece = 16384 };

                begin_in_sync(&s, &traits);
                assert_ok(buffer_puts(
                        &b, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\",\"namespace\":"
                            "\"ns\",\"uid\":\"u\",\"resourceVersion\":\"11\""));
                assert_ok(buffer_puts(&b, rows[i].before));
                for (unsigned k = 0; k < rows[i].n; k++) {
                        if (k > 0 && rows[i].element[0] != '1')
                                assert_ok(buffer_puts(&b, ","));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                        assert_ok(buffer_printf(&b, rows[i].element, k));
#pragma GCC diagnostic pop
                }
                assert_ok(buffer_puts(&b, rows[i].after));
                assert_ok(buffer_puts(&b, "}"));
                stream_send(&s, b.data, b.size);
                assert_true(reflector_in_sync(s.reflector));
                assert_stored(&s, "ns/x", "11", rows[i].expected);
                buffer_done(&b);
                stream_done(&s);
                kube_server_traits_done(&traits);
        }
}

STORY(test_without_identity) {
        begin_in_sync(s, traits);
        /* An object without a uid is not the API's. */
        stream_say(s,
                   FRAME("MODIFIED",
                         "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"resourceVersion\":\"12\"}}"));
        assert_true(reflector_in_sync(s->reflector));
        assert_stored(s, "ns/a", "12", "its metadata has no uid");
        stream_say(s, FRAME("ADDED", "{}"));
        assert_true(reflector_in_sync(s->reflector));
        assert_stored(s, "/", "", "its metadata has no name");
        /* A name that is no text is none. */
        stream_say(s, FRAME("ADDED", BARE("\xff", "12", "", "")));
        assert_true(reflector_in_sync(s->reflector));
        assert_stored(s, "ns/", "12", "it is malformed JSON");
        /* Which one is gone is not known. */
        s->deletions = 0;
        stream_say(s, FRAME("DELETED", "{\"metadata\":{\"resourceVersion\":\"13\"}}"));
        assert_int_equal(s->deletions, 0);
        assert_stored(s, "/", "13", "its metadata has no name");
}

/* Those that nobody wants cost nothing, and to find out who wants them the metadata are enough. */
STORY(test_unwanted) {
        s->only = "dns";
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, FRAME("ADDED", BARE("a", "1", ",\"labels\":{\"app\":\"web\"}", ",\"status\":\"\xff\""))
                              FRAME("ADDED",
                                    BARE("b", "2", ",\"labels\":{\"app\":\"dns\"}", ",\"status\":\"\xff\""))
                                      FRAME("ADDED", "{}") END_MARK("10"));
        assert_true(reflector_in_sync(s->reflector));
        assert_int_equal(s->n_store, 1);
        assert_stored(s, "ns/b", "2", "it is malformed JSON");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_everywhere),
                cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_without_identity),
                cmocka_unit_test(test_unwanted),
        };

        return cmocka_run_group_tests_name("kube-unreadable", tests, NULL, NULL);
}
