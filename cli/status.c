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

static int show_status(const Options *options, const Snapshot *s, const JsonValue *definitions) {
        _cleanup_(out_done) Output out = {};
        bool named = *options->arguments;
        int r;

        out_init(&out, STDOUT_FILENO);
        out.pager = options->pager;
        if (!named)
                render_verdict(&out, s, s->told);
        if (!named && s->n_gates > 0)
                out_put(&out, "\n");
        r = render_gates(&out, s, s->told, options);
        if (r >= 0)
                r = render_blockers(&out, s, s->told, named || options->all);
        if (r >= 0)
                put_causes(&out, s, definitions);
        return r < 0 ? r : out_flush(&out);
}

/* Shows the verdict and a line for each gate, with what blocks the required ones. */
int verb_status(const Options *options) {
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_(vl_reply_done) VlReply reply = {}, gates = {};
        int r;

        r = describe(options, options->arguments, &reply, &s);
        if (r == 0 && *options->arguments && !options->quiet)
                r = ask_causes(options, &s, &gates);
        if (r != 0)
                return r;
        if (options->format != FORMAT_TEXT)
                r = print_reply(options, reply.parameters);
        else if (!options->quiet)
                r = show_status(options, &s, jv_get(gates.parameters, "definitions"));
        return r < 0 ? r : exit_status(&s, options->arguments);
}
