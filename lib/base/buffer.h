/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>

#include "base/macro.h"

/* Bytes that grow up to a ceiling given at the start. data is always followed by a NUL that size does not
 * count, once anything was put in. */
typedef struct Buffer {
        char *data;
        size_t size;
        size_t allocated;
        size_t limit;
} Buffer;

#define BUFFER_INIT(l) ((Buffer){ .limit = (l) })

void buffer_done(Buffer *b);
void buffer_clear(Buffer *b);
void buffer_truncate(Buffer *b, size_t size);
int buffer_reserve(Buffer *b, size_t more);
int buffer_put(Buffer *b, const void *data, size_t size);
int buffer_puts(Buffer *b, const char *s);
int buffer_putc(Buffer *b, char c);
int buffer_printf(Buffer *b, const char *format, ...) _printf_(2, 3);
int buffer_vprintf(Buffer *b, const char *format, va_list ap) _printf_(2, 0);
void buffer_consume(Buffer *b, size_t size);
char *buffer_steal(Buffer *b);

static inline const char *buffer_cstr(const Buffer *b) {
        return b->data ?: "";
}
