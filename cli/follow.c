/* SPDX-License-Identifier: Apache-2.0 */

#include "follow.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

/* wait, watch and hold start at boot and may outlive the daemon: they tell of its absence once, and go on waiting.
 * systemd keeps the socket while the daemon is away, so connecting again nearly always works at once; a hung daemon
 * is for the watchdog of its unit to end. */

#define RETRY_USEC (1 * USEC_PER_SEC)

void follow_done(Follow *f) {
        f->client = vl_client_free(f->client);
        snapshot_done(&f->snapshot);
        f->signal_fd = safe_close(f->signal_fd);
}

static void signal_set(sigset_t *ret) {
        sigemptyset(ret);
        sigaddset(ret, SIGINT);
        sigaddset(ret, SIGTERM);
        sigaddset(ret, SIGHUP);
        sigaddset(ret, SIGWINCH);
        sigaddset(ret, SIGCONT);
}

/* A blocked signal arrives at the signalfd even if it is ignored, as SIGINT is in the background jobs of a script. */
static void leave_ignored(sigset_t *set, int number) {
        struct sigaction action;

        if (sigaction(number, NULL, &action) >= 0 && action.sa_handler == SIG_IGN)
                sigdelset(set, number);
}

/* Makes events of the signals that matter to a display: the terminal's size, a continued process, the end. A
 * negative errno where the kernel refuses. */
int follow_signals(Follow *f) {
        sigset_t set;

        signal_set(&set);
        leave_ignored(&set, SIGINT);
        leave_ignored(&set, SIGTERM);
        leave_ignored(&set, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        f->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return f->signal_fd < 0 ? -errno : 0;
}

/* Ends the process as the signal does by default. */
void die_of_signal(int number) {
        sigset_t set;

        (void) signal(number, SIG_DFL);
        signal_set(&set);
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void) raise(number);
        _exit(128 + number);
}

/* Subscribes again to follow->gates, which may have changed, but not before retry (CLOCK_MONOTONIC). */
void follow_restart(Follow *f, usec_t retry) {
        f->client = vl_client_free(f->client);
        f->retry = retry;
}

static int subscribe(Follow *f) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        int r;

        r = ask_gates_parameter(f->gates, &parameters);
        if (r < 0)
                return r;
        f->has_replied = false;
        f->reply_due = usec_add(now_monotonic(), REPLY_USEC);
        r = vl_client_connect(f->options->socket, f->reply_due, &f->client);
        if (r >= 0)
                r = vl_client_send(f->client, READINESS "Monitor", parameters, VL_MORE, f->reply_due);
        return r;
}

/* Notes that the daemon is out of reach. Returns whether that is news. */
static bool note_lost(Follow *f, int cause) {
        if (f->unreachable)
                return false;

        f->unreachable = true;
        f->cause = cause;
        f->since_lost = now_monotonic();
        return true;
}

/* Waits for the daemon, a signal or the deadline. Returns 1 if the daemon sent something. */
static int wait_for_events(Follow *f, usec_t deadline) {
        struct pollfd fds[2] = {
                { .fd = f->client ? vl_client_fd(f->client) : -1, .events = POLLIN },
                { .fd = f->signal_fd, .events = POLLIN },
        };
        usec_t left = usec_sub(deadline, now_monotonic());
        int timeout = -1;

        if (deadline != USEC_INFINITY)
                timeout = (int) usec_min((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC, INT_MAX);
        if (poll(fds, ELEMENTSOF(fds), timeout) < 0)
                return errno == EINTR ? 0 : -errno;
        return fds[0].revents != 0;
}

static bool take_signal(Follow *f) {
        struct signalfd_siginfo info;

        if (f->signal_fd < 0 || read(f->signal_fd, &info, sizeof(info)) != sizeof(info))
                return false;
        f->signal = (int) info.ssi_signo;
        return true;
}

/* Takes a reply into the snapshot. -ENOMEM, -E2BIG. */
static int take_reply(Follow *f, VlReply *reply, FollowEvent *ret, VlReply *ret_change) {
        int r;

        f->first = !f->has_replied;
        f->has_replied = true;
        f->unreachable = false;
        f->reply_due = USEC_INFINITY;
        if (f->first)
                snapshot_done(&f->snapshot);
        if (!reply->error) {
                r = snapshot_update(&f->snapshot, reply->parameters);
                if (r < 0) {
                        vl_reply_done(reply);
                        return r;
                }
        }
        if (reply->error || !reply->continues)
                follow_restart(f, usec_add(now_monotonic(), RETRY_USEC));
        f->ended = !reply->error && !reply->continues;

        *ret_change = *reply;
        *reply = (VlReply){};
        *ret = ret_change->error ? FOLLOW_FAILED : FOLLOW_CHANGED;
        return 0;
}

/* Subscribes when it is time to, and looks for a reply. Returns 1 with a reply, 0 without one yet, or why this
 * connection will bring none. */
static int receive_reply(Follow *f, VlReply *ret) {
        usec_t now = now_monotonic();
        int r;

        if (!f->client) {
                if (now < f->retry)
                        return 0;
                r = subscribe(f);
                if (r < 0)
                        return r;
        }
        r = vl_client_receive(f->client, 0, ret);
        return r >= 0 ? 1 : r == -ETIMEDOUT ? 0 : r;
}

static usec_t wake_at(const Follow *f, usec_t deadline) {
        if (!f->client)
                return usec_min(deadline, f->retry);
        return f->unreachable ? deadline : usec_min(deadline, f->reply_due);
}

static int happened(FollowEvent event, FollowEvent *ret) {
        *ret = event;
        return 0;
}

/* Waits for the next event; FOLLOW_DEADLINE comes at `deadline` (CLOCK_MONOTONIC). *ret_change is written for
 * FOLLOW_CHANGED and _FAILED, and is for vl_reply_done(). An error is fatal: -ENOMEM, -E2BIG where the daemon tells
 * of more gates than it can have, or the error of poll(). */
int follow_next(Follow *f, usec_t deadline, FollowEvent *ret, VlReply *ret_change) {
        for (;;) {
                VlReply reply;
                int r;

                if (take_signal(f))
                        return happened(FOLLOW_SIGNAL, ret);
                if (f->ended) {
                        f->ended = false;
                        if (note_lost(f, -ECONNRESET))
                                return happened(FOLLOW_UNREACHABLE, ret);
                }
                r = receive_reply(f, &reply);
                if (r > 0)
                        return take_reply(f, &reply, ret, ret_change);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) {
                        follow_restart(f, usec_add(now_monotonic(), RETRY_USEC));
                        if (note_lost(f, r))
                                return happened(FOLLOW_UNREACHABLE, ret);
                }
                /* A hung daemon keeps its connection: connecting again would not help. */
                if (f->client && now_monotonic() >= f->reply_due && note_lost(f, -ETIMEDOUT))
                        return happened(FOLLOW_UNREACHABLE, ret);
                if (now_monotonic() >= deadline)
                        return happened(FOLLOW_DEADLINE, ret);

                r = wait_for_events(f, wake_at(f, deadline));
                if (r < 0)
                        return r;
        }
}
