/* SPDX-License-Identifier: Apache-2.0 */

#include "ask.h"

#include "base/strv.h"

/* Calls a method of the daemon, named in full: "io.msready.Readiness.Describe". Returns 0 and the reply, which the
 * caller frees with vl_reply_done(), or an exit status after telling the user what went wrong. */
int ask(const Options *options, const char *method, const JsonValue *parameters, VlReply *ret) {
        usec_t deadline = usec_add(now_monotonic(), REPLY_USEC);
        _cleanup_(vl_client_freep) VlClient *client = NULL;
        VlReply reply;
        int r;

        r = vl_client_connect(options->socket, deadline, &client);
        if (r >= 0)
                r = vl_client_call(client, method, parameters, deadline, &reply);
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
