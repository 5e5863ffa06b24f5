/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* How deep arrays and objects may nest. */
#define JSON_DEPTH_MAX 64

int jv_check_text(const char *text, size_t size);
