/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Files of a system that lies below a folder, as that system itself would find them. */

int root_path(const char *root, const char *path, char **ret);
int root_list(const char *root, const char *folder, char ***ret);
int root_read(const char *root, const char *path, char **ret, size_t *ret_size);
bool root_is_mask(const char *root, const char *path);
int root_readlink(const char *root, const char *folder, const char *name, char **ret);
