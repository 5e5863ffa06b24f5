/* SPDX-License-Identifier: Apache-2.0 */

#include "table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>

#include "base/string-util.h"

/* A cell that is cut keeps at least so many columns of its front; then its end is cut, too. */
#define FRONT_MIN 4
#define SEPARATOR "  "

/* Prepares a table without rows for out, which keeps the first error of the table. columns ends with a NULL name;
 * both must outlive the table. The caller calls table_done() in the end. libsmartcols returns EINVAL and ENOMEM as we
 * do. */
void table_init(Table *t, Output *out, const Column *columns, bool headings) {
        *t = (Table){ .out = out, .columns = columns, .table = scols_new_table() };
        if (!t->table) {
                out_fail(out, -ENOMEM);
                return;
        }
        scols_table_enable_noheadings(t->table, !headings);
        scols_table_enable_colors(t->table, out->colours);
        scols_table_enable_ascii(t->table, !out->utf8);
        (void) scols_table_set_column_separator(t->table, SEPARATOR);
        if (out->columns > 0) {
                scols_table_set_termforce(t->table, SCOLS_TERMFORCE_ALWAYS);
                scols_table_set_termwidth(t->table, out->columns);
        } else
                scols_table_set_termforce(t->table, SCOLS_TERMFORCE_NEVER);
        for (; columns->name; columns++) {
                int flags = (columns->right ? SCOLS_FL_RIGHT : 0) | (columns->cut ? SCOLS_FL_TRUNC : 0);

                /* Before 2.41 libsmartcols makes room for a heading that is not shown. */
                if (!scols_table_new_column(t->table, headings ? columns->name : "", columns->cut ? 0.5 : 1,
                                            flags))
                        out_fail(out, -ENOMEM);
        }
}

void table_done(Table *t) {
        scols_unref_table(t->table);
        *t = (Table){};
}

/* Begins a row; cells that are not set stay empty. */
void table_row(Table *t) {
        if (t->out->error < 0)
                return;
        t->line = scols_table_new_line(t->table, NULL);
        if (!t->line)
                out_fail(t->out, -ENOMEM);
}

/* Sets a cell of the row begun last to s, cleaned; NULL leaves the cell empty. */
void table_cell(Table *t, unsigned column, const char *s, Style style) {
        _cleanup_free_ char *clean = clean_text(s);

        if (t->out->error < 0 || !s)
                return;
        assert(t->line);
        if (!clean) {
                out_fail(t->out, -ENOMEM);
                return;
        }
        out_fail(t->out, scols_line_set_data(t->line, column, clean));
        if (t->out->colours && style != STYLE_NONE)
                out_fail(t->out,
                         scols_cell_set_color(scols_line_get_cell(t->line, column), style_sequence(style)));
}

/* As table_cell(), with a format. */
void table_cellf(Table *t, unsigned column, Style style, const char *format, ...) {
        _cleanup_free_ char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        if (n < 0)
                out_fail(t->out, -ENOMEM);
        else
                table_cell(t, column, s, style);
}

/* Cuts the text to fit, with dots for what is left out. Text after the last colon is a reason and stays: "Pod
 * openshift-dns/dns-de…: ImagePullBackOff". */
static int shorten_cell(struct libscols_cell *cell, const Output *out, size_t room) {
        const char *s = strempty(scols_cell_get_data(cell)), *dots = out_symbol(out, "…", "..."), *end = "";
        _cleanup_free_ char *shorter = NULL;
        size_t n = text_width(dots);
        int r;

        if (text_width(s) <= room)
                return 0;
        for (const char *p = s; (p = strstr(p, ": ")); p++)
                end = p;
        if (text_width(end) + n + FRONT_MIN > room)
                end = "";
        n = room - MIN(room, n + text_width(end));
        r = asprintf_ret(&shorter, "%.*s%s%s", (int) text_cut(s, n), s, dots, end);
        return r < 0 ? r : scols_cell_set_data(cell, shorter);
}

static size_t column_width(const Table *t, size_t column, struct libscols_iter *i) {
        size_t width = scols_table_is_noheadings(t->table) ? 0 : text_width(t->columns[column].name);
        struct libscols_line *line;

        scols_reset_iter(i, SCOLS_ITER_FORWARD);
        while (scols_table_next_line(t->table, i, &line) == 0)
                width = MAX(width,
                            text_width(strempty(scols_cell_get_data(scols_line_get_cell(line, column)))));
        return width;
}

static int shorten_column(const Table *t, size_t column, size_t room, struct libscols_iter *i) {
        struct libscols_line *line;
        int r;

        r = shorten_cell(scols_column_get_header(scols_table_get_column(t->table, column)), t->out, room);
        scols_reset_iter(i, SCOLS_ITER_FORWARD);
        while (r >= 0 && scols_table_next_line(t->table, i, &line) == 0)
                r = shorten_cell(scols_line_get_cell(line, column), t->out, room);
        return r;
}

/* Shortens the cells of the column marked `cut` to the room that the others leave, if they leave any. */
static int cut_column(const Table *t) {
        struct libscols_iter *iter = scols_new_iter(SCOLS_ITER_FORWARD);
        size_t others = 0, cut = SIZE_MAX;
        int r = 0;

        if (!iter)
                return -ENOMEM;
        for (size_t i = 0; t->columns[i].name; i++) {
                if (t->columns[i].cut)
                        cut = i;
                else
                        others += column_width(t, i, iter) + strlen(SEPARATOR);
        }
        if (cut != SIZE_MAX && others + FRONT_MIN <= t->out->columns)
                r = shorten_column(t, cut, t->out->columns - others, iter);
        scols_free_iter(iter);
        return r;
}

/* Cuts the blanks with which libsmartcols fills the last column. */
static void put_trimmed(Output *out, const char *text) {
        while (*text) {
                const char *end = strchrnul(text, '\n');
                size_t n = (size_t) (end - text);

                while (n > 0 && text[n - 1] == ' ')
                        n--;
                out_printf(out, "%.*s\n", (int) n, text);
                text = *end ? end + 1 : end;
        }
}

/* Whether each line fits, not counting colours. */
static bool text_fits(const Output *out, const char *text) {
        size_t width = 0, n, w;

        for (const char *p = text; *p; p += n) {
                n = text_step(p, &w);
                width = *p == '\n' ? 0 : width + w;
                if (width > out->columns)
                        return false;
        }
        return true;
}

/* Puts the table. On a terminal it cuts the column marked `cut`; where that is not enough, the terminal wraps the
 * lines, and cells are left whole. */
void table_print(Table *t) {
        _cleanup_free_ char *text = NULL;
        Output *out = t->out;

        if (out->error < 0)
                return;
        if (out->columns > 0)
                out_fail(out, cut_column(t));
        out_fail(out, scols_print_table_to_string(t->table, &text));
        if (text && out->columns > 0 && !text_fits(out, text)) {
                text = mfree(text);
                scols_table_set_termforce(t->table, SCOLS_TERMFORCE_NEVER);
                out_fail(out, scols_print_table_to_string(t->table, &text));
        }
        if (text)
                put_trimmed(out, text);
}
