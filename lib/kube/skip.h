/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Passes over the rest of a JSON object or array whose opening brace has been seen, in pieces. */
typedef struct KubeSkip {
        uint64_t depth; /* braces that are open; 0 where the end has been found */
        bool in_string;
        bool escaped; /* the last byte was a backslash that counts */
} KubeSkip;

#define KUBE_SKIP_INIT ((KubeSkip){ .depth = 1 })

const char *kube_skip(KubeSkip *k, const char *p, const char *end);
const char *kube_skip_bytewise(KubeSkip *k, const char *p, const char *end);
