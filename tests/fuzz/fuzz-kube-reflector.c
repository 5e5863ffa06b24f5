/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "base/limits.h"
#include "kube/reflector-internal.h"

/* What a server may do to a stream, as a program: each step is a byte, and some have more behind them. */

typedef struct Sink {
        ReflectorSink sink;
        const Reflector *reflector;
        bool listing;
} Sink;

static int on_object(ReflectorSink *sink, KubeObject *o, bool initial) {
        assert(o->unreadable ? o->unreadable[0] : o->name[0] && o->uid[0]);
        kube_object_free(o);
        return 0;
}

static void on_deleted(ReflectorSink *sink, const char *namespace, const char *name, const char *uid) {
        assert(namespace && name[0] && uid);
}

static void on_listing_begins(ReflectorSink *sink) {
        container_of(sink, Sink, sink)->listing = true;
}

static void on_listing_complete(ReflectorSink *sink) {
        Sink *s = container_of(sink, Sink, sink);

        assert(s->listing && !reflector_in_sync(s->reflector));
        s->listing = false;
}

static void on_sync_changed(ReflectorSink *sink, bool in_sync, ReflectorTrouble trouble,
                            const char *detail) {
        Sink *s = container_of(sink, Sink, sink);

        assert(in_sync == (trouble == REFLECTOR_TROUBLE_NONE));
        assert(!in_sync || !s->listing);
        assert(!detail || strlen(detail) < LIMIT_MESSAGE + 64);
}

static const ReflectorSinkOps ops = {
        .object = on_object,
        .deleted = on_deleted,
        .listing_begins = on_listing_begins,
        .listing_complete = on_listing_complete,
        .sync_changed = on_sync_changed,
};

static bool settle(Reflector *r, bool open) {
        const char *path = NULL;

        for (;;)
                switch (reflector_take_action(r, &path)) {
                case REFLECTOR_NOTHING:
                        return open;
                case REFLECTOR_CLOSE:
                        assert(open);
                        open = false;
                        break;
                case REFLECTOR_REQUEST:
                        assert(!open && path[0] == '/');
                        open = true;
                        break;
                default:
                        break;
                }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const unsigned codes[] = { 200, 200, 200, 401, 404, 410, 422, 429, 500, 503 };
        KubeServerTraits traits = KUBE_SERVER_TRAITS_INIT;
        _cleanup_(reflector_freep) Reflector *r = NULL;
        Sink s = { .sink.ops = &ops };
        const ReflectorConfig config = {
                .query = { .resource = kube_resource_of_kind(KUBE_POD) },
                .sink = &s.sink,
                .traits = &traits,
                .backoff_cap = REFLECTOR_CAP_LOOPBACK,
                .object_limit = KIB(4),
        };
        usec_t now = USEC_PER_SEC;
        bool open = false;

        assert(reflector_new(&config, &r) >= 0);
        s.reflector = r;
        reflector_set_api_ready(r, true, now);
        reflector_start(r, now);

        while (size > 0) {
                uint8_t step = *data++;
                size_t n;

                size--;
                switch (step % 16) {
                case 0 ... 5: /* as many bytes as the step says, or up to the end of a line */
                        n = step / 16;
                        if (n == 0) {
                                const uint8_t *end = memchr(data, '\n', size);

                                n = end ? (size_t) (end - data) + 1 : size;
                        }
                        n = MIN(n, size);
                        if (open)
                                reflector_bytes(r, data, n, now);
                        data += n;
                        size -= n;
                        break;
                case 6:
                case 7:
                        if (open)
                                reflector_response(r, codes[step / 16 % ELEMENTSOF(codes)], USEC_INFINITY,
                                                   NULL, now);
                        break;
                case 8:
                        if (open) {
                                open = false;
                                reflector_end(r, (KubeEnd) (step / 16 % _KUBE_END_MAX), NULL, now);
                        }
                        break;
                case 9:
                        if (open) {
                                open = false;
                                reflector_end(r, KUBE_END_EOF, "x", now);
                        }
                        break;
                case 10:
                        now += step / 16 * 400 * USEC_PER_MSEC;
                        break;
                case 11:
                case 13:
                        reflector_kick(r, now);
                        break;
                case 12:
                        reflector_set_api_ready(r, step / 16 % 2, now);
                        break;
                default:
                        now = reflector_deadline(r) == USEC_INFINITY ? now : MAX(now, reflector_deadline(r));
                        break;
                }
                reflector_tick(r, now);
                open = settle(r, open);
                assert(reflector_in_sync(r) == (reflector_trouble(r) == REFLECTOR_TROUBLE_NONE));
        }
        kube_server_traits_done(&traits);
        return 0;
}
