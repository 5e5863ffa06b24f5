/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/cluster.h"
#include "ready/gate.h"

/* The verdict over all required gates. */
typedef struct Verdict {
        GateState state;    /* never disabled */
        const char *reason; /* NothingRequired, or NULL */
        usec_t changed;     /* boottime */
        bool was_ready;     /* in this boot */
} Verdict;

/* All gates, in explanation order, and the verdict. */
typedef struct Board {
        Gate **gates; /* ends with NULL, where there are any */
        size_t n_gates;
        Verdict verdict;
        ClusterName cluster; /* that all this is about */
} Board;

typedef struct BoardOps BoardOps;

/* Edges: called from board_reconsider(), which alone decides. */
struct BoardOps {
        /* All states are forgotten, for they are of another cluster: told before those edges. */
        void (*cluster_changed)(BoardOps *ops, const char *why);
        void (*object_changed)(BoardOps *ops, const Gate *gate, const ObjectEdge *edge);
        void (*gate_changed)(BoardOps *ops, Gate *gate, GateState before, unsigned what);
        void (*verdict_changed)(BoardOps *ops, const Verdict *verdict, GateState before);
};

#define BOARD_INIT ((Board){ .verdict = { .state = GATE_WAITING } })

/* Iterates over the gates. */
#define BOARD_FOREACH(g, b) for (Gate **_##g = (b)->gates, *g; _##g && (g = *_##g); _##g++)

/* Iterates over the checks of the gates that are asked. Leave it only by return: break ends one gate's checks. */
#define BOARD_FOREACH_CHECK(c, g, b)                                                                        \
        BOARD_FOREACH(g, b)                                                                                 \
                for (const Check *c = g->checks; gate_is_asked(g) && c < g->checks + g->n_checks; c++)

void board_done(Board *b);
int board_set(Board *b, GateSetup *setups, size_t n, Instant now, char ***ret_warnings, char ***ret_removed);
int board_reconsider(Board *b, const World *w, Instant now, BoardOps *ops);
void board_look_again(Board *b, bool other_cluster);
usec_t board_deadline(const Board *b);
Gate *board_find(const Board *b, const char *name);
bool board_is_fresh(const Board *b);
const Gate *board_find_doubt(const Board *b, Instant now);
size_t board_count_open(const Board *b, size_t *ret_required);
const Blocker *board_first_blocker(const Board *b, const Gate **ret_gate);
const Blocker *board_waited_for(const Board *b);

bool board_wants(const Board *b, KubeKind kind, const KubeBrief *brief);
bool board_wants_other_nodes(const Board *b);
bool board_wants_cgroups(const Board *b, const KubePod *pod);
int board_demand(const Board *b, const World *w, DemandCallback callback, void *userdata);
