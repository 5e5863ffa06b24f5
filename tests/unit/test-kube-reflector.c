/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"
#include "kube-story.h"

STORY(test_watch_list) {
        begin_in_sync(s, traits);
        assert_int_equal(traits->watch_list, 1);
        assert_int_equal(s->listings, 1);
        assert_int_equal(s->completed, 1);
        assert_int_equal(reflector_deadline(s->reflector), USEC_INFINITY);

        stream_say(s, MODIFIED("a", "11") ADDED("c", "12") DELETED("b", "13"));
        assert_string_equal(stream_find(s, "ns/a")->version, "11");
        assert_non_null(stream_find(s, "ns/c"));
        assert_null(stream_find(s, "ns/b"));

        /* The clean end that comes every hour: sync is kept, also while the answer is awaited. */
        stream_wait(s, 3600 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_PATH("13"));
        assert_true(reflector_in_sync(s->reflector));
        stream_wait(s, 100 * USEC_PER_MSEC);
        stream_answer(s, 200);
        assert_true(reflector_in_sync(s->reflector));
        assert_int_equal(reflector_deadline(s->reflector), USEC_INFINITY);
        assert_int_equal(s->sync_changes, 3); /* the API not ready, not listed yet, in sync */
        assert_int_equal(s->listings, 1);
}

/* An empty collection, and changes that come before the initial events have ended. */
STORY(test_watch_list_changes) {
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, ADDED("a", "3") ADDED("b", "4") BOOKMARK("4") MODIFIED("a", "5") DELETED("b", "6"));
        assert_false(reflector_in_sync(s->reflector));
        assert_int_equal(s->n_store, 1);
        /* Cut here, there is nothing to go on from. */
        stream_end(s, KUBE_END_CUT);
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_LIST_PATH);
        stream_answer(s, 200);
        stream_say(s, END_MARK("20"));
        assert_true(reflector_in_sync(s->reflector));
        assert_int_equal(s->n_store, 0); /* swept */
        assert_int_equal(s->listings, 2);
}

STORY(test_bookmarks) {
        begin_in_sync(s, traits);
        stream_say(s, BOOKMARK("20"));
        /* A second end mark is a bookmark. */
        stream_say(s, END_MARK("30"));
        assert_int_equal(s->n_store, 2);
        assert_int_equal(s->completed, 1);
        stream_wait(s, 60 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_PATH("30"));
}

static void check_list_then_watch(Stream *s) {
        assert_string_equal(s->path, LIST_PATH);
        stream_answer(s, 200);
        stream_say(s, LIST("50", ",\"continue\":\"t+1\",\"remainingItemCount\":2",
                           POD("a", "3") "," POD("b", "7")));
        assert_false(reflector_in_sync(s->reflector));
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, LIST_PATH "&continue=t%2B1");
        stream_answer(s, 200);
        stream_say(s, LIST("50", "", POD("c", "8")));
        assert_false(reflector_in_sync(s->reflector));
        stream_end(s, KUBE_END_EOF);
        assert_true(reflector_in_sync(s->reflector));
        assert_int_equal(s->n_store, 3);
        assert_string_equal(s->path, WATCH_PATH("50"));
        stream_answer(s, 200);
        assert_true(reflector_in_sync(s->reflector));
        stream_say(s, MODIFIED("c", "51"));
        assert_string_equal(stream_find(s, "ns/c")->version, "51");
        stream_wait(s, 2 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_PATH("51"));
}

/* A server before 1.27 or without the feature; remembered for all streams until there is another version. */
STORY(test_no_watch_list_422) {
        Stream second = { .piece = s->piece };

        assert_ok(kube_server_traits_set_version(traits, "v1.31.0"));
        begin(s, traits);
        stream_answer(s, 422);
        stream_say(s, STATUS(422, "Invalid", "sendInitialEvents is forbidden for watch"));
        stream_end(s, KUBE_END_EOF);
        assert_int_equal(traits->watch_list, 0);
        check_list_then_watch(s);
        assert_int_equal(reflector_stats(s->reflector)->failures, 0);

        begin(&second, traits);
        assert_string_equal(second.path, LIST_PATH);
        stream_done(&second);

        assert_ok(kube_server_traits_set_version(traits, "v1.31.0"));
        assert_int_equal(traits->watch_list, 0);
        assert_ok(kube_server_traits_set_version(traits, "v1.34.0"));
        assert_int_equal(traits->watch_list, -1);
        stream_answer(s, 410);
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_LIST_PATH);
}

STORY(test_no_watch_list_500) {
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, ERROR(500, "InternalError",
                            "the required storage feature RequestWatchProgress is disabled"));
        assert_int_equal(s->closes, 1);
        assert_int_equal(traits->watch_list, 0);
        check_list_then_watch(s);
}

/* A server that ignores the parameter never ends its initial events. */
STORY(test_no_end_mark) {
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, ADDED("a", "3"));
        stream_wait(s, 4900 * USEC_PER_MSEC);
        assert_true(s->open);
        stream_say(s, ADDED("b", "4"));
        stream_wait(s, 4900 * USEC_PER_MSEC);
        assert_int_equal(s->requests, 1);
        stream_wait(s, 100 * USEC_PER_MSEC);
        assert_int_equal(s->closes, 1);
        assert_int_equal(traits->watch_list, 0);
        check_list_then_watch(s);
}

/* The same on a busy cluster: what changes does not put it off. */
STORY(test_no_end_mark_busy) {
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, ADDED("a", "3"));
        for (unsigned i = 0; i < 6 && s->requests == 1; i++) {
                stream_wait(s, USEC_PER_SEC);
                stream_say(s, MODIFIED("a", "4"));
        }
        assert_int_equal(s->closes, 1);
        assert_string_equal(s->path, LIST_PATH);
}

/* Where another stream has shown that the server can, silence is only this stream's affair. */
STORY(test_no_end_mark_here) {
        traits->watch_list = 1;
        begin(s, traits);
        stream_answer(s, 200);
        stream_wait(s, 5 * USEC_PER_SEC);
        assert_string_equal(s->path, LIST_PATH);
        assert_int_equal(traits->watch_list, 1);
        stream_answer(s, 500);
        stream_end(s, KUBE_END_EOF);
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, LIST_PATH);
        traits->generation++;
        stream_answer(s, 500);
        stream_end(s, KUBE_END_EOF);
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_LIST_PATH);
}

STORY(test_initial_events_cut) {
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, ADDED("a", "3"));
        stream_end(s, KUBE_END_EOF);
        assert_false(reflector_in_sync(s->reflector));
        assert_int_equal(reflector_state(s->reflector), REFLECTOR_BACKING_OFF);
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_LIST_PATH);
}

/* After an unclean end the stream goes on, and is in sync with its first frame or after a second. */
STORY(test_resume) {
        begin_in_sync(s, traits);
        stream_end(s, KUBE_END_CUT);
        assert_false(reflector_in_sync(s->reflector));
        assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_API_UNREACHABLE);
        stream_wait(s, 200 * USEC_PER_MSEC);
        assert_string_equal(s->path, WATCH_PATH("10"));
        stream_answer(s, 200);
        assert_false(reflector_in_sync(s->reflector));
        stream_wait(s, 900 * USEC_PER_MSEC);
        assert_false(reflector_in_sync(s->reflector));
        stream_wait(s, 100 * USEC_PER_MSEC);
        assert_true(reflector_in_sync(s->reflector));

        stream_end(s, KUBE_END_CUT);
        stream_wait(s, 200 * USEC_PER_MSEC);
        stream_answer(s, 200);
        stream_say(s, BOOKMARK("12"));
        assert_true(reflector_in_sync(s->reflector));

        stream_end(s, KUBE_END_CUT);
        stream_wait(s, USEC_PER_SEC);
        stream_answer(s, 200);
        stream_say(s, MODIFIED("a", "13"));
        assert_true(reflector_in_sync(s->reflector));
        assert_int_equal(s->listings, 1);

        /* Half an event is none. */
        stream_end(s, KUBE_END_CUT);
        stream_wait(s, USEC_PER_SEC);
        stream_answer(s, 200);
        stream_say(s, "{\"type\":\"MODIFIED\",\"object\":{\"meta");
        assert_false(reflector_in_sync(s->reflector));
        /* An end that only HTTP thinks is clean. */
        stream_end(s, KUBE_END_EOF);
        assert_false(reflector_in_sync(s->reflector));
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_PATH("13"));
}

STORY(test_truncated) {
        begin_in_sync(s, traits);
        stream_wait(s, 60 * USEC_PER_SEC);
        stream_say(s, MODIFIED("a", "11") "{\"type\":\"MODIFIED\",\"object\":{\"meta");
        stream_end(s, KUBE_END_EOF);
        assert_false(reflector_in_sync(s->reflector));
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_PATH("11"));
}

/* 410, in its three shapes, and a version that the server has not come to: list again, and at once. */
STORY(test_gone) {
        static const char *const errors[] = {
                ERROR(410, "Expired", "too old resource version: 10 (99)"),
                ERROR(410, "Gone", "too old resource version: 10 (99)"),
                FRAME("ERROR", "{\"kind\":\"Status\",\"reason\":\"Gone\"}"),
                FRAME("ERROR",
                      "{\"kind\":\"Status\",\"code\":504,\"reason\":\"Timeout\",\"message\":\"Too large resource version: "
                      "10, current: 3\",\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}],"
                      "\"retryAfterSeconds\":1}}"),
        };

        begin_in_sync(s, traits);
        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                unsigned listings = s->listings;

                stream_wait(s, 60 * USEC_PER_SEC);
                stream_say(s, errors[i]);
                assert_false(reflector_in_sync(s->reflector));
                assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_NOT_SYNCED);
                assert_string_equal(s->path, WATCH_LIST_PATH);
                assert_true(s->open);
                stream_answer(s, 200);
                assert_int_equal(s->listings, listings + 1);
                stream_say(s, ADDED("z", "100"));
                assert_int_equal(s->n_store,
                                 i == 0 ? 3 : 1); /* the old ones stay until the new ones are complete */
                stream_say(s, END_MARK("110"));
                assert_true(reflector_in_sync(s->reflector));
                assert_int_equal(s->n_store, 1);
        }

        /* As the status of the answer, and after a clean end: then sync had been kept. */
        stream_wait(s, 60 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        assert_true(reflector_in_sync(s->reflector));
        stream_answer(s, 410);
        assert_false(reflector_in_sync(s->reflector));
        stream_say(s, STATUS(410, "Expired", "too old resource version"));
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_LIST_PATH);

        /* 200, and then the ERROR: on a resumed watch. */
        stream_answer(s, 200);
        stream_say(s, END_MARK("120"));
        stream_wait(s, 60 * USEC_PER_SEC);
        stream_end(s, KUBE_END_CUT);
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_PATH("120"));
        stream_answer(s, 200);
        stream_wait(s, 500 * USEC_PER_MSEC);
        stream_say(s, errors[0]);
        assert_false(reflector_in_sync(s->reflector));
}

/* Again and again: not in a loop without a breath. */
STORY(test_gone_again) {
        begin_in_sync(s, traits);
        stream_wait(s, 60 * USEC_PER_SEC);
        stream_say(s, ERROR(410, "Expired", "too old"));
        assert_int_equal(s->requests, 2);
        stream_answer(s, 200);
        stream_say(s, ERROR(410, "Expired", "too old"));
        assert_int_equal(s->requests, 2);
        assert_int_equal(reflector_state(s->reflector), REFLECTOR_BACKING_OFF);
        stream_wait(s, USEC_PER_SEC);
        assert_int_equal(s->requests, 3);
}

/* An expired continue token: the list begins again, not with the inconsistent token that is offered. */
STORY(test_continue_expired) {
        traits->watch_list = 0;
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, LIST("50", ",\"continue\":\"t1\"", POD("a", "3")));
        stream_end(s, KUBE_END_EOF);
        stream_answer(s, 410);
        stream_say(
                s,
                "{\"kind\":\"Status\",\"metadata\":{\"continue\":\"inconsistent\"},\"code\":410,\"reason\":\"Expired\"}");
        stream_end(s, KUBE_END_EOF);
        check_list_then_watch(s);
        assert_int_equal(s->listings, 2);
}

/* A break between pages: the list begins again. Its watch goes on from the first page's version. */
STORY(test_pages) {
        traits->watch_list = 0;
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, LIST("50", ",\"continue\":\"t1\"", POD("a", "3")));
        stream_end(s, KUBE_END_EOF);
        stream_answer(s, 200);
        stream_say(s, "{\"kind\":\"PodList\",\"metadata\":{\"resou");
        stream_end(s, KUBE_END_CUT);
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, LIST_PATH);
        stream_answer(s, 200);
        stream_say(s, LIST("60", ",\"continue\":\"t2\"", POD("a", "3")));
        stream_end(s, KUBE_END_EOF);
        stream_answer(s, 200);
        stream_say(s, LIST("70", "", ""));
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_PATH("60"));
        assert_int_equal(s->listings, 2);
}

STORY(test_page_stalls) {
        traits->watch_list = 0;
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, "{\"kind\":\"PodList\",");
        stream_wait(s, 29 * USEC_PER_SEC);
        assert_true(s->open);
        stream_say(s, "\"metadata\":");
        stream_wait(s, 29 * USEC_PER_SEC);
        assert_true(s->open);
        assert_int_equal(s->requests, 1);
        stream_wait(s, 2 * USEC_PER_SEC);
        assert_int_equal(s->closes, 1);
        assert_int_equal(s->requests, 2);
}

/* How long each refusal is waited out, and what it is called. */
STORY(test_refusals) {
        static const struct {
                unsigned status;
                usec_t retry_after;
                const char *type, *body;
                ReflectorTrouble trouble;
                const char *detail;
                usec_t at_least;
        } rows[] = {
                { 429, 32 * USEC_PER_SEC, "text/plain", "Too many requests, please try again later.\n",
                  REFLECTOR_TROUBLE_NOT_SYNCED, "Too many requests, please try again later. (HTTP 429)",
                  USEC_PER_SEC },
                { 429, 0, "application/json", STATUS(429, "TooManyRequests", "storage is (re)initializing"),
                  REFLECTOR_TROUBLE_NOT_SYNCED, "storage is (re)initializing (HTTP 429)",
                  50 * USEC_PER_MSEC },
                { 503, 5 * USEC_PER_SEC, "text/plain", "not ready", REFLECTOR_TROUBLE_API_NOT_READY,
                  "not ready (HTTP 503)", USEC_PER_SEC },
                { 503, 0, "application/json",
                  "{\"code\":503,\"message\":\"m\",\"details\":{\"retryAfterSeconds\":5}}",
                  REFLECTOR_TROUBLE_API_NOT_READY, "m (HTTP 503)", USEC_PER_SEC },
                { 500, USEC_INFINITY, "", "", REFLECTOR_TROUBLE_NOT_SYNCED, "HTTP 500", 50 * USEC_PER_MSEC },
                { 504, USEC_INFINITY, NULL, STATUS(504, "Timeout", "x"), REFLECTOR_TROUBLE_NOT_SYNCED,
                  "x (HTTP 504)", 50 * USEC_PER_MSEC },
                { 401, USEC_INFINITY, NULL, STATUS(401, "Unauthorized", "Unauthorized"),
                  REFLECTOR_TROUBLE_UNAUTHORIZED, "Unauthorized (HTTP 401)", 50 * USEC_PER_MSEC },
                { 403, USEC_INFINITY, NULL, STATUS(403, "Forbidden", "pods is\\nforbidden"),
                  REFLECTOR_TROUBLE_FORBIDDEN, "pods is forbidden (HTTP 403)", 50 * USEC_PER_MSEC },
                { 404, USEC_INFINITY, "text/plain", "404 page not found", REFLECTOR_TROUBLE_NOT_FOUND,
                  "404 page not found (HTTP 404)", 50 * USEC_PER_MSEC },
                { 302, USEC_INFINITY, "text/html", "<a href=\"https://elsewhere\">Found</a>",
                  REFLECTOR_TROUBLE_NOT_SYNCED, "<a href=\"https://elsewhere\">Found</a> (HTTP 302)",
                  50 * USEC_PER_MSEC },
                { 204, USEC_INFINITY, NULL, "", REFLECTOR_TROUBLE_NOT_SYNCED, "HTTP 204",
                  50 * USEC_PER_MSEC },
        };

        begin_in_sync(s, traits);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                usec_t delay;

                stream_wait(s, 60 * USEC_PER_SEC);
                stream_end(s, KUBE_END_EOF);
                assert_true(reflector_in_sync(s->reflector));
                stream_answer_full(s, rows[i].status, rows[i].retry_after, rows[i].type);
                assert_false(reflector_in_sync(s->reflector));
                assert_int_equal(reflector_trouble(s->reflector), rows[i].trouble);
                stream_say(s, rows[i].body);
                stream_end(s, KUBE_END_EOF);
                assert_int_equal(reflector_trouble(s->reflector), rows[i].trouble);
                assert_string_equal(reflector_detail(s->reflector), rows[i].detail);
                delay = reflector_deadline(s->reflector) - s->now;
                assert_in_range(delay, rows[i].at_least, USEC_PER_SEC);

                stream_wait(s, USEC_PER_SEC);
                /* Behind a 404 there is another truth. */
                assert_string_equal(s->path, rows[i].status == 404 ? WATCH_LIST_PATH : WATCH_PATH("10"));
                stream_answer(s, 200);
                if (rows[i].status == 404)
                        stream_say(s, END_MARK("10"));
                else
                        stream_wait(s, USEC_PER_SEC);
                assert_true(reflector_in_sync(s->reflector));
                assert_null(reflector_detail(s->reflector));
        }

        /* A body that never ends, and one that is huge. */
        stream_wait(s, 60 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        stream_answer(s, 500);
        for (unsigned i = 0; i < 100; i++)
                stream_say(
                        s,
                        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789");
        stream_wait(s, 5 * USEC_PER_SEC);
        assert_true(s->closes > 0);
        assert_true(strlen(reflector_detail(s->reflector)) < LIMIT_MESSAGE + 64);
}

STORY(test_credentials) {
        begin(s, traits);
        stream_answer(s, 401);
        stream_end(s, KUBE_END_EOF);
        assert_int_equal(s->credentials, 1);
        assert_int_equal(s->requests, 1);
        /* Read again, they are tried at once. */
        reflector_kick(s->reflector, s->now);
        stream_settle(s);
        assert_int_equal(s->requests, 2);
        /* Once is enough. */
        for (unsigned i = 0; i < 5; i++) {
                stream_answer(s, 401);
                stream_end(s, KUBE_END_EOF);
                assert_int_equal(s->credentials, 1);
                assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_UNAUTHORIZED);
                assert_int_equal(s->requests, 2 + i);
                stream_wait(s, USEC_PER_SEC);
                assert_int_equal(s->requests, 3 + i);
        }
        stream_answer(s, 200);
        stream_say(s, END_MARK("10"));
        /* The next time again, in a stream too. */
        stream_say(s, ERROR(401, "Unauthorized", "Unauthorized"));
        assert_int_equal(s->credentials, 2);
        assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_UNAUTHORIZED);
}

STORY(test_ends) {
        static const struct {
                KubeEnd end;
                ReflectorTrouble trouble;
                unsigned credentials;
        } rows[] = {
                { KUBE_END_CUT, REFLECTOR_TROUBLE_API_UNREACHABLE, 0 },
                { KUBE_END_CONNECT, REFLECTOR_TROUBLE_API_UNREACHABLE, 0 },
                { KUBE_END_TIMEOUT, REFLECTOR_TROUBLE_API_UNREACHABLE, 0 },
                { KUBE_END_TLS, REFLECTOR_TROUBLE_API_UNREACHABLE, 1 },
                { KUBE_END_CLOCK, REFLECTOR_TROUBLE_CLOCK, 0 },
                { KUBE_END_CREDENTIALS, REFLECTOR_TROUBLE_UNAUTHORIZED, 1 },
                { KUBE_END_PROTOCOL, REFLECTOR_TROUBLE_NOT_SYNCED, 0 },
                { KUBE_END_INTERNAL, REFLECTOR_TROUBLE_NOT_SYNCED, 0 },
                { KUBE_END_EOF, REFLECTOR_TROUBLE_API_UNREACHABLE, 0 }, /* before an answer */
        };

        begin_in_sync(s, traits);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                unsigned before = s->credentials;

                stream_wait(s, 60 * USEC_PER_SEC);
                stream_end(s, KUBE_END_EOF);
                stream_end(s, rows[i].end);
                assert_false(reflector_in_sync(s->reflector));
                assert_int_equal(reflector_trouble(s->reflector), rows[i].trouble);
                assert_int_equal(s->credentials - before, rows[i].credentials);
                assert_non_null(reflector_detail(s->reflector));
                stream_wait(s, USEC_PER_SEC);
                /* After an outage the server may be another one. */
                assert_string_equal(s->path,
                                    rows[i].end == KUBE_END_CONNECT ? WATCH_LIST_PATH : WATCH_PATH("10"));
                stream_answer(s, 200);
                if (rows[i].end == KUBE_END_CONNECT)
                        stream_say(s, END_MARK("10"));
                stream_wait(s, USEC_PER_SEC);
                assert_true(reflector_in_sync(s->reflector));
        }
}

/* A login page, an archive, a plain word: with the status of success. */
STORY(test_not_json) {
        static const struct {
                const char *type, *body;
        } rows[] = {
                { "text/html; charset=utf-8", "<html><body>Please log in</body></html>" },
                { NULL, "<html><body>Please log in</body></html>" },
                { "application/json", "<html>" },
                { "application/json", "\x1f\x8b\x08\x01" },
                { "application/vnd.kubernetes.protobuf", "k8s" },
                { "text/plain", "ok" },
                { "application/jsonx", "{}" },
        };

        begin_in_sync(s, traits);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                unsigned closes = s->closes;

                stream_wait(s, 60 * USEC_PER_SEC);
                stream_end(s, KUBE_END_CUT);
                stream_wait(s, USEC_PER_SEC);
                stream_answer_full(s, 200, 0, rows[i].type);
                stream_say(s, rows[i].body);
                assert_false(reflector_in_sync(s->reflector));
                assert_int_equal(s->closes, closes + 1);
                assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_NOT_SYNCED);
                stream_wait(s, USEC_PER_SEC);
                stream_answer_full(s, 200, 0, "application/json;stream=watch");
                stream_say(s, END_MARK("99"));
                assert_true(reflector_in_sync(s->reflector));
        }
}

/* A value without an end: something may have been lost, and there is no going on from there. */
STORY(test_oversize) {
        stream_init(s, KUBE_POD, traits, REFLECTOR_CAP_LOOPBACK, 400);
        reflector_set_api_ready(s->reflector, true, s->now);
        reflector_start(s->reflector, s->now);
        stream_settle(s);
        stream_answer(s, 200);
        stream_say(s, END_MARK("10"));
        for (unsigned i = 0; i < 90 && s->open; i++)
                stream_say(s, i == 0 ? "{\"type\":\"ADDED\",\"object\":{\"x\":\"" : "01234567890123456789");
        assert_false(s->open);
        assert_false(reflector_in_sync(s->reflector));
        assert_non_null(strstr(reflector_detail(s->reflector), "too large"));
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_LIST_PATH);
}

/* The delay doubles up to the cap and is never the whole of it for all; an hour of peace resets it. */
static void test_backoff(void **state) {
        static const usec_t caps[] = { REFLECTOR_CAP_LOOPBACK, REFLECTOR_CAP_REMOTE };
        usec_t delays[2] = {};

        for (size_t c = 0; c < ELEMENTSOF(caps); c++) {
                KubeServerTraits traits = KUBE_SERVER_TRAITS_INIT;
                Stream s = { .piece = SIZE_MAX };
                usec_t most = 100 * USEC_PER_MSEC;

                stream_init(&s, KUBE_POD, &traits, caps[c], 0);
                reflector_set_api_ready(s.reflector, true, s.now);
                reflector_start(s.reflector, s.now);
                stream_settle(&s);
                for (unsigned i = 0; i < 100; i++) {
                        usec_t delay;

                        stream_end(&s, KUBE_END_CONNECT);
                        delay = reflector_deadline(s.reflector) - s.now;
                        assert_in_range(delay, most / 2, most);
                        most = MIN(2 * most, caps[c]);
                        delays[i % 2] = delay;
                        stream_wait(&s, delay);
                        assert_int_equal(s.requests, i + 2);
                }
                assert_true(delays[0] != delays[1]);
                assert_int_equal(reflector_stats(s.reflector)->failures, 100);

                stream_answer(&s, 200);
                stream_say(&s, END_MARK("10"));
                assert_true(reflector_in_sync(s.reflector));
                stream_end(&s, KUBE_END_CUT);
                assert_in_range(reflector_deadline(s.reflector) - s.now, caps[c] / 2,
                                caps[c]); /* too short a peace */
                stream_wait(&s, caps[c]);
                stream_answer(&s, 200);
                stream_wait(&s, 2 * USEC_PER_SEC);
                stream_end(&s, KUBE_END_CUT);
                assert_in_range(reflector_deadline(s.reflector) - s.now, 50 * USEC_PER_MSEC,
                                100 * USEC_PER_MSEC);
                stream_done(&s);
        }
}

STORY(test_short_watches) {
        begin_in_sync(s, traits);
        stream_wait(s, 500 * USEC_PER_MSEC);
        /* The listing was news. */
        stream_end(s, KUBE_END_EOF);
        assert_int_equal(s->requests, 2);
        assert_true(reflector_in_sync(s->reflector));
        /* Nothing at all: a failure. */
        stream_answer(s, 200);
        stream_wait(s, 500 * USEC_PER_MSEC);
        stream_end(s, KUBE_END_EOF);
        assert_int_equal(s->requests, 2);
        assert_false(reflector_in_sync(s->reflector));
        stream_wait(s, USEC_PER_SEC);

        /* Something each time: only so often in a row. */
        stream_answer(s, 200);
        stream_wait(s, 2 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        assert_int_equal(s->requests, 4);
        for (unsigned i = 0; i < 4; i++) {
                char text[256];

                assert_int_equal(s->requests, 4 + i);
                stream_answer(s, 200);
                snprintf(text, sizeof(text),
                         "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%u\"}}}",
                         20 + i);
                stream_say(s, text);
                stream_end(s, KUBE_END_EOF);
        }
        assert_int_equal(s->requests, 7);
        assert_int_equal(reflector_state(s->reflector), REFLECTOR_BACKING_OFF);
}

/* What keeps a watch from getting anywhere may be the version that it goes on from: an event behind it that the
 * server cannot read. Then it lists. */
STORY(test_version_that_leads_nowhere) {
        static const struct {
                unsigned status;
                const char *body;
                bool lists;
        } rows[] = {
                { 200, ERROR(500, "InternalError", "etcd event received with PrevKv=nil"), true },
                { 200, FRAME("ERROR", "{\"kind\":\"Status\",\"message\":\"no code\"}"), true },
                { 200, "", true }, /* ends at once */
                { 200, "{\"type\":\"MODIFIED\",\"object\":{\"meta", true },
                { 500, STATUS(500, "InternalError", "x"), true },
                { 504, STATUS(504, "Timeout", "x"), true },
                /* These have nothing to do with it. */
                { 200, ERROR(429, "TooManyRequests", "x"), false },
                { 429, STATUS(429, "TooManyRequests", "x"), false },
                { 503, "not ready", false },
                { 401, STATUS(401, "Unauthorized", "x"), false },
                { 403, STATUS(403, "Forbidden", "x"), false },
        };

        begin_in_sync(s, traits);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                stream_wait(s, 60 * USEC_PER_SEC);
                stream_end(s, KUBE_END_EOF);
                for (unsigned j = 0; j < 10 && streq(s->path, WATCH_PATH("10")); j++) {
                        stream_answer(s, rows[i].status);
                        stream_say(s, rows[i].body);
                        if (s->open)
                                stream_end(s, KUBE_END_EOF);
                        stream_wait(s, USEC_PER_SEC);
                        if (j == 0) /* for once it goes on where it was */
                                assert_string_equal(s->path, WATCH_PATH("10"));
                }
                assert_string_equal(s->path, rows[i].lists ? WATCH_LIST_PATH : WATCH_PATH("10"));
                stream_answer(s, 200);
                if (rows[i].lists)
                        stream_say(s, END_MARK("10"));
                stream_wait(s, USEC_PER_SEC);
                assert_true(reflector_in_sync(s->reflector));
        }

        /* A connection that breaks each minute while nothing happens says nothing of the version. */
        for (unsigned j = 0; j < 10; j++) {
                stream_wait(s, 60 * USEC_PER_SEC);
                stream_end(s, KUBE_END_CUT);
                stream_wait(s, USEC_PER_SEC);
                assert_string_equal(s->path, WATCH_PATH("10"));
                stream_answer(s, 200);
        }
}

/* A server that takes the request for more and says nothing. */
STORY(test_no_answer) {
        begin_in_sync(s, traits);
        stream_wait(s, 60 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        stream_wait(s, 4900 * USEC_PER_MSEC);
        assert_true(reflector_in_sync(s->reflector));
        stream_wait(s, 100 * USEC_PER_MSEC);
        assert_false(reflector_in_sync(s->reflector));
        assert_true(s->open);
        stream_wait(s, 10 * USEC_PER_SEC);
        stream_answer(s, 200);
        assert_int_equal(reflector_state(s->reflector), REFLECTOR_RESUMING);
        stream_wait(s, USEC_PER_SEC);
        assert_true(reflector_in_sync(s->reflector));

        stream_end(s, KUBE_END_EOF);
        stream_wait(s, 30 * USEC_PER_SEC);
        assert_int_equal(s->closes, 1);
        assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_API_UNREACHABLE);
}

STORY(test_api_ready) {
        unsigned requests;

        begin_in_sync(s, traits);
        reflector_set_api_ready(s->reflector, false, s->now);
        stream_settle(s);
        assert_false(s->open);
        assert_false(reflector_in_sync(s->reflector));
        assert_int_equal(reflector_state(s->reflector), REFLECTOR_WAITING);
        assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_API_NOT_READY);
        requests = s->requests;
        stream_wait(s, 3600 * USEC_PER_SEC);
        reflector_kick(s->reflector, s->now);
        stream_settle(s);
        assert_int_equal(s->requests, requests);
        reflector_set_api_ready(s->reflector, true, s->now);
        stream_settle(s);
        /* Another server may be behind it: going on from version 10 it might be silent for ever. */
        assert_string_equal(s->path, WATCH_LIST_PATH);
        stream_answer(s, 200);
        stream_wait(s, 2 * USEC_PER_SEC);
        assert_false(reflector_in_sync(s->reflector));
        stream_say(s, END_MARK("5"));
        assert_true(reflector_in_sync(s->reflector));

        /* In the midst of a listing. */
        stream_say(s, ERROR(410, "Expired", "x"));
        stream_answer(s, 200);
        reflector_set_api_ready(s->reflector, false, s->now);
        stream_settle(s);
        reflector_set_api_ready(s->reflector, true, s->now);
        stream_settle(s);
        assert_string_equal(s->path, WATCH_LIST_PATH);
}

STORY(test_kick) {
        begin_in_sync(s, traits);
        reflector_kick(s->reflector, s->now);
        stream_settle(s);
        assert_int_equal(s->requests, 1); /* nothing to cut short */
        for (unsigned i = 0; i < 8; i++) {
                stream_end(s, KUBE_END_CONNECT);
                stream_wait(s, USEC_PER_SEC);
        }
        stream_end(s, KUBE_END_CONNECT);
        assert_false(s->open);
        reflector_kick(s->reflector, s->now);
        stream_settle(s);
        assert_true(s->open);
}

STORY(test_wanted) {
        s->only = "dns";
        begin(s, traits);
        stream_answer(s, 200);
        stream_say(s, FRAME("ADDED", POD_APP("a", "1", "dns")) FRAME("ADDED", POD_APP("b", "2", "web"))
                              END_MARK("10"));
        assert_int_equal(s->n_store, 1);
        /* The label goes: to the sink the pod is gone. And comes. */
        stream_say(s, FRAME("MODIFIED", POD_APP("a", "11", "web")));
        assert_int_equal(s->n_store, 0);
        stream_say(s, FRAME("MODIFIED", POD_APP("b", "12", "dns")));
        assert_int_equal(s->n_store, 1);
        /* Deleted in the same breath as the label went. */
        stream_say(s, FRAME("DELETED", POD_APP("b", "13", "web")));
        assert_int_equal(s->n_store, 0);
        /* Unwanted objects move the version, too. */
        stream_say(s, FRAME("ADDED", POD_APP("c", "14", "web")));
        stream_wait(s, 2 * USEC_PER_SEC);
        stream_end(s, KUBE_END_EOF);
        assert_string_equal(s->path, WATCH_PATH("14"));
}

STORY(test_odd_objects) {
        begin_in_sync(s, traits);
        /* A NUL in a message is the container's fault, and no reason to lose the pod. */
        stream_say(
                s,
                FRAME("MODIFIED",
                      "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"uid\":\"u-a\",\"resourceVersion\":"
                      "\"11\"},\"status\":{\"message\":\"\\\\u0000 a\\u0000b \\\\\\u0000\"}}"));
        assert_true(reflector_in_sync(s->reflector));
        assert_string_equal(stream_find(s, "ns/a")->version, "11");
}

STORY(test_sink_fails) {
        begin_in_sync(s, traits);
        s->fail = -ENOMEM;
        stream_say(s, MODIFIED("a", "11"));
        assert_false(reflector_in_sync(s->reflector));
        assert_int_equal(s->closes, 1);
        s->fail = 0;
        stream_wait(s, USEC_PER_SEC);
        assert_string_equal(s->path, WATCH_LIST_PATH);
}

static void test_names(void **state) {
        for (int i = 0; i < _REFLECTOR_STATE_MAX; i++)
                assert_non_null(reflector_state_to_string(i));
        for (int i = 0; i < _KUBE_END_MAX; i++)
                assert_non_null(kube_end_to_string(i));
        for (int i = 0; i < _REFLECTOR_TROUBLE_MAX; i++)
                assert_non_null(reflector_trouble_to_string(i));
        assert_null(reflector_state_to_string(_REFLECTOR_STATE_INVALID));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_watch_list),
                cmocka_unit_test(test_watch_list_changes),
                cmocka_unit_test(test_bookmarks),
                cmocka_unit_test(test_no_watch_list_422),
                cmocka_unit_test(test_no_watch_list_500),
                cmocka_unit_test(test_no_end_mark),
                cmocka_unit_test(test_no_end_mark_busy),
                cmocka_unit_test(test_no_end_mark_here),
                cmocka_unit_test(test_initial_events_cut),
                cmocka_unit_test(test_resume),
                cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_gone_again),
                cmocka_unit_test(test_continue_expired),
                cmocka_unit_test(test_pages),
                cmocka_unit_test(test_page_stalls),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_credentials),
                cmocka_unit_test(test_ends),
                cmocka_unit_test(test_not_json),
                cmocka_unit_test(test_oversize),
                cmocka_unit_test(test_backoff),
                cmocka_unit_test(test_short_watches),
                cmocka_unit_test(test_version_that_leads_nowhere),
                cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_api_ready),
                cmocka_unit_test(test_kick),
                cmocka_unit_test(test_wanted),
                cmocka_unit_test(test_odd_objects),
                cmocka_unit_test(test_sink_fails),
                cmocka_unit_test(test_names),
        };
        return cmocka_run_group_tests_name("kube-reflector", tests, NULL, NULL);
}
