/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R5. Three stop-watches, of TRUE, FALSE and NO-EVIDENCE, and a state that moves when one runs out:
 *
 *   waiting, lost   -> ready     TRUE held for the settle time, without a break; after `lost` at least the hold
 *   unknown         -> ready     TRUE, at once
 *   ready, unknown  -> lost      FALSE held for the hold; NO-EVIDENCE in between neither counts nor resets
 *   ready           -> unknown   NO-EVIDENCE held for the grace, without a break
 *
 * All time runs on CLOCK_MONOTONIC: an hour asleep must neither open nor shut a gate.
 *
 * Nor must an hour in which the daemon was stopped, hung or starved: what came in that time waits in its sockets, and
 * the evidence that it had before is not what there was. Such a stall shows by a clock that is fed later than it asked
 * for. Its time counts as R6 counts that of a daemon which does not run: it is NO-EVIDENCE, so that it breaks TRUE and
 * leaves FALSE where it was. What already was NO-EVIDENCE goes on. */

#include "ready/gate-clock.h"

/* A clock that is fed later than this after its end was not watched. At least as long it has to be watched again
 * before FALSE is lost: the daemon reads the news of the stall in that time. */
#define LATE_USEC USEC_PER_SEC
/* A daemon that is late every time must not keep a gate as it is for ever. Stalls beyond these, without other evidence
 * in between, count as what was seen before them. */
#define STALLS_MAX 4

const char *gate_clock_kind_to_string(GateClockKind k) {
        switch (k) {
        case GATE_CLOCK_NONE:
                return NULL;
        case GATE_CLOCK_SETTLE:
                return "settle";
        case GATE_CLOCK_HOLD:
                return "hold";
        case GATE_CLOCK_GRACE:
                return "grace";
        }
        return NULL;
}

/* With HoldSec=infinity the hold must not apply after `lost`, or the gate would never open again. */
static usec_t settle_time(const GateClock *c, const GateTiming *t) {
        if (c->state != GATE_LOST || t->hold == USEC_INFINITY)
                return t->settle;
        return MAX(t->settle, t->hold);
}

/* Whether nobody watched since the last feeding. */
static bool is_late(const GateClock *c, const GateTiming *t, usec_t monotonic) {
        usec_t due = gate_clock_next(c, t, NULL);

        return c->is_fed && due != USEC_INFINITY && monotonic > usec_add(due, LATE_USEC);
}

/* Adds the time since the last feeding to the stop-watch that was running. */
static void elapse(GateClock *c, const GateTiming *t, usec_t monotonic) {
        usec_t passed = c->is_fed ? usec_sub(monotonic, c->fed) : 0;

        if (c->evidence != EVIDENCE_NONE && c->stalls < STALLS_MAX && is_late(c, t, monotonic)) {
                c->stalls++;
                c->true_for = passed = 0;
                c->false_for = usec_min(c->false_for, usec_sub(t->hold, LATE_USEC));
        }

        switch (c->evidence) {
        case EVIDENCE_TRUE:
                c->true_for = usec_add(c->true_for, passed);
                break;
        case EVIDENCE_FALSE:
                c->false_for = usec_add(c->false_for, passed);
                break;
        case EVIDENCE_NONE:
                c->none_for = usec_add(c->none_for, passed);
                break;
        }
        c->fed = monotonic;
        c->is_fed = true;
}

static GateState next_state(const GateClock *c, const GateTiming *t) {
        switch (c->state) {
        case GATE_WAITING:
        case GATE_LOST:
                if (c->evidence == EVIDENCE_TRUE && c->true_for >= settle_time(c, t))
                        return GATE_READY;
                break;
        case GATE_UNKNOWN:
                if (c->evidence == EVIDENCE_TRUE)
                        return GATE_READY;
                if (c->evidence == EVIDENCE_FALSE && c->false_for >= t->hold)
                        return GATE_LOST;
                break;
        case GATE_READY:
                if (c->evidence == EVIDENCE_FALSE && c->false_for >= t->hold)
                        return GATE_LOST;
                if (c->evidence == EVIDENCE_NONE && c->none_for >= t->unknown)
                        return GATE_UNKNOWN;
                break;
        default:
                break;
        }
        return c->state;
}

/* Takes the evidence of the gate's checks from now on. Returns whether the state changed. The time since the last
 * call counts for the evidence of that call, unless nobody watched; but a gate does not open on a TRUE that no longer
 * holds. */
bool gate_clock_feed(GateClock *c, const GateTiming *t, Evidence e, usec_t monotonic) {
        GateState before = c->state;

        elapse(c, t, monotonic);
        if (c->evidence != EVIDENCE_TRUE || e == EVIDENCE_TRUE)
                c->state = next_state(c, t);

        if (e != c->evidence) {
                c->evidence = e;
                c->stalls = 0;
                if (e != EVIDENCE_TRUE)
                        c->true_for = 0;
                else
                        c->false_for = 0;
                if (e != EVIDENCE_NONE)
                        c->none_for = 0;
                c->state = next_state(c, t);
        }
        return c->state != before;
}

/* When (monotonic) the state changes if nothing else happens, USEC_INFINITY for never, and which clock runs out
 * then. */
usec_t gate_clock_next(const GateClock *c, const GateTiming *t, GateClockKind *ret_kind) {
        GateClockKind kind = GATE_CLOCK_NONE;
        usec_t left = USEC_INFINITY;

        switch (c->state) {
        case GATE_WAITING:
        case GATE_LOST:
                if (c->evidence == EVIDENCE_TRUE) {
                        kind = GATE_CLOCK_SETTLE;
                        left = usec_sub(settle_time(c, t), c->true_for);
                }
                break;
        case GATE_READY:
        case GATE_UNKNOWN:
                if (c->evidence == EVIDENCE_FALSE) {
                        kind = GATE_CLOCK_HOLD;
                        left = usec_sub(t->hold, c->false_for);
                } else if (c->evidence == EVIDENCE_NONE && c->state == GATE_READY) {
                        kind = GATE_CLOCK_GRACE;
                        left = usec_sub(t->unknown, c->none_for);
                }
                break;
        default:
                break;
        }

        if (left == USEC_INFINITY)
                kind = GATE_CLOCK_NONE;
        if (ret_kind)
                *ret_kind = kind;
        return left == USEC_INFINITY ? USEC_INFINITY : usec_add(c->fed, left);
}

/* For how long TRUE has been missing: NO-EVIDENCE without a break, or FALSE since the last TRUE, without the
 * NO-EVIDENCE in between. 0 where the evidence is TRUE. */
usec_t gate_clock_doubted_for(const GateClock *c, usec_t monotonic) {
        usec_t passed = c->is_fed ? usec_sub(monotonic, c->fed) : 0;

        switch (c->evidence) {
        case EVIDENCE_FALSE:
                return usec_add(c->false_for, passed);
        case EVIDENCE_NONE:
                return usec_add(c->none_for, passed);
        default:
                return 0;
        }
}
