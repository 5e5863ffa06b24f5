/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/check.h"
#include "ready/pod.h"

#define MINIMUM_READY_UNSET (-1)

/* Common part of the sections that count pods. */
typedef struct TallyDefinition {
        CheckDefinition definition;
        char *namespace;
        char *name;
        int minimum_ready; /* MINIMUM_READY_UNSET */
        ProofWanted proof;
} TallyDefinition;

static inline const TallyDefinition *tally_definition(const CheckDefinition *d) {
        assert(check_kind(d)->counts_pods);
        return (const TallyDefinition *) d;
}

extern const CheckKeyType tally_key_minimum_ready;
extern const CheckKeyType tally_key_proof;

/* How many pods a check has, by what rules R2 and R3 say of each. */
typedef struct Tally {
        unsigned members, proven, doubtful; /* all; TRUE; NO-EVIDENCE; the rest is FALSE */
        unsigned dead;                      /* of the rest: known without the API */
        unsigned old;                       /* no members for now: of an old revision */
        const WorldObject *leftover; /* no member: the last pod that failed or is being deleted, or NULL */
} Tally;

/* Which pods are the check's. */
typedef struct Members {
        const Check *check;
        bool (*has)(const Check *c, const World *w, const KubePod *p, const KubeObject *owner);
        const KubeObject *owner; /* of [Workload]; else NULL */
        /* The only revision that counts, and what a pod's is (NULL: not told, and it counts); NULL: any counts. */
        const char *revision;
        const char *(*revision_of)(const World *w, const KubePod *p);
} Members;

bool tally_in_sync(const World *w, NodeChoice *choice, const char **ret_reason, const char **ret_message);
Evidence tally_evidence(const Tally *t, unsigned wanted, bool in_sync);
unsigned tally_spare(const Tally *t, unsigned wanted);
int tally_members(const Members *m, Judging *j, Tally *ret);
int tally_block_old(const Members *m, Judging *j);
int tally_list(const Members *m, const World *w, Instant now, WatchedCallback callback, void *userdata);
