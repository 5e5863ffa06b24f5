/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* One allocation of the program, which is linked with --wrap for each of these, fails when the countdown ends.
 * Libraries that take functions to allocate with can be given the wrapped ones. */

/* 0: none fails. Volatile, because the compiler knows that malloc() leaves variables alone. */
static volatile unsigned long failing_countdown;
static volatile unsigned long failing_failed; /* how many have failed */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **ret, const char *format, va_list ap);
/* The same by another name, where _FORTIFY_SOURCE is on, as in packages. */
int __real___vasprintf_chk(char **ret, int flag, const char *format, va_list ap);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **ret, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list ap)
        __attribute__((format(printf, 3, 0)));

static int failing_now(void) {
        if (failing_countdown == 0 || --failing_countdown > 0)
                return 0;
        failing_failed++;
        return 1;
}

void *__wrap_malloc(size_t size) {
        return failing_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return failing_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size) {
        return failing_now() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return failing_now() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s) {
        return failing_now() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n) {
        return failing_now() ? NULL : __real_strndup(s, n);
}

int __wrap_vasprintf(char **ret, const char *format, va_list ap) {
        return failing_now() ? -1 : __real_vasprintf(ret, format, ap);
}

int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list ap) {
        return failing_now() ? -1 : __real___vasprintf_chk(ret, flag, format, ap);
}
