/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a gate applies to this host. As with systemd's conditions, all must hold, and of those with "|" in front
 * one. A MicroShift configuration that cannot be read answers neither yes nor no; then a gate is only disabled
 * where the other conditions already say so. */

#include "gates/gate-condition.h"

#include "base/string-util.h"

typedef enum Answer {
        ANSWER_NO,
        ANSWER_YES,
        ANSWER_UNKNOWN,
} Answer;

static Answer answer(const GateCondition *c, const GateFacts *facts) {
        bool yes;

        if (c->kind == GATE_CONDITION_PATH_EXISTS)
                yes = facts->path_exists(facts, c->argument);
        else if (facts->microshift->error)
                return ANSWER_UNKNOWN;
        else
                yes = microshift_config_has(facts->microshift, c->key, c->value) != c->differs;
        return yes != c->negate ? ANSWER_YES : ANSWER_NO;
}

static int tell(const GateCondition *c, char **ret) {
        return asprintf_ret(ret, "%s=%s%s%s does not hold (%s:%u)",
                            c->kind == GATE_CONDITION_PATH_EXISTS ? "ConditionPathExists"
                                                                  : "ConditionMicroShift",
                            c->trigger ? "|" : "", c->negate ? "!" : "", c->argument, c->file, c->line);
}

/* Returns 1 where the gate's conditions hold; 0 where they do not, with the first that does not in ret_cause; -EBADMSG
 * where that cannot be known, with the reason (a file and a line) in ret_cause; -ENOMEM. ret_cause is the caller's. */
int gate_conditions_hold(const GateDefinition *d, const GateFacts *facts, char **ret_cause) {
        const GateCondition *failed = NULL, *trigger = NULL;
        bool triggered = false, unknown = false, trigger_unknown = false;

        for (size_t i = 0; i < d->n_conditions; i++) {
                const GateCondition *c = d->conditions + i;
                Answer a = answer(c, facts);

                if (c->trigger) {
                        trigger = trigger ?: c;
                        triggered = triggered || a == ANSWER_YES;
                        trigger_unknown = trigger_unknown || a == ANSWER_UNKNOWN;
                } else {
                        if (a == ANSWER_NO && !failed)
                                failed = c;
                        unknown = unknown || a == ANSWER_UNKNOWN;
                }
        }

        if (!failed && trigger && !triggered && !trigger_unknown)
                failed = trigger;
        if (failed)
                return tell(failed, ret_cause);
        if (unknown || (trigger && !triggered))
                return asprintf_ret(ret_cause, "%s", facts->microshift->error) ?: -EBADMSG;
        return 1;
}

/* A path_exists for GateFacts that looks at the disk. */
bool gate_path_exists(const GateFacts *facts, const char *path) {
        return access(path, F_OK) >= 0;
}
