/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/condition-microshift.h"
#include "gates/definition.h"

/* What conditions are evaluated on. */
typedef struct GateFacts GateFacts;
struct GateFacts {
        bool (*path_exists)(const GateFacts *facts, const char *path);
        const MicroShiftConfig *microshift;
};

int gate_conditions_hold(const GateDefinition *d, const GateFacts *facts, char **ret_cause);
bool gate_path_exists(const GateFacts *facts, const char *path);
