/* SPDX-License-Identifier: Apache-2.0 */

#include "base/limits.h"
#include "base/string-util.h"
#include "kube/object-internal.h"

static const char *const condition_types[] = { "Initialized", "PodScheduled", "Ready", NULL };

static int32_t clamp_int32(int64_t i) {
        return (int32_t) (i < INT32_MIN ? INT32_MIN : i > INT32_MAX ? INT32_MAX : i);
}

static const JsonValue *status_named(const JsonValue *statuses, const char *name, uint32_t *ret_index) {
        uint32_t i = 0;

        JSON_FOREACH(s, statuses) {
                if (streq_ptr(jv_get_string(s, "name"), name)) {
                        *ret_index = i;
                        return s;
                }
                i++;
        }
        return NULL;
}

/* What a container left behind is the end of its log, and what killed it stands at the end of that. */
static const char *last_words(Arena *a, const char *s) {
        return arena_string(a, utf8_end(strempty(s), LIMIT_MESSAGE));
}

static void read_state(Arena *a, const JsonValue *status, KubeContainer *c) {
        const JsonValue *state = jv_get(status, "state"), *last, *now;

        if (jv_is_object(now = jv_get(state, "running")))
                c->state = KUBE_CONTAINER_RUNNING;
        else if (jv_is_object(now = jv_get(state, "terminated"))) {
                c->state = KUBE_CONTAINER_TERMINATED;
                c->exit_code = clamp_int32(jv_get_int(now, "exitCode", 0));
                c->signal = clamp_int32(jv_get_int(now, "signal", 0));
        } else if (jv_is_object(now = jv_get(state, "waiting")))
                c->state = KUBE_CONTAINER_WAITING;

        c->reason = arena_word(a, jv_get_string(now, "reason"));
        if (c->state == KUBE_CONTAINER_TERMINATED)
                c->message = last_words(a, jv_get_string(now, "message"));
        else
                c->message = arena_string(a, jv_get_string(now, "message"));

        last = jv_path(status, "lastState", "terminated", NULL);
        c->last_finished = kube_timestamp(jv_get_string(last, "finishedAt"));
        c->last_reason = arena_word(a, jv_get_string(last, "reason"));
        c->last_message = last_words(a, jv_get_string(last, "message"));
        c->last_exit_code = clamp_int32(jv_get_int(last, "exitCode", 0));
}

static void read_container(Arena *a, const JsonValue *spec, const JsonValue *statuses, bool init,
                           KubeContainer *c) {
        const char *name = jv_get_string(spec, "name");
        uint32_t index = 0;
        const JsonValue *status = name ? status_named(statuses, name, &index) : NULL;

        c->name = arena_string(a, name) ?: "";
        c->pull_always = streq_ptr(jv_get_string(spec, "imagePullPolicy"), "Always");
        if (!init)
                c->role = KUBE_CONTAINER_MAIN;
        else if (streq_ptr(jv_get_string(spec, "restartPolicy"), "Always"))
                c->role = KUBE_CONTAINER_SIDECAR;
        else
                c->role = KUBE_CONTAINER_INIT;

        if (!jv_is_object(status))
                return;

        c->in_status = true;
        c->status_index = index;
        c->ready = jv_get_bool(status, "ready", false);
        c->started = jv_get_bool(status, "started", false);
        c->restarts = clamp_int32(jv_get_int(status, "restartCount", 0));
        c->id = arena_string(a, jv_get_string(status, "containerID"));
        read_state(a, status, c);
}

/* Containers are in the order of the spec, which is the truth: the status may lack some or have another
 * order. */
static void read_containers(Arena *a, const JsonValue *json, KubePod *p) {
        const JsonValue *spec = jv_get(json, "spec"), *status = jv_get(json, "status");
        const JsonValue *lists[2] = { jv_get(spec, "initContainers"), jv_get(spec, "containers") };
        const JsonValue *statuses[2] = { jv_get(status, "initContainerStatuses"),
                                         jv_get(status, "containerStatuses") };
        size_t n = 0, i = 0;

        for (size_t k = 0; k < ELEMENTSOF(lists); k++)
                n += jv_is_array(lists[k]) ? jv_length(lists[k]) : 0;

        if (!arena_admits(a, n, "containers"))
                return;
        p->containers = arena_alloc(a, n, sizeof(KubeContainer));
        for (size_t k = 0; k < ELEMENTSOF(lists) && a->error >= 0; k++) {
                if (!jv_is_array(lists[k]))
                        continue;
                JSON_FOREACH(c, lists[k]) {
                        KubeContainer scratch = {};

                        read_container(a, c, statuses[k], k == 0, ARENA_ELEMENT(p->containers, i, &scratch));
                        i++;
                }
        }
        p->n_containers = i;
}

static KubeQos qos_from_string(const char *s) {
        if (streq_ptr(s, "Guaranteed"))
                return KUBE_QOS_GUARANTEED;
        if (streq_ptr(s, "Burstable"))
                return KUBE_QOS_BURSTABLE;
        return KUBE_QOS_BESTEFFORT;
}

/* On the host a static pod's uid is the hash of its file, which the kubelet writes into two annotations of
 * the pod that mirrors it here, owned by the node. Anybody who may edit a pod can give it the one; the API
 * server lets nobody add or change the other later. */
static const char *read_config_hash(Arena *a, const JsonValue *json, const KubePod *p) {
        const JsonValue *annotations = jv_path(json, "metadata", "annotations", NULL);
        const char *hash = jv_get_string(annotations, "kubernetes.io/config.hash");

        if (!streq_ptr(p->object.owner_kind, "Node") || !hash ||
            !streq_ptr(jv_get_string(annotations, "kubernetes.io/config.mirror"), hash))
                return NULL;
        return arena_string(a, hash);
}

/* The uid that the pod's control groups are named after. */
const char *kube_pod_host_uid(const KubePod *p) {
        return p->config_hash ?: p->object.uid;
}

void kube_pod_read(Arena *a, const JsonValue *json, KubePod *p) {
        const JsonValue *status = jv_get(json, "status");

        p->node = arena_string(a, jv_get_string(jv_get(json, "spec"), "nodeName"));
        p->phase = arena_word(a, jv_get_string(status, "phase"));
        p->reason = arena_word(a, jv_get_string(status, "reason"));
        p->message = arena_string(a, jv_get_string(status, "message"));
        p->config_hash = read_config_hash(a, json, p);
        p->qos = qos_from_string(jv_get_string(status, "qosClass"));
        p->conditions = arena_conditions(a, jv_get(status, "conditions"), condition_types, NULL, 0,
                                         &p->n_conditions);
        read_containers(a, json, p);
}
