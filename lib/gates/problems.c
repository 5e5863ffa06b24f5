/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/problems.h"

#include "base/limits.h"
#include "base/string-util.h"

void problems_done(Problems *p) {
        strv_free(p->errors);
        strv_free(p->warnings);
        *p = PROBLEMS_NULL;
}

/* Adds one to the errors or to the warnings. Those over the ceiling are left out, and the last one says so.
 * -ENOMEM. */
int problems_add(char ***list, const char *format, ...) {
        size_t n = strv_length(*list);
        va_list ap;
        int r;

        if (n >= LIMIT_PROBLEMS)
                return 0;
        if (n == LIMIT_PROBLEMS - 1)
                return strv_extend(list, "there is more, which is not listed");
        va_start(ap, format);
        r = strv_extendv(list, format, ap);
        va_end(ap);
        return r;
}

/* Puts a line for each, clean, for a terminal: the errors first, and where there are none a line that says so. */
int problems_put(const Problems *p, Buffer *b) {
        int r = 0;

        STRV_FOREACH(e, p->errors)
                r = r < 0 ? r : buffer_printf(b, "error: %s\n", strip_control(*e));
        STRV_FOREACH(w, p->warnings)
                r = r < 0 ? r : buffer_printf(b, "warning: %s\n", strip_control(*w));
        if (r >= 0 && !p->errors)
                r = buffer_printf(b, "%zu gate%s, no errors%s\n", p->n_gates, p->n_gates == 1 ? "" : "s",
                                  p->warnings ? ", see the warnings" : "");
        return r;
}
