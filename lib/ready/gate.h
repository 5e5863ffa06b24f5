/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gates/definition.h"
#include "ready/check.h"
#include "ready/gate-clock.h"
#include "ready/trail.h"

/* A container whose life proved a gate in the earlier run of the daemon (rule R6). */
typedef struct KeptContainer {
        char *namespace;
        char *pod;
        char *pod_uid; /* on this host: a static pod's is its config hash */
        KubeQos qos;
        char *container;
        char *id;
        char **beside; /* as of WorldObject */
        ContainerLife life;
        bool is_restarted; /* likewise */
        unsigned check;    /* which of the gate's it proved */
        unsigned spare;    /* of that check: pods that it could do without */
} KeptContainer;

/* What the files and the configuration say of a gate. */
typedef struct GateSetup {
        GateDefinition *definition; /* owned */
        bool enabled;
        char *cause;   /* why it is not enabled, or which condition could not be read; else NULL */
        bool required; /* says nothing of one that is masked */
        bool missed;   /* it is masked, and would be required without its mask */
        bool vendor;
        GateTiming timing;
} GateSetup;

void gate_setup_done(GateSetup *s);
const char *gate_setup_trouble(const GateSetup *s);

typedef struct Gate {
        GateSetup setup;
        GateClock clock;
        Check *checks;
        size_t n_checks;
        Report report;
        Blocker waited_for; /* the last first blocker, kept once none is known; else its reason is NULL */
        Trail trail;        /* of the objects that its checks look at */
        uint64_t interest;  /* World.interest when it began to look at its objects; 0: it has not yet */
        enum {
                GATE_UNSORTED,
                GATE_BEING_SORTED,
                GATE_SORTED,
        } sorting; /* into explanation order, when its board is set */

        GateState told;     /* the state when the gate was last reconsidered: a reload may change it too */
        usec_t changed;     /* boottime of the last change of state */
        usec_t first_ready; /* boottime, 0: never in this boot */
        usec_t cleared;     /* boottime: when it last lost its last blocker */
        uint64_t held[_GUARD_MAX]; /* how many blockers with such a reason have appeared */

        KeptContainer *kept;
        size_t n_kept;
        uint64_t checks_hash; /* what is kept is of these checks */
} Gate;

int gate_new(GateSetup *setup, Instant now, Gate **ret);
Gate *gate_free(Gate *g);
DEFINE_CLEANUP(Gate, gate_free)

/* What reconsidering a gate changed. */
enum {
        GATE_CHANGED_STATE = 1 << 0,
        GATE_CHANGED_REPORT = 1 << 1, /* blockers or counts */
        GATE_CHANGED_CLOCK = 1 << 2,  /* another clock runs, or no clock any longer; or what it rests on */
};

int gate_reconsider(Gate *g, const World *w, Instant now, unsigned *ret_changed);
usec_t gate_deadline(const Gate *g);
GateState gate_state(const Gate *g);
const char *gate_name(const Gate *g);
const Blocker *gate_waited_for(const Gate *g);
usec_t gate_watched_changed(const Gate *g, const Watched *watched);
bool gate_is_required(const Gate *g);
bool gate_is_asked(const Gate *g);
GateClockKind gate_running_clock(const Gate *g, Instant now, usec_t *ret_ends_boottime);
bool gate_is_doubted(const Gate *g, Instant now, usec_t *ret_since);
void gate_set_enabled(Gate *g, bool enabled, char *cause);
void gate_adopt(Gate *g, Gate *old, Instant now);
void gate_look_again(Gate *g);
void gate_forget_controllers(Gate *g);
void gate_forget_kept(Gate *g);
unsigned gate_forget(Gate *g, Instant now);
