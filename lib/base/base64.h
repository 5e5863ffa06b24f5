/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

int base64_decode(const char *s, char **ret, size_t *ret_size);
