/* SPDX-License-Identifier: Apache-2.0 */

/* Our own files are lines, one JSON value each. They are read as if anything could be in them: after a power
 * cut the last line may be half a line, or a page of NULs. */

#include "history/lines.h"

/* Appends what was built, which is freed, and a line end. -E2BIG over the buffer's ceiling, -ENOMEM; nothing is
 * appended then. */
int lines_put(JsonBuilder *b, Buffer *out) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        size_t before = out->size;
        int r;

        r = jb_finish(b, &v) ?: jv_print(v, false, out) ?: buffer_putc(out, '\n');
        if (r < 0)
                buffer_truncate(out, before);
        return r;
}

/* Takes the first line that is not empty off the text. Returns 1 and its value, which is the caller's; 0 at
 * the end; -EBADMSG if the line is not JSON (it is taken off all the same); -ENOMEM. */
int lines_next(const char **text, size_t *size, JsonValue **ret) {
        while (*size > 0) {
                const char *line = *text, *end = memchr(line, '\n', *size);
                size_t n = end ? (size_t) (end - line) : *size, taken = n + (end ? 1 : 0);
                int r;

                *text += taken;
                *size -= taken;
                if (n == 0)
                        continue;
                r = jv_parse(line, n, ret);
                if (r < 0)
                        return r == -ENOMEM ? r : -EBADMSG;
                return 1;
        }
        return 0;
}
