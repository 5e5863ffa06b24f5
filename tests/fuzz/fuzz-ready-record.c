/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/limits.h"
#include "history/boots.h"
#include "diagnosis/columns.h"
#include "history/lines.h"
#include "diagnosis/events.h"
#include "history/timeline.h"
#include "ready/check-kinds.h"
#include "ready/keep.h"

#define BOOT "8f2b3a1c4d5e6f708192a3b4c5d6e7f8"

/* A record that is printed is read back whole, and prints the same again. */
static void timeline(const char *text, size_t size) {
        _cleanup_(buffer_done) Buffer one = BUFFER_INIT(MIB(64)), two = BUFFER_INIT(MIB(64));
        _cleanup_(timeline_freep) Timeline *t = NULL, *again = NULL;

        assert(timeline_new(16, 16, &t) == 0 && timeline_new(16, 16, &again) == 0);
        assert(timeline_parse(t, text, size) >= 0);
        assert(timeline_length(t) <= 16);
        assert(timeline_print(t, &one) == 0);
        assert(timeline_parse(again, one.data, one.size) == 0);
        assert(timeline_print(again, &two) == 0);
        assert(one.size == two.size && (one.size == 0 || memcmp(one.data, two.data, one.size) == 0));
}

static void boots(const char *text, size_t size) {
        _cleanup_(buffer_done) Buffer one = BUFFER_INIT(MIB(64)), two = BUFFER_INIT(MIB(64));
        _cleanup_(boot_log_freep) BootLog *l = NULL, *again = NULL;
        usec_t typical;

        assert(boot_log_new(8, &l) == 0 && boot_log_new(8, &again) == 0);
        assert(boot_log_parse(l, text, size) >= 0);
        assert(boot_log_length(l) <= 8);
        (void) boot_log_typical(l, size % 2, NULL, &typical);
        assert(boot_log_print(l, &one) == 0);
        assert(boot_log_parse(again, one.data, one.size) == 0);
        assert(boot_log_print(again, &two) == 0);
        assert(one.size == two.size && (one.size == 0 || memcmp(one.data, two.data, one.size) == 0));
}

static void pod(const JsonValue *v) {
        _cleanup_(kube_object_freep) KubeObject *o = NULL;
        PodColumns c = POD_COLUMNS_NULL;
        const char *reason, *message;

        if (kube_object_parse(KUBE_POD, v, &o, NULL, 0) < 0)
                return;
        assert(pod_columns(KUBE_POD_OF(o), 1700000000 * USEC_PER_SEC, &c) == 0);
        pod_blocking_reason(KUBE_POD_OF(o), &reason, &message);
        assert(reason && *reason);
        assert(!message || strlen(message) <= 2 * LIMIT_MESSAGE);
        pod_columns_done(&c);
}

static void event(EventDigest *d, const JsonValue *v) {
        _cleanup_(kube_object_freep) KubeObject *o = NULL;
        EventExplanation e;

        if (kube_object_parse(KUBE_EVENT, v, &o, NULL, 0) < 0)
                return;
        assert(event_digest_feed(d, (const KubeEvent *) o, USEC_PER_HOUR, 1700000000 * USEC_PER_SEC) >= 0);
        if (event_digest_explain(d, ((const KubeEvent *) o)->regarding_uid, &e))
                assert(e.reason && e.message && strlen(e.message) <= LIMIT_MESSAGE &&
                       e.since <= USEC_PER_HOUR);
}

static void load_gates(Board *b, Instant now) {
        static const char text[] = "[Gate]\nRequired=yes\n[Pods]\nNamespace=openshift-dns\n";
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        GateSetup setup = { .enabled = true, .required = true, .timing = GATE_TIMING_DEFAULT };

        assert(conf_parse("dns.gate", "dns.gate", text, strlen(text), &conf) == 0);
        assert(gate_definition_parse("dns", conf, check_find_syntax, &setup.definition) == 0);
        assert(board_set(b, &setup, 1, now, &warnings, &removed) == 0);
}

/* States that are believed are believed whole, and are kept as they were; none of them makes a cluster fresh. */
static void state(const char *text, size_t size) {
        static const Instant now = { .boottime = USEC_PER_HOUR, .monotonic = USEC_PER_HOUR };
        static const KeepStamp stamp = { .boot_id = BOOT, .userspace = 1 };
        _cleanup_(buffer_done) Buffer one = BUFFER_INIT(MIB(64)), two = BUFFER_INIT(MIB(64));
        _cleanup_(board_done) Board b = BOARD_INIT, again = BOARD_INIT;
        _cleanup_(world_freep) World *w = NULL;

        load_gates(&b, now);
        load_gates(&again, now);
        assert(world_new(&w) == 0);
        if (keep_restore(&b, text, size, &stamp, now) < 0) {
                assert(gate_state(b.gates[0]) == GATE_WAITING && !b.verdict.was_ready &&
                       !b.cluster.is_known);
                return;
        }
        assert(!board_is_fresh(&b));
        assert(b.verdict.state != GATE_DISABLED && gate_state(b.gates[0]) != GATE_DISABLED);
        assert(keep_print(&b, w, &stamp, now, &one) == 0);
        assert(keep_restore(&again, one.data, one.size, &stamp, now) == 0);
        assert(keep_print(&again, w, &stamp, now, &two) == 0);
        assert(one.size == two.size && memcmp(one.data, two.data, one.size) == 0);
}

/* Lines of any kind: of the timeline, of the record of boots, pods and events. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(event_digest_freep) EventDigest *d = NULL;
        const char *text = (const char *) data;

        timeline(text, size);
        boots(text, size);
        state(text, size);
        assert(event_digest_new(&d) == 0);
        for (;;) {
                _cleanup_(jv_freep) JsonValue *v = NULL;
                int r = lines_next(&text, &size, &v);

                if (r == 0)
                        return 0;
                if (r < 0)
                        continue;
                pod(v);
                event(d, v);
        }
}
