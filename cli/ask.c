/* SPDX-License-Identifier: Apache-2.0 */

#include "ask.h"

#include "base/strv.h"

/* Calls a method of the daemon, named in full: "io.msready.Readiness.Describe". Returns 0 and the reply, which may be
 * an error of the method; the caller frees it with vl_reply_done(). A negative errno where the daemon does not
 * answer. */
int try_to_ask(const Options *options, const char *method, const JsonValue *parameters, VlReply *ret) {
        usec_t deadline = usec_add(now_monotonic(), REPLY_USEC);
        _cleanup_(vl_client_freep) VlClient *client = NULL;
        int r;

        r = vl_client_connect(options->socket, deadline, &client);
        return r < 0 ? r : vl_client_call(client, method, parameters, deadline, ret);
}

/* As try_to_ask(), but returns an exit status after telling the user what went wrong: also for an error of the
 * method. */
int ask(const Options *options, const char *method, const JsonValue *parameters, VlReply *ret) {
        VlReply reply;
        int r;

        r = try_to_ask(options, method, parameters, &reply);
        if (r < 0)
                return tell_unreachable(options, r);
        if (reply.error) {
                r = tell_error(options, &reply);
                vl_reply_done(&reply);
                return r;
        }

        *ret = reply;
        return 0;
}

/* As ask(), with the parameters that were built, which it finishes. */
int ask_with(const Options *options, const char *method, JsonBuilder *parameters, VlReply *ret) {
        _cleanup_(jv_freep) JsonValue *finished = NULL;
        int r;

        r = jb_finish(parameters, &finished);
        return r < 0 ? r : ask(options, method, finished, ret);
}

/* Makes the parameters {"gates": [...]}, or NULL where no gate is named: the daemon takes an empty list for no
 * gates. *ret is the caller's. -ENOMEM. */
int ask_gates_parameter(char *const *gates, JsonValue **ret) {
        JsonBuilder b = {};

        if (!gates || !*gates) {
                *ret = NULL;
                return 0;
        }
        jb_strings(&b, "gates", gates);
        return jb_finish(&b, ret);
}
