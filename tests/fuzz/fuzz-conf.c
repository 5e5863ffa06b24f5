/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/limits.h"
#include "base/string-util.h"
#include "gates/gate-condition.h"
#include "gates/definition.h"
#include "ready/check-kinds.h"
#include "settings.h"

static bool exists(const GateFacts *facts, const char *path) {
        return strlen(path) % 2;
}

static void take_gate(const ConfFile *conf) {
        _cleanup_(gate_definition_freep) GateDefinition *d = NULL, *again = NULL;
        MicroShiftConfig config = {};
        GateFacts facts = { .path_exists = exists, .microshift = &config };
        _cleanup_free_ char *cause = NULL;
        int r;

        assert(gate_definition_parse("fuzz", conf, check_find_syntax, &d) == 0);
        assert(gate_definition_parse("fuzz", conf, check_find_syntax, &again) == 0);
        assert(gate_definition_checks_equal(d, again));
        assert(d->invalid || d->n_checks > 0);
        assert(!conf->errors || d->invalid);
        assert(d->n_checks <= LIMIT_CHECKS);
        assert(!d->description || utf8_is_valid(d->description, strlen(d->description)));
        r = gate_conditions_hold(d, &facts, &cause);
        assert(r >= 0 && !cause == (r > 0));

        for (size_t i = 0; i < d->n_checks; i++) {
                _cleanup_free_ char *words = NULL;
                KubeObject o = {};

                if (d->invalid)
                        continue;
                assert(check_definition_describe(d->checks[i], &words) == 0);
                if (check_kind(d->checks[i]) == &check_kind_pods) {
                        const PodsDefinition *pods = CHECK_AS(PodsDefinition, d->checks[i]);

                        (void) selector_matches(pods->selector.requirements, pods->selector.n_requirements,
                                                &o);
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(conf_file_freep) ConfFile *conf = NULL;
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *detail = NULL;

        assert(conf_parse("fuzz.gate", "F", (const char *) data, size, &conf) == 0);
        take_gate(conf);
        if (settings_parse(conf, &s, &detail, NULL) < 0)
                assert(!s && detail);
        return 0;
}
