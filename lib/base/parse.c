/* SPDX-License-Identifier: Apache-2.0 */

#include "base/parse.h"

#include <strings.h>

/* A boolean in systemd's words (systemd.syntax(7)). 0, 1, or -EINVAL. */
int parse_boolean(const char *s) {
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
        static const char *const no[] = { "0", "no", "n", "false", "f", "off" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (strcasecmp(s, yes[i]) == 0)
                        return 1;
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (strcasecmp(s, no[i]) == 0)
                        return 0;
        return -EINVAL;
}

/* Decimal digits and nothing else. -EINVAL, or -ERANGE above 2^64 - 1. */
int parse_uint64(const char *s, uint64_t *ret) {
        uint64_t v = 0;

        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                unsigned d = (unsigned) (*s - '0');

                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (v > (UINT64_MAX - d) / 10)
                        return -ERANGE;
                v = v * 10 + d;
        }

        *ret = v;
        return 0;
}

/* As parse_uint64(), -ERANGE above max. */
int parse_unsigned(const char *s, unsigned max, unsigned *ret) {
        uint64_t v;
        int r;

        r = parse_uint64(s, &v);
        if (r < 0)
                return r;
        if (v > max)
                return -ERANGE;

        *ret = (unsigned) v;
        return 0;
}

static const struct {
        const char *unit;
        usec_t usec;
} units[] = {
        { "seconds", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "s", USEC_PER_SEC },
        { "minutes", USEC_PER_MINUTE },
        { "minute", USEC_PER_MINUTE },
        { "min", USEC_PER_MINUTE },
        { "months", (usec_t) 2629800 * USEC_PER_SEC },
        { "month", (usec_t) 2629800 * USEC_PER_SEC },
        { "M", (usec_t) 2629800 * USEC_PER_SEC },
        { "msec", USEC_PER_MSEC },
        { "ms", USEC_PER_MSEC },
        { "m", USEC_PER_MINUTE },
        { "hours", USEC_PER_HOUR },
        { "hour", USEC_PER_HOUR },
        { "hr", USEC_PER_HOUR },
        { "h", USEC_PER_HOUR },
        { "days", 24 * USEC_PER_HOUR },
        { "day", 24 * USEC_PER_HOUR },
        { "d", 24 * USEC_PER_HOUR },
        { "weeks", 7 * 24 * USEC_PER_HOUR },
        { "week", 7 * 24 * USEC_PER_HOUR },
        { "w", 7 * 24 * USEC_PER_HOUR },
        { "years", (usec_t) 31557600 * USEC_PER_SEC },
        { "year", (usec_t) 31557600 * USEC_PER_SEC },
        { "y", (usec_t) 31557600 * USEC_PER_SEC },
        { "usec", 1 },
        { "us", 1 },
        { "\xc2\xb5s", 1 },
        { "\xce\xbcs", 1 },
};

/* The unit that s begins with, as a whole word; seconds where s names none. */
static int take_unit(const char **s, usec_t *ret) {
        size_t n = strcspn(*s, " \t0123456789.");

        if (**s == '.')
                return -EINVAL;
        if (n == 0) {
                *ret = USEC_PER_SEC;
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].unit) == n && memcmp(units[i].unit, *s, n) == 0) {
                        *s += n;
                        *ret = units[i].usec;
                        return 0;
                }
        return -EINVAL;
}

/* Digits, and those behind a point as millionths. */
static int take_number(const char **s, uint64_t *ret_whole, uint64_t *ret_millionths) {
        uint64_t whole = 0, millionths = 0, scale = 100000;
        bool any = false;

        for (; **s >= '0' && **s <= '9'; (*s)++, any = true) {
                if (whole > UINT64_MAX / 20)
                        return -ERANGE;
                whole = whole * 10 + (uint64_t) (**s - '0');
        }
        if (**s == '.')
                for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, any = true) {
                        millionths += (uint64_t) (**s - '0') * scale;
                        scale /= 10;
                }
        if (!any)
                return -EINVAL;

        *ret_whole = whole;
        *ret_millionths = millionths;
        return 0;
}

/* A time span in systemd's syntax (systemd.time(7)): "90", "1min 30s", "2h", "500ms", "1.5h", "infinity". A
 * number without a unit is seconds. -EINVAL, -ERANGE. */
int parse_timespan(const char *s, usec_t *ret) {
        usec_t sum = 0;
        bool any = false;
        int r;

        s += strspn(s, " \t");
        if (strncmp(s, "infinity", 8) == 0 && s[8 + strspn(s + 8, " \t")] == '\0') {
                *ret = USEC_INFINITY;
                return 0;
        }

        for (;;) {
                uint64_t whole, millionths;
                usec_t unit, add, fraction;

                s += strspn(s, " \t");
                if (!*s)
                        break;
                r = take_number(&s, &whole, &millionths);
                if (r < 0)
                        return r;
                s += strspn(s, " \t");
                r = take_unit(&s, &unit);
                if (r < 0)
                        return r;
                /* millionths * unit / 1000000, whose product may not fit. */
                fraction = millionths * (unit / 1000000) + millionths * (unit % 1000000) / 1000000;
                if (__builtin_mul_overflow(whole, unit, &add) ||
                    __builtin_add_overflow(add, fraction, &add) || __builtin_add_overflow(sum, add, &sum) ||
                    sum == USEC_INFINITY)
                        return -ERANGE;
                any = true;
        }
        if (!any)
                return -EINVAL;

        *ret = sum;
        return 0;
}
