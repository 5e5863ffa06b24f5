/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>

#include "ready/gate-clock.h"

#define S(n) ((n) *USEC_PER_SEC)
#define NEVER USEC_INFINITY

/* One feeding: at second `at`, evidence 't', 'f' or '-'; the state, the clock and its end after it. */
typedef struct Step {
        usec_t at; /* seconds */
        char evidence;
        GateState state;
        GateClockKind clock;
        usec_t ends; /* seconds */
} Step;

typedef struct Story {
        const char *name;
        GateTiming timing;
        GateState from;
        Step steps[12]; /* up to the one without evidence */
} Story;

#define DEFAULT                                                                                             \
        { .hold = S(15), .unknown = S(300) }

/* clang-format off */
static const Story stories[] = {
        { "it opens at once where nothing has to settle",
          DEFAULT,
          GATE_WAITING,
          { { 0, '-', GATE_WAITING, GATE_CLOCK_NONE, NEVER },
            { 1, 'f', GATE_WAITING, GATE_CLOCK_NONE, NEVER },
            { 2, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "it opens when TRUE has held for the settle time, not before",
          { .settle = S(10), .hold = S(15), .unknown = S(300) },
          GATE_WAITING,
          { { 5, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 15 },
            { 14, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 15 },
            { 15, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "FALSE restarts settling",
          { .settle = S(10), .hold = S(15), .unknown = S(300) },
          GATE_WAITING,
          { { 0, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 10 },
            { 9, 'f', GATE_WAITING, GATE_CLOCK_NONE, NEVER },
            { 10, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 20 },
            { 20, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "NO-EVIDENCE restarts settling",
          { .settle = S(10), .hold = S(15), .unknown = S(300) },
          GATE_WAITING,
          { { 0, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 10 },
            { 9, '-', GATE_WAITING, GATE_CLOCK_NONE, NEVER },
            { 11, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 21 },
            { 21, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "an old TRUE that is one no more opens nothing, however late it is fed",
          { .settle = S(10), .hold = S(15), .unknown = S(300) },
          GATE_WAITING,
          { { 0, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 10 },
            { 60, 'f', GATE_WAITING, GATE_CLOCK_NONE, NEVER },
            { 61, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 71 } } },
        { "it is lost when FALSE has held for the hold, not before",
          DEFAULT,
          GATE_READY,
          { { 0, 't', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 10, 'f', GATE_READY, GATE_CLOCK_HOLD, 25 },
            { 24, 'f', GATE_READY, GATE_CLOCK_HOLD, 25 },
            { 25, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER } } },
        { "TRUE resets the hold",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 14, 't', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 15, 'f', GATE_READY, GATE_CLOCK_HOLD, 30 },
            { 30, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER } } },
        { "NO-EVIDENCE within a hold neither counts towards it nor resets it",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 10, '-', GATE_READY, GATE_CLOCK_GRACE, 310 },
            { 110, 'f', GATE_READY, GATE_CLOCK_HOLD, 115 },
            { 114, 'f', GATE_READY, GATE_CLOCK_HOLD, 115 },
            { 115, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER } } },
        { "it is unknown when NO-EVIDENCE has held for the grace, not before; then TRUE opens at once",
          { .settle = S(60), .hold = S(15), .unknown = S(300) },
          GATE_READY,
          { { 0, 't', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 1, '-', GATE_READY, GATE_CLOCK_GRACE, 301 },
            { 300, '-', GATE_READY, GATE_CLOCK_GRACE, 301 },
            { 301, '-', GATE_UNKNOWN, GATE_CLOCK_NONE, NEVER },
            { 900, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "TRUE restarts the grace",
          DEFAULT,
          GATE_READY,
          { { 0, '-', GATE_READY, GATE_CLOCK_GRACE, 300 },
            { 299, 't', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 300, '-', GATE_READY, GATE_CLOCK_GRACE, 600 } } },
        { "FALSE restarts the grace",
          DEFAULT,
          GATE_READY,
          { { 0, '-', GATE_READY, GATE_CLOCK_GRACE, 300 },
            { 299, 'f', GATE_READY, GATE_CLOCK_HOLD, 314 },
            { 300, '-', GATE_READY, GATE_CLOCK_GRACE, 600 },
            { 599, '-', GATE_READY, GATE_CLOCK_GRACE, 600 },
            { 600, '-', GATE_UNKNOWN, GATE_CLOCK_NONE, NEVER } } },
        { "from unknown, FALSE is lost after the hold",
          DEFAULT,
          GATE_UNKNOWN,
          { { 0, '-', GATE_UNKNOWN, GATE_CLOCK_NONE, NEVER },
            { 50, 'f', GATE_UNKNOWN, GATE_CLOCK_HOLD, 65 },
            { 64, 'f', GATE_UNKNOWN, GATE_CLOCK_HOLD, 65 },
            { 65, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER } } },
        { "the hold that had begun before unknown goes on",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 10, '-', GATE_READY, GATE_CLOCK_GRACE, 310 },
            { 310, '-', GATE_UNKNOWN, GATE_CLOCK_NONE, NEVER },
            { 400, 'f', GATE_UNKNOWN, GATE_CLOCK_HOLD, 405 },
            { 405, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER } } },
        { "after lost, settling takes at least the hold",
          DEFAULT,
          GATE_LOST,
          { { 0, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER },
            { 10, 't', GATE_LOST, GATE_CLOCK_SETTLE, 25 },
            { 24, 't', GATE_LOST, GATE_CLOCK_SETTLE, 25 },
            { 25, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "or the settle time, where that is longer",
          { .settle = S(40), .hold = S(15), .unknown = S(300) },
          GATE_LOST,
          { { 0, 't', GATE_LOST, GATE_CLOCK_SETTLE, 40 }, { 40, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a gate that is lost does not become unknown",
          DEFAULT,
          GATE_LOST,
          { { 0, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER },
            { 1, '-', GATE_LOST, GATE_CLOCK_NONE, NEVER },
            { 9000, '-', GATE_LOST, GATE_CLOCK_NONE, NEVER } } },
        { "nor does one that never was ready",
          DEFAULT,
          GATE_WAITING,
          { { 0, '-', GATE_WAITING, GATE_CLOCK_NONE, NEVER }, { 9000, '-', GATE_WAITING, GATE_CLOCK_NONE, NEVER } } },
        { "flapping does not reopen it, and is not lost twice",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 15, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER },
            { 16, 't', GATE_LOST, GATE_CLOCK_SETTLE, 31 },
            { 30, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER },
            { 31, 't', GATE_LOST, GATE_CLOCK_SETTLE, 46 },
            { 45, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER },
            { 46, 't', GATE_LOST, GATE_CLOCK_SETTLE, 61 },
            { 61, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "flapping below the hold does not shut it",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 14, 't', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 14, 'f', GATE_READY, GATE_CLOCK_HOLD, 29 },
            { 28, 't', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 29, 'f', GATE_READY, GATE_CLOCK_HOLD, 44 } } },
        { "a hold of 0 is lost at once, and settles at once",
          { .unknown = S(300) },
          GATE_READY,
          { { 0, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER }, { 1, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a grace of 0 is unknown at once",
          { .hold = S(15) },
          GATE_READY,
          { { 0, '-', GATE_UNKNOWN, GATE_CLOCK_NONE, NEVER }, { 1, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a hold without end is never lost",
          { .hold = NEVER, .unknown = S(300) },
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 99999999, 'f', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "but one that was lost before the setting changed opens again",
          { .hold = NEVER, .unknown = S(300) },
          GATE_LOST,
          { { 0, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER }, { 5, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a grace without end is never unknown",
          { .hold = S(15), .unknown = NEVER },
          GATE_READY,
          { { 0, '-', GATE_READY, GATE_CLOCK_NONE, NEVER },
            { 99999999, '-', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "settling without end never opens",
          { .settle = NEVER, .hold = S(15), .unknown = S(300) },
          GATE_WAITING,
          { { 0, 't', GATE_WAITING, GATE_CLOCK_NONE, NEVER },
            { 99999999, 't', GATE_WAITING, GATE_CLOCK_NONE, NEVER } } },
        { "fed late, within a second, it moves as it would have in time",
          { .settle = S(10), .hold = S(15), .unknown = S(300) },
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 16, 't', GATE_LOST, GATE_CLOCK_SETTLE, 31 },
            { 32, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a stall is no FALSE: what came meanwhile is TRUE",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 }, { 100, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a stall is no FALSE: the news is read a moment after it",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 100, 'f', GATE_READY, GATE_CLOCK_HOLD, 115 },
            { 101, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a stall neither counts towards the hold nor resets it",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 10, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 60, 'f', GATE_READY, GATE_CLOCK_HOLD, 65 },
            { 65, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER } } },
        { "a stall: the hold goes on behind the API's absence",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 },
            { 100, '-', GATE_READY, GATE_CLOCK_GRACE, 400 },
            { 110, 'f', GATE_READY, GATE_CLOCK_HOLD, 125 } } },
        { "a stall in unknown is no FALSE either",
          DEFAULT,
          GATE_UNKNOWN,
          { { 0, 'f', GATE_UNKNOWN, GATE_CLOCK_HOLD, 15 }, { 100, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a stall breaks TRUE: it settles again",
          { .settle = S(10), .hold = S(15), .unknown = S(300) },
          GATE_WAITING,
          { { 0, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 10 },
            { 9, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 10 },
            { 60, 't', GATE_WAITING, GATE_CLOCK_SETTLE, 70 },
            { 70, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a stall breaks TRUE after lost, too",
          DEFAULT,
          GATE_LOST,
          { { 0, 't', GATE_LOST, GATE_CLOCK_SETTLE, 15 }, { 60, 't', GATE_LOST, GATE_CLOCK_SETTLE, 75 } } },
        { "a stall is time without evidence: unknown before FALSE came",
          DEFAULT,
          GATE_READY,
          { { 0, '-', GATE_READY, GATE_CLOCK_GRACE, 300 }, { 400, 'f', GATE_UNKNOWN, GATE_CLOCK_HOLD, 415 } } },
        { "a stall is time without evidence: unknown and back within one feeding",
          DEFAULT,
          GATE_READY,
          { { 0, '-', GATE_READY, GATE_CLOCK_GRACE, 300 }, { 400, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "a stall that ends before the hold does is none",
          DEFAULT,
          GATE_READY,
          { { 0, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 }, { 14, 'f', GATE_READY, GATE_CLOCK_HOLD, 15 } } },
        { "a stall does not matter where the hold is 0",
          { .unknown = S(300) },
          GATE_LOST,
          { { 0, 'f', GATE_LOST, GATE_CLOCK_NONE, NEVER }, { 100, 't', GATE_READY, GATE_CLOCK_NONE, NEVER } } },
        { "what was TRUE up to the end of the hold counts as TRUE",
          DEFAULT,
          GATE_READY,
          { { 0, 't', GATE_READY, GATE_CLOCK_NONE, NEVER }, { 1000, 'f', GATE_READY, GATE_CLOCK_HOLD, 1015 } } },
        { "a disabled gate does not move",
          DEFAULT,
          GATE_DISABLED,
          { { 0, 't', GATE_DISABLED, GATE_CLOCK_NONE, NEVER }, { 100, 'f', GATE_DISABLED, GATE_CLOCK_NONE, NEVER } } },
};
/* clang-format on */

static Evidence evidence_of(char c) {
        return c == 't' ? EVIDENCE_TRUE : c == 'f' ? EVIDENCE_FALSE : EVIDENCE_NONE;
}

/* Each story as it is told, and once more with a feeding in between at every second: that must not matter. */
static void tell(const Story *story, usec_t between) {
        GateClock c = { .state = story->from };

        for (size_t i = 0; i < sizeof(story->steps) / sizeof(story->steps[0]) && story->steps[i].evidence;
             i++) {
                const Step *step = &story->steps[i];
                GateClockKind kind;
                GateState before;
                usec_t next;

                for (usec_t t = c.fed + between; between > 0 && c.is_fed && t < S(step->at); t += between)
                        gate_clock_feed(&c, &story->timing, c.evidence, t);

                before = c.state;
                if (gate_clock_feed(&c, &story->timing, evidence_of(step->evidence), S(step->at)) !=
                    (c.state != before))
                        fail_msg("%s: step %zu: the change was not told", story->name, i);
                if (c.state != step->state)
                        fail_msg("%s: step %zu: %s, not %s", story->name, i, gate_state_to_string(c.state),
                                 gate_state_to_string(step->state));
                next = gate_clock_next(&c, &story->timing, &kind);
                if (kind != step->clock || next != (step->ends == NEVER ? NEVER : S(step->ends)))
                        fail_msg("%s: step %zu: clock %d ends %" PRIu64, story->name, i, (int) kind, next);
        }
}

static void test_stories(void **state) {
        for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
                tell(&stories[i], 0);
}

/* Being judged in between, for another gate's sake, changes nothing. Those stories are left out whose point
 * is that nobody did. */
static void test_feeding_more_often(void **state) {
        for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
                if (!strstr(stories[i].name, "late") && !strstr(stories[i].name, "stall") &&
                    !strstr(stories[i].name, "without end"))
                        tell(&stories[i], S(1) - 1);
}

/* An hour that passes on no clock of ours does nothing: the rules are fed CLOCK_MONOTONIC only. */
static void test_clock_stands_still(void **state) {
        GateTiming t = GATE_TIMING_DEFAULT;
        GateClock c = { .state = GATE_READY };

        gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(10));
        for (int i = 0; i < 1000; i++)
                assert_false(gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(10)));
        assert_int_equal(c.state, GATE_READY);
        assert_int_equal(gate_clock_next(&c, &t, NULL), S(25));
}

/* For how long the evidence has not been TRUE. */
static void test_doubted_for(void **state) {
        GateTiming t = { .hold = USEC_INFINITY, .unknown = USEC_INFINITY };
        GateClock c = { .state = GATE_READY };

        assert_int_equal(gate_clock_doubted_for(&c, S(7)), 0); /* nobody has fed it */
        gate_clock_feed(&c, &t, EVIDENCE_TRUE, S(10));
        assert_int_equal(gate_clock_doubted_for(&c, S(20)), 0);
        gate_clock_feed(&c, &t, EVIDENCE_NONE, S(20));
        gate_clock_feed(&c, &t, EVIDENCE_NONE, S(25));
        assert_int_equal(gate_clock_doubted_for(&c, S(32)), S(12));
        gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(40));
        assert_int_equal(gate_clock_doubted_for(&c, S(43)), S(3));
        gate_clock_feed(&c, &t, EVIDENCE_NONE, S(43));
        assert_int_equal(gate_clock_doubted_for(&c, S(44)), S(1));
        gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(50)); /* as the hold counts */
        assert_int_equal(gate_clock_doubted_for(&c, S(51)), S(4));
}

/* However little of the hold was left, FALSE has to be seen for a second after a stall. */
static void test_stall_at_the_end_of_the_hold(void **state) {
        GateTiming t = GATE_TIMING_DEFAULT;
        GateClock c = { .state = GATE_READY };

        gate_clock_feed(&c, &t, EVIDENCE_FALSE, 0);
        gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(15) - 1);
        gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(60));
        assert_int_equal(c.state, GATE_READY);
        assert_int_equal(gate_clock_next(&c, &t, NULL), S(61));
        gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(61));
        assert_int_equal(c.state, GATE_LOST);

        t.hold = S(1) / 2;
        c = (GateClock){ .state = GATE_READY };
        gate_clock_feed(&c, &t, EVIDENCE_FALSE, 0);
        gate_clock_feed(&c, &t, EVIDENCE_FALSE, S(60));
        assert_int_equal(c.state, GATE_READY);
        assert_int_equal(gate_clock_next(&c, &t, NULL), S(60) + t.hold);
}

/* On a host where the daemon is late every time, what is FALSE is lost in the end, and what is TRUE opens. */
static void test_always_late(void **state) {
        GateTiming t = { .settle = S(10), .hold = S(15), .unknown = S(300) };
        GateClock shut = { .state = GATE_READY }, open = { .state = GATE_WAITING };
        unsigned late = 0;

        for (; late < 100 && (shut.state != GATE_LOST || open.state != GATE_READY); late++) {
                gate_clock_feed(&shut, &t, EVIDENCE_FALSE, S(60) * late);
                gate_clock_feed(&open, &t, EVIDENCE_TRUE, S(60) * late);
        }
        assert_in_range(late, 4, 10);
}

static void test_words(void **state) {
        for (GateState s = 0; s < _GATE_STATE_MAX; s++)
                assert_int_equal(gate_state_from_string(gate_state_to_string(s)), s);
        assert_int_equal(gate_state_from_string("open"), _GATE_STATE_INVALID);
        assert_null(gate_state_to_string(_GATE_STATE_INVALID));
        assert_null(gate_clock_kind_to_string(GATE_CLOCK_NONE));
        assert_string_equal(gate_clock_kind_to_string(GATE_CLOCK_GRACE), "grace");
        for (Proof p = 0; p < _PROOF_MAX; p++)
                assert_non_null(proof_to_string(p));
        assert_null(proof_to_string(_PROOF_INVALID));
}

/* Rule R5: any FALSE is FALSE; else any NO-EVIDENCE is that; else TRUE. */
static void test_and(void **state) {
        static const struct {
                char a, b, both;
        } rows[] = { { 't', 't', 't' }, { 't', 'f', 'f' }, { 't', '-', '-' },
                     { 'f', 'f', 'f' }, { 'f', '-', 'f' }, { '-', '-', '-' } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_int_equal(evidence_and(evidence_of(rows[i].a), evidence_of(rows[i].b)),
                                 evidence_of(rows[i].both));
                assert_int_equal(evidence_and(evidence_of(rows[i].b), evidence_of(rows[i].a)),
                                 evidence_of(rows[i].both));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stories),
                cmocka_unit_test(test_feeding_more_often),
                cmocka_unit_test(test_clock_stands_still),
                cmocka_unit_test(test_doubted_for),
                cmocka_unit_test(test_stall_at_the_end_of_the_hold),
                cmocka_unit_test(test_always_late),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_and),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
