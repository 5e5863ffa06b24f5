/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

int systemctl_run(const char *root, const char *const *arguments);
int systemctl_show(const char *unit, const char *property, char **ret);
