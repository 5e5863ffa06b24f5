/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "follow.h"
#include "live.h"
#include "progress.h"

/* What wait and watch are: a subscription that is shown, in place on a terminal, else by a line for each change. */

typedef struct Session Session;

/* The results are exit statuses, -EAGAIN to go on, or what failed. */
typedef struct SessionOps {
        int (*changed)(Session *s, const VlReply *change); /* after it was shown */
        int (*failed)(Session *s, const VlReply *error);   /* the daemon refused the subscription */
        usec_t (*deadline)(const Session *s); /* when to call on_deadline(), on CLOCK_MONOTONIC */
        int (*on_deadline)(Session *s);       /* may come early */
        int (*draw)(Session *s);              /* puts the live lines into s->live.out */
        bool tells_systemd;                   /* in STATUS= */
        bool clears;                          /* a signal that ends it takes the live lines away */
} SessionOps;

struct Session {
        const SessionOps *ops;
        const Options *options;
        Follow follow;
        Progress progress;
        Output out;
        Live live;
        bool is_live;
        usec_t started; /* on CLOCK_MONOTONIC */
};

int session_init(Session *s, const SessionOps *ops, const Options *options);
void session_done(Session *s);
int session_run(Session *s);
void session_put_unreachable(Session *s, Style style, const char *end);
