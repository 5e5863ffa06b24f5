/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "diagnosis/events.h"
#include "gates/gate-condition.h"
#include "gates/problems.h"
#include "history/boots.h"
#include "history/timeline.h"
#include "ready/board.h"

/* Everything that is known and decided. Sources write the world, readiness_reconsider() judges it, publishers
 * read. */
typedef struct Readiness {
        World *world;
        Board board;
        EventDigest *events;
        Timeline *timeline;
        BootLog *boots;
        usec_t userspace; /* monotonic: when this userspace began, 0 where systemd was not there to say */
        usec_t verdict_changed_realtime;
        Problems problems;    /* of the configuration, when it was last loaded */
        bool boot_is_settled; /* when this boot was first ready is on record */
} Readiness;

typedef struct ReadinessOps ReadinessOps;

/* Edges of gates and of the verdict, which are on record then, and before those by which all gates begin again,
 * why they do: called from readiness_reconsider() and from nowhere else. */
struct ReadinessOps {
        void (*cluster_changed)(ReadinessOps *ops, const char *why);
        void (*gate_changed)(ReadinessOps *ops, const Gate *gate, GateState before, unsigned what);
        void (*verdict_changed)(ReadinessOps *ops, GateState before);
};

#define READINESS_NULL ((Readiness){ .board = BOARD_INIT })

int readiness_init(Readiness *r);
void readiness_done(Readiness *r);

void readiness_restored(Readiness *r, bool from_earlier_run, Instant now, usec_t realtime);
int readiness_reconsider(Readiness *r, Instant now, usec_t realtime, ReadinessOps *ops);
bool readiness_apply_conditions(Readiness *r, const GateFacts *facts, Instant now);
bool readiness_lacks_conditions(const Readiness *r);

int readiness_record_boot(Readiness *r, Instant now, usec_t realtime);
int readiness_typical(const Readiness *r, usec_t *ret);
const char *readiness_node_name(const Readiness *r);
