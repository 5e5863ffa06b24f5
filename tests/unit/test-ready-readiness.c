/* SPDX-License-Identifier: Apache-2.0 */

/* What is decided is on record before it is told: edges, conditions, and the line of a boot. */

#include "fixture.h"

#include "base/string-util.h"
#include "ready/readiness.h"

typedef struct Fixture {
        Play play; /* its world and board are the readiness' */
        Readiness readiness;
        ReadinessOps ops;
        unsigned n_gates, n_verdicts, n_clusters;
        GateState gate_before, verdict_before;
        bool on_record; /* the last edge of a gate was on record when it was told */
        bool path_exists;
} Fixture;

#define REALTIME (UINT64_C(1700000000) * USEC_PER_SEC)

static void on_cluster_changed(ReadinessOps *ops, const char *why) {
        container_of(ops, Fixture, ops)->n_clusters++;
}

static void on_gate_changed(ReadinessOps *ops, const Gate *gate, GateState before, unsigned what) {
        Fixture *f = container_of(ops, Fixture, ops);
        size_t n = timeline_length(f->readiness.timeline);

        if (!(what & GATE_CHANGED_STATE))
                return;
        f->n_gates++;
        f->gate_before = before;
        f->on_record = n > 0 && streq_ptr(timeline_get(f->readiness.timeline, n - 1)->gate, gate_name(gate));
}

static void on_verdict_changed(ReadinessOps *ops, GateState before) {
        Fixture *f = container_of(ops, Fixture, ops);

        f->n_verdicts++;
        f->verdict_before = before;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        play_cluster(&f->play);
        f->ops = (ReadinessOps){ on_cluster_changed, on_gate_changed, on_verdict_changed };
        f->readiness = (Readiness){ .world = f->play.world, .userspace = 10 * USEC_PER_SEC };
        assert_ok(event_digest_new(&f->readiness.events));
        assert_ok(timeline_new(32, 32, &f->readiness.timeline));
        assert_ok(boot_log_new(8, &f->readiness.boots));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        event_digest_free(f->readiness.events);
        timeline_free(f->readiness.timeline);
        boot_log_free(f->readiness.boots);
        play_end(&f->play);
        free(f);
        return 0;
}

static void judge(Fixture *f) {
        f->n_gates = f->n_verdicts = 0;
        f->readiness.board = f->play.board;
        assert_ok(
                readiness_reconsider(&f->readiness, f->play.now, REALTIME + f->play.now.boottime, &f->ops));
        f->play.board = f->readiness.board;
}

static void load(Fixture *f) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;

        assert_ok(board_set(&f->play.board, f->play.setups, f->play.n_setups, f->play.now, &warnings,
                            &removed));
        f->play.n_setups = 0;
        judge(f);
}

static const Transition *newest(Fixture *f) {
        return timeline_get(f->readiness.timeline, timeline_length(f->readiness.timeline) - 1);
}

/* A gate that waits for one pod, "a". */
static PlayPod begin_waiting(Fixture *f) {
        PlayPod pod = pod_ready("shop", "web", 70, 71);

        pod.ready = KUBE_STATUS_FALSE;
        pod.ready_reason = "ContainersNotReady";
        play_start_pod(&f->play, &pod);
        PLAY_GATE(&f->play, "a", check_pods("shop", NULL))->required = true;
        load(f);
        return pod;
}

static void test_edges(void **state) {
        Fixture *f = *state;
        PlayPod pod = begin_waiting(f);
        const Transition *t;

        assert_string_equal(readiness_node_name(&f->readiness), f->play.world->node->object->name);
        assert_gate(&f->play, "a", "waiting");
        assert_int_equal(f->n_verdicts, 0);

        play_pass(&f->play, SECONDS(5));
        pod.ready = KUBE_STATUS_TRUE;
        pod.ready_reason = NULL;
        play_pod(&f->play, &pod);
        play_look(&f->play);
        judge(f);
        assert_gate(&f->play, "a", "ready");
        assert_int_equal(f->n_gates, 1);
        assert_int_equal(f->gate_before, GATE_WAITING);
        assert_true(f->on_record);
        assert_int_equal(f->n_verdicts, 1);
        assert_int_equal(f->verdict_before, GATE_WAITING);
        assert_int_equal(f->readiness.verdict_changed_realtime, REALTIME + f->play.now.boottime);

        t = newest(f);
        assert_null(t->gate); /* the verdict comes after the gates that make it */
        assert_string_equal(t->from, "waiting");
        assert_string_equal(t->to, "ready");
        assert_true(t->has_blocker); /* what it waited for last */
        assert_string_equal(t->blocker.gate, "a");
        assert_string_equal(t->blocker.reason, "ContainersNotReady");
        assert_int_equal(t->boottime, f->play.now.boottime);
        assert_int_equal(t->realtime, REALTIME + f->play.now.boottime);

        /* Nothing is new: nothing is told, nothing goes on record. */
        judge(f);
        assert_int_equal(f->n_gates + f->n_verdicts, 0);
        assert_ptr_equal(newest(f), t);
}

/* As play_pass(), where edges are to go on record. */
static void pass(Fixture *f, usec_t usec) {
        f->play.now.boottime += usec;
        f->play.now.monotonic += usec;
        judge(f);
}

/* The verdict waited for the gate that opened last, also where it comes first in the order of explanation, and also
 * where it is not the one of the boot's last wait. */
static void test_what_the_verdict_waited_for(void **state) {
        Fixture *f = *state;
        PlayPod a = pod_ready("shop", "web", 70, 7), b = pod_ready("bank", "desk", 80, 8);

        PLAY_GATE(&f->play, "a", check_pods("shop", NULL))->required = true;
        PLAY_GATE(&f->play, "b", check_pods("bank", NULL))->required = true;
        load(f);
        play_start_pod(&f->play, &b);
        judge(f);
        pass(f, SECONDS(5));
        play_start_pod(&f->play, &a);
        judge(f);
        assert_verdict(&f->play, "ready");
        assert_string_equal(newest(f)->blocker.gate, "a");

        pass(f, SECONDS(60));
        play_kill(&f->play, 8);
        play_look(&f->play);
        judge(f);
        pass(f, SECONDS(15));
        judge(f);
        assert_verdict(&f->play, "lost");
        assert_string_equal(newest(f)->blocker.gate, "b");
        play_start(&f->play, 8);
        play_look(&f->play);
        judge(f);
        pass(f, SECONDS(15));
        judge(f);
        assert_verdict(&f->play, "ready");
        assert_null(newest(f)->gate);
        assert_string_equal(newest(f)->blocker.gate, "b");
        assert_string_equal(newest(f)->blocker.reason, REASON_UNPROVEN);

        /* A gate that is required no longer was not waited for. */
        for (int required = 1; required >= 0; required--) {
                pass(f, SECONDS(5));
                PLAY_GATE(&f->play, "a", check_pods("shop", NULL));
                PLAY_GATE(&f->play, "c", check_pods("none", NULL))->required = required;
                load(f);
                assert_verdict(&f->play, required ? "waiting" : "ready");
        }
        assert_false(newest(f)->has_blocker);
}

/* Another cluster: every gate begins again, on record, and the time line of this boot goes on. */
static void test_another_cluster(void **state) {
        Fixture *f = *state;
        PlayPod pod = begin_waiting(f);
        PlayNode node = node_of_this_boot();
        size_t n;

        assert_ok(MIN(free_and_strdup(&f->play.world->server, "https://a"), 0));
        pod.ready = KUBE_STATUS_TRUE;
        play_pod(&f->play, &pod);
        play_look(&f->play);
        judge(f);
        assert_gate(&f->play, "a", "ready");
        assert_int_equal(f->n_clusters, 0);
        n = timeline_length(f->readiness.timeline);

        assert_ok(MIN(free_and_strdup(&f->play.world->server, "https://b"), 0));
        node.uid = 99;
        play_node(&f->play, &node);
        play_remove(&f->play, KUBE_POD, "shop", "web");
        judge(f);
        assert_int_equal(f->n_clusters, 1);
        assert_int_equal(f->n_gates, 1);
        assert_int_equal(f->gate_before, GATE_READY);
        assert_true(f->on_record);
        assert_int_equal(f->n_verdicts, 1);
        assert_gate(&f->play, "a", "waiting");
        assert_verdict(&f->play, "waiting");
        assert_true(timeline_length(f->readiness.timeline) >= n + 2);
}

static bool exists(const GateFacts *facts, const char *path) {
        assert_string_equal(path, "/shop");
        return container_of(
                       facts,
                       struct {
                               GateFacts facts;
                               bool answer;
                       },
                       facts)
                ->answer;
}

/* Holds "a"'s condition, ConditionPathExists=/shop, against a host that has it or not. */
static bool apply(Fixture *f, bool answer) {
        struct {
                GateFacts facts;
                bool answer;
        } host = { .facts.path_exists = exists, .answer = answer };
        bool other_objects;

        f->readiness.board = f->play.board;
        other_objects = readiness_apply_conditions(&f->readiness, &host.facts, f->play.now);
        f->play.board = f->readiness.board;
        return other_objects;
}

static void test_conditions(void **state) {
        Fixture *f = *state;
        GateSetup *setup = PLAY_GATE(&f->play, "a", check_node(NULL));

        setup->definition->conditions = calloc(1, sizeof(GateCondition));
        setup->definition->conditions[0] = (GateCondition){ .kind = GATE_CONDITION_PATH_EXISTS,
                                                            .argument = strdup("/shop"),
                                                            .file = strdup("a.gate") };
        setup->definition->n_conditions = 1;
        setup->required = false; /* so that the verdict tells nothing of it */
        load(f);
        assert_gate(&f->play, "a", "ready");
        assert_false(apply(f, true)); /* as it was */

        /* The board alone tells it, when it is judged. */
        f->n_gates = 0;
        assert_true(apply(f, false));
        assert_int_equal(f->n_gates, 0);
        judge(f);
        assert_int_equal(f->n_gates, 1);
        assert_int_equal(f->gate_before, GATE_READY);
        assert_true(f->on_record);
        assert_gate(&f->play, "a", "disabled");
        assert_string_equal(newest(f)->to, "disabled");
        assert_false(newest(f)->has_blocker); /* it waits for nothing */

        /* It applies again: what it looks at has to be listed first, so it waits, and says for what. */
        play_pass(&f->play, SECONDS(1));
        assert_true(apply(f, true));
        f->play.world->interest++;
        judge(f);
        assert_int_equal(f->n_gates, 1);
        assert_int_equal(f->gate_before, GATE_DISABLED);
        assert_gate(&f->play, "a", "waiting");
        assert_int_equal(play_find(&f->play, "a")->changed, f->play.now.boottime);
        assert_true(newest(f)->has_blocker);
        assert_string_equal(newest(f)->blocker.reason, REASON_NOT_SYNCED);
}

/* A condition that can no longer be read makes the gate invalid: since then, and not since it was loaded. */
static void test_condition_that_cannot_be_read(void **state) {
        Fixture *f = *state;

        PLAY_GATE(&f->play, "a", check_node(NULL))->enabled = false;
        load(f);
        assert_gate(&f->play, "a", "disabled");
        play_pass(&f->play, SECONDS(60));
        gate_set_enabled(play_find(&f->play, "a"), true, strdup("config.yaml:2: cannot be read"));
        judge(f);
        assert_gate(&f->play, "a", "waiting");
        assert_string_equal(play_find(&f->play, "a")->report.blockers[0].reason, REASON_INVALID_GATE);
        assert_int_equal(play_find(&f->play, "a")->report.blockers[0].since, f->play.now.boottime);
        assert_int_equal(play_find(&f->play, "a")->changed, f->play.now.boottime);
}

/* A gate that is invalid stays what it is, whatever its conditions say. */
static void test_conditions_of_an_invalid_gate(void **state) {
        Fixture *f = *state;

        PLAY_GATE(&f->play, "a", check_node(NULL))->definition->invalid = strdup("a.gate:1: no");
        load(f);
        assert_false(apply(f, false));
        judge(f);
        assert_gate(&f->play, "a", "waiting");
}

static const Boot *record(Fixture *f) {
        f->readiness.board = f->play.board;
        assert_ok(readiness_record_boot(&f->readiness, f->play.now, REALTIME + f->play.now.boottime));
        return boot_log_find(f->readiness.boots, THIS_BOOT);
}

static void test_boot_that_waits(void **state) {
        Fixture *f = *state;
        const Boot *boot;

        begin_waiting(f);
        boot = record(f);
        assert_non_null(boot);
        assert_int_equal(boot->started, REALTIME + f->readiness.userspace);
        assert_int_equal(boot->ready, USEC_INFINITY);
        assert_false(f->readiness.boot_is_settled);
        assert_int_equal(boot->n_gates, 1);
        assert_int_equal(boot->gates[0].ready, USEC_INFINITY);
        assert_string_equal(boot->gates[0].waited_for, "Pod shop/web: ContainersNotReady");
}

/* When it was first ready is settled with the first line; gates that open later are still added. */
static void test_boot_that_was_ready(void **state) {
        Fixture *f = *state;
        PlayPod pod = begin_waiting(f);
        const Boot *boot;
        usec_t ready;

        play_pass(&f->play, SECONDS(5));
        pod.ready = KUBE_STATUS_TRUE;
        pod.ready_reason = NULL;
        play_pod(&f->play, &pod);
        play_look(&f->play);
        judge(f);
        ready = f->play.now.boottime - f->readiness.userspace;
        boot = record(f);
        assert_int_equal(boot->ready, ready);
        assert_int_equal(boot->gates[0].ready, ready);
        assert_string_equal(boot->gates[0].waited_for, "Pod shop/web: ContainersNotReady");
        assert_true(f->readiness.boot_is_settled);

        play_pass(&f->play, SECONDS(60));
        PLAY_GATE(&f->play, "a", check_pods("shop", NULL))->required = true;
        PLAY_GATE(&f->play, "b", check_node(NULL))->required = true;
        load(f);
        boot = record(f);
        assert_int_equal(boot->ready, ready);
        assert_int_equal(boot->n_gates, 2);
        assert_int_equal(boot->gates[0].required, 1);
        assert_int_equal(boot->gates[1].required, 0); /* not until the boot was ready */
        assert_int_equal(boot_log_length(f->readiness.boots), 1);

        PLAY_GATE(&f->play, "a", check_pods("shop", NULL))->required = false;
        load(f);
        assert_int_equal(record(f)->gates[0].required, 1);
}

/* What an earlier run of the daemon has left: this boot stays settled, and the verdict keeps its date. */
static void test_restored(void **state) {
        Fixture *f = *state;
        Readiness *r = &f->readiness;
        Boot *boot;

        assert_ok(boot_new(THIS_BOOT, REALTIME, &boot));
        boot->ready = 7 * USEC_PER_SEC;
        boot_log_put(r->boots, boot);
        r->board.verdict.changed = f->play.now.boottime - SECONDS(30);
        readiness_restored(r, true, f->play.now, REALTIME);
        assert_true(r->boot_is_settled);
        assert_int_equal(r->verdict_changed_realtime, REALTIME - SECONDS(30));

        /* Nothing was left: the boot is not settled though there is a line, and the verdict begins now. */
        r->board.verdict.changed = 0;
        readiness_restored(r, false, f->play.now, REALTIME);
        assert_false(r->boot_is_settled);
        assert_int_equal(r->board.verdict.changed, f->play.now.boottime);
        assert_int_equal(r->verdict_changed_realtime, REALTIME);
}

static void test_typical(void **state) {
        Fixture *f = *state;
        usec_t typical;
        Boot *boot;

        assert_error(readiness_typical(&f->readiness, &typical), ENODATA);
        assert_ok(boot_new(THIS_BOOT, 1, &boot));
        boot->ready = SECONDS(5);
        boot_log_put(f->readiness.boots, boot);
        assert_error(readiness_typical(&f->readiness, &typical),
                     ENODATA); /* this boot is none of the earlier */
        assert_ok(boot_new(OLD_BOOT, 1, &boot));
        boot->ready = SECONDS(90);
        boot_log_put(f->readiness.boots, boot);
        assert_ok(readiness_typical(&f->readiness, &typical));
        assert_int_equal(typical, SECONDS(90));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_edges),
                TEST(test_what_the_verdict_waited_for),
                TEST(test_another_cluster),
                TEST(test_conditions),
                TEST(test_condition_that_cannot_be_read),
                TEST(test_conditions_of_an_invalid_gate),
                TEST(test_boot_that_waits),
                TEST(test_boot_that_was_ready),
                TEST(test_restored),
                TEST(test_typical),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
