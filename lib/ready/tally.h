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

typedef bool (*MemberFilter)(const Check *c, const World *w, const KubePod *p, const void *userdata);

bool tally_in_sync(const World *w, NodeChoice *choice, const char **ret_reason, const char **ret_message);
Evidence tally_out_of_sync(const Tally *t, unsigned wanted);
int tally_members(Check *c, const World *w, Instant now, MemberFilter filter, const void *userdata,
                  Report *report, Tally *ret);
int tally_list(Check *c, const World *w, Instant now, MemberFilter filter, const void *userdata,
               WatchedCallback callback, void *callback_userdata);
