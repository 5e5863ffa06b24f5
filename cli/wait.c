/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/strv.h"
#include "json/builder.h"
#include "render.h"
#include "session.h"
#include "stall.h"
#include "suggest.h"
#include "verbs.h"

/* Waits by a subscription and not by the method Wait, so as to show the progress, and to subscribe again when the
 * daemon restarts. */

typedef struct Wait {
        Session session;
        char **gates; /* the gates still waited for; NULL: the verdict */
        Stall stall;
} Wait;

static void wait_done(Wait *w) {
        session_done(&w->session);
        stall_done(&w->stall);
        strv_free(w->gates);
}

/* Puts the live lines: the progress, for how long, the blockers. */
static void put_live(Session *session) {
        const Wait *w = container_of(session, Wait, session);
        const Snapshot *s = &session->follow.snapshot;
        usec_t typical = get_usec(s->verdict, "typicalReadyUSec");
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(4096);
        Output *out = &session->live.out;
        size_t from = out->text.size;
        char span[TIMESPAN_MAX];

        if (session->follow.unreachable) {
                session_put_unreachable(session, STYLE_WAIT, "");
                return;
        }
        progress_summary(&session->progress, s, &b);
        out_styled(out, STYLE_WAIT, out_symbol(out, "\xe2\x97\x8f", "*"));
        out_printf(out, " %s, waiting for %s", buffer_cstr(&b),
                   span_to_words(span, usec_sub(now_monotonic(), session->started)));
        if (!w->gates && typical > 0)
                out_printf(out, " (usually ready %s after boot)", format_timespan(span, typical));
        out_put(out, "\n");
        out_fold(out, from, 2);
        progress_blockers(&session->progress, s, snapshot_now(s), out);
}

/* Removes the live lines and, with --json, prints the reply. */
static int end_display(Session *s) {
        _cleanup_(jv_freep) JsonValue *reply = NULL;
        int r = 0;

        if (s->is_live)
                r = live_clear(&s->live);
        if (r >= 0 && s->options->format != FORMAT_TEXT && s->follow.snapshot.verdict) {
                r = snapshot_to_json(&s->follow.snapshot, &reply);
                if (r >= 0)
                        r = print_reply(s->options, reply);
        }
        return r;
}

static int tell_ready(Wait *w) {
        Session *s = &w->session;
        char span[TIMESPAN_MAX];
        int r;

        r = end_display(s);
        if (r < 0 || s->options->quiet || s->options->format != FORMAT_TEXT)
                return r;
        if (w->gates && !*w->gates) /* all are disabled here */
                out_put(&s->out, "nothing to wait for\n");
        else {
                out_styled(&s->out, STYLE_GOOD, "ready");
                out_printf(&s->out, " after %s\n",
                           span_to_words(span, usec_sub(now_monotonic(), s->started)));
        }
        r = out_flush(&s->out);
        return r < 0 ? r : STATUS_READY;
}

static int tell_not_ready(Session *s, const char *why, usec_t span) {
        _cleanup_(out_done) Output out = {};
        char text[TIMESPAN_MAX];
        int r;

        r = end_display(s);
        if (r < 0)
                return r;
        out_init(&out, STDERR_FILENO, false);
        if (span == 0)
                out_put(&out, "msready: not ready");
        else
                out_printf(&out, "msready: %s %s", why, format_timespan(text, span));
        if (s->follow.unreachable)
                out_printf(&out,
                           ": msreadyd is unreachable: %s\n"
                           "Look at: systemctl status msready.socket msready.service\n",
                           strerror(-s->follow.cause));
        else if (s->follow.snapshot.verdict)
                progress_cause(&s->progress, &s->follow.snapshot, &out);
        else
                out_put(&out, ": msreadyd has not answered yet\n"
                              "Look at: systemctl status msready.service\n");
        fputs(buffer_cstr(&out.text), stderr);
        return STATUS_TIMED_OUT;
}

/* Tells why a gate can never become ready: the daemon's error has the cause. */
static int tell_why_never(Session *s, char *gate) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        JsonBuilder b = {};
        int r;

        r = end_display(s);
        if (r < 0)
                return r;
        jb_strings(&b, "gates", (char *const[]){ gate, NULL });
        jb_int(&b, "timeoutUSec", 0);
        r = ask_with(s->options, READINESS "Wait", &b, &reply);
        if (r != 0)
                return r == STATUS_TIMED_OUT ? STATUS_ERROR : r;
        fprintf(stderr, "msready: gate '%s' is disabled or invalid on this host.\n", gate);
        return STATUS_ERROR;
}

/* Judges the gates named. Returns -EAGAIN while one is not ready. */
static int judge_gates(Wait *w) {
        bool ready = true;
        int r;

        for (size_t i = 0; w->gates[i];) {
                const JsonValue *gate = snapshot_find(&w->session.follow.snapshot, w->gates[i]);
                GateState state = get_state(gate);

                if (!gate) {
                        r = end_display(&w->session);
                        return r < 0 ? r : tell_no_such_gate(w->session.options, w->gates[i]);
                }
                if (state == GATE_DISABLED && w->session.options->if_enabled) {
                        strv_remove(w->gates, jv_get_string(gate, "name")); /* frees gates[i] */
                        continue;
                }
                if (state == GATE_DISABLED || gate_is_invalid(gate))
                        return tell_why_never(&w->session, w->gates[i]);
                ready = ready && state == GATE_READY;
                i++;
        }
        return ready ? tell_ready(w) : -EAGAIN;
}

static int on_changed(Session *session, const VlReply *change) {
        Wait *w = container_of(session, Wait, session);
        int r;

        r = stall_feed(&w->stall, &session->progress, &session->follow.snapshot, now_monotonic());
        if (r < 0)
                return r;
        if (w->gates)
                return judge_gates(w);
        return get_state(session->follow.snapshot.verdict) == GATE_READY ? tell_ready(w) : -EAGAIN;
}

/* The daemon refused the subscription. */
static int on_failed(Session *session, const VlReply *error) {
        Wait *w = container_of(session, Wait, session);
        const char *gate = strempty(jv_get_string(error->parameters, "gate"));
        int r;

        if (session->options->if_enabled && streq(error->error, READINESS "GateDisabled") &&
            strv_contains(w->gates, gate)) {
                strv_remove(w->gates, gate);
                follow_restart(&session->follow, 0);
                return *w->gates ? -EAGAIN : tell_ready(w);
        }
        r = end_display(session);
        return r < 0 ? r : tell_error(session->options, error);
}

/* --timeout=0 looks once, which takes a reply, and an answer in it. */
static usec_t time_limit(const Session *s) {
        const Snapshot *snapshot = &s->follow.snapshot;

        if (s->options->timeout > 0)
                return s->options->timeout;
        return !snapshot->verdict ? REPLY_USEC : snapshot_awaits_answer(snapshot) ? USEC_PER_SEC : 0;
}

static usec_t next_deadline(const Session *s) {
        const Wait *w = container_of(s, const Wait, session);

        return usec_min(usec_add(s->started, time_limit(s)), usec_add(w->stall.moved, s->options->stall));
}

static int on_deadline(Session *s) {
        const Wait *w = container_of(s, Wait, session);
        usec_t now = now_monotonic();

        if (usec_sub(now, s->started) >= time_limit(s))
                return tell_not_ready(s, "timed out after", s->options->timeout);
        if (usec_sub(now, w->stall.moved) >= s->options->stall)
                return tell_not_ready(s, "no progress for", s->options->stall);
        return -EAGAIN;
}

/* Returns when all gates named are ready; without names, when the verdict is. */
int verb_wait(const Options *options) {
        static const SessionOps ops = {
                .changed = on_changed,
                .failed = on_failed,
                .deadline = next_deadline,
                .on_deadline = on_deadline,
                .draw = put_live,
                .tells_systemd = true,
                .clears = true,
        };
        _cleanup_(wait_done) Wait w = {};
        int r;

        r = session_init(&w.session, &ops, options);
        if (r >= 0 && *options->arguments)
                r = strv_copy(options->arguments, &w.gates);
        if (r < 0)
                return r;
        w.session.follow.gates = w.session.progress.gates = w.gates;
        w.stall.moved = w.session.started;
        return session_run(&w.session);
}
