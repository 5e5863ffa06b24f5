/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Conditions of an object's status, and what they say. */

typedef enum KubeStatus {
        KUBE_STATUS_ABSENT, /* the condition is not there */
        KUBE_STATUS_FALSE,
        KUBE_STATUS_TRUE,
        KUBE_STATUS_UNKNOWN,
        _KUBE_STATUS_MAX,
        _KUBE_STATUS_INVALID = -EINVAL,
} KubeStatus;

typedef struct KubeCondition {
        const char *type;
        KubeStatus status;
        uint32_t observed_generation; /* its own; 0 where absent */
        const char *reason;
        const char *message;
} KubeCondition;

const char *kube_status_to_string(KubeStatus status);
KubeStatus kube_status_from_string(const char *s);
const KubeCondition *kube_condition_find(const KubeCondition *conditions, size_t n, const char *type);
const KubeCondition *kube_condition_find_any_case(const KubeCondition *conditions, size_t n,
                                                  const char *type);
