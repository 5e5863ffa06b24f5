/* SPDX-License-Identifier: Apache-2.0 */

#include "yaml/text.h"

#include <string.h>

#include "base/string-util.h"

/* libyaml compares each with all before it: a file of nothing else takes it half a minute. */
#define TAG_DIRECTIVES_MAX 16

/* libyaml skips a byte order mark that begins a line; goyaml has it as the first character of a key. So a zero width
 * space, which neither skips, takes its place. Returns the byte of text at i as libyaml gets it. */
static unsigned char byte_at(const YText *t, size_t i) {
        static const char mark[] = BYTE_ORDER_MARK, space[] = "\xe2\x80\x8b";

        for (size_t k = 0; k < 3 && k < i; k++) {
                const char *begin = t->text + i - k;

                if (begin + 3 <= t->text + t->size && memcmp(begin, mark, 3) == 0 &&
                    (begin[-1] == '\n' || begin[-1] == '\r'))
                        return (unsigned char) space[k];
        }
        return (unsigned char) t->text[i];
}

/* A yaml_read_handler_t; data is a YText. */
int ytext_read(void *data, unsigned char *buffer, size_t size, size_t *ret_size) {
        YText *t = data;
        size_t n = 0;

        while (n < size && t->read < t->size)
                buffer[n++] = byte_at(t, t->read++);
        *ret_size = n;
        return 1;
}

/* Whether there are more %TAG directives than any real file has: they are counted wherever they stand, and in
 * UTF-16 too. */
bool ytext_has_many_tags(const char *text, size_t size) {
        static const char directive[] = "%TAG";
        unsigned matched = 0, n = 0;

        for (size_t i = 0; i < size && n <= TAG_DIRECTIVES_MAX; i++) {
                if (text[i] == '\0')
                        continue;
                matched = text[i] == directive[matched] ? matched + 1 : text[i] == '%';
                if (matched == strlen(directive))
                        n++, matched = 0;
        }
        return n > TAG_DIRECTIVES_MAX;
}

/* Whether the last character, in whatever encoding, ends a line. */
bool ytext_ends_line(const char *text, size_t size) {
        while (size > 0 && text[size - 1] == '\0')
                size--;
        return size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r');
}
