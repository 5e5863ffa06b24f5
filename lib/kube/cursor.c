/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/cursor.h"

#include "kube/skip.h"

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void pass_space(KubeCursor *c) {
        while (c->p < c->end && is_space(*c->p))
                c->p++;
}

/* Enters the object or array at piece, whose braces are known to match. */
KubeCursor cursor_enter(KubePiece piece) {
        return (KubeCursor){ piece.at + 1, piece.at + piece.size - 1, false };
}

/* Moves behind the quote that ends the text. */
static int pass_text(KubeCursor *c) {
        char *quote = memchr(c->p, '"', (size_t) (c->end - c->p));

        if (!quote)
                return -EBADMSG;
        if (quote == c->p || quote[-1] != '\\') {
                c->p = quote + 1;
                return 0;
        }

        for (; c->p < c->end && *c->p != '"'; c->p++)
                if (*c->p == '\\' && ++c->p == c->end)
                        return -EBADMSG;
        if (c->p == c->end)
                return -EBADMSG;
        c->p++;
        return 0;
}

static int read_value(KubeCursor *c, KubePiece *ret) {
        char *begin = c->p;
        int r;

        if (c->p == c->end)
                return -EBADMSG;

        if (*c->p == '{' || *c->p == '[') {
                KubeSkip skip = KUBE_SKIP_INIT;

                c->p = begin + (kube_skip(&skip, c->p + 1, c->end) - begin);
                if (skip.depth > 0)
                        return -EBADMSG;
        } else if (*c->p == '"') {
                c->p++;
                r = pass_text(c);
                if (r < 0)
                        return r;
        } else
                while (c->p < c->end && !is_space(*c->p) && *c->p != ',' && *c->p != ':')
                        c->p++;

        *ret = (KubePiece){ begin, (size_t) (c->p - begin) };
        return ret->size > 0 ? 0 : -EBADMSG;
}

/* The next element of an array. 1 if there is one, 0 at the end, -EBADMSG. */
int cursor_next_element(KubeCursor *c, KubePiece *ret) {
        int r;

        pass_space(c);
        if (c->p == c->end)
                return 0;
        if (c->begun) {
                if (*c->p++ != ',')
                        return -EBADMSG;
                pass_space(c);
        }
        c->begun = true;
        r = read_value(c, ret);
        return r < 0 ? r : 1;
}

/* The next member of an object; likewise. */
int cursor_next_member(KubeCursor *c, KubePiece *ret_key, KubePiece *ret_value) {
        int r;

        r = cursor_next_element(c, ret_key);
        if (r <= 0)
                return r;
        if (!piece_is_text(*ret_key))
                return -EBADMSG;
        ret_key->at++;
        ret_key->size -= 2;

        pass_space(c);
        if (c->p == c->end || *c->p++ != ':')
                return -EBADMSG;
        pass_space(c);
        r = read_value(c, ret_value);
        return r < 0 ? r : 1;
}
