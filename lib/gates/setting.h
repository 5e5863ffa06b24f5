/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "yaml/yaml.h"

/* MicroShift's settings as a tree, made of one file or merged of several. */

typedef struct Setting Setting;
struct Setting {
        const char *key;   /* NULL for the root */
        const YNode *node; /* the value */
        const char *file;
        Setting *members; /* of a map, in the order of their keys' bytes */
        size_t n_members;
};

/* What is found for a dotted key. */
typedef struct SettingFinding {
        const Setting *value;    /* NULL: not set, or set to null */
        const Setting *obstacle; /* the first that is no map on the way there; NULL: none */
        size_t obstacle_length;  /* of its own dotted key */
} SettingFinding;

Setting *setting_free(Setting *s);
DEFINE_CLEANUP(Setting, setting_free)

int setting_new(const YNode *document, const char *file, Setting **ret);
int setting_merge(Setting *base, Setting *patch);
SettingFinding setting_find(const Setting *root, const char *key);
