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

/* Takes KEY=VALUE or KEY!=VALUE apart; blanks around both are dropped. ret_value points into argument; each ret_ may
 * be NULL. -EINVAL where it is neither, -ENOMEM. */
int gate_condition_split(const char *argument, char **ret_key, bool *ret_not, const char **ret_value) {
        const char *equals = strchr(argument, '='), *end;
        bool not ;

        if (!equals)
                return -EINVAL;
        not = equals > argument && equals[-1] == '!';
        end = not ? equals - 1 : equals;
        while (end > argument && strchr(" \t", end[-1]))
                end--;
        if (end == argument || memchr(argument, ' ', (size_t) (end - argument)))
                return -EINVAL;

        if (ret_key) {
                char *key = strndup(argument, (size_t) (end - argument));

                if (!key)
                        return -ENOMEM;
                *ret_key = key;
        }
        if (ret_not)
                *ret_not = not ;
        if (ret_value)
                *ret_value = equals + 1 + strspn(equals + 1, " \t");
        return 0;
}

static int answer_microshift(const GateCondition *c, const MicroShiftConfig *config, Answer *ret) {
        _cleanup_free_ char *key = NULL;
        const char *value;
        bool not ;
        int r;

        if (config->error) {
                *ret = ANSWER_UNKNOWN;
                return 0;
        }
        r = gate_condition_split(c->argument, &key, &not, &value);
        if (r < 0)
                return r;
        *ret = microshift_config_has(config, key, value) != not ? ANSWER_YES : ANSWER_NO;
        return 0;
}

static int answer(const GateCondition *c, const GateFacts *facts, Answer *ret) {
        Answer a;
        int r = 0;

        if (c->kind == GATE_CONDITION_PATH_EXISTS)
                a = facts->path_exists(facts, c->argument) ? ANSWER_YES : ANSWER_NO;
        else
                r = answer_microshift(c, facts->microshift, &a);
        if (r < 0)
                return r;

        if (c->negate && a != ANSWER_UNKNOWN)
                a = a == ANSWER_YES ? ANSWER_NO : ANSWER_YES;
        *ret = a;
        return 0;
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
        int r;

        for (size_t i = 0; i < d->n_conditions; i++) {
                const GateCondition *c = d->conditions + i;
                Answer a;

                r = answer(c, facts, &a);
                if (r < 0)
                        return r;
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
