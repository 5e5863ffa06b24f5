/* SPDX-License-Identifier: Apache-2.0 */

/* A tree is built from libyaml's events without recursion, under ceilings on depth and number of nodes. kubectl and
 * MicroShift read their files with sigs.k8s.io/yaml, which means goyaml, and so does this: UTF-8 or UTF-16 by the byte
 * order mark; the first document of a stream alone; of equal keys the last one; an alias is a copy of its anchor's
 * value, and "<<" lays the members of a map over those before it, both under ceilings of their own (a few bytes of
 * aliases grow to gigabytes). What goyaml passes over in silence the tree knows: ynode_earlier_line(),
 * ynode_rest_line().
 *
 * Refused is what no configuration needs: keys that are not text, NUL in a text. */

#include "yaml/yaml.h"

#include <stdio.h>
#include <utlist.h>
#include <yaml.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "yaml/text.h"

#define DEPTH_MAX 32
/* Each alias searches all of them. */
#define ANCHORS_MAX 256
/* Bytes of keys and texts in all copies that aliases make. */
#define COPIED_MAX LIMIT_CONFIG_FILE
#define DETAIL_MAX 256

typedef enum YNodeKind {
        YNODE_SCALAR,
        YNODE_MAP,
        YNODE_LIST,
} YNodeKind;

struct YNode {
        YNodeKind kind;
        bool plain;  /* a scalar without quotes and tag: its type follows from its text */
        bool closed; /* no more text could add to it */
        bool merges; /* a value of "<<" */
        unsigned line;
        unsigned key_line;
        unsigned
                other_line; /* of a member: where its key was before; of the root: where the rest begins; 0 */
        char *key;          /* NULL for items of a list and for the root */
        char *text;         /* of scalars */
        YNode *parent;
        YNode *prev, *next;
        YNode *first;
        YNode *index; /* of a map: its members by key */
        UT_hash_handle hh;
};

typedef struct Anchor {
        char *name;
        const YNode *node;
} Anchor;

typedef struct Builder {
        yaml_parser_t parser;
        bool ends_line; /* a line end is the last of the text */
        Anchor anchors[ANCHORS_MAX];
        size_t n_anchors;
        size_t copied;
        YNode *replaced; /* what is not in the tree: an alias may still refer to it */
        YNode *root;
        YNode *open;           /* the map or list that the next event belongs to */
        char *key;             /* whose value comes next */
        bool merges;           /* that key is "<<" */
        unsigned key_line;     /* where it is */
        unsigned earlier_line; /* where it was before */
        unsigned depth;
        unsigned nodes;
        char *detail; /* what is wrong, and where */
} Builder;

/* Frees the tree. Texts are erased, because they may be keys and tokens (libyaml does not erase its own
 * buffers). */
YNode *ynode_free(YNode *n) {
        if (!n)
                return NULL;
        HASH_CLEAR(hh, n->index);
        while (n->first) {
                YNode *c = n->first;

                n->first = c->next;
                ynode_free(c);
        }
        free(n->key);
        erase_and_free(n->text);
        free(n);
        return NULL;
}

static int refuse_at(Builder *b, const yaml_mark_t *mark, const char *why) {
        return asprintf_ret(&b->detail, "line %zu: %s", mark->line + 1, why) ?: -EBADMSG;
}

/* Whether libyaml's error is that the text ends too early. In a line that has no end yet the last character may
 * not be the last: the colon of "https:". But a key that lacks its colon ends with its line. */
static bool stopped_at_end(const Builder *b) {
        const yaml_parser_t *p = &b->parser;
        size_t left = (size_t) (p->buffer.last - p->buffer.pointer);

        if (p->error == YAML_READER_ERROR)
                return startswith(strempty(p->problem), "incomplete ");
        if (!p->eof || p->problem_mark.index != p->mark.index)
                return false;
        if (b->ends_line)
                return left >= 1 && p->buffer.pointer[0] == '\0' &&
                       !streq(strempty(p->problem), "could not find expected ':'");
        return (left >= 1 && p->buffer.pointer[0] == '\0') || (left >= 2 && p->buffer.pointer[1] == '\0');
}

/* Reports libyaml's own error. */
static int refuse_syntax(Builder *b) {
        const yaml_parser_t *p = &b->parser;
        char why[DETAIL_MAX];
        yaml_mark_t mark = p->problem_mark;
        int r;

        if (p->error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        if (p->error == YAML_READER_ERROR)
                mark = p->mark;
        snprintf(why, sizeof(why), "%s%s%s", strempty(p->context), p->context ? ": " : "",
                 p->problem ?: "this is not YAML");
        r = refuse_at(b, &mark, why);
        return r == -EBADMSG && stopped_at_end(b) ? -ENODATA : r;
}

static bool is_null_text(const char *text) {
        static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };

        return strv_contains((char *const *) words, text);
}

/* Adds a node of that kind to the open map or list, with the key that was read for it. */
static int add_node(Builder *b, YNodeKind kind, const yaml_mark_t *mark, YNode **ret) {
        _cleanup_(ynode_freep) YNode *n = NULL;

        if (++b->nodes > LIMIT_YAML_NODES)
                return refuse_at(b, mark, "too many values");
        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;

        n->kind = kind;
        n->line = (unsigned) mark->line + 1;
        n->merges = b->merges;
        b->merges = false;
        n->key_line = b->key_line;
        n->other_line = b->earlier_line;
        b->earlier_line = 0;
        n->key = TAKE_PTR(b->key);
        n->parent = b->open;
        if (n->key) {
                HASH_ADD_KEYPTR(hh, b->open->index, n->key, strlen(n->key), n);
                if (!n->hh.tbl)
                        return -ENOMEM;
        }
        if (!b->open)
                b->root = n;
        else
                DL_APPEND(b->open->first, n);

        *ret = TAKE_PTR(n);
        return 0;
}

/* Remembers the node for later aliases of that name. */
static int note_anchor(Builder *b, const yaml_mark_t *mark, const yaml_char_t *name, const YNode *node) {
        if (!name)
                return 0;
        if (b->n_anchors >= ANCHORS_MAX)
                return refuse_at(b, mark, "too many anchors");
        b->anchors[b->n_anchors] = (Anchor){ .name = strdup((const char *) name), .node = node };
        return b->anchors[b->n_anchors++].name ? 0 : -ENOMEM;
}

static bool wants_key(const Builder *b) {
        return b->open && b->open->kind == YNODE_MAP && !b->key;
}

static int open_node(Builder *b, YNodeKind kind, const yaml_event_t *event, const yaml_char_t *anchor) {
        YNode *n = NULL;
        int r;

        if (wants_key(b))
                return refuse_at(b, &event->start_mark, "a key must be plain text");
        if (b->depth >= DEPTH_MAX)
                return refuse_at(b, &event->start_mark, "nested too deeply");
        r = add_node(b, kind, &event->start_mark, &n);
        if (r < 0)
                return r;
        b->open = n;
        b->depth++;
        return note_anchor(b, &event->start_mark, anchor, n);
}

/* Takes a member out of the open map. */
static void take_out(Builder *b, YNode *member) {
        HASH_DEL(b->open->index, member);
        DL_DELETE(b->open->first, member);
        LL_PREPEND(b->replaced, member);
}

/* Makes room in the open map for a member, whose value is added next. */
static int set_key(Builder *b, const char *key) {
        const YNode *before = ynode_get(b->open, key);

        if (before)
                take_out(b, (YNode *) before);
        b->key = strdup(key);
        return b->key ? 0 : -ENOMEM;
}

/* Adds a copy of an alias's value. Recurses as deep as the tree, which has a ceiling. */
static int copy_node(Builder *b, const YNode *from, const yaml_mark_t *mark) {
        YNode *n = NULL;
        int r;

        if (b->depth >= DEPTH_MAX)
                return refuse_at(b, mark, "nested too deeply");
        b->copied += strlen(strempty(from->text)) + strlen(strempty(b->key));
        if (b->copied > COPIED_MAX)
                return refuse_at(b, mark, "aliases copy too much text");
        r = add_node(b, from->kind, mark, &n);
        if (r < 0)
                return r;
        n->plain = from->plain;
        n->key_line = n->line;
        n->closed = true;
        if (from->kind == YNODE_SCALAR) {
                n->text = strdup(from->text);
                return n->text ? 0 : -ENOMEM;
        }

        b->open = n;
        b->depth++;
        YNODE_FOREACH(m, from) {
                if (m->key) {
                        b->key = strdup(m->key);
                        if (!b->key)
                                return -ENOMEM;
                }
                r = copy_node(b, m, mark);
                if (r < 0)
                        return r;
        }
        b->open = n->parent;
        b->depth--;
        return 0;
}

/* Lays the members of a map over those of the open one. */
static int merge_map(Builder *b, const YNode *from, const yaml_mark_t *mark) {
        int r = 0;

        if (from->kind != YNODE_MAP)
                return refuse_at(b, mark, "what << merges must be a map");
        for (const YNode *m = from->first; m && r >= 0; m = m->next)
                r = set_key(b, m->key) ?: copy_node(b, m, mark);
        return r;
}

/* Lays the value of "<<", a map or a list of maps, over the open map. Of a list the first counts most. */
static int merge_value(Builder *b, YNode *value, const yaml_mark_t *mark) {
        int r = 0;

        take_out(b, value);
        if (value->kind != YNODE_LIST)
                return merge_map(b, value, mark);
        for (const YNode *m = ynode_last(value); m && r >= 0; m = ynode_previous(m))
                r = merge_map(b, m, mark);
        return r;
}

static int close_node(Builder *b, const yaml_event_t *event) {
        YNode *n = b->open;

        n->closed = event->end_mark.index > event->start_mark.index; /* a bracket */
        b->open = n->parent;
        b->depth--;
        return n->merges ? merge_value(b, n, &event->start_mark) : 0;
}

/* Takes a key: a text where it stands, or by an alias. */
static int take_key(Builder *b, const yaml_event_t *event, const char *text, bool merges) {
        const YNode *before = ynode_get(b->open, text);

        b->merges = merges;
        b->earlier_line = before && !merges ? before->key_line : 0;
        b->key_line = (unsigned) event->start_mark.line + 1;
        return set_key(b, text);
}

static int take_alias(Builder *b, const yaml_event_t *event) {
        const char *name = (const char *) event->data.alias.anchor;
        const yaml_mark_t *mark = &event->start_mark;
        const YNode *from = NULL;

        for (size_t i = b->n_anchors; i > 0 && !from; i--)
                if (streq(b->anchors[i - 1].name, name))
                        from = b->anchors[i - 1].node;
        if (!from)
                return refuse_at(b, mark, "an alias without an anchor");
        for (const YNode *n = b->open; n; n = n->parent)
                if (n == from)
                        return refuse_at(b, mark, "an alias inside its own anchor");
        if (wants_key(b) && from->kind != YNODE_SCALAR)
                return refuse_at(b, mark, "a key must be plain text");
        if (wants_key(b))
                return take_key(b, event, from->text, false);
        if (!b->merges)
                return copy_node(b, from, mark);

        b->merges = false;
        b->key = mfree(b->key);
        return merge_map(b, from, mark);
}

/* Keeps the anchor of a key, which is no node of the tree. */
static int note_key_anchor(Builder *b, const yaml_event_t *event) {
        YNode *n;

        if (!event->data.scalar.anchor)
                return 0;
        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;
        LL_PREPEND(b->replaced, n);
        n->plain = event->data.scalar.plain_implicit;
        n->text = strdup((const char *) event->data.scalar.value);
        return n->text ? note_anchor(b, &event->start_mark, event->data.scalar.anchor, n) : -ENOMEM;
}

/* Whether no more text could add to the scalar. */
static bool scalar_is_closed(const Builder *b, const yaml_event_t *event) {
        switch (event->data.scalar.style) {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
                return true;
        case YAML_LITERAL_SCALAR_STYLE:
        case YAML_FOLDED_SCALAR_STYLE:
                return false;
        default:
                return event->data.scalar.length > 0 && b->ends_line;
        }
}

static int take_scalar(Builder *b, const yaml_event_t *event) {
        const char *text = (const char *) event->data.scalar.value;
        bool plain =
                event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event->data.scalar.plain_implicit;
        YNode *n = NULL;
        int r;

        if (strlen(text) != event->data.scalar.length)
                return refuse_at(b, &event->start_mark, "a NUL byte in a text");
        if (wants_key(b))
                return note_key_anchor(b, event) ?: take_key(b, event, text, plain && streq(text, "<<"));
        if (b->merges)
                return refuse_at(b, &event->start_mark, "what << merges must be a map");

        r = add_node(b, YNODE_SCALAR, &event->start_mark, &n);
        if (r < 0)
                return r;
        n->plain = plain;
        n->closed = scalar_is_closed(b, event);
        n->text = strdup(text);
        return n->text ? note_anchor(b, &event->start_mark, event->data.scalar.anchor, n) : -ENOMEM;
}

/* Returns 1 if more events are to come, 0 at the end of the document. */
static int take_event(Builder *b, const yaml_event_t *event) {
        int r = 0;

        switch (event->type) {
        case YAML_SCALAR_EVENT:
                r = take_scalar(b, event);
                break;
        case YAML_MAPPING_START_EVENT:
                r = open_node(b, YNODE_MAP, event, event->data.mapping_start.anchor);
                break;
        case YAML_SEQUENCE_START_EVENT:
                r = open_node(b, YNODE_LIST, event, event->data.sequence_start.anchor);
                break;
        case YAML_MAPPING_END_EVENT:
        case YAML_SEQUENCE_END_EVENT:
                r = close_node(b, event);
                break;
        case YAML_ALIAS_EVENT:
                r = take_alias(b, event);
                break;
        case YAML_DOCUMENT_END_EVENT:
                b->root->closed = b->root->closed || !event->data.document_end.implicit;
                return 0;
        case YAML_STREAM_END_EVENT: {
                YNode *n = NULL;

                /* A stream without a document is null, as an empty document is. */
                r = add_node(b, YNODE_SCALAR, &event->start_mark, &n);
                if (r < 0)
                        return r;
                n->plain = true;
                return 0;
        }
        default:
                break;
        }
        return r < 0 ? r : 1;
}

/* Finds the line on which more than empty documents and comments stands behind the first document; 0 for none. */
static int find_rest(yaml_parser_t *parser, unsigned *ret) {
        for (;;) {
                yaml_event_t event;
                unsigned line;
                bool empty;

                if (!yaml_parser_parse(parser, &event)) {
                        *ret = (unsigned) parser->problem_mark.line + 1;
                        return parser->error == YAML_MEMORY_ERROR ? -ENOMEM : 0;
                }
                line = (unsigned) event.start_mark.line + 1;
                empty = event.type == YAML_DOCUMENT_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT ||
                        (event.type == YAML_SCALAR_EVENT && event.data.scalar.length == 0);
                if (event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT)
                        line = 0, empty = false;
                yaml_event_delete(&event);
                if (!empty) {
                        *ret = line;
                        return 0;
                }
        }
}

static void builder_done(Builder *b) {
        yaml_parser_delete(&b->parser);
        ynode_free(b->root);
        while (b->replaced) {
                YNode *n = b->replaced;

                LL_DELETE(b->replaced, n);
                ynode_free(n);
        }
        for (size_t i = 0; i < b->n_anchors; i++)
                free(b->anchors[i].name);
        free(b->key);
        free(b->detail);
}

/* Reads the first document of text, as goyaml does; an empty one is null. The text may be UTF-8 or, with a byte order
 * mark, UTF-16. -EBADMSG, or -ENODATA where the text ends in the middle, with "line N: why" in reterr_detail (may be
 * NULL), which quotes nothing of the text; -ENOMEM. */
int ynode_parse(const char *text, size_t size, YNode **ret, char **reterr_detail) {
        _cleanup_(builder_done) Builder b = { .ends_line = ytext_ends_line(text, size) };
        YText t = { .text = text, .size = size };
        int r;

        if (!yaml_parser_initialize(&b.parser))
                return -ENOMEM;
        yaml_parser_set_input(&b.parser, ytext_read, &t);

        r = ytext_has_many_tags(text, size) ? refuse_at(&b, &(yaml_mark_t){}, "too many %TAG directives")
                                            : 1;
        while (r > 0) {
                yaml_event_t event;

                if (!yaml_parser_parse(&b.parser, &event))
                        r = refuse_syntax(&b);
                else {
                        r = take_event(&b, &event);
                        yaml_event_delete(&event);
                }
        }

        if (r < 0) {
                if (reterr_detail && b.detail)
                        *reterr_detail = TAKE_PTR(b.detail);
                return r;
        }
        r = find_rest(&b.parser, &b.root->other_line);
        if (r < 0)
                return r;
        b.root->closed = b.root->closed || b.root->other_line > 0;
        *ret = TAKE_PTR(b.root);
        return 0;
}

bool ynode_is_map(const YNode *n) {
        return n && n->kind == YNODE_MAP;
}

bool ynode_is_list(const YNode *n) {
        return n && n->kind == YNODE_LIST;
}

/* Whether n is a scalar whose type YAML makes out of its text: neither quoted nor tagged. */
bool ynode_is_plain(const YNode *n) {
        return n && n->kind == YNODE_SCALAR && n->plain;
}

/* Whether n is an empty plain scalar, "~" or "null". An absent node (NULL) is not null. */
bool ynode_is_null(const YNode *n) {
        return ynode_is_plain(n) && is_null_text(strempty(n->text));
}

/* The member of that name; NULL if it is absent, or if map is no map or NULL. */
const YNode *ynode_get(const YNode *map, const char *key) {
        const YNode *member = NULL;

        if (ynode_is_map(map))
                HASH_FIND_STR(map->index, key, member);
        return member;
}

const YNode *ynode_first(const YNode *n) {
        return n ? n->first : NULL;
}

const YNode *ynode_next(const YNode *n) {
        return n->next;
}

/* Both give NULL where there is none. */
const YNode *ynode_last(const YNode *n) {
        return n && n->first ? n->first->prev : NULL;
}

const YNode *ynode_previous(const YNode *n) {
        return n->parent->first == n ? NULL : n->prev;
}

/* The name of a member of a map; NULL for anything else. */
const char *ynode_key(const YNode *member) {
        return member->key;
}

/* The text of a scalar, quoted or not: numbers and booleans as they were written. NULL if n is null, a map
 * or a list, or NULL. */
const char *ynode_string(const YNode *n) {
        return n && n->kind == YNODE_SCALAR && !ynode_is_null(n) ? n->text : NULL;
}

/* The line on which n (its value, not its key) begins, counted from 1; 0 for NULL. */
unsigned ynode_line(const YNode *n) {
        return n ? n->line : 0;
}

/* The line of the key of a member; where an alias brought it, of the alias. */
unsigned ynode_key_line(const YNode *member) {
        return member->key_line;
}

/* Where the key of a member was given before: the line, or 0. The former value is in the tree no more. */
unsigned ynode_earlier_line(const YNode *member) {
        return member->parent ? member->other_line : 0;
}

/* The line on which something stands behind the document that was read; 0 if nothing does. */
unsigned ynode_rest_line(const YNode *root) {
        return root->other_line;
}

/* Whether more text could still add to n: nothing follows it, and nothing closes it or what it is in. */
bool ynode_is_last(const YNode *n) {
        for (; n; n = n->parent)
                if (n->next || n->closed)
                        return false;
        return true;
}
