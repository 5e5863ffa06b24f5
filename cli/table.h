/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "output.h"

/* A table for an Output, by libsmartcols. */

#define TABLE_COLUMNS_MAX 16

/* How a column gives way where the terminal is too narrow. */
typedef struct Column {
        const char *name;
        bool right;
        bool narrower; /* is the narrower form of the column before it: shown where that one is hidden */
        unsigned hide; /* its place, from 1, in the order in which columns are hidden; 0: it never is */
        unsigned keep; /* others are hidden until it has this width, then it is cut; 0: it never is */
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
