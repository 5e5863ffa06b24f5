/* SPDX-License-Identifier: Apache-2.0 */

#include "table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>

#include "base/string-util.h"

/* A cell that is cut keeps at least so many columns of its front; then its end is cut, too. */
#define FRONT_MIN 4
#define SEPARATOR "  "

struct Table {
        struct libscols_table *table;
        struct libscols_line *line;
        const Column *columns;
        bool headings;
        bool colours;
};

/* libsmartcols returns EINVAL and ENOMEM as we do. Before 2.41 it makes room for a heading that is not shown. */
static int add_column(Table *t, const Column *column, bool heading) {
        struct libscols_column *c;
        int flags = (column->right ? SCOLS_FL_RIGHT : 0) | (column->cut ? SCOLS_FL_TRUNC : 0);

        c = scols_table_new_column(t->table, heading ? column->name : "", column->cut ? 0.5 : 1, flags);
        return c ? 0 : -ENOMEM;
}

/* Makes a table without rows. columns ends with a NULL name and must outlive the table. -ENOMEM. */
int table_new(const Output *out, const Column *columns, bool headings, Table **ret) {
        _cleanup_(table_freep) Table *t = NULL;
        int r;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->columns = columns;
        t->headings = headings;
        t->colours = out->colours;
        t->table = scols_new_table();
        if (!t->table)
                return -ENOMEM;

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
                r = add_column(t, columns, headings);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(t);
        return 0;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;

        scols_unref_table(t->table);
        return mfree(t);
}

/* Begins a row; cells that are not set stay empty. -ENOMEM. */
int table_row(Table *t) {
        t->line = scols_table_new_line(t->table, NULL);
        return t->line ? 0 : -ENOMEM;
}

/* Sets a cell of the row begun last to s, cleaned; NULL leaves the cell empty. -ENOMEM. */
int table_cell(Table *t, unsigned column, const char *s, Style style) {
        _cleanup_free_ char *clean = clean_text(s);
        int r;

        assert(t->line);

        if (!clean)
                return s ? -ENOMEM : 0;
        r = scols_line_set_data(t->line, column, clean);
        if (r >= 0 && t->colours && style != STYLE_NONE)
                r = scols_cell_set_color(scols_line_get_cell(t->line, column), style_sequence(style));
        return r;
}

/* As table_cell(), with a format. */
int table_cellf(Table *t, unsigned column, Style style, const char *format, ...) {
        _cleanup_free_ char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        return n < 0 ? -ENOMEM : table_cell(t, column, s, style);
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
        size_t width = t->headings ? text_width(t->columns[column].name) : 0;
        struct libscols_line *line;

        scols_reset_iter(i, SCOLS_ITER_FORWARD);
        while (scols_table_next_line(t->table, i, &line) == 0)
                width = MAX(width,
                            text_width(strempty(scols_cell_get_data(scols_line_get_cell(line, column)))));
        return width;
}

static int shorten_column(Table *t, const Output *out, size_t column, size_t room, struct libscols_iter *i) {
        struct libscols_line *line;
        int r;

        r = shorten_cell(scols_column_get_header(scols_table_get_column(t->table, column)), out, room);
        scols_reset_iter(i, SCOLS_ITER_FORWARD);
        while (r >= 0 && scols_table_next_line(t->table, i, &line) == 0)
                r = shorten_cell(scols_line_get_cell(line, column), out, room);
        return r;
}

/* Shortens the cells of the column marked `cut` to the room that the others leave, if they leave any. */
static int cut_column(Table *t, const Output *out) {
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
        if (cut != SIZE_MAX && others + FRONT_MIN <= out->columns)
                r = shorten_column(t, out, cut, out->columns - others, iter);
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

/* Whether each line fits, not counting colours. For lack of memory it says yes. */
static bool text_fits(const Output *out, const char *text) {
        _cleanup_free_ char *line = malloc(strlen(text) + 1);
        size_t n = 0;

        for (const char *p = text; line; p++) {
                if (*p == '\033')
                        p = strchrnul(p, 'm');
                else if (*p && *p != '\n')
                        line[n++] = *p;
                else {
                        line[n] = '\0';
                        if (text_width(line) > out->columns)
                                return false;
                        n = 0;
                }
                if (!*p)
                        break;
        }
        return true;
}

/* Puts the table. On a terminal it cuts the column marked `cut`; where that is not enough, the terminal wraps the
 * lines, and cells are left whole. -ENOMEM, -EINVAL. */
int table_print(Table *t, Output *out) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = out->columns > 0 ? cut_column(t, out) : 0;
        if (r >= 0)
                r = scols_print_table_to_string(t->table, &text);
        if (r < 0)
                return r;
        if (text && out->columns > 0 && !text_fits(out, text)) {
                text = mfree(text);
                scols_table_set_termforce(t->table, SCOLS_TERMFORCE_NEVER);
                r = scols_print_table_to_string(t->table, &text);
                if (r < 0)
                        return r;
        }
        if (text)
                put_trimmed(out, text);
        return 0;
}
