/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/json.h"

/* One value of an object, by the names that lead to it, with dots between them: status.phase. A dot within a name has
 * a backslash in front. */

bool kube_field_is_path(const char *path);
int kube_field_read(const JsonValue *object, const char *path, bool *ret_found, char **ret_value);
