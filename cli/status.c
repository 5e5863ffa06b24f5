/* SPDX-License-Identifier: Apache-2.0 */

#include "describe.h"
#include "render.h"
#include "verbs.h"

/* Puts what masks the gate. Returns whether anything does. */
static bool put_masked(Output *out, const JsonValue *definition) {
        const char *masked = jv_get_string(definition, "masked");

        if (!masked)
                return false;
        out_put(out, "gate ");
        out_text(out, jv_get_string(definition, "name"));
        out_put(out, " is masked by ");
        out_text(out, masked);
        out_put(out, "\n");
        return true;
}

/* Puts why the gates that are disabled do not apply on this host. */
static void put_causes(Output *out, const Snapshot *s, const JsonValue *definitions) {
        for (size_t i = 0; i < s->n_gates; i++) {
                const char *name = jv_get_string(s->gates[i], "name");
                const JsonValue *definition = find_definition(definitions, name);

                if (!jv_get_string(definition, "cause") || get_state(s->gates[i]) != GATE_DISABLED)
                        continue;
                out_put(out, "\n");
                if (put_masked(out, definition))
                        continue;
                out_text(out, name);
                out_put(out, " is disabled on this host:\n");
                render_cause(out, definition, 4);
        }
}

static void put_status(Output *out, const Options *options, const Snapshot *s,
                       const JsonValue *definitions) {
        bool named = *options->arguments;

        if (!named)
                render_verdict(out, s, s->told);
        if (!named && s->n_gates > 0)
                out_put(out, "\n");
        render_gates(out, s, s->told, options);
        render_blockers(out, s, s->told, named, named || options->all);
        put_causes(out, s, definitions);
}

/* Shows the verdict and a line for each gate, with what blocks the required ones. */
int verb_status(const Options *options) {
        return describe_and_show(options, *options->arguments && !options->quiet, put_status);
}
