/* SPDX-License-Identifier: Apache-2.0 */

#include "live.h"

#include "base/file.h"
#include "base/limits.h"

/* Each time the whole block is written again in one write, with the cursor moved up over the old one. A line is cut
 * to the width of the terminal, with dots at its end, so that it does not wrap. A terminal that has become narrower
 * has wrapped the old lines itself, so the number of rows to clear is computed from their widths. */

/* Prepares for showing lines at the bottom of the terminal at fd. */
void live_init(Live *live, int fd) {
        *live = (Live){ .fd = fd };
        out_init(&live->out, fd, false);
}

void live_done(Live *live) {
        out_done(&live->out);
        live->widths = mfree(live->widths);
        live->shown = 0;
}

static int put_clear(const Live *live, Buffer *b) {
        unsigned columns = MAX(live->out.columns, 1u), rows = 0;

        for (size_t i = 0; i < live->shown; i++)
                rows += MAX((live->widths[i] + columns - 1) / columns, 1u);
        if (rows == 0)
                return 0;
        return buffer_printf(b, "\033[%uA\r\033[J", rows);
}

/* How many bytes of a line fit, not counting escape sequences, and in *ret_width the width of these. */
static size_t cut_line(const char *line, size_t size, unsigned columns, unsigned *ret_width) {
        size_t at = 0, width = 0, n, w;

        for (; at < size; at += n) {
                n = text_step(line + at, &w);
                if (width + w > columns)
                        break;
                width += w;
        }
        *ret_width = (unsigned) width;
        return at;
}

static int put_line(const Live *live, Buffer *b, const char *line, size_t size, unsigned *ret_width) {
        const char *dots = out_symbol(&live->out, "…", "...");
        unsigned columns = live->out.columns, n = (unsigned) text_width(dots);
        size_t fits = cut_line(line, size, columns, ret_width);

        if (fits == size)
                dots = "";
        else {
                fits = cut_line(line, size, columns - MIN(columns, n), ret_width);
                *ret_width += n;
        }
        return buffer_printf(b, "%.*s%s%s\n", (int) fits, line, dots,
                             live->out.colours ? style_sequence(STYLE_NONE) : "");
}

static int put_lines(Live *live, Buffer *b, unsigned **ret_widths, size_t *ret_n) {
        _cleanup_free_ unsigned *widths = NULL;
        const char *p = buffer_cstr(&live->out.text);
        size_t n = 0;
        int r;

        widths = calloc(MAX(live->out.rows, 1u), sizeof(*widths));
        if (!widths)
                return -ENOMEM;
        while (*p && n + 1 < live->out.rows) {
                const char *end = strchrnul(p, '\n');

                r = put_line(live, b, p, (size_t) (end - p), &widths[n]);
                if (r < 0)
                        return r;
                n++;
                p = *end ? end + 1 : end;
        }

        *ret_widths = TAKE_PTR(widths);
        *ret_n = n;
        return 0;
}

/* Shows what is in live->out in the place of what was shown before, and empties it. Returns the first error since the
 * last call, -ENOMEM, or the error of write(). */
int live_show(Live *live) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(MIB(1));
        unsigned *widths = NULL;
        size_t n = 0;
        int r = live->out.error;

        out_measure(&live->out, live->fd);
        if (r >= 0)
                r = put_clear(live, &b);
        if (r >= 0)
                r = put_lines(live, &b, &widths, &n);
        buffer_clear(&live->out.text);
        live->out.error = 0;
        if (r < 0)
                return r;
        free(live->widths);
        live->widths = widths;
        live->shown = n;
        return fd_write_all(live->fd, b.data, b.size);
}

/* Removes the lines. What is printed next stands in their place. */
int live_clear(Live *live) {
        buffer_clear(&live->out.text);
        return live_show(live);
}

/* After other programs wrote to the terminal, as the shell does while we are stopped: what was shown stays, and the
 * next block goes below. */
void live_forget(Live *live) {
        live->shown = 0;
}
