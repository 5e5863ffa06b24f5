/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdio.h>

#include "base/strv.h"
#include "follow.h"
#include "json/builder.h"
#include "notify.h"
#include "progress.h"
#include "render.h"
#include "verbs.h"

/* Waits by subscription, not by the method Wait: what is told on the way is shown, and a daemon that
 * restarts is only a new subscription. */

/* On a terminal ages grow each second. */
#define TICK_USEC USEC_PER_SEC

typedef struct Wait {
        const Options *options;
        char **gates; /* those that are still asked for; NULL: the verdict */
        Follow follow;
        Progress progress;
        Output out;
        Live live;
        bool is_live;
        usec_t started;
        usec_t moved; /* when something moved last */
} Wait;

static void wait_done(Wait *w) {
        follow_done(&w->follow);
        progress_done(&w->progress);
        out_done(&w->out);
        live_done(&w->live);
        strv_free(w->gates);
}

/* The live lines: how far, how long, what is waited for. */
static int show_live(Wait *w) {
        const Snapshot *s = &w->follow.snapshot;
        usec_t typical = get_usec(s->verdict, "typicalReadyUSec");
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(4096);
        Output *out = &w->live.out;
        char span[TIMESPAN_MAX];
        int r = 0;

        if (!w->is_live)
                return 0;
        out_styled(out, STYLE_WAIT, out_symbol(out, "\xe2\x97\x8f", "*"));
        if (w->follow.unreachable)
                out_printf(out, " msreadyd is out of reach for %s: %s\n",
                           format_timespan(span, usec_sub(now_monotonic(), w->follow.since_lost)),
                           strerror(-w->follow.cause));
        else {
                progress_summary(&w->progress, s, &b);
                out_printf(out, " %s, waiting for %s", buffer_cstr(&b),
                           format_timespan(span, usec_sub(now_monotonic(), w->started)));
                if (!w->gates && typical > 0)
                        out_printf(out, " (usually ready %s after boot)", format_timespan(span, typical));
                out_put(out, "\n");
                r = progress_blockers(&w->progress, s, snapshot_now(s), out);
        }
        return r < 0 ? r : live_show(&w->live);
}

/* Shows what changed, each reader his way. */
static int show(Wait *w) {
        int r;

        r = progress_status(&w->progress, &w->follow.snapshot);
        if (r >= 0 && w->is_live)
                r = show_live(w);
        else if (r >= 0 && !w->options->quiet && w->options->format == FORMAT_TEXT) {
                r = progress_lines(&w->progress, &w->follow.snapshot, &w->out);
                if (r >= 0)
                        r = out_flush(&w->out);
        }
        return r;
}

/* Takes the live lines away and, where the reply is what is wanted, prints that. */
static int finish(Wait *w, int status) {
        _cleanup_(jv_freep) JsonValue *reply = NULL;
        int r = 0;

        if (w->is_live)
                r = live_clear(&w->live);
        if (r >= 0 && w->options->format != FORMAT_TEXT && w->follow.snapshot.verdict) {
                r = snapshot_to_json(&w->follow.snapshot, &reply);
                if (r >= 0)
                        r = print_reply(w->options, reply);
        }
        return r < 0 ? r : status;
}

static int succeed(Wait *w) {
        char span[TIMESPAN_MAX];
        int r;

        r = finish(w, STATUS_READY);
        if (r < 0 || w->options->quiet || w->options->format != FORMAT_TEXT)
                return r;
        if (w->gates && !*w->gates) /* all are disabled here */
                out_put(&w->out, "nothing to wait for\n");
        else {
                out_styled(&w->out, STYLE_GOOD, "ready");
                out_printf(&w->out, " after %s\n",
                           format_timespan(span, usec_sub(now_monotonic(), w->started)));
        }
        r = out_flush(&w->out);
        return r < 0 ? r : STATUS_READY;
}

static int give_up(Wait *w, const char *why, usec_t span) {
        const Snapshot *s = &w->follow.snapshot;
        _cleanup_(out_done) Output out;
        char text[TIMESPAN_MAX];
        int r;

        r = finish(w, STATUS_TIMED_OUT);
        if (r < 0)
                return r;
        out_init(&out, STDERR_FILENO);
        if (span == 0)
                out_put(&out, "msready: not ready now.\n");
        else
                out_printf(&out, "msready: %s %s.\n", why, format_timespan(text, span));
        if (w->follow.unreachable)
                out_put(&out, "msreadyd is out of reach. Look at: systemctl status msready.service\n");
        else
                (void) progress_blockers(&w->progress, s, snapshot_now(s), &out);
        fputs(buffer_cstr(&out.text), stderr);
        return STATUS_TIMED_OUT;
}

/* Has the daemon say why a gate can never become ready, for only its error has the cause. */
static int tell_why_never(Wait *w, const char *gate) {
        char *const names[] = { (char *) gate, NULL };
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        _cleanup_(vl_reply_done) VlReply reply = {};
        JsonBuilder b = {};
        int r;

        jb_strings(&b, "gates", names);
        jb_int(&b, "timeoutUSec", 0);
        r = jb_finish(&b, &parameters);
        if (r < 0)
                return r;
        r = finish(w, STATUS_ERROR);
        if (r < 0)
                return r;
        r = ask(w->options, READINESS "Wait", parameters, &reply);
        if (r != 0)
                return r == STATUS_TIMED_OUT ? STATUS_ERROR : r;
        fprintf(stderr, "msready: gate '%s' is disabled or invalid on this host.\n", gate);
        return STATUS_ERROR;
}

/* --if-enabled: what is disabled here is not waited for. */
static void forget_gate(Wait *w, size_t i) {
        size_t rest = strv_length(w->gates + i); /* with the NULL in the place of the one that goes */

        free(w->gates[i]);
        memmove(w->gates + i, w->gates + i + 1, rest * sizeof(*w->gates));
}

static int tell_no_such_gate(Wait *w, const char *gate) {
        int r = finish(w, STATUS_NO_SUCH_GATE);

        if (r == STATUS_NO_SUCH_GATE)
                fprintf(stderr, "msready: there is no gate '%s'.\nSee all of them: msready gates\n", gate);
        return r;
}

/* Looks at the gates that were named. Returns -EAGAIN where there is something to wait for. */
static int judge_gates(Wait *w) {
        bool ready = true;

        for (size_t i = 0; w->gates[i];) {
                const JsonValue *gate = snapshot_find(&w->follow.snapshot, w->gates[i]);
                State state = get_state(gate);

                if (!gate)
                        return tell_no_such_gate(w, w->gates[i]);
                if (state == STATE_DISABLED && w->options->if_enabled) {
                        forget_gate(w, i);
                        continue;
                }
                if (state == STATE_DISABLED || gate_is_invalid(gate))
                        return tell_why_never(w, w->gates[i]);
                ready = ready && state == STATE_READY;
                i++;
        }
        return ready ? succeed(w) : -EAGAIN;
}

static int judge(Wait *w) {
        int r = progress_moved(&w->progress, &w->follow.snapshot);

        if (r < 0)
                return r;
        if (r > 0)
                w->moved = now_monotonic();
        if (w->gates)
                return judge_gates(w);
        return get_state(w->follow.snapshot.verdict) == STATE_READY ? succeed(w) : -EAGAIN;
}

static bool is_asked_for(const Wait *w, const char *gate, size_t *ret) {
        for (size_t i = 0; gate && w->gates && w->gates[i]; i++)
                if (streq(w->gates[i], gate)) {
                        *ret = i;
                        return true;
                }
        return false;
}

/* The daemon refused to tell of the gates. */
static int on_failed(Wait *w, const VlReply *reply) {
        size_t i;
        int r;

        if (w->options->if_enabled && streq(reply->error, READINESS "GateDisabled") &&
            is_asked_for(w, jv_get_string(reply->parameters, "gate"), &i)) {
                forget_gate(w, i);
                follow_restart(&w->follow, 0);
                return *w->gates ? -EAGAIN : succeed(w);
        }
        r = finish(w, STATUS_ERROR);
        return r < 0 ? r : tell_error(w->options, reply);
}

static int on_unreachable(Wait *w) {
        if (!w->is_live) {
                (void) tell_unreachable(w->options, w->follow.cause);
                fprintf(stderr, "Waiting for it.\n");
        }
        (void) notify_status("msreadyd is out of reach, waiting for it");
        w->progress.status = mfree(w->progress.status);
        return show_live(w);
}

static int on_signal(Wait *w) {
        if (w->follow.signal == SIGCONT)
                live_forget(&w->live);
        if (w->follow.signal == SIGCONT || w->follow.signal == SIGWINCH)
                return show_live(w);
        (void) live_clear(&w->live);
        die_of_signal(w->follow.signal);
}

/* --timeout=0 looks once, which takes a reply. */
static usec_t time_limit(const Wait *w) {
        return w->options->timeout == 0 && !w->follow.snapshot.verdict ? REPLY_USEC : w->options->timeout;
}

static int on_deadline(Wait *w) {
        usec_t now = now_monotonic();

        if (usec_sub(now, w->started) >= time_limit(w))
                return give_up(w, "not ready within", w->options->timeout);
        if (usec_sub(now, w->moved) >= w->options->stall)
                return give_up(w, "nothing has moved for", w->options->stall);
        return show_live(w);
}

static usec_t next_deadline(const Wait *w) {
        usec_t deadline =
                usec_min(usec_add(w->started, time_limit(w)), usec_add(w->moved, w->options->stall));

        return w->is_live ? usec_min(deadline, usec_add(now_monotonic(), TICK_USEC)) : deadline;
}

/* One thing that happens. Returns an exit status, -EAGAIN to go on, or what failed. */
static int wait_step(Wait *w) {
        _cleanup_(vl_reply_done) VlReply change = {};
        int r;

        switch (follow_next(&w->follow, next_deadline(w), &change)) {
        case FOLLOW_CHANGED:
                r = show(w);
                if (r >= 0)
                        r = judge(w);
                return r;
        case FOLLOW_FAILED:
                return on_failed(w, &change);
        case FOLLOW_UNREACHABLE:
                r = on_unreachable(w);
                break;
        case FOLLOW_SIGNAL:
                r = on_signal(w);
                break;
        case FOLLOW_DEADLINE:
                r = on_deadline(w);
                break;
        default:
                return -ENOMEM;
        }
        return r == 0 ? -EAGAIN : r;
}

/* Returns when all gates named are ready, or with none named the verdict is. */
int verb_wait(const Options *options) {
        _cleanup_(wait_done) Wait w = {
                .options = options,
                .follow = FOLLOW_INIT(options, NULL),
                .started = now_monotonic(),
        };
        int r;

        w.moved = w.started;
        out_init(&w.out, STDOUT_FILENO);
        live_init(&w.live, STDOUT_FILENO);
        w.is_live = w.out.movable && !options->quiet && options->format == FORMAT_TEXT;
        if (*options->arguments) {
                r = strv_copy(options->arguments, &w.gates);
                if (r < 0)
                        return r;
        }
        w.progress.gates = w.follow.gates = w.gates;
        if (w.is_live) {
                r = follow_signals(&w.follow);
                if (r < 0)
                        return r;
        }

        do
                r = wait_step(&w);
        while (r == -EAGAIN);
        return r;
}
