/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/gate-condition.h"

static bool path_exists(const GateFacts *facts, const char *path) {
        return access(path, F_OK) >= 0;
}

void host_gate_facts_done(HostGateFacts *f) {
        microshift_config_free(f->microshift);
        microshift_manifests_free(f->manifests);
        *f = HOST_GATE_FACTS_NULL;
}

/* Looks at this host as MicroShift would, were it to start now. -ENOMEM. */
int host_gate_facts_load(HostGateFacts *ret) {
        _cleanup_(host_gate_facts_done) HostGateFacts f = HOST_GATE_FACTS_NULL;
        int r;

        r = microshift_config_load(MICROSHIFT_CONFIG_FILE, MICROSHIFT_CONFIG_FOLDER, &f.microshift);
        if (r >= 0 && !f.microshift->error)
                r = microshift_manifests_load(f.microshift, "", &f.manifests);
        if (r < 0)
                return r;

        f.facts = (GateFacts){
                .path_exists = path_exists,
                .microshift = f.microshift,
                .manifests = f.manifests,
        };
        *ret = f;
        f = HOST_GATE_FACTS_NULL;
        return 0;
}
