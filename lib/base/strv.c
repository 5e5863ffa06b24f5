/* SPDX-License-Identifier: Apache-2.0 */

#include "base/strv.h"

#include <stdio.h>

char **strv_free(char **l) {
        STRV_FOREACH(s, l)
                free(*s);
        free(l);
        return NULL;
}

/* An empty array that is not NULL; NULL where memory is lacking. */
char **strv_new_empty(void) {
        return calloc(1, sizeof(char *));
}

size_t strv_length(char *const *l) {
        size_t n = 0;

        STRV_FOREACH(s, l)
                n++;
        return n;
}

bool strv_contains(char *const *l, const char *s) {
        STRV_FOREACH(i, l)
                if (streq(*i, s))
                        return true;
        return false;
}

/* Appends s and takes ownership of it: it is freed on failure, too. -ENOMEM, also if s is NULL. */
int strv_consume(char ***l, char *s) {
        size_t n = strv_length(*l);
        char **p;

        if (!s)
                return -ENOMEM;

        p = realloc(*l, (n + 2) * sizeof(char *));
        if (!p) {
                free(s);
                return -ENOMEM;
        }

        p[n] = s;
        p[n + 1] = NULL;
        *l = p;
        return 0;
}

/* Appends a copy of s. */
int strv_extend(char ***l, const char *s) {
        return strv_consume(l, strdup(s));
}

/* Appends what vprintf() makes of the format. -ENOMEM. */
int strv_extendv(char ***l, const char *format, va_list ap) {
        char *s;

        return vasprintf(&s, format, ap) < 0 ? -ENOMEM : strv_consume(l, s);
}

/* As strv_extendv(). */
int strv_extendf(char ***l, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = strv_extendv(l, format, ap);
        va_end(ap);
        return r;
}

/* Splits s at any of the separators; empty fields are left out. */
int strv_split(const char *s, const char *separators, char ***ret) {
        _cleanup_(strv_freep) char **l = NULL;
        int r;

        for (;;) {
                size_t n;

                s += strspn(s, separators);
                n = strcspn(s, separators);
                if (n == 0)
                        break;
                r = strv_consume(&l, strndup(s, n));
                if (r < 0)
                        return r;
                s += n;
        }

        *ret = TAKE_PTR(l);
        return 0;
}

/* Removes and frees each string that is equal to s. */
void strv_remove(char **l, const char *s) {
        char **to = l;

        if (!l)
                return;
        for (char **from = l; *from; from++)
                if (streq(*from, s))
                        free(*from);
                else
                        *to++ = *from;
        *to = NULL;
}

int strv_copy(char *const *l, char ***ret) {
        _cleanup_(strv_freep) char **copy = NULL;
        int r;

        STRV_FOREACH(s, l) {
                r = strv_extend(&copy, *s);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(copy);
        return 0;
}

bool strv_equal(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!streq(a[i], b[i]))
                        return false;
        return true;
}

static int compare_strings(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(char **l) {
        if (l)
                qsort(l, strv_length(l), sizeof(char *), compare_strings);
}
