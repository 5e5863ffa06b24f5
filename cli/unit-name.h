/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

bool unit_name_is_valid(const char *s);
const char *unit_suffix(const char *s);
bool unit_is_template(const char *s);
int unit_template(const char *unit, char **ret);
int unit_instantiate(const char *name, const char *unit, char **ret);
int unit_drop_in_folders(const char *name, const char *suffix, char ***ret);
