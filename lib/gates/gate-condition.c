/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a gate applies to this host. As with systemd's conditions, all must hold, and of those with "|" in front
 * one. A MicroShift configuration, or a folder of manifests, that cannot be read answers neither yes nor no; then a
 * gate is only disabled where the other conditions already say so. */

#include "gates/gate-condition.h"

#include "base/string-util.h"

typedef enum Answer {
        ANSWER_NO,
        ANSWER_YES,
        ANSWER_UNKNOWN,
} Answer;

static const char *const names[_GATE_CONDITION_MAX] = {
        [GATE_CONDITION_PATH_EXISTS] = "ConditionPathExists",
        [GATE_CONDITION_MICROSHIFT] = "ConditionMicroShift",
        [GATE_CONDITION_MICROSHIFT_DEPLOYS] = "ConditionMicroShiftDeploys",
};

/* *ret_why says where it is unknown why. */
static Answer answer(const GateCondition *c, const GateFacts *facts, const char **ret_why) {
        int yes;

        if (c->kind != GATE_CONDITION_PATH_EXISTS && facts->microshift->error) {
                *ret_why = facts->microshift->error;
                return ANSWER_UNKNOWN;
        }
        if (c->kind == GATE_CONDITION_PATH_EXISTS)
                yes = facts->path_exists(facts, c->argument);
        else if (c->kind == GATE_CONDITION_MICROSHIFT)
                yes = microshift_config_has(facts->microshift, c->key, c->value) != c->differs;
        else
                yes = microshift_manifests_deploy(facts->manifests, c->argument, ret_why);
        if (yes < 0)
                return ANSWER_UNKNOWN;
        return yes != c->negate ? ANSWER_YES : ANSWER_NO;
}

/* A condition in full, for people: "ConditionPathExists=/x (FILE:LINE)". -ENOMEM. */
int gate_condition_describe(const GateCondition *c, char **ret) {
        return asprintf_ret(ret, "%s=%s%s%s (%s:%u)", names[c->kind], c->trigger ? "|" : "",
                            c->negate ? "!" : "", c->argument, c->file, c->line);
}

static int evaluate(const GateDefinition *d, const GateFacts *facts, char **ret_cause) {
        const GateCondition *failed = NULL, *trigger = NULL;
        const char *why = NULL;
        bool triggered = false, unknown = false, trigger_unknown = false;

        for (size_t i = 0; i < d->n_conditions; i++) {
                const GateCondition *c = d->conditions + i;
                const char *reason = NULL;
                Answer a = answer(c, facts, &reason);

                why = why ?: reason;
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
                return asprintf_ret(ret_cause, "%s= not met, line %u", names[failed->kind], failed->line);
        if (unknown || (trigger && !triggered))
                return asprintf_ret(ret_cause, "%s", why) ?: -EBADMSG;
        return 1;
}

/* Returns 1 where the gate's conditions hold; 0 where they do not, with the first that does not in ret_cause, as where
 * it is masked; -EBADMSG where that cannot be known, with the reason (a file and a line) in ret_cause; -ENOMEM.
 * ret_cause is the caller's. */
int gate_conditions_hold(const GateDefinition *d, const GateFacts *facts, char **ret_cause) {
        return d->masked ? asprintf_ret(ret_cause, "masked by %s", d->masked)
                         : evaluate(d, facts, ret_cause);
}

/* Whether the gate would apply to this host, or may, if it were not masked. -ENOMEM. */
int gate_conditions_hold_below_mask(const GateDefinition *d, const GateFacts *facts) {
        _cleanup_free_ char *cause = NULL;
        int r;

        if (!d->masked)
                return 0;
        r = evaluate(d, facts, &cause);
        return r == -ENOMEM ? r : r != 0;
}
