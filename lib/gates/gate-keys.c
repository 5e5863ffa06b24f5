/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/gate-keys.h"

#include <limits.h>

#include "base/limits.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"
#include "gates/gate-condition.h"

#define BLANKS " \t"

static int parse_description(GateDefinition *d, const char *value, const char **why) {
        char **p = &d->description;
        int k = value_set_text(p, value);

        if (k < 0 || !*p)
                return k;
        strip_control(*p);
        (*p)[utf8_truncate(*p, LIMIT_MESSAGE)] = '\0';
        return 0;
}

static int parse_required(GateDefinition *d, const char *value, const char **why) {
        int k = *value ? parse_boolean(value) : -1;

        if (*value && k < 0)
                return value_refuse(why, "neither yes nor no");
        d->required = k;
        return 0;
}

static int parse_after(GateDefinition *d, const char *value, const char **why) {
        _cleanup_(strv_freep) char **names = NULL;
        int k;

        if (!*value) {
                d->after = strv_free(d->after);
                return 0;
        }
        k = strv_split(value, BLANKS, &names);
        STRV_FOREACH(n, names) {
                if (k < 0)
                        break;
                if (!gate_name_is_valid(*n))
                        return value_refuse(why, "not the name of a gate");
                if (strv_length(d->after) >= LIMIT_GATES)
                        return value_refuse(why, "too many gates");
                if (!strv_contains(d->after, *n))
                        k = strv_extend(&d->after, *n);
        }
        return k;
}

static int add_condition(GateDefinition *d, GateConditionKind kind, bool trigger, bool negate,
                         const char *argument, const char **why) {
        GateCondition *grown;

        if (d->n_conditions >= LIMIT_CHECKS)
                return value_refuse(why, "too many conditions");
        grown = realloc(d->conditions, (d->n_conditions + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        d->conditions = grown;
        grown[d->n_conditions] = (GateCondition){
                .kind = kind,
                .trigger = trigger,
                .negate = negate,
                .argument = strdup(argument),
        };
        return grown[d->n_conditions++].argument ? 0 : -ENOMEM;
}

static int parse_condition(GateDefinition *d, GateConditionKind kind, const char *value, const char **why) {
        bool trigger, negate;

        /* As in systemd, all conditions of whatever kind. */
        if (!*value) {
                gate_definition_clear_conditions(d);
                return 0;
        }
        trigger = *value == '|';
        if (trigger)
                value += 1 + strspn(value + 1, BLANKS);
        negate = *value == '!';
        if (negate)
                value += 1 + strspn(value + 1, BLANKS);
        if (kind == GATE_CONDITION_PATH_EXISTS && (*value != '/' || strlen(value) >= PATH_MAX))
                return value_refuse(why, "not an absolute path");
        if (kind == GATE_CONDITION_MICROSHIFT) {
                int k = gate_condition_split(value, NULL, NULL, NULL);

                if (k < 0)
                        return k == -EINVAL ? value_refuse(why, "neither KEY=VALUE nor KEY!=VALUE") : k;
        }
        return add_condition(d, kind, trigger, negate, value, why);
}

static int parse_condition_path_exists(GateDefinition *d, const char *value, const char **why) {
        return parse_condition(d, GATE_CONDITION_PATH_EXISTS, value, why);
}

static int parse_condition_microshift(GateDefinition *d, const char *value, const char **why) {
        return parse_condition(d, GATE_CONDITION_MICROSHIFT, value, why);
}

static int set_timespan(usec_t *p, bool *has, const char *value, const char **why) {
        int r = value_set_timespan(p, value, 0, why);

        if (r >= 0)
                *has = *value;
        return r;
}

static int parse_settle(GateDefinition *d, const char *value, const char **why) {
        usec_t u;

        if (*value && parse_timespan(value, &u) >= 0 && u == USEC_INFINITY)
                return value_refuse(why, "the gate would never open");
        return set_timespan(&d->settle, &d->has_settle, value, why);
}

static int parse_hold(GateDefinition *d, const char *value, const char **why) {
        return set_timespan(&d->hold, &d->has_hold, value, why);
}

static int parse_unknown(GateDefinition *d, const char *value, const char **why) {
        return set_timespan(&d->unknown, &d->has_unknown, value, why);
}

static int parse_on_unknown(GateDefinition *d, const char *value, const char **why) {
        if (!*value || streq(value, "hold"))
                d->on_unknown = ON_UNKNOWN_HOLD;
        else if (streq(value, "close"))
                d->on_unknown = ON_UNKNOWN_CLOSE;
        else
                return value_refuse(why, "neither hold nor close");
        return 0;
}

static const struct {
        const char *name;
        int (*parse)(GateDefinition *d, const char *value, const char **why);
} keys[] = {
        { "Description", parse_description },
        { "Required", parse_required },
        { "After", parse_after },
        { "ConditionPathExists", parse_condition_path_exists },
        { "ConditionMicroShift", parse_condition_microshift },
        { "SettleSec", parse_settle },
        { "HoldSec", parse_hold },
        { "UnknownSec", parse_unknown },
        { "OnUnknown", parse_on_unknown },
};

/* Takes a value of [Gate], "" to reset. -ENOENT where there is no such key, -EINVAL with *why (static), -ENOMEM. */
int gate_key_set(GateDefinition *d, const char *key, const char *value, const char **why) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (streq(keys[i].name, key))
                        return keys[i].parse(d, value, why);
        return -ENOENT;
}
