/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strv.h"
#include "yaml/yaml.h"

/* MicroShift's own configuration, for ConditionMicroShift=. */

#define MICROSHIFT_CONFIG_FILE "/etc/microshift/config.yaml"
#define MICROSHIFT_CONFIG_FOLDER "/etc/microshift/config.d"

typedef struct MicroShiftConfig {
        YNode **documents; /* in the order of merging */
        size_t n_documents;
        char *error; /* why the configuration cannot be read, with file and line; else NULL */
} MicroShiftConfig;

MicroShiftConfig *microshift_config_free(MicroShiftConfig *c);
DEFINE_CLEANUP(MicroShiftConfig, microshift_config_free)

int microshift_config_load(const char *file, const char *folder, MicroShiftConfig **ret);
int microshift_config_add(MicroShiftConfig *c, const char *file, const char *text, size_t size);
const char *microshift_config_get(const MicroShiftConfig *c, const char *key);
int microshift_config_get_list(const MicroShiftConfig *c, const char *key, char ***ret);
bool microshift_config_has(const MicroShiftConfig *c, const char *key, const char *value);
bool microshift_config_knows(const char *key);
