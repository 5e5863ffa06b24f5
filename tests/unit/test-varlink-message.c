/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "json/builder.h"
#include "varlink/message.h"

static int decode(const char *text, VlRequest *ret) {
        const char *reason = NULL;
        int r;

        r = vl_request_decode(text, strlen(text), ret, &reason);
        if (r == -EBADMSG)
                assert_non_null(reason);
        else
                assert_null(reason);
        return r;
}

static void test_calls_that_are_well_formed(void **state) {
        static const struct {
                const char *text;
                unsigned flags;
                bool has_parameters;
        } rows[] = {
                { "{\"method\":\"a.b.C\"}", 0, false },
                { " {\r\n\t\"method\" : \"a.b.C\" } ", 0, false },
                { "{\"method\":\"a.b.C\",\"parameters\":null}", 0, false },
                { "{\"method\":\"a.b.C\",\"parameters\":{}}", 0, false },
                { "{\"parameters\":{\"x\":1},\"method\":\"a.b.C\"}", 0, true },
                { "{\"method\":\"a.b.C\",\"parameters\":{\"x\":null}}", 0, true },
                { "{\"method\":\"a.b.C\",\"more\":true}", VL_MORE, false },
                { "{\"method\":\"a.b.C\",\"more\":true,\"oneway\":false,\"upgrade\":false}", VL_MORE,
                  false },
                { "{\"method\":\"a.b.C\",\"oneway\":true}", VL_ONEWAY, false },
                { "{\"method\":\"a.b.C\",\"upgrade\":true}", VL_UPGRADE, false },
                { "{\"method\":\"a.b.C\",\"org.example.trace\":{\"id\":[1,2]}}", 0, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                VlRequest request;

                assert_ok(decode(rows[i].text, &request));
                assert_string_equal(request.method, "a.b.C");
                assert_int_equal(request.flags, rows[i].flags);
                assert_int_equal(request.parameters != NULL, rows[i].has_parameters);
                vl_request_done(&request);
        }
}

static void test_calls_that_close(void **state) {
        static const char *const rows[] = {
                "",
                "null",
                "[]",
                "\"a.b.C\"",
                "{",
                "{}",
                "{}{}",
                "{\"method\":\"a.b.C\"",
                "{\"method\":\"a.b.C\",}",
                "{\"method\":\"a.b.C\"}x",
                "{\"method\":\"\"}",
                "{\"method\":null}",
                "{\"method\":1}",
                "{\"Method\":\"a.b.C\"}",
                "{\"method\":\"a.b.C\",\"method\":\"a.b.C\"}",
                "{\"method\":\"a.b.C\",\"parameters\":[]}",
                "{\"method\":\"a.b.C\",\"parameters\":\"\"}",
                "{\"method\":\"a.b.C\",\"parameters\":false}",
                "{\"method\":\"a.b.C\",\"parameters\":{\"x\":1,\"x\":2}}",
                "{\"method\":\"a.b.C\",\"more\":1}",
                "{\"method\":\"a.b.C\",\"more\":null}",
                "{\"method\":\"a.b.C\",\"oneway\":\"true\"}",
                "{\"method\":\"a.b.C\",\"upgrade\":[]}",
                "{\"method\":\"a.b.C\",\"more\":true,\"oneway\":true}",
                "{\"method\":\"a.b.C\",\"more\":true,\"upgrade\":true}",
                "{\"method\":\"a.b.C\",\"oneway\":true,\"upgrade\":true}",
                "{\"method\":\"a.b.C\",\"id\":7}",
                "{\"method\":\"a.b.C\",\"continues\":false}",
                "{\"method\":\"a.b.C\",\"parameters\":{\"x\":\"a\\u0000b\"}}",
                "{\"method\":\"a.b.C\",\"parameters\":{\"x\":\"\xff\"}}",
                "\xef\xbb\xbf{\"method\":\"a.b.C\"}",
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                VlRequest request;

                if (decode(rows[i], &request) != -EBADMSG)
                        fail_msg("%s", rows[i]);
        }
}

static void test_replies(void **state) {
        static const struct {
                const char *text;
                const char *error;
                bool has_parameters, continues;
        } good[] = {
                { "{}", NULL, false, false },
                { "{\"parameters\":null}", NULL, false, false },
                { "{\"parameters\":{}}", NULL, false, false },
                { "{\"parameters\":{\"x\":1},\"continues\":true}", NULL, true, true },
                { "{\"continues\":false}", NULL, false, false },
                { "{\"error\":\"a.b.E\"}", "a.b.E", false, false },
                { "{\"error\":\"a.b.E\",\"parameters\":{\"x\":1},\"continues\":false}", "a.b.E", true,
                  false },
                { "{\"org.example.x\":1}", NULL, false, false },
        };
        static const char *const bad[] = {
                "[]",
                "{\"error\":null}",
                "{\"error\":\"\"}",
                "{\"error\":\"a.b.E\",\"continues\":true}",
                "{\"continues\":1}",
                "{\"parameters\":[]}",
                "{\"message\":\"x\"}",
                "{\"error\":\"a.b.E\",\"error\":\"a.b.E\"}",
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                const char *reason = NULL;
                VlReply reply;

                assert_ok(vl_reply_decode(good[i].text, strlen(good[i].text), &reply, &reason));
                assert_true(streq_ptr(reply.error, good[i].error));
                assert_int_equal(reply.parameters != NULL, good[i].has_parameters);
                assert_int_equal(reply.continues, good[i].continues);
                vl_reply_done(&reply);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                const char *reason = NULL;
                VlReply reply;

                assert_error(vl_reply_decode(bad[i], strlen(bad[i]), &reply, &reason), EBADMSG);
                assert_non_null(reason);
        }
}

static void test_frames(void **state) {
        static const char text[] = "{}\0[1]\0\0{";
        Buffer in = BUFFER_INIT(100);
        size_t scanned = 0, size = 99, found = 0;

        /* Byte by byte: each frame is seen with its NUL and not before. */
        for (size_t i = 0; i < sizeof(text) - 1; i++) {
                assert_ok(buffer_putc(&in, text[i]));
                if (!vl_frame_find(&in, &scanned, &size)) {
                        assert_int_not_equal(text[i], 0);
                        assert_int_equal(scanned, in.size);
                        continue;
                }
                assert_int_equal(text[i], 0);
                assert_int_equal(size, in.size - 1);
                buffer_consume(&in, size + 1);
                scanned = 0;
                found++;
        }
        assert_int_equal(found, 3);
        assert_int_equal(in.size, 1);
        buffer_clear(&in);
        scanned = 0;
        assert_false(vl_frame_find(&in, &scanned, &size));

        /* At once. */
        assert_ok(buffer_put(&in, text, sizeof(text) - 1));
        assert_true(vl_frame_find(&in, &scanned, &size));
        assert_int_equal(size, 2);
        buffer_done(&in);
}

static void test_encode(void **state) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL, *empty = NULL;
        Buffer out = BUFFER_INIT(200);
        JsonBuilder b = {};

        assert_ok(jb_finish(&b, &empty));
        jb_int(&b, "t", INT64_C(1763812345678900));
        jb_string(&b, "s", "a\"\xc3\xa9\n");
        assert_ok(jb_finish(&b, &parameters));

        assert_ok(vl_request_encode(&out, "a.b.C", NULL, 0));
        assert_ok(vl_request_encode(&out, "a.b.C", empty, VL_ONEWAY));
        assert_ok(vl_request_encode(&out, "a.b.C", parameters, VL_MORE));
        static const char calls[] = "{\"method\":\"a.b.C\"}\0"
                                    "{\"method\":\"a.b.C\",\"oneway\":true}\0"
                                    "{\"method\":\"a.b.C\",\"parameters\":{\"t\":1763812345678900,"
                                    "\"s\":\"a\\\"\xc3\xa9\\n\"},\"more\":true}";
        assert_int_equal(out.size, sizeof(calls));
        assert_memory_equal(out.data, calls, sizeof(calls));

        buffer_clear(&out);
        assert_ok(vl_reply_encode(&out, NULL, NULL, false));
        assert_ok(vl_reply_encode(&out, NULL, empty, true));
        assert_ok(vl_reply_encode(&out, "a.b.E", parameters, false));
        static const char replies[] = "{}\0{\"continues\":true}\0"
                                      "{\"error\":\"a.b.E\",\"parameters\":{\"t\":1763812345678900,"
                                      "\"s\":\"a\\\"\xc3\xa9\\n\"}}";
        assert_int_equal(out.size, sizeof(replies));
        assert_memory_equal(out.data, replies, sizeof(replies));

        /* Whole or not at all. */
        buffer_done(&out);
        out = BUFFER_INIT(40);
        assert_ok(vl_reply_encode(&out, NULL, NULL, false));
        assert_error(vl_reply_encode(&out, NULL, parameters, false), E2BIG);
        assert_int_equal(out.size, 3);
        assert_memory_equal(out.data, "{}\0\0", 4);
        for (size_t limit = 1; limit <= 31; limit++) {
                Buffer small = BUFFER_INIT(limit);
                int r = vl_request_encode(&small, "a.b.C", NULL, VL_MORE);

                assert_int_equal(r, limit < 31 ? -E2BIG : 0);
                assert_int_equal(small.size, limit < 31 ? 0 : 31);
                buffer_done(&small);
        }
        buffer_done(&out);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_calls_that_are_well_formed),
                cmocka_unit_test(test_calls_that_close),
                cmocka_unit_test(test_replies),
                cmocka_unit_test(test_frames),
                cmocka_unit_test(test_encode),
        };
        return cmocka_run_group_tests_name("varlink-message", tests, NULL, NULL);
}
