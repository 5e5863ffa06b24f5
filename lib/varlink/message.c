/* SPDX-License-Identifier: Apache-2.0 */

#include "varlink/message.h"

/* Calls and replies by the UAPI group's specification of varlink: a JSON object followed by a NUL. An
 * unknown member ends the connection, because ignoring it might silently leave undone what it asks for; a
 * member with a dot in its name belongs to a vendor and may be ignored. Absent, null and empty parameters
 * are the same. Messages that we send have no member that they do not need: sd-varlink refuses replies that
 * do. */

void vl_request_done(VlRequest *request) {
        jv_free(request->root);
        *request = (VlRequest){};
}

void vl_reply_done(VlReply *reply) {
        jv_free(reply->root);
        *reply = (VlReply){};
}

/* Looks for the NUL that ends the first message in the buffer. *scanned, 0 at the start of a message, is how far the
 * buffer has been searched, so that a message in single bytes costs no more than a whole one. The NUL is not counted
 * in ret_size. */
bool vl_frame_find(const Buffer *in, size_t *scanned, size_t *ret_size) {
        const char *end;

        assert(*scanned <= in->size);

        if (*scanned == in->size)
                return false;
        end = memchr(in->data + *scanned, '\0', in->size - *scanned);
        if (!end) {
                *scanned = in->size;
                return false;
        }

        *ret_size = (size_t) (end - in->data);
        return true;
}

/* The flags of a call, in the order of VlFlags. */
static const struct {
        const char *name;
        const char *refusal;
} flag_table[] = {
        { "oneway", "'oneway' is not a boolean" },
        { "more", "'more' is not a boolean" },
        { "upgrade", "'upgrade' is not a boolean" },
};

static int refuse_message(const char **reterr_reason, const char *reason) {
        *reterr_reason = reason;
        return -EBADMSG;
}

static int decode_name(const JsonValue *v, const char **ret, const char *refusal,
                       const char **reterr_reason) {
        *ret = jv_string(v);
        return isempty(*ret) ? refuse_message(reterr_reason, refusal) : 0;
}

/* An absent flag counts as false; null is not a boolean. */
static int decode_flag(const JsonValue *v, bool *ret, const char *refusal, const char **reterr_reason) {
        *ret = jv_bool(v, false);
        return jv_is_bool(v) ? 0 : refuse_message(reterr_reason, refusal);
}

/* The parameters of a call or reply; *ret stays NULL if there are none. */
static int decode_parameters(const JsonValue *v, const JsonValue **ret, const char **reterr_reason) {
        if (!jv_is_null(v) && !jv_is_object(v))
                return refuse_message(reterr_reason, "'parameters' is not an object");
        if (jv_first(v))
                *ret = v;
        return 0;
}

/* Only a vendor's members, which have a dot in their names, may be unknown. */
static int decode_other(const JsonValue *v, const char *refusal, const char **reterr_reason) {
        return strchr(jv_key(v), '.') ? 0 : refuse_message(reterr_reason, refusal);
}

/* Parses one message into an object. */
static int parse_object(const char *text, size_t size, JsonValue **ret, const char **reterr_reason) {
        int r;

        r = jv_parse(text, size, ret);
        if (r < 0)
                return r == -ENOMEM ? r : refuse_message(reterr_reason, "message is not valid JSON");
        return jv_is_object(*ret) ? 0 : refuse_message(reterr_reason, "message is not a JSON object");
}

static int request_member(VlRequest *request, const JsonValue *v, const char **reterr_reason) {
        const char *key = jv_key(v);
        bool set = false;
        int r;

        if (streq(key, "method"))
                return decode_name(v, &request->method, "'method' is not a name", reterr_reason);
        if (streq(key, "parameters"))
                return decode_parameters(v, &request->parameters, reterr_reason);
        for (size_t i = 0; i < ELEMENTSOF(flag_table); i++)
                if (streq(key, flag_table[i].name)) {
                        r = decode_flag(v, &set, flag_table[i].refusal, reterr_reason);
                        request->flags |= set ? 1u << i : 0;
                        return r;
                }
        return decode_other(v, "call has an unknown member", reterr_reason);
}

/* Decodes a call. -EBADMSG: the connection must be closed, and *reterr_reason, a constant, says why.
 * -ENOMEM. The result is the caller's, for vl_request_done(). */
int vl_request_decode(const char *text, size_t size, VlRequest *ret, const char **reterr_reason) {
        _cleanup_(vl_request_done) VlRequest request = {};
        int r;

        r = parse_object(text, size, &request.root, reterr_reason);
        if (r < 0)
                return r;
        JSON_FOREACH(v, request.root) {
                r = request_member(&request, v, reterr_reason);
                if (r < 0)
                        return r;
        }
        if (!request.method)
                return refuse_message(reterr_reason, "call names no method");
        if (request.flags & (request.flags - 1))
                return refuse_message(reterr_reason,
                                      "call has more than one of 'oneway', 'more' and 'upgrade'");

        *ret = request;
        request = (VlRequest){};
        return 0;
}

static int reply_member(VlReply *reply, const JsonValue *v, const char **reterr_reason) {
        const char *key = jv_key(v);

        if (streq(key, "error"))
                return decode_name(v, &reply->error, "'error' is not a name", reterr_reason);
        if (streq(key, "parameters"))
                return decode_parameters(v, &reply->parameters, reterr_reason);
        if (streq(key, "continues"))
                return decode_flag(v, &reply->continues, "'continues' is not a boolean", reterr_reason);
        return decode_other(v, "reply has an unknown member", reterr_reason);
}

/* Decodes a reply, as vl_request_decode() does a call. The caller checks whether it asked for
 * 'continues'. */
int vl_reply_decode(const char *text, size_t size, VlReply *ret, const char **reterr_reason) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        int r;

        r = parse_object(text, size, &reply.root, reterr_reason);
        if (r < 0)
                return r;
        JSON_FOREACH(v, reply.root) {
                r = reply_member(&reply, v, reterr_reason);
                if (r < 0)
                        return r;
        }
        if (reply.error && reply.continues)
                return refuse_message(reterr_reason, "reply is an error and continues");

        *ret = reply;
        reply = (VlReply){};
        return 0;
}

/* Takes back what was appended since size, so that a message is in the buffer whole or not at all. */
static int rolled_back(Buffer *out, size_t size, int r) {
        if (r < 0)
                buffer_truncate(out, size);
        return r;
}

/* Appends ,"key": or "key": for the first member. */
static int put_key(Buffer *out, const char *key) {
        return buffer_printf(out, "%s\"%s\":", out->data[out->size - 1] == '{' ? "" : ",", key);
}

/* Appends nothing if s is NULL. */
static int put_string(Buffer *out, const char *key, const char *s) {
        return s ? put_key(out, key) ?: jv_print_string(s, out) : 0;
}

/* Appends nothing if they are empty or NULL. */
static int put_parameters(Buffer *out, const JsonValue *v) {
        return jv_first(v) ? put_key(out, "parameters") ?: jv_print(v, false, out) : 0;
}

/* Appends nothing if value is false. */
static int put_flag(Buffer *out, const char *key, bool value) {
        return value ? put_key(out, key) ?: buffer_puts(out, "true") : 0;
}

/* Appends the closing brace and the NUL behind it. */
static int put_end(Buffer *out) {
        return buffer_put(out, "}", 2);
}

static int put_request(Buffer *out, const char *method, const JsonValue *parameters, unsigned flags) {
        int r;

        r = buffer_putc(out, '{') ?: put_string(out, "method", method) ?: put_parameters(out, parameters);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(flag_table); i++)
                r = put_flag(out, flag_table[i].name, flags & (1u << i));
        return r ?: put_end(out);
}

/* Appends a call, its NUL included. At most one flag. parameters may be NULL. -E2BIG over the buffer's
 * ceiling, -ENOMEM; the buffer is unchanged then. */
int vl_request_encode(Buffer *out, const char *method, const JsonValue *parameters, unsigned flags) {
        size_t before = out->size;

        assert((flags & (flags - 1)) == 0);
        return rolled_back(out, before, put_request(out, method, parameters, flags));
}

static int put_reply(Buffer *out, const char *error, const JsonValue *parameters, bool continues) {
        return buffer_putc(out, '{') ?:
                put_string(out, "error", error) ?:
                put_parameters(out, parameters) ?:
                put_flag(out, "continues", continues) ?: put_end(out);
}

/* Appends a reply (error NULL: success), as vl_request_encode() does a call. */
int vl_reply_encode(Buffer *out, const char *error, const JsonValue *parameters, bool continues) {
        size_t before = out->size;

        assert(!error || !continues);
        return rolled_back(out, before, put_reply(out, error, parameters, continues));
}
