/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "history/boots.h"
#include "history/timeline.h"

static Transition make(usec_t boottime, const char *gate, const char *from, const char *to) {
        Transition t = { .boottime = boottime, .realtime = boottime + 5 };

        assert_ok(free_and_strdup(&t.gate, gate));
        assert_ok(free_and_strdup(&t.from, from));
        assert_ok(free_and_strdup(&t.to, to));
        return t;
}

static void block(Transition *t, const char *message) {
        t->has_blocker = true;
        t->blocker.since = 77;
        assert_ok(free_and_strdup(&t->blocker.gate, "dns"));
        assert_ok(free_and_strdup(&t->blocker.reason, "ContainerCreating"));
        assert_ok(free_and_strdup(&t->blocker.message, message));
        assert_ok(object_name_set(&t->blocker.object, "Pod", "openshift-dns", "dns-default-x"));
}

static void fill(Timeline *l, unsigned n) {
        char name[32];

        for (unsigned i = 0; i < n; i++) {
                Transition t;

                snprintf(name, sizeof(name), "gate-%u", i);
                t = make(i, name, "waiting", "ready");
                assert_ok(timeline_add(l, &t));
                assert_null(t.gate);
        }
}

static bool blocker_equal(const Blocker *a, const Blocker *b) {
        return a->since == b->since && streq_ptr(a->gate, b->gate) &&
               object_name_equal(&a->object, &b->object) && streq_ptr(a->reason, b->reason) &&
               streq_ptr(a->message, b->message) && streq_ptr(a->hint, b->hint);
}

static void test_json(void **state) {
        _cleanup_(transition_done) Transition t = make(1500000, "dns", "waiting", "ready"), back = {};
        _cleanup_(jv_freep) JsonValue *v = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(4));

        block(&t, "pulling quay.io/x\nsecond line");
        assert_ok(object_name_set(&t.object, "Node", "", "edge"));
        assert_ok(transition_print(&t, &b));
        assert_string_equal(
                buffer_cstr(&b),
                "{\"boottimeUSec\":1500000,\"realtimeUSec\":1500005,\"gate\":\"dns\",\"object\":{\"kind\":\"Node\","
                "\"name\":\"edge\"},\"from\":\"waiting\",\"to\":\"ready\",\"blocker\":{\"gate\":\"dns\",\"object\":{"
                "\"kind\":\"Pod\",\"namespace\":\"openshift-dns\",\"name\":\"dns-default-x\"},\"reason\":"
                "\"ContainerCreating\",\"message\":\"pulling quay.io/x\\nsecond line\",\"sinceBoottimeUSec\":77}}\n");

        assert_ok(jv_parse(b.data, b.size, &v));
        assert_ok(transition_from_json(v, &back));
        assert_int_equal(back.boottime, t.boottime);
        assert_int_equal(back.realtime, t.realtime);
        assert_string_equal(back.gate, "dns");
        assert_true(object_name_equal(&back.object, &t.object));
        assert_true(back.has_blocker);
        assert_true(blocker_equal(&back.blocker, &t.blocker));
}

/* A change of the verdict has no gate, no object and no blocker. */
static void test_json_of_verdict(void **state) {
        _cleanup_(transition_done) Transition t = make(1, NULL, "waiting", "ready"), back = {};
        _cleanup_(jv_freep) JsonValue *v = NULL;
        JsonBuilder b = {};

        transition_to_json(&b, NULL, &t);
        assert_ok(jb_finish(&b, &v));
        assert_null(jv_get(v, "gate"));
        assert_null(jv_get(v, "object"));
        assert_null(jv_get(v, "blocker"));
        assert_ok(transition_from_json(v, &back));
        assert_null(back.gate);
        assert_null(back.object.kind);
        assert_false(back.has_blocker);
}

static void test_ring(void **state) {
        _cleanup_(timeline_freep) Timeline *l = NULL;

        assert_ok(timeline_new(4, 4, &l));
        assert_null(timeline_get(l, 0));
        fill(l, 3);
        assert_int_equal(timeline_length(l), 3);
        assert_string_equal(timeline_get(l, 0)->gate, "gate-0");
        fill(l, 7);
        assert_int_equal(timeline_length(l), 4);
        assert_int_equal(timeline_added(l), 10);
        assert_string_equal(timeline_get(l, 0)->gate, "gate-3");
        assert_string_equal(timeline_get(l, 3)->gate, "gate-6");
        assert_null(timeline_get(l, 4));
}

static void add_object(Timeline *l, const char *name, unsigned at) {
        Transition t = make(at, "dns", "ready", "lost");

        assert_ok(object_name_set(&t.object, "Pod", "openshift-dns", name));
        assert_ok(timeline_add(l, &t));
}

/* Objects push out neither gates nor one another, and all stand in the order in which they came. */
static void test_shares(void **state) {
        _cleanup_(timeline_freep) Timeline *l = NULL;
        usec_t last = 0;
        char name[16];

        assert_ok(timeline_new(4, 40, &l));
        fill(l, 3);
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(name, sizeof(name), "pod-%u", i % 7 == 0 ? i : 0);
                add_object(l, name, 100 + i);
        }
        assert_int_equal(timeline_length(l), 3 + 40);
        assert_int_equal(timeline_added(l), 3);
        assert_int_equal(timeline_added_of_objects(l), 1000);
        for (size_t i = 0, flaps = 0; i < timeline_length(l); i++) {
                const Transition *t = timeline_get(l, i);

                assert_true(t->boottime >= last);
                last = t->boottime;
                flaps += t->object.kind && streq(t->object.name, "pod-0");
                assert_true(flaps <= LIMIT_TRANSITIONS_PER_OBJECT);
                assert_int_equal(!t->object.kind, i < 3);
        }
        fill(l, 20);
        assert_int_equal(timeline_length(l), 4 + 40);
}

static void test_lines(void **state) {
        _cleanup_(timeline_freep) Timeline *l = NULL, *back = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(MIB(1)), again = BUFFER_INIT(MIB(1));
        _cleanup_(jv_freep) JsonValue *v = NULL;
        JsonBuilder builder = {};

        assert_ok(timeline_new(LIMIT_TRANSITIONS, LIMIT_OBJECT_TRANSITIONS, &l));
        assert_ok(timeline_new(LIMIT_TRANSITIONS, LIMIT_OBJECT_TRANSITIONS, &back));
        fill(l, 50);
        assert_ok(timeline_print(l, &b));
        assert_int_equal(timeline_parse(back, b.data, b.size), 0);
        assert_int_equal(timeline_length(back), 50);
        assert_ok(timeline_print(back, &again));
        assert_string_equal(buffer_cstr(&b), buffer_cstr(&again));
        timeline_to_json(&builder, NULL, l);
        assert_ok(jb_finish(&builder, &v));
        assert_int_equal(jv_length(v), 50);
}

/* The text cut at each byte: all whole lines are read, and nothing else. */
static void test_cut(void **state) {
        _cleanup_(timeline_freep) Timeline *l = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));

        assert_ok(timeline_new(8, 8, &l));
        fill(l, 3);
        assert_ok(timeline_print(l, &b));

        for (size_t size = 0; size <= b.size; size++) {
                _cleanup_(timeline_freep) Timeline *cut = NULL;
                _cleanup_free_ char *exact = malloc(size + 1);
                size_t whole = 0, begun = 0;

                memcpy(exact, b.data, size);
                for (size_t i = 0; i < size; i++)
                        if (exact[i] == '\n')
                                whole++, begun = i + 1;
                /* A last line that lacks nothing but its end is whole. */
                if (size > begun && b.data[size] == '\n')
                        whole++, begun = size;

                assert_ok(timeline_new(8, 8, &cut));
                assert_int_equal(timeline_parse(cut, exact, size), size > begun);
                assert_int_equal(timeline_length(cut), whole);
        }
}

static void test_garbage(void **state) {
        static const char text[] =
                "{}\n"
                "\n"
                "nonsense\n"
                "[1,2]\n"
                "{\"boottimeUSec\":-1,\"realtimeUSec\":1,\"from\":\"a\",\"to\":\"b\"}\n"
                "{\"boottimeUSec\":1,\"realtimeUSec\":1,\"from\":\"a\"}\n"
                "{\"boottimeUSec\":1,\"realtimeUSec\":1,\"from\":1,\"to\":\"b\"}\n"
                "{\"boottimeUSec\":1,\"realtimeUSec\":1,\"from\":\"a\",\"to\":\"b\",\"object\":7}\n"
                "{\"boottimeUSec\":1,\"realtimeUSec\":1,\"from\":\"a\",\"to\":\"b\",\"blocker\":{}}\n"
                "\0\0\0\0\n"
                "{\"boottimeUSec\":1,\"realtimeUSec\":1,\"from\":\"a\",\"to\":\"b\",\"gate\":null,\"new\":1}\n";
        _cleanup_(timeline_freep) Timeline *l = NULL;

        assert_ok(timeline_new(8, 8, &l));
        assert_int_equal(timeline_parse(l, text, sizeof(text) - 1), 9);
        assert_int_equal(timeline_length(l), 1);
        assert_int_equal(timeline_parse(l, NULL, 0), 0);
}

/* A line that does not fit is not there by half. */
static void test_ceiling(void **state) {
        _cleanup_(transition_done) Transition t = make(1, "dns", "waiting", "ready");
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(4));
        size_t size;

        assert_ok(transition_print(&t, &b));
        size = b.size;
        for (size_t limit = 0; limit < size; limit++) {
                _cleanup_(buffer_done) Buffer small = BUFFER_INIT(limit);

                assert_error(transition_print(&t, &small), E2BIG);
                assert_int_equal(small.size, 0);
        }
}

#define ID_A "0123456789abcdef0123456789abcdef"
#define ID_B "11111111111111111111111111111111"

static Boot *make_boot(unsigned n, usec_t ready, bool pulled) {
        Boot *b = NULL;
        char id[33];

        snprintf(id, sizeof(id), "%032x", n);
        assert_ok(boot_new(id, n * USEC_PER_SEC, &b));
        b->ready = ready;
        b->pulled_images = pulled;
        return b;
}

static void test_boot(void **state) {
        _cleanup_(boot_freep) Boot *b = NULL, *back = NULL;
        _cleanup_(jv_freep) JsonValue *v = NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(KIB(4));
        JsonBuilder builder = {};

        assert_ok(boot_new(ID_A, 1000, &b));
        assert_int_equal(boot_set_gate(b, "node", USEC_INFINITY, "Node edge: StaleBoot"), 1);
        assert_int_equal(boot_set_gate(b, "node", 7000000, "Node edge: KubeletNotReady"), 1);
        /* Lost and open again: the first time counts. */
        assert_int_equal(boot_set_gate(b, "node", 9000000, "x"), 0);
        assert_int_equal(boot_set_gate(b, "dns", USEC_INFINITY, NULL), 1);
        boot_set_required(b, "node", true);
        assert_int_equal(boot_set_gate(b, "shop", 6000000, NULL), 1);
        boot_set_required(b, "shop", false);
        b->ready = 8000000;
        b->pulled_images = true;

        boot_to_json(&builder, NULL, b);
        assert_ok(jb_finish(&builder, &v));
        assert_ok(jv_print(v, false, &text));
        assert_string_equal(
                buffer_cstr(&text),
                "{\"bootId\":\"" ID_A
                "\",\"startedRealtimeUSec\":1000,\"readyUSec\":8000000,\"pulledImages\":true,"
                "\"gates\":[{\"name\":\"node\",\"readyUSec\":7000000,\"waitedFor\":\"Node edge: KubeletNotReady\","
                "\"required\":true},{\"name\":\"dns\"},{\"name\":\"shop\",\"readyUSec\":6000000,\"required\":false}]}");

        assert_ok(boot_from_json(v, &back));
        assert_string_equal(back->boot_id, ID_A);
        assert_int_equal(back->ready, 8000000);
        assert_true(back->pulled_images);
        assert_int_equal(back->n_gates, 3);
        assert_int_equal(back->gates[0].ready, 7000000);
        assert_int_equal(back->gates[0].required, 1);
        assert_true(back->gates[1].required < 0); /* as in the line of an older version */
        assert_int_equal(back->gates[2].required, 0);
        assert_true(back->gates[1].ready == USEC_INFINITY);
        assert_null(back->gates[1].waited_for);
}

/* An earlier boot is retold from its line on record. */
static void test_boot_retold(void **state) {
        static const char told[] =
                "{\"boottimeUSec\":5,\"realtimeUSec\":1000005,\"gate\":\"api\",\"from\":\"waiting\",\"to\":\"ready\",\"blocker\":{\"gate\":"
                "\"api\",\"object\":{\"kind\":\"Api\",\"name\":\"/readyz\"},\"reason\":\"ApiUnreachable\",\"sinceBoottimeUSec\":0}}\n"
                "{\"boottimeUSec\":7,\"realtimeUSec\":1000007,\"gate\":\"dns\",\"from\":\"waiting\",\"to\":\"ready\",\"blocker\":{\"gate\":"
                "\"dns\",\"object\":{\"kind\":\"Pod\",\"namespace\":\"openshift-dns\",\"name\":\"x\"},\"reason\":\"Init:0/1\","
                "\"sinceBoottimeUSec\":0}}\n"
                "{\"boottimeUSec\":7,\"realtimeUSec\":1000007,\"from\":\"waiting\",\"to\":\"ready\",\"blocker\":{\"gate\":\"dns\","
                "\"object\":{\"kind\":\"Pod\",\"namespace\":\"openshift-dns\",\"name\":\"x\"},\"reason\":\"Init:0/1\","
                "\"sinceBoottimeUSec\":0}}\n"
                "{\"boottimeUSec\":9,\"realtimeUSec\":1000009,\"gate\":\"shop\",\"from\":\"waiting\",\"to\":\"ready\",\"blocker\":{\"gate\":"
                "\"shop\",\"object\":{\"kind\":\"Endpoint\",\"name\":\"http://a:8/\"},\"reason\":\"TLS\",\"sinceBoottimeUSec\":0}}\n"
                "{\"boottimeUSec\":9,\"realtimeUSec\":1000009,\"gate\":\"socket\",\"from\":\"waiting\",\"to\":\"ready\",\"blocker\":{\"gate\":"
                "\"socket\",\"object\":{\"kind\":\"Socket\",\"name\":\"/run/x/y.sock\"},\"reason\":\"TimedOut\",\"sinceBoottimeUSec\":0}}\n"
                "{\"boottimeUSec\":9,\"realtimeUSec\":1000009,\"gate\":\"what\",\"from\":\"waiting\",\"to\":\"ready\"}\n";
        _cleanup_(boot_freep) Boot *b = make_boot(1, 7, false);
        _cleanup_(timeline_freep) Timeline *l = NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(KIB(8));

        assert_int_equal(boot_set_gate(b, "shop", 9, "Endpoint http://a:8/: TLS"), 1);
        assert_int_equal(boot_set_gate(b, "socket", 9, "Socket /run/x/y.sock: TimedOut"), 1);
        assert_int_equal(boot_set_gate(b, "what", 9, "nobody knows"), 1);
        assert_int_equal(boot_set_gate(b, "dns", 7, "Pod openshift-dns/x: Init:0/1"), 1);
        assert_int_equal(boot_set_gate(b, "never", USEC_INFINITY, "Pod n/y: x"), 1);
        assert_int_equal(boot_set_gate(b, "api", 5, "Api /readyz: ApiUnreachable"), 1);
        assert_ok(timeline_new(LIMIT_GATES + 1, 1, &l));
        assert_ok(boot_retell(b, l));
        assert_ok(timeline_print(l, &text));
        assert_string_equal(buffer_cstr(&text), told);
}

/* What a boot waited for last is what the last of its required gates did, as far as that is on record. */
static void test_boot_retold_by_required_gates(void **state) {
        static const struct {
                int dns, ingress;
                const char *gate;
        } rows[] = { { 1, 0, "dns" }, { 1, 1, "ingress" }, { -1, -1, "ingress" }, { 0, 0, NULL } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(boot_freep) Boot *b = make_boot(1, 8, false);
                _cleanup_(timeline_freep) Timeline *l = NULL;
                const Transition *last;

                assert_int_equal(boot_set_gate(b, "dns", 6, "Pod n/x: A"), 1);
                assert_int_equal(boot_set_gate(b, "ingress", 7, "Pod n/y: B"), 1);
                if (rows[i].dns >= 0)
                        boot_set_required(b, "dns", rows[i].dns);
                if (rows[i].ingress >= 0)
                        boot_set_required(b, "ingress", rows[i].ingress);
                assert_ok(timeline_new(LIMIT_GATES + 1, 1, &l));
                assert_ok(boot_retell(b, l));
                last = timeline_get(l, 2);
                assert_null(last->gate);
                assert_int_equal(last->has_blocker, rows[i].gate != NULL);
                if (rows[i].gate)
                        assert_string_equal(last->blocker.gate, rows[i].gate);
        }
}

static void test_boot_gates_bound(void **state) {
        _cleanup_(boot_freep) Boot *b = make_boot(1, 1, false);
        char name[32];

        for (unsigned i = 0; i < LIMIT_GATES; i++) {
                snprintf(name, sizeof(name), "g%u", i);
                assert_int_equal(boot_set_gate(b, name, i, NULL), 1);
        }
        assert_error(boot_set_gate(b, "one-more", 1, NULL), E2BIG);
        assert_int_equal(boot_set_gate(b, "g0", 1, NULL), 0);
}

static void test_boot_log(void **state) {
        _cleanup_(boot_log_freep) BootLog *l = NULL, *back = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(MIB(1));
        Boot *again = NULL;

        assert_ok(boot_log_new(LIMIT_BOOTS, &l));
        assert_ok(boot_log_new(LIMIT_BOOTS, &back));
        for (unsigned i = 0; i <= LIMIT_BOOTS; i++)
                boot_log_put(l, make_boot(i, i, false));
        assert_int_equal(boot_log_length(l), LIMIT_BOOTS);
        assert_int_equal(boot_log_get(l, 0)->ready, 1);

        /* One line per boot: the same ID, written otherwise, takes the place of the former, as the newest. */
        assert_ok(boot_new("00000000-0000-0000-0000-000000000005", 1, &again));
        again->ready = 555;
        boot_log_put(l, again);
        assert_int_equal(boot_log_length(l), LIMIT_BOOTS);
        assert_int_equal(boot_log_get(l, LIMIT_BOOTS - 1)->ready, 555);
        assert_int_equal(boot_log_find(l, "00000000000000000000000000000005")->ready, 555);
        assert_null(boot_log_find(l, ID_B));
        assert_null(boot_log_get(l, LIMIT_BOOTS));

        assert_ok(boot_log_print(l, &b));
        /* A power cut: half a line at the end. */
        assert_int_equal(boot_log_parse(back, b.data, b.size - 10), 1);
        assert_int_equal(boot_log_length(back), LIMIT_BOOTS - 1);
        assert_int_equal(boot_log_parse(back,
                                        "x\n{\"bootId\":\"\",\"startedRealtimeUSec\":1}\n{\"bootId\":\"b\"}",
                                        54),
                         3);
}

static void test_typical(void **state) {
        _cleanup_(boot_log_freep) BootLog *l = NULL;
        usec_t typical = 1;

        assert_ok(boot_log_new(LIMIT_BOOTS, &l));
        assert_error(boot_log_typical(l, false, NULL, &typical), ENODATA);
        boot_log_put(l, make_boot(1, USEC_INFINITY, false));
        assert_error(boot_log_typical(l, false, NULL, &typical), ENODATA);

        boot_log_put(l, make_boot(2, 40, false));
        boot_log_put(l, make_boot(3, 7200, true));
        boot_log_put(l, make_boot(4, 20, false));
        boot_log_put(l, make_boot(5, 1000, false));
        assert_ok(boot_log_typical(l, false, NULL, &typical));
        assert_int_equal(typical, 40);
        assert_ok(boot_log_typical(l, true, NULL, &typical));
        assert_int_equal(typical, 7200);

        /* This boot does not count for itself; of two, the middle. */
        assert_ok(boot_log_typical(l, false, "00000000-0000-0000-0000-000000000005", &typical));
        assert_int_equal(typical, 30);
        assert_error(boot_log_typical(l, true, "00000000000000000000000000000003", &typical), ENODATA);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json),        cmocka_unit_test(test_json_of_verdict),
                cmocka_unit_test(test_ring),        cmocka_unit_test(test_lines),
                cmocka_unit_test(test_shares),      cmocka_unit_test(test_cut),
                cmocka_unit_test(test_garbage),     cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_boot),        cmocka_unit_test(test_boot_log),
                cmocka_unit_test(test_typical),     cmocka_unit_test(test_boot_gates_bound),
                cmocka_unit_test(test_boot_retold), cmocka_unit_test(test_boot_retold_by_required_gates),
        };
        return cmocka_run_group_tests_name("ready-timeline", tests, NULL, NULL);
}
