/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* The event loop. Watchers are embedded in their owners, which callbacks find by container_of(). A zeroed
 * watcher is idle, and *_done() on it does nothing. Any callback may change, stop or free any watcher with
 * its owner, its own included. The first error that a callback reports by loop_fail() ends the loop. */

typedef struct Loop Loop;
typedef struct LoopIo LoopIo;
typedef struct LoopTimer LoopTimer;
typedef struct LoopSignal LoopSignal;
typedef struct LoopDeferred LoopDeferred;

enum {
        LOOP_READ = 1 << 0,
        LOOP_WRITE = 1 << 1,
};

struct LoopIo {
        void (*on_ready)(LoopIo *io, unsigned events);
        struct LoopIoImpl *impl;
};

struct LoopTimer {
        void (*on_elapsed)(LoopTimer *timer);
        struct LoopTimerImpl *impl;
};

struct LoopSignal {
        void (*on_signal)(LoopSignal *signal, int number);
        struct LoopSignalImpl *impl;
};

/* Runs once, before the loop sleeps again, after the events of this turn. */
struct LoopDeferred {
        void (*on_run)(LoopDeferred *deferred);
        Loop *loop;
        LoopDeferred *prev, *next;
        uint64_t turn;
};

int loop_new(Loop **ret);
Loop *loop_free(Loop *loop);
DEFINE_CLEANUP(Loop, loop_free)
int loop_run(Loop *loop);
void loop_exit(Loop *loop, int result);
void loop_fail(Loop *loop, int error);
uint64_t loop_turns(const Loop *loop);

int loop_io_set(Loop *loop, LoopIo *io, int fd, unsigned events,
                void (*on_ready)(LoopIo *io, unsigned events));
void loop_io_done(LoopIo *io);

void loop_timer_set(Loop *loop, LoopTimer *timer, usec_t monotonic, void (*on_elapsed)(LoopTimer *timer));
void loop_timer_stop(LoopTimer *timer);
bool loop_timer_is_armed(const LoopTimer *timer);
void loop_timer_done(LoopTimer *timer);

int loop_signal_set(Loop *loop, LoopSignal *signal, int number,
                    void (*on_signal)(LoopSignal *signal, int number));
void loop_signal_done(LoopSignal *signal);

void loop_deferred_set(Loop *loop, LoopDeferred *deferred, void (*on_run)(LoopDeferred *deferred));
void loop_deferred_done(LoopDeferred *deferred);
