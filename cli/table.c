/* SPDX-License-Identifier: Apache-2.0 */

#include "table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>

#include "base/string-util.h"

struct Table {
        struct libscols_table *table;
        struct libscols_line *line;
        bool colours;
};

/* libsmartcols says EINVAL and ENOMEM as we do, and before 2.41 has a heading take room that is not shown. */
static int add_column(Table *t, const Column *column, bool heading) {
        struct libscols_column *c;
        int flags = (column->right ? SCOLS_FL_RIGHT : 0) | (column->cut ? SCOLS_FL_TRUNC : 0);

        c = scols_table_new_column(t->table, heading ? column->name : "", column->cut ? 0.5 : 1, flags);
        return c ? 0 : -ENOMEM;
}

/* A table without rows. columns ends with a NULL name. */
int table_new(const Output *out, const Column *columns, bool headings, Table **ret) {
        _cleanup_(table_freep) Table *t = NULL;
        int r;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->colours = out->colours;
        t->table = scols_new_table();
        if (!t->table)
                return -ENOMEM;

        scols_table_enable_noheadings(t->table, !headings);
        scols_table_enable_colors(t->table, out->colours);
        scols_table_enable_ascii(t->table, !out->utf8);
        (void) scols_table_set_column_separator(t->table, "  ");
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

/* Begins a row; cells that are not set are empty. */
int table_row(Table *t) {
        t->line = scols_table_new_line(t->table, NULL);
        return t->line ? 0 : -ENOMEM;
}

/* Sets a cell of the row. s is cleaned of what a terminal obeys; NULL leaves the cell empty. */
int table_cell(Table *t, unsigned column, const char *s, Style style) {
        _cleanup_free_ char *clean = clean_text(s);
        int r;

        if (!clean)
                return s ? -ENOMEM : 0;
        r = scols_line_set_data(t->line, column, clean);
        if (r >= 0 && t->colours && style != STYLE_NONE)
                r = scols_cell_set_color(scols_line_get_cell(t->line, column), style_sequence(style));
        return r;
}

int table_cellf(Table *t, unsigned column, Style style, const char *format, ...) {
        _cleanup_free_ char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        return n < 0 ? -ENOMEM : table_cell(t, column, s, style);
}

/* Cuts the blanks that libsmartcols fills the last column with. */
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

/* Whether each line does, its colours not counted. Lacking memory: as if. */
static bool fits(const Output *out, const char *text) {
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

/* Cuts what has to give way. Where the terminal is too narrow for that to help, it wraps the lines anyway, and then
 * they had better be whole. */
int table_print(Table *t, Output *out) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = scols_print_table_to_string(t->table, &text);
        if (r < 0)
                return r;
        if (text && out->columns > 0 && !fits(out, text)) {
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
