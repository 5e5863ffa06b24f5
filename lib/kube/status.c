/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/status.h"

#include <strings.h>

static const char *const status_table[_KUBE_STATUS_MAX] = {
        [KUBE_STATUS_ABSENT] = "",
        [KUBE_STATUS_FALSE] = "False",
        [KUBE_STATUS_TRUE] = "True",
        [KUBE_STATUS_UNKNOWN] = "Unknown",
};

const char *kube_status_to_string(KubeStatus status) {
        return status >= 0 && status < _KUBE_STATUS_MAX ? status_table[status] : NULL;
}

/* The status of a condition, in any case, as `kubectl wait` reads it; _KUBE_STATUS_INVALID for other words. */
KubeStatus kube_status_from_string(const char *s) {
        for (KubeStatus i = KUBE_STATUS_FALSE; i < _KUBE_STATUS_MAX; i++)
                if (strcasecmp(status_table[i], s) == 0)
                        return i;
        return _KUBE_STATUS_INVALID;
}

/* The condition of that type, or NULL. */
const KubeCondition *kube_condition_find(const KubeCondition *conditions, size_t n, const char *type) {
        for (size_t i = 0; i < n; i++)
                if (streq_ptr(conditions[i].type, type))
                        return &conditions[i];
        return NULL;
}

/* The same in any case, as `kubectl wait` finds it; one that is written exactly so goes before others. */
const KubeCondition *kube_condition_find_any_case(const KubeCondition *conditions, size_t n,
                                                  const char *type) {
        const KubeCondition *exact = kube_condition_find(conditions, n, type);

        for (size_t i = 0; !exact && i < n; i++)
                if (conditions[i].type && strcasecmp(conditions[i].type, type) == 0)
                        return &conditions[i];
        return exact;
}
