/* SPDX-License-Identifier: Apache-2.0 */

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static usec_t clock_read(clockid_t id) {
        struct timespec ts;

        if (clock_gettime(id, &ts) < 0)
                return 0;

        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

/* Time since the kernel started, time asleep included. */
usec_t now_boottime(void) {
        return clock_read(CLOCK_BOOTTIME);
}

/* Time since the kernel started without the time asleep. */
usec_t now_monotonic(void) {
        return clock_read(CLOCK_MONOTONIC);
}

/* The wall clock: for people only. It may start in 1970 and jump; it is never compared. */
usec_t now_realtime(void) {
        return clock_read(CLOCK_REALTIME);
}

Instant instant_now(void) {
        return (Instant){ .boottime = now_boottime(), .monotonic = now_monotonic() };
}

/* Saturates at USEC_INFINITY. */
usec_t usec_add(usec_t a, usec_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* Never below 0; infinity less anything is infinity. */
usec_t usec_sub(usec_t a, usec_t b) {
        if (a == USEC_INFINITY)
                return USEC_INFINITY;
        return a > b ? a - b : 0;
}

usec_t usec_min(usec_t a, usec_t b) {
        return MIN(a, b);
}

/* Writes usec as people say it, in at most two units: "850ms", "12s", "3min 20s", "2h 5min", "4d 1h",
 * "infinity". Returns buf. */
char *format_timespan(char buf[static TIMESPAN_MAX], usec_t usec) {
        uint64_t s = usec / USEC_PER_SEC;

        if (usec == USEC_INFINITY)
                snprintf(buf, TIMESPAN_MAX, "infinity");
        else if (usec < USEC_PER_MSEC)
                snprintf(buf, TIMESPAN_MAX, "0");
        else if (usec < USEC_PER_SEC)
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "ms", usec / USEC_PER_MSEC);
        else if (s < 60)
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "s", s);
        else if (s < 3600 && s % 60 == 0)
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "min", s / 60);
        else if (s < 3600)
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "min %" PRIu64 "s", s / 60, s % 60);
        else if (s < 86400 && s % 3600 / 60 == 0)
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "h", s / 3600);
        else if (s < 86400)
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "h %" PRIu64 "min", s / 3600, s % 3600 / 60);
        else if (s % 86400 / 3600 == 0)
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "d", s / 86400);
        else
                snprintf(buf, TIMESPAN_MAX, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s % 86400 / 3600);

        return buf;
}

/* Writes the local time of day, "HH:MM:SS". Returns buf. */
char *format_clock(char buf[static TIMESPAN_MAX], usec_t realtime) {
        time_t t = (time_t) (realtime / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(buf, TIMESPAN_MAX, "%H:%M:%S", &tm) == 0)
                snprintf(buf, TIMESPAN_MAX, "n/a");

        return buf;
}

/* Writes the local date and time of day, "2026-11-30 HH:MM:SS". Returns buf. */
char *format_date(char buf[static TIMESPAN_MAX], usec_t realtime) {
        time_t t = (time_t) (realtime / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(buf, TIMESPAN_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                snprintf(buf, TIMESPAN_MAX, "n/a");

        return buf;
}
