/* SPDX-License-Identifier: Apache-2.0 */

#include "describe.h"

#include "base/strv.h"

/* Without names the daemon describes the enabled gates only, so for --all this names every gate. */
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

/* Asks for the verdict and the gates named; without names for the enabled gates, or with --all for every gate. Both
 * results are the caller's. Returns 0, or an exit status after telling the user what went wrong. */
int describe(const Options *options, char *const *gates, VlReply *ret_reply, Snapshot *ret) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        _cleanup_(vl_reply_done) VlReply reply = {};
        int r;

        if (options->all && (!gates || !*gates))
                r = all_gates_parameter(options, &parameters);
        else
                r = ask_gates_parameter(gates, &parameters);
        if (r == 0)
                r = ask(options, READINESS "Describe", parameters, &reply);
        if (r == 0)
                r = snapshot_update(ret, reply.parameters);
        if (r != 0)
                return r;

        *ret_reply = reply;
        reply = (VlReply){};
        return 0;
}

/* Where a gate is disabled, asks for the definitions, which say which condition does not hold. Returns 0, or an
 * exit status after telling the user what went wrong. */
static int ask_causes(const Options *options, const Snapshot *s, VlReply *ret) {
        for (size_t i = 0; i < s->n_gates; i++)
                if (get_state(s->gates[i]) == GATE_DISABLED)
                        return ask(options, READINESS "ListGates", NULL, ret);
        return 0;
}

/* The definition of the gate of that name, or NULL. */
const JsonValue *find_definition(const JsonValue *definitions, const char *name) {
        JSON_FOREACH(definition, definitions)
                if (streq_ptr(jv_get_string(definition, "name"), name))
                        return definition;
        return NULL;
}

/* Why the gate of that name is disabled or invalid; NULL where it is neither. */
const char *find_cause(const JsonValue *definitions, const char *name) {
        return jv_get_string(find_definition(definitions, name), "cause");
}

static int status_of_state(GateState state) {
        switch (state) {
        case GATE_READY:
                return STATUS_READY;
        case GATE_UNKNOWN:
                return STATUS_UNKNOWN;
        case GATE_DISABLED:
                return STATUS_ERROR;
        default:
                return STATUS_NOT_READY;
        }
}

/* The exit status for the verdict, or where gates are named for the worst of these. named ends with NULL. */
static int exit_status(const Snapshot *s, char *const *named) {
        int worst = STATUS_READY;

        assert(named);

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

/* Describes the gates named on the command line, or all, and prints the reply as the options say: put() puts it as
 * text. definitions is NULL where no gate is disabled, or without with_causes. Returns the exit status for the state
 * of the cluster or of these gates, after an error the one for the error, or a negative errno. */
int describe_and_show(const Options *options, bool with_causes,
                      void (*put)(Output *out, const Options *options, const Snapshot *s,
                                  const JsonValue *definitions)) {
        _cleanup_(vl_reply_done) VlReply reply = {}, gates = {};
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_(out_done) Output out = {};
        int r;

        r = describe(options, options->arguments, &reply, &s);
        if (r == 0 && with_causes)
                r = ask_causes(options, &s, &gates);
        if (r != 0)
                return r;
        out_init(&out, STDOUT_FILENO, options->pager);
        if (options->format != FORMAT_TEXT)
                r = print_reply(options, reply.parameters);
        else if (!options->quiet) {
                put(&out, options, &s, jv_get(gates.parameters, "definitions"));
                r = out_flush(&out);
        }
        return r < 0 ? r : exit_status(&s, options->arguments);
}
