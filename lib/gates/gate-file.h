/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "conf/conf.h"
#include "gates/definition.h"

int gate_definition_parse(const char *name, const ConfFile *conf, CheckSyntaxFinder find_syntax,
                          GateDefinition **ret);
