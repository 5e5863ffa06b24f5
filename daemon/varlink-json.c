/* SPDX-License-Identifier: Apache-2.0 */

#include "varlink-json.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/string-util.h"
#include "diagnosis/columns.h"
#include "gates/gate-condition.h"

/* Gates that would be required, but are masked; absent where there are none. */
static void add_missed(JsonBuilder *b, const Board *board) {
        bool any = false;

        BOARD_FOREACH(g, board) {
                if (!g->setup.missed)
                        continue;
                if (!any)
                        jb_array(b, "maskedGates");
                any = true;
                jb_string(b, NULL, gate_name(g));
        }
        if (any)
                jb_end(b);
}

void vj_verdict(JsonBuilder *b, const char *key, const Readiness *readiness) {
        const Verdict *verdict = &readiness->board.verdict;
        usec_t typical;

        jb_object(b, key);
        jb_string(b, "state", gate_state_to_string(verdict->state));
        jb_string(b, "reason", verdict->reason);
        jb_usec(b, "changedBoottimeUSec", verdict->changed);
        jb_usec(b, "changedRealtimeUSec", readiness->verdict_changed_realtime);
        jb_usec(b, "nowBoottimeUSec", now_boottime());
        jb_string(b, "bootId", readiness->world->host.boot_id);
        jb_string(b, "node", readiness_node_name(readiness));
        jb_string(b, "server", readiness->world->server);
        jb_string(b, "serverVersion", readiness->world->server_version);
        if (readiness_typical(readiness, &typical) >= 0)
                jb_usec(b, "typicalReadyUSec", typical);
        add_missed(b, &readiness->board);
        jb_end(b);
}

void vj_gate(JsonBuilder *b, const char *key, const Gate *g, Instant now) {
        const Report *report = &g->report;
        usec_t ends, since;
        GateClockKind clock = gate_running_clock(g, now, &ends);

        jb_object(b, key);
        jb_string(b, "name", gate_name(g));
        jb_string(b, "description", strempty(g->setup.definition->description));
        jb_bool(b, "required", gate_is_required(g));
        jb_string(b, "state", gate_state_to_string(gate_state(g)));
        jb_usec(b, "changedBoottimeUSec", g->changed);
        jb_usec_unless(b, "firstReadyBoottimeUSec", g->first_ready, 0);
        if (clock != GATE_CLOCK_NONE) {
                jb_string(b, "clock", gate_clock_kind_to_string(clock));
                jb_usec(b, "clockEndsBoottimeUSec", ends);
        }
        if (gate_is_doubted(g, now, &since))
                jb_usec(b,
                        g->clock.evidence == EVIDENCE_FALSE ? "failingSinceBoottimeUSec"
                                                            : "doubtSinceBoottimeUSec",
                        since);
        jb_int(b, "readyObjects", report->ready_objects);
        jb_int(b, "totalObjects", report->total_objects);
        jb_int(b, "readyContainers", report->ready_containers);
        jb_int(b, "totalContainers", report->total_containers);
        jb_array(b, "blockers");
        for (size_t i = 0; i < report->n_blockers; i++)
                blocker_to_json(b, NULL, &report->blockers[i]);
        jb_end(b);
        jb_end(b);
}

/* The row of an object, found by the object's name. */
typedef struct ObjectRow {
        char *key;
        JsonValue *gates; /* in the builder's tree */
        const Gate *gate; /* the last of them */
        UT_hash_handle hh;
} ObjectRow;

/* The objects that gates look at: one row per object, with all its gates. */
typedef struct ObjectList {
        JsonBuilder *b;
        ObjectRow *rows;
        const Gate *gate; /* whose checks are being listed */
} ObjectList;

static void object_list_done(ObjectList *o) {
        ObjectRow *row, *next;

        HASH_ITER(hh, o->rows, row, next) {
                HASH_DEL(o->rows, row);
                free(row->key);
                free(row);
        }
}

/* Remembers a row; key becomes the list's, or is freed. */
static int remember_row(ObjectList *o, char *key, JsonValue *gates) {
        ObjectRow *r = calloc(1, sizeof(ObjectRow));

        if (r) {
                *r = (ObjectRow){ .key = key, .gates = gates, .gate = o->gate };
                HASH_ADD_KEYPTR(hh, o->rows, r->key, strlen(r->key), r);
        }
        if (r && r->hh.tbl)
                return 0;
        free(key);
        free(r);
        return -ENOMEM;
}

static void add_gate_to_row(ObjectRow *row, const ObjectList *o) {
        if (row->gate == o->gate)
                return;
        jb_reopen(o->b, row->gates);
        jb_string(o->b, NULL, gate_name(o->gate));
        jb_end(o->b);
        row->gate = o->gate;
}

static void add_pod_columns(JsonBuilder *b, const KubePod *pod) {
        PodColumns columns = POD_COLUMNS_NULL;
        char ready[32];
        int r;

        r = pod_columns(pod, now_realtime(), &columns);
        if (r < 0) {
                jb_fail(b, r);
                return;
        }
        snprintf(ready, sizeof(ready), "%u/%u", columns.ready, columns.total);
        jb_string(b, "ready", ready);
        jb_string(b, "status", columns.status);
        jb_string(b, "restarts", columns.restarts);
        jb_string(b, "node", pod->node);
        pod_columns_done(&columns);
}

static void add_columns(JsonBuilder *b, const Watched *w) {
        const KubeObject *object = w->object ? w->object->object : NULL;

        if (object && object->kind == KUBE_POD && !object->unreadable)
                add_pod_columns(b, KUBE_POD_OF(object));
        else
                jb_string(b, "status", watched_status(w));
}

/* Returns the row's array of gates. */
static JsonValue *add_row(JsonBuilder *b, const Watched *w, const Gate *gate) {
        const ObjectName name = {
                .kind = (char *) w->kind,
                .namespace = isempty(w->namespace) ? NULL : (char *) w->namespace,
                .name = (char *) w->name,
        };
        JsonValue *gates;

        jb_object(b, NULL);
        object_name_to_json(b, "object", &name);
        gates = jb_array(b, "gates");
        jb_string(b, NULL, gate_name(gate));
        jb_end(b);
        jb_bool(b, "isReady", w->finding.evidence == EVIDENCE_TRUE);
        jb_string(b, "proof", proof_to_string(w->finding.proof));
        add_columns(b, w);
        jb_usec(b, "sinceBoottimeUSec", gate_watched_changed(gate, w));
        jb_end(b);
        return gates;
}

static int list_one(const Watched *w, void *userdata) {
        ObjectList *o = userdata;
        ObjectRow *found;
        char *key;
        int r;

        r = asprintf_ret(&key, "%s\n%s\n%s", strempty(w->kind), strempty(w->namespace), strempty(w->name));
        if (r < 0)
                return r;
        HASH_FIND_STR(o->rows, key, found);
        if (!found)
                return remember_row(o, key, add_row(o->b, w, o->gate));
        free(key);
        add_gate_to_row(found, o);
        return o->b->error;
}

/* An array of type Watched: the objects of the gate named, or of every enabled gate. */
void vj_objects(JsonBuilder *b, const char *key, const Readiness *readiness, const char *gate) {
        _cleanup_(object_list_done) ObjectList o = { .b = b };
        Instant now = instant_now();

        jb_array(b, key);
        BOARD_FOREACH(g, &readiness->board) {
                if (gate_state(g) == GATE_DISABLED || g->setup.definition->invalid ||
                    (gate && !streq(gate_name(g), gate)))
                        continue;
                o.gate = g;
                for (size_t j = 0; j < g->n_checks; j++)
                        jb_fail(b, check_list(&g->checks[j], readiness->world, now, list_one, &o));
        }
        jb_end(b);
}

static void add_checks(JsonBuilder *b, const GateDefinition *d) {
        jb_array(b, "checks");
        /* An invalid gate checks nothing, and its checks may have been read only in part. */
        for (size_t i = 0; !d->invalid && i < d->n_checks; i++) {
                _cleanup_free_ char *text = NULL;
                int r;

                r = check_definition_describe(d->checks[i], &text);
                if (r < 0)
                        jb_fail(b, r);
                else
                        jb_string(b, NULL, text);
        }
        jb_end(b);
}

static void add_conditions(JsonBuilder *b, const GateDefinition *d) {
        jb_array(b, "conditions");
        for (size_t i = 0; i < d->n_conditions; i++) {
                _cleanup_free_ char *text = NULL;
                int r;

                r = gate_condition_describe(&d->conditions[i], &text);
                if (r < 0)
                        jb_fail(b, r);
                else
                        jb_string(b, NULL, text);
        }
        jb_end(b);
}

void vj_definition(JsonBuilder *b, const char *key, const Gate *g) {
        const GateDefinition *d = g->setup.definition;

        jb_object(b, key);
        jb_string(b, "name", d->name);
        jb_string(b, "description", strempty(d->description));
        jb_bool(b, "required", g->setup.required && (g->setup.enabled || !d->masked));
        jb_bool(b, "enabled", g->setup.enabled);
        jb_string(b, "masked", d->masked);
        jb_string(b, "cause", d->invalid ?: g->setup.cause);
        jb_strings(b, "files", d->files);
        add_conditions(b, d);
        add_checks(b, d);
        jb_usec_or_infinity(b, "settleUSec", g->setup.timing.settle);
        jb_usec_or_infinity(b, "holdUSec", g->setup.timing.hold);
        jb_usec_or_infinity(b, "unknownUSec", g->setup.timing.unknown);
        jb_string(b, "onUnknown", d->on_unknown == ON_UNKNOWN_CLOSE ? "close" : "hold");
        jb_end(b);
}
