/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/limits.h"
#include "varlink/message.h"

/* A call or reply that is accepted can be written again, and is read as the same. */

static void check_request(const char *text, size_t size) {
        _cleanup_(vl_request_done) VlRequest request = {}, again = {};
        _cleanup_(buffer_done) Buffer out = BUFFER_INIT(MIB(64));
        const char *reason = NULL;
        size_t scanned = 0, found;

        if (vl_request_decode(text, size, &request, &reason) < 0) {
                assert(reason && !request.root);
                return;
        }
        assert(request.method[0] && (request.flags & (request.flags - 1)) == 0);
        assert(vl_request_encode(&out, request.method, request.parameters, request.flags) == 0);
        assert(vl_frame_find(&out, &scanned, &found) && found == out.size - 1);
        assert(vl_request_decode(out.data, found, &again, &reason) == 0);
        assert(streq(again.method, request.method) && again.flags == request.flags);
        assert(!again.parameters == !request.parameters);
}

static void check_reply(const char *text, size_t size) {
        _cleanup_(vl_reply_done) VlReply reply = {}, again = {};
        _cleanup_(buffer_done) Buffer out = BUFFER_INIT(MIB(64));
        const char *reason = NULL;

        if (vl_reply_decode(text, size, &reply, &reason) < 0) {
                assert(reason && !reply.root);
                return;
        }
        assert(!reply.error || !reply.continues);
        assert(vl_reply_encode(&out, reply.error, reply.parameters, reply.continues) == 0);
        assert(vl_reply_decode(out.data, out.size - 1, &again, &reason) == 0);
        assert(streq_ptr(again.error, reply.error) && again.continues == reply.continues);
        assert(!again.parameters == !reply.parameters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        check_request((const char *) data, size);
        check_reply((const char *) data, size);
        return 0;
}
