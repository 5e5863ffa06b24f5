/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdio.h>

#include "follow.h"
#include "progress.h"
#include "render.h"
#include "verbs.h"

/* On a terminal ages grow each second. */
#define TICK_USEC USEC_PER_SEC

typedef struct Watch {
        const Options *options;
        Follow follow;
        Progress progress;
        Output out;
        Live live;
        bool is_live;
        usec_t deadline;
} Watch;

static void watch_done(Watch *w) {
        follow_done(&w->follow);
        progress_done(&w->progress);
        out_done(&w->out);
        live_done(&w->live);
}

static int show_live(Watch *w) {
        const Snapshot *s = &w->follow.snapshot;
        Output *out = &w->live.out;
        char span[TIMESPAN_MAX];
        int r = 0;

        if (w->follow.unreachable) {
                out_styled(out, STYLE_DOUBT, out_symbol(out, "\xe2\x97\x8f", "*"));
                out_printf(out, " msreadyd is out of reach for %s: %s%s\n",
                           format_timespan(span, usec_sub(now_monotonic(), w->follow.since_lost)),
                           strerror(-w->follow.cause), s->verdict ? "; before that:" : "");
        }
        out_measure(out, STDOUT_FILENO);
        if (s->verdict) {
                render_verdict(out, s, snapshot_now(s));
                r = render_gates(out, s, snapshot_now(s), w->options);
                if (r >= 0)
                        r = render_blockers(out, s, snapshot_now(s), *w->options->arguments);
        }
        return r < 0 ? r : live_show(&w->live);
}

/* A line where something changed, or with --json the reply itself. */
static int show_change(Watch *w, const VlReply *change) {
        int r;

        if (w->options->format != FORMAT_TEXT)
                return print_reply(w->options, change->parameters);
        if (w->options->quiet)
                return 0;
        r = progress_verdict(&w->progress, &w->follow.snapshot, &w->out);
        if (r >= 0)
                r = progress_lines(&w->progress, &w->follow.snapshot, &w->out);
        return r < 0 ? r : out_flush(&w->out);
}

static int on_unreachable(Watch *w) {
        if (w->is_live)
                return show_live(w);
        (void) tell_unreachable(w->options, w->follow.cause);
        fprintf(stderr, "Waiting for it.\n");
        return 0;
}

static int on_signal(Watch *w) {
        int r;

        if (w->follow.signal == SIGCONT)
                live_forget(&w->live);
        /* The last picture stays. */
        r = show_live(w);
        if (w->follow.signal != SIGCONT && w->follow.signal != SIGWINCH)
                die_of_signal(w->follow.signal);
        return r;
}

/* One thing that happens. -EAGAIN: and so on. */
static int watch_step(Watch *w) {
        usec_t tick = w->is_live ? usec_add(now_monotonic(), TICK_USEC) : USEC_INFINITY;
        _cleanup_(vl_reply_done) VlReply change = {};
        FollowEvent event;
        int r;

        r = follow_next(&w->follow, usec_min(w->deadline, tick), &event, &change);
        if (r < 0)
                return r;
        switch (event) {
        case FOLLOW_CHANGED:
                r = w->is_live ? show_live(w) : show_change(w, &change);
                break;
        case FOLLOW_FAILED:
                return tell_error(w->options, &change);
        case FOLLOW_UNREACHABLE:
                r = on_unreachable(w);
                break;
        case FOLLOW_SIGNAL:
                r = on_signal(w);
                break;
        case FOLLOW_DEADLINE:
                if (now_monotonic() >= w->deadline)
                        return STATUS_TIMED_OUT;
                r = show_live(w);
                break;
        }
        return r < 0 ? r : -EAGAIN;
}

/* Shows the state, and each change as it comes. Ends by a signal, or by --timeout. */
int verb_watch(const Options *options) {
        _cleanup_(watch_done) Watch w = {
                .options = options,
                .follow = FOLLOW_INIT(options, options->arguments),
                .progress.gates = options->arguments,
                .progress.all = true,
                .deadline = usec_add(now_monotonic(), options->timeout),
        };
        int r;

        out_init(&w.out, STDOUT_FILENO);
        live_init(&w.live, STDOUT_FILENO);
        w.is_live = w.out.movable && !options->quiet && options->format == FORMAT_TEXT;
        if (w.is_live) {
                r = follow_signals(&w.follow);
                if (r < 0)
                        return r;
        }

        do
                r = watch_step(&w);
        while (r == -EAGAIN);
        return r;
}
