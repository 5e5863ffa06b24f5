/* SPDX-License-Identifier: Apache-2.0 */

#include "base/buffer.h"

#include <stdio.h>

/* Frees the bytes; the buffer is empty and usable again, with the same ceiling. */
void buffer_done(Buffer *b) {
        b->data = mfree(b->data);
        b->size = b->allocated = 0;
}

/* Drops what is behind the first size bytes, and keeps its memory. */
void buffer_truncate(Buffer *b, size_t size) {
        assert(size <= b->size);

        b->size = size;
        if (b->data)
                b->data[size] = '\0';
}

/* Empties the buffer and keeps its memory. */
void buffer_clear(Buffer *b) {
        buffer_truncate(b, 0);
}

/* Makes room for more bytes. -E2BIG over the ceiling, -ENOMEM; the content stays as it was. */
int buffer_reserve(Buffer *b, size_t more) {
        size_t need, want;
        char *p;

        if (more > b->limit || b->size > b->limit - more)
                return -E2BIG;

        need = b->size + more + 1;
        if (need <= b->allocated)
                return 0;

        want = MAX(need, (size_t) 64);
        if (b->allocated < SIZE_MAX / 2)
                want = MAX(want, b->allocated + b->allocated / 2);
        want = MIN(want, b->limit + 1);

        p = realloc(b->data, want);
        if (!p)
                return -ENOMEM;

        b->data = p;
        b->allocated = want;
        return 0;
}

/* Appends size bytes. Errors as buffer_reserve(). */
int buffer_put(Buffer *b, const void *data, size_t size) {
        int r;

        r = buffer_reserve(b, size);
        if (r < 0)
                return r;

        if (size > 0)
                memcpy(b->data + b->size, data, size);
        b->size += size;
        b->data[b->size] = '\0';
        return 0;
}

int buffer_puts(Buffer *b, const char *s) {
        return buffer_put(b, s, strlen(s));
}

int buffer_putc(Buffer *b, char c) {
        return buffer_put(b, &c, 1);
}

int buffer_vprintf(Buffer *b, const char *format, va_list ap) {
        va_list copy;
        int n, r;

        va_copy(copy, ap);
        n = vsnprintf(NULL, 0, format, copy);
        va_end(copy);
        if (n < 0)
                return -EINVAL;

        r = buffer_reserve(b, (size_t) n);
        if (r < 0)
                return r;

        vsnprintf(b->data + b->size, (size_t) n + 1, format, ap);
        b->size += (size_t) n;
        return 0;
}

/* Appends formatted text, whole or not at all. */
int buffer_printf(Buffer *b, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = buffer_vprintf(b, format, ap);
        va_end(ap);
        return r;
}

/* Drops the first size bytes. */
void buffer_consume(Buffer *b, size_t size) {
        assert(size <= b->size);

        if (size == 0)
                return;
        b->size -= size;
        memmove(b->data, b->data + size, b->size);
        b->data[b->size] = '\0';
}

/* Returns the bytes with a NUL behind them, which the caller frees; NULL only when memory runs out. The
 * buffer is empty afterwards. */
char *buffer_steal(Buffer *b) {
        char *p;

        if (!b->data && buffer_put(b, "", 0) < 0)
                return NULL;

        p = TAKE_PTR(b->data);
        b->size = b->allocated = 0;
        return p;
}
