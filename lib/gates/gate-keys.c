/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/definition.h"

#include <limits.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "base/value.h"

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
                return value_refuse(why, "must be yes or no");
        d->required = k;
        return 0;
}

static int parse_after(GateDefinition *d, const char *value, const char **why) {
        _cleanup_(strv_freep) char **names = NULL;
        int k;

        if (!*value) {
                d->after = strv_free(d->after);
                d->after_places = strv_free(d->after_places);
                return 0;
        }
        k = strv_split(value, BLANKS, &names);
        STRV_FOREACH(n, names) {
                if (k < 0)
                        break;
                if (!gate_name_is_valid(*n))
                        return value_refuse(why,
                                            "must be names of gates: a-z, 0-9 and inner dashes, 63 at most");
                if (strv_length(d->after) >= LIMIT_GATES)
                        return value_refuse(why, "too many gates");
                if (!strv_contains(d->after, *n))
                        k = strv_extend(&d->after, *n);
        }
        return k;
}

/* Names with dots between them. */
static bool is_key(const char *s) {
        size_t n;

        for (;; s += n + 1) {
                n = strcspn(s, "." BLANKS "\"'");
                if (n == 0 || (s[n] && s[n] != '.'))
                        return false;
                if (!s[n])
                        return true;
        }
}

/* Takes KEY=VALUE or KEY!=VALUE apart; blanks around both are dropped. */
static int split_argument(GateCondition *c, const char **why) {
        const char *argument = c->argument, *equals = strchr(argument, '='), *end = equals;

        c->differs = equals && equals > argument && equals[-1] == '!';
        if (c->differs)
                end--;
        while (end && end > argument && strchr(BLANKS, end[-1]))
                end--;
        if (!equals || end == argument || equals[1] == '=')
                return value_refuse(why, "must be KEY=VALUE or KEY!=VALUE");

        c->value = equals + 1 + strspn(equals + 1, BLANKS);
        if (value_is_quoted(argument) || *c->value == '"' || *c->value == '\'')
                return value_refuse(why, VALUE_QUOTED);
        if (value_has_comment(argument))
                return value_refuse(why, VALUE_COMMENTED);
        if (value_has_specifier(argument))
                return value_refuse(why, VALUE_SPECIFIER);
        c->key = strndup(argument, (size_t) (end - argument));
        if (!c->key)
                return -ENOMEM;
        return is_key(c->key) ? 0 : value_refuse(why, "must be a key of MicroShift, such as ingress.status");
}

static bool is_name_of_a_folder(const char *s) {
        return *s && !strchr(s, '/') && strlen(s) <= NAME_MAX && !streq(s, ".") && !streq(s, "..") &&
               !value_is_quoted(s) && !value_has_comment(s) && !value_has_specifier(s);
}

static int parse_condition(GateDefinition *d, GateConditionKind kind, const char *value, const char **why) {
        _cleanup_(gate_condition_done) GateCondition c = { .kind = kind };
        GateCondition *grown;
        const char *fault;
        int k;

        /* As in systemd, all conditions of whatever kind. */
        if (!*value) {
                gate_definition_clear_conditions(d);
                return 0;
        }
        c.trigger = *value == '|';
        if (c.trigger)
                value += 1 + strspn(value + 1, BLANKS);
        c.negate = *value == '!';
        if (c.negate)
                value += 1 + strspn(value + 1, BLANKS);
        c.argument = strdup(value);
        if (!c.argument)
                return -ENOMEM;
        fault = kind == GATE_CONDITION_PATH_EXISTS ? value_path_fault(value) : NULL;
        if (fault)
                return value_refuse(why, fault);
        if (kind == GATE_CONDITION_MICROSHIFT_DEPLOYS && !is_name_of_a_folder(value))
                return value_refuse(why, "not the name of a folder");
        k = kind == GATE_CONDITION_MICROSHIFT ? split_argument(&c, why) : 0;
        if (k < 0)
                return k;

        if (d->n_conditions >= LIMIT_CHECKS)
                return value_refuse(why, "too many conditions");
        grown = realloc(d->conditions, (d->n_conditions + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        d->conditions = grown;
        grown[d->n_conditions++] = c;
        c = (GateCondition){};
        return 0;
}

static int parse_condition_path_exists(GateDefinition *d, const char *value, const char **why) {
        return parse_condition(d, GATE_CONDITION_PATH_EXISTS, value, why);
}

static int parse_condition_microshift(GateDefinition *d, const char *value, const char **why) {
        return parse_condition(d, GATE_CONDITION_MICROSHIFT, value, why);
}

static int parse_condition_microshift_deploys(GateDefinition *d, const char *value, const char **why) {
        return parse_condition(d, GATE_CONDITION_MICROSHIFT_DEPLOYS, value, why);
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
                return value_refuse(why, "must be hold or close");
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
        { "ConditionMicroShiftDeploys", parse_condition_microshift_deploys },
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

/* The key of [Gate] that was meant by one that it does not have; NULL where none is near. */
const char *gate_key_nearest(const char *key) {
        const char *names[ELEMENTSOF(keys) + 1] = {};

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                names[i] = keys[i].name;
        return nearest_name(key, (char *const *) names);
}
