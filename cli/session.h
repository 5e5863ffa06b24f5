/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "follow.h"
#include "live.h"
#include "progress.h"

/* What wait and watch share: a subscription shown in place on a terminal, elsewhere by a line for each change. */

typedef struct Session Session;

/* Functions that return int return an exit status, -EAGAIN to go on, or another negative errno. */
typedef struct SessionOps {
        int (*changed)(Session *s, const VlReply *change); /* called after the change was shown */
        int (*failed)(Session *s, const VlReply *error);   /* the daemon refused the subscription */
        usec_t (*deadline)(const Session *s); /* when to call on_deadline(), on CLOCK_MONOTONIC */
        int (*on_deadline)(Session *s);       /* called at the deadline or earlier */
        void (*draw)(Session *s);             /* puts the live lines into s->live.out */
        bool tells_systemd;                   /* by STATUS= */
        bool clears;                          /* removes the live lines when a signal ends it */
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
