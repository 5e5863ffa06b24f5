/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "json/builder.h"
#include "varlink/interface.h"

/* A varlink service on the loop. org.varlink.service is built in.
 *
 * A VlCall is alive from on_call until its last reply, or until its client is gone; only a call that was
 * deferred to a VlSlot outlives on_call. No function here calls back before it returns. */

typedef struct VlServer VlServer;
typedef struct VlSlot VlSlot;

/* The process at the other end, by SO_PEERCRED. */
typedef struct VlPeer {
        uid_t uid;
        gid_t gid;
        pid_t pid;
} VlPeer;

/* Embedded in the owner, found again by container_of(). */
struct VlService {
        const char *vendor;
        const char *product;
        const char *version;
        const char *url;
        const VlInterface *const *interfaces; /* ends with NULL; without org.varlink.service */
        /* A peer was refused or cut off, or accepting is paused, with peer NULL. May be NULL. */
        void (*on_protocol_error)(VlService *service, const VlPeer *peer, const char *reason);
};

/* A call that is answered later. Embedded in the object that waits; a zeroed one is idle. */
struct VlSlot {
        VlCall *call; /* NULL: none, or it has ended */
        /* The client went away; slot->call is NULL already. May free the slot's owner. */
        void (*on_gone)(VlSlot *slot);
        /* The client has read everything that was sent: the newest state may follow. May be NULL. */
        void (*on_drained)(VlSlot *slot);
};

int vl_server_new(Loop *loop, VlService *service, VlServer **ret);
VlServer *vl_server_free(VlServer *server);
DEFINE_CLEANUP(VlServer, vl_server_free)
int vl_server_listen_fd(VlServer *server, int fd);
int vl_server_listen_path(VlServer *server, const char *path);
int vl_server_add_connection(VlServer *server, int fd);
size_t vl_server_connections(const VlServer *server);

const JsonValue *vl_call_parameters(const VlCall *call);
bool vl_call_wants_more(const VlCall *call);
bool vl_call_is_privileged(const VlCall *call);

void vl_call_defer(VlCall *call, VlSlot *slot);
void vl_slot_done(VlSlot *slot);
bool vl_call_can_send(const VlCall *call);

int vl_call_notify(VlCall *call, const JsonValue *parameters);
int vl_call_reply(VlCall *call, const JsonValue *parameters);
int vl_call_error(VlCall *call, const char *error, const JsonValue *parameters);
int vl_call_answer(VlCall *call, const char *error, JsonBuilder *b);
int vl_call_error_string(VlCall *call, const char *error, const char *key, const char *value);
int vl_call_error_errno(VlCall *call, int error);
int vl_call_invalid_parameter(VlCall *call, const char *name);
int vl_call_permission_denied(VlCall *call);
