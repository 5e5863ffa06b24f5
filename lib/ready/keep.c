/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R6: what outlives a restart of the daemon within one boot and one userspace.
 *
 * The time that nobody watched, from the stamp on, is NO-EVIDENCE: a gate that was open stays open for what is
 * left of its grace, a hold goes on from where it was. The containers that proved an open gate come along, so
 * that one that has died in the meantime is known at once, the API being there or not. */

#include "ready/keep.h"

#include "base/string-util.h"
#include "ready/check-kinds.h"
#include "ready/pod.h"

#define KEEP_VERSION 1
/* More than a node runs; what is over it goes without this proof. */
#define KEEP_CONTAINERS 256

typedef struct Keeping {
        JsonValue *list;
        size_t n;
        bool with_dead; /* the gate is FALSE: so it is after the restart, if that is why */
} Keeping;

static int add_container(JsonValue *list, const char *namespace, const char *pod, const char *uid,
                         KubeQos qos, const char *container, const char *id) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        int r;

        if (!v)
                return -ENOMEM;
        if ((r = jv_add_string(v, "namespace", namespace)) < 0 || (r = jv_add_string(v, "pod", pod)) < 0 ||
            (r = jv_add_string(v, "uid", uid)) < 0 || (r = jv_add_int(v, "qos", qos)) < 0 ||
            (r = jv_add_string(v, "container", container)) < 0 || (r = jv_add_string(v, "id", id)) < 0)
                return r;
        return jv_append(list, TAKE_PTR(v));
}

static int keep_watched(const Watched *watched, void *userdata) {
        Keeping *k = userdata;
        const KubePod *p;
        int r;

        if (!watched->object || watched->object->object->kind != KUBE_POD)
                return 0;
        if (watched->finding.proof != PROOF_CGROUP && !(k->with_dead && pod_is_dead(&watched->finding)))
                return 0;
        p = KUBE_POD_OF(watched->object->object);
        for (size_t i = 0; i < p->n_containers; i++) {
                if (p->containers[i].role == KUBE_CONTAINER_INIT || !p->containers[i].id ||
                    k->n >= KEEP_CONTAINERS)
                        continue;
                r = add_container(k->list, p->object.namespace, p->object.name,
                                  p->config_hash ?: p->object.uid, p->qos, p->containers[i].name,
                                  p->containers[i].id);
                if (r < 0)
                        return r;
                k->n++;
        }
        return 0;
}

static int print_containers(const Gate *g, const World *w, Instant now, JsonValue *list) {
        Keeping keeping = { .list = list, .with_dead = g->report.evidence == EVIDENCE_FALSE };
        int r;

        for (size_t i = 0; i < g->n_kept; i++) {
                const KeptContainer *k = &g->kept[i];

                r = add_container(list, k->namespace, k->pod, k->pod_uid, k->qos, k->container, k->id);
                if (r < 0)
                        return r;
        }
        if (g->n_kept > 0)
                return 0;

        for (size_t i = 0; i < g->n_checks; i++) {
                r = check_list(&g->checks[i], w, now, keep_watched, &keeping);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_usec(JsonValue *v, const char *key, usec_t usec) {
        return jv_add_int(v, key, (int64_t) MIN(usec, (usec_t) INT64_MAX / 2048));
}

static int print_conditions(const Gate *g, JsonValue *list) {
        int r;

        for (size_t i = 0; i < g->n_checks; i++) {
                _cleanup_free_ char *question = NULL;

                if (!g->checks[i].stands)
                        continue;
                r = check_condition_question(g->checks[i].definition, &question);
                if (r >= 0)
                        r = jv_append_string(list, question);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int print_gate(const Gate *g, const World *w, Instant now, JsonValue *list) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        JsonValue *containers, *stands;
        GateClock clock = g->clock;
        int r;

        if (!v)
                return -ENOMEM;

        /* Brings the stop-watches up to the stamp. */
        gate_clock_feed(&clock, &g->setup.timing, clock.evidence, now.monotonic);

        if ((r = jv_add_string(v, "name", gate_name(g))) < 0 ||
            (r = jv_add_string(v, "state", gate_state_to_string(gate_state(g)))) < 0 ||
            (r = add_usec(v, "changed", g->changed)) < 0 ||
            (r = add_usec(v, "firstReady", g->first_ready)) < 0 ||
            (r = add_usec(v, "falseFor", clock.false_for)) < 0 ||
            (r = add_usec(v, "noneFor", clock.evidence == EVIDENCE_NONE ? clock.none_for : 0)) < 0)
                return r;

        stands = jv_new_array();
        if (!stands || (r = jv_add(v, "conditions", stands)) < 0)
                return -ENOMEM;
        r = print_conditions(g, stands);
        if (r < 0)
                return r;

        containers = jv_new_array();
        if (!containers || (r = jv_add(v, "containers", containers)) < 0)
                return -ENOMEM;
        if (gate_state(g) == GATE_READY || gate_state(g) == GATE_UNKNOWN) {
                r = print_containers(g, w, now, containers);
                if (r < 0)
                        return r;
        }
        return jv_append(list, TAKE_PTR(v));
}

/* Writes the board's states, stamped with now. */
int keep_print(const Board *b, const World *w, const KeepStamp *stamp, Instant now, Buffer *out) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        JsonValue *list;
        int r;

        if (!v)
                return -ENOMEM;
        if ((r = jv_add_int(v, "version", KEEP_VERSION)) < 0 ||
            (r = jv_add_string(v, "bootId", stamp->boot_id)) < 0 ||
            (r = add_usec(v, "userspace", stamp->userspace)) < 0 ||
            (r = add_usec(v, "stamp", now.monotonic)) < 0 ||
            (r = jv_add_bool(v, "wasReady", b->verdict.was_ready)) < 0 ||
            (r = jv_add_string(v, "state", gate_state_to_string(b->verdict.state))) < 0 ||
            (r = add_usec(v, "changed", b->verdict.changed)) < 0)
                return r;

        list = jv_new_array();
        if (!list || (r = jv_add(v, "gates", list)) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < b->n_gates; i++) {
                if (gate_state(b->gates[i]) == GATE_DISABLED)
                        continue;
                r = print_gate(b->gates[i], w, now, list);
                if (r < 0)
                        return r;
        }
        return jv_print(v, false, out);
}

static usec_t get_usec(const JsonValue *v, const char *key) {
        int64_t i = jv_get_int(v, key, 0);

        return i > 0 ? (usec_t) i : 0;
}

static int restore_container(const JsonValue *v, KeptContainer *ret) {
        const char *namespace = jv_get_string(v, "namespace"), *pod = jv_get_string(v, "pod"),
                   *uid = jv_get_string(v, "uid"), *container = jv_get_string(v, "container"),
                   *id = jv_get_string(v, "id");
        int64_t qos = jv_get_int(v, "qos", -1);

        if (!namespace || !pod || !uid || !container || !id || qos < KUBE_QOS_GUARANTEED ||
            qos > KUBE_QOS_BESTEFFORT)
                return -EBADMSG;

        *ret = (KeptContainer){
                .namespace = strdup(namespace),
                .pod = strdup(pod),
                .pod_uid = strdup(uid),
                .qos = (KubeQos) qos,
                .container = strdup(container),
                .id = strdup(id),
        };
        return ret->namespace && ret->pod && ret->pod_uid && ret->container && ret->id ? 0 : -ENOMEM;
}

static int restore_conditions(Gate *g, const JsonValue *stands) {
        int r;

        for (size_t i = 0; i < g->n_checks; i++) {
                _cleanup_free_ char *question = NULL;

                if (g->checks[i].kind != &check_kind_condition)
                        continue;
                r = check_condition_question(g->checks[i].definition, &question);
                if (r < 0)
                        return r;
                JSON_FOREACH(s, stands)
                        if (streq_ptr(jv_string(s), question))
                                g->checks[i].stands = true;
        }
        return 0;
}

static void forget_gate(Gate *g) {
        if (gate_state(g) == GATE_DISABLED)
                return;
        gate_forget_kept(g);
        g->clock = (GateClock){ .state = GATE_WAITING };
        g->told = GATE_WAITING;
        g->first_ready = 0;
        for (size_t i = 0; i < g->n_checks; i++)
                g->checks[i].stands = false;
}

static int restore_gate(Gate *g, const JsonValue *v, usec_t unwatched, Instant now) {
        const JsonValue *containers = jv_get(v, "containers"), *stands = jv_get(v, "conditions");
        GateState state = gate_state_from_string(strempty(jv_get_string(v, "state")));
        int r;

        if (state < 0 || state == GATE_DISABLED)
                return -EBADMSG;
        if (gate_state(g) == GATE_DISABLED)
                return 0;

        g->clock = (GateClock){
                .state = state,
                .evidence = EVIDENCE_NONE,
                .is_fed = true,
                .fed = now.monotonic,
                .false_for = get_usec(v, "falseFor"),
                .none_for = usec_add(get_usec(v, "noneFor"), unwatched),
        };
        g->changed = MIN(get_usec(v, "changed"), now.boottime);
        g->first_ready = MIN(get_usec(v, "firstReady"), now.boottime);

        g->told = state;

        r = restore_conditions(g, stands);
        if (r < 0)
                return r;

        gate_forget_kept(g);
        g->kept = calloc(MIN(jv_length(containers), (size_t) KEEP_CONTAINERS) + 1, sizeof(KeptContainer));
        if (!g->kept)
                return -ENOMEM;
        JSON_FOREACH(c, containers) {
                if (g->n_kept >= KEEP_CONTAINERS)
                        break;
                r = restore_container(c, &g->kept[g->n_kept++]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int restore_all(Board *b, const JsonValue *v, usec_t unwatched, Instant now) {
        int r = 0;

        JSON_FOREACH(i, jv_get(v, "gates")) {
                const char *name = jv_get_string(i, "name");
                Gate *g = name ? board_find(b, name) : NULL;

                if (!g)
                        continue;
                r = restore_gate(g, i, unwatched, now);
                if (r < 0)
                        break;
        }

        /* What cannot be read in full is not believed in part. */
        for (size_t i = 0; r < 0 && i < b->n_gates; i++)
                forget_gate(b->gates[i]);
        return r;
}

/* Gives the gates the past that the text tells. -ESTALE where it is of another boot or userspace, -EBADMSG
 * where it cannot be read: nothing is believed then. */
int keep_restore(Board *b, const char *text, size_t size, const KeepStamp *stamp, Instant now) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        GateState state;
        usec_t then;
        int r;

        r = jv_parse(text, size, &v);
        if (r < 0)
                return r;
        if (jv_get_int(v, "version", 0) != KEEP_VERSION)
                return -EBADMSG;
        if (!streq_ptr(jv_get_string(v, "bootId"), stamp->boot_id) ||
            get_usec(v, "userspace") != stamp->userspace)
                return -ESTALE;
        then = get_usec(v, "stamp");
        state = gate_state_from_string(strempty(jv_get_string(v, "state")));
        if (then > now.monotonic || state < 0 || state == GATE_DISABLED)
                return -EBADMSG;

        r = restore_all(b, v, now.monotonic - then, now);
        if (r < 0)
                return r;

        b->verdict.was_ready = jv_get_bool(v, "wasReady", false);
        b->verdict.state = state;
        b->verdict.changed = MIN(get_usec(v, "changed"), now.boottime);
        return 0;
}
