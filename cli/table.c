/* SPDX-License-Identifier: Apache-2.0 */

#include "table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>

#include "base/string-util.h"

/* On a terminal, a table is made to fit in one way. While it is too wide, columns are hidden in the order that they
 * themselves state, each by its narrower form where it has one. Then what may be cut is cut, first to what it keeps,
 * in the end the widest. Elsewhere all is shown. */

/* A cell that is cut keeps so many columns of what stands before its reason, or only the reason. */
#define FRONT_MIN 8
/* No cell is cut to less: on a terminal that is narrower still the rows wrap, and the cells are whole. */
#define CELL_MIN 8
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
        scols_table_set_termforce(t->table, SCOLS_TERMFORCE_NEVER);
        for (size_t i = 0; columns[i].name; i++) {
                int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
                            (columns[i].narrower ? SCOLS_FL_HIDDEN : 0);

                assert(i < TABLE_COLUMNS_MAX);
                /* Before 2.41 libsmartcols makes room for a heading that is not shown. */
                if (!scols_table_new_column(t->table, headings ? columns[i].name : "", 1, flags))
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

/* Sets a cell of the row begun last to s, cleaned, and with it those of the column's narrower forms, which may be set
 * to something else after it. NULL leaves them as they are. */
void table_cell(Table *t, unsigned column, const char *s, Style style) {
        _cleanup_free_ char *clean = clean_text(s);

        if (t->out->error < 0 || !s)
                return;
        assert(t->line);
        if (!clean) {
                out_fail(t->out, -ENOMEM);
                return;
        }
        do {
                out_fail(t->out, scols_line_set_data(t->line, column, clean));
                if (t->out->colours && style != STYLE_NONE)
                        out_fail(t->out, scols_cell_set_color(scols_line_get_cell(t->line, column),
                                                              style_sequence(style)));
        } while (t->columns[++column].narrower);
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

/* Cuts the text to fit, with dots for what is left out. Text after the last colon is a reason, which matters most:
 * "Pod dns-de…: ImagePullBackOff", or "ImagePullBackOff". */
static int shorten_cell(struct libscols_cell *cell, const Output *out, size_t room) {
        const char *s = strempty(scols_cell_get_data(cell)), *dots = out_symbol(out, "…", "..."), *end = "";
        _cleanup_free_ char *shorter = NULL;
        size_t n = text_width(dots);
        int r;

        if (text_width(s) <= room)
                return 0;
        for (const char *p = s; (p = strstr(p, ": ")); p++)
                end = p;
        if (FRONT_MIN + n + text_width(end) > room) {
                if (*end && text_width(end + 2) <= room) {
                        s = end + 2;
                        dots = "";
                }
                end = "";
        }
        n = room - MIN(room, text_width(dots) + text_width(end));
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

/* How wide each column is, and is to be; which of them have given way to the terminal. */
typedef struct Layout {
        size_t widths[TABLE_COLUMNS_MAX];
        bool hidden[TABLE_COLUMNS_MAX];
} Layout;

static bool is_shown(const Table *t, const Layout *l, size_t i) {
        return !l->hidden[i] && (!t->columns[i].narrower || l->hidden[i - 1]);
}

/* The width of a row; with `kept` that of one whose cells are cut to what they keep. */
static size_t row_width(const Table *t, const Layout *l, bool kept) {
        size_t width = 0;

        for (size_t i = 0; t->columns[i].name; i++) {
                size_t most = kept && t->columns[i].keep > 0 ? t->columns[i].keep : SIZE_MAX;

                if (is_shown(t, l, i))
                        width += (width > 0 ? strlen(SEPARATOR) : 0) + MIN(l->widths[i], most);
        }
        return width;
}

/* The column with this place in the order, or SIZE_MAX. */
static size_t find_by_place(const Table *t, unsigned place) {
        for (size_t i = 0; t->columns[i].name; i++)
                if (t->columns[i].hide == place)
                        return i;
        return SIZE_MAX;
}

/* Hides columns until the others fit. Those that there is room for after all, because a wide one has gone, come back,
 * the most important first. */
static void hide_columns(const Table *t, Layout *l) {
        unsigned place = 0;
        size_t i;

        while (row_width(t, l, true) > t->out->columns && (i = find_by_place(t, place + 1)) != SIZE_MAX) {
                l->hidden[i] = true;
                place++;
        }
        for (; place > 0; place--) {
                i = find_by_place(t, place);
                l->hidden[i] = false;
                l->hidden[i] = row_width(t, l, true) > t->out->columns;
        }
}

/* Makes a column one narrower: the one that is furthest above what it keeps; where none is, the widest. Returns
 * whether there is one. */
static bool narrow_next(const Table *t, Layout *l) {
        size_t next = SIZE_MAX, weight = 0;

        for (size_t i = 0; t->columns[i].name; i++) {
                size_t width = l->widths[i], keep = t->columns[i].keep, w = width;

                if (keep == 0 || width <= CELL_MIN || !is_shown(t, l, i))
                        continue;
                if (width > keep)
                        w = SIZE_MAX / 2 + (width - keep);
                if (w >= weight) {
                        next = i;
                        weight = w;
                }
        }
        if (next == SIZE_MAX)
                return false;
        l->widths[next]--;
        return true;
}

static int fit_to_terminal(const Table *t) {
        struct libscols_iter *iter = scols_new_iter(SCOLS_ITER_FORWARD);
        Layout l = {};
        int r = 0;

        if (!iter)
                return -ENOMEM;
        for (size_t i = 0; t->columns[i].name; i++)
                l.widths[i] = column_width(t, i, iter);
        hide_columns(t, &l);
        for (size_t i = 0; t->columns[i].name; i++) {
                struct libscols_column *column = scols_table_get_column(t->table, i);
                int flags = scols_column_get_flags(column) & ~SCOLS_FL_HIDDEN;

                scols_column_set_flags(column, flags | (is_shown(t, &l, i) ? 0 : SCOLS_FL_HIDDEN));
        }
        while (row_width(t, &l, false) > t->out->columns && narrow_next(t, &l))
                ;
        if (row_width(t, &l, false) <= t->out->columns)
                for (size_t i = 0; r >= 0 && t->columns[i].name; i++)
                        if (is_shown(t, &l, i))
                                r = shorten_column(t, i, l.widths[i], iter);
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

/* Puts the table, on a terminal as wide as that is. */
void table_print(Table *t) {
        _cleanup_free_ char *text = NULL;
        Output *out = t->out;

        if (out->columns > 0 && out->error >= 0)
                out_fail(out, fit_to_terminal(t));
        if (out->error < 0)
                return;
        out_fail(out, scols_print_table_to_string(t->table, &text));
        if (text)
                put_trimmed(out, text);
}
