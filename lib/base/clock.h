/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Microseconds. The name of the variable, or its contract, says on which clock. */
typedef uint64_t usec_t;

#define USEC_INFINITY UINT64_MAX
#define USEC_PER_MSEC ((usec_t) 1000)
#define USEC_PER_SEC ((usec_t) 1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)

/* Both clocks that the rules run on, read at one moment. Ages and stamps are boottime; settle, hold, grace
 * and time-outs are monotonic, because an hour of suspend must neither open nor shut a gate. */
typedef struct Instant {
        usec_t boottime;
        usec_t monotonic;
} Instant;

usec_t now_boottime(void);
usec_t now_monotonic(void);
usec_t now_realtime(void);
Instant instant_now(void);

usec_t usec_add(usec_t a, usec_t b);
usec_t usec_sub(usec_t a, usec_t b);
usec_t usec_min(usec_t a, usec_t b);

#define TIMESPAN_MAX 32
char *format_timespan(char buf[static TIMESPAN_MAX], usec_t usec);
char *format_clock(char buf[static TIMESPAN_MAX], usec_t realtime);
char *format_date(char buf[static TIMESPAN_MAX], usec_t realtime);
