/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/definition.h"

int gate_definition_load(char *const *folders, const char *name, CheckSyntaxFinder find_syntax,
                         GateDefinition **ret);
int gate_definitions_load(char *const *folders, CheckSyntaxFinder find_syntax, GateDefinition ***ret,
                          size_t *ret_n, char **reterr_detail);
void gate_definitions_free(GateDefinition **definitions, size_t n);
