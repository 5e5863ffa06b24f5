/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Included first by each target: asserts stay on in every build type. */
#undef NDEBUG

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
