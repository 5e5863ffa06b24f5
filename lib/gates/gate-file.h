/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "conf/conf.h"
#include "gates/condition-microshift.h"
#include "gates/definition.h"

/* From gate files to definitions (gate-file.c, selector.c, gate-load.c), and whether their conditions hold on this
 * host (gate-condition.c). */

/* What conditions are held against. */
typedef struct GateFacts GateFacts;
struct GateFacts {
        bool (*path_exists)(const GateFacts *facts, const char *path);
        const MicroShiftConfig *microshift;
};

int gate_definition_parse(const char *name, const ConfFile *conf, GateDefinition **ret);
int gate_definition_load(char *const *folders, const char *name, GateDefinition **ret);
int gate_definitions_load(char *const *folders, GateDefinition ***ret, size_t *ret_n, char **reterr_detail);
void gate_definitions_free(GateDefinition **definitions, size_t n);
int gate_conditions_hold(const GateDefinition *d, const GateFacts *facts, char **ret_cause);
bool gate_path_exists(const GateFacts *facts, const char *path);

void gate_definition_clear_conditions(GateDefinition *d);
int gate_condition_split(const char *argument, char **ret_key, bool *ret_not, const char **ret_value);

int selector_parse(const char *s, SelectorRequirement **ret, size_t *ret_n, char **reterr_detail);
void selector_free(SelectorRequirement *requirements, size_t n);
