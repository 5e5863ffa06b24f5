/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strv.h"

/* Folders of configuration files that lie on top of each other, the first on top. */

bool path_is_mask(const char *path);
int folders_find(char *const *folders, const char *name, char **ret);
int conf_enumerate(char *const *folders, const char *suffix, char ***ret, char **reterr_detail);
int folders_dropins(char *const *folders, const char *name, char ***ret, char ***errors);
