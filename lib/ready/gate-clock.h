/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "gates/gate-state.h"
#include "ready/evidence.h"

/* What a gate's running clock is for. */
typedef enum GateClockKind {
        GATE_CLOCK_NONE,
        GATE_CLOCK_SETTLE,
        GATE_CLOCK_HOLD,
        GATE_CLOCK_GRACE,
} GateClockKind;

const char *gate_clock_kind_to_string(GateClockKind k);

typedef struct GateTiming {
        usec_t settle, hold, unknown;
} GateTiming;

#define GATE_TIMING_DEFAULT                                                                                 \
        ((GateTiming){ .settle = 0, .hold = 15 * USEC_PER_SEC, .unknown = 5 * USEC_PER_MINUTE })

/* Rule R5: a gate's state over time. Pure: fed evidence and monotonic time. */
typedef struct GateClock {
        GateState state;
        Evidence evidence; /* since `fed` */
        bool is_fed;
        usec_t fed;       /* monotonic */
        usec_t true_for;  /* uninterrupted */
        usec_t false_for; /* since the last TRUE, not counting NO-EVIDENCE */
        usec_t none_for;  /* uninterrupted */
        unsigned stalls;  /* in which nobody watched, since the evidence is the present one */
} GateClock;

bool gate_clock_feed(GateClock *c, const GateTiming *t, Evidence e, usec_t monotonic);
usec_t gate_clock_next(const GateClock *c, const GateTiming *t, GateClockKind *ret_kind);
usec_t gate_clock_doubted_for(const GateClock *c, usec_t monotonic);
