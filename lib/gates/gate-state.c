/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/gate-state.h"

static const char *const states[_GATE_STATE_MAX] = {
        [GATE_WAITING] = "waiting", [GATE_READY] = "ready",       [GATE_LOST] = "lost",
        [GATE_UNKNOWN] = "unknown", [GATE_DISABLED] = "disabled",
};

/* NULL for _GATE_STATE_INVALID. */
const char *gate_state_to_string(GateState s) {
        return s >= 0 && s < _GATE_STATE_MAX ? states[s] : NULL;
}

/* _GATE_STATE_INVALID for NULL and for a word that no state has, as a later version may send one. */
GateState gate_state_from_string(const char *s) {
        for (GateState i = 0; s && i < _GATE_STATE_MAX; i++)
                if (streq(states[i], s))
                        return i;
        return _GATE_STATE_INVALID;
}
