/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the few members that the scanner asks for from metadata that lie complete in memory, without a tree:
 * a third of an object is metadata, and most of that is managedFields, which is passed over. */

#include "kube/skim.h"

#include "kube/cursor.h"

#define INITIAL_EVENTS_END "k8s.io/initial-events-end"

static bool read_hex(const char *p, const char *end, uint32_t *ret) {
        uint32_t value = 0;

        if (end - p < 4)
                return false;
        for (unsigned i = 0; i < 4; i++) {
                char c = p[i];
                uint32_t digit;

                if (c >= '0' && c <= '9')
                        digit = (uint32_t) (c - '0');
                else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                        digit = (uint32_t) ((c | 0x20) - 'a') + 10;
                else
                        return false;
                value = value << 4 | digit;
        }
        *ret = value;
        return true;
}

static char *put_character(char *to, uint32_t c) {
        if (c < 0x80)
                *to++ = (char) c;
        else if (c < 0x800) {
                *to++ = (char) (0xc0 | c >> 6);
                *to++ = (char) (0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
                *to++ = (char) (0xe0 | c >> 12);
                *to++ = (char) (0x80 | (c >> 6 & 0x3f));
                *to++ = (char) (0x80 | (c & 0x3f));
        } else {
                *to++ = (char) (0xf0 | c >> 18);
                *to++ = (char) (0x80 | (c >> 12 & 0x3f));
                *to++ = (char) (0x80 | (c >> 6 & 0x3f));
                *to++ = (char) (0x80 | (c & 0x3f));
        }
        return to;
}

/* Reads XXXX of \uXXXX, with its second half if it is a surrogate, and moves *p behind it. '?' for what
 * cannot be in a text of ours. */
static uint32_t read_unicode(const char **p, const char *end) {
        uint32_t c, low;

        if (!read_hex(*p, end, &c))
                return '?';
        *p += 4;
        if (c < 0xd800 || c > 0xdfff)
                return c ?: '?';
        if (c > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u' ||
            !read_hex(*p + 2, end, &low) || low < 0xdc00 || low > 0xdfff)
                return '?';
        *p += 6;
        return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* Decodes the inside of a string to to, where there is room for as many bytes as it has. Returns where it
 * ends. */
static char *decode_string(const char *p, const char *end, char *to) {
        static const char letters[128] = {
                ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
        };

        while (p < end) {
                unsigned char c = (unsigned char) *p++;

                if (c != '\\' || p == end) {
                        *to++ = c ? (char) c : '?';
                        continue;
                }
                c = (unsigned char) *p++;
                if (c == 'u')
                        to = put_character(to, read_unicode(&p, end));
                else if (c < sizeof(letters) && letters[c])
                        *to++ = letters[c];
                else
                        *to++ = c ? (char) c : '?';
        }
        return to;
}

/* kube_skim_brief() has reserved room in brief_text for all of the metadata, and decoding makes no text
 * longer: what is put there does not move. */
static const char *keep_text(KubeScanner *s, KubePiece value) {
        char *begin, *end;

        if (!piece_is_text(value))
                return "";
        assert(s->brief_text.allocated - s->brief_text.size > value.size);

        begin = s->brief_text.data + s->brief_text.size;
        end = decode_string(value.at + 1, value.at + value.size - 1, begin);
        *end++ = '\0';
        s->brief_text.size = (size_t) (end - s->brief_text.data);
        return begin;
}

/* All labels, whose number the size of the object bounds: to tell whether an object is wanted they are
 * needed, however odd they are. If it is kept, LIMIT_MEMBERS holds for it. */
static int put_label(KubeScanner *s, char *label) {
        if (s->n_labels + 1 >= s->n_labels_allocated) {
                size_t n = MAX((size_t) 16, 2 * s->n_labels_allocated);
                char **p = realloc(s->labels, n * sizeof(char *));

                if (!p)
                        return -ENOMEM;
                s->labels = p;
                s->n_labels_allocated = n;
        }

        s->labels[s->n_labels++] = label;
        s->labels[s->n_labels] = NULL;
        return 0;
}

static int skim_labels(KubeScanner *s, KubePiece labels) {
        KubeCursor c = cursor_enter(labels);
        KubePiece key, value;
        int r;

        while ((r = cursor_next_member(&c, &key, &value)) > 0) {
                char *begin = s->brief_text.data + s->brief_text.size, *end;

                if (!piece_is_text(value))
                        continue;
                /* "key":"value" is longer than key=value and its NUL. */
                end = decode_string(key.at, key.at + key.size, begin);
                *end++ = '=';
                end = decode_string(value.at + 1, value.at + value.size - 1, end);
                *end++ = '\0';
                s->brief_text.size = (size_t) (end - s->brief_text.data);
                r = put_label(s, begin);
                if (r < 0)
                        return r;
        }

        s->brief.labels = s->n_labels > 0 ? s->labels : NULL;
        return r;
}

static int skim_owner(KubeScanner *s, KubePiece owner) {
        KubePiece key, value, kind = {}, name = {}, uid = {};
        bool controls = false;
        KubeCursor c;
        int r;

        if (!piece_is_container(owner, '{'))
                return 0;

        c = cursor_enter(owner);
        while ((r = cursor_next_member(&c, &key, &value)) > 0) {
                if (piece_is(key, "kind"))
                        kind = value;
                else if (piece_is(key, "name"))
                        name = value;
                else if (piece_is(key, "uid"))
                        uid = value;
                else if (piece_is(key, "controller"))
                        controls = piece_is(value, "true");
        }
        if (r < 0 || !controls || s->brief.owner_uid[0])
                return r;

        s->brief.owner_kind = keep_text(s, kind);
        s->brief.owner_name = keep_text(s, name);
        s->brief.owner_uid = keep_text(s, uid);
        return 0;
}

static int skim_owners(KubeScanner *s, KubePiece owners) {
        KubeCursor c = cursor_enter(owners);
        KubePiece owner;
        int r;

        while ((r = cursor_next_element(&c, &owner)) > 0) {
                r = skim_owner(s, owner);
                if (r < 0)
                        return r;
        }
        return r;
}

static int skim_annotations(KubeScanner *s, KubePiece annotations) {
        KubeCursor c = cursor_enter(annotations);
        KubePiece key, value;
        int r;

        while ((r = cursor_next_member(&c, &key, &value)) > 0)
                if (piece_is(key, INITIAL_EVENTS_END) && piece_is(value, "\"true\""))
                        s->brief.initial_events_end = true;
        return r;
}

static int skim_member(KubeScanner *s, KubePiece key, KubePiece value, bool bookmark) {
        if (piece_is(key, "name"))
                s->brief.name = keep_text(s, value);
        else if (piece_is(key, "namespace"))
                s->brief.namespace = keep_text(s, value);
        else if (piece_is(key, "uid"))
                s->brief.uid = keep_text(s, value);
        else if (piece_is(key, "resourceVersion"))
                s->brief.resource_version = keep_text(s, value);
        else if (piece_is(key, "labels") && piece_is_container(value, '{'))
                return skim_labels(s, value);
        else if (piece_is(key, "ownerReferences") && piece_is_container(value, '['))
                return skim_owners(s, value);
        else if (bookmark && piece_is(key, "annotations") && piece_is_container(value, '{'))
                return skim_annotations(s, value);
        return 0;
}

/* Fills the scanner's brief from the metadata of an object, a complete JSON value. bookmark: whether the
 * frame may be a bookmark. Members of the wrong type count as absent. -EBADMSG where the text is malformed or
 * ends early: the brief has what stands before that. -E2BIG over the object's ceiling, -ENOMEM. */
int kube_skim_brief(KubeScanner *s, char *text, size_t size, bool bookmark) {
        KubePiece key, value;
        KubeCursor c;
        int r;

        if (!piece_is_container((KubePiece){ text, size }, '{'))
                return 0;
        r = buffer_reserve(&s->brief_text, size);
        if (r < 0)
                return r;

        c = cursor_enter((KubePiece){ text, size });
        while ((r = cursor_next_member(&c, &key, &value)) > 0) {
                r = skim_member(s, key, value, bookmark);
                if (r < 0)
                        return r;
        }
        return r;
}

static int copy_text(KubePiece value, char **ret) {
        char *copy, *end;

        free(*ret);
        *ret = NULL;
        if (!piece_is_text(value) || value.size == 2)
                return 0;
        copy = malloc(value.size);
        if (!copy)
                return -ENOMEM;
        end = decode_string(value.at + 1, value.at + value.size - 1, copy);
        *end = '\0';
        *ret = copy;
        return 0;
}

/* Reads the metadata of a list into the scanner. Errors as above. */
int kube_skim_list(KubeScanner *s, char *text, size_t size) {
        KubePiece key, value;
        KubeCursor c;
        int r;

        if (!piece_is_container((KubePiece){ text, size }, '{'))
                return -EBADMSG;

        c = cursor_enter((KubePiece){ text, size });
        while ((r = cursor_next_member(&c, &key, &value)) > 0) {
                if (piece_is(key, "resourceVersion"))
                        r = copy_text(value, &s->resource_version);
                else if (piece_is(key, "continue"))
                        r = copy_text(value, &s->continue_token);
                if (r < 0)
                        return r;
        }
        return r;
}
