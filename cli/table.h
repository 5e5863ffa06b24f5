/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "output.h"

/* A table for an Output, by libsmartcols. */

typedef struct Column {
        const char *name;
        bool right;
        bool cut; /* cut where the terminal is too narrow */
} Column;

typedef struct Table {
        Output *out;
        const Column *columns; /* ends with a NULL name */
        struct libscols_table *table;
        struct libscols_line *line; /* the row begun last */
} Table;

void table_init(Table *t, Output *out, const Column *columns, bool headings);
void table_done(Table *t);
void table_row(Table *t);
void table_cell(Table *t, unsigned column, const char *s, Style style);
void table_cellf(Table *t, unsigned column, Style style, const char *format, ...) _printf_(4, 5);
void table_print(Table *t);
