/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/node.h"

/* How an administrator wants pods to be proven (rule R3). */
typedef enum ProofWanted {
        PROOF_WANTED_CGROUP,
        PROOF_WANTED_OBSERVED,
        PROOF_WANTED_NONE,
} ProofWanted;

/* How long a remote node must have been seen alive, with an unchanged boot ID, until the status of its pods is
 * believed. */
#define OBSERVED_NODE_USEC (60 * USEC_PER_SEC)

bool pod_is_in_scope(const World *w, const KubePod *p);
bool pod_is_member(const KubePod *p);
bool pod_is_leftover(const KubePod *p);
bool pod_is_dead(const Finding *f);
bool pod_awaits_proof(const World *w, const WorldObject *pod);
void pod_judge(const World *w, const WorldObject *pod, ProofWanted wanted, Instant now, Finding *ret,
               usec_t *ret_deadline);
void pod_count_containers(const KubePod *p, unsigned *ret_ready, unsigned *ret_total);
