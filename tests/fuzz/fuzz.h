/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What each target begins with: asserts stay on, whatever the build type. */
#undef NDEBUG

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
