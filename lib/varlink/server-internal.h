/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"
#include "varlink/message.h"
#include "varlink/server.h"

/* Shared by server.c, connection.c, call.c and service.c, and by tests that shorten time limits. */

typedef struct VlConnection VlConnection;
typedef struct VlListener VlListener;

/* A user with connections, and what all of them use together. */
typedef struct VlUser {
        uid_t uid;
        size_t connections;
        size_t queued;
        struct VlUser *prev, *next;
} VlUser;

/* The call under way on a connection; there is at most one. */
struct VlCall {
        VlConnection *connection;
        VlRequest request;
        VlSlot *slot;
        bool answered;
};

typedef enum VlState {
        VL_IDLE,    /* no call under way: the next may be read */
        VL_CALLING, /* on_call runs */
        VL_PENDING, /* the call waits in a slot */
        _VL_STATE_MAX,
        _VL_STATE_INVALID = -EINVAL,
} VlState;

struct VlConnection {
        VlServer *server;
        VlUser *user;
        VlPeer peer;
        int fd;
        VlState state;
        VlCall call;
        const char *broken; /* why it must end; NULL: it lives */
        bool eof;           /* the peer sends no more, but may still read */
        bool readable;      /* false after EAGAIN */
        bool writable;
        bool hangup_armed;
        bool owes_drained; /* something was sent since the last on_drained() */
        Buffer in;
        size_t scanned;
        Buffer out;
        size_t sent; /* of out */
        LoopIo io;
        LoopTimer half_sent;
        LoopTimer unread;
        bool is_woken; /* among the server's woken ones */
        VlConnection *previous_woken, *next_woken;
        VlConnection *prev, *next;
};

struct VlListener {
        VlServer *server;
        int fd;
        LoopIo io;
        VlListener *prev, *next;
};

struct VlServer {
        Loop *loop;
        VlService *service;
        VlConnection *connections;
        size_t n_connections;
        VlConnection *woken; /* those that must look at their state again, in order */
        size_t n_woken;
        LoopDeferred wake;
        uint64_t turn;    /* the loop's turn in which a connection last ran */
        usec_t turn_ends; /* monotonic: steps not taken by then are left to the next turn */
        VlUser *users;
        size_t queued; /* by all of them */
        VlListener *listeners;
        LoopTimer resume; /* armed: accepting is paused */
        int hangup_fd;
        LoopIo hangup_io;
        char *path; /* bound by the server itself; NULL: none */
        dev_t path_device;
        ino_t path_inode;
        usec_t reports_since;
        unsigned reports;
        usec_t half_sent_usec;
        usec_t unread_usec;
        usec_t resume_usec;
        usec_t turn_usec;
        size_t limit_connections;
        size_t limit_connections_of_root;
        size_t limit_connections_per_uid;
};

/* server.c */
bool peer_is_privileged(const VlPeer *peer);
int server_admit(VlServer *server, const VlPeer *peer);
void server_report(VlServer *server, const VlPeer *peer, const char *reason);

/* connection.c */
int connection_new(VlServer *server, int fd, const VlPeer *peer);
void connection_end(VlConnection *c, const char *reason);
void connection_flush(VlConnection *c);
void connection_set_state(VlConnection *c, VlState state);
void connection_wake(VlConnection *c);
int connection_put_reply(VlConnection *c, const char *error, const JsonValue *parameters, bool continues);
size_t connection_queued(const VlConnection *c);

/* call.c */
void call_begin(VlCall *call, VlRequest *request);
void call_wait(VlCall *call);
VlSlot *call_end(VlCall *call);

/* service.c */
extern const VlInterface vl_service_interface;
int service_dispatch(VlServer *server, VlCall *call);
