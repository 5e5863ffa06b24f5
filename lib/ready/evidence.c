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
        [PROOF_BOOT_ID] = "bootId", [PROOF_CGROUP] = "cgroup",   [PROOF_OBSERVED] = "observed",
        [PROOF_NONE] = "none",      [PROOF_MISSING] = "missing",
};

const char *proof_to_string(Proof p) {
        return p >= 0 && p < _PROOF_MAX ? proofs[p] : NULL;
}

static const char *const guards[_GUARD_MAX] = {
        [GUARD_STALE_BOOT] = REASON_STALE_BOOT,
        [GUARD_UNPROVEN] = REASON_UNPROVEN,
        [GUARD_KUBELET_SILENT] = REASON_KUBELET_SILENT,
};

const char *guard_to_string(Guard g) {
        return g >= 0 && g < _GUARD_MAX ? guards[g] : NULL;
}

Guard guard_from_string(const char *s) {
        for (Guard g = 0; g < _GUARD_MAX; g++)
                if (streq(guards[g], s))
                        return g;
        return _GUARD_INVALID;
}
