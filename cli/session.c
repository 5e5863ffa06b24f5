/* SPDX-License-Identifier: Apache-2.0 */

#include "session.h"

#include <signal.h>
#include <stdio.h>

#include "render.h"

/* On a terminal the ages are updated each second. */
#define TICK_USEC USEC_PER_SEC

/* Prepares for session_run(); the caller then sets which gates to follow and which count. The caller calls
 * session_done() also after a failure. A negative errno where signals cannot be caught. */
int session_init(Session *s, const SessionOps *ops, const Options *options) {
        assert(ops && options);

        *s = (Session){
                .ops = ops,
                .options = options,
                .follow = FOLLOW_INIT(options, NULL),
                .started = now_monotonic(),
        };
        out_init(&s->out, STDOUT_FILENO, false);
        live_init(&s->live, STDOUT_FILENO);
        s->is_live = s->out.movable && !options->quiet && options->format == FORMAT_TEXT;
        return s->is_live ? follow_signals(&s->follow) : 0;
}

void session_done(Session *s) {
        follow_done(&s->follow);
        progress_done(&s->progress);
        out_done(&s->out);
        live_done(&s->live);
}

/* Puts the live line that says since when the daemon is out of reach, and why. */
void session_put_unreachable(Session *s, Style style, const char *end) {
        size_t from = s->live.out.text.size;
        char span[TIMESPAN_MAX];

        out_styled(&s->live.out, style, out_symbol(&s->live.out, "\xe2\x97\x8f", "*"));
        out_printf(&s->live.out, " msreadyd has been unreachable for %s: %s%s\n",
                   span_to_words(span, usec_sub(now_monotonic(), s->follow.since_lost)),
                   strerror(-s->follow.cause), end);
        out_fold(&s->live.out, from, 2);
}

static int show_live(Session *s) {
        if (!s->is_live)
                return 0;
        out_measure(&s->live.out, STDOUT_FILENO);
        s->ops->draw(s);
        return live_show(&s->live);
}

/* Shows a change to systemd, and on the terminal or in the log. */
static int show_change(Session *s) {
        int r = 0;

        if (s->ops->tells_systemd)
                r = progress_status(&s->progress, &s->follow.snapshot);
        if (r >= 0 && s->is_live)
                r = show_live(s);
        else if (r >= 0 && !s->options->quiet && s->options->format == FORMAT_TEXT) {
                progress_lines(&s->progress, &s->follow.snapshot, &s->out);
                r = out_flush(&s->out);
        }
        return r;
}

static int on_unreachable(Session *s) {
        if (!s->is_live) {
                (void) tell_unreachable(s->options, s->follow.cause);
                fprintf(stderr, "Waiting for it.\n");
        }
        if (s->ops->tells_systemd)
                progress_out_of_reach(&s->progress);
        return show_live(s);
}

static int on_signal(Session *s) {
        int number = s->follow.signal;

        if (number == SIGCONT)
                live_forget(&s->live);
        if (number == SIGCONT || number == SIGWINCH)
                return show_live(s);
        (void) (s->ops->clears ? live_clear(&s->live) : show_live(s));
        die_of_signal(number);
}

static int on_deadline(Session *s) {
        int r = s->ops->on_deadline(s);

        return r == -EAGAIN ? show_live(s) : r;
}

/* Handles one event. */
static int session_step(Session *s) {
        usec_t tick = s->is_live ? usec_add(now_monotonic(), TICK_USEC) : USEC_INFINITY;
        _cleanup_(vl_reply_done) VlReply change = {};
        FollowEvent event;
        int r;

        r = follow_next(&s->follow, usec_min(s->ops->deadline(s), tick), &event, &change);
        if (r < 0)
                return r;
        switch (event) {
        case FOLLOW_CHANGED:
                r = show_change(s);
                return r < 0 ? r : s->ops->changed(s, &change);
        case FOLLOW_FAILED:
                return s->ops->failed(s, &change);
        case FOLLOW_UNREACHABLE:
                r = on_unreachable(s);
                break;
        case FOLLOW_SIGNAL:
                r = on_signal(s);
                break;
        case FOLLOW_DEADLINE:
                r = on_deadline(s);
                break;
        }
        return r == 0 ? -EAGAIN : r;
}

/* Handles events until one of them ends the session: an exit status, or a negative errno. */
int session_run(Session *s) {
        int r;

        do
                r = session_step(s);
        while (r == -EAGAIN);
        return r;
}
