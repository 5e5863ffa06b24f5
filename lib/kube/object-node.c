/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/object-internal.h"

static const char *find_internal_ip(const JsonValue *addresses) {
        JSON_FOREACH(a, addresses)
                if (streq_ptr(jv_get_string(a, "type"), "InternalIP"))
                        return jv_get_string(a, "address");
        return NULL;
}

void kube_node_read(Arena *a, const JsonValue *json, KubeNode *n) {
        const JsonValue *status = jv_get(json, "status"), *info = jv_get(status, "nodeInfo");

        n->boot_id = arena_string(a, jv_get_string(info, "bootID"));
        n->machine_id = arena_string(a, jv_get_string(info, "machineID"));
        n->address = arena_string(a, find_internal_ip(jv_get(status, "addresses")));
        n->unschedulable = jv_get_bool(jv_get(json, "spec"), "unschedulable", false);
        n->conditions = arena_conditions(a, jv_get(status, "conditions"), NULL, NULL, 0, &n->n_conditions);
        n->status_hash = arena_hash(a, status);
}
