/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Goes over the members of an object, or the elements of an array, that lies complete in memory, without a
 * tree. Passes over the rest; checks only what lies on the way. */

/* A piece of JSON text: a value with its quotes or braces, or a key without. */
typedef struct KubePiece {
        char *at;
        size_t size;
} KubePiece;

typedef struct KubeCursor {
        char *p;
        char *end;
        bool begun;
} KubeCursor;

KubeCursor cursor_enter(KubePiece piece);
int cursor_next_element(KubeCursor *c, KubePiece *ret);
int cursor_next_member(KubeCursor *c, KubePiece *ret_key, KubePiece *ret_value);

static inline bool piece_is(KubePiece p, const char *text) {
        size_t n = strlen(text);

        return p.size == n && memcmp(p.at, text, n) == 0;
}

static inline bool piece_is_container(KubePiece p, char brace) {
        return p.size >= 2 && p.at[0] == brace;
}

static inline bool piece_is_text(KubePiece p) {
        return p.size >= 2 && p.at[0] == '"';
}
