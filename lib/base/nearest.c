/* SPDX-License-Identifier: Apache-2.0 */

#include "base/nearest.h"

#include <strings.h>

#include "base/strv.h"

/* Longer texts are no name with a typing error in it. */
#define TEXT_MAX 63

static unsigned char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (unsigned char) (c - 'A' + 'a') : (unsigned char) c;
}

/* How many typing errors lead from a to b: a character too many, one too few, a wrong one, or two that have changed
 * places. Upper and lower case are the same. */
static size_t count_errors(const char *a, const char *b) {
        size_t rows[3][TEXT_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
        size_t n = strlen(b);

        for (size_t j = 0; j <= n; j++)
                last[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t *oldest = before;

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        bool same = lower(a[i - 1]) == lower(b[j - 1]);

                        row[j] = MIN(MIN(last[j], row[j - 1]) + 1, last[j - 1] + !same);
                        if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                            lower(a[i - 2]) == lower(b[j - 1]))
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }
                before = last;
                last = row;
                row = oldest;
        }
        return last[n];
}

/* The name that text was meant to be: the one with the fewest typing errors, of those with as few the first. A third
 * of the text may be wrong, and a name may be cut off after three characters. NULL where no name is near. Text that is
 * one of the names is that name. The result belongs to names. */
const char *nearest_name(const char *text, char *const *names) {
        size_t length = strlen(text), fewest = length < 3 ? 1 : length / 3;
        const char *nearest = NULL;

        if (length == 0 || length > TEXT_MAX)
                return NULL;
        STRV_FOREACH(name, names) {
                size_t errors;

                if (strlen(*name) > TEXT_MAX)
                        continue;
                errors = count_errors(text, *name);
                if (length >= 3 && strncasecmp(*name, text, length) == 0)
                        errors = MIN(errors, (size_t) 1);
                if (errors < fewest || (errors == fewest && !nearest)) {
                        nearest = *name;
                        fewest = errors;
                }
        }
        return nearest;
}
