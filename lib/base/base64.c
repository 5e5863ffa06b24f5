/* SPDX-License-Identifier: Apache-2.0 */

#include "base/base64.h"

static int value_of(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes RFC 4648's base64 with its padding; white space is ignored. *ret has a NUL behind the ret_size
 * bytes. -EBADMSG for anything that is not base64, -ENODATA if it breaks off in the middle, -ENOMEM. On
 * failure what was decoded is erased, because it may be a key. */
int base64_decode(const char *s, char **ret, size_t *ret_size) {
        size_t allocated = strlen(s) / 4 * 3 + 4, size = 0;
        unsigned digits = 0, padding = 0;
        uint32_t bits = 0;
        char *out = malloc(allocated);
        int r = 0;

        if (!out)
                return -ENOMEM;
        for (; *s && r == 0; s++) {
                int v = value_of(*s);

                if (strchr(" \t\r\n", *s))
                        continue;
                if (*s == '=' && digits >= 2)
                        padding++, v = 0;
                else if (v < 0 || padding > 0) {
                        r = -EBADMSG;
                        break;
                }
                bits = bits << 6 | (uint32_t) v;
                if (++digits < 4)
                        continue;

                /* Bits that belong to no byte must be zero, so that a value has one spelling only. */
                if ((padding == 1 && (bits & 0xff)) || (padding == 2 && (bits & 0xffff)))
                        r = -EBADMSG;
                out[size++] = (char) (bits >> 16);
                if (padding < 2)
                        out[size++] = (char) (bits >> 8);
                if (padding < 1)
                        out[size++] = (char) bits;
                /* Padding ends the text: digits stays at 4, and what follows is refused above. */
                digits = padding ? 4 : 0;
                bits = 0;
                if (padding && s[1 + strspn(s + 1, " \t\r\n")])
                        r = -EBADMSG;
        }
        if (r == 0 && digits % 4 != 0)
                r = -ENODATA;
        if (r < 0) {
                explicit_bzero(out, allocated);
                free(out);
                return r;
        }

        out[size] = '\0';
        *ret = out;
        *ret_size = size;
        return 0;
}
