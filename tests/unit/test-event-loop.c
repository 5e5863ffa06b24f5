/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "event/loop.h"

typedef struct Fixture {
        Loop *loop;
        LoopTimer timer;
        LoopTimer other;
        LoopIo io;
        LoopSignal signal;
        LoopDeferred deferred;
        LoopDeferred second;
        int fd;
        usec_t due;
        unsigned n_io;
        unsigned n_timer;
        unsigned n_deferred;
        int number;
        char order[16];
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        assert_ok(loop_new(&f->loop));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        loop_timer_done(&f->timer);
        loop_timer_done(&f->other);
        loop_io_done(&f->io);
        loop_signal_done(&f->signal);
        loop_deferred_done(&f->deferred);
        loop_deferred_done(&f->second);
        loop_free(f->loop);
        free(f);
        return 0;
}

static void on_end(LoopTimer *timer) {
        loop_exit(container_of(timer, Fixture, timer)->loop, 7);
}

static void on_other(LoopTimer *timer) {
        container_of(timer, Fixture, other)->n_timer++;
}

static void run_for(Fixture *f, usec_t usec) {
        loop_timer_set(f->loop, &f->timer, now_monotonic() + usec, on_end);
        assert_int_equal(loop_run(f->loop), 7);
}

static void test_empty_loop_ends(void **state) {
        Fixture *f = *state;

        assert_int_equal(loop_run(f->loop), 0);
}

static void test_exit_before_run(void **state) {
        Fixture *f = *state;

        loop_timer_set(f->loop, &f->timer, now_monotonic() + USEC_PER_HOUR, on_end);
        loop_exit(f->loop, 3);
        assert_int_equal(loop_run(f->loop), 3);
}

static void test_first_error_counts(void **state) {
        Fixture *f = *state;

        loop_exit(f->loop, 3);
        loop_fail(f->loop, -EIO);
        loop_fail(f->loop, -ENOMEM);
        loop_exit(f->loop, 0);
        assert_error(loop_run(f->loop), EIO);
}

static void on_late(LoopTimer *timer) {
        Fixture *f = container_of(timer, Fixture, timer);
        usec_t now = now_monotonic();

        assert_true(now >= f->due);
        assert_false(loop_timer_is_armed(timer));
        if (++f->n_timer == 50) {
                loop_exit(f->loop, 0);
                return;
        }
        f->due = now + 137 * f->n_timer; /* odd fractions of a millisecond */
        loop_timer_set(f->loop, timer, f->due, on_late);
        assert_true(loop_timer_is_armed(timer));
}

static void test_timer_is_never_early(void **state) {
        Fixture *f = *state;

        f->due = now_monotonic() + 1001;
        loop_timer_set(f->loop, &f->timer, f->due, on_late);
        assert_int_equal(loop_run(f->loop), 0);
        assert_int_equal(f->n_timer, 50);
}

/* A turn that took long must not bring the timers that it armed forward. */
static void on_slow(LoopTimer *timer) {
        Fixture *f = container_of(timer, Fixture, timer);
        const struct timespec ts = { .tv_nsec = 30 * 1000 * 1000 };

        nanosleep(&ts, NULL);
        f->n_timer = 49;
        f->due = now_monotonic() + 20 * USEC_PER_MSEC;
        loop_timer_set(f->loop, timer, f->due, on_late);
}

static void test_timer_after_a_slow_turn(void **state) {
        Fixture *f = *state;
        usec_t begin = now_monotonic();

        loop_timer_set(f->loop, &f->timer, 0, on_slow);
        assert_int_equal(loop_run(f->loop), 0);
        assert_true(now_monotonic() - begin < 5 * USEC_PER_SEC);
}

static void test_timer_far_away_and_never(void **state) {
        Fixture *f = *state;

        loop_timer_set(f->loop, &f->other, USEC_INFINITY - 1, on_other);
        assert_true(loop_timer_is_armed(&f->other));
        run_for(f, 5 * USEC_PER_MSEC);
        loop_timer_set(f->loop, &f->other, USEC_INFINITY, on_other);
        assert_false(loop_timer_is_armed(&f->other));
        loop_timer_set(f->loop, &f->other, 0, on_other);
        loop_timer_stop(&f->other);
        run_for(f, 5 * USEC_PER_MSEC);
        assert_int_equal(f->n_timer, 0);
}

static void test_idle_loop_sleeps(void **state) {
        Fixture *f = *state;
        uint64_t turns = loop_turns(f->loop);
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_ok(loop_io_set(f->loop, &f->io, fds[0], LOOP_READ, NULL));
        run_for(f, 50 * USEC_PER_MSEC);
        assert_true(loop_turns(f->loop) - turns <= 3);
        loop_io_done(&f->io);
        close(fds[0]);
        close(fds[1]);
}

/* libev wakes once a minute to look at the wall clock, unless a timerfd tells it of jumps. */
static void test_clock_jumps_are_told(void **state) {
        bool found = false;

        if (access("/proc/self/fd", F_OK) < 0)
                skip_test("/proc is not mounted");
        for (int fd = 3; fd < 64; fd++) {
                char path[64], target[64] = "";

                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                if (readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "timerfd"))
                        found = true;
        }
        assert_true(found);
}

static void on_readable(LoopIo *io, unsigned events) {
        Fixture *f = container_of(io, Fixture, io);
        char c;

        assert_int_equal(events, LOOP_READ);
        assert_int_equal(read(f->fd, &c, 1), 1);
        f->n_io++;
        if (f->n_io == 2)
                assert_ok(loop_io_set(f->loop, io, f->fd, 0, on_readable));
}

static void test_io(void **state) {
        Fixture *f = *state;
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        f->fd = fds[0];
        assert_error(loop_io_set(f->loop, &f->io, -1, LOOP_READ, on_readable), EBADF);
        assert_ok(loop_io_set(f->loop, &f->io, fds[0], LOOP_READ, on_readable));
        assert_ok(loop_io_set(f->loop, &f->io, fds[0], LOOP_READ, on_readable));
        assert_int_equal(write(fds[1], "abc", 3), 3);
        run_for(f, 5 * USEC_PER_MSEC);
        assert_int_equal(f->n_io, 2); /* paused itself */

        /* The same number for another file. */
        loop_io_done(&f->io);
        close(fds[0]);
        close(fds[1]);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        f->fd = fds[0];
        assert_ok(loop_io_set(f->loop, &f->io, fds[0], LOOP_READ, on_readable));
        assert_int_equal(write(fds[1], "d", 1), 1);
        run_for(f, 5 * USEC_PER_MSEC);
        assert_int_equal(f->n_io, 3);
        loop_io_done(&f->io);
        close(fds[0]);
        close(fds[1]);
}

static void on_write_then_read(LoopIo *io, unsigned events) {
        Fixture *f = container_of(io, Fixture, io);

        if (events & LOOP_WRITE) {
                assert_ok(loop_io_set(f->loop, io, f->fd, LOOP_READ, on_write_then_read));
                f->n_io++;
        }
        if (events & LOOP_READ) {
                loop_io_done(io);
                loop_exit(f->loop, 9);
        }
}

static void test_io_changes_interest(void **state) {
        Fixture *f = *state;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        f->fd = fds[0];
        assert_ok(loop_io_set(f->loop, &f->io, fds[0], LOOP_READ | LOOP_WRITE, on_write_then_read));
        run_for(f, 5 * USEC_PER_MSEC);
        assert_int_equal(f->n_io, 1);
        close(fds[1]);
        assert_int_equal(loop_run(f->loop), 9);
        close(fds[0]);
}

typedef struct Owned {
        Fixture *fixture;
        LoopTimer timer;
        LoopIo io;
        LoopDeferred deferred;
        int fd;
} Owned;

static void owned_free(Owned *o) {
        Fixture *f = o->fixture;

        loop_timer_done(&o->timer);
        loop_io_done(&o->io);
        loop_deferred_done(&o->deferred);
        close(o->fd);
        free(o);
        f->n_timer++;
}

static void on_owned_timer(LoopTimer *timer) {
        owned_free(container_of(timer, Owned, timer));
}

static void on_owned_io(LoopIo *io, unsigned events) {
        owned_free(container_of(io, Owned, io));
}

static void on_owned_deferred(LoopDeferred *deferred) {
        owned_free(container_of(deferred, Owned, deferred));
}

static void on_owned_deferred_arm(LoopDeferred *deferred) {
        Owned *o = container_of(deferred, Owned, deferred);

        /* Both are ready in the same turn; the first frees the other. */
        loop_timer_set(o->fixture->loop, &o->timer, 0, on_owned_timer);
        assert_ok(loop_io_set(o->fixture->loop, &o->io, o->fd, LOOP_READ, on_owned_io));
}

static Owned *owned_new(Fixture *f) {
        Owned *o = calloc(1, sizeof(Owned));

        assert_non_null(o);
        o->fixture = f;
        o->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(o->fd >= 0);
        return o;
}

static void test_freed_in_own_callback(void **state) {
        Fixture *f = *state;
        Owned *o;

        o = owned_new(f);
        loop_timer_set(f->loop, &o->timer, 0, on_owned_timer);
        o = owned_new(f);
        assert_ok(loop_io_set(f->loop, &o->io, o->fd, LOOP_READ, on_owned_io));
        o = owned_new(f);
        loop_deferred_set(f->loop, &o->deferred, on_owned_deferred);
        o = owned_new(f);
        loop_deferred_set(f->loop, &o->deferred, on_owned_deferred_arm);
        run_for(f, 5 * USEC_PER_MSEC);
        assert_int_equal(f->n_timer, 4);
}

static void on_signal(LoopSignal *signal, int number) {
        Fixture *f = container_of(signal, Fixture, signal);

        f->number = number;
        loop_signal_done(signal);
        loop_exit(f->loop, 0);
}

static void test_signal(void **state) {
        Fixture *f = *state;

        assert_error(loop_signal_set(f->loop, &f->signal, 0, on_signal), EINVAL);
        assert_ok(loop_signal_set(f->loop, &f->signal, SIGHUP, on_signal));
        raise(SIGHUP);
        assert_int_equal(loop_run(f->loop), 0);
        assert_int_equal(f->number, SIGHUP);
}

static void on_second(LoopDeferred *deferred) {
        Fixture *f = container_of(deferred, Fixture, second);

        strncat(f->order, "2", sizeof(f->order) - strlen(f->order) - 1);
}

static void on_deferred(LoopDeferred *deferred) {
        Fixture *f = container_of(deferred, Fixture, deferred);

        strncat(f->order, "1", sizeof(f->order) - strlen(f->order) - 1);
        if (++f->n_deferred < 3)
                loop_deferred_set(f->loop, deferred, on_deferred);
}

static void test_deferred(void **state) {
        Fixture *f = *state;
        uint64_t turns;

        loop_deferred_set(f->loop, &f->deferred, on_deferred);
        loop_deferred_set(f->loop, &f->second, on_second);
        loop_deferred_set(f->loop, &f->deferred, on_deferred);
        turns = loop_turns(f->loop);
        run_for(f, 50 * USEC_PER_MSEC);
        assert_string_equal(f->order, "1211");
        /* One turn per round, and asleep afterwards. */
        assert_true(loop_turns(f->loop) - turns <= 7);

        loop_deferred_set(f->loop, &f->deferred, on_deferred);
        loop_deferred_done(&f->deferred);
        assert_int_equal(loop_run(f->loop), 0);
        assert_string_equal(f->order, "1211");
}

/* Deferred in the last event that the loop had: it still runs. */
static void on_timer_defers(LoopTimer *timer) {
        Fixture *f = container_of(timer, Fixture, other);

        loop_deferred_set(f->loop, &f->second, on_second);
}

static void test_deferred_by_the_last_event(void **state) {
        Fixture *f = *state;

        loop_timer_set(f->loop, &f->other, 0, on_timer_defers);
        assert_int_equal(loop_run(f->loop), 0);
        assert_string_equal(f->order, "2");
}

/* Deferred work that always defers itself leaves the others their turn. */
static void on_greedy(LoopDeferred *deferred) {
        Fixture *f = container_of(deferred, Fixture, deferred);

        loop_deferred_set(f->loop, deferred, on_greedy);
}

static void test_deferred_does_not_starve(void **state) {
        Fixture *f = *state;

        loop_deferred_set(f->loop, &f->deferred, on_greedy);
        run_for(f, 2 * USEC_PER_MSEC);
        loop_deferred_done(&f->deferred);
}

static int news_fd;

/* As SIGCONT after a stop: the wait of the loop is interrupted when it is late, and news has come. */
static void stall(int number) {
        struct timespec t = { .tv_nsec = 300 * 1000 * 1000 };

        while (nanosleep(&t, &t) < 0)
                ;
        (void) !write(news_fd, "x", 1);
}

static void on_news(LoopIo *io, unsigned events) {
        Fixture *f = container_of(io, Fixture, io);
        char c;

        assert_int_equal(read(f->fd, &c, 1), 1);
        f->n_io++;
}

static void on_silence(LoopTimer *timer) {
        Fixture *f = container_of(timer, Fixture, timer);

        assert_false(loop_timer_is_armed(timer));
        f->n_timer += f->n_io;
        loop_exit(f->loop, 0);
}

/* What has come is read before a timer that is late says that nothing has. */
static void test_late_timer_lets_news_go_first(void **state) {
        const struct itimerval in_a_moment = { .it_value.tv_usec = 20000 };
        struct sigaction old, action = { .sa_handler = stall };
        Fixture *f = *state;
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        f->fd = fds[0];
        news_fd = fds[1];
        assert_ok(loop_io_set(f->loop, &f->io, fds[0], LOOP_READ, on_news));
        loop_timer_set(f->loop, &f->timer, now_monotonic() + 100 * USEC_PER_MSEC, on_silence);
        assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &in_a_moment, NULL), 0);
        assert_int_equal(loop_run(f->loop), 0);
        assert_int_equal(f->n_io, 1);
        assert_int_equal(f->n_timer, 1);
        assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
        loop_io_done(&f->io);
        close(fds[0]);
        close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_empty_loop_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(test_exit_before_run, setup, teardown),
                cmocka_unit_test_setup_teardown(test_first_error_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timer_is_never_early, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timer_after_a_slow_turn, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timer_far_away_and_never, setup, teardown),
                cmocka_unit_test_setup_teardown(test_late_timer_lets_news_go_first, setup, teardown),
                cmocka_unit_test_setup_teardown(test_idle_loop_sleeps, setup, teardown),
                cmocka_unit_test_setup_teardown(test_clock_jumps_are_told, setup, teardown),
                cmocka_unit_test_setup_teardown(test_io, setup, teardown),
                cmocka_unit_test_setup_teardown(test_io_changes_interest, setup, teardown),
                cmocka_unit_test_setup_teardown(test_freed_in_own_callback, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deferred, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deferred_by_the_last_event, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deferred_does_not_starve, setup, teardown),
        };

        return cmocka_run_group_tests_name("event-loop", tests, NULL, NULL);
}
