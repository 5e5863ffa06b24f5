/* SPDX-License-Identifier: Apache-2.0 */

#include "base/log.h"
#include "varlink/server-internal.h"

/* A call: what its method can ask about it, and how the method answers it. A method answers a call with
 * 'oneway' like any other, and nothing is sent. Answering never calls back and never frees the connection:
 * the connection's next step does that. */

/* Starts a call with a decoded request, which the call owns from now on. */
void call_begin(VlCall *call, VlRequest *request) {
        assert(!call->slot && !call->request.root);

        call->request = *request;
        *request = (VlRequest){};
        call->answered = false;
        connection_set_state(call->connection, VL_CALLING);
}

/* The call waits from now on. Its message is freed: a decoded hostile message is thirty times as large as
 * its text, and thousands of calls may wait. */
void call_wait(VlCall *call) {
        unsigned flags = call->request.flags;

        vl_request_done(&call->request);
        call->request.flags = flags;
        connection_set_state(call->connection, VL_PENDING);
}

/* Ends the call. Returns its slot, if any, from which the call has been removed. */
VlSlot *call_end(VlCall *call) {
        VlSlot *slot = TAKE_PTR(call->slot);

        vl_request_done(&call->request);
        if (slot)
                slot->call = NULL;
        return slot;
}

/* The parameters, checked against the method's table, or NULL if there are none. A nullable one may be
 * absent or null, which are the same to jv_get_string() and the like. Borrowed while on_call runs. */
const JsonValue *vl_call_parameters(const VlCall *call) {
        return call->request.parameters;
}

/* Whether vl_call_notify() may be used. */
bool vl_call_wants_more(const VlCall *call) {
        return call->request.flags & VL_MORE;
}

/* Whether the client is root or the daemon's own user. */
bool vl_call_is_privileged(const VlCall *call) {
        return peer_is_privileged(&call->connection->peer);
}

/* Keeps the call, so that it can be answered after its on_call has returned. The caller has set
 * slot->on_gone; it also runs as soon as on_call has returned if the call has 'oneway', because no client
 * waits for an answer, or if on_call returned an error, which is the answer. */
void vl_call_defer(VlCall *call, VlSlot *slot) {
        assert(call->connection->state == VL_CALLING && !call->answered && !call->slot);
        assert(slot->on_gone && !slot->call);

        call->slot = slot;
        slot->call = call;
}

/* Gives up the slot's call, if it has one: its connection is closed. */
void vl_slot_done(VlSlot *slot) {
        VlCall *call = TAKE_PTR(slot->call);

        if (!call)
                return;
        call->slot = NULL;
        call->connection->broken = "its call was given up";
        connection_wake(call->connection);
}

/* Whether the client has read everything that was sent before. If not, a publisher waits for on_drained()
 * and then sends only the newest state. */
bool vl_call_can_send(const VlCall *call) {
        return !call->connection->broken && connection_queued(call->connection) == 0;
}

/* One reply of several: the call goes on. For calls with 'more' (else -EINVAL). -EMSGSIZE: too large,
 * nothing was sent. -ENOBUFS, -ENOMEM: the client is cut off, and on_gone() will be called. parameters stay
 * the caller's, here and below. */
int vl_call_notify(VlCall *call, const JsonValue *parameters) {
        assert(!call->answered);

        if (!vl_call_wants_more(call))
                return -EINVAL;
        return connection_put_reply(call->connection, NULL, parameters, true);
}

/* Ends the call, for the slot as well. While its on_call still runs, the request is kept for it. */
static void call_finish(VlCall *call) {
        VlConnection *c = call->connection;

        assert(!call->answered);
        call->answered = true;
        if (c->state == VL_CALLING)
                return;
        call_end(call);
        connection_set_state(c, VL_IDLE);
        connection_wake(c);
}

static int put_error_errno(VlCall *call, int error);

static int send_answer(VlCall *call, const char *error, const JsonValue *parameters) {
        int r = 0;

        if (!(call->request.flags & VL_ONEWAY)) {
                r = connection_put_reply(call->connection, error, parameters, false);
                if (r == -EMSGSIZE)
                        (void) put_error_errno(call, EMSGSIZE);
        }
        call_finish(call);
        return r;
}

/* Sends the last or only reply. The call is over in any case. -EMSGSIZE: too large, and the client was told
 * so. -ENOBUFS, -ENOMEM: the client is cut off. */
int vl_call_reply(VlCall *call, const JsonValue *parameters) {
        return send_answer(call, NULL, parameters);
}

/* Answers with an error (its full name); otherwise as vl_call_reply(). */
int vl_call_error(VlCall *call, const char *error, const JsonValue *parameters) {
        assert(error);
        return send_answer(call, error, parameters);
}

/* Finishes the builder and answers with its object: as an error, or as a reply if error is NULL. The errors
 * of jb_finish(), which leave the call unanswered; otherwise as vl_call_reply(). */
int vl_call_answer(VlCall *call, const char *error, JsonBuilder *b) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        int r;

        r = jb_finish(b, &parameters);
        return r < 0 ? r : send_answer(call, error, parameters);
}

/* Answers with an error that has one parameter, a string. */
int vl_call_error_string(VlCall *call, const char *error, const char *key, const char *value) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        JsonBuilder b = {};

        assert(error);

        jb_string(&b, key, value);
        if (jb_finish(&b, &parameters) < 0)
                log_debug("varlink: no memory to say what %s is about", error);
        return send_answer(call, error, parameters);
}

/* Sends a system error the way systemd does. */
static int put_error_errno(VlCall *call, int error) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        JsonBuilder b = {};

        jb_string(&b, "origin", "linux");
        jb_int(&b, "errno", error);
        jb_string(&b, "errnoName", strerrorname_np(error));
        if (jb_finish(&b, &parameters) < 0)
                log_debug("varlink: no memory to say which error of the system it was");
        return connection_put_reply(call->connection, "io.systemd.System", parameters, false);
}

/* Answers with io.systemd.System. error is an errno, of either sign. */
int vl_call_error_errno(VlCall *call, int error) {
        int r = 0;

        assert(error != 0);

        if (!(call->request.flags & VL_ONEWAY))
                r = put_error_errno(call, abs(error));
        call_finish(call);
        return r;
}

int vl_call_invalid_parameter(VlCall *call, const char *name) {
        return vl_call_error_string(call, "org.varlink.service.InvalidParameter", "parameter", name);
}

int vl_call_permission_denied(VlCall *call) {
        return vl_call_error(call, "org.varlink.service.PermissionDenied", NULL);
}
