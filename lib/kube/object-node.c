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
                        *spec = jv_get(json, "spec");

        n->boot_id = arena_string(a, jv_get_string(info, "bootID"));
        n->machine_id = arena_string(a, jv_get_string(info, "machineID"));
        n->address = arena_string(a, find_internal_ip(jv_get(status, "addresses")));
        n->unschedulable = jv_get_bool(spec, "unschedulable", false);
        read_taints(a, jv_get(spec, "taints"), n);
        n->conditions = arena_conditions(a, jv_get(status, "conditions"), NULL, NULL, 0, &n->n_conditions);

        if (a->base && status) {
                int r = hash_status(status, &n->status_hash);

                if (r < 0 && a->error == 0)
                        a->error = r;
        }
}
