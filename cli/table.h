/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "output.h"

/* A table for an Output, by libsmartcols. */

typedef struct Table Table;

typedef struct Column {
        const char *name;
        bool right;
        bool cut; /* cut where the terminal is too narrow */
} Column;

int table_new(const Output *out, const Column *columns, bool headings, Table **ret);
Table *table_free(Table *table);
DEFINE_CLEANUP(Table, table_free)
int table_row(Table *table);
int table_cell(Table *table, unsigned column, const char *s, Style style);
int table_cellf(Table *table, unsigned column, Style style, const char *format, ...) _printf_(4, 5);
int table_print(Table *table, Output *out);
