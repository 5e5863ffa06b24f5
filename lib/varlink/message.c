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

/* Looks for the NUL that ends the first message in the buffer. *scanned, 0 at the start of a message, is how
 * far the buffer has been searched, so that a message in single bytes costs no more than a whole one.
 * *ret_size does not count the NUL. */
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

static bool is_vendor_member(const char *key) {
        return strchr(key, '.');
}

/* An absent flag counts as false; null is not a boolean. */
static int decode_flag(const JsonValue *v, unsigned flag, unsigned *flags) {
        if (!jv_is_bool(v))
                return -EBADMSG;
        if (jv_bool(v, false))
                *flags |= flag;
        return 0;
}

/* The parameters of a call or reply; *ret stays NULL if there are none. */
static int decode_parameters(const JsonValue *v, const JsonValue **ret) {
        if (jv_is_null(v))
                return 0;
        if (!jv_is_object(v))
                return -EBADMSG;
        if (jv_first(v))
                *ret = v;
        return 0;
}

/* Parses one message into an object. */
static int parse_object(const char *text, size_t size, JsonValue **ret, const char **reterr_reason) {
        _cleanup_(jv_freep) JsonValue *root = NULL;
        int r;

        r = jv_parse(text, size, &root);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                *reterr_reason = "message is not valid JSON";
                return -EBADMSG;
        }
        if (!jv_is_object(root)) {
                *reterr_reason = "message is not a JSON object";
                return -EBADMSG;
        }

        *ret = TAKE_PTR(root);
        return 0;
}

static int request_member(VlRequest *request, const JsonValue *v, const char **reterr_reason) {
        const char *key = jv_key(v);
        int r;

        if (streq(key, "method")) {
                request->method = jv_string(v);
                r = isempty(request->method) ? -EBADMSG : 0;
                *reterr_reason = "'method' is not a name";
        } else if (streq(key, "parameters")) {
                r = decode_parameters(v, &request->parameters);
                *reterr_reason = "'parameters' is not an object";
        } else if (streq(key, "oneway")) {
                r = decode_flag(v, VL_ONEWAY, &request->flags);
                *reterr_reason = "'oneway' is not a boolean";
        } else if (streq(key, "more")) {
                r = decode_flag(v, VL_MORE, &request->flags);
                *reterr_reason = "'more' is not a boolean";
        } else if (streq(key, "upgrade")) {
                r = decode_flag(v, VL_UPGRADE, &request->flags);
                *reterr_reason = "'upgrade' is not a boolean";
        } else {
                r = is_vendor_member(key) ? 0 : -EBADMSG;
                *reterr_reason = "call has an unknown member";
        }
        return r;
}

/* Decodes a call. -EBADMSG: the connection must be closed, and *reterr_reason, a constant, says why.
 * -ENOMEM. The result is the caller's, for vl_request_done(). */
int vl_request_decode(const char *text, size_t size, VlRequest *ret, const char **reterr_reason) {
        _cleanup_(vl_request_done) VlRequest request = {};
        const char *reason = NULL;
        int r;

        r = parse_object(text, size, &request.root, reterr_reason);
        if (r < 0)
                return r;
        JSON_FOREACH(v, request.root) {
                r = request_member(&request, v, &reason);
                if (r < 0) {
                        *reterr_reason = reason;
                        return r;
                }
        }
        if (!request.method) {
                *reterr_reason = "call names no method";
                return -EBADMSG;
        }
        if (request.flags & (request.flags - 1)) {
                *reterr_reason = "call has more than one of 'oneway', 'more' and 'upgrade'";
                return -EBADMSG;
        }

        *ret = request;
        request = (VlRequest){};
        return 0;
}

static int reply_member(VlReply *reply, const JsonValue *v, const char **reterr_reason) {
        const char *key = jv_key(v);
        unsigned continues = 0;
        int r;

        if (streq(key, "error")) {
                reply->error = jv_string(v);
                r = isempty(reply->error) ? -EBADMSG : 0;
                *reterr_reason = "'error' is not a name";
        } else if (streq(key, "parameters")) {
                r = decode_parameters(v, &reply->parameters);
                *reterr_reason = "'parameters' is not an object";
        } else if (streq(key, "continues")) {
                r = decode_flag(v, 1, &continues);
                reply->continues = continues;
                *reterr_reason = "'continues' is not a boolean";
        } else {
                r = is_vendor_member(key) ? 0 : -EBADMSG;
                *reterr_reason = "reply has an unknown member";
        }
        return r;
}

/* Decodes a reply, as vl_request_decode() does a call. The caller checks whether it asked for
 * 'continues'. */
int vl_reply_decode(const char *text, size_t size, VlReply *ret, const char **reterr_reason) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        const char *reason = NULL;
        int r;

        r = parse_object(text, size, &reply.root, reterr_reason);
        if (r < 0)
                return r;
        JSON_FOREACH(v, reply.root) {
                r = reply_member(&reply, v, &reason);
                if (r < 0) {
                        *reterr_reason = reason;
                        return r;
                }
        }
        if (reply.error && reply.continues) {
                *reterr_reason = "reply is an error and continues";
                return -EBADMSG;
        }

        *ret = reply;
        reply = (VlReply){};
        return 0;
}

/* Takes back what was appended since size, so that a message is in the buffer whole or not at all. */
static int rolled_back(Buffer *out, size_t size, int r) {
        if (r < 0 && out->data) {
                out->size = size;
                out->data[size] = '\0';
        }
        return r;
}

/* Appends ,"key": or "key": for the first member. */
static int put_key(Buffer *out, const char *key) {
        return buffer_printf(out, "%s\"%s\":", out->data[out->size - 1] == '{' ? "" : ",", key);
}

static int put_string(Buffer *out, const char *key, const char *s) {
        int r;

        r = put_key(out, key);
        return r < 0 ? r : jv_print_string(s, out);
}

/* Appends nothing if they are empty or NULL. */
static int put_parameters(Buffer *out, const JsonValue *v) {
        int r;

        if (!jv_first(v))
                return 0;
        r = put_key(out, "parameters");
        return r < 0 ? r : jv_print(v, false, out);
}

static int put_flag(Buffer *out, const char *key) {
        int r;

        r = put_key(out, key);
        return r < 0 ? r : buffer_puts(out, "true");
}

static int put_request(Buffer *out, const char *method, const JsonValue *parameters, unsigned flags) {
        static const char *const names[] = { "oneway", "more", "upgrade" };
        int r;

        r = buffer_putc(out, '{');
        if (r < 0)
                return r;
        r = put_string(out, "method", method);
        if (r >= 0)
                r = put_parameters(out, parameters);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(names); i++)
                if (flags & (1u << i))
                        r = put_flag(out, names[i]);
        return r < 0 ? r : buffer_put(out, "}", 2); /* with its NUL */
}

/* Appends a call, its NUL included. At most one flag. parameters may be NULL. -E2BIG over the buffer's
 * ceiling, -ENOMEM; the buffer is unchanged then. */
int vl_request_encode(Buffer *out, const char *method, const JsonValue *parameters, unsigned flags) {
        size_t before = out->size;

        assert((flags & (flags - 1)) == 0);
        return rolled_back(out, before, put_request(out, method, parameters, flags));
}

static int put_reply(Buffer *out, const char *error, const JsonValue *parameters, bool continues) {
        int r;

        r = buffer_putc(out, '{');
        if (r >= 0 && error)
                r = put_string(out, "error", error);
        if (r >= 0)
                r = put_parameters(out, parameters);
        if (r >= 0 && continues)
                r = put_flag(out, "continues");
        return r < 0 ? r : buffer_put(out, "}", 2);
}

/* Appends a reply (error NULL: success), as vl_request_encode() does a call. */
int vl_reply_encode(Buffer *out, const char *error, const JsonValue *parameters, bool continues) {
        size_t before = out->size;

        assert(!error || !continues);
        return rolled_back(out, before, put_reply(out, error, parameters, continues));
}
