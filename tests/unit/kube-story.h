/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube-stream.h"

/* Each story is told with its bytes whole, one by one, and in odd pieces. */

#define LIST_PATH "/api/v1/pods?limit=500"
#define WATCH_LIST_PATH                                                                                     \
        "/api/v1/pods?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
#define WATCH_PATH(rv) "/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=" rv

#define POD_APP(name, rv, app)                                                                              \
        "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"uid\":\"u-" name      \
        "\",\"resourceVersion\":\"" rv "\",\"labels\":{\"app\":\"" app                                      \
        "\"}},\"status\":{\"phase\":\"Running\"}}"
#define POD(name, rv) POD_APP(name, rv, "web")
#define FRAME(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define ADDED(name, rv) FRAME("ADDED", POD(name, rv))
#define MODIFIED(name, rv) FRAME("MODIFIED", POD(name, rv))
#define DELETED(name, rv) FRAME("DELETED", POD(name, rv))
#define BOOKMARK(rv)                                                                                        \
        FRAME("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" rv                       \
                          "\",\"creationTimestamp\":null}}")
#define END_MARK(rv)                                                                                        \
        FRAME("BOOKMARK",                                                                                   \
              "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" rv                                   \
              "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}},\"spec\":{\"containers\":null}}")
#define STATUS(code, reason, message)                                                                              \
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"" message \
        "\",\"reason\":\"" reason "\",\"code\":" #code "}"
#define ERROR(code, reason, message) FRAME("ERROR", STATUS(code, reason, message))
#define LIST(rv, more, items)                                                                               \
        "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" rv "\"" more     \
        "},\"items\":[" items "]}\n"

static inline void begin(Stream *s, KubeServerTraits *traits) {
        stream_init(s, KUBE_POD, traits, REFLECTOR_CAP_LOOPBACK, 0);
        reflector_start(s->reflector, s->now);
        stream_settle(s);
        assert_int_equal(s->requests, 0);
        assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_API_NOT_READY);
        reflector_set_api_ready(s->reflector, true, s->now);
        assert_int_equal(reflector_trouble(s->reflector), REFLECTOR_TROUBLE_NOT_SYNCED);
        stream_settle(s);
}

/* In sync by WatchList, with pods a and b, at version 10. */
static inline void begin_in_sync(Stream *s, KubeServerTraits *traits) {
        begin(s, traits);
        assert_string_equal(s->path, WATCH_LIST_PATH);
        stream_answer(s, 200);
        stream_say(s, ADDED("a", "3") ADDED("b", "7"));
        assert_false(reflector_in_sync(s->reflector));
        stream_say(s, END_MARK("10"));
        assert_true(reflector_in_sync(s->reflector));
        assert_int_equal(s->n_store, 2);
}

#define STORY(name)                                                                                         \
        static void name##_story(Stream *s, KubeServerTraits *traits);                                      \
        static void name(void **state) {                                                                    \
                static const size_t pieces[] = { SIZE_MAX, 1, 7, 143, 0 };                                  \
                for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {                                           \
                        KubeServerTraits traits = KUBE_SERVER_TRAITS_INIT;                                  \
                        Stream s = { .piece = pieces[i] };                                                  \
                        name##_story(&s, &traits);                                                          \
                        stream_done(&s);                                                                    \
                        kube_server_traits_done(&traits);                                                   \
                }                                                                                           \
        }                                                                                                   \
        static void name##_story(Stream *s, KubeServerTraits *traits)
