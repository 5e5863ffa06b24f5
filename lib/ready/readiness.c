/* SPDX-License-Identifier: Apache-2.0 */

/* The daemon's knowledge in one place: the world, the board that judges it, and the record of what happened. One
 * function decides, readiness_reconsider(): it finds our node, has the board judge every gate, and puts each edge
 * on record before it tells it. There is no loop, clock or file here, so that tables and stories can test it. */

#include "ready/readiness.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "ready/node.h"

/* Makes the parts, empty. -ENOMEM; readiness_done() frees them in any case. */
int readiness_init(Readiness *r) {
        int k;

        *r = READINESS_NULL;
        if ((k = world_new(&r->world)) < 0 || (k = event_digest_new(&r->events)) < 0 ||
            (k = timeline_new(LIMIT_TRANSITIONS, LIMIT_OBJECT_TRANSITIONS, &r->timeline)) < 0 ||
            (k = boot_log_new(LIMIT_BOOTS, &r->boots)) < 0)
                return k;
        r->world->events = r->events;
        return 0;
}

void readiness_done(Readiness *r) {
        board_done(&r->board);
        world_free(r->world);
        event_digest_free(r->events);
        timeline_free(r->timeline);
        boot_log_free(r->boots);
        problems_done(&r->problems);
        *r = READINESS_NULL;
}

/* Takes the board's edges while it judges. */
typedef struct Recorder {
        BoardOps board_ops;
        Readiness *readiness;
        ReadinessOps *ops;
        Instant now;
        usec_t realtime;
} Recorder;

/* gate is NULL where the verdict changed; object is NULL where no object did. */
static void record(Recorder *rec, const Gate *gate, const ObjectName *object, const char *from,
                   const char *to, const Blocker *blocker) {
        Transition t = {
                .boottime = rec->now.boottime,
                .realtime = rec->realtime,
                .gate = gate ? strdup(gate_name(gate)) : NULL,
                .from = strdup(from),
                .to = strdup(to),
        };
        int r = 0;

        if (!t.from || !t.to || (gate && !t.gate))
                r = -ENOMEM;
        if (r >= 0 && object)
                r = object_name_set(&t.object, object->kind, object->namespace, object->name);
        if (r >= 0 && blocker) {
                r = blocker_copy(blocker, &t.blocker);
                t.has_blocker = r >= 0;
        }
        if (r >= 0 && t.has_blocker && gate)
                r = free_and_strdup(&t.blocker.gate, gate_name(gate));
        if (r >= 0)
                r = timeline_add(rec->readiness->timeline, &t);
        transition_done(&t);
        if (r < 0)
                log_debug("Cannot record a transition: %s", strerror(-r));
}

static void on_cluster_changed(BoardOps *ops, const char *why) {
        Recorder *rec = container_of(ops, Recorder, board_ops);

        rec->ops->cluster_changed(rec->ops, why);
}

static void on_object_changed(BoardOps *ops, const Gate *gate, const ObjectEdge *edge) {
        record(container_of(ops, Recorder, board_ops), gate, edge->object,
               object_state_to_string(edge->from), object_state_to_string(edge->to), edge->blocker);
}

static void on_gate_changed(BoardOps *ops, Gate *gate, GateState before, unsigned what) {
        Recorder *rec = container_of(ops, Recorder, board_ops);

        /* A gate whose conditions do not hold waits for nothing. */
        if (what & GATE_CHANGED_STATE)
                record(rec, gate, NULL, gate_state_to_string(before), gate_state_to_string(gate_state(gate)),
                       gate_state(gate) == GATE_DISABLED ? NULL : gate_waited_for(gate));
        rec->ops->gate_changed(rec->ops, gate, before, what);
}

static void on_verdict_changed(BoardOps *ops, const Verdict *verdict, GateState before) {
        Recorder *rec = container_of(ops, Recorder, board_ops);
        Readiness *r = rec->readiness;

        r->verdict_changed_realtime = rec->realtime;
        record(rec, NULL, NULL, gate_state_to_string(before), gate_state_to_string(verdict->state),
               verdict->state == GATE_READY ? board_waited_for(&r->board)
                                            : board_first_blocker(&r->board, NULL));
        rec->ops->verdict_changed(rec->ops, before);
}

static void choose_our_node(World *w) {
        NodeChoice choice;

        node_choose(w, &choice);
        if (choice.node != w->node && choice.node)
                log_debug("This host is the node %s", choice.node->object->name);
        w->node = choice.node;
}

/* Finds our node, judges every gate and the verdict, records the edges and tells them. -ENOMEM where a gate could
 * not be judged: it has no evidence then. */
int readiness_reconsider(Readiness *r, Instant now, usec_t realtime, ReadinessOps *ops) {
        Recorder rec = {
                .board_ops = { .cluster_changed = on_cluster_changed,
                               .object_changed = on_object_changed,
                               .gate_changed = on_gate_changed,
                               .verdict_changed = on_verdict_changed },
                .readiness = r,
                .ops = ops,
                .now = now,
                .realtime = realtime,
        };

        assert(r->world && ops);
        choose_our_node(r->world);
        return board_reconsider(&r->board, r->world, now, &rec.board_ops);
}

/* Evaluates the conditions of all gates again. The next readiness_reconsider() tells the edges. Returns true where
 * gates look at other objects now than before: the daemon dropped objects that no gate looked at when they came. */
bool readiness_apply_conditions(Readiness *r, const GateFacts *facts, Instant now) {
        bool other_objects = false;

        BOARD_FOREACH(g, &r->board) {
                bool asked = gate_is_asked(g);
                char *cause = NULL;
                int holds;

                if (g->setup.definition->invalid)
                        continue;
                g->setup.missed =
                        g->setup.required && gate_conditions_hold_below_mask(g->setup.definition, facts) > 0;
                holds = gate_conditions_hold(g->setup.definition, facts, &cause);
                gate_set_enabled(g, holds != 0, holds > 0 ? mfree(cause) : cause);
                other_objects = other_objects || gate_is_asked(g) != asked;
        }
        return other_objects;
}

/* Whether a condition of any gate could not be read. */
bool readiness_lacks_conditions(const Readiness *r) {
        BOARD_FOREACH(g, &r->board) {
                if (!g->setup.definition->invalid && g->setup.enabled && g->setup.cause)
                        return true;
        }
        return false;
}

/* Boots on record. */

/* What a gate waited for until it first opened; while it has not, what it waits for: "Pod openshift-dns/dns-x:
 * Unproven". */
static int waited_for(const Readiness *r, const Gate *g, char **ret) {
        const Blocker *b = g->first_ready > 0 ? NULL : gate_waited_for(g);
        _cleanup_free_ char *object = NULL;
        int k;

        for (size_t i = 0; !b && i < timeline_length(r->timeline); i++) {
                const Transition *t = timeline_get(r->timeline, i);

                if (!streq_ptr(t->gate, gate_name(g)) || t->object.kind || !streq(t->to, "ready"))
                        continue;
                if (!t->has_blocker)
                        break;
                b = &t->blocker;
        }
        if (!b)
                return 0;
        k = object_name_to_string(&b->object, &object);
        return k < 0 ? k : asprintf_ret(ret, "%s: %s", object, strempty(b->reason));
}

static usec_t since_start(const Readiness *r, usec_t boottime) {
        return boottime == 0 ? USEC_INFINITY : usec_sub(boottime, r->userspace);
}

/* Summary of this boot so far: when each enabled gate first opened, what it waited for, and when all required gates
 * had opened. -ENOMEM. */
static int make_boot(const Readiness *r, Instant now, usec_t realtime, Boot **ret) {
        _cleanup_(boot_freep) Boot *boot = NULL;
        usec_t last = 0;
        bool all = true;
        int k;

        k = boot_new(r->world->host.boot_id, usec_sub(realtime, usec_sub(now.boottime, r->userspace)),
                     &boot);
        if (k < 0)
                return k;
        boot->pulled_images = event_digest_pulls(r->events) > 0;

        BOARD_FOREACH(g, &r->board) {
                _cleanup_free_ char *cause = NULL;

                if (gate_state(g) == GATE_DISABLED)
                        continue;
                k = waited_for(r, g, &cause);
                if (k >= 0)
                        k = boot_set_gate(boot, gate_name(g), since_start(r, g->first_ready), cause);
                if (k < 0)
                        return k;
                boot_set_required(boot, gate_name(g), gate_is_required(g));
                if (gate_is_required(g)) {
                        all = all && g->first_ready > 0;
                        last = MAX(last, g->first_ready);
                }
        }
        boot->ready = r->board.verdict.was_ready && all ? since_start(r, last) : USEC_INFINITY;

        *ret = TAKE_PTR(boot);
        return 0;
}

/* Puts this boot on record and replaces its earlier record. Images that are pulled after the first ready, and gates
 * that are required after it, or no longer, do not change how this boot went. -ENOMEM. */
int readiness_record_boot(Readiness *r, Instant now, usec_t realtime) {
        const Boot *first;
        Boot *boot;
        int k;

        k = make_boot(r, now, realtime, &boot);
        if (k < 0)
                return k;
        first = r->boot_is_settled ? boot_log_find(r->boots, boot->boot_id) : NULL;
        if (first)
                boot_take_result(boot, first);
        r->boot_is_settled = boot->ready != USEC_INFINITY;
        boot_log_put(r->boots, boot);
        return 0;
}

/* States of objects that the time line already has are not told again. */
static void restore_trails(Readiness *r) {
        for (size_t i = 0; i < timeline_length(r->timeline); i++) {
                const Transition *t = timeline_get(r->timeline, i);
                Gate *g = t->gate ? board_find(&r->board, t->gate) : NULL;
                ObjectState to = object_state_from_string(t->to);

                /* Without memory, or where the line is not ours, it is told again. */
                if (g && t->object.kind && to >= 0)
                        (void) trail_restore(&g->trail, &t->object, to, t->has_blocker ? &t->blocker : NULL);
        }
}

/* Called when board, time line and boots have what was found of earlier runs (from_earlier_run: of one in this boot
 * and userspace, so that the board has its states); all else follows from it. A verdict without a date begins now. */
void readiness_restored(Readiness *r, bool from_earlier_run, Instant now, usec_t realtime) {
        const Boot *boot = boot_log_find(r->boots, r->world->host.boot_id);
        Verdict *v = &r->board.verdict;

        if (from_earlier_run)
                restore_trails(r);
        r->boot_is_settled = from_earlier_run && boot && boot->ready != USEC_INFINITY;
        if (v->changed == 0)
                v->changed = now.boottime;
        r->verdict_changed_realtime = usec_sub(realtime, usec_sub(now.boottime, v->changed));
}

/* How long such a boot usually takes until the first ready: the median of the earlier ones that did, or did not, pull
 * images as this one does. -ENODATA without any. */
int readiness_typical(const Readiness *r, usec_t *ret) {
        return boot_log_typical(r->boots, event_digest_pulls(r->events) > 0, r->world->host.boot_id, ret);
}

/* The name of our node; NULL while it is not known. */
const char *readiness_node_name(const Readiness *r) {
        return r->world->node ? r->world->node->object->name : NULL;
}
