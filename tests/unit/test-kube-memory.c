/* SPDX-License-Identifier: Apache-2.0 */

/* Fails the first allocation of a stream's life, then the second, and so on until none is left: whatever
 * fails, the stream is never in sync with something missing, and is in sync in the end. And what it costs to
 * go through a hundred thousand pods. */

#include "test.h"

#include <malloc.h>

#include "failing-malloc.h"

#include "base/limits.h"
#include "kube/field.h"
#include "kube-pods.h"
#include "kube-stream.h"

#define POD(name, rv)                                                                                                     \
        "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"" rv               \
        "\",\"labels\":{\"app\":\"x\",\"b\":\"y\"},\"ownerReferences\":[{\"controller\":true,\"uid\":\"o\"}]},\"spec\":{" \
        "\"containers\":[{\"name\":\"c\"}]},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}"
#define UNREADABLE(name, rv)                                                                                \
        "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"resourceVersion\":\"" rv               \
        "\",\"labels\":{\"app\":\"x\"}},\"spec\":[,]}"
#define ADDED(name, rv) "{\"type\":\"ADDED\",\"object\":" POD(name, rv) "}\n"
#define END_MARK                                                                                            \
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\",\"annotations\":{"      \
        "\"k8s.io/initial-events-end\":\"true\"}}}}\n"

/* A server with the pods a and b, of which b cannot be read. It answers whatever is asked. */
static void serve(Stream *s, bool watch_list) {
        if (strstr(s->path, "sendInitialEvents")) {
                stream_answer(s, watch_list ? 200 : 422);
                if (s->open && watch_list)
                        stream_say(s, ADDED("a", "1") "{\"type\":\"ADDED\",\"object\":" UNREADABLE(
                                              "b", "2") "}" END_MARK);
                if (s->open && !watch_list) {
                        stream_say(s, "{\"kind\":\"Status\",\"message\":\"no\",\"reason\":\"Invalid\"}");
                        stream_end(s, KUBE_END_EOF);
                }
        } else if (strstr(s->path, "watch=1")) {
                stream_answer(s, 200);
                stream_wait(s, USEC_PER_SEC);
        } else if (strstr(s->path, "continue=")) {
                stream_answer(s, 200);
                stream_say(s, "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[" UNREADABLE("b",
                                                                                                 "2") "]}");
                if (s->open)
                        stream_end(s, KUBE_END_EOF);
        } else {
                stream_answer(s, 200);
                stream_say(s, "{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"t\"},\"items\":[" POD(
                                      "a", "1") "]}");
                if (s->open)
                        stream_end(s, KUBE_END_EOF);
        }
}

static void check(const Stream *s) {
        if (reflector_in_sync(s->reflector))
                assert_int_equal(s->n_store, 2);
}

static void live(Stream *s, bool watch_list) {
        for (unsigned i = 0; i < 30; i++) {
                if (s->open && (i % 5 == 4))
                        stream_end(s, i % 2 ? KUBE_END_EOF : KUBE_END_CUT);
                else if (s->open && reflector_state(s->reflector) == REFLECTOR_REQUESTING)
                        serve(s, watch_list);
                else
                        stream_wait(s, USEC_PER_SEC);
                check(s);
        }
}

static void test_allocations(void **state) {
        for (unsigned watch_list = 0; watch_list < 2; watch_list++)
                for (unsigned long n = 1;; n++) {
                        KubeServerTraits traits = KUBE_SERVER_TRAITS_INIT;
                        Stream s = { .piece = 50 };
                        const ReflectorConfig config = {
                                .query = { .resource = kube_resource_of_kind(KUBE_POD),
                                           .namespace = "ns",
                                           .label_selector = "l" },
                                .sink = &s.sink,
                                .traits = &traits,
                                .backoff_cap = REFLECTOR_CAP_LOOPBACK,
                        };
                        int r;

                        s.sink.ops = &stream_ops;
                        failing_failed = 0;
                        failing_countdown = n;
                        r = reflector_new(&config, &s.reflector);
                        if (r < 0) {
                                assert_int_equal(r, -ENOMEM);
                                failing_countdown = 0;
                                continue;
                        }
                        reflector_set_api_ready(s.reflector, true, s.now);
                        reflector_start(s.reflector, s.now);
                        stream_settle(&s);
                        live(&s, watch_list);
                        (void) kube_server_traits_set_version(&traits, "v1");
                        failing_countdown = 0;

                        live(&s, watch_list);
                        stream_wait(&s, USEC_PER_SEC);
                        if (s.open && reflector_state(s.reflector) == REFLECTOR_REQUESTING)
                                serve(&s, watch_list);
                        assert_true(reflector_in_sync(s.reflector));
                        stream_done(&s);
                        kube_server_traits_done(&traits);
                        if (failing_failed == 0) {
                                print_message("# %lu allocations\n", n - 1);
                                break;
                        }
                }
}

static void test_paths(void **state) {
        for (unsigned long n = 1;; n++) {
                KubeResource *resource = NULL;
                char *s = NULL;
                KubeQuery copy = {};
                int r;

                failing_failed = 0;
                failing_countdown = n;
                r = kube_resource_parse("a.b/v1/cs", &resource);
                if (r >= 0)
                        r = kube_query_copy(&(KubeQuery){ .resource = resource,
                                                          .namespace = "n",
                                                          .field_selector = "f",
                                                          .kept_field = "k" },
                                            &copy);
                if (r >= 0)
                        r = kube_path_list(&copy, "x", &s);
                failing_countdown = 0;
                assert_int_equal(r, failing_failed ? -ENOMEM : 0);
                free(s);
                kube_query_done(&copy);
                kube_resource_free(resource);
                if (!failing_failed)
                        break;
        }
}

/* 100,000 pods of which 13 are wanted, then all of them: what is kept does not grow with what is not, and
 * the last thousands cost what the first do. */
typedef struct Crowd {
        ReflectorSink sink;
        bool all;
        unsigned kept;
        size_t bytes;
} Crowd;

static bool crowd_wanted(ReflectorSink *sink, const KubeBrief *brief) {
        Crowd *c = container_of(sink, Crowd, sink);

        return c->all || brief_is_of_app(brief, "dns");
}

static int crowd_object(ReflectorSink *sink, KubeObject *o, bool initial) {
        Crowd *c = container_of(sink, Crowd, sink);

        c->kept++;
        c->bytes += malloc_usable_size(o);
        kube_object_free(o);
        return 0;
}

static void crowd_deleted(ReflectorSink *sink, const char *namespace, const char *name, const char *uid) {
}

static void crowd_listing(ReflectorSink *sink) {
}

static void crowd_sync(ReflectorSink *sink, bool in_sync, ReflectorTrouble trouble, const char *detail) {
}

static const ReflectorSinkOps crowd_ops = {
        .wanted = crowd_wanted,
        .object = crowd_object,
        .deleted = crowd_deleted,
        .listing_begins = crowd_listing,
        .listing_complete = crowd_listing,
        .sync_changed = crowd_sync,
};

static usec_t crowd_feed(Reflector *r, unsigned from, unsigned to) {
        Buffer b = BUFFER_INIT(MIB(64));
        usec_t begin, usec = 0;

        for (unsigned i = from; i < to; i++) {
                assert_ok(buffer_puts(&b, "{\"type\":\"ADDED\",\"object\":"));
                put_pod(&b, &(PodSpec){ .number = i,
                                        .resource_version = i,
                                        .app = i % 7700 == 0 ? "dns" : "web" });
                assert_ok(buffer_puts(&b, "}\n"));
                if (b.size < 65536 && i + 1 < to)
                        continue;
                begin = now_monotonic();
                for (size_t k = 0; k < b.size; k += 16384)
                        reflector_bytes(r, b.data + k, MIN(b.size - k, (size_t) 16384), 0);
                usec += now_monotonic() - begin;
                buffer_clear(&b);
        }
        buffer_done(&b);
        return MAX(usec, (usec_t) 1);
}

static void crowd(bool all, unsigned pods) {
        KubeServerTraits traits = KUBE_SERVER_TRAITS_INIT;
        Crowd c = { .sink = { .ops = &crowd_ops }, .all = all };
        const ReflectorConfig config = {
                .query = { .resource = kube_resource_of_kind(KUBE_POD) },
                .sink = &c.sink,
                .traits = &traits,
                .backoff_cap = REFLECTOR_CAP_LOOPBACK,
        };
        _cleanup_(reflector_freep) Reflector *r = NULL;
        const char *path;
        size_t before;
        usec_t first, last;

        assert_ok(reflector_new(&config, &r));
        reflector_set_api_ready(r, true, 0);
        reflector_start(r, 0);
        assert_int_equal(reflector_take_action(r, &path), REFLECTOR_REQUEST);
        reflector_response(r, 200, 0, NULL, 0);

        first = crowd_feed(r, 0, pods / 10);
        before = mallinfo2().uordblks;
        (void) crowd_feed(r, pods / 10, pods - pods / 10);
        last = crowd_feed(r, pods - pods / 10, pods);
        assert_true(mallinfo2().uordblks <= before + KIB(64)); /* what malloc itself caches counts as used */
        assert_int_equal(reflector_stats(r)->frames, pods);
        assert_int_equal(c.kept, all ? pods : (pods + 7699) / 7700);
        print_message("# %u pods, %u kept, of %zu bytes each: %" PRIu64 " ns per event at first, %" PRIu64
                      " at last\n",
                      pods, c.kept, c.bytes / c.kept, first * 1000 * 10 / pods, last * 1000 * 10 / pods);
        assert_true(last <
                    4 * first); /* the machine may be busy; a list that is searched would be far beyond */
        kube_server_traits_done(&traits);
}

static void test_crowd(void **state) {
        crowd(false, 100000);
        crowd(true, 20000);
}

static void test_field(void **state) {
        static const char *const paths[] = { "text", "number" };
        static const char text[] = "{\"text\":\"x\",\"number\":1}";
        _cleanup_(jv_freep) JsonValue *json = NULL;

        assert_ok(jv_parse(text, sizeof(text) - 1, &json));
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                unsigned long n = 0;

                do {
                        char *value = NULL;
                        bool found = false;
                        int r;

                        failing_failed = 0;
                        failing_countdown = ++n;
                        r = kube_field_read(json, paths[i], &found, &value);
                        failing_countdown = 0;
                        assert_int_equal(r, failing_failed ? -ENOMEM : 0);
                        assert_true(found == !failing_failed && found == !!value);
                        free(value);
                } while (failing_failed);
                assert_true(n > 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_allocations),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_field),
                cmocka_unit_test(test_crowd),
        };
        return cmocka_run_group_tests_name("kube-memory", tests, NULL, NULL);
}
