/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "history/blocker.h"

/* A change of the verdict, of a gate, or of an object of a gate. */
typedef struct Transition {
        usec_t boottime;
        usec_t realtime;
        char *gate;        /* NULL: the verdict */
        ObjectName object; /* kind is NULL if the gate itself changed */
        char *from;        /* a GateState, or for an object an ObjectState */
        char *to;
        bool has_blocker; /* the gate's first blocker at that moment */
        Blocker blocker;
} Transition;

void transition_done(Transition *t);
void transition_to_json(JsonBuilder *b, const char *key, const Transition *t);
int transition_from_json(const JsonValue *v, Transition *ret);
int transition_print(const Transition *t, Buffer *out);

/* This boot's transitions, the newest of them. */
typedef struct Timeline Timeline;

int timeline_new(size_t limit, size_t objects, Timeline **ret);
Timeline *timeline_free(Timeline *t);
DEFINE_CLEANUP(Timeline, timeline_free)

int timeline_add(Timeline *t, Transition *transition);
size_t timeline_length(const Timeline *t);
const Transition *timeline_get(const Timeline *t, size_t i);
uint64_t timeline_added(const Timeline *t);
uint64_t timeline_added_of_objects(const Timeline *t);
int timeline_print(const Timeline *t, Buffer *out);
int timeline_parse(Timeline *t, const char *text, size_t size);
void timeline_to_json(JsonBuilder *b, const char *key, const Timeline *t);
