/* SPDX-License-Identifier: Apache-2.0 */

/* The board of gates: their order, and the verdict.
 *
 * The order is for explaining only: what a gate's After= names comes before it, so that the first blocker of
 * the gates that make the verdict is the cause and not a symptom. */

#include "ready/board.h"

#include "base/string-util.h"

void board_done(Board *b) {
        BOARD_FOREACH(g, b) {
                gate_free(g);
        }
        free(b->gates);
        cluster_name_done(&b->cluster);
        *b = BOARD_INIT;
}

Gate *board_find(const Board *b, const char *name) {
        BOARD_FOREACH(g, b) {
                if (streq(gate_name(g), name))
                        return g;
        }
        return NULL;
}

/* Appends the gate to b->gates, behind those of all that its After= names. Depth first; no deeper than there are
 * gates. */
static int sort_gate(Board *b, const Board *unsorted, Gate *g, char ***warnings) {
        const GateDefinition *d = g->setup.definition;
        int r;

        if (g->sorting == GATE_SORTED)
                return 0;
        g->sorting = GATE_BEING_SORTED;
        for (size_t i = 0; d->after && d->after[i]; i++) {
                Gate *before = board_find(unsorted, d->after[i]);

                if (before && before->sorting == GATE_BEING_SORTED)
                        r = strv_extendf(warnings, "%s: After=%s makes a cycle, ignoring it",
                                         d->after_places[i], d->after[i]);
                else
                        r = before ? sort_gate(b, unsorted, before, warnings) : 0;
                if (r < 0)
                        return r;
        }
        g->sorting = GATE_SORTED;
        b->gates[b->n_gates++] = g;
        return 0;
}

static int compare_names(const void *a, const void *b) {
        const Gate *x = *(Gate *const *) a, *y = *(Gate *const *) b;

        if (x->setup.required != y->setup.required)
                return x->setup.required ? -1 : 1;
        return strcmp(gate_name(x), gate_name(y));
}

/* Required gates first, by name where nothing else decides; then what After= says. */
static int sort_gates(Board *b, char ***warnings) {
        Board sorted = { .gates = calloc(b->n_gates + 1, sizeof(Gate *)) };
        int r = 0;

        if (!sorted.gates)
                return -ENOMEM;
        qsort(b->gates, b->n_gates, sizeof(Gate *), compare_names);
        for (size_t i = 0; i < b->n_gates && r >= 0; i++)
                r = sort_gate(&sorted, b, b->gates[i], warnings);
        if (r >= 0)
                memcpy(b->gates, sorted.gates, b->n_gates * sizeof(Gate *));
        free(sorted.gates);
        return r;
}

/* Replaces the gates by a new set; a gate of the same name keeps its past. The setups are taken on success.
 * ret_warnings gets the dependencies that were dropped, ret_removed the names of gates that are gone. On failure the
 * board is as it was. */
int board_set(Board *b, GateSetup *setups, size_t n, Instant now, char ***ret_warnings,
              char ***ret_removed) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        Board new = { .verdict = b->verdict };
        int r;

        new.gates = calloc(n + 1, sizeof(Gate *));
        if (!new.gates)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                r = gate_new(&setups[i], now, &new.gates[new.n_gates]);
                if (r < 0)
                        goto fail;
                new.n_gates++;
        }
        r = sort_gates(&new, &warnings);
        if (r < 0)
                goto fail;
        BOARD_FOREACH(old, b) {
                if (!board_find(&new, gate_name(old))) {
                        r = strv_extend(&removed, gate_name(old));
                        if (r < 0)
                                goto fail;
                }
        }

        BOARD_FOREACH(g, &new) {
                Gate *old = board_find(b, gate_name(g));

                if (old)
                        gate_adopt(g, old, now);
        }
        new.cluster = b->cluster;
        b->cluster = (ClusterName){};
        board_done(b);
        *b = new;
        *ret_warnings = TAKE_PTR(warnings);
        *ret_removed = TAKE_PTR(removed);
        return 0;

fail:
        board_done(&new);
        return r;
}

/* Until the first ready of this boot it is ready or waiting; after that the worst of lost, unknown and waiting wins.
 * Hold and grace keep the verdict open; to open, it needs evidence of every gate, so that it does not turn ready while
 * one of its gates is about to be lost. */
static GateState verdict_state(const Board *b, const char **ret_reason) {
        unsigned seen[_GATE_STATE_MAX] = {}, required = 0, proven = 0;

        BOARD_FOREACH(g, b) {
                if (gate_is_required(g)) {
                        required++;
                        seen[gate_state(g)]++;
                        proven += g->report.evidence == EVIDENCE_TRUE;
                }
        }

        *ret_reason = required == 0 ? REASON_NOTHING_REQUIRED : NULL;
        if (required > 0 && seen[GATE_READY] == required && (b->verdict.was_ready || proven == required))
                return GATE_READY;
        if (!b->verdict.was_ready || required == 0)
                return GATE_WAITING;
        if (seen[GATE_LOST] > 0)
                return GATE_LOST;
        if (seen[GATE_UNKNOWN] > 0)
                return GATE_UNKNOWN;
        return GATE_WAITING;
}

static bool has_past(const Board *b) {
        BOARD_FOREACH(g, b) {
                if (g->told != GATE_WAITING && g->told != GATE_DISABLED)
                        return true;
        }
        return b->verdict.was_ready || b->verdict.state != GATE_WAITING;
}

static void forget(Board *b, Instant now, BoardOps *ops) {
        GateState before = b->verdict.state;

        BOARD_FOREACH(g, b) {
                GateState state = g->told;
                unsigned changed = gate_forget(g, now);

                if (changed)
                        ops->gate_changed(ops, g, state, changed);
        }
        b->verdict = (Verdict){ .state = GATE_WAITING, .changed = now.boottime };
        if (before != GATE_WAITING)
                ops->verdict_changed(ops, &b->verdict, before);
}

/* Rule R6: where the world is of another cluster than the states, these are forgotten, and every gate begins again. */
static int settle_cluster(Board *b, const World *w, Instant now, BoardOps *ops) {
        char why[512];
        bool other = cluster_name_is_other(&b->cluster, w, why, sizeof(why));

        if (other && has_past(b)) {
                ops->cluster_changed(ops, why);
                forget(b, now, ops);
        }
        return cluster_name_follow(&b->cluster, w, other);
}

/* Judges every gate and the verdict, and calls ops for each edge. Returns the first error; the other gates are
 * judged all the same. */
int board_reconsider(Board *b, const World *w, Instant now, BoardOps *ops) {
        GateState before;
        const char *reason;
        int r, first_error;

        first_error = settle_cluster(b, w, now, ops);
        before = b->verdict.state;
        BOARD_FOREACH(g, b) {
                GateState state = g->told;
                ObjectEdge edge;
                unsigned changed;

                r = gate_reconsider(g, w, now, &changed);
                if (r < 0 && first_error == 0)
                        first_error = r;
                while (trail_next(&g->trail, &edge))
                        ops->object_changed(ops, g, &edge);
                if (changed)
                        ops->gate_changed(ops, g, state, changed);
        }

        b->verdict.state = verdict_state(b, &reason);
        b->verdict.reason = reason;
        if (b->verdict.changed == 0)
                b->verdict.changed = now.boottime;
        if (b->verdict.state == GATE_READY)
                b->verdict.was_ready = true;
        if (b->verdict.state != before) {
                b->verdict.changed = now.boottime;
                ops->verdict_changed(ops, &b->verdict, before);
        }
        return first_error;
}

/* The daemon now watches another cluster perhaps, or another part of it. */
void board_look_again(Board *b, bool other_cluster) {
        BOARD_FOREACH(g, b) {
                gate_look_again(g);
                if (other_cluster)
                        gate_forget_controllers(g);
        }
}

usec_t board_deadline(const Board *b) {
        usec_t deadline = USEC_INFINITY;

        BOARD_FOREACH(g, b) {
                deadline = usec_min(deadline, gate_deadline(g));
        }
        return deadline;
}

/* Rule R6: whether the verdict is ready and every required gate is TRUE on this process's own streams. */
bool board_is_fresh(const Board *b) {
        if (b->verdict.state != GATE_READY)
                return false;
        BOARD_FOREACH(g, b) {
                if (gate_is_required(g) && g->report.evidence != EVIDENCE_TRUE)
                        return false;
        }
        return true;
}

/* Of the required gates that are ready without evidence for it, the one that ceases to be so first; NULL: there is
 * none, or the verdict is not ready. */
const Gate *board_find_doubt(const Board *b, Instant now) {
        usec_t since, ends, first_end = 0;
        const Gate *first = NULL;

        BOARD_FOREACH(g, b) {
                if (b->verdict.state != GATE_READY || !gate_is_required(g) ||
                    !gate_is_doubted(g, now, &since))
                        continue;
                (void) gate_running_clock(g, now, &ends);
                if (!first || ends < first_end) {
                        first = g;
                        first_end = ends;
                }
        }
        return first;
}

/* Required gates that are ready, and how many are required. */
size_t board_count_open(const Board *b, size_t *ret_required) {
        size_t open = 0, required = 0;

        BOARD_FOREACH(g, b) {
                if (gate_is_required(g)) {
                        required++;
                        open += gate_state(g) == GATE_READY;
                }
        }
        *ret_required = required;
        return open;
}

/* Rule R8: whether the verdict is what it is because of this gate. One that is ready keeps the first ready of this
 * boot back where its evidence is not TRUE. */
static bool makes_verdict(const Board *b, const Gate *g) {
        if (!gate_is_required(g))
                return false;
        switch (b->verdict.state) {
        case GATE_LOST:
        case GATE_UNKNOWN:
                return gate_state(g) == b->verdict.state;
        case GATE_WAITING:
                return gate_state(g) != GATE_READY ||
                       (!b->verdict.was_ready && g->report.evidence != EVIDENCE_TRUE);
        default:
                return true;
        }
}

/* The cause of the verdict: the first blocker, in order of explanation, of the gates that make it. NULL where they
 * have none: a gate whose checks pass has to settle, or the verdict is ready. ret_gate, where not NULL, gets the gate
 * in any case, the first of them where nothing blocks any; it is NULL where no gate keeps the verdict from ready. */
const Blocker *board_first_blocker(const Board *b, const Gate **ret_gate) {
        const Blocker *blocker = NULL;
        const Gate *gate = NULL;

        BOARD_FOREACH(g, b) {
                if (blocker || !makes_verdict(b, g))
                        continue;
                if (g->report.n_blockers > 0) {
                        blocker = &g->report.blockers[0];
                        gate = g;
                } else if (b->verdict.state != GATE_READY)
                        gate = gate ?: g;
        }
        if (ret_gate)
                *ret_gate = gate;
        return blocker;
}

/* What a verdict that is ready waited for last: the last blocker of the first required gate, in order of explanation,
 * that opened, or passed its checks, when the verdict turned ready. NULL where none did, as after a reload. */
const Blocker *board_waited_for(const Board *b) {
        BOARD_FOREACH(g, b) {
                if (gate_is_required(g) && g->waited_for.reason &&
                    (g->changed == b->verdict.changed || g->cleared == b->verdict.changed))
                        return &g->waited_for;
        }
        return NULL;
}
