/* SPDX-License-Identifier: Apache-2.0 */

/* Reasons and texts as the table of hints names them. */

#include "diagnosis/words.h"

#include <strings.h>

/* Whether the word is one of those that are separated by blanks; one that ends in '*' stands for all that begin so. */
bool word_is_among(const char *words, const char *word) {
        for (;;) {
                size_t n;

                words += strspn(words, " ");
                n = strcspn(words, " ");
                if (n == 0)
                        return false;
                if (words[n - 1] == '*' ? strncmp(words, word, n - 1) == 0
                                        : strlen(word) == n && memcmp(words, word, n) == 0)
                        return true;
                words += n;
        }
}

/* Finds the n bytes of piece in text; case does not count. NULL if they are not there. */
static const char *find_ignoring_case(const char *text, const char *piece, size_t n) {
        for (; *text; text++)
                if (strncasecmp(text, piece, n) == 0)
                        return text;
        return NULL;
}

/* Whether text contains the pieces of a pattern of n bytes, one after the other. */
static bool text_has(const char *text, const char *pattern, size_t n) {
        const char *end = pattern + n;

        while (pattern < end) {
                const char *star = memchr(pattern, '*', (size_t) (end - pattern)) ?: end;

                text = find_ignoring_case(text, pattern, (size_t) (star - pattern));
                if (!text)
                        return false;
                text += star - pattern;
                pattern = star < end ? star + 1 : end;
        }
        return true;
}

/* Whether text, which may be NULL, contains one of the patterns, which are separated by '|'; each may have several
 * pieces, with '*' between. Case does not count. */
bool text_has_any(const char *text, const char *patterns) {
        if (!text)
                return false;
        for (;;) {
                size_t n = strcspn(patterns, "|");

                if (text_has(text, patterns, n))
                        return true;
                if (!patterns[n])
                        return false;
                patterns += n + 1;
        }
}
