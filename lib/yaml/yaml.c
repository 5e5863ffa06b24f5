/* SPDX-License-Identifier: Apache-2.0 */

/* A tree is built from libyaml's events without recursion, under ceilings on depth and number of nodes. It
 * refuses what a configuration does not need and an attacker does: aliases (a few bytes grow to gigabytes),
 * keys that occur twice, keys that are not text, NUL in a text. As in kubectl and MicroShift, only the first
 * document of a stream is read.
 *
 * MicroShift's own configuration is read leniently, as MicroShift's Go library reads it: of equal keys the
 * last one counts, and an alias becomes a copy of its anchor's value, under ceilings of its own. */

#include "yaml/yaml.h"

#include <stdio.h>
#include <utlist.h>
#include <yaml.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"

#define DEPTH_MAX 32
/* libyaml compares each with all before it: a file of nothing else takes it half a minute. */
#define TAG_DIRECTIVES_MAX 16
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
        bool plain; /* a scalar without quotes and tag: its type follows from its text */
        unsigned line;
        char *key;  /* NULL for items of a list and for the root */
        char *text; /* of scalars */
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
        bool lenient;
        Anchor anchors[ANCHORS_MAX];
        size_t n_anchors;
        size_t copied;
        YNode *replaced; /* members whose key came again: an alias may still refer to them */
        YNode *root;
        YNode *open; /* the map or list that the next event belongs to */
        char *key;   /* whose value comes next */
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

/* Reports libyaml's own error. */
static int refuse_syntax(Builder *b) {
        const yaml_parser_t *p = &b->parser;
        char why[DETAIL_MAX];
        yaml_mark_t mark = p->problem_mark;

        if (p->error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        if (p->error == YAML_READER_ERROR)
                mark = p->mark;
        snprintf(why, sizeof(why), "%s%s%s", strempty(p->context), p->context ? ": " : "",
                 p->problem ?: "this is not YAML");
        return refuse_at(b, &mark, why);
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
        n->key = TAKE_PTR(b->key);
        n->parent = b->open;
        if (n->key && !ynode_get(b->open, n->key)) {
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
        if (!b->lenient || !name)
                return 0;
        if (b->n_anchors >= ANCHORS_MAX)
                return refuse_at(b, mark, "too many anchors");
        b->anchors[b->n_anchors] = (Anchor){ .name = strdup((const char *) name), .node = node };
        return b->anchors[b->n_anchors++].name ? 0 : -ENOMEM;
}

static int open_node(Builder *b, YNodeKind kind, const yaml_event_t *event, const yaml_char_t *anchor) {
        YNode *n = NULL;
        int r;

        if (b->open && b->open->kind == YNODE_MAP && !b->key)
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

static void close_node(Builder *b) {
        b->open = b->open->parent;
        b->depth--;
}

/* Adds a copy of an alias's value. Recurses as deep as the tree, which has a ceiling. */
static int copy_node(Builder *b, const YNode *from, const yaml_mark_t *mark) {
        YNode *n;
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
        close_node(b);
        return 0;
}

static int take_alias(Builder *b, const yaml_event_t *event) {
        const char *name = (const char *) event->data.alias.anchor;
        const YNode *from = NULL;

        if (!b->lenient)
                return refuse_at(b, &event->start_mark, "aliases (*NAME) are not supported");
        if (b->open && b->open->kind == YNODE_MAP && !b->key)
                return refuse_at(b, &event->start_mark, "a key must be plain text");
        for (size_t i = b->n_anchors; i > 0 && !from; i--)
                if (streq(b->anchors[i - 1].name, name))
                        from = b->anchors[i - 1].node;
        if (!from)
                return refuse_at(b, &event->start_mark, "an alias without an anchor");
        for (const YNode *n = b->open; n; n = n->parent)
                if (n == from)
                        return refuse_at(b, &event->start_mark, "an alias inside its own anchor");
        return copy_node(b, from, &event->start_mark);
}

/* Takes a member out of the open map. */
static void replace_member(Builder *b, YNode *member) {
        HASH_DEL(b->open->index, member);
        DL_DELETE(b->open->first, member);
        LL_PREPEND(b->replaced, member);
}

static int take_key(Builder *b, const yaml_event_t *event, const char *text) {
        const YNode *before = ynode_get(b->open, text);
        char why[DETAIL_MAX];

        if (before && b->lenient) {
                if (!streq(text, "<<"))
                        replace_member(b, (YNode *) before);
        } else if (before) {
                snprintf(why, sizeof(why), "key \"%.64s\" was given already, on line %u", text,
                         before->line);
                return refuse_at(b, &event->start_mark, why);
        }
        b->key = strdup(text);
        return b->key ? 0 : -ENOMEM;
}

static int take_scalar(Builder *b, const yaml_event_t *event) {
        const char *text = (const char *) event->data.scalar.value;
        YNode *n;
        int r;

        if (strlen(text) != event->data.scalar.length)
                return refuse_at(b, &event->start_mark, "a NUL byte in a text");
        if (b->open && b->open->kind == YNODE_MAP && !b->key)
                return take_key(b, event, text);

        r = add_node(b, YNODE_SCALAR, &event->start_mark, &n);
        if (r < 0)
                return r;
        n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event->data.scalar.plain_implicit;
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
                close_node(b);
                break;
        case YAML_ALIAS_EVENT:
                r = take_alias(b, event);
                break;
        case YAML_DOCUMENT_END_EVENT:
                return 0;
        case YAML_STREAM_END_EVENT: {
                YNode *n;

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

/* Counted wherever they stand: no real file has so many of them. */
static bool has_many_tag_directives(const char *text, size_t size) {
        const char *end = text + size;

        for (unsigned n = 0; (text = memmem(text, (size_t) (end - text), "%TAG", 4)); text += 4)
                if (++n > TAG_DIRECTIVES_MAX)
                        return true;
        return false;
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

static int parse_document(const char *text, size_t size, bool lenient, YNode **ret, char **reterr_detail) {
        _cleanup_(builder_done) Builder b = { .lenient = lenient };
        int r;

        if (!yaml_parser_initialize(&b.parser))
                return -ENOMEM;
        yaml_parser_set_input_string(&b.parser, (const unsigned char *) text, size);
        yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);

        r = has_many_tag_directives(text, size) ? refuse_at(&b, &(yaml_mark_t){}, "too many %TAG directives")
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
        *ret = TAKE_PTR(b.root);
        return 0;
}

/* Reads the first document of text; an empty one is null. -EBADMSG with "line N: why" in reterr_detail (may
 * be NULL), -ENOMEM. */
int ynode_parse(const char *text, size_t size, YNode **ret, char **reterr_detail) {
        return parse_document(text, size, false, ret, reterr_detail);
}

/* As ynode_parse(), but of equal keys the last one counts and aliases are followed. The key "<<" is a key
 * like others, save that one map may have several of them: ynode_get() gives the first. */
int ynode_parse_lenient(const char *text, size_t size, YNode **ret, char **reterr_detail) {
        return parse_document(text, size, true, ret, reterr_detail);
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
