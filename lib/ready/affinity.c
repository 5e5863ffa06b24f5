/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a DaemonSet wants a pod on a node: its nodeSelector and the required part of its node affinity, as the
 * scheduler reads them (k8s.io/component-helpers/scheduling/corev1/nodeaffinity). Taints do not count: a pod that a
 * taint keeps away is a missing pod. */

#include "ready/affinity.h"

#include "base/parse.h"

static bool selector_admits(const KubeWorkload *set, const KubeNode *node) {
        STRV_FOREACH(s, set->node_selector)
                if (!strv_contains(node->object.labels, *s))
                        return false;
        return true;
}

static bool compares(const char *have, const char *than, bool greater) {
        uint64_t a, b;

        if (!have || parse_uint64(have, &a) < 0 || parse_uint64(than, &b) < 0)
                return false;
        return greater ? a > b : a < b;
}

static bool requirement_holds(const KubeNodeRequirement *q, const KubeNode *node) {
        const char *have = NULL;

        if (!q->field)
                have = kube_label(&node->object, q->key);
        else if (streq(q->key, "metadata.name"))
                have = node->object.name;

        if (streq(q->operator, "In"))
                return have && strv_contains(q->values, have);
        if (streq(q->operator, "NotIn"))
                return !have || !strv_contains(q->values, have);
        if (streq(q->operator, "Exists"))
                return have;
        if (streq(q->operator, "DoesNotExist"))
                return !have;
        if (streq(q->operator, "Gt") || streq(q->operator, "Lt"))
                return strv_length(q->values) == 1 && compares(have, q->values[0], streq(q->operator, "Gt"));
        return false;
}

bool affinity_admits(const KubeWorkload *set, const KubeNode *node) {
        if (!selector_admits(set, node))
                return false;
        if (!set->has_affinity)
                return true;

        /* One matching term suffices; a term without requirements matches nothing. */
        for (size_t i = 0; i < set->n_requirements;) {
                unsigned term = set->requirements[i].term;
                bool all = true;

                for (; i < set->n_requirements && set->requirements[i].term == term; i++)
                        all = all && requirement_holds(&set->requirements[i], node);
                if (all)
                        return true;
        }
        return false;
}
