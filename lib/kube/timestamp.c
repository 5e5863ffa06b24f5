/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 3339 as the API server writes it: 2026-08-01T12:00:00Z, 2026-08-01T12:00:00.123456Z. The C library's
 * own functions depend on the locale or the time zone. */

#include "kube/object.h"

static bool read_digits(const char **s, unsigned n, unsigned *ret) {
        unsigned value = 0;

        for (unsigned i = 0; i < n; i++) {
                unsigned char c = (unsigned char) (*s)[i];

                if (c < '0' || c > '9')
                        return false;
                value = value * 10 + (c - '0');
        }

        *s += n;
        *ret = value;
        return true;
}

static bool read_literal(const char **s, char c) {
        if (**s != c)
                return false;
        (*s)++;
        return true;
}

static unsigned days_in_month(unsigned year, unsigned month) {
        static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar. */
static int64_t days_since_epoch(unsigned year, unsigned month, unsigned day) {
        /* Years that begin in March put the leap day at their end. */
        int64_t y = (int64_t) year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
        int64_t of_era = y - era * 400;
        int64_t of_year = (153 * (int64_t) (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* A fraction of a second in microseconds; what is finer is cut off. False where there is no digit. */
static bool read_fraction(const char **s, usec_t *ret) {
        usec_t usec = 0, weight = USEC_PER_SEC / 10;
        const char *begin = *s;

        for (; **s >= '0' && **s <= '9'; (*s)++) {
                usec += (usec_t) (**s - '0') * weight;
                weight /= 10;
        }

        *ret = usec;
        return *s > begin;
}

/* Z, or +HH:MM, which is subtracted to get UTC. */
static bool read_offset(const char **s, int64_t *ret) {
        unsigned hours, minutes;
        bool negative;

        if (read_literal(s, 'Z') || read_literal(s, 'z')) {
                *ret = 0;
                return true;
        }
        if (**s != '+' && **s != '-')
                return false;
        negative = *(*s)++ == '-';
        if (!read_digits(s, 2, &hours) || !read_literal(s, ':') || !read_digits(s, 2, &minutes) ||
            hours > 23 || minutes > 59)
                return false;

        *ret = (int64_t) (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
        return true;
}

/* The realtime clock at that moment. 0 for NULL, for a text that is not RFC 3339, and for times before 1970. */
usec_t kube_timestamp(const char *s) {
        unsigned year, month, day, hour, minute, second;
        int64_t east, seconds;
        usec_t usec = 0;

        if (!s || !read_digits(&s, 4, &year) || !read_literal(&s, '-') || !read_digits(&s, 2, &month) ||
            !read_literal(&s, '-') || !read_digits(&s, 2, &day))
                return 0;
        if (!read_literal(&s, 'T') && !read_literal(&s, 't') && !read_literal(&s, ' '))
                return 0;
        if (!read_digits(&s, 2, &hour) || !read_literal(&s, ':') || !read_digits(&s, 2, &minute) ||
            !read_literal(&s, ':') || !read_digits(&s, 2, &second))
                return 0;
        if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
            minute > 59 || second > 60)
                return 0;
        if (read_literal(&s, '.') && !read_fraction(&s, &usec))
                return 0;
        if (!read_offset(&s, &east) || *s != '\0')
                return 0;

        seconds = days_since_epoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - east;
        return seconds < 0 ? 0 : (usec_t) seconds * USEC_PER_SEC + usec;
}
