/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _noreturn_ __attribute__((noreturn))
#define _fallthrough_ __attribute__((fallthrough))

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *) ((char *) (ptr) -offsetof(type, member)))

/* Takes the value out of a cleanup variable, so that its cleanup finds nothing. */
#define TAKE_PTR(p)                                                                                         \
        ({                                                                                                  \
                __typeof__(p) *_pp = &(p);                                                                  \
                __typeof__(p) _taken = *_pp;                                                                \
                *_pp = NULL;                                                                                \
                _taken;                                                                                     \
        })

#define TAKE_FD(fd)                                                                                         \
        ({                                                                                                  \
                int *_fdp = &(fd);                                                                          \
                int _fd = *_fdp;                                                                            \
                *_fdp = -1;                                                                                 \
                _fd;                                                                                        \
        })

/* Defines x_freep() for use with _cleanup_ from a destructor that takes NULL and returns NULL. */
#define DEFINE_CLEANUP(type, func)                                                                          \
        static inline void func##p(type **p) {                                                              \
                if (*p)                                                                                     \
                        *p = func(*p);                                                                      \
        }

static inline void freep(void *p) {
        free(*(void **) p);
}
#define _cleanup_free_ _cleanup_(freep)

static inline void closep(int *fd) {
        if (*fd >= 0) {
                int saved = errno;
                close(*fd);
                errno = saved;
        }
}
#define _cleanup_close_ _cleanup_(closep)

/* free() that returns NULL, to reset a member in one line. */
static inline void *mfree(void *p) {
        free(p);
        return NULL;
}

/* close() that returns -1. */
static inline int safe_close(int fd) {
        closep(&fd);
        return -1;
}

static inline const char *strna(const char *s) {
        return s ?: "n/a";
}

static inline const char *strempty(const char *s) {
        return s ?: "";
}

static inline bool isempty(const char *s) {
        return !s || !s[0];
}

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* NULL equals NULL and nothing else. */
static inline bool streq_ptr(const char *a, const char *b) {
        return a == b || (a && b && strcmp(a, b) == 0);
}

/* What follows prefix in s, or NULL if s does not begin with it. */
static inline const char *startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);
        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static inline const char *endswith(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);
        return n >= m && memcmp(s + n - m, suffix, m) == 0 ? s + n - m : NULL;
}
