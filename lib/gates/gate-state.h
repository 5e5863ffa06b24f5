/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The state of a gate or of the verdict: State of the varlink interface. */
typedef enum GateState {
        GATE_WAITING,
        GATE_READY,
        GATE_LOST,
        GATE_UNKNOWN,
        GATE_DISABLED,
        _GATE_STATE_MAX,
        _GATE_STATE_INVALID = -EINVAL,
} GateState;

const char *gate_state_to_string(GateState s);
GateState gate_state_from_string(const char *s);
