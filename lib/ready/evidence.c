/* SPDX-License-Identifier: Apache-2.0 */

#include "ready/evidence.h"

const char *evidence_to_string(Evidence e) {
        switch (e) {
        case EVIDENCE_NONE:
                return "no-evidence";
        case EVIDENCE_FALSE:
                return "false";
        case EVIDENCE_TRUE:
                return "true";
        }
        return NULL;
}

static const char *const proofs[_PROOF_MAX] = {
        [PROOF_BOOT_ID] = "bootId",
        [PROOF_CGROUP] = "cgroup",
        [PROOF_OBSERVED] = "observed",
        [PROOF_NONE] = "none",
        [PROOF_MISSING] = "missing",
};

const char *proof_to_string(Proof p) {
        return p >= 0 && p < _PROOF_MAX ? proofs[p] : NULL;
}

Proof proof_from_string(const char *s) {
        for (Proof p = 0; p < _PROOF_MAX; p++)
                if (streq(proofs[p], s))
                        return p;
        return _PROOF_INVALID;
}
