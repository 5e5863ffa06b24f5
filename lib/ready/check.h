/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "history/blocker.h"
#include "gates/definition.h"
#include "ready/node.h"
#include "ready/trail.h"

/* What a gate's checks say together at one moment: the result of a judgement. */
typedef struct Report {
        Evidence evidence;
        unsigned ready_objects, total_objects;
        unsigned ready_containers, total_containers;
        Blocker blockers[LIMIT_BLOCKERS];
        size_t n_blockers;
        usec_t deadline; /* monotonic: when time alone may change the answer */
        bool overdue;    /* as it was judged: its hints say that what is missing should have been there */
} Report;

/* Reports and what they hold are told from each other by address: not to be copied. */
#define REPORT_INIT ((Report){ .evidence = EVIDENCE_TRUE, .deadline = USEC_INFINITY })
void report_done(Report *r);

/* A judgement while it is made: by what, and the report that each check adds to. */
typedef struct Judging {
        const World *world;
        Instant now;
        Report *report;
        const Report *before; /* the gate's last report, which this one replaces; NULL where there is none */
        Trail *trail;         /* the gate's, which sees each object; NULL where no gate is judged */
        bool vendor;          /* the gate is one that ships with msready */
        bool overdue;         /* what is not found should have been there by now */
} Judging;

/* An object that a check looks at, for the table of objects. */
typedef struct Watched {
        const char *kind;
        const char *namespace;
        const char *name;
        const WorldObject *object; /* NULL for what is no object, and for what is missing */
        const WorldObject
                *leftover; /* where pods are missing: the last one that failed or is going, or NULL */
        Finding finding;
        usec_t since;    /* boottime */
        bool is_unnamed; /* stands for an object that is not known by its name */
} Watched;

int report_add(Judging *j, const Watched *watched);
int report_see(Judging *j, const Watched *watched);
int report_count(Judging *j, const Watched *watched);
void report_cut(Report *r, size_t n);

typedef int (*WatchedCallback)(const Watched *watched, void *userdata);

typedef struct Check Check;

typedef struct CheckVTable {
        const char *section;
        unsigned roles; /* of the streams that it needs: 1 << StreamRole */
        int (*judge)(Check *c, Judging *j);
        int (*list)(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata);
} CheckVTable;

struct Check {
        const CheckDefinition *definition;
        const CheckVTable *vtable;
        Evidence evidence; /* of the last judgement */

        /* Rule R7: kept for [Condition]. */
        bool controlled;              /* a controller stands beside it in its gate */
        bool controller_was_true;     /* in this boot */
        usec_t controller_true_since; /* monotonic, valid with the above */
        char *version_then;           /* the object's resourceVersion at that moment */
        bool stands;                  /* it counts as the API says it from now on; R6 keeps that */
};

void check_init(Check *c, const CheckDefinition *d);
void check_done(Check *c);
unsigned check_roles(const Check *c);
int check_generic_key(const CheckDefinition *d, char **ret);
int check_endpoint_key(const CheckDefinition *d, char **ret);
int check_judge(Check *c, Judging *j);
int check_list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata);

extern const CheckVTable check_vtable_api;
extern const CheckVTable check_vtable_node;
extern const CheckVTable check_vtable_pods;
extern const CheckVTable check_vtable_workload;
extern const CheckVTable check_vtable_condition;
extern const CheckVTable check_vtable_endpoint;
