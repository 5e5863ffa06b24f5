/* SPDX-License-Identifier: Apache-2.0 */

#include "publish-journal.h"

#include <stdio.h>

#include "base/log.h"
#include "base/string-util.h"
#include "message-id.h"

static const struct {
        const char *gate, *verdict; /* message IDs */
        int level;
} messages[_GATE_STATE_MAX] = {
        [GATE_WAITING] = { MESSAGE_ID_GATE_WAITING, MESSAGE_ID_VERDICT_WAITING, LOG_INFO },
        [GATE_READY] = { MESSAGE_ID_GATE_READY, MESSAGE_ID_VERDICT_READY, LOG_INFO },
        [GATE_LOST] = { MESSAGE_ID_GATE_LOST, MESSAGE_ID_VERDICT_LOST, LOG_WARNING },
        [GATE_UNKNOWN] = { MESSAGE_ID_GATE_UNKNOWN, MESSAGE_ID_VERDICT_UNKNOWN, LOG_WARNING },
        [GATE_DISABLED] = { MESSAGE_ID_GATE_DISABLED, NULL, LOG_INFO }, /* the verdict never is */
};

/* more: what is told where there is no blocker; NULL: when it was. */
static void tell(const char *subject, const char *gate, GateState before, GateState state, const Blocker *b,
                 const char *more, usec_t seconds) {
        _cleanup_free_ char *object = NULL; /* without memory the line goes without it */
        int r = b ? object_name_to_string(&b->object, &object) : -ENODATA;
        char span[TIMESPAN_MAX];
        const LogField fields[] = {
                { "MESSAGE_ID", gate ? messages[state].gate : messages[state].verdict },
                { "MSREADY_STATE", gate_state_to_string(state) },
                { "MSREADY_PREVIOUS", gate_state_to_string(before) },
                { "MSREADY_GATE", gate },
                { "MSREADY_REASON", b ? b->reason : NULL },
                { "MSREADY_OBJECT", r >= 0 ? object : NULL },
                { "MSREADY_HINT", b ? b->hint : NULL },
                {},
        };

        if (state == GATE_READY || (!b && !more)) {
                log_full(messages[state].level, fields, "%s is %s, %s after the kernel started", subject,
                         gate_state_to_string(state), format_timespan(span, seconds));
                return;
        }
        if (b)
                log_full(messages[state].level, fields, "%s changed from %s to %s: %s %s%s%s", subject,
                         gate_state_to_string(before), gate_state_to_string(state), b->reason,
                         strempty(object), b->message ? ": " : "", strempty(b->message));
        else
                log_full(messages[state].level, fields, "%s changed from %s to %s: %s", subject,
                         gate_state_to_string(before), gate_state_to_string(state), more);
}

/* Logs that a gate has another state than before. */
void publish_journal_gate(const Gate *gate, GateState before) {
        char subject[96];

        snprintf(subject, sizeof(subject), "Gate %s", gate_name(gate));
        tell(subject, gate_name(gate), before, gate_state(gate),
             gate->report.n_blockers > 0 ? &gate->report.blockers[0] : NULL, NULL, gate->changed);
}

/* Logs that the verdict is another one than before, with its cause. */
void publish_journal_verdict(const Readiness *readiness, GateState before) {
        const Board *b = &readiness->board;
        const Blocker *blocker;
        const Gate *gate;
        char more[128];

        blocker = board_first_blocker(b, &gate);
        if (gate)
                snprintf(more, sizeof(more), "gate %s is %s, though nothing blocks it now", gate_name(gate),
                         gate_state_to_string(gate_state(gate)));
        tell("The cluster", NULL, before, b->verdict.state, blocker, gate ? more : b->verdict.reason,
             b->verdict.changed);
}
