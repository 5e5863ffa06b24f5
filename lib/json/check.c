/* SPDX-License-Identifier: Apache-2.0 */

/* Checks a text against the grammar of RFC 8259, to the letter, before cJSON reads it. cJSON takes any
 * control character for white space, bytes that are not UTF-8, raw control characters in strings and leading
 * zeros; it reads "\uXYZW" as NUL, cuts strings at NUL, recurses as deep as its build allows, and in some
 * versions reads beyond the end of a text that stops early. cJSON reads a text that passes here safely, and
 * as any other reader does.
 *
 * There is no recursion: one bit per level says what is open. */

#include "base/limits.h"
#include "base/string-util.h"
#include "json/json.h"

/* cJSON copies a number into 64 bytes. */
#define NUMBER_MAX 63

typedef struct Scanner {
        const unsigned char *p;
        const unsigned char *end;
        uint64_t objects; /* bit n: level n is an object, else an array */
        unsigned depth;
        size_t values;
} Scanner;

static int peek(const Scanner *s) {
        return s->p < s->end ? *s->p : -1;
}

static bool take(Scanner *s, char c) {
        if (peek(s) != (unsigned char) c)
                return false;
        s->p++;
        return true;
}

static void skip_space(Scanner *s) {
        while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
                s->p++;
}

static bool is_digit(int c) {
        return c >= '0' && c <= '9';
}

static int skip_digits(Scanner *s) {
        if (!is_digit(peek(s)))
                return -EBADMSG;
        while (is_digit(peek(s)))
                s->p++;
        return 0;
}

static int skip_number(Scanner *s) {
        const unsigned char *begin = s->p;
        int r = 0;

        (void) take(s, '-');
        if (!take(s, '0'))
                r = skip_digits(s);
        if (r >= 0 && take(s, '.'))
                r = skip_digits(s);
        if (r >= 0 && (take(s, 'e') || take(s, 'E'))) {
                if (!take(s, '+'))
                        (void) take(s, '-');
                r = skip_digits(s);
        }
        return r < 0 || s->p - begin > NUMBER_MAX ? -EBADMSG : 0;
}

/* Four hex digits. */
static int take_code(Scanner *s, unsigned *ret) {
        unsigned code = 0;

        for (unsigned i = 0; i < 4; i++) {
                int c = peek(s);

                if (is_digit(c))
                        c -= '0';
                else if (c >= 'a' && c <= 'f')
                        c -= 'a' - 10;
                else if (c >= 'A' && c <= 'F')
                        c -= 'A' - 10;
                else
                        return -EBADMSG;
                code = code << 4 | (unsigned) c;
                s->p++;
        }

        *ret = code;
        return 0;
}

/* Skips the rest of an escape, after its backslash. NUL and halves of surrogate pairs are refused: a C
 * string cannot hold the one, UTF-8 not the other. */
static int skip_escape(Scanner *s) {
        unsigned high, low;

        if (s->p >= s->end)
                return -EBADMSG;
        switch (*s->p++) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
                return 0;
        case 'u':
                if (take_code(s, &high) < 0 || high == 0 || (high >= 0xdc00 && high <= 0xdfff))
                        return -EBADMSG;
                if (high < 0xd800 || high > 0xdfff)
                        return 0;
                if (!take(s, '\\') || !take(s, 'u') || take_code(s, &low) < 0 || low < 0xdc00 ||
                    low > 0xdfff)
                        return -EBADMSG;
                return 0;
        default:
                return -EBADMSG;
        }
}

static int skip_string(Scanner *s) {
        if (!take(s, '"'))
                return -EBADMSG;
        while (s->p < s->end) {
                unsigned char c = *s->p++;

                if (c == '"')
                        return 0;
                if (c < 0x20)
                        return -EBADMSG;
                if (c == '\\' && skip_escape(s) < 0)
                        return -EBADMSG;
        }
        return -EBADMSG;
}

static int skip_word(Scanner *s, const char *word) {
        size_t n = strlen(word);

        if ((size_t) (s->end - s->p) < n || memcmp(s->p, word, n) != 0)
                return -EBADMSG;
        s->p += n;
        return 0;
}

static int skip_key(Scanner *s) {
        skip_space(s);
        if (skip_string(s) < 0)
                return -EBADMSG;
        skip_space(s);
        return take(s, ':') ? 0 : -EBADMSG;
}

static bool in_object(const Scanner *s) {
        return s->objects >> (s->depth - 1) & 1;
}

/* Takes an opening bracket. Returns 1 if a value follows, 0 if the object or array is empty and closed. */
static int enter(Scanner *s) {
        bool object = *s->p++ == '{';
        int r;

        if (s->depth >= JSON_DEPTH_MAX)
                return -E2BIG;

        skip_space(s);
        if (take(s, object ? '}' : ']'))
                return 0;

        s->objects = (s->objects & ~((uint64_t) 1 << s->depth)) | (uint64_t) object << s->depth;
        s->depth++;
        if (object) {
                r = skip_key(s);
                if (r < 0)
                        return r;
        }
        return 1;
}

/* Skips one value; of an object or array with members only the beginning. Returns as enter(). */
static int skip_value(Scanner *s) {
        skip_space(s);
        if (++s->values > LIMIT_JSON_VALUES)
                return -E2BIG;

        switch (peek(s)) {
        case '{':
        case '[':
                return enter(s);
        case '"':
                return skip_string(s);
        case 't':
                return skip_word(s, "true");
        case 'f':
                return skip_word(s, "false");
        case 'n':
                return skip_word(s, "null");
        default:
                return skip_number(s);
        }
}

/* Skips what follows a value: closing brackets, and a comma. Returns 1 if a value follows, 0 at the end. */
static int skip_ends(Scanner *s) {
        while (s->depth > 0) {
                bool object = in_object(s);

                skip_space(s);
                if (take(s, ','))
                        return object && skip_key(s) < 0 ? -EBADMSG : 1;
                if (!take(s, object ? '}' : ']'))
                        return -EBADMSG;
                s->depth--;
        }
        skip_space(s);
        return s->p == s->end ? 0 : -EBADMSG;
}

/* Whether text is exactly one JSON value with white space around it. -EBADMSG if it is not, -E2BIG if it
 * nests deeper than JSON_DEPTH_MAX or holds more than LIMIT_JSON_VALUES values. */
int jv_check_text(const char *text, size_t size) {
        Scanner s = { .p = (const unsigned char *) text, .end = (const unsigned char *) text + size };
        int r;

        if (!utf8_is_valid(text, size))
                return -EBADMSG;
        do {
                r = skip_value(&s);
                if (r == 0)
                        r = skip_ends(&s);
        } while (r > 0);
        return r;
}
