/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a DaemonSet wants a pod on a node: its nodeSelector and the required part of its node affinity, as the
 * scheduler reads them (k8s.io/component-helpers/scheduling/corev1/nodeaffinity), and the node's taints, which its
 * pods tolerate or not.
 *
 * Only taints of the administrator make a node unwanted. Kubernetes sets others itself, by the node's state: a pod
 * that one of those keeps away is a missing pod, or a node that is not ready would make workloads unwanted. */

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

/* The node's state, as the node controller and a cloud's controller see it. */
static bool is_of_state(const KubeTaint *taint) {
        return startswith(taint->key, "node.kubernetes.io/") ||
               startswith(taint->key, "node.cloudprovider.kubernetes.io/");
}

/* An operator that is not known here counts as one that tolerates: a doubt makes no workload unwanted. */
static bool tolerates(const KubeToleration *t, const KubeTaint *taint) {
        if (t->effect && !streq(t->effect, taint->evicts ? "NoExecute" : "NoSchedule"))
                return false;
        if (t->key && !streq(t->key, taint->key))
                return false;
        if (t->operator&& !streq(t->operator, "Equal"))
                return true;
        return streq(strempty(t->value), strempty(taint->value));
}

static bool is_tolerated(const KubeWorkload *set, const KubeTaint *taint) {
        for (size_t i = 0; i < set->n_tolerations; i++)
                if (tolerates(&set->tolerations[i], taint))
                        return true;
        return false;
}

/* The administrator's taint by which the node has no place for the DaemonSet's pods, or NULL. One that also ends
 * pods that run goes before the others. */
const KubeTaint *affinity_repels(const KubeWorkload *set, const KubeNode *node) {
        const KubeTaint *found = NULL;

        for (size_t i = 0; i < node->n_taints; i++) {
                const KubeTaint *taint = &node->taints[i];

                if (is_of_state(taint) || is_tolerated(set, taint))
                        continue;
                if (taint->evicts)
                        return taint;
                found = found ?: taint;
        }
        return found;
}

/* The taint of the node's state for which the DaemonSet's controller makes no pod there for now, or NULL. The pods
 * tolerate the other such taints, as the controller makes them. */
const KubeTaint *affinity_delays(const KubeWorkload *set, const KubeNode *node) {
        for (size_t i = 0; i < node->n_taints; i++) {
                const KubeTaint *taint = &node->taints[i];

                if (!taint->evicts && !is_tolerated(set, taint) &&
                    (streq(taint->key, "node.kubernetes.io/not-ready") ||
                     streq(taint->key, "node.kubernetes.io/unreachable")))
                        return taint;
        }
        return NULL;
}

/* Whether nodeSelector and affinity match the node. */
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
