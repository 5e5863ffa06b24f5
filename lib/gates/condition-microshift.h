/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strv.h"
#include "gates/setting.h"

/* MicroShift's own configuration, for ConditionMicroShift=. */

#define MICROSHIFT_CONFIG_FILE "/etc/microshift/config.yaml"
#define MICROSHIFT_CONFIG_FOLDER "/etc/microshift/config.d"

typedef struct MicroShiftDocument {
        char *file;
        YNode *root;
} MicroShiftDocument;

typedef struct MicroShiftConfig {
        MicroShiftDocument *documents; /* what settings points into */
        size_t n_documents;
        Setting *settings; /* all files merged; NULL where there is none, or only empty ones */
        char *error;       /* why the configuration cannot be read, with file and line; else NULL */
} MicroShiftConfig;

MicroShiftConfig *microshift_config_free(MicroShiftConfig *c);
DEFINE_CLEANUP(MicroShiftConfig, microshift_config_free)

int microshift_config_load(const char *file, const char *folder, MicroShiftConfig **ret);
int microshift_config_add(MicroShiftConfig *c, const char *file, const char *text, size_t size);
int microshift_config_refuse(MicroShiftConfig *c, const char *file, unsigned line, const char *why);
int microshift_config_check(MicroShiftConfig *c);
const char *microshift_config_get(const MicroShiftConfig *c, const char *key);
int microshift_config_get_list(const MicroShiftConfig *c, const char *key, char ***ret);
bool microshift_config_has(const MicroShiftConfig *c, const char *key, const char *value);
bool microshift_config_knows(const char *key);
