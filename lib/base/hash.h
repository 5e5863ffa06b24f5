/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* uthash calls exit() when memory runs out, unless this macro is defined before it is included; then an item
 * that could not be added has hh.tbl NULL. No other file includes uthash. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* FNV-1a, 64 bits. It has no key: not for input that a hostile peer may choose. */
#define FNV_INIT UINT64_C(0xcbf29ce484222325)

static inline uint64_t fnv_bytes(uint64_t hash, const void *data, size_t size) {
        const unsigned char *p = data;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
        return hash;
}
