/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "base/strv.h"
#include "conf/conf.h"
#include "gates/check-definition.h"

/* The contents of a gate's files. */

typedef enum OnUnknown {
        ON_UNKNOWN_HOLD,
        ON_UNKNOWN_CLOSE,
} OnUnknown;

typedef enum GateConditionKind {
        GATE_CONDITION_PATH_EXISTS,
        GATE_CONDITION_MICROSHIFT,
        GATE_CONDITION_MICROSHIFT_DEPLOYS,
        _GATE_CONDITION_MAX,
} GateConditionKind;

typedef struct GateCondition {
        GateConditionKind kind;
        bool negate;       /* ! in front */
        bool trigger;      /* | in front: one of these suffices */
        char *argument;    /* the path; KEY=VALUE or KEY!=VALUE; the name of a folder */
        char *key;         /* of a setting: what MicroShift calls it; else NULL */
        bool differs;      /* it is KEY!=VALUE */
        const char *value; /* in argument */
        char *file;
        unsigned line;
} GateCondition;

typedef struct GateDefinition {
        char *name;
        char *description;
        int required; /* 1 yes, 0 no, -1 where the files are silent */
        char **after;
        char **after_places; /* where each of them is named, FILE:LINE */
        GateCondition *conditions;
        size_t n_conditions;
        usec_t settle, hold, unknown; /* where the flag below is set */
        bool has_settle, has_hold, has_unknown;
        OnUnknown on_unknown;
        CheckDefinition **checks;
        size_t n_checks;
        char *masked;    /* the link to /dev/null by which the gate is masked: it asks nothing; else NULL */
        char **files;    /* in the order of reading */
        char **warnings; /* unknown keys and the like, each with file and line */
        char *invalid;   /* why the gate cannot be evaluated, with file and line; else NULL */
        char **errors;   /* what else is wrong then, likewise */
} GateDefinition;

GateDefinition *gate_definition_free(GateDefinition *d);
DEFINE_CLEANUP(GateDefinition, gate_definition_free)

int gate_definition_parse(const char *name, const ConfFile *conf, CheckSyntaxFinder find_syntax,
                          GateDefinition **ret);
int gate_definition_load(char *const *folders, const char *name, CheckSyntaxFinder find_syntax,
                         GateDefinition **ret);
int gate_definitions_load(char *const *folders, CheckSyntaxFinder find_syntax, GateDefinition ***ret,
                          size_t *ret_n, char **reterr_detail);
void gate_definitions_free(GateDefinition **definitions, size_t n);

int gate_key_set(GateDefinition *d, const char *key, const char *value, const char **why);
const char *gate_key_nearest(const char *key);
void gate_condition_done(GateCondition *c);
bool gate_definition_asks_for_manifests(const GateDefinition *d);
void gate_definition_clear_conditions(GateDefinition *d);
void gate_definition_clear_checks(GateDefinition *d);
bool gate_definition_checks_equal(const GateDefinition *a, const GateDefinition *b);
int gate_definition_checks_hash(const GateDefinition *d, uint64_t *ret);
bool gate_name_is_valid(const char *name);
