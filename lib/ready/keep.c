/* SPDX-License-Identifier: Apache-2.0 */

/* Rule R6: the state that the daemon keeps over its own restart, within one boot and one userspace.
 *
 * The time from the stamp on, when no daemon watched, counts as NO-EVIDENCE: a gate that was open stays open
 * for the rest of its grace, and a hold goes on from where it was. The containers that proved an open gate
 * are kept too, so that the daemon sees at once whether one has died in the meantime, with or without the
 * API.
 *
 * What was kept of another cluster stands until that is known: the board compares (cluster.c). */

#include "ready/keep.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "json/builder.h"
#include "ready/check-kinds.h"
#include "ready/life.h"
#include "ready/pod.h"

#define KEEP_VERSION 2
/* More than one node runs; further containers are not kept. */
#define KEEP_CONTAINERS 256
#define HASH_SIZE sizeof("0123456789abcdef")

typedef struct Keeping {
        JsonBuilder *b;
        unsigned check, spare; /* of the check that is listed */
        size_t n;
        bool with_dead; /* keep dead containers too: the gate is FALSE, and after the restart they show why */
} Keeping;

static void add_container(JsonBuilder *b, const KeptContainer *k) {
        jb_object(b, NULL);
        jb_string(b, "namespace", k->namespace);
        jb_string(b, "pod", k->pod);
        jb_string(b, "uid", k->pod_uid);
        jb_int(b, "qos", k->qos);
        jb_string(b, "container", k->container);
        jb_string(b, "id", k->id);
        jb_int(b, "check", k->check);
        jb_int(b, "spare", k->spare);
        if (k->beside) {
                jb_array(b, "beside");
                STRV_FOREACH(i, k->beside)
                        jb_string(b, NULL, *i);
                jb_end(b);
        }
        jb_end(b);
}

static int keep_watched(const Watched *watched, void *userdata) {
        Keeping *k = userdata;
        const KubePod *p;

        if (!watched->object || watched->object->object->kind != KUBE_POD)
                return 0;
        if (watched->finding.proof != PROOF_CGROUP && !watched->object->is_restarted &&
            !(k->with_dead && pod_is_dead(&watched->finding)))
                return 0;
        p = KUBE_POD_OF(watched->object->object);
        for (size_t i = 0; i < p->n_containers; i++) {
                if (p->containers[i].role == KUBE_CONTAINER_INIT || !p->containers[i].id ||
                    k->n >= KEEP_CONTAINERS)
                        continue;
                add_container(k->b, &(KeptContainer){
                                            .namespace = (char *) p->object.namespace,
                                            .pod = (char *) p->object.name,
                                            .pod_uid = (char *) kube_pod_host_uid(p),
                                            .qos = p->qos,
                                            .container = (char *) p->containers[i].name,
                                            .id = (char *) p->containers[i].id,
                                            .beside = watched->object->beside,
                                            .check = k->check,
                                            .spare = k->spare,
                                    });
                k->n++;
        }
        return 0;
}

static void print_containers(const Gate *g, const World *w, Instant now, JsonBuilder *b) {
        Keeping keeping = { .b = b, .with_dead = g->report.evidence == EVIDENCE_FALSE };

        for (size_t i = 0; i < g->n_kept; i++)
                add_container(b, &g->kept[i]);
        for (size_t i = 0; g->n_kept == 0 && i < g->n_checks; i++) {
                keeping.check = (unsigned) i;
                keeping.spare = g->checks[i].spare;
                jb_fail(b, check_list(&g->checks[i], w, now, keep_watched, &keeping));
        }
}

static void print_conditions(const Gate *g, JsonBuilder *b) {
        for (size_t i = 0; i < g->n_checks; i++) {
                _cleanup_free_ char *question = NULL;

                if (!g->checks[i].stands)
                        continue;
                jb_fail(b, check_condition_question(g->checks[i].definition, &question));
                jb_string(b, NULL, question);
        }
}

static const char *print_hash(const Gate *g, char text[static HASH_SIZE]) {
        snprintf(text, HASH_SIZE, "%016" PRIx64, g->checks_hash);
        return text;
}

static void print_gate(const Gate *g, const World *w, Instant now, JsonBuilder *b) {
        GateClock clock = g->clock;
        char hash[HASH_SIZE];

        /* Advances the clocks to the stamp. */
        gate_clock_feed(&clock, &g->setup.timing, clock.evidence, now.monotonic);

        jb_object(b, NULL);
        jb_string(b, "name", gate_name(g));
        jb_string(b, "checks", print_hash(g, hash));
        jb_string(b, "state", gate_state_to_string(gate_state(g)));
        jb_usec(b, "changed", g->changed);
        jb_usec(b, "firstReady", g->first_ready);
        jb_usec(b, "falseFor", clock.false_for);
        jb_usec(b, "noneFor", clock.evidence == EVIDENCE_NONE ? clock.none_for : 0);
        jb_array(b, "conditions");
        print_conditions(g, b);
        jb_end(b);
        jb_array(b, "containers");
        if (gate_state(g) == GATE_READY || gate_state(g) == GATE_UNKNOWN)
                print_containers(g, w, now, b);
        jb_end(b);
        jb_end(b);
}

/* Writes the board's states, stamped with now. -E2BIG over the buffer's ceiling, -ENOMEM. */
int keep_print(const Board *board, const World *w, const KeepStamp *stamp, Instant now, Buffer *out) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        JsonBuilder b = {};
        int r;

        assert(stamp->boot_id);

        jb_int(&b, "version", KEEP_VERSION);
        jb_string(&b, "bootId", stamp->boot_id);
        jb_usec(&b, "userspace", stamp->userspace);
        jb_usec(&b, "stamp", now.monotonic);
        jb_bool(&b, "wasReady", board->verdict.was_ready);
        jb_string(&b, "state", gate_state_to_string(board->verdict.state));
        jb_usec(&b, "changed", board->verdict.changed);
        cluster_name_print(&board->cluster, &b);
        jb_array(&b, "gates");
        BOARD_FOREACH(g, board) {
                if (gate_state(g) != GATE_DISABLED)
                        print_gate(g, w, now, &b);
        }
        jb_end(&b);

        r = jb_finish(&b, &v);
        return r < 0 ? r : jv_print(v, false, out);
}

static int restore_beside(const JsonValue *list, char ***ret) {
        _cleanup_(strv_freep) char **beside = NULL;

        if (!jv_is_array(list) || jv_length(list) > BESIDE_MAX)
                return 0;
        beside = strv_new_empty();
        if (!beside)
                return -ENOMEM;
        JSON_FOREACH(id, list) {
                int r = strv_extend(&beside, strempty(jv_string(id)));

                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(beside);
        return 0;
}

static unsigned restore_count(const JsonValue *v, const char *name) {
        int64_t n = jv_get_int(v, name, 0);

        return n > 0 ? (unsigned) MIN(n, (int64_t) LIMIT_OBJECTS) : 0;
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
                .check = restore_count(v, "check"),
                .spare = restore_count(v, "spare"),
        };
        if (!ret->namespace || !ret->pod || !ret->pod_uid || !ret->container || !ret->id)
                return -ENOMEM;
        return restore_beside(jv_get(v, "beside"), &ret->beside);
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

static int restore_containers(Gate *g, const JsonValue *containers) {
        int r;

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

/* Returns 1 where the gate has its past again; 0 where its checks are others now: it begins again, and the first
 * judgement tells that. */
static int restore_gate(Gate *g, const JsonValue *v, usec_t unwatched, Instant now) {
        char hash[HASH_SIZE];
        GateState state = gate_state_from_string(strempty(jv_get_string(v, "state")));
        int r;

        if (state < 0 || state == GATE_DISABLED)
                return -EBADMSG;
        if (gate_state(g) == GATE_DISABLED)
                return 0;
        g->told = state;
        g->changed = MIN(jv_get_usec(v, "changed", 0), now.boottime);
        if (!streq_ptr(jv_get_string(v, "checks"), print_hash(g, hash)))
                return 0;

        g->clock = (GateClock){
                .state = state,
                .evidence = EVIDENCE_NONE,
                .is_fed = true,
                .fed = now.monotonic,
                .false_for = jv_get_usec(v, "falseFor", 0),
                .none_for = usec_add(jv_get_usec(v, "noneFor", 0), unwatched),
        };
        g->first_ready = MIN(jv_get_usec(v, "firstReady", 0), now.boottime);

        r = restore_conditions(g, jv_get(v, "conditions"));
        if (r < 0)
                return r;
        r = restore_containers(g, jv_get(v, "containers"));
        return r < 0 ? r : 1;
}

static const JsonValue *find_kept(const JsonValue *gates, const char *name) {
        JSON_FOREACH(v, gates)
                if (streq_ptr(jv_get_string(v, "name"), name))
                        return v;
        return NULL;
}

/* Returns 1 where every gate that is required has its past again, else 0. */
static int restore_gates(Board *b, const JsonValue *gates, usec_t unwatched, Instant now) {
        bool all = true;

        BOARD_FOREACH(g, b) {
                const JsonValue *v = find_kept(gates, gate_name(g));
                int r = v ? restore_gate(g, v, unwatched, now) : 0;

                if (r < 0)
                        return r;
                all = all && (r > 0 || !gate_is_required(g));
        }
        return all;
}

/* The verdict was ready only if the gates that are required now were. */
static int restore_all(Board *b, const JsonValue *v, usec_t unwatched, Instant now) {
        _cleanup_(cluster_name_done) ClusterName cluster = {};
        int r;

        r = cluster_name_restore(&cluster, jv_get(v, "cluster"));
        if (r >= 0)
                r = restore_gates(b, jv_get(v, "gates"), unwatched, now);
        if (r < 0) {
                /* A text that cannot be read in full is not believed in part. */
                BOARD_FOREACH(g, b) {
                        (void) gate_forget(g, now);
                }
                return r;
        }

        b->verdict.was_ready = r > 0 && jv_get_bool(v, "wasReady", false);
        cluster_name_done(&b->cluster);
        b->cluster = cluster;
        cluster = (ClusterName){};
        return 0;
}

/* Restores the gates' state from the text. -ESTALE if it is from another boot or userspace, or another version of the
 * program wrote it; -EBADMSG if it cannot be read; nothing is restored then. -ENOMEM. */
int keep_restore(Board *b, const char *text, size_t size, const KeepStamp *stamp, Instant now) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        GateState state;
        usec_t then;
        int r;

        assert(stamp->boot_id);

        r = jv_parse(text, size, &v);
        if (r < 0)
                return r;
        if (jv_get_int(v, "version", 0) <= 0)
                return -EBADMSG;
        if (jv_get_int(v, "version", 0) != KEEP_VERSION ||
            !streq_ptr(jv_get_string(v, "bootId"), stamp->boot_id) ||
            jv_get_usec(v, "userspace", 0) != stamp->userspace)
                return -ESTALE;
        then = jv_get_usec(v, "stamp", 0);
        state = gate_state_from_string(strempty(jv_get_string(v, "state")));
        if (then > now.monotonic || state < 0 || state == GATE_DISABLED)
                return -EBADMSG;

        r = restore_all(b, v, now.monotonic - then, now);
        if (r < 0)
                return r;

        b->verdict.state = state;
        b->verdict.changed = MIN(jv_get_usec(v, "changed", 0), now.boottime);
        return 0;
}
