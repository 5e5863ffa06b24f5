/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"
#include "snapshot.h"

/* The daemon's Monitor, for as long as it takes: reconnects, and keeps the sum of what was told. */

typedef enum FollowEvent {
        FOLLOW_CHANGED,     /* *ret_change is the reply; the snapshot has it */
        FOLLOW_FAILED,      /* *ret_change is an error of the method, the subscription is over */
        FOLLOW_UNREACHABLE, /* told once, until the daemon is there again: follow->cause */
        FOLLOW_DEADLINE,
        FOLLOW_SIGNAL, /* follow->signal */
} FollowEvent;

typedef struct Follow {
        const Options *options;
        char *const *gates; /* NULL or empty: all */
        VlClient *client;
        Snapshot snapshot;
        bool first;       /* the last reply was the first one on its connection */
        bool has_replied; /* on this connection */
        bool ended;       /* that was the last reply: the daemon stops */
        bool unreachable;
        int cause;
        usec_t retry;      /* not to connect before */
        usec_t reply_due;  /* when a first reply is late */
        usec_t since_lost; /* when the daemon was lost, on CLOCK_MONOTONIC */
        int signal_fd;
        int signal;
} Follow;

#define FOLLOW_INIT(o, g) ((Follow){ .options = (o), .gates = (g), .signal_fd = -1 })

void follow_done(Follow *follow);
int follow_signals(Follow *follow);
void follow_restart(Follow *follow, usec_t retry);
int follow_next(Follow *follow, usec_t deadline, FollowEvent *ret, VlReply *ret_change);
_noreturn_ void die_of_signal(int number);
