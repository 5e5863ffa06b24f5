/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/limits.h"
#include "kube/object-internal.h"

void kube_lease_read(Arena *a, const JsonValue *json, KubeLease *l) {
        l->renew_time = arena_string(a, jv_get_string(jv_get(json, "spec"), "renewTime"));
}

/* The NAME of spec.containers{NAME}, or of spec.initContainers{NAME}. */
static const char *read_container_name(Arena *a, const char *path) {
        char name[256];
        const char *from, *to;

        from = path ? strchr(path, '{') : NULL;
        to = from ? strchr(from, '}') : NULL;
        if (!to || (size_t) (to - from) > sizeof(name))
                return NULL;

        snprintf(name, sizeof(name), "%.*s", (int) (to - from - 1), from + 1);
        return arena_string(a, name);
}

static usec_t first_timestamp(const char *a, const char *b, const char *c) {
        return kube_timestamp(a) ?: kube_timestamp(b) ?: kube_timestamp(c);
}

/* Reads both generations of the type: v1, and events.k8s.io/v1 with its other names. */
void kube_event_read(Arena *a, const JsonValue *json, KubeEvent *e) {
        const JsonValue *regarding = jv_get(json, "involvedObject") ?: jv_get(json, "regarding");
        const JsonValue *series = jv_get(json, "series");
        const char *time = jv_get_string(json, "eventTime"),
                   *created = jv_get_string(jv_get(json, "metadata"), "creationTimestamp");

        e->regarding_uid = arena_string(a, jv_get_string(regarding, "uid"));
        e->container = read_container_name(a, jv_get_string(regarding, "fieldPath"));
        e->reason = arena_word(a, jv_get_string(json, "reason"));
        e->message = arena_string(a, jv_get_string(json, "message") ?: jv_get_string(json, "note"));
        e->type = arena_word(a, jv_get_string(json, "type"));
        e->first_seen = first_timestamp(jv_get_string(json, "firstTimestamp")
                                                ?: jv_get_string(json, "deprecatedFirstTimestamp"),
                                        time, created);
        e->last_seen = kube_timestamp(jv_get_string(series, "lastObservedTime"))
                               ?: first_timestamp(jv_get_string(json, "lastTimestamp")
                                                          ?: jv_get_string(json, "deprecatedLastTimestamp"),
                                                  time, created);
}

void kube_generic_read(Arena *a, const JsonValue *json, KubeGeneric *g) {
        const JsonValue *status = jv_get(json, "status"), *health = jv_get(status, "health");
        const JsonValue *sync = jv_get(status, "sync");
        KubeCondition extra[3];
        size_t n = 0;

        if (!isempty(jv_get_string(status, "phase")))
                extra[n++] = (KubeCondition){
                        .type = jv_get_string(status, "phase"),
                        .status = KUBE_STATUS_TRUE,
                        .reason = jv_get_string(status, "reason"),
                        .message = jv_get_string(status, "message"),
                };
        if (!isempty(jv_get_string(health, "status")))
                extra[n++] = (KubeCondition){
                        .type = jv_get_string(health, "status"),
                        .status = KUBE_STATUS_TRUE,
                        .message = jv_get_string(health, "message"),
                };
        if (!isempty(jv_get_string(sync, "status")))
                extra[n++] = (KubeCondition){
                        .type = jv_get_string(sync, "status"),
                        .status = KUBE_STATUS_TRUE,
                };

        g->conditions = arena_conditions(a, jv_get(status, "conditions"), NULL, extra, n, &g->n_conditions);
        g->status_hash = arena_hash(a, status, "status");
}
