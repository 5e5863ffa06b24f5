/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/condition-microshift.h"

/* The folders of manifests that MicroShift deploys, for ConditionMicroShiftDeploys=. */

typedef struct MicroShiftManifests MicroShiftManifests;

MicroShiftManifests *microshift_manifests_free(MicroShiftManifests *m);
DEFINE_CLEANUP(MicroShiftManifests, microshift_manifests_free)

int microshift_manifests_load(const MicroShiftConfig *config, const char *root, MicroShiftManifests **ret);
int microshift_manifests_deploy(const MicroShiftManifests *m, const char *name, const char **ret_why);
