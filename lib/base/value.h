/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* Values of configuration files. */

int value_refuse(const char **why, const char *text);
const char *value_shown(const char *value);
bool value_is_plain(const char *value);
int value_set_text(char **p, const char *value);
int value_set_path(char **p, const char *value, const char **why);
int value_set_timespan(usec_t *p, const char *value, usec_t otherwise, const char **why);
