/* SPDX-License-Identifier: Apache-2.0 */

/* A watch brings one JSON value after the other, a list one value that holds them all; both arrive in pieces
 * that end anywhere, and either may be a hundred times as large as what we are willing to keep. So the
 * scanner walks the outermost levels byte by byte, and passes over what lies deeper in one go, by
 * kube_skip(). It keeps an object's text from the first brace until it has read the metadata; then it asks
 * its owner whether the object is wanted, and if not, does not even copy the rest.
 *
 * The API server writes the metadata before spec and status, but the scanner does not rely on that: it keeps
 * an object whose metadata come last for so long. Nor does it rely on the line end behind each value of a
 * watch.
 *
 * One object that is too large, or whose metadata are malformed, does not end the stream while its braces
 * match: the frame then has the fault, and as much of the brief as could be read. Of an object over the
 * ceiling no more than the metadata are kept. */

#include "kube/scanner.h"

#include <stdio.h>

#include "base/limits.h"
#include "kube/skim.h"

/* The metadata of a list: a continue token is some 300 bytes. */
#define LIST_META_MAX KIB(64)
/* An object that does not end within so many times the ceiling, be it wanted or not, is no object: a quote or
 * a brace is missing, and the scanner would pass over all that comes behind it. */
#define OBJECT_ENDS_WITHIN 4
/* Memory that is kept from one object to the next. */
#define TEXT_KEPT KIB(64)

#define BRIEF_EMPTY                                                                                         \
        ((KubeBrief){ .namespace = "",                                                                      \
                      .name = "",                                                                           \
                      .uid = "",                                                                            \
                      .resource_version = "",                                                               \
                      .owner_kind = "",                                                                     \
                      .owner_name = "",                                                                     \
                      .owner_uid = "" })

enum {
        LEVEL_TOP,
        LEVEL_OUTER, /* in a frame of a watch, or in the list */
        LEVEL_ITEMS,
        LEVEL_OBJECT,
};

enum {
        STATE_START,
        STATE_FIRST_KEY,
        STATE_KEY,
        STATE_IN_KEY,
        STATE_COLON,
        STATE_MEMBER,   /* before its value */
        STATE_IN_VALUE, /* of the kind below */
        STATE_NEXT,
        STATE_FIRST_ITEM,
        STATE_ITEM,
        STATE_NEXT_ITEM,
        STATE_DONE,
};

enum {
        VALUE_CONTAINER,
        VALUE_TEXT,
        VALUE_SCALAR,
};

enum {
        MEMBER_OTHER,
        MEMBER_TYPE,
        MEMBER_OBJECT,
        MEMBER_METADATA,
        MEMBER_ITEMS,
};

static const char *const frame_type_table[_KUBE_FRAME_TYPE_MAX] = {
        [KUBE_FRAME_ITEM] = "ITEM",         [KUBE_FRAME_ADDED] = "ADDED",
        [KUBE_FRAME_MODIFIED] = "MODIFIED", [KUBE_FRAME_DELETED] = "DELETED",
        [KUBE_FRAME_BOOKMARK] = "BOOKMARK", [KUBE_FRAME_ERROR] = "ERROR",
};

/* The type of a frame as the API writes it. ITEM is our own word and not among them. */
static KubeFrameType frame_type_from_string(const char *s) {
        for (int i = KUBE_FRAME_ITEM + 1; i < _KUBE_FRAME_TYPE_MAX; i++)
                if (streq(frame_type_table[i], s))
                        return i;
        return _KUBE_FRAME_TYPE_INVALID;
}

/* object_limit: bytes of one object, of what is kept of it. ops outlives s. */
void kube_scanner_init(KubeScanner *s, const KubeScannerOps *ops, size_t object_limit) {
        assert(ops->on_frame && object_limit > 0);

        *s = (KubeScanner){
                .ops = ops,
                .text = BUFFER_INIT(object_limit),
                .outer = BUFFER_INIT(LIST_META_MAX),
                .brief_text = BUFFER_INIT(object_limit),
        };
        kube_scanner_reset(s, KUBE_SCAN_WATCH);
}

void kube_scanner_done(KubeScanner *s) {
        buffer_done(&s->text);
        buffer_done(&s->outer);
        buffer_done(&s->brief_text);
        s->labels = mfree(s->labels);
        s->n_labels_allocated = 0;
        s->resource_version = mfree(s->resource_version);
        s->continue_token = mfree(s->continue_token);
}

static void forget_bytes(Buffer *b) {
        if (b->allocated > TEXT_KEPT)
                buffer_done(b);
        else
                buffer_clear(b);
}

/* Ready for the next object. */
static void begin_frame(KubeScanner *s) {
        forget_bytes(&s->text);
        forget_bytes(&s->brief_text);
        s->brief = BRIEF_EMPTY;
        s->n_labels = 0;
        if (s->n_labels_allocated > LIMIT_MEMBERS) {
                s->labels = mfree(s->labels);
                s->n_labels_allocated = 0;
        }
        s->type = s->mode == KUBE_SCAN_LIST ? KUBE_FRAME_ITEM : _KUBE_FRAME_TYPE_INVALID;
        s->keep = true;
        s->object_size = 0;
        s->fault[0] = '\0';
        s->oversize = s->decided = s->have_type = s->have_object = s->have_metadata = false;
}

/* Starts again, for the bytes of another answer. */
void kube_scanner_reset(KubeScanner *s, KubeScanMode mode) {
        s->mode = mode;
        s->error = 0;
        s->level = LEVEL_TOP;
        s->state = STATE_START;
        s->have_list_metadata = s->have_items = false;
        s->resource_version = mfree(s->resource_version);
        s->continue_token = mfree(s->continue_token);
        buffer_clear(&s->outer);
        begin_frame(s);
}

/* Decides, once metadata and type are known, whether to keep the rest of the object. */
static void decide_keep(KubeScanner *s) {
        switch (s->type) {
        case KUBE_FRAME_ITEM:
        case KUBE_FRAME_ADDED:
        case KUBE_FRAME_MODIFIED:
                /* An object without a name is handed on, for on_frame to decide. */
                if (s->ops->wanted && s->brief.name[0])
                        s->keep = s->ops->wanted(s, &s->brief);
                break;
        case KUBE_FRAME_DELETED:
        case KUBE_FRAME_BOOKMARK:
                s->keep = false;
                break;
        default: /* an ERROR; or a type that comes only after the object */
                return;
        }
        s->decided = true;
}

static bool is_of_object(KubeFrameType type) {
        return type != KUBE_FRAME_BOOKMARK && type != KUBE_FRAME_ERROR;
}

/* What is wrong with the frame, into s->fault. Where that is no object the reflector goes by what it says,
 * and the stream ends: -E2BIG, -EBADMSG. */
static int find_fault(KubeScanner *s) {
        if (!is_of_object(s->type)) {
                if (s->oversize)
                        return -E2BIG;
                return s->type == KUBE_FRAME_BOOKMARK && s->fault[0] ? -EBADMSG : 0;
        }

        if (s->brief.name[0] == '\0')
                s->brief.is_partial = true;
        if (s->oversize)
                snprintf(s->fault, sizeof(s->fault), "it has %zu bytes; at most %zu are read",
                         s->object_size, s->text.limit);
        else if (s->brief.name[0] == '\0' && s->fault[0] == '\0')
                snprintf(s->fault, sizeof(s->fault), "its metadata has no name");
        return 0;
}

static int emit_frame(KubeScanner *s) {
        bool whole;
        int r;

        r = find_fault(s);
        if (r < 0)
                return r;
        if (!s->decided)
                decide_keep(s);

        whole = s->keep && (s->fault[0] == '\0' || !is_of_object(s->type));
        return s->ops->on_frame(s, &(KubeFrame){
                                           .type = s->type,
                                           .brief = &s->brief,
                                           .wanted = s->keep,
                                           .text = whole ? s->text.data : NULL,
                                           .size = whole ? s->text.size : 0,
                                           .fault = s->fault[0] ? s->fault : NULL,
                                   });
}

static int end_of_frame(KubeScanner *s) {
        int r = 0;

        if (!s->have_type || !s->have_object)
                return -EBADMSG;
        /* A type that a later API may invent says nothing to us. */
        if (s->type >= 0)
                r = emit_frame(s);
        begin_frame(s);
        s->level = LEVEL_TOP;
        s->state = STATE_START;
        return r < 0 ? r : 0;
}

static int end_of_object(KubeScanner *s) {
        int r;

        s->have_object = true;
        if (s->mode == KUBE_SCAN_WATCH) {
                s->level = LEVEL_OUTER;
                s->state = STATE_NEXT;
                return 0;
        }

        r = emit_frame(s);
        begin_frame(s);
        s->level = LEVEL_ITEMS;
        s->state = STATE_NEXT_ITEM;
        return r < 0 ? r : 0;
}

/* A closing brace at one of the levels that are walked. */
static int end_of_level(KubeScanner *s) {
        if (s->level == LEVEL_OBJECT)
                return end_of_object(s);
        if (s->mode == KUBE_SCAN_WATCH)
                return end_of_frame(s);
        if (!s->have_items || !s->resource_version)
                return -EBADMSG;
        s->level = LEVEL_TOP;
        s->state = STATE_DONE;
        return 0;
}

static bool in_metadata(const KubeScanner *s) {
        return s->member == MEMBER_METADATA && s->state == STATE_IN_VALUE;
}

/* Adds bytes of the object to its text. Where they do not fit, the text is cut down to the metadata, of
 * which as much is kept as fits: how the bytes were cut into pieces makes no difference. */
static int keep_object_bytes(KubeScanner *s, const char *p, size_t size) {
        s->object_size += size;
        if (s->object_size / OBJECT_ENDS_WITHIN > s->text.limit)
                return -E2BIG;
        if (!s->keep)
                return 0;
        if (size > s->text.limit - s->text.size && !s->oversize) {
                s->oversize = true;
                if (in_metadata(s))
                        buffer_consume(&s->text, s->metadata_at);
                else
                        buffer_clear(&s->text);
                s->metadata_at = 0;
        }
        if (s->oversize && !in_metadata(s))
                return 0;
        return buffer_put(&s->text, p, MIN(size, s->text.limit - s->text.size));
}

static int begin_object(KubeScanner *s) {
        s->level = LEVEL_OBJECT;
        s->state = STATE_FIRST_KEY;
        return keep_object_bytes(s, "{", 1);
}

static bool key_is(const KubeScanner *s, const char *key) {
        return s->key_size == strlen(key) && memcmp(s->key, key, s->key_size) == 0;
}

static unsigned identify_member(const KubeScanner *s) {
        if (s->level == LEVEL_OBJECT)
                return key_is(s, "metadata") ? MEMBER_METADATA : MEMBER_OTHER;
        if (s->mode == KUBE_SCAN_LIST) {
                if (key_is(s, "metadata"))
                        return MEMBER_METADATA;
                return key_is(s, "items") ? MEMBER_ITEMS : MEMBER_OTHER;
        }
        if (key_is(s, "type"))
                return MEMBER_TYPE;
        return key_is(s, "object") ? MEMBER_OBJECT : MEMBER_OTHER;
}

static bool captures_value(const KubeScanner *s) {
        return s->level == LEVEL_OUTER && (s->member == MEMBER_TYPE || s->member == MEMBER_METADATA);
}

/* Adds bytes that were passed to the text that they belong to, if any. */
static int keep_bytes(KubeScanner *s, const char *p, size_t size) {
        if (s->level == LEVEL_OBJECT)
                return keep_object_bytes(s, p, size);
        return captures_value(s) ? buffer_put(&s->outer, p, size) : 0;
}

static int begin_plain_value(KubeScanner *s, char c) {
        if (c == '{' || c == '[') {
                s->value = VALUE_CONTAINER;
                s->skip = KUBE_SKIP_INIT;
        } else if (c == '"') {
                s->value = VALUE_TEXT;
                s->skip = (KubeSkip){};
        } else if (c == '-' || c == 't' || c == 'f' || c == 'n' || (c >= '0' && c <= '9'))
                s->value = VALUE_SCALAR;
        else
                return -EBADMSG;

        s->state = STATE_IN_VALUE;
        if (s->level == LEVEL_OBJECT) {
                if (s->member != MEMBER_METADATA)
                        return 0;
                if (s->oversize) {
                        buffer_clear(&s->text);
                        return buffer_putc(&s->text, c);
                }
                s->metadata_at = s->text.size - 1; /* c is there already */
                return 0;
        }
        buffer_clear(&s->outer);
        return keep_bytes(s, &c, 1);
}

static bool have_metadata(const KubeScanner *s) {
        return s->level == LEVEL_OBJECT ? s->have_metadata : s->have_list_metadata;
}

static int begin_value(KubeScanner *s, char c) {
        /* A member that we read must not be there twice, or two readers would see two things. */
        if ((s->member == MEMBER_TYPE && s->have_type) || (s->member == MEMBER_OBJECT && s->have_object) ||
            (s->member == MEMBER_ITEMS && s->have_items) ||
            (s->member == MEMBER_METADATA && have_metadata(s)))
                return -EBADMSG;

        switch (s->member) {
        case MEMBER_OBJECT:
                return c == '{' ? begin_object(s) : -EBADMSG;
        case MEMBER_ITEMS:
                s->have_items = true;
                if (c == '[') {
                        s->level = LEVEL_ITEMS;
                        s->state = STATE_FIRST_ITEM;
                        return 0;
                }
                return c == 'n' ? begin_plain_value(s, c) : -EBADMSG; /* null: none */
        case MEMBER_TYPE:
                return c == '"' ? begin_plain_value(s, c) : -EBADMSG;
        default:
                return begin_plain_value(s, c);
        }
}

/* The metadata of an object are there, whole unless they alone are over the ceiling. */
static int end_of_metadata(KubeScanner *s) {
        size_t size = s->text.size - s->metadata_at;
        int r;

        s->have_metadata = true;
        r = kube_skim_brief(s, s->text.data + s->metadata_at, size,
                            s->type < 0 || s->type == KUBE_FRAME_BOOKMARK);
        if (r < 0 && r != -EBADMSG)
                return r;
        s->brief.is_partial = r < 0 || size == s->text.limit;
        if (r < 0)
                snprintf(s->fault, sizeof(s->fault), "its metadata is malformed JSON");
        decide_keep(s);
        return 0;
}

static int end_of_value(KubeScanner *s) {
        s->state = STATE_NEXT;

        switch (s->member) {
        case MEMBER_TYPE:
                s->have_type = true;
                s->outer.data[s->outer.size - 1] = '\0';
                s->type = frame_type_from_string(s->outer.data + 1);
                return 0;
        case MEMBER_METADATA:
                if (s->level == LEVEL_OUTER) {
                        s->have_list_metadata = true;
                        return kube_skim_list(s, s->outer.data, s->outer.size);
                }
                return end_of_metadata(s);
        default:
                return 0;
        }
}

/* Passes over a text, as far as it has come. Returns where it ends, with *ret_ended, or end. */
static const char *pass_text(KubeScanner *s, const char *p, const char *end, bool *ret_ended) {
        for (; p < end; p++) {
                if (s->skip.escaped)
                        s->skip.escaped = false;
                else if (*p == '\\')
                        s->skip.escaped = true;
                else if (*p == '"') {
                        *ret_ended = true;
                        return p + 1;
                }
        }
        return p;
}

static bool ends_scalar(char c) {
        return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Passes over a value, as far as it has come. Returns how many bytes belong to it, or an error. */
static ssize_t pass_value(KubeScanner *s, const char *p, const char *end) {
        const char *q = p;
        bool ended = false;
        int r;

        switch (s->value) {
        case VALUE_CONTAINER:
                q = kube_skip(&s->skip, p, end);
                ended = s->skip.depth == 0;
                break;
        case VALUE_TEXT:
                q = pass_text(s, p, end, &ended);
                break;
        default:
                while (q < end && !ends_scalar(*q))
                        q++;
                ended = q < end;
        }

        r = keep_bytes(s, p, (size_t) (q - p));
        if (r >= 0 && ended)
                r = end_of_value(s);
        return r < 0 ? r : q - p;
}

static int begin_key(KubeScanner *s) {
        s->key_size = 0;
        s->skip = (KubeSkip){};
        s->state = STATE_IN_KEY;
        return 0;
}

static int step_in_key(KubeScanner *s, char c) {
        if (c == '"' && !s->skip.escaped) {
                s->state = STATE_COLON;
                return 0;
        }
        s->skip.escaped = c == '\\' && !s->skip.escaped;
        if (s->key_size < sizeof(s->key))
                s->key[s->key_size] = c;
        s->key_size++;
        return 0;
}

static int end_of_items(KubeScanner *s) {
        s->level = LEVEL_OUTER;
        s->state = STATE_NEXT;
        return 0;
}

/* One byte that is neither white space nor within a value. */
static int step_byte(KubeScanner *s, char c) {
        switch (s->state) {
        case STATE_START:
                if (c != '{')
                        return -EBADMSG;
                s->level = LEVEL_OUTER;
                s->state = STATE_FIRST_KEY;
                return 0;
        case STATE_FIRST_KEY:
                return c == '"' ? begin_key(s) : c == '}' ? end_of_level(s) : -EBADMSG;
        case STATE_KEY:
                return c == '"' ? begin_key(s) : -EBADMSG;
        case STATE_IN_KEY:
                return step_in_key(s, c);
        case STATE_COLON:
                s->member = identify_member(s);
                s->state = STATE_MEMBER;
                return c == ':' ? 0 : -EBADMSG;
        case STATE_MEMBER:
                return begin_value(s, c);
        case STATE_NEXT:
                if (c == ',')
                        s->state = STATE_KEY;
                return c == ',' ? 0 : c == '}' ? end_of_level(s) : -EBADMSG;
        case STATE_FIRST_ITEM:
                return c == '{' ? begin_object(s) : c == ']' ? end_of_items(s) : -EBADMSG;
        case STATE_ITEM:
                return c == '{' ? begin_object(s) : -EBADMSG;
        case STATE_NEXT_ITEM:
                if (c == ',')
                        s->state = STATE_ITEM;
                return c == ',' ? 0 : c == ']' ? end_of_items(s) : -EBADMSG;
        default: /* behind the end of a list */
                return -EBADMSG;
        }
}

/* One byte at a level that is walked. */
static int walk_byte(KubeScanner *s, char c) {
        bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        int r;

        if (s->level == LEVEL_OBJECT) {
                r = keep_object_bytes(s, &c, 1);
                if (r < 0)
                        return r;
        }
        return space && s->state != STATE_IN_KEY ? 0 : step_byte(s, c);
}

/* Takes the next bytes, and calls on_frame for each frame that they complete. The items of a list come as
 * they arrive; the list's own metadata are known when it is finished. Returns 0, or an error that stays
 * until the next reset: -EBADMSG if this is not JSON or not what the mode says, -E2BIG if an ERROR, a
 * BOOKMARK or the metadata of a list are over the ceiling or an object does not end, -ENOMEM, or what the
 * callback returned. */
int kube_scanner_feed(KubeScanner *s, const void *data, size_t size) {
        const char *p = data, *end = p + size;

        while (p < end && s->error == 0) {
                ssize_t n = 1;
                int r = 0;

                if (s->state == STATE_IN_VALUE) {
                        n = pass_value(s, p, end);
                        r = n < 0 ? (int) n : 0;
                } else
                        r = walk_byte(s, *p);

                if (r < 0)
                        s->error = r;
                else
                        p += n;
        }
        return s->error;
}

/* Says that no more bytes will come. -ENODATA if they ended within a value or before the end of a list; else
 * as above. */
int kube_scanner_finish(KubeScanner *s) {
        if (s->error == 0 && s->state != (s->mode == KUBE_SCAN_WATCH ? STATE_START : STATE_DONE))
                s->error = -ENODATA;
        return s->error;
}

const char *kube_scanner_resource_version(const KubeScanner *s) {
        return s->resource_version;
}

const char *kube_scanner_continue(const KubeScanner *s) {
        return s->continue_token;
}
