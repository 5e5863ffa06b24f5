/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strv.h"
#include "kube/object.h"

/* Label selectors in kubectl's syntax. */

typedef enum SelectorOperator {
        SELECTOR_EQUALS,     /* KEY=VALUE */
        SELECTOR_NOT_EQUALS, /* KEY!=VALUE */
        SELECTOR_IN,         /* KEY in (A,B) */
        SELECTOR_NOT_IN,     /* KEY notin (A,B) */
        SELECTOR_EXISTS,     /* KEY */
        SELECTOR_ABSENT,     /* !KEY */
} SelectorOperator;

typedef struct SelectorRequirement {
        char *key;
        SelectorOperator operator;
        char **values;
} SelectorRequirement;

int selector_parse(const char *s, SelectorRequirement **ret, size_t *ret_n, const char **reterr_why);
void selector_free(SelectorRequirement *requirements, size_t n);
bool selector_matches(const SelectorRequirement *requirements, size_t n, const KubeObject *o);
