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

static void read_tolerations(Arena *a, const JsonValue *tolerations, KubeWorkload *w) {
        size_t i = 0;

        if (!jv_is_array(tolerations))
                return;
        w->tolerations = arena_alloc(a, jv_length(tolerations), sizeof(KubeToleration));
        JSON_FOREACH(t, tolerations) {
                KubeToleration scratch;

                *ARENA_ELEMENT(w->tolerations, i, &scratch) = (KubeToleration){
                        .key = arena_string(a, jv_get_string(t, "key")),
                        .operator= arena_string(a, jv_get_string(t, "operator")),
                        .value = arena_string(a, jv_get_string(t, "value")),
                        .effect = arena_string(a, jv_get_string(t, "effect")),
                };
                i++;
        }
        w->n_tolerations = a->error < 0 ? 0 : i;
}

/* A Deployment that is paused, an update strategy of OnDelete and a partition keep pods of an old revision on purpose,
 * for as long as the owner likes. */
static bool is_held_back(const JsonValue *spec) {
        const JsonValue *strategy = jv_get(spec, "updateStrategy");

        return jv_get_bool(spec, "paused", false) ||
               streq_ptr(jv_get_string(strategy, "type"), "OnDelete") ||
               jv_get_int(jv_get(strategy, "rollingUpdate"), "partition", 0) > 0;
}

static const char *find_revision(const JsonValue *json, KubeKind kind) {
        const JsonValue *annotations = jv_path(json, "metadata", "annotations", NULL);

        if (is_held_back(jv_get(json, "spec")))
                return NULL;
        switch (kind) {
        case KUBE_DAEMONSET:
                return jv_get_string(annotations, "deprecated.daemonset.template.generation");
        case KUBE_STATEFULSET:
                return jv_get_string(jv_get(json, "status"), "updateRevision");
        default:
                return jv_get_string(annotations, "deployment.kubernetes.io/revision");
        }
}

/* The controller finds the newest revision also by a hash over the template: after an undo it keeps pods that it made
 * of the same template before, though their generation is another. */
static bool is_rolled_out(const JsonValue *status) {
        int64_t desired = jv_get_int(status, "desiredNumberScheduled", 0);

        return desired > 0 && jv_get_int(status, "updatedNumberScheduled", 0) >= desired &&
               jv_get_int(status, "numberMisscheduled", 0) == 0;
}

void kube_workload_read(Arena *a, const JsonValue *json, KubeWorkload *w) {
        const JsonValue *spec = jv_get(json, "spec"), *pod = jv_path(spec, "template", "spec", NULL);
        const JsonValue *status = jv_get(json, "status");
        const JsonValue *required = jv_path(pod, "affinity", "nodeAffinity",
                                            "requiredDuringSchedulingIgnoredDuringExecution", NULL);

        w->replicas = w->object.kind == KUBE_DAEMONSET ? -1 : MAX(jv_get_int(spec, "replicas", 1), 0);
        w->revision = arena_string(a, find_revision(json, w->object.kind));

        /* Only of a DaemonSet it matters where its pods may run. */
        if (w->object.kind != KUBE_DAEMONSET) {
                w->pods_counted = jv_get_int(status, "replicas", 0);
                return;
        }
        w->is_rolled_out = is_rolled_out(status);
        read_tolerations(a, jv_get(pod, "tolerations"), w);
        w->node_selector = arena_pairs(a, jv_get(pod, "nodeSelector"), "terms of its node selector");
        w->has_affinity = jv_is_object(required);
        if (w->has_affinity)
                read_affinity(a, required, w);
}
