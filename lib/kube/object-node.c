/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/object-internal.h"

static const char *find_internal_ip(const JsonValue *addresses) {
        JSON_FOREACH(a, addresses)
                if (streq_ptr(jv_get_string(a, "type"), "InternalIP"))
                        return jv_get_string(a, "address");
        return NULL;
}

/* Only the kubelet writes it: the lifecycle controller, which sets Ready to Unknown, leaves it as it is. */
static const char *find_heartbeat(const JsonValue *conditions) {
        JSON_FOREACH(c, conditions)
                if (streq_ptr(jv_get_string(c, "type"), "Ready"))
                        return jv_get_string(c, "lastHeartbeatTime");
        return NULL;
}

static bool keeps_pods_away(const char *effect) {
        return streq_ptr(effect, "NoSchedule") || streq_ptr(effect, "NoExecute");
}

static void read_taints(Arena *a, const JsonValue *taints, KubeNode *node) {
        size_t n = 0, i = 0;

        if (!jv_is_array(taints))
                return;
        JSON_FOREACH(t, taints)
                n += keeps_pods_away(jv_get_string(t, "effect"));
        node->taints = arena_alloc(a, n, sizeof(KubeTaint));
        JSON_FOREACH(t, taints) {
                const char *effect = jv_get_string(t, "effect");
                KubeTaint scratch;

                if (!keeps_pods_away(effect))
                        continue;
                *ARENA_ELEMENT(node->taints, i, &scratch) = (KubeTaint){
                        .key = arena_string(a, jv_get_string(t, "key")) ?: "",
                        .value = arena_string(a, jv_get_string(t, "value")),
                        .evicts = streq_ptr(effect, "NoExecute"),
                };
                i++;
        }
        node->n_taints = a->error < 0 ? 0 : i;
}

void kube_node_read(Arena *a, const JsonValue *json, KubeNode *n) {
        const JsonValue *status = jv_get(json, "status"), *info = jv_get(status, "nodeInfo"),
                        *spec = jv_get(json, "spec"), *conditions = jv_get(status, "conditions");

        n->boot_id = arena_string(a, jv_get_string(info, "bootID"));
        n->machine_id = arena_string(a, jv_get_string(info, "machineID"));
        n->address = arena_string(a, find_internal_ip(jv_get(status, "addresses")));
        n->unschedulable = jv_get_bool(spec, "unschedulable", false);
        read_taints(a, jv_get(spec, "taints"), n);
        n->heartbeat = arena_string(a, find_heartbeat(conditions));
        n->conditions = arena_conditions(a, conditions, NULL, NULL, 0, &n->n_conditions);
}
