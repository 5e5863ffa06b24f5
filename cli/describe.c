/* SPDX-License-Identifier: Apache-2.0 */

#include "describe.h"

#include "base/strv.h"
#include "follow.h"
#include "gates/definition.h"

/* How long the daemon may take for its first answers, once it replies. */
#define FIRST_ANSWER_USEC USEC_PER_SEC

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

static int ask_state(const Options *options, const JsonValue *parameters, VlReply *ret_reply,
                     Snapshot *ret) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        _cleanup_(snapshot_done) Snapshot s = {};
        int r;

        r = ask(options, READINESS "Describe", parameters, &reply);
        if (r == 0)
                r = snapshot_update(&s, reply.parameters);
        if (r != 0)
                return r;

        *ret_reply = reply;
        reply = (VlReply){};
        *ret = s;
        s = (Snapshot){};
        return 0;
}

static char *const *names_of(const JsonValue *parameters, char ***ret) {
        JSON_FOREACH(name, jv_get(parameters, "gates"))
                if (strv_extend(ret, strempty(jv_string(name))) < 0)
                        break;
        return *ret;
}

/* Follows the gates until there is a first answer about each of them, or a second has passed. What goes wrong
 * meanwhile shows when the daemon is asked again. */
static void await_answers(const Options *options, char *const *gates) {
        usec_t deadline = usec_add(now_monotonic(), FIRST_ANSWER_USEC);
        Follow follow = FOLLOW_INIT(options, gates);
        FollowEvent event = FOLLOW_CHANGED;
        int r = 0;

        while (r >= 0 && event == FOLLOW_CHANGED) {
                _cleanup_(vl_reply_done) VlReply change = {};

                r = follow_next(&follow, deadline, &event, &change);
                if (r >= 0 && event == FOLLOW_CHANGED && !snapshot_awaits_answer(&follow.snapshot))
                        break;
        }
        follow_done(&follow);
}

/* Asks for the verdict and the gates named; without names for the enabled gates, or with --all for every gate. Where
 * the daemon has not looked at everything yet, as when it has just started, it gets a second for that. Both results
 * are the caller's. Returns 0, or an exit status after telling the user what went wrong. */
int describe(const Options *options, char *const *gates, VlReply *ret_reply, Snapshot *ret) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        _cleanup_(vl_reply_done) VlReply reply = {};
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        if (options->all && (!gates || !*gates))
                r = all_gates_parameter(options, &parameters);
        else
                r = ask_gates_parameter(gates, &parameters);
        if (r == 0)
                r = ask_state(options, parameters, &reply, &s);
        if (r == 0 && snapshot_awaits_answer(&s)) {
                await_answers(options, names_of(parameters, &names));
                vl_reply_done(&reply);
                snapshot_done(&s);
                reply = (VlReply){};
                r = ask_state(options, parameters, &reply, &s);
        }
        if (r != 0)
                return r;

        *ret_reply = reply;
        reply = (VlReply){};
        *ret = s;
        s = (Snapshot){};
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

/* Appends the names of the gates to *ret, but for those that no gate may have, which may be unclean. -ENOMEM. */
int add_gate_names(const JsonValue *definitions, char ***ret) {
        int r = 0;

        JSON_FOREACH(definition, definitions) {
                const char *name = jv_get_string(definition, "name");

                if (r >= 0 && name && gate_name_is_valid(name))
                        r = strv_extend(ret, name);
        }
        return r;
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

/* fresh: a gate that is ready counts as what its checks say now. */
static int status_of_gate(const JsonValue *gate, bool fresh) {
        if (gate && gate_is_invalid(gate))
                return STATUS_ERROR;
        if (fresh && gate_rests_on(gate) == RESTS_ON_HOLD)
                return STATUS_NOT_READY;
        if (fresh && gate_rests_on(gate) == RESTS_ON_GRACE)
                return STATUS_UNKNOWN;
        return status_of_state(get_state(gate));
}

static int worse_status(int a, int b) {
        static const int worst[] = { STATUS_ERROR, STATUS_NOT_READY, STATUS_UNKNOWN };

        for (size_t i = 0; i < ELEMENTSOF(worst); i++)
                if (a == worst[i] || b == worst[i])
                        return worst[i];
        return STATUS_READY;
}

/* The exit status for the verdict, or where gates are named for the worst of these. named ends with NULL. */
static int exit_status(const Snapshot *s, char *const *named, bool fresh) {
        int worst = STATUS_READY;

        assert(named);

        for (char *const *name = named; *name; name++)
                worst = worse_status(worst, status_of_gate(snapshot_find(s, *name), fresh));
        if (*named)
                return worst;
        if (!fresh || get_state(s->verdict) != GATE_READY)
                return status_of_state(get_state(s->verdict));
        for (size_t i = 0; i < s->n_gates; i++)
                if (jv_get_bool(s->gates[i], "required", false))
                        worst = worse_status(worst, status_of_gate(s->gates[i], true));
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
        return r < 0 ? r : exit_status(&s, options->arguments, options->fresh);
}
