/* SPDX-License-Identifier: Apache-2.0 */

/* From frames of the scanner to objects for the sink. */

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "kube/object-internal.h"
#include "kube/prune.h"
#include "kube/reflector-internal.h"

static bool on_wanted(KubeScanner *s, const KubeBrief *brief) {
        Reflector *r = container_of(s, Reflector, scanner);

        return !r->sink->ops->wanted || r->sink->ops->wanted(r->sink, brief);
}

/* Replaces each \u0000 of a JSON text by a blank. A container's last message may contain one, which no text
 * of ours can, and its pod must not be lost for that. */
static void blank_nul_escapes(char *text, size_t size) {
        char *end = text + size;

        for (char *p = text; (p = memchr(p, '\\', (size_t) (end - p))) && end - p >= 6;) {
                if (memcmp(p, "\\u0000", 6) == 0)
                        memcpy(p, "\\u0020", 6);
                p += 2;
        }
}

/* Reads the object of a frame. -EBADMSG or -E2BIG where it cannot be read: fault then says why. -ENOMEM. */
static int parse_object(const KubeQuery *q, const KubeFrame *frame, KubeObject **ret, char *fault,
                        size_t fault_size) {
        _cleanup_(kube_object_freep) KubeObject *o = NULL;
        _cleanup_(jv_freep) JsonValue *json = NULL;
        size_t size = frame->size;
        int k;

        snprintf(fault, fault_size, "it is malformed JSON");
        k = kube_prune(q->resource->kind, frame->text, &size);
        if (k < 0)
                return k;
        k = jv_parse(frame->text, size, &json);
        if (k == -EBADMSG && memmem(frame->text, size, "\\u0000", 6)) {
                blank_nul_escapes(frame->text, size);
                k = jv_parse(frame->text, size, &json);
        }
        if (k == -E2BIG)
                snprintf(fault, fault_size, "it has more than %zu values, or more than %d levels",
                         LIMIT_JSON_VALUES, JSON_DEPTH_MAX);
        if (k < 0)
                return k;
        k = kube_object_parse(q->resource->kind, json, &o, fault, fault_size);
        if (k >= 0 && q->kept_field)
                k = kube_object_keep_field(o, json, q->kept_field);
        if (k < 0)
                return k;

        *ret = TAKE_PTR(o);
        return 0;
}

/* An object that cannot be read costs those who look at it, and not the stream. */
static int make_object(const KubeQuery *q, const KubeFrame *frame, KubeObject **ret) {
        KubeKind kind = q->resource->kind;
        char fault[128];
        int k;

        if (frame->fault)
                return kube_object_unreadable(kind, frame->brief, frame->fault, ret);
        k = parse_object(q, frame, ret, fault, sizeof(fault));
        if (k == -EBADMSG || k == -E2BIG)
                return kube_object_unreadable(kind, frame->brief, fault, ret);
        return k;
}

static int hand_over(Reflector *r, const KubeFrame *frame) {
        KubeObject *o = NULL;
        int k;

        k = make_object(&r->query, frame, &o);
        if (k < 0)
                return k;
        k = r->sink->ops->object(r->sink, o, r->state == REFLECTOR_LISTING);
        return k < 0 ? k : 0;
}

static bool is_named(KubeKind kind, const KubeBrief *b) {
        return b->name[0] && (!b->is_partial || b->namespace[0] || kind == KUBE_NODE);
}

static int on_object(Reflector *r, const KubeFrame *frame) {
        const KubeBrief *b = frame->brief;

        /* Which object is changed or gone is not known: any may be. */
        if (!is_named(r->query.resource->kind, b))
                return on_wanted(&r->scanner, b) ? hand_over(r, frame) : 0;
        if (frame->wanted && frame->type != KUBE_FRAME_DELETED)
                return hand_over(r, frame);

        /* An unwanted object of a listing goes with all others that are not in it. */
        if (r->state != REFLECTOR_LISTING || frame->type == KUBE_FRAME_MODIFIED ||
            frame->type == KUBE_FRAME_DELETED)
                r->sink->ops->deleted(r->sink, b->namespace, b->name, b->uid);
        return 0;
}

static int go_on_from(Reflector *r, const char *version) {
        int k = free_and_strdup(&r->resource_version, version);

        if (k > 0) {
                r->news = true;
                r->fruitless = 0;
        }
        return MIN(k, 0);
}

static int on_bookmark(Reflector *r, const KubeBrief *b) {
        int k;

        /* Before the initial events have ended a bookmark is nothing to go on from. */
        if (r->state == REFLECTOR_LISTING && !b->initial_events_end)
                return 0;
        if (isempty(b->resource_version))
                return r->state == REFLECTOR_LISTING ? -EBADMSG : 0;

        k = go_on_from(r, b->resource_version);
        if (k < 0)
                return k;
        if (r->state == REFLECTOR_LISTING)
                reflector_watch_list_complete(r);
        return 0;
}

/* The version of an event counts only once the sink has the object. */
static int advance_version(Reflector *r, const KubeBrief *b) {
        if (r->state == REFLECTOR_LISTING || isempty(b->resource_version) ||
            strlen(b->resource_version) > NAME_SIZE_MAX)
                return 0;
        return go_on_from(r, b->resource_version);
}

static int on_frame(KubeScanner *s, const KubeFrame *frame) {
        Reflector *r = container_of(s, Reflector, scanner);
        int k;

        r->stats.frames++;
        if (frame->type == KUBE_FRAME_ERROR) {
                kube_refusal_done(&r->refusal);
                kube_refusal_read(&r->refusal, 0, 0, frame->text, frame->size);
                return -ECANCELED;
        }

        r->frames = true;
        r->initial = frame->type == KUBE_FRAME_ADDED;
        if (frame->type == KUBE_FRAME_BOOKMARK)
                return on_bookmark(r, frame->brief);
        k = on_object(r, frame);
        return k < 0 ? k : advance_version(r, frame->brief);
}

const KubeScannerOps reflector_scanner_ops = {
        .wanted = on_wanted,
        .on_frame = on_frame,
};
