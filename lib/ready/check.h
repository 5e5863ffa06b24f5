/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "history/blocker.h"
#include "gates/check-definition.h"
#include "kube/resource.h"
#include "kube/scanner.h"
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
        bool overdue; /* Judging.overdue of that time: its hints say that what is missing should have been there */
} Report;

/* Not to be copied: reports, and what they hold, are distinguished by their addresses. */
#define REPORT_INIT ((Report){ .evidence = EVIDENCE_TRUE, .deadline = USEC_INFINITY })
void report_done(Report *r);

/* One judgement: its inputs, and the report that each check adds to. */
typedef struct Judging {
        const World *world;
        Instant now;
        Report *report;
        Report *before; /* the gate's last report, which this one replaces; NULL where there is none */
        Trail *trail;   /* the gate's, which sees each object; NULL where no gate is judged */
        bool vendor;    /* the gate is one that ships with msready */
        bool overdue;   /* what is not found should have been there by now */
        unsigned spare; /* of the check that is judged, see there */
} Judging;

/* An object that a check looks at, for the table of objects. */
typedef struct Watched {
        const char *kind;
        const char *namespace;
        const char *name;
        const WorldObject *object; /* NULL for what is not an object, and for one that is missing */
        /* Where pods are missing: the last one that failed or is being deleted, or NULL. */
        const WorldObject *leftover;
        Finding finding;
        usec_t since;    /* boottime: since when it is so, by the world */
        bool is_unnamed; /* stands for an object that is not known by its name */
} Watched;

int report_add(Judging *j, const Watched *watched);
int report_see(Judging *j, const Watched *watched);
void report_show(Judging *j, const Watched *watched);
int report_count(Judging *j, const Watched *watched);
void report_sort(Report *r);
void report_cut(Report *r, size_t n);
Blocker *report_find(Report *r, const Blocker *b);

const char *watched_status(const Watched *watched);

typedef int (*WatchedCallback)(const Watched *watched, void *userdata);

typedef struct Check Check;

/* A stream that the gates need. Valid during the callback only. */
typedef struct StreamDemand {
        StreamRole role;
        const char *key;  /* of a STREAM_GENERIC, as WorldStream has it; else NULL */
        const char *node; /* likewise; NULL: not of one node alone */
        KubeQuery query;
} StreamDemand;

typedef int (*DemandCallback)(const StreamDemand *demand, void *userdata);

/* A kind of check: all that the other files need to know of it. Functions other than judge and list may be NULL. */
typedef struct CheckKind {
        CheckSyntax syntax;
        unsigned roles;                                  /* of the streams that it needs: 1 << StreamRole */
        unsigned (*own_roles)(const CheckDefinition *d); /* and those that depend on its keys */
        int (*demand)(const CheckDefinition *d, DemandCallback callback, void *userdata); /* of its own */
        bool (*wants)(const CheckDefinition *d, KubeKind kind,
                      const KubeBrief *brief); /* whether it may look at the object */
        bool (*wants_other_nodes)(const CheckDefinition *d);
        bool (*applies)(const Check *c,
                        const World *w); /* false: it is certain that it asks for nothing here */
        bool counts_pods;                /* its definition begins with a TallyDefinition */
        /* The key of its answer in the world: the daemon asks, and the definition begins with a QuestionDefinition. */
        int (*question)(const CheckDefinition *d, char **ret);
        int (*judge)(Check *c, Judging *j);
        int (*list)(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata);
} CheckKind;

struct Check {
        const CheckDefinition *definition;
        const CheckKind *kind;
        Evidence evidence; /* of the last judgement */

        /* Rule R4, as its gate sets it. */
        bool gate_is_open; /* ready or unknown */
        bool is_set_aside; /* it does not apply, and another check of the gate does */
        unsigned spare;    /* living pods that it can do without, by the last judgement */

        /* Rule R7: kept for [Condition]. */
        bool controlled;              /* a controller stands beside it in its gate */
        bool controller_was_true;     /* in this boot */
        usec_t controller_true_since; /* monotonic, valid with the above */
        bool status_noted;            /* the object has been seen since */
        uint64_t status_then;         /* valid with the above: KubeGeneric.status_hash at that moment */
        bool stands;                  /* it counts as the API says it from now on; R6 keeps that */
};

void check_init(Check *c, const CheckDefinition *d);
unsigned check_roles(const Check *c);
bool check_may_look_at(const Check *c, const KubeObject *o);
int check_judge(Check *c, Judging *j);
int check_count_listed(Check *c, Judging *j);
int check_list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata);

const CheckKind *check_kind(const CheckDefinition *d);
