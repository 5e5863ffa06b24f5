/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/check.h"
#include "ready/pod.h"

/* The members of a check that looks at pods, counted by what rules R2 and R3 say of each. */
typedef struct Tally {
        unsigned members, proven, doubtful; /* TRUE, NO-EVIDENCE; the rest is FALSE */
        unsigned dead;                      /* of the rest: known without the API */
        const WorldObject *leftover; /* no member: the last one that failed or is going, NULL without */
} Tally;

/* Which pods are the check's. */
typedef struct Members {
        const Check *check;
        bool (*has)(const Check *c, const World *w, const KubePod *p, const KubeObject *owner);
        const KubeObject *owner; /* of [Workload]; else NULL */
} Members;

bool tally_in_sync(const World *w, NodeChoice *choice, const char **ret_reason, const char **ret_message);
Evidence tally_out_of_sync(const Tally *t, unsigned wanted);
int tally_members(const Members *m, Judging *j, Tally *ret);
int tally_list(const Members *m, const World *w, Instant now, WatchedCallback callback, void *userdata);
