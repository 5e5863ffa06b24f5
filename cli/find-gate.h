/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/gate-state.h"
#include "options.h"

/* What is known of a gate before a unit is bound to it. */

typedef struct FoundGate {
        GateState state; /* _GATE_STATE_INVALID: not known */
        int unreachable; /* why the daemon was asked and did not answer, a negative errno; 0 */
        int status;      /* the exit status for the fault, or 0 where there is none */
        char *fault;     /* why a unit that is bound to the gate would not run */
        char *hint;      /* what to do about it */
} FoundGate;

int find_gate(const Options *options, const char *gate, FoundGate *ret);
void found_gate_done(FoundGate *g);
