/* SPDX-License-Identifier: Apache-2.0 */

#include "varlink-json.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/string-util.h"
#include "diagnosis/columns.h"

/* Adds what is there; what is absent is left out, as the interface's nullable members want it. */
static int add_string(JsonValue *v, const char *key, const char *s) {
        return s ? jv_add_string(v, key, s) : 0;
}

static int add_usec(JsonValue *v, const char *key, usec_t usec) {
        /* As with time-outs, -1 is no limit. Others fit: 2^53 microseconds are 285 years. */
        return jv_add_int(v, key, usec == USEC_INFINITY ? -1 : (int64_t) MIN(usec, ((usec_t) 1 << 53) - 1));
}

/* The Verdict. */
int vj_verdict(const Readiness *readiness, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        const Verdict *verdict = &readiness->board.verdict;
        usec_t typical;
        int r;

        if (!v)
                return -ENOMEM;
        if ((r = jv_add_string(v, "state", gate_state_to_string(verdict->state))) < 0 ||
            (r = add_string(v, "reason", verdict->reason)) < 0 ||
            (r = add_usec(v, "changedBoottimeUSec", verdict->changed)) < 0 ||
            (r = add_usec(v, "changedRealtimeUSec", readiness->verdict_changed_realtime)) < 0 ||
            (r = add_usec(v, "nowBoottimeUSec", now_boottime())) < 0 ||
            (r = jv_add_string(v, "bootId", readiness->world->host.boot_id)) < 0 ||
            (r = add_string(v, "node", readiness_node_name(readiness))) < 0 ||
            (r = add_string(v, "server", readiness->world->server)) < 0 ||
            (r = add_string(v, "serverVersion", readiness->world->server_version)) < 0)
                return r;
        if (readiness_typical(readiness, &typical) >= 0 &&
            (r = add_usec(v, "typicalReadyUSec", typical)) < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

static int add_blockers(JsonValue *v, const Report *report) {
        JsonValue *list = jv_new_array();
        int r;

        if (!list)
                return -ENOMEM;
        r = jv_add(v, "blockers", list);
        for (size_t i = 0; i < report->n_blockers && r >= 0; i++) {
                JsonValue *blocker;

                r = blocker_to_json(&report->blockers[i], &blocker);
                if (r >= 0)
                        r = jv_append(list, blocker);
        }
        return r;
}

/* A Gate. */
int vj_gate(const Gate *g, Instant now, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        const Report *report = &g->report;
        GateClockKind clock;
        usec_t ends;
        int r;

        if (!v)
                return -ENOMEM;
        if ((r = jv_add_string(v, "name", gate_name(g))) < 0 ||
            (r = jv_add_string(v, "description", strempty(g->setup.definition->description))) < 0 ||
            (r = jv_add_bool(v, "required", gate_is_required(g))) < 0 ||
            (r = jv_add_string(v, "state", gate_state_to_string(gate_state(g)))) < 0 ||
            (r = add_usec(v, "changedBoottimeUSec", g->changed)) < 0)
                return r;
        if (g->first_ready > 0 && (r = add_usec(v, "firstReadyBoottimeUSec", g->first_ready)) < 0)
                return r;

        clock = gate_running_clock(g, now, &ends);
        if (clock != GATE_CLOCK_NONE &&
            ((r = jv_add_string(v, "clock", gate_clock_kind_to_string(clock))) < 0 ||
             (r = add_usec(v, "clockEndsBoottimeUSec", ends)) < 0))
                return r;
        if ((r = jv_add_int(v, "readyObjects", report->ready_objects)) < 0 ||
            (r = jv_add_int(v, "totalObjects", report->total_objects)) < 0 ||
            (r = jv_add_int(v, "readyContainers", report->ready_containers)) < 0 ||
            (r = jv_add_int(v, "totalContainers", report->total_containers)) < 0 ||
            (r = add_blockers(v, report)) < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

/* A row, found again by whose it is. */
typedef struct ObjectRow {
        char *key;
        JsonValue *row; /* in the list */
        UT_hash_handle hh;
} ObjectRow;

/* The objects that gates look at: one row each, with all gates that do. */
typedef struct ObjectList {
        JsonValue *list;
        ObjectRow *rows;
        const char *gate;
} ObjectList;

static void object_list_done(ObjectList *o) {
        ObjectRow *row, *next;

        HASH_ITER(hh, o->rows, row, next) {
                HASH_DEL(o->rows, row);
                free(row->key);
                free(row);
        }
        jv_free(o->list);
}

/* Remembers a row; key becomes the list's, or is freed. */
static int remember_row(ObjectList *o, char *key, JsonValue *row) {
        ObjectRow *r = calloc(1, sizeof(ObjectRow));

        if (r) {
                *r = (ObjectRow){ .key = key, .row = row };
                HASH_ADD_KEYPTR(hh, o->rows, r->key, strlen(r->key), r);
        }
        if (r && r->hh.tbl)
                return 0;
        free(key);
        free(r);
        return -ENOMEM;
}

static int add_gate_to_row(const ObjectList *o, const JsonValue *row) {
        JSON_FOREACH(g, jv_get(row, "gates"))
                if (streq_ptr(jv_string(g), o->gate))
                        return 0;
        return jv_append_string((JsonValue *) jv_get(row, "gates"), o->gate);
}

static int add_columns(JsonValue *v, const Watched *w) {
        PodColumns columns = POD_COLUMNS_NULL;
        const char *status;
        char ready[32];
        int r;

        if (w->object && w->object->object->kind == KUBE_NODE) {
                status = w->finding.evidence == EVIDENCE_TRUE
                                 ? node_status_column(KUBE_NODE_OF(w->object->object))
                                 : strna(w->finding.reason);
                return jv_add_string(v, "status", status);
        }
        if (!w->object || w->object->object->kind != KUBE_POD)
                return jv_add_string(v, "status",
                                     w->finding.evidence == EVIDENCE_TRUE ? "Ready"
                                                                          : strna(w->finding.reason));

        r = pod_columns(KUBE_POD_OF(w->object->object), now_realtime(), &columns);
        if (r < 0)
                return r;
        snprintf(ready, sizeof(ready), "%u/%u", columns.ready, columns.total);
        if ((r = jv_add_string(v, "ready", ready)) >= 0 &&
            (r = jv_add_string(v, "status", columns.status)) >= 0)
                r = jv_add_string(v, "restarts", columns.restarts);
        if (r >= 0)
                r = add_string(v, "node", KUBE_POD_OF(w->object->object)->node);
        pod_columns_done(&columns);
        return r;
}

static int make_row(const Watched *w, const ObjectName *name, const char *gate, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        JsonValue *object, *gates;
        int r;

        if (!v)
                return -ENOMEM;
        r = object_name_to_json(name, &object);
        if (r < 0 || (r = jv_add(v, "object", object)) < 0)
                return r;
        gates = jv_new_array();
        if (!gates || jv_add(v, "gates", gates) < 0)
                return -ENOMEM;
        if ((r = jv_append_string(gates, gate)) < 0 ||
            (r = jv_add_bool(v, "isReady", w->finding.evidence == EVIDENCE_TRUE)) < 0 ||
            (r = jv_add_string(v, "proof", proof_to_string(w->finding.proof))) < 0 ||
            (r = add_columns(v, w)) < 0 || (r = add_usec(v, "sinceBoottimeUSec", w->since)) < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}

static int list_one(const Watched *w, void *userdata) {
        ObjectList *o = userdata;
        ObjectName name = {};
        JsonValue *row;
        ObjectRow *found;
        char *key;
        int r;

        r = asprintf_ret(&key, "%s\n%s\n%s", strempty(w->kind), strempty(w->namespace), strempty(w->name));
        if (r < 0)
                return r;
        HASH_FIND_STR(o->rows, key, found);
        if (found) {
                free(key);
                return add_gate_to_row(o, found->row);
        }

        r = object_name_set(&name, w->kind, w->namespace, w->name);
        if (r >= 0)
                r = make_row(w, &name, o->gate, &row);
        object_name_done(&name);
        if (r >= 0)
                r = jv_append(o->list, row);
        if (r < 0) {
                free(key);
                return r;
        }
        return remember_row(o, key, row);
}

/* All Watched of the gate named, or of every enabled gate. */
int vj_objects(const Readiness *readiness, const char *gate, JsonValue **ret) {
        _cleanup_(object_list_done) ObjectList o = { .list = jv_new_array() };
        Instant now = instant_now();
        int r;

        if (!o.list)
                return -ENOMEM;
        for (size_t i = 0; i < readiness->board.n_gates; i++) {
                const Gate *g = readiness->board.gates[i];

                if (gate_state(g) == GATE_DISABLED || g->setup.definition->invalid ||
                    (gate && !streq(gate_name(g), gate)))
                        continue;
                o.gate = gate_name(g);
                for (size_t j = 0; j < g->n_checks; j++) {
                        r = check_list(&g->checks[j], readiness->world, now, list_one, &o);
                        if (r < 0)
                                return r;
                }
        }

        *ret = TAKE_PTR(o.list);
        return 0;
}

static int add_strings(JsonValue *v, const char *key, char *const *l) {
        JsonValue *list = jv_new_array();
        int r;

        if (!list)
                return -ENOMEM;
        r = jv_add(v, key, list);
        STRV_FOREACH(s, l)
                if (r >= 0)
                        r = jv_append_string(list, *s);
        return r;
}

static int add_checks(JsonValue *v, const GateDefinition *d) {
        _cleanup_(strv_freep) char **checks = NULL;
        int r;

        /* An invalid gate asks nothing, and its checks may have been read by half. */
        for (size_t i = 0; !d->invalid && i < d->n_checks; i++) {
                char *text;

                r = check_definition_describe(d->checks[i], &text);
                if (r >= 0)
                        r = strv_consume(&checks, text);
                if (r < 0)
                        return r;
        }
        return add_strings(v, "checks", checks);
}

/* A Definition. */
int vj_definition(const Gate *g, JsonValue **ret) {
        _cleanup_(jv_freep) JsonValue *v = jv_new_object();
        const GateDefinition *d = g->setup.definition;
        int r;

        if (!v)
                return -ENOMEM;
        if ((r = jv_add_string(v, "name", d->name)) < 0 ||
            (r = jv_add_string(v, "description", strempty(d->description))) < 0 ||
            (r = jv_add_bool(v, "required", g->setup.required)) < 0 ||
            (r = jv_add_bool(v, "enabled", g->setup.enabled)) < 0 ||
            (r = add_string(v, "cause", d->invalid ?: g->setup.cause)) < 0 ||
            (r = add_strings(v, "files", d->files)) < 0 || (r = add_checks(v, d)) < 0 ||
            (r = add_usec(v, "settleUSec", g->setup.timing.settle)) < 0 ||
            (r = add_usec(v, "holdUSec", g->setup.timing.hold)) < 0 ||
            (r = add_usec(v, "unknownUSec", g->setup.timing.unknown)) < 0 ||
            (r = jv_add_string(v, "onUnknown", d->on_unknown == ON_UNKNOWN_CLOSE ? "close" : "hold")) < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}
