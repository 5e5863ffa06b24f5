/* SPDX-License-Identifier: Apache-2.0 */

#include "follow.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

/* wait, watch and hold are started at boot and may outlive the daemon: its absence is told of once and is
 * otherwise nothing but time that passes. The socket is systemd's and outlives it too, so that connecting
 * again is nearly always at once possible; a hung daemon is left to the watchdog of its unit. */

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

/* One that is ignored, as a script has its jobs in the background ignore SIGINT, would come all the same once it is
 * blocked. */
static void leave_ignored(sigset_t *set, int number) {
        struct sigaction action;

        if (sigaction(number, NULL, &action) >= 0 && action.sa_handler == SIG_IGN)
                sigdelset(set, number);
}

/* Has the signals that matter to a display come as events: its size, that it goes on, and the end. */
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

/* Ends as if the signal had not been caught. */
void die_of_signal(int number) {
        sigset_t set;

        (void) signal(number, SIG_DFL);
        signal_set(&set);
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void) raise(number);
        _exit(128 + number);
}

/* Subscribes anew, not before retry (on CLOCK_MONOTONIC): follow->gates may have been changed. */
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

/* The daemon is out of reach. Returns whether that is news. */
static bool lose(Follow *f, int cause) {
        if (f->unreachable)
                return false;

        f->unreachable = true;
        f->cause = cause;
        f->since_lost = now_monotonic();
        return true;
}

/* Waits for the daemon, a signal or the deadline. 1: the daemon has something. */
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

/* Takes a reply in: an event, or why it cannot be taken. */
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

/* Subscribes where it is time to, and looks for a reply. 1: there is one; 0: not yet; or why there will be
 * none on this connection. */
static int look(Follow *f, VlReply *ret) {
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

/* The next thing that happens, or FOLLOW_DEADLINE at that time of CLOCK_MONOTONIC. *ret_change, for
 * vl_reply_done(), is written for _CHANGED and _FAILED. An error is fatal: -ENOMEM, -E2BIG where the daemon tells of
 * more gates than it can have, or what poll() failed with. */
int follow_next(Follow *f, usec_t deadline, FollowEvent *ret, VlReply *ret_change) {
        for (;;) {
                VlReply reply;
                int r;

                if (take_signal(f))
                        return happened(FOLLOW_SIGNAL, ret);
                if (f->ended) {
                        f->ended = false;
                        if (lose(f, -ECONNRESET))
                                return happened(FOLLOW_UNREACHABLE, ret);
                }
                r = look(f, &reply);
                if (r > 0)
                        return take_reply(f, &reply, ret, ret_change);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) {
                        follow_restart(f, usec_add(now_monotonic(), RETRY_USEC));
                        if (lose(f, r))
                                return happened(FOLLOW_UNREACHABLE, ret);
                }
                /* One that hangs is not left, for connecting again would not help. */
                if (f->client && now_monotonic() >= f->reply_due && lose(f, -ETIMEDOUT))
                        return happened(FOLLOW_UNREACHABLE, ret);
                if (now_monotonic() >= deadline)
                        return happened(FOLLOW_DEADLINE, ret);

                r = wait_for_events(f, wake_at(f, deadline));
                if (r < 0)
                        return r;
        }
}
