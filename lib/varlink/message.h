/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/json.h"

/* Varlink messages on the wire, by the UAPI group's specification. Pure: bytes in, bytes out. */

typedef enum VlFlags {
        VL_ONEWAY = 1 << 0,
        VL_MORE = 1 << 1,
        VL_UPGRADE = 1 << 2,
} VlFlags;

/* A decoded call. method and parameters live in root; parameters is an object, or NULL for none. */
typedef struct VlRequest {
        JsonValue *root;
        const char *method;
        const JsonValue *parameters;
        unsigned flags;
} VlRequest;

/* A decoded reply. error is NULL in a reply of success. */
typedef struct VlReply {
        JsonValue *root;
        const char *error;
        const JsonValue *parameters;
        bool continues;
} VlReply;

void vl_request_done(VlRequest *request);
void vl_reply_done(VlReply *reply);

bool vl_frame_find(const Buffer *in, size_t *scanned, size_t *ret_size);
int vl_request_decode(const char *text, size_t size, VlRequest *ret, const char **reterr_reason);
int vl_request_encode(Buffer *out, const char *method, const JsonValue *parameters, unsigned flags);
int vl_reply_decode(const char *text, size_t size, VlReply *ret, const char **reterr_reason);
int vl_reply_encode(Buffer *out, const char *error, const JsonValue *parameters, bool continues);
