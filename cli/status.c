/* SPDX-License-Identifier: Apache-2.0 */

#include "ask.h"
#include "base/strv.h"
#include "render.h"
#include "verbs.h"

/* --all: the daemon describes all that are enabled unless they are named, so all are. */
static int all_gates_parameter(const Options *options, JsonValue **ret) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        r = ask(options, READINESS "ListGates", NULL, &reply);
        if (r != 0)
                return r;
        JSON_FOREACH(definition, jv_get(reply.parameters, "definitions")) {
                const char *name = jv_get_string(definition, "name");

                r = name ? strv_extend(&names, name) : 0;
                if (r < 0)
                        return r;
        }
        return ask_gates_parameter(names, ret);
}

static int status_of_state(State state) {
        switch (state) {
        case STATE_READY:
                return STATUS_READY;
        case STATE_UNKNOWN:
                return STATUS_UNKNOWN;
        case STATE_DISABLED:
                return STATUS_ERROR;
        default:
                return STATUS_NOT_READY;
        }
}

/* What the exit status says: the verdict, or of the gates that were named the worst. */
static int status_of(const Snapshot *s, char *const *named) {
        int worst = STATUS_READY;

        if (!*named)
                return status_of_state(get_state(s->verdict));
        for (; *named; named++) {
                const JsonValue *gate = snapshot_find(s, *named);
                int one = gate && gate_is_invalid(gate) ? STATUS_ERROR : status_of_state(get_state(gate));

                if (worst == STATUS_READY || one == STATUS_ERROR ||
                    (one == STATUS_NOT_READY && worst == STATUS_UNKNOWN))
                        worst = one;
        }
        return worst;
}

static int show(const Options *options, const Snapshot *s) {
        _cleanup_(out_done) Output out;
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
        return r < 0 ? r : out_flush(&out);
}

/* The verdict and a line for each gate, with what blocks those that are required. */
int verb_status(const Options *options) {
        char *const *named = options->arguments;
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_(vl_reply_done) VlReply reply = {};
        int r;

        if (options->all && !*named)
                r = all_gates_parameter(options, &parameters);
        else
                r = ask_gates_parameter(named, &parameters);
        if (r == 0)
                r = ask(options, READINESS "Describe", parameters, &reply);
        if (r == 0)
                r = snapshot_update(&s, reply.parameters);
        if (r != 0)
                return r;

        if (options->format != FORMAT_TEXT)
                r = print_reply(options, reply.parameters);
        else if (!options->quiet)
                r = show(options, &s);
        return r < 0 ? r : status_of(&s, named);
}
