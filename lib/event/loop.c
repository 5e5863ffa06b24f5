/* SPDX-License-Identifier: Apache-2.0 */

/* What libev does not do by itself, and why it is done here:
 *
 * - Timers are absolute and never early. libev keeps relative doubles against a time that it read before the
 *   callbacks of this turn ran. So the loop reads the time again before it arms a timer, and a timer that
 *   elapses early by the rounding of a double is armed again.
 *
 * - Descriptors come before timers. A process that was stopped, frozen or starved finds both, and what a timer
 *   says ("nothing came for a second") is not so while the news waits in a socket. In one turn libev runs the
 *   timers first, and after SIGCONT, when epoll_wait() is interrupted, without a look at the descriptors. So
 *   timers have a lower priority, and one that is late waits for the next turn, once.
 *
 * - An idle loop sleeps. libev wakes once a minute to see whether the wall clock was set, unless a timerfd
 *   tells it. It creates the timerfd with the first periodic watcher, so loop_new() starts and stops one.
 *
 * - A failed allocation inside libev aborts the process. The loop keeps a reserve for it; once libev uses
 *   that and it cannot be allocated again, the loop ends with -ENOMEM. Only an allocation larger than the
 *   reserve still aborts, after a line in the log.
 *
 * - Deferred work runs in the prepare watcher. An idle watcher, which keeps libev from sleeping, is active
 *   exactly while something is deferred. Work that is deferred by deferred work runs in the next turn, so
 *   that it cannot starve the file descriptors.
 *
 * A libev callback of ours calls its owner's callback last: the watcher may be gone afterwards. */

#include "event/loop.h"

#include <ev.h>
#include <signal.h>
#include <utlist.h>

#include "base/limits.h"
#include "base/log.h"

#define RESERVE_SIZE KIB(256)
#define LATE_USEC (100 * USEC_PER_MSEC)

struct Loop {
        struct ev_loop *ev;
        ev_prepare prepare;
        ev_idle idle;
        LoopDeferred *deferred;
        uint64_t turns;
        size_t n_watchers;
        int result;
        bool ending;
};

typedef struct LoopIoImpl {
        ev_io ev;
        Loop *loop;
        LoopIo *io;
        unsigned events;
} LoopIoImpl;

typedef struct LoopTimerImpl {
        ev_timer ev;
        Loop *loop;
        LoopTimer *timer;
        usec_t due;
        usec_t expected; /* when it elapses in a loop that runs: not before it was armed */
        bool waited;     /* it was late, and has let the descriptors go first */
} LoopTimerImpl;

typedef struct LoopSignalImpl {
        ev_signal ev;
        Loop *loop;
        LoopSignal *signal;
} LoopSignalImpl;

/* libev has one allocator for all loops. */
static void *reserve;
static size_t n_loops;

static void *allocate(void *p, long size) {
        void *q;

        if (size <= 0) {
                free(p);
                return NULL;
        }

        q = realloc(p, (size_t) size);
        if (!q && reserve) {
                reserve = mfree(reserve);
                q = realloc(p, (size_t) size);
        }
        if (!q)
                log_full(LOG_CRIT, NULL, "Out of memory in the event loop, giving up.");
        return q;
}

static int reserve_fill(void) {
        if (!reserve)
                reserve = malloc(RESERVE_SIZE);
        return reserve ? 0 : -ENOMEM;
}

static void deferred_unlink(LoopDeferred *d) {
        Loop *loop = d->loop;

        DL_DELETE(loop->deferred, d);
        d->loop = NULL;

        if (!loop->deferred)
                ev_idle_stop(loop->ev, &loop->idle);
}

static void on_prepare(struct ev_loop *ev, ev_prepare *w, int revents) {
        Loop *loop = container_of(w, Loop, prepare);
        LoopDeferred *d;

        loop->turns++;
        if (reserve_fill() < 0)
                loop_fail(loop, -ENOMEM);

        while (!loop->ending && (d = loop->deferred) && d->turn < loop->turns) {
                deferred_unlink(d);
                d->on_run(d);
        }
}

static void on_idle(struct ev_loop *ev, ev_idle *w, int revents) {
        /* The watcher alone keeps the loop awake. */
}

static void on_never(struct ev_loop *ev, ev_periodic *w, int revents) {
}

/* Creates a loop. -ENOMEM, or the kernel's error when it has no more descriptors. */
int loop_new(Loop **ret) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        ev_periodic never;

        ev_set_allocator(allocate);
        if (reserve_fill() < 0)
                return -ENOMEM;

        loop = calloc(1, sizeof(Loop));
        if (!loop)
                return -ENOMEM;
        n_loops++;

        errno = 0;
        loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
        if (!loop->ev)
                return errno > 0 ? -errno : -ENOMEM;

        ev_periodic_init(&never, on_never, 1e12, 0, NULL);
        ev_periodic_start(loop->ev, &never);
        ev_periodic_stop(loop->ev, &never);

        ev_idle_init(&loop->idle, on_idle);
        ev_prepare_init(&loop->prepare, on_prepare);
        ev_prepare_start(loop->ev, &loop->prepare);
        ev_unref(loop->ev);

        *ret = TAKE_PTR(loop);
        return 0;
}

/* All watchers must be done before. Not to be called inside a callback. */
Loop *loop_free(Loop *loop) {
        if (!loop)
                return NULL;

        assert(loop->n_watchers == 0);
        assert(!loop->deferred);

        if (loop->ev) {
                ev_ref(loop->ev);
                ev_prepare_stop(loop->ev, &loop->prepare);
                ev_loop_destroy(loop->ev);
        }
        if (--n_loops == 0)
                reserve = mfree(reserve);
        return mfree(loop);
}

/* Runs until loop_exit() or loop_fail() and returns their argument, or 0 when nothing is left to wait for.
 * Returns at once if one of them was called before. May be called again. */
int loop_run(Loop *loop) {
        int r;

        if (!loop->ending)
                ev_run(loop->ev, 0);

        r = loop->result;
        loop->result = 0;
        loop->ending = false;
        return r;
}

/* Ends loop_run() after the callbacks of this turn. Deferred work stays for the next run. The first result
 * counts, but an error replaces a result that is no error. */
void loop_exit(Loop *loop, int result) {
        if (!loop->ending || (result < 0 && loop->result >= 0))
                loop->result = result;
        loop->ending = true;
        ev_break(loop->ev, EVBREAK_ONE);
}

/* Ends loop_run() with an error, -errno; the first one counts. */
void loop_fail(Loop *loop, int error) {
        assert(error < 0);
        loop_exit(loop, error);
}

/* How often the loop was about to sleep: once for each wake-up, more often if there was deferred work. */
uint64_t loop_turns(const Loop *loop) {
        return loop->turns;
}

static void on_io(struct ev_loop *ev, ev_io *w, int revents) {
        LoopIoImpl *impl = container_of(w, LoopIoImpl, ev);
        unsigned events = 0;

        /* A broken descriptor counts as readable and writable: the owner's next call on it returns the
         * error. */
        if (revents & (EV_READ | EV_ERROR))
                events |= LOOP_READ;
        if (revents & (EV_WRITE | EV_ERROR))
                events |= LOOP_WRITE;
        if (revents & EV_ERROR)
                impl->events = 0;

        impl->io->on_ready(impl->io, events);
}

/* Watches fd for events (LOOP_READ, LOOP_WRITE, both, or 0 to pause), level-triggered. Replaces what the
 * watcher watched before; costs nothing if that is the same. The descriptor stays the caller's, who stops
 * the watcher before closing it. -EBADF, -ENOMEM. */
int loop_io_set(Loop *loop, LoopIo *io, int fd, unsigned events,
                void (*on_ready)(LoopIo *io, unsigned events)) {
        LoopIoImpl *impl = io->impl;

        if (fd < 0)
                return -EBADF;
        assert((events & ~(unsigned) (LOOP_READ | LOOP_WRITE)) == 0);

        if (!impl) {
                impl = malloc(sizeof(LoopIoImpl));
                if (!impl)
                        return -ENOMEM;
                *impl = (LoopIoImpl){ .loop = loop, .io = io };
                ev_init(&impl->ev, on_io);
                impl->ev.fd = -1;
                io->impl = impl;
                loop->n_watchers++;
        }
        assert(impl->loop == loop && impl->io == io);

        io->on_ready = on_ready;
        if (impl->ev.fd == fd && impl->events == events)
                return 0;

        ev_io_stop(loop->ev, &impl->ev);
        impl->events = events;
        ev_io_set(&impl->ev, fd, (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0));
        if (events != 0)
                ev_io_start(loop->ev, &impl->ev);
        return 0;
}

void loop_io_done(LoopIo *io) {
        LoopIoImpl *impl = TAKE_PTR(io->impl);

        if (!impl)
                return;

        ev_io_stop(impl->loop->ev, &impl->ev);
        impl->loop->n_watchers--;
        free(impl);
}

static void timer_start(LoopTimerImpl *impl) {
        struct ev_loop *ev = impl->loop->ev;

        ev_timer_stop(ev, &impl->ev);
        ev_now_update(ev);
        ev_timer_set(&impl->ev, (double) usec_sub(impl->due, now_monotonic()) / (double) USEC_PER_SEC, 0.);
        ev_timer_start(ev, &impl->ev);
}

static void on_timer(struct ev_loop *ev, ev_timer *w, int revents) {
        LoopTimerImpl *impl = container_of(w, LoopTimerImpl, ev);
        usec_t now = now_monotonic();

        if (now < impl->due)
                timer_start(impl);
        else if (!impl->waited && now > usec_add(impl->expected, LATE_USEC)) {
                impl->waited = true;
                timer_start(impl);
        } else
                impl->timer->on_elapsed(impl->timer);
}

/* Arms (or moves) a one-shot timer at an absolute time of now_monotonic(). One in the past elapses in the
 * next turn, one at USEC_INFINITY never; the callback never comes early. The first call for a timer
 * allocates: if memory runs out, it ends the loop with -ENOMEM. */
void loop_timer_set(Loop *loop, LoopTimer *timer, usec_t monotonic, void (*on_elapsed)(LoopTimer *timer)) {
        LoopTimerImpl *impl = timer->impl;

        assert(on_elapsed);

        if (!impl) {
                impl = malloc(sizeof(LoopTimerImpl));
                if (!impl) {
                        loop_fail(loop, -ENOMEM);
                        return;
                }
                *impl = (LoopTimerImpl){ .loop = loop, .timer = timer };
                ev_init(&impl->ev, on_timer);
                ev_set_priority(&impl->ev, EV_MINPRI);
                timer->impl = impl;
                loop->n_watchers++;
        }
        assert(impl->loop == loop && impl->timer == timer);

        timer->on_elapsed = on_elapsed;
        if (monotonic == USEC_INFINITY) {
                loop_timer_stop(timer);
                return;
        }
        if (loop_timer_is_armed(timer) && impl->due == monotonic)
                return;

        impl->due = monotonic;
        impl->expected = MAX(monotonic, now_monotonic());
        impl->waited = false;
        timer_start(impl);
}

/* The timer keeps its memory, so that setting it again cannot fail. */
void loop_timer_stop(LoopTimer *timer) {
        if (timer->impl)
                ev_timer_stop(timer->impl->loop->ev, &timer->impl->ev);
}

bool loop_timer_is_armed(const LoopTimer *timer) {
        return timer->impl && (ev_is_active(&timer->impl->ev) || ev_is_pending(&timer->impl->ev));
}

void loop_timer_done(LoopTimer *timer) {
        LoopTimerImpl *impl;

        loop_timer_stop(timer);
        impl = TAKE_PTR(timer->impl);
        if (!impl)
                return;

        impl->loop->n_watchers--;
        free(impl);
}

static void on_signal(struct ev_loop *ev, ev_signal *w, int revents) {
        LoopSignalImpl *impl = container_of(w, LoopSignalImpl, ev);

        impl->signal->on_signal(impl->signal, w->signum);
}

/* Watches a signal; one loop alone may watch it. The default action is restored when the watcher is done.
 * Several signals that come before the loop's next turn are one call. -EINVAL, -ENOMEM. */
int loop_signal_set(Loop *loop, LoopSignal *signal, int number,
                    void (*callback)(LoopSignal *signal, int number)) {
        LoopSignalImpl *impl;

        assert(callback);

        if (number <= 0 || number >= NSIG)
                return -EINVAL;

        loop_signal_done(signal);
        impl = malloc(sizeof(LoopSignalImpl));
        if (!impl)
                return -ENOMEM;

        *impl = (LoopSignalImpl){ .loop = loop, .signal = signal };
        ev_signal_init(&impl->ev, on_signal, number);
        signal->on_signal = callback;
        signal->impl = impl;
        loop->n_watchers++;
        ev_signal_start(loop->ev, &impl->ev);
        return 0;
}

void loop_signal_done(LoopSignal *signal) {
        LoopSignalImpl *impl = TAKE_PTR(signal->impl);

        if (!impl)
                return;

        ev_signal_stop(impl->loop->ev, &impl->ev);
        impl->loop->n_watchers--;
        free(impl);
}

/* Runs on_run once, after the events of this turn and before the loop sleeps again; if set inside deferred
 * work, in the next turn, which comes at once. Deferred work runs in the order in which it was set; setting
 * it again keeps its place. Allocates nothing. */
void loop_deferred_set(Loop *loop, LoopDeferred *deferred, void (*on_run)(LoopDeferred *deferred)) {
        assert(on_run);

        deferred->on_run = on_run;
        if (deferred->loop) {
                assert(deferred->loop == loop);
                return;
        }

        deferred->loop = loop;
        deferred->turn = loop->turns;
        DL_APPEND(loop->deferred, deferred);
        ev_idle_start(loop->ev, &loop->idle);
}

void loop_deferred_done(LoopDeferred *deferred) {
        if (deferred->loop)
                deferred_unlink(deferred);
}
