/* SPDX-License-Identifier: Apache-2.0 */

/* What systemd is told.
 *
 * READY=1 goes out once per process, on the edge to a verdict that this process has seen for itself; there is
 * no way to take it back. Until then the start job waits without a limit on the cluster and with one on us:
 * heartbeats from the main loop extend the start time-out, and a loop that hangs sends none. */

#include "publish-notify.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "base/heartbeat.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"

#define STATUS_MAX 512

struct PublishNotify {
        Loop *loop;
        const Readiness *readiness;
        LoopTimer heartbeat;
        usec_t watchdog; /* between two pings, 0: none */
        char *status;    /* as last sent */
        bool is_ready;
        bool is_stopping;
};

static void send_all(const char *state) {
        if (sd_notify(0, state) < 0)
                log_debug("Cannot notify systemd");
}

/* Appends what the clock that runs leads to: in how long, or (at) at which time of day. */
static void append_clock(const Gate *g, bool at, Instant now, usec_t realtime, Buffer *b) {
        static const GateState next[] = {
                [GATE_CLOCK_SETTLE] = GATE_READY,
                [GATE_CLOCK_HOLD] = GATE_LOST,
                [GATE_CLOCK_GRACE] = GATE_UNKNOWN,
        };
        char span[TIMESPAN_MAX];
        usec_t ends;
        GateClockKind clock = gate_running_clock(g, now, &ends);

        if (clock == GATE_CLOCK_NONE)
                return;
        ends = usec_sub(ends, now.boottime);
        (void) buffer_printf(b, ", %s %s %s", gate_state_to_string(next[clock]), at ? "at" : "in",
                             at ? format_clock(span, usec_add(realtime, ends))
                                : format_timespan(span, ends));
}

/* Appends the gate that makes the verdict, and what blocks it. was_ready: without ages, which nobody would correct. */
static void append_cause(const Board *board, bool was_ready, Instant now, usec_t realtime, Buffer *b) {
        _cleanup_free_ char *object = NULL;
        const Blocker *blocker;
        const Gate *gate;
        char span[TIMESPAN_MAX];

        blocker = board_first_blocker(board, &gate);
        if (!blocker) {
                if (gate) {
                        (void) buffer_printf(b, "; %s: nothing blocks it now", gate_name(gate));
                        append_clock(gate, was_ready, now, realtime, b);
                }
                return;
        }

        if (streq_ptr(blocker->reason, REASON_NOT_ASKED)) {
                (void) buffer_printf(b, "; %s: not asked yet", gate_name(gate));
                return;
        }

        (void) buffer_printf(b, "; %s: %s", gate_name(gate), strna(blocker->reason));
        if (!streq_ptr(blocker->object.kind, "Gate") &&
            object_name_to_string(&blocker->object, &object) >= 0)
                (void) buffer_printf(b, " %s", object);
        if (!was_ready && usec_sub(now.boottime, blocker->since) >= USEC_PER_SEC)
                (void) buffer_printf(b, " since %s",
                                     format_timespan(span, usec_sub(now.boottime, blocker->since)));
        append_clock(gate, was_ready, now, realtime, b);
        if (blocker->message)
                (void) buffer_printf(b, ": %s", blocker->message);
}

/* Appends since when the verdict is ready only for a gate's grace or hold. */
static void append_doubt(const Board *board, Instant now, usec_t realtime, Buffer *b) {
        const Gate *gate = board_find_doubt(board, now);
        char clock[TIMESPAN_MAX];
        usec_t since;

        if (!gate || !gate_is_doubted(gate, now, &since))
                return;
        format_clock(clock, usec_sub(realtime, usec_sub(now.boottime, since)));
        if (gate->clock.evidence == EVIDENCE_FALSE)
                (void) buffer_printf(b, ", %s failing since %s", gate_name(gate), clock);
        else
                (void) buffer_printf(b, ", in doubt since %s", clock);
}

/* The text of STATUS=, the caller's; NULL where memory is lacking. Before READY=1 it has the age of the first blocker,
 * which each heartbeat makes true again; after it (was_ready) only edges are told, and it has times of day: since when
 * the verdict stands, and when the clock that runs ends. now and realtime are of one moment. */
char *publish_notify_make_status(const Readiness *readiness, bool was_ready, Instant now, usec_t realtime) {
        const Board *board = &readiness->board;
        Buffer b = BUFFER_INIT(4096);
        char clock[TIMESPAN_MAX], *text;
        size_t open, required;

        open = board_count_open(board, &required);
        (void) buffer_printf(&b, "%s", gate_state_to_string(board->verdict.state));
        if (was_ready)
                (void) buffer_printf(&b, " since %s",
                                     format_clock(clock, readiness->verdict_changed_realtime));
        append_doubt(board, now, realtime, &b);
        (void) buffer_printf(&b, ": %zu of %zu gates open", open, required);
        BOARD_FOREACH(g, board) {
                if (g->setup.missed)
                        (void) buffer_printf(&b, "; %s is masked", gate_name(g));
        }
        if (board->verdict.reason)
                (void) buffer_printf(&b, "; %s", board->verdict.reason);
        append_cause(board, was_ready, now, realtime, &b);

        text = buffer_steal(&b);
        if (!text)
                return NULL;
        strip_control(text);
        text[utf8_truncate(text, STATUS_MAX)] = '\0';
        return text;
}

static void send_status(PublishNotify *p, const char *with) {
        _cleanup_free_ char *status = publish_notify_make_status(p->readiness, p->is_ready, instant_now(),
                                                                 now_realtime()),
                            *state = NULL;

        if (status && streq_ptr(status, p->status) && !with)
                return;
        if (!status || asprintf_ret(&state, "STATUS=%s%s%s", status, with ? "\n" : "", strempty(with)) < 0) {
                /* Without memory systemd gets the assignment and no words. */
                if (with)
                        send_all(with);
                return;
        }
        send_all(state);
        free(p->status);
        p->status = TAKE_PTR(status);
}

static void on_heartbeat(LoopTimer *timer) {
        PublishNotify *p = container_of(timer, PublishNotify, heartbeat);
        usec_t next;
        char extend[64];

        if (p->is_ready) {
                send_all("WATCHDOG=1");
                next = p->watchdog;
        } else {
                snprintf(extend, sizeof(extend), "EXTEND_TIMEOUT_USEC=%" PRIu64, HEARTBEAT_EXTENDS_USEC);
                send_status(p, extend);
                next = HEARTBEAT_USEC;
        }
        if (next > 0)
                loop_timer_set(p->loop, &p->heartbeat, usec_add(now_monotonic(), next), on_heartbeat);
}

/* The board has been judged: sends READY=1 when the verdict is fresh for the first time. */
void publish_notify_update(PublishNotify *p) {
        if (p->is_stopping)
                return;
        if (!p->is_ready && board_is_fresh(&p->readiness->board)) {
                p->is_ready = true;
                send_status(p, "READY=1");
                on_heartbeat(&p->heartbeat);
        } else
                send_status(p, NULL);
}

/* A reload begins. Before READY=1 systemd ignores RELOADING=1 and would take the READY=1 that ends the
 * reload for the real one, so it is sent only after it. */
void publish_notify_reloading(PublishNotify *p) {
        char state[80];

        if (!p->is_ready)
                return;
        snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_monotonic());
        send_all(state);
}

/* A reload has ended, well or not. */
void publish_notify_reloaded(PublishNotify *p) {
        send_status(p, p->is_ready ? "READY=1" : NULL);
}

void publish_notify_stopping(PublishNotify *p) {
        p->is_stopping = true;
        loop_timer_stop(&p->heartbeat);
        send_all("STOPPING=1\nSTATUS=stopping");
}

/* Sends the first heartbeat. readiness outlives it. -ENOMEM. */
int publish_notify_new(Loop *loop, const Readiness *readiness, PublishNotify **ret) {
        PublishNotify *p;
        uint64_t watchdog = 0;

        p = calloc(1, sizeof(PublishNotify));
        if (!p)
                return -ENOMEM;
        p->loop = loop;
        p->readiness = readiness;
        if (sd_watchdog_enabled(0, &watchdog) > 0)
                p->watchdog = watchdog / 2;

        on_heartbeat(&p->heartbeat);
        *ret = p;
        return 0;
}

PublishNotify *publish_notify_free(PublishNotify *p) {
        if (!p)
                return NULL;
        loop_timer_done(&p->heartbeat);
        free(p->status);
        return mfree(p);
}
