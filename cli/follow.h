/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"
#include "snapshot.h"

/* A subscription to the daemon's Monitor that reconnects, and keeps the sum of its replies. */

typedef enum FollowEvent {
        FOLLOW_CHANGED,     /* *ret_change is the reply; it is in the snapshot already */
        FOLLOW_FAILED,      /* *ret_change is an error of the method; the subscription is over */
        FOLLOW_UNREACHABLE, /* once, until the daemon answers again: follow->cause */
        FOLLOW_DEADLINE,
        FOLLOW_SIGNAL, /* follow->signal */
} FollowEvent;

typedef struct Follow {
        const Options *options;
        char *const *gates; /* NULL or empty: all */
        VlClient *client;
        Snapshot snapshot;
        bool first;       /* the last reply was the first on its connection */
        bool has_replied; /* on this connection */
        bool ended;       /* the daemon has sent its last reply: it stops */
        bool unreachable;
        int cause;
        usec_t retry;      /* do not connect before */
        usec_t reply_due;  /* when the first reply is late */
        usec_t since_lost; /* when the daemon went out of reach, on CLOCK_MONOTONIC */
        int signal_fd;
        int signal;
} Follow;

#define FOLLOW_INIT(o, g) ((Follow){ .options = (o), .gates = (g), .signal_fd = -1 })

void follow_done(Follow *follow);
int follow_signals(Follow *follow);
void follow_restart(Follow *follow, usec_t retry);
int follow_next(Follow *follow, usec_t deadline, FollowEvent *ret, VlReply *ret_change);
_noreturn_ void die_of_signal(int number);
