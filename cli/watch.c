/* SPDX-License-Identifier: Apache-2.0 */

#include "render.h"
#include "session.h"
#include "verbs.h"

static void put_live(Session *s) {
        const Snapshot *snapshot = &s->follow.snapshot;
        usec_t now = snapshot_now(snapshot);
        Output *out = &s->live.out;

        if (s->follow.unreachable)
                session_put_unreachable(s, STYLE_DOUBT, snapshot->verdict ? "; before that:" : "");
        if (!snapshot->verdict)
                return;
        render_verdict(out, snapshot, now);
        render_gates(out, snapshot, now, s->options);
        render_blockers(out, snapshot, now, *s->options->arguments, *s->options->arguments);
}

/* With --json each reply is printed as it is. */
static int on_changed(Session *s, const VlReply *change) {
        int r = 0;

        if (s->options->format != FORMAT_TEXT)
                r = print_reply(s->options, change->parameters);
        return r < 0 ? r : -EAGAIN;
}

static int on_failed(Session *s, const VlReply *error) {
        return tell_error(s->options, error);
}

static usec_t next_deadline(const Session *s) {
        return usec_add(s->started, s->options->timeout);
}

static int on_deadline(Session *s) {
        return now_monotonic() >= next_deadline(s) ? STATUS_TIMED_OUT : -EAGAIN;
}

/* Shows the state, and each change as it happens. Ends by a signal, which leaves the last picture, or by --timeout. */
int verb_watch(const Options *options) {
        static const SessionOps ops = {
                .changed = on_changed,
                .failed = on_failed,
                .deadline = next_deadline,
                .on_deadline = on_deadline,
                .draw = put_live,
        };
        _cleanup_(session_done) Session s = {};
        int r;

        r = session_init(&s, &ops, options);
        if (r < 0)
                return r;
        s.follow.gates = s.progress.gates = options->arguments;
        s.progress.all = true;
        return session_run(&s);
}
