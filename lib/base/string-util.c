/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string-util.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>

/* Replaces *p by a copy of s (NULL: by NULL). Returns 1 where that changed the text, else 0; -ENOMEM leaves
 * *p as it was. */
int free_and_strdup(char **p, const char *s) {
        char *copy = NULL;

        if (streq_ptr(*p, s))
                return 0;
        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }

        free(*p);
        *p = copy;
        return 1;
}

/* The same, but returns 0 also where the text has changed: for calls joined by ?:. */
int set_string(char **p, const char *s) {
        int r = free_and_strdup(p, s);

        return MIN(r, 0);
}

/* asprintf() that returns 0 or -ENOMEM and touches *ret on success only. */
int asprintf_ret(char **ret, const char *format, ...) {
        char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;

        *ret = s;
        return 0;
}

/* Bytes of the character at s, 0 if it is not valid UTF-8 (overlong forms, surrogates and code points above
 * U+10FFFF are not). */
static size_t utf8_length(const unsigned char *s, size_t size) {
        uint32_t c;
        size_t n;

        if (s[0] < 0x80)
                return 1;
        if ((s[0] & 0xe0) == 0xc0)
                n = 2, c = s[0] & 0x1f;
        else if ((s[0] & 0xf0) == 0xe0)
                n = 3, c = s[0] & 0x0f;
        else if ((s[0] & 0xf8) == 0xf0)
                n = 4, c = s[0] & 0x07;
        else
                return 0;

        if (size < n)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }

        if ((n == 2 && c < 0x80) || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000))
                return 0;
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        return n;
}

/* A NUL among the bytes is valid UTF-8: a caller that needs a C string looks for it. */
bool utf8_is_valid(const char *s, size_t size) {
        for (size_t i = 0; i < size;) {
                uint64_t eight;
                size_t n;

                /* Most text is ASCII. */
                if (size - i >= sizeof(eight)) {
                        memcpy(&eight, s + i, sizeof(eight));
                        if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                                i += sizeof(eight);
                                continue;
                        }
                }

                n = utf8_length((const unsigned char *) s + i, size - i);
                if (n == 0)
                        return false;
                i += n;
        }
        return true;
}

/* The longest length of at most max bytes at which s can be cut without breaking a character. */
size_t utf8_truncate(const char *s, size_t max) {
        size_t n = strnlen(s, max + 1);

        if (n <= max)
                return n;
        n = max;
        while (n > 0 && ((unsigned char) s[n] & 0xc0) == 0x80)
                n--;
        return n;
}

/* The end of s, of at most max bytes, beginning with a whole character. */
const char *utf8_end(const char *s, size_t max) {
        size_t n = strlen(s);

        if (n <= max)
                return s;
        s += n - max;
        while (((unsigned char) *s & 0xc0) == 0x80)
                s++;
        return s;
}

/* Turns each run of control characters and blanks into one blank and drops those at both ends, in place, so
 * that text from the cluster stays on its line. Bytes that are not UTF-8 become '?'. The C1 controls (U+0080
 * to U+009F) count, because terminals obey them. Returns s. */
char *strip_control(char *s) {
        size_t size = strlen(s), in = 0, out = 0;
        bool blank = false;

        while (in < size) {
                const unsigned char *u = (const unsigned char *) s + in;
                size_t n = utf8_length(u, size - in);
                bool c1 = n == 2 && u[0] == 0xc2 && u[1] < 0xa0;

                if (n == 0) {
                        if (blank && out > 0)
                                s[out++] = ' ';
                        blank = false;
                        s[out++] = '?';
                        in++;
                        continue;
                }
                if (c1 || u[0] <= ' ' || u[0] == 0x7f) {
                        blank = true;
                        in += n;
                        continue;
                }
                if (blank && out > 0)
                        s[out++] = ' ';
                blank = false;
                memmove(s + out, s + in, n);
                out += n;
                in += n;
        }

        s[out] = '\0';
        return s;
}

/* Cuts white space off both ends, in place. Returns where the text begins. */
char *strstrip(char *s) {
        size_t n;

        s += strspn(s, " \t\r\n");
        n = strlen(s);
        while (n > 0 && strchr(" \t\r\n", s[n - 1]))
                n--;
        s[n] = '\0';
        return s;
}

/* Compares IDs as 32 hex digits, without dashes and case. A text that is not 32 digits equals nothing. */
bool hex_equal_ignoring_dashes(const char *a, const char *b) {
        unsigned digits = 0;

        if (!a || !b)
                return false;

        for (;;) {
                while (*a == '-')
                        a++;
                while (*b == '-')
                        b++;
                if (!*a || !*b)
                        return !*a && !*b && digits == 32;
                if (!isxdigit((unsigned char) *a) ||
                    tolower((unsigned char) *a) != tolower((unsigned char) *b))
                        return false;
                digits++;
                a++;
                b++;
        }
}

bool glob_matches(const char *pattern, const char *s) {
        return fnmatch(pattern, s, 0) == 0;
}

/* Frees a text that must not stay in memory: a key, a token. s may be NULL. */
void erase_and_free(char *s) {
        if (!s)
                return;
        explicit_bzero(s, strlen(s));
        free(s);
}
