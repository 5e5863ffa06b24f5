/* SPDX-License-Identifier: Apache-2.0 */

#include "base/hash.h"
#include "base/limits.h"
#include "kube/object-internal.h"

/* Over the printed status: a heartbeat must change it, as it is a sign of life. */
static int hash_status(const JsonValue *status, uint64_t *ret) {
        Buffer b = BUFFER_INIT(2 * LIMIT_OBJECT);
        int r;

        r = jv_print(status, false, &b);
        if (r >= 0)
                *ret = fnv_bytes(FNV_INIT, buffer_cstr(&b), b.size);
        buffer_done(&b);
        return r;
}

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

        if (a->base && status) {
                int r = hash_status(status, &n->status_hash);

                if (r < 0)
                        arena_refuse(a, r, "its status takes more than %zu bytes", 2 * LIMIT_OBJECT);
        }
}
