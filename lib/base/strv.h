/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>

#include "base/macro.h"

/* NULL-terminated arrays of strings, owner of both; NULL is an empty one. */

#define STRV_FOREACH(s, l) for (char *const *s = (char *const *) (l); s && *s; s++)

char **strv_free(char **l);
DEFINE_CLEANUP(char *, strv_free)

char **strv_new_empty(void);
size_t strv_length(char *const *l);
bool strv_contains(char *const *l, const char *s);
int strv_extend(char ***l, const char *s);
int strv_extendv(char ***l, const char *format, va_list ap) _printf_(2, 0);
int strv_extendf(char ***l, const char *format, ...) _printf_(2, 3);
int strv_consume(char ***l, char *s);
void strv_remove(char **l, const char *s);
int strv_split(const char *s, const char *separators, char ***ret);
int strv_copy(char *const *l, char ***ret);
bool strv_equal(char *const *a, char *const *b);
void strv_sort(char **l);
