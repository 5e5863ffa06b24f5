/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/object-internal.h"

static const char *const requirement_lists[] = { "matchExpressions", "matchFields" };

/* A term without a requirement matches no node, and leaves no trace but a gap in the numbers. */
static void read_affinity(Arena *a, const JsonValue *required, KubeWorkload *w) {
        const JsonValue *terms = jv_get(required, "nodeSelectorTerms");
        size_t n = 0, i = 0;
        unsigned term = 0;

        JSON_FOREACH(t, terms)
                for (size_t k = 0; k < ELEMENTSOF(requirement_lists); k++)
                        n += jv_length(jv_get(t, requirement_lists[k]));

        if (!arena_admits(a, n, "requirements of its node affinity"))
                return;
        w->requirements = arena_alloc(a, n, sizeof(KubeNodeRequirement));
        JSON_FOREACH(t, terms) {
                for (size_t k = 0; k < ELEMENTSOF(requirement_lists) && a->error >= 0; k++)
                        JSON_FOREACH(e, jv_get(t, requirement_lists[k])) {
                                KubeNodeRequirement scratch;

                                *ARENA_ELEMENT(w->requirements, i, &scratch) = (KubeNodeRequirement){
                                        .term = term,
                                        .field = k == 1,
                                        .key = arena_string(a, jv_get_string(e, "key")) ?: "",
                                        .operator= arena_string(a, jv_get_string(e, "operator")) ?: "",
                                        .values = arena_strings(a, jv_get(e, "values"),
                                                                "values of its node affinity"),
                                };
                                i++;
                        }
                term++;
        }
        w->n_requirements = i;
}

void kube_workload_read(Arena *a, const JsonValue *json, KubeWorkload *w) {
        const JsonValue *spec = jv_get(json, "spec"), *pod = jv_path(spec, "template", "spec", NULL);
        const JsonValue *required = jv_path(pod, "affinity", "nodeAffinity",
                                            "requiredDuringSchedulingIgnoredDuringExecution", NULL);

        w->replicas = w->object.kind == KUBE_DAEMONSET ? -1 : MAX(jv_get_int(spec, "replicas", 1), 0);

        /* Only of a DaemonSet it matters where its pods may run. */
        if (w->object.kind != KUBE_DAEMONSET)
                return;
        w->node_selector = arena_pairs(a, jv_get(pod, "nodeSelector"), "terms of its node selector");
        w->has_affinity = jv_is_object(required);
        if (w->has_affinity)
                read_affinity(a, required, w);
}
