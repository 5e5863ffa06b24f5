/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "kube-stream.h"

/* A server that changes its objects, compacts its history, and lies, stalls, truncates and refuses at
 * random, behind a reflector. Whenever the reflector says that it is in sync, the sink holds exactly what
 * the server had at the version that the reflector has come to; where nothing is under way, what it has now.
 * Some versions of an object cannot be read: the sink has those, too, with what is wrong.
 * And once the server behaves, the reflector is in sync soon. */

enum {
        PODS = 6,
        EVENTS_MAX = 4096,
        OBJECT_LIMIT = 200,
};

typedef enum Feature {
        FEATURE_WORKS,
        FEATURE_IGNORED, /* no end mark, ever */
        FEATURE_REFUSED,
        FEATURE_BROKEN,
        _FEATURE_MAX,
} Feature;

typedef struct Server {
        uint64_t seed;
        struct {
                unsigned pod;
                bool exists;  /* afterwards */
        } events[EVENTS_MAX]; /* the version is the index */
        unsigned version;
        unsigned compacted; /* what is not after this is gone */
        Feature watch_list;
        bool behaves;

        bool asked; /* a request waits for its answer */
        bool watching;
        unsigned cursor; /* the last event written to a watch */
        Buffer out;      /* written and not yet delivered */
        bool ends;       /* cleanly, behind that */
} Server;

static unsigned chance(Server *v, unsigned n) {
        v->seed ^= v->seed << 13;
        v->seed ^= v->seed >> 7;
        v->seed ^= v->seed << 17;
        return (unsigned) (v->seed >> 11) % n;
}

/* The version of each pod at a version of the server, 0 where there is none. */
static void state_at(const Server *v, unsigned version, unsigned pods[static PODS]) {
        memset(pods, 0, PODS * sizeof(pods[0]));
        for (unsigned i = 1; i <= version; i++)
                pods[v->events[i].pod] = v->events[i].exists ? i : 0;
}

static void change(Server *v) {
        unsigned pods[PODS], pod = chance(v, PODS);

        if (v->version + 1 == EVENTS_MAX)
                return;
        state_at(v, v->version, pods);
        v->version++;
        v->events[v->version].pod = pod;
        v->events[v->version].exists = !pods[pod] || chance(v, 3) > 0;
}

/* What makes each version of a pod unreadable, if anything. */
static const char *fault_of(unsigned version, const char **ret_metadata, const char **ret_rest) {
        *ret_metadata = "";
        *ret_rest = "";
        switch (version % 7) {
        case 1:
                *ret_metadata = ",\"labels\":{\"a\"}";
                return "its metadata is malformed JSON";
        case 3:
                *ret_rest = ",\"status\":{\"phase\":\"\xff\"}";
                return "it is malformed JSON";
        case 5:
                *ret_rest = ",\"spec\":\"long long long long long long long long long long long long long "
                            "long long long long long long long long long long long long long long long\"";
                return "it has 22";
        default:
                return "";
        }
}

static void put(Server *v, const char *type, unsigned pod, unsigned version) {
        const char *metadata, *rest;

        (void) fault_of(version, &metadata, &rest);
        assert_ok(buffer_printf(&v->out,
                                "%s%s%s{\"metadata\":{\"name\":\"p%u\",\"namespace\":\"ns\",\"uid\":\"u\","
                                "\"resourceVersion\":\"%u\"%s}%s}%s",
                                type ? "{\"type\":\"" : "", strempty(type), type ? "\",\"object\":" : "",
                                pod, version, metadata, rest, type ? "}\n" : ""));
}

static void put_bookmark(Server *v, bool end) {
        assert_ok(buffer_printf(
                &v->out,
                "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%u\"%s}}}\n",
                v->cursor, end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : ""));
}

static void put_error(Server *v, unsigned code) {
        assert_ok(buffer_printf(
                &v->out,
                "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":%u,\"message\":\"no\"}}\n",
                code));
}

/* What has happened since, as a watch says it. */
static void put_events(Server *v) {
        while (v->cursor < v->version) {
                unsigned before[PODS], i = ++v->cursor, pod = v->events[i].pod;

                state_at(v, i - 1, before);
                put(v, !v->events[i].exists ? "DELETED" : before[pod] ? "MODIFIED" : "ADDED", pod, i);
        }
}

static void hang_up(Server *v) {
        v->asked = v->watching = v->ends = false;
        buffer_clear(&v->out);
}

static void refuse(Server *v, Stream *s, unsigned code) {
        stream_answer_full(s, code, chance(v, 3) * USEC_PER_SEC, "application/json");
        hang_up(v);
        if (s->open && chance(v, 4) > 0)
                stream_say(s, "{\"kind\":\"Status\",\"message\":\"no\"}");
        if (s->open)
                stream_end(s, chance(v, 4) == 0 ? KUBE_END_CUT : KUBE_END_EOF);
}

/* Two objects per page; the token says of which version, and from where on. */
static void answer_list(Server *v, Stream *s) {
        unsigned version = v->version, from = 0, pods[PODS], n = 0, more = 0;
        const char *token = strstr(s->path, "continue=");

        if (token) {
                version = (unsigned) strtoul(token + strlen("continue="), NULL, 10);
                from = (unsigned) strtoul(strchr(token, '-') + 1, NULL, 10);
                if (version < v->compacted) {
                        refuse(v, s, 410);
                        return;
                }
        }

        stream_answer(s, 200);
        state_at(v, version, pods);
        assert_ok(buffer_puts(&v->out, "{\"items\":["));
        for (unsigned i = from; i < PODS; i++) {
                if (!pods[i])
                        continue;
                if (n == 2) {
                        more = i;
                        break;
                }
                if (n++ > 0)
                        assert_ok(buffer_puts(&v->out, ","));
                put(v, NULL, i, pods[i]);
        }
        assert_ok(buffer_printf(&v->out, "],\"metadata\":{\"resourceVersion\":\"%u\"", version));
        if (more)
                assert_ok(buffer_printf(&v->out, ",\"continue\":\"%u-%u\"", version, more));
        assert_ok(buffer_puts(&v->out, "}}"));
        v->ends = true;
}

static void answer_watch_list(Server *v, Stream *s) {
        unsigned pods[PODS];

        if (v->watch_list == FEATURE_REFUSED) {
                refuse(v, s, 422);
                return;
        }
        stream_answer(s, 200);
        if (v->watch_list == FEATURE_BROKEN) {
                put_error(v, 500);
                v->ends = true;
                return;
        }
        state_at(v, v->version, pods);
        for (unsigned i = 0; i < PODS; i++)
                if (pods[i])
                        put(v, "ADDED", i, pods[i]);
        v->cursor = v->version;
        v->watching = true;
        if (v->watch_list == FEATURE_WORKS) {
                /* Some that happen before the end mark. */
                for (unsigned i = chance(v, 3); i > 0; i--)
                        change(v);
                put_events(v);
                put_bookmark(v, true);
        }
}

static void answer_watch(Server *v, Stream *s) {
        unsigned version = (unsigned) strtoul(
                strstr(s->path, "resourceVersion=") + strlen("resourceVersion="), NULL, 10);

        assert_true(version <= v->version);
        if (version < v->compacted && chance(v, 2) == 0) {
                refuse(v, s, 410);
                return;
        }
        stream_answer(s, 200);
        if (version < v->compacted) {
                put_error(v, 410);
                v->ends = true;
                return;
        }
        v->cursor = version;
        v->watching = true;
}

static void answer(Server *v, Stream *s) {
        static const unsigned codes[] = { 400, 401, 403, 404, 410, 422, 429, 500, 503, 504 };

        v->asked = false;
        if (!v->behaves)
                switch (chance(v, 12)) {
                case 0:
                        refuse(v, s, codes[chance(v, ELEMENTSOF(codes))]);
                        return;
                case 1:
                        hang_up(v);
                        stream_end(s, (KubeEnd) chance(v, _KUBE_END_MAX));
                        return;
                case 2:
                        stream_answer_full(s, 200, 0, chance(v, 2) ? "text/html" : NULL);
                        assert_ok(buffer_puts(&v->out, "<html>"));
                        v->ends = true;
                        return;
                case 3: /* never */
                        return;
                }

        if (strstr(s->path, "sendInitialEvents"))
                answer_watch_list(v, s);
        else if (strstr(s->path, "watch=1"))
                answer_watch(v, s);
        else
                answer_list(v, s);
}

static void deliver(Server *v, Stream *s) {
        size_t n = v->behaves || chance(v, 4) == 0 ? v->out.size : chance(v, 150);

        n = MIN(n, v->out.size);
        s->piece = 1 + chance(v, 100);
        if (n > 0) {
                _cleanup_free_ char *bytes = malloc(n);

                memcpy(bytes, v->out.data, n);
                buffer_consume(&v->out, n);
                stream_send(s, bytes, n);
        }
        if (s->open && v->out.size == 0 && v->ends) {
                hang_up(v);
                stream_end(s, KUBE_END_EOF);
        }
}

/* What a bad day brings to an open stream. */
static void disturb(Server *v, Stream *s) {
        unsigned n;

        switch (chance(v, 8)) {
        case 0: /* with whatever has been delivered */
                hang_up(v);
                stream_end(s, KUBE_END_CUT);
                break;
        case 1: /* at whatever byte, and HTTP thinks it is the end */
                hang_up(v);
                stream_end(s, KUBE_END_EOF);
                break;
        case 2:
                if (v->watching)
                        put_error(v, chance(v, 2) ? 410 : 500);
                break;
        case 3:
                if (v->watching)
                        assert_ok(buffer_puts(&v->out, "<html>"));
                break;
        case 4:
                n = chance(v, 4);
                v->compacted = v->version - MIN(v->version, n);
                break;
        case 5:
                reflector_set_api_ready(s->reflector, false, s->now);
                stream_settle(s);
                reflector_set_api_ready(s->reflector, chance(v, 2), s->now);
                stream_settle(s);
                break;
        case 6:
                reflector_kick(s->reflector, s->now);
                stream_settle(s);
                break;
        default: /* in order */
                if (v->watching)
                        v->ends = true;
                break;
        }
}

static void check(Server *v, Stream *s) {
        const char *version = s->reflector->resource_version;
        unsigned pods[PODS], n = 0;

        if (!reflector_in_sync(s->reflector))
                return;
        assert_non_null(version);
        state_at(v, (unsigned) strtoul(version, NULL, 10), pods);
        for (unsigned i = 0; i < PODS; i++) {
                const char *fault, *metadata, *rest;
                char key[16], expected[16];
                Stored *e;

                snprintf(key, sizeof(key), "ns/p%u", i);
                snprintf(expected, sizeof(expected), "%u", pods[i]);
                e = stream_find(s, key);
                assert_true(!e == !pods[i]);
                fault = fault_of(pods[i], &metadata, &rest);
                if (e) {
                        assert_string_equal(e->version, expected);
                        assert_true(startswith(e->unreadable, fault) && !*fault == !*e->unreadable);
                }
                n += pods[i] > 0;
        }
        assert_int_equal(s->n_store, n);

        if (reflector_state(s->reflector) == REFLECTOR_WATCHING && s->open && v->watching &&
            v->out.size == 0)
                assert_int_equal(strtoul(version, NULL, 10), v->cursor);
}

static void turn(Server *v, Stream *s) {
        unsigned requests = s->requests, closes = s->closes;

        switch (chance(v, 8)) {
        case 0:
                change(v);
                break;
        case 1:
                stream_wait(s, chance(v, 3000) * USEC_PER_MSEC);
                break;
        case 2:
                if (!v->behaves && s->open && !v->asked && chance(v, 4) == 0)
                        disturb(v, s);
                break;
        case 3:
                if (v->watching && !v->ends && chance(v, 2))
                        put_bookmark(v, false);
                break;
        case 4:
        case 5:
                if (v->asked && s->open)
                        answer(v, s);
                break;
        default:
                if (v->watching && !v->ends)
                        put_events(v);
                if (s->open && !v->asked)
                        deliver(v, s);
        }

        /* Another request, or none: the answer that was under way is dropped. */
        if (s->requests != requests || s->closes != closes || !s->open)
                hang_up(v);
        if (s->requests != requests && s->open)
                v->asked = true;
        check(v, s);
}

static void test_random(void **state) {
        unsigned in_sync = 0, turns = 0;

        for (unsigned run = 1; run <= 2000; run++) {
                KubeServerTraits traits = KUBE_SERVER_TRAITS_INIT;
                Server v = { .seed = run * UINT64_C(0x9e3779b97f4a7c15), .out = BUFFER_INIT(1 << 20) };
                Stream s = { .piece = 1 };

                v.watch_list = chance(&v, _FEATURE_MAX);
                for (unsigned i = chance(&v, 20); i > 0; i--)
                        change(&v);
                stream_init(&s, KUBE_POD, &traits, REFLECTOR_CAP_LOOPBACK, OBJECT_LIMIT);
                reflector_set_api_ready(s.reflector, true, s.now);
                reflector_start(s.reflector, s.now);
                stream_settle(&s);
                v.asked = s.open;

                for (unsigned i = 0; i < 300; i++, turns++) {
                        turn(&v, &s);
                        in_sync += reflector_in_sync(s.reflector);
                }

                v.behaves = true;
                reflector_set_api_ready(s.reflector, true, s.now);
                stream_settle(&s);
                hang_up(&v);
                if (s.open)
                        stream_end(&s, KUBE_END_CUT);
                v.asked = s.open;
                for (unsigned i = 0; i < 400; i++)
                        turn(&v, &s);
                if (!reflector_in_sync(s.reflector))
                        fail_msg("run %u: %s %s %s", run,
                                 reflector_state_to_string(reflector_state(s.reflector)), s.path,
                                 strna(reflector_detail(s.reflector)));

                stream_done(&s);
                kube_server_traits_done(&traits);
                buffer_done(&v.out);
        }
        print_message("# in sync in %u of %u turns\n", in_sync, turns);
        assert_true(in_sync > turns / 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),
        };
        return cmocka_run_group_tests_name("kube-reflector-random", tests, NULL, NULL);
}
