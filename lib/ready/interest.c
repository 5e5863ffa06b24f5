/* SPDX-License-Identifier: Apache-2.0 */

/* Which objects any gate looks at, told from what stands in their metadata, so that the rest is dropped before
 * it is parsed. It may say yes too often and never no wrongly: ownership is proven by uid later. */

#include "ready/interest.h"

/* A ReplicaSet's name is its Deployment's with a hash behind it. */
static bool is_replica_set_of(const char *name, const char *deployment) {
        const char *rest = startswith(name, deployment);

        return rest && rest[0] == '-';
}

static bool workload_wants_pod(const CheckDefinition *d, const KubeBrief *brief) {
        if (!streq_ptr(d->namespace, brief->namespace))
                return false;
        if (d->workload == KUBE_DEPLOYMENT)
                return streq(brief->owner_kind, "ReplicaSet") &&
                       is_replica_set_of(brief->owner_name, d->name);
        return streq(brief->owner_kind, kube_kind_to_string(d->workload)) &&
               streq(brief->owner_name, d->name);
}

static bool pods_want_pod(const CheckDefinition *d, const KubeBrief *brief) {
        /* selector_matches() looks at nothing but the labels, whose order it does not mind. */
        const KubeObject labelled = { .kind = KUBE_POD, .labels = (char **) brief->labels };

        if (d->namespace && !streq(d->namespace, brief->namespace))
                return false;
        return selector_matches(d->requirements, d->n_requirements, &labelled);
}

static bool check_wants(const CheckDefinition *d, KubeKind kind, const KubeBrief *brief) {
        switch (kind) {
        case KUBE_POD:
                return (d->kind == CHECK_WORKLOAD && workload_wants_pod(d, brief)) ||
                       (d->kind == CHECK_PODS && pods_want_pod(d, brief));
        case KUBE_REPLICASET:
                return d->kind == CHECK_WORKLOAD && d->workload == KUBE_DEPLOYMENT &&
                       streq_ptr(d->namespace, brief->namespace) && streq(brief->owner_name, d->name);
        case KUBE_DAEMONSET:
        case KUBE_DEPLOYMENT:
        case KUBE_STATEFULSET:
                return d->kind == CHECK_WORKLOAD && d->workload == kind &&
                       streq_ptr(d->namespace, brief->namespace) && streq(d->name, brief->name);
        case KUBE_EVENT:
                return (d->kind == CHECK_WORKLOAD || d->kind == CHECK_PODS) &&
                       (!d->namespace || streq(d->namespace, brief->namespace));
        default:
                return true;
        }
}

bool board_wants(const Board *b, KubeKind kind, const KubeBrief *brief) {
        if (kind == KUBE_NODE || kind == KUBE_LEASE || kind == KUBE_GENERIC)
                return true;
        for (size_t i = 0; i < b->n_gates; i++) {
                const Gate *g = b->gates[i];

                if (!gate_is_asked(g))
                        continue;
                for (size_t j = 0; j < g->n_checks; j++)
                        if (check_wants(g->checks[j].definition, kind, brief))
                                return true;
        }
        return false;
}

/* Whether a check that looks at the pod has it proven by its cgroups, and not in another way. */
bool board_wants_cgroups(const Board *b, const KubePod *pod) {
        const KubeBrief brief = {
                .namespace = pod->object.namespace,
                .name = pod->object.name,
                .owner_kind = strempty(pod->object.owner_kind),
                .owner_name = strempty(pod->object.owner_name),
                .labels = pod->object.labels,
        };

        for (size_t i = 0; i < b->n_gates; i++)
                for (size_t j = 0; gate_is_asked(b->gates[i]) && j < b->gates[i]->n_checks; j++) {
                        const CheckDefinition *d = b->gates[i]->checks[j].definition;

                        if (d->proof == PROOF_WANTED_CGROUP && check_wants(d, KUBE_POD, &brief))
                                return true;
                }
        return false;
}

/* Whether a check asks for a node that is not this host's. */
bool board_wants_other_nodes(const Board *b) {
        for (size_t i = 0; i < b->n_gates; i++)
                for (size_t j = 0; gate_is_asked(b->gates[i]) && j < b->gates[i]->n_checks; j++) {
                        const CheckDefinition *d = b->gates[i]->checks[j].definition;

                        if (d->kind == CHECK_NODE && d->name)
                                return true;
                }
        return false;
}
