/* SPDX-License-Identifier: Apache-2.0 */

#include "describe.h"
#include "render.h"
#include "verbs.h"

/* Puts why the gates that are disabled do not apply on this host. */
static void put_causes(Output *out, const Snapshot *s, const JsonValue *definitions) {
        for (size_t i = 0; i < s->n_gates; i++) {
                const char *name = jv_get_string(s->gates[i], "name"),
                           *cause = find_cause(definitions, name);

                if (!cause || get_state(s->gates[i]) != GATE_DISABLED)
                        continue;
                out_put(out, "\n");
                out_text(out, name);
                out_put(out, " is disabled on this host:\n");
                out_wrapped(out, 4, cause);
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
