/* SPDX-License-Identifier: Apache-2.0 */

/* The verdict, the order of explanation, and what a reload does. */

#include "fixture.h"

#include <stdio.h>

#include "diagnosis/hint.h"

/* A gate that is TRUE when the test says so. */
static PlayCheck path_check(const char *path) {
        PlayCheck d = check_of(&check_kind_api);

        d.api.path = (char *) path;
        return d;
}

static void answer(Play *p, const char *path, Evidence e) {
        if (e == EVIDENCE_NONE)
                world_forget_answer(p->world, path);
        else
                assert_true(world_set_answer(p->world, path, e, e == EVIDENCE_TRUE ? NULL : "HTTP 500", NULL,
                                             p->now) >= 0);
        play_judge(p);
}

static GateSetup *add(Play *p, const char *name, bool required) {
        static char paths[8][16];
        static unsigned n;
        char *path = paths[n++ % ELEMENTSOF(paths)];
        GateSetup *s;

        snprintf(path, sizeof(paths[0]), "/%s", name);
        s = PLAY_GATE(p, name, path_check(path));
        s->required = required;
        return s;
}

static void after(GateSetup *s, const char *name) {
        assert_ok(strv_extend(&s->definition->after, name));
        assert_ok(strv_extend(&s->definition->after_places, "F:2"));
}

static void begin(Play *p) {
        play_begin(p);
        play_api(p, API_READY);
}

/* --- the verdict --- */

static const char letters[] = { [GATE_WAITING] = 'w',
                                [GATE_READY] = 'r',
                                [GATE_LOST] = 'l',
                                [GATE_UNKNOWN] = 'u',
                                [GATE_DISABLED] = 'd' };

static GateState state_of(char letter) {
        for (GateState s = 0; s < _GATE_STATE_MAX; s++)
                if (letters[s] == letter)
                        return s;
        fail_msg("%c", letter);
        return _GATE_STATE_INVALID;
}

/* States of required gates (capitals: of one that is not), whether it had been ready, and the verdict. Nothing
 * is TRUE here: the first verdict opens on evidence only, see test_first_verdict. */
static const struct {
        const char *gates;
        bool was_ready;
        const char *verdict;
} verdicts[] = {
        { "r", false, "waiting" },  { "rr", false, "waiting" }, { "rw", false, "waiting" },
        { "rl", false, "waiting" }, { "ru", false, "waiting" }, { "lu", false, "waiting" },
        { "r", true, "ready" },     { "rl", true, "lost" },     { "rul", true, "lost" },
        { "lwu", true, "lost" },    { "ru", true, "unknown" },  { "uw", true, "unknown" },
        { "rw", true, "waiting" },  { "ww", true, "waiting" },  { "", false, "waiting" },
        { "", true, "waiting" },    { "d", false, "waiting" },  { "d", true, "waiting" },
        { "rd", true, "ready" },    { "ld", true, "lost" },     { "rW", true, "ready" },
        { "rL", true, "ready" },    { "rU", true, "ready" },    { "L", true, "waiting" },
        { "R", false, "waiting" },
};

static void test_verdict(void **state) {
        static const char *const names[] = { "a", "b", "c" };

        for (size_t i = 0; i < ELEMENTSOF(verdicts); i++) {
                const char *gates = verdicts[i].gates;
                bool nothing = strpbrk(gates, "rlwu") == NULL;
                Play p;

                begin(&p);
                for (size_t k = 0; gates[k]; k++) {
                        bool required = gates[k] >= 'a';
                        GateSetup *s = add(&p, names[k], required);

                        s->enabled = gates[k] != 'd';
                        s->timing.hold = s->timing.unknown = USEC_INFINITY;
                }
                play_load(&p);
                p.board.verdict.was_ready = verdicts[i].was_ready;
                for (size_t k = 0; gates[k]; k++) {
                        Gate *g = play_find(&p, names[k]);

                        if (gates[k] == 'd')
                                continue;
                        g->clock.state = state_of((char) (gates[k] | 32));
                        g->told = g->clock.state;
                }
                play_judge(&p);
                if (!streq(gate_state_to_string(p.board.verdict.state), verdicts[i].verdict))
                        fail_msg("%s, %d: %s", gates, verdicts[i].was_ready,
                                 gate_state_to_string(p.board.verdict.state));
                if (nothing)
                        assert_string_equal(p.board.verdict.reason, REASON_NOTHING_REQUIRED);
                else
                        assert_null(p.board.verdict.reason);
                play_end(&p);
        }
}

/* A gate that is open and has its doubts does not let the first verdict open; it does not shut it either. */
static void test_first_verdict(void **state) {
        const char *path;
        Play p;

        begin(&p);
        path = CHECK_AS(ApiDefinition, add(&p, "a", true)->definition->checks[0])->path;
        play_load(&p);
        play_find(&p, "a")->clock.state = GATE_READY;
        play_find(&p, "a")->told = GATE_READY;
        play_judge(&p);
        assert_int_equal(p.board.verdict.state, GATE_WAITING);

        answer(&p, path, EVIDENCE_TRUE);
        assert_int_equal(p.board.verdict.state, GATE_READY);
        answer(&p, path, EVIDENCE_FALSE);
        assert_int_equal(p.board.verdict.state, GATE_READY);
        play_end(&p);
}

static void test_edges(void **state) {
        size_t required;
        Play p;

        begin(&p);
        add(&p, "a", true);
        add(&p, "b", true);
        play_load(&p);
        assert_int_equal(p.verdict_edges, 0);
        answer(&p, "/a", EVIDENCE_TRUE);
        assert_int_equal(p.gate_edges, 1);
        assert_int_equal(p.verdict_edges, 0);
        assert_int_equal(board_count_open(&p.board, &required), 1);
        assert_int_equal(required, 2);
        assert_false(board_is_fresh(&p.board));
        play_pass(&p, SECONDS(5));
        answer(&p, "/b", EVIDENCE_TRUE);
        assert_int_equal(p.verdict_edges, 1);
        assert_int_equal(p.board.verdict.changed, p.now.boottime);
        assert_true(board_is_fresh(&p.board));
        for (int i = 0; i < 10; i++)
                play_judge(&p);
        assert_int_equal(p.gate_edges, 2);
        assert_int_equal(p.verdict_edges, 1);
        answer(&p, "/b", EVIDENCE_FALSE);
        assert_false(board_is_fresh(&p.board));
        play_pass(&p, SECONDS(15));
        assert_verdict(&p, "lost");
        assert_int_equal(play_find(&p, "b")->first_ready, STARTED + SECONDS(5));
        play_end(&p);
}

/* --- the order --- */

static void assert_order(Play *p, const char *expected) {
        char order[64] = "";

        for (size_t i = 0; i < p->board.n_gates; i++) {
                size_t used = strlen(order);

                snprintf(order + used, sizeof(order) - used, "%s%s", i ? " " : "",
                         gate_name(p->board.gates[i]));
        }
        assert_string_equal(order, expected);
}

static void test_order(void **state) {
        const Gate *g;
        Play p;

        /* Required ones first, by name; what After= names comes before. */
        begin(&p);
        add(&p, "olm", false);
        add(&p, "ingress", false);
        add(&p, "ovn", true);
        after(add(&p, "dns", true), "node");
        after(add(&p, "node", true), "ovn");
        add(&p, "api", true);
        play_load(&p);
        assert_order(&p, "api ovn node dns ingress olm");

        /* The first blocker is the cause and no symptom, and none of a gate that nobody requires. */
        answer(&p, "/api", EVIDENCE_TRUE);
        assert_string_equal(board_first_blocker(&p.board, &g)->object.name, "/ovn");
        assert_string_equal(gate_name(g), "ovn");
        answer(&p, "/ovn", EVIDENCE_TRUE);
        answer(&p, "/node", EVIDENCE_TRUE);
        answer(&p, "/dns", EVIDENCE_TRUE);
        assert_null(board_first_blocker(&p.board, NULL));
        play_end(&p);
}

static size_t load_and_count_warnings(Play *p) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;

        assert_ok(board_set(&p->board, p->setups, p->n_setups, p->now, &warnings, &removed));
        p->n_setups = 0;
        play_judge(p);
        STRV_FOREACH(w, warnings)
                assert_non_null(strstr(*w, "cycle"));
        return strv_length(warnings);
}

/* A cycle warns and drops an edge, and loses no gate. */
static void test_cycle(void **state) {
        Play p;

        begin(&p);
        after(add(&p, "a", true), "b");
        after(add(&p, "b", true), "c");
        after(add(&p, "c", true), "a");
        assert_int_equal(load_and_count_warnings(&p), 1);
        assert_order(&p, "c b a");

        after(add(&p, "a", true), "a");
        after(add(&p, "b", true), "nobody");
        assert_int_equal(load_and_count_warnings(&p), 1);
        assert_order(&p, "a b");
        play_end(&p);
}

/* --- gates that are invalid --- */

static void invalidate(GateSetup *s) {
        s->definition->invalid = strdup("b.gate:3: what is that?");
}

static void test_invalid(void **state) {
        Gate *g;
        Play p;

        begin(&p);
        invalidate(add(&p, "b", true));
        add(&p, "c", true)->cause = strdup("/etc/microshift/config.yaml:2: cannot be read");
        play_gate(&p, "d", NULL, 0);
        play_load(&p);
        answer(&p, "/b", EVIDENCE_TRUE);
        answer(&p, "/c", EVIDENCE_TRUE);
        assert_verdict(&p, "waiting");
        for (const char *name = "b\0c\0d\0"; *name; name += 2) {
                g = play_find(&p, name);
                assert_gate(&p, name, "waiting");
                assert_string_equal(g->report.blockers[0].reason, REASON_INVALID_GATE);
        }
        assert_string_equal(play_find(&p, "b")->report.blockers[0].message, "b.gate:3: what is that?");
        play_end(&p);
}

/* --- reload --- */

static void begin_open(Play *p) {
        begin(p);
        add(p, "a", true);
        play_load(p);
        answer(p, "/a", EVIDENCE_TRUE);
        assert_gate(p, "a", "ready");
        p->gate_edges = 0;
}

static void test_reload_keeps(void **state) {
        usec_t changed;
        Play p;

        begin_open(&p);
        changed = play_find(&p, "a")->changed;
        play_pass(&p, SECONDS(5));
        answer(&p, "/a", EVIDENCE_FALSE);
        play_pass(&p, SECONDS(10));
        add(&p, "a", true);
        play_load(&p);
        assert_gate(&p, "a", "ready");
        assert_int_equal(play_find(&p, "a")->changed, changed);
        assert_int_equal(p.gate_edges, 0);
        play_pass(&p, SECONDS(5) - 1); /* the hold goes on */
        assert_gate(&p, "a", "ready");
        play_pass(&p, 1);
        assert_gate(&p, "a", "lost");
        play_end(&p);
}

/* Other checks: evaluated at once, and an open gate goes through its hold. */
static void test_reload_other_checks(void **state) {
        Play p;

        begin_open(&p);
        play_pass(&p, USEC_PER_HOUR);
        assert_true(world_set_answer(p.world, "/else", EVIDENCE_FALSE, "HTTP 500", NULL, p.now) > 0);
        PLAY_GATE(&p, "a", path_check("/else"));
        play_load(&p);
        assert_gate(&p, "a", "ready");
        assert_evidence(play_find(&p, "a")->report.evidence, EVIDENCE_FALSE);
        play_pass(&p, SECONDS(15) - 1);
        assert_gate(&p, "a", "ready");
        play_pass(&p, 1);
        assert_gate(&p, "a", "lost");
        play_end(&p);
}

/* What the old checks had settled is not the new ones' merit. */
static void test_reload_settles_again(void **state) {
        Play p;

        begin(&p);
        add(&p, "a", true)->timing.settle = SECONDS(60);
        play_load(&p);
        answer(&p, "/a", EVIDENCE_TRUE);
        play_pass(&p, SECONDS(50));
        assert_true(world_set_answer(p.world, "/else", EVIDENCE_TRUE, NULL, NULL, p.now) > 0);
        PLAY_GATE(&p, "a", path_check("/else"))->timing.settle = SECONDS(60);
        play_load(&p);
        play_pass(&p, SECONDS(59));
        assert_gate(&p, "a", "waiting");
        play_pass(&p, SECONDS(1));
        assert_gate(&p, "a", "ready");
        play_end(&p);
}

static void test_reload_timing(void **state) {
        Play p;

        begin_open(&p);
        answer(&p, "/a", EVIDENCE_FALSE);
        play_pass(&p, SECONDS(10));
        add(&p, "a", true)->timing.hold = SECONDS(5);
        play_load(&p);
        assert_gate(&p, "a", "lost");
        play_end(&p);
}

/* It becomes invalid: it waits, everybody is told, and it is ready again when it is mended. */
static void test_reload_invalid(void **state) {
        Play p;

        begin_open(&p);
        play_pass(&p, SECONDS(1));
        invalidate(add(&p, "a", true));
        play_load(&p);
        assert_gate(&p, "a", "waiting");
        assert_verdict(&p, "waiting");
        assert_int_equal(p.gate_edges, 1);
        assert_int_equal(p.told_before, GATE_READY);
        assert_int_equal(play_find(&p, "a")->changed, p.now.boottime);
        play_pass(&p, USEC_PER_HOUR);
        add(&p, "a", true);
        play_load(&p);
        assert_gate(&p, "a", "ready");
        assert_int_equal(p.gate_edges, 2);
        assert_int_equal(play_find(&p, "a")->first_ready, STARTED);
        play_end(&p);
}

static void test_reload_disabled(void **state) {
        Play p;

        begin_open(&p);
        add(&p, "a", true)->enabled = false;
        play_load(&p);
        assert_gate(&p, "a", "disabled");
        assert_int_equal(p.gate_edges, 1);
        assert_string_equal(p.board.verdict.reason, REASON_NOTHING_REQUIRED);
        assert_int_equal(board_deadline(&p.board), USEC_INFINITY);
        add(&p, "a", true);
        play_load(&p);
        assert_gate(&p, "a", "ready");
        assert_int_equal(p.told_before, GATE_DISABLED);

        /* Its conditions hold no longer: the board tells it, once. */
        p.gate_edges = 0;
        gate_set_enabled(play_find(&p, "a"), false, strdup("/nowhere does not exist"));
        play_judge(&p);
        play_judge(&p);
        assert_gate(&p, "a", "disabled");
        assert_int_equal(p.gate_edges, 1);
        assert_int_equal(p.told_before, GATE_READY);
        play_end(&p);
}

static void test_reload_removed(void **state) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        Play p;

        begin_open(&p);
        add(&p, "b", true);
        assert_ok(board_set(&p.board, p.setups, p.n_setups, p.now, &warnings, &removed));
        p.n_setups = 0;
        assert_int_equal(strv_length(removed), 1);
        assert_string_equal(removed[0], "a");
        play_judge(&p);
        assert_verdict(&p, "waiting"); /* it had been ready, and b is not yet */
        assert_true(p.board.verdict.was_ready);
        play_end(&p);
}

/* --- what is told of a blocker --- */

static void test_since(void **state) {
        usec_t since;
        Gate *g;
        Play p;

        begin(&p);
        add(&p, "a", true);
        play_load(&p);
        play_pass(&p, SECONDS(5));
        answer(&p, "/a", EVIDENCE_FALSE);
        g = play_find(&p, "a");
        since = g->report.blockers[0].since;
        assert_int_equal(since, p.now.boottime);
        assert_string_equal(g->report.blockers[0].gate, "a");
        play_sleep(&p, SECONDS(50));
        play_judge(&p);
        assert_int_equal(g->report.blockers[0].since, since);
        assert_true(world_set_answer(p.world, "/a", EVIDENCE_FALSE, "HTTP 503", NULL, p.now) > 0);
        play_judge(&p);
        assert_int_equal(g->report.blockers[0].since, p.now.boottime); /* another reason */
        play_end(&p);
}

static void assert_cause(Play *p, const char *verdict, const char *gate, const char *object) {
        const Gate *g;
        const Blocker *b = board_first_blocker(&p->board, &g);

        assert_verdict(p, verdict);
        if (gate)
                assert_string_equal(g ? gate_name(g) : "no gate", gate);
        else
                assert_null(g);
        if (object)
                assert_string_equal(b ? b->object.name : "no blocker", object);
        else
                assert_null(b);
}

/* Rule R8: the cause is that of a gate which makes the verdict, whatever else blocks; in order of explanation. */
static void test_cause(void **state) {
        Play p;

        begin(&p);
        add(&p, "a", true);
        add(&p, "b", true);
        after(add(&p, "c", true), "b");
        add(&p, "d", false);
        play_load(&p);
        assert_cause(&p, "waiting", "a", "/a");
        answer(&p, "/a", EVIDENCE_TRUE);
        assert_cause(&p, "waiting", "b", "/b");
        answer(&p, "/b", EVIDENCE_TRUE);
        answer(&p, "/c", EVIDENCE_TRUE);
        assert_cause(&p, "ready", NULL, NULL);
        answer(&p, "/a", EVIDENCE_NONE);
        assert_cause(&p, "ready", "a", "/a"); /* a doubt, told as one of the cluster that is ready */

        /* c is lost; a lives on its grace, and b will be ready again. */
        answer(&p, "/c", EVIDENCE_FALSE);
        answer(&p, "/b", EVIDENCE_FALSE);
        play_pass(&p, SECONDS(14));
        answer(&p, "/b", EVIDENCE_TRUE);
        play_pass(&p, SECONDS(1));
        assert_cause(&p, "lost", "c", "/c");

        /* Nothing blocks c any more, and it has to settle. a's doubt is no cause of that. */
        answer(&p, "/c", EVIDENCE_TRUE);
        assert_cause(&p, "lost", "c", NULL);
        play_pass(&p, SECONDS(15));
        assert_cause(&p, "ready", "a", "/a");

        answer(&p, "/b", EVIDENCE_FALSE);
        play_pass(&p, SECONDS(14));
        answer(&p, "/b", EVIDENCE_NONE);
        play_pass(&p, SECONDS(300));
        assert_cause(&p, "unknown", "a", "/a");
        answer(&p, "/a", EVIDENCE_TRUE);
        assert_cause(&p, "unknown", "b", "/b");
        play_end(&p);
}

/* And within a gate what is known to be wrong comes before what is only not known, however much that is. */
static void test_doubts_come_last(void **state) {
        char names[LIMIT_BLOCKERS][8];
        PlayPod pods[LIMIT_BLOCKERS];
        Gate *g;
        Play p;

        play_cluster(&p);
        for (unsigned i = 0; i < ELEMENTSOF(pods); i++) {
                snprintf(names[i], sizeof(names[i]), "web-%u", i);
                pods[i] = pod_ready("shop", names[i], 100 + i, 40 + i);
                play_start_pod(&p, &pods[i]);
        }
        PLAY_GATE(&p, "web", check_pods("shop", NULL))->required = true;
        play_load(&p);
        assert_verdict(&p, "ready");
        for (unsigned i = 0; i < ELEMENTSOF(pods); i++) {
                play_api(&p, API_UNREACHABLE);
                play_kill(&p, 40 + i);
                play_look(&p);
                play_judge(&p);
                g = play_find(&p, "web");
                assert_string_equal(g->report.blockers[0].reason, REASON_UNPROVEN);
                assert_string_equal(g->report.blockers[0].object.name, names[i]);
                assert_string_equal(g->report.blockers[1].reason, REASON_API_UNREACHABLE);
                assert_true(g->report.n_blockers <= LIMIT_DOUBTS + 1);
                play_start(&p, 40 + i);
                play_look(&p);
                play_judge(&p);
        }
        play_end(&p);
}

/* A vendor gate whose workload is still NotFound 60 s after /readyz: this build may not ship it. */
static void test_overdue(void **state) {
        PlayCheck d = check_workload(KUBE_DAEMONSET, "openshift-dns", "dns-default");
        HintQuery q = { .kind = "DaemonSet",
                        .namespace = "openshift-dns",
                        .name = "dns-default",
                        .reason = REASON_NOT_FOUND,
                        .vendor = true };
        Gate *g;
        Play p;

        play_cluster(&p);
        PLAY_GATE(&p, "dns", d)->vendor = true;
        play_load(&p);
        g = play_find(&p, "dns");
        assert_string_equal(g->report.blockers[0].hint, hint_for(&q));
        play_pass(&p, SECONDS(60) - 1);
        assert_string_equal(g->report.blockers[0].hint, hint_for(&q));
        q.overdue = true;
        play_pass(&p, 1);
        assert_string_equal(g->report.blockers[0].hint, hint_for(&q));
        play_end(&p);
}

/* But what MicroShift deploys a folder of manifests for is shipped, and may come late. */
static void test_deployed_is_not_overdue(void **state) {
        PlayCheck d = check_workload(KUBE_DAEMONSET, "kube-kindnet", "kube-kindnet-ds");
        HintQuery q = { .kind = "DaemonSet", .reason = REASON_NOT_FOUND, .vendor = true };
        GateDefinition *definition;
        GateSetup *s;
        Gate *g;
        Play p;

        play_cluster(&p);
        s = PLAY_GATE(&p, "kindnet", d);
        s->vendor = true;
        definition = s->definition;
        definition->conditions = calloc(1, sizeof(GateCondition));
        assert_non_null(definition->conditions);
        definition->conditions[definition->n_conditions++].kind = GATE_CONDITION_MICROSHIFT_DEPLOYS;
        play_load(&p);
        g = play_find(&p, "kindnet");
        play_pass(&p, SECONDS(61));
        assert_string_equal(g->report.blockers[0].hint, hint_for(&q));
        assert_int_equal(gate_deadline(g), USEC_INFINITY);
        play_end(&p);
}

static void test_running_clock(void **state) {
        usec_t ends;
        Play p;

        begin_open(&p);
        assert_int_equal(gate_running_clock(play_find(&p, "a"), p.now, &ends), GATE_CLOCK_NONE);
        play_sleep(&p, USEC_PER_HOUR);
        answer(&p, "/a", EVIDENCE_FALSE);
        assert_int_equal(gate_running_clock(play_find(&p, "a"), p.now, &ends), GATE_CLOCK_HOLD);
        assert_int_equal(ends, p.now.boottime + SECONDS(15));
        answer(&p, "/a", EVIDENCE_NONE);
        assert_int_equal(gate_running_clock(play_find(&p, "a"), p.now, &ends), GATE_CLOCK_GRACE);
        assert_int_equal(ends, p.now.boottime + SECONDS(300));
        play_end(&p);
}

static void assert_doubt(Play *p, const char *name) {
        const Gate *g = board_find_doubt(&p->board, p->now);

        assert_string_equal(g ? gate_name(g) : "none", name);
}

/* Of the required gates that are ready without evidence, the one that ceases to be so first. */
static void test_doubt(void **state) {
        usec_t since;
        Play p;

        begin(&p);
        add(&p, "a", true)->timing.unknown = USEC_INFINITY;
        add(&p, "b", true);
        add(&p, "c", true);
        add(&p, "d", false)->timing.unknown = SECONDS(100);
        play_load(&p);
        assert_doubt(&p, "none");
        for (const char *path = "/a\0/b\0/c\0/d\0"; *path; path += 3)
                answer(&p, path, EVIDENCE_TRUE);
        assert_doubt(&p, "none");
        answer(&p, "/d", EVIDENCE_NONE);
        assert_doubt(&p, "none");
        answer(&p, "/a", EVIDENCE_NONE);
        assert_doubt(&p, "a");
        play_pass(&p, SECONDS(5));
        answer(&p, "/b", EVIDENCE_NONE);
        assert_doubt(&p, "b");
        play_pass(&p, SECONDS(2));
        answer(&p, "/c", EVIDENCE_FALSE);
        assert_doubt(&p, "c");
        assert_true(gate_is_doubted(play_find(&p, "a"), p.now, &since));
        assert_int_equal(since, p.now.boottime - SECONDS(7));
        assert_true(gate_is_doubted(play_find(&p, "b"), p.now, &since));
        assert_int_equal(since, p.now.boottime - SECONDS(2));

        /* What is not ready is in no doubt. */
        play_pass(&p, SECONDS(15));
        assert_verdict(&p, "lost");
        assert_doubt(&p, "none");
        assert_false(gate_is_doubted(play_find(&p, "c"), p.now, &since));
        play_end(&p);
}

/* That a ready gate's evidence turned from none to FALSE is told, also where no clock runs. */
static void test_doubt_is_an_edge(void **state) {
        GateSetup *s;
        unsigned changed;
        Play p;

        begin(&p);
        s = add(&p, "a", true);
        s->timing.hold = s->timing.unknown = USEC_INFINITY;
        play_load(&p);
        answer(&p, "/a", EVIDENCE_TRUE);
        for (const char *c = "-f-t"; *c; c++) {
                if (*c == '-')
                        world_forget_answer(p.world, "/a");
                else
                        assert_true(world_set_answer(p.world, "/a",
                                                     *c == 'f' ? EVIDENCE_FALSE : EVIDENCE_TRUE, NULL, NULL,
                                                     p.now) > 0);
                assert_ok(gate_reconsider(play_find(&p, "a"), p.world, p.now, &changed));
                assert_true(changed & GATE_CHANGED_CLOCK);
                assert_ok(gate_reconsider(play_find(&p, "a"), p.world, p.now, &changed));
                assert_int_equal(changed, 0);
        }
        play_end(&p);
}

/* The 13 pods of the guide: all of it usable, then one thing after the other. */
static void test_guide(void **state) {
        size_t required;
        Play p;

        world_of_guide(&p);
        assert_verdict(&p, "ready");
        assert_int_equal(board_count_open(&p.board, &required), 14);
        assert_int_equal(required, 14);
        assert_int_equal(play_find(&p, "ovnkube-master")->report.ready_containers, 4);
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        play_pass(&p, 5 * USEC_PER_MINUTE);
        assert_verdict(&p, "unknown");
        play_api(&p, API_READY);
        play_pass(&p, USEC_PER_SEC);
        play_heartbeat(&p);
        play_judge(&p);
        assert_verdict(&p, "ready");
        play_kill(&p, 1000); /* of ovnkube-master */
        play_look(&p);
        play_judge(&p);
        play_pass(&p, SECONDS(15));
        assert_verdict(&p, "lost");
        assert_gate(&p, "dns-default", "ready");
        play_end(&p);
}

/* --- what a gate begins to look at --- */

static WorldStream *sync_again(Play *p, StreamRole role) {
        WorldStream *s = NULL;

        assert_ok(world_add_stream(p->world, role, NULL, NULL, &s));
        assert_ok(world_stream_set_sync(s, true, NULL, NULL, p->now));
        return s;
}

/* The streams were made before the gate was: they have dropped what nobody looked at, and what is there is not all. */
static void test_not_listed_yet(void **state) {
        static const StreamRole roles[] = { STREAM_NODES, STREAM_PODS, STREAM_PODS_UNSCHEDULED };
        PlayPod one = pod_ready("shop", "one", 70, 71);
        WorldStream *made[ELEMENTSOF(roles)];
        Play p;

        play_cluster(&p);
        play_start_pod(&p, &one);
        PLAY_GATE(&p, "a", check_pods("shop", "one"));
        PLAY_GATE(&p, "b", check_pods("shop", "one"));
        play_load(&p);
        assert_gate(&p, "a", "ready");

        /* A reload: a as before, b looks at more, c is new. */
        p.world->interest++;
        PLAY_GATE(&p, "a", check_pods("shop", "one"));
        PLAY_GATE(&p, "b", check_pods("shop", "two"));
        PLAY_GATE(&p, "c", check_pods("shop", "*"))->required = false;
        play_load(&p);
        assert_evidence(play_find(&p, "a")->report.evidence, EVIDENCE_TRUE);
        assert_evidence(play_find(&p, "b")->report.evidence, EVIDENCE_NONE);
        assert_evidence(play_find(&p, "c")->report.evidence, EVIDENCE_NONE);
        assert_string_equal(play_find(&p, "c")->report.blockers[0].reason, REASON_NOT_SYNCED);
        assert_gate(&p, "b", "ready");
        assert_gate(&p, "c", "waiting");
        assert_verdict(&p, "ready");

        for (size_t i = 0; i < ELEMENTSOF(roles); i++) {
                assert_gate(&p, "c", "waiting");
                made[i] = sync_again(&p, roles[i]);
                play_judge(&p);
        }
        assert_evidence(play_find(&p, "b")->report.evidence, EVIDENCE_FALSE);
        assert_gate(&p, "b", "ready"); /* within its hold */
        assert_gate(&p, "c", "ready");

        /* Another cluster: what is known of this one counts for nothing. */
        p.world->interest++;
        board_look_again(&p.board, false);
        play_judge(&p);
        for (const char *name = "a\0b\0c\0"; *name; name += 2)
                assert_evidence(play_find(&p, name)->report.evidence, EVIDENCE_NONE);
        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                world_stream_free(made[i]);
        play_end(&p);
}

/* One that was not asked has nobody who looked for it. */
static void test_not_listed_while_not_asked(void **state) {
        PlayPod one = pod_ready("shop", "one", 70, 71);
        Play p;

        play_cluster(&p);
        play_start_pod(&p, &one);
        PLAY_GATE(&p, "a", check_pods("shop", "*"))->enabled = false;
        PLAY_GATE(&p, "b", check_pods("shop", "*"))->cause = strdup("config.yaml:2: cannot be read");
        play_load(&p);
        p.world->interest++;
        gate_set_enabled(play_find(&p, "a"), true, NULL);
        PLAY_GATE(&p, "a", check_pods("shop", "*"));
        PLAY_GATE(&p, "b", check_pods("shop", "*"));
        play_load(&p);
        assert_gate(&p, "a", "waiting");
        assert_gate(&p, "b", "waiting");
        assert_string_equal(play_find(&p, "b")->report.blockers[0].reason, REASON_NOT_SYNCED);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdict),
                cmocka_unit_test(test_first_verdict),
                cmocka_unit_test(test_edges),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_cycle),
                cmocka_unit_test(test_invalid),
                cmocka_unit_test(test_not_listed_yet),
                cmocka_unit_test(test_not_listed_while_not_asked),
                cmocka_unit_test(test_reload_keeps),
                cmocka_unit_test(test_reload_other_checks),
                cmocka_unit_test(test_reload_settles_again),
                cmocka_unit_test(test_reload_timing),
                cmocka_unit_test(test_reload_invalid),
                cmocka_unit_test(test_reload_disabled),
                cmocka_unit_test(test_reload_removed),
                cmocka_unit_test(test_since),
                cmocka_unit_test(test_cause),
                cmocka_unit_test(test_doubts_come_last),
                cmocka_unit_test(test_overdue),
                cmocka_unit_test(test_deployed_is_not_overdue),
                cmocka_unit_test(test_running_clock),
                cmocka_unit_test(test_doubt),
                cmocka_unit_test(test_doubt_is_an_edge),
                cmocka_unit_test(test_guide),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
