/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/heartbeat.h"
#include "base/string-util.h"
#include "describe.h"
#include "follow.h"
#include "notify.h"
#include "output.h"
#include "suggest.h"
#include "verbs.h"

/* For msready-gate@.service, which is active exactly while its gate is open: sends READY=1 when the gate opens, and
 * exits when the gate is lost, because systemd has no READY=0.
 *
 * Doubt closes nothing: while the daemon is out of reach, or has lost its record that the gate was open, the gate's
 * own UnknownSec= runs here as it does in the daemon. */

/* How often to look for a gate that is absent, disabled or invalid, and how long to hold on where the gate did not
 * say. */
#define RETRY_USEC (5 * USEC_PER_SEC)
#define UNKNOWN_USEC (5 * USEC_PER_MINUTE)

typedef struct Hold {
        const Options *options;
        const char *gate;
        Follow follow;
        usec_t deadline;
        usec_t heartbeat;
        bool is_open;    /* READY=1 was sent */
        usec_t in_doubt; /* since when the daemon does not say that the gate is open; 0: it does */
        bool forgotten;  /* the daemon says that the gate waits, as after losing its state */
        usec_t unknown_usec;
        bool close_on_unknown;
        char *cause; /* why the gate is disabled */
        char *status;
} Hold;

static void hold_done(Hold *h) {
        follow_done(&h->follow);
        h->cause = mfree(h->cause);
        h->status = mfree(h->status);
}

/* Sends a new text as STATUS=; where systemd does not run us, prints it. */
static void tell_status(Hold *h, const char *text) {
        if (free_and_strdup(&h->status, text) > 0 && notify_status(text) <= 0 && !h->options->quiet) {
                _cleanup_free_ char *clean = clean_text(text);

                fprintf(stderr, "%s\n", strempty(clean));
        }
}

/* The gate may yet come, or its name may be wrong: the nearest one is looked for once. */
static void tell_absence(Hold *h) {
        static const char text[] = "There is no such gate, waiting for it";
        _cleanup_free_ char *near = NULL, *status = NULL;

        if (h->status && startswith(h->status, text))
                return;
        near = find_near_gate(h->options, h->gate);
        if (asprintf_ret(&status, "%s%s%s%s", text, near ? "; did you mean " : "", strempty(near),
                         near ? "?" : "") >= 0)
                tell_status(h, status);
}

static int end_hold(Hold *h, const char *why) {
        fprintf(stderr, "Gate %s %s; exiting.\n", h->gate, why);
        (void) notify_systemd("STOPPING=1");
        return STATUS_READY;
}

/* Learns UnknownSec= and OnUnknown= of the gate. Where the daemon does not answer, keeps what it said last. */
static void learn_definition(Hold *h) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        const JsonValue *definition;

        if (try_to_ask(h->options, READINESS "ListGates", NULL, &reply) < 0)
                return;
        definition = find_definition(jv_get(reply.parameters, "definitions"), h->gate);
        if (!definition)
                return;
        h->unknown_usec = jv_get_usec(definition, "unknownUSec", USEC_INFINITY);
        h->close_on_unknown = streq_ptr(jv_get_string(definition, "onUnknown"), "close");
        (void) free_and_strdup(&h->cause, jv_get_string(definition, "cause"));
}

static int open_gate(Hold *h) {
        h->in_doubt = 0;
        h->forgotten = false;
        tell_status(h, "Gate is ready");
        if (!h->is_open)
                (void) notify_systemd("READY=1");
        h->is_open = true;
        return -EAGAIN;
}

static void begin_doubt(Hold *h, bool forgotten) {
        if (h->in_doubt == 0)
                h->in_doubt = now_monotonic();
        h->forgotten = forgotten;
}

static void tell_blocker(Hold *h, const JsonValue *gate) {
        const JsonValue *blocker = first_blocker(gate);
        const char *more = get_state(gate) == GATE_DISABLED ? h->cause : NULL;
        _cleanup_free_ char *why = NULL, *text = NULL;
        int r = 0;

        if (blocker) {
                r = blocker_to_string(blocker, &why);
                more = jv_get_string(blocker, "message");
        }
        if (r >= 0)
                r = asprintf_ret(&text, "%s%s%s%s%s", strempty(jv_get_string(gate, "state")),
                                 why ? ": " : "", strempty(why), more ? ": " : "", strempty(more));
        if (r >= 0)
                tell_status(h, text);
}

/* Acts on the state of the gate: an exit status, or -EAGAIN to go on. */
static int judge_gate(Hold *h) {
        const JsonValue *gate = snapshot_find(&h->follow.snapshot, h->gate);
        GateState state = get_state(gate);

        if (state == GATE_READY)
                return open_gate(h);
        if (!gate) {
                if (h->is_open)
                        return end_hold(h, "was removed");
                tell_absence(h);
                follow_restart(&h->follow, usec_add(now_monotonic(), RETRY_USEC));
                return -EAGAIN;
        }
        if (h->is_open && state == GATE_LOST)
                return end_hold(h, "is lost");
        if (h->is_open && state == GATE_DISABLED)
                return end_hold(h, "was disabled");
        if (h->is_open && state == GATE_UNKNOWN && h->close_on_unknown)
                return end_hold(h, "is unknown");
        if (state == GATE_WAITING)
                begin_doubt(h, true);
        else
                h->in_doubt = 0;
        tell_blocker(h, gate);
        return -EAGAIN;
}

static bool is_about_gate(const char *error) {
        return streq(error, READINESS "NoSuchGate") || streq(error, READINESS "GateDisabled") ||
               streq(error, READINESS "GateInvalid");
}

/* The daemon refused. If the gate does not exist, is disabled or invalid, an open gate is lost, and a shut one may
 * come. Any other error says nothing about the gate. */
static int on_failed(Hold *h, const VlReply *reply) {
        const char *cause = jv_get_string(reply->parameters, "cause");
        _cleanup_free_ char *text = NULL;

        if (h->is_open && is_about_gate(reply->error))
                return end_hold(h, "was removed or disabled");
        if (!is_about_gate(reply->error)) {
                begin_doubt(h, false);
                if (asprintf_ret(&text, "msreadyd cannot answer, asking again: %s", reply->error) >= 0)
                        tell_status(h, text);
        } else if (streq(reply->error, READINESS "NoSuchGate"))
                tell_absence(h);
        else if (asprintf_ret(&text, "Waiting, the gate is disabled or invalid: %s",
                              cause ?: reply->error) >= 0)
                tell_status(h, text);
        follow_restart(&h->follow, usec_add(now_monotonic(), RETRY_USEC));
        return -EAGAIN;
}

static int tell_timed_out(const Hold *h) {
        _cleanup_free_ char *status = clean_text(h->status);
        char span[TIMESPAN_MAX];

        fprintf(stderr,
                "msready: timed out after %s: gate %s is not ready: %s\n"
                "Run: msready explain %s\n",
                format_timespan(span, h->options->timeout), h->gate,
                status ?: "msreadyd has not answered yet", h->gate);
        return STATUS_TIMED_OUT;
}

static int on_deadline(Hold *h) {
        usec_t now = now_monotonic();

        if (!h->is_open && now >= h->deadline)
                return tell_timed_out(h);
        if (!h->is_open) {
                char text[64];

                (void) snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%" PRIu64, HEARTBEAT_EXTENDS_USEC);
                (void) notify_systemd(text);
                h->heartbeat = usec_add(now, HEARTBEAT_USEC);
                return -EAGAIN;
        }
        if (h->in_doubt > 0 && usec_sub(now, h->in_doubt) >= h->unknown_usec) {
                if (h->forgotten)
                        return end_hold(h, "is not ready");
                if (h->close_on_unknown)
                        return end_hold(h, "is unknown");
                /* The gate is held; the daemon applies a grace of its own when it is back. */
                h->in_doubt = 0;
        }
        return -EAGAIN;
}

static usec_t next_deadline(const Hold *h) {
        if (!h->is_open)
                return usec_min(h->deadline, h->heartbeat);
        return h->in_doubt > 0 ? usec_add(h->in_doubt, h->unknown_usec) : USEC_INFINITY;
}

/* The definition is read with each connection, and again when it decides: a reload may have changed it. */
static bool wants_definition(const Hold *h) {
        GateState state = get_state(snapshot_find(&h->follow.snapshot, h->gate));

        return h->follow.first || state == GATE_UNKNOWN || state == GATE_DISABLED;
}

static int hold_step(Hold *h) {
        _cleanup_(vl_reply_done) VlReply change = {};
        FollowEvent event;
        int r;

        r = follow_next(&h->follow, next_deadline(h), &event, &change);
        if (r < 0)
                return r;
        switch (event) {
        case FOLLOW_CHANGED:
                if (wants_definition(h))
                        learn_definition(h);
                return judge_gate(h);
        case FOLLOW_FAILED:
                return on_failed(h, &change);
        case FOLLOW_UNREACHABLE:
                begin_doubt(h, false);
                tell_status(h, "msreadyd is unreachable, waiting for it");
                return -EAGAIN;
        case FOLLOW_DEADLINE:
                return on_deadline(h);
        case FOLLOW_SIGNAL: /* never comes: follow_signals() was not called */
                break;
        }
        return -EAGAIN;
}

/* Sends READY=1 when the gate is ready, and exits with status 0 when it is lost. */
int verb_hold(const Options *options) {
        _cleanup_(hold_done) Hold h = {
                .options = options,
                .gate = options->arguments[0],
                .follow = FOLLOW_INIT(options, options->arguments),
                .deadline = usec_add(now_monotonic(), options->timeout),
                .unknown_usec = UNKNOWN_USEC,
        };
        int r;

        do
                r = hold_step(&h);
        while (r == -EAGAIN);
        return r;
}
