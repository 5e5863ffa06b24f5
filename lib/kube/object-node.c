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

void kube_node_read(Arena *a, const JsonValue *json, KubeNode *n) {
        const JsonValue *status = jv_get(json, "status"), *info = jv_get(status, "nodeInfo"),
                        *conditions = jv_get(status, "conditions");

        n->boot_id = arena_string(a, jv_get_string(info, "bootID"));
        n->machine_id = arena_string(a, jv_get_string(info, "machineID"));
        n->address = arena_string(a, find_internal_ip(jv_get(status, "addresses")));
        n->unschedulable = jv_get_bool(jv_get(json, "spec"), "unschedulable", false);
        n->heartbeat = arena_string(a, find_heartbeat(conditions));
        n->conditions = arena_conditions(a, conditions, NULL, NULL, 0, &n->n_conditions);
}
