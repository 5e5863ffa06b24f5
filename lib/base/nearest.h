/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

const char *nearest_name(const char *text, char *const *names);
