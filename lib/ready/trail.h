/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "history/blocker.h"
#include "ready/evidence.h"

/* What has become of an object that a gate looks at. */
typedef enum ObjectState {
        OBJECT_ABSENT, /* not there yet, or gone */
        OBJECT_WAITING,
        OBJECT_READY, /* passes, or did before NO-EVIDENCE */
        OBJECT_LOST,  /* passed in this boot, and no longer does */
        _OBJECT_STATE_MAX,
        _OBJECT_STATE_INVALID = -EINVAL,
} ObjectState;

const char *object_state_to_string(ObjectState s);
ObjectState object_state_from_string(const char *s);

typedef struct TrailEntry TrailEntry;

/* The objects of one gate, with what was last told of each. */
typedef struct Trail {
        TrailEntry *entries;
        size_t n;
        size_t seen; /* how many were seen in this round; they come first */
        size_t told; /* how many have been looked at for edges */
        usec_t gone; /* monotonic: objects missed then or before are told to be gone; 0: none */
        bool is_off; /* too many objects: none is followed */
} Trail;

/* A change of an object, or another reason for which it waits. Valid until the next round. */
typedef struct ObjectEdge {
        const ObjectName *object;
        ObjectState from, to;
        const Blocker *blocker; /* what keeps it from passing, or last did; NULL where that is not known */
} ObjectEdge;

void trail_done(Trail *t);
void trail_begin(Trail *t);
int trail_see(Trail *t, const char *kind, const char *namespace, const char *name, const char *uid,
              const Finding *f, Blocker **ret_wanted);
void trail_end(Trail *t);
void trail_end_whole(Trail *t, usec_t now, usec_t *deadline);
bool trail_next(Trail *t, ObjectEdge *ret);
void trail_show(Trail *t, const char *kind, const char *namespace, const char *name, const char *status,
                usec_t now);
usec_t trail_since(const Trail *t, const char *kind, const char *namespace, const char *name,
                   const char *reason);
usec_t trail_changed(const Trail *t, const char *kind, const char *namespace, const char *name);
int trail_restore(Trail *t, const ObjectName *object, ObjectState to, const Blocker *blocker);
