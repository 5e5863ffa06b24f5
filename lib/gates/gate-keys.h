/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/definition.h"

int gate_key_set(GateDefinition *d, const char *key, const char *value, const char **why);
