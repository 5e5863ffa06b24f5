/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"
#include "kube/skip.h"

/* Cuts the bytes of a watch or of a list page into single objects, in whatever pieces the bytes come, and
 * drops unwanted objects before they are parsed. Memory is that of one object. */

typedef enum KubeScanMode {
        KUBE_SCAN_WATCH, /* {"type":"ADDED","object":{…}} one behind the other */
        KUBE_SCAN_LIST,  /* {"kind":"PodList","metadata":{…},"items":[{…},…]}, once */
} KubeScanMode;

typedef enum KubeFrameType {
        KUBE_FRAME_ITEM, /* of a list */
        KUBE_FRAME_ADDED,
        KUBE_FRAME_MODIFIED,
        KUBE_FRAME_DELETED,
        KUBE_FRAME_BOOKMARK,
        KUBE_FRAME_ERROR, /* the object is a Status */
        _KUBE_FRAME_TYPE_MAX,
        _KUBE_FRAME_TYPE_INVALID = -EINVAL,
} KubeFrameType;

/* What is read of an object's metadata before it is parsed. Texts live as long as the call that hands them
 * out; a missing one is "". */
typedef struct KubeBrief {
        const char *namespace;
        const char *name;
        const char *uid;
        const char *resource_version;
        const char *owner_kind; /* of the controlling owner */
        const char *owner_name;
        const char *owner_uid;
        char *const *labels;     /* "key=value" in the order of the object, ends with NULL; may be NULL */
        bool is_partial;         /* the metadata could be read in part: labels and owner are not known, nor
                                    is what is "" */
        bool initial_events_end; /* the bookmark that ends the initial events of a WatchList */
} KubeBrief;

static inline bool brief_may_be_in(const KubeBrief *b, const char *namespace) {
        return streq_ptr(b->namespace, namespace) || (b->is_partial && b->namespace[0] == '\0');
}

typedef struct KubeFrame {
        KubeFrameType type;
        const KubeBrief *brief;
        bool wanted; /* ADDED, MODIFIED, ITEM: whether its owner wants it; ERROR: true */
        char *text;  /* of the object where it is wanted and has no fault, else NULL; no more is known than
                        that its braces match */
        size_t size;
        const char *fault; /* why the object, or its metadata, cannot be read; else NULL */
} KubeFrame;

typedef struct KubeScanner KubeScanner;

typedef struct KubeScannerOps {
        /* Whether the owner wants the object: asked once per ADDED, MODIFIED and ITEM that has a name. NULL:
         * it wants all. */
        bool (*wanted)(KubeScanner *s, const KubeBrief *brief);
        /* A frame is complete; on_frame may change the text in place. Below 0: scanning ends with that
         * error. Must not feed, reset or end s. */
        int (*on_frame)(KubeScanner *s, const KubeFrame *frame);
} KubeScannerOps;

/* Embedded in its owner, which callbacks find by container_of(). The members are private. */
struct KubeScanner {
        const KubeScannerOps *ops;
        KubeScanMode mode;
        int error;

        unsigned level;
        unsigned state;
        unsigned member; /* whose value is being read */
        unsigned value;  /* its kind */
        KubeSkip skip;
        char key[16];
        size_t key_size; /* also counts what did not fit */

        Buffer text;        /* of the object, while it is kept */
        Buffer outer;       /* a value of the outermost object that matters */
        Buffer brief_text;  /* what brief points to */
        size_t metadata_at; /* in text */
        size_t object_size; /* so far, of which text may keep less */
        char fault[96];     /* "" where there is none */
        char **labels;
        size_t n_labels, n_labels_allocated;
        KubeBrief brief;

        int type; /* KubeFrameType; none yet where below 0 */
        bool keep;
        bool oversize; /* the object is over the ceiling: text keeps at most its metadata */
        bool decided;
        bool have_type, have_object, have_metadata, have_list_metadata, have_items;

        char *resource_version;
        char *continue_token;
};

void kube_scanner_init(KubeScanner *s, const KubeScannerOps *ops, size_t object_limit);
void kube_scanner_done(KubeScanner *s);
void kube_scanner_reset(KubeScanner *s, KubeScanMode mode);
int kube_scanner_feed(KubeScanner *s, const void *data, size_t size);
int kube_scanner_finish(KubeScanner *s);

/* Of a finished list. The token is NULL on the last page. */
const char *kube_scanner_resource_version(const KubeScanner *s);
const char *kube_scanner_continue(const KubeScanner *s);
