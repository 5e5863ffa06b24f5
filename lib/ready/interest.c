/* SPDX-License-Identifier: Apache-2.0 */

/* Which objects the gates look at, judged by metadata alone, so that the scanner drops the others before they are
 * parsed. False positives are fine, because ownership is proven by uid later; false negatives are not. */

#include "ready/board.h"
#include "ready/tally.h"

static bool check_wants(const Check *c, KubeKind kind, const KubeBrief *brief) {
        return c->kind->wants && c->kind->wants(c->definition, kind, brief);
}

bool board_wants(const Board *b, KubeKind kind, const KubeBrief *brief) {
        if (kind == KUBE_NODE || kind == KUBE_LEASE || kind == KUBE_GENERIC)
                return true;
        BOARD_FOREACH_CHECK(c, g, b) {
                if (check_wants(c, kind, brief))
                        return true;
        }
        return false;
}

/* Whether a check that looks at the pod wants its cgroups as proof. */
bool board_wants_cgroups(const Board *b, const KubePod *pod) {
        BOARD_FOREACH_CHECK(c, g, b) {
                if (c->kind->counts_pods && check_may_look_at(c, &pod->object) &&
                    tally_definition(c->definition)->proof == PROOF_WANTED_CGROUP)
                        return true;
        }
        return false;
}

/* Whether a check asks for a node that is not this host's. */
bool board_wants_other_nodes(const Board *b) {
        BOARD_FOREACH_CHECK(c, g, b) {
                if (c->kind->wants_other_nodes && c->kind->wants_other_nodes(c->definition))
                        return true;
        }
        return false;
}
