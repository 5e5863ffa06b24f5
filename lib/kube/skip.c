/* SPDX-License-Identifier: Apache-2.0 */

/* Most bytes of a big cluster belong to objects that no gate looks at, so this loop is what they cost. It only
 * finds the end: braces and brackets count alike, outside of strings. The parser finds whatever else is wrong
 * with the text.
 *
 * The next quote of a string is memchr()'s to find, which looks at many bytes together. */

#include "kube/skip.h"

/* Goes on within a string. Returns the byte behind the quote that ends it, or behind one that is escaped, or end. */
static const char *skip_string(KubeSkip *k, const char *p, const char *end) {
        const char *quote = memchr(p, '"', (size_t) (end - p)) ?: end, *backslashes = quote;
        bool escaped;

        while (backslashes > p && backslashes[-1] == '\\')
                backslashes--;
        escaped = (quote - backslashes) % 2 != 0;
        if (quote == end) {
                k->escaped = escaped;
                return end;
        }
        k->in_string = escaped;
        return quote + 1;
}

/* Returns where the container ends, behind its last brace, with depth 0; or end, to go on from with the next
 * piece. A backslash takes the meaning from the next byte everywhere; outside of strings it is not JSON. */
const char *kube_skip(KubeSkip *k, const char *p, const char *end) {
        assert(k->depth > 0);

        while (p < end) {
                if (k->escaped) {
                        k->escaped = false;
                        p++;
                        continue;
                }
                if (k->in_string) {
                        p = skip_string(k, p, end);
                        continue;
                }

                switch (*p++) {
                case '\\':
                        k->escaped = true;
                        break;
                case '"':
                        k->in_string = true;
                        break;
                case '{':
                case '[':
                        k->depth++;
                        break;
                case '}':
                case ']':
                        if (--k->depth == 0)
                                return p;
                        break;
                }
        }
        return p;
}
