/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

bool systemctl_is_offline(void);
int systemctl_run(const char *root, const char *const *arguments);
int systemctl_show(const char *unit, const char *property, char **ret);
