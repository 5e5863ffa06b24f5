/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/condition-microshift.h"
#include "gates/definition.h"
#include "gates/microshift-manifests.h"

/* What conditions are evaluated on. */
typedef struct GateFacts GateFacts;
struct GateFacts {
        bool (*path_exists)(const GateFacts *facts, const char *path);
        const MicroShiftConfig *microshift;
        const MicroShiftManifests *manifests; /* NULL where that configuration cannot be read */
};

/* The facts of this host, and the owner of what they point at. */
typedef struct HostGateFacts {
        GateFacts facts;
        MicroShiftConfig *microshift;
        MicroShiftManifests *manifests;
} HostGateFacts;

#define HOST_GATE_FACTS_NULL ((HostGateFacts){})

int gate_condition_describe(const GateCondition *c, char **ret);
int gate_conditions_hold(const GateDefinition *d, const GateFacts *facts, char **ret_cause);
int gate_conditions_hold_below_mask(const GateDefinition *d, const GateFacts *facts);
int host_gate_facts_load(HostGateFacts *ret);
void host_gate_facts_done(HostGateFacts *f);
