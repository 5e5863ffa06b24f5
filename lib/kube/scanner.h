/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"

/* Cuts the bytes of a watch or of a list page into single objects, however the bytes come, and drops what
 * nobody wants before it is parsed. Memory is that of one object. */

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

/* What is read of an object before it is parsed, out of its metadata. Texts live as long as the call that
 * hands them out; what is absent is "". */
typedef struct KubeBrief {
        const char *namespace;
        const char *name;
        const char *uid;
        const char *resource_version;
        const char *owner_kind; /* of the controlling owner */
        const char *owner_name;
        const char *owner_uid;
        char *const *labels;     /* "key=value" in the order of the object, ends with NULL */
        bool initial_events_end; /* the bookmark that ends the initial events of a WatchList */
} KubeBrief;

typedef struct KubeFrame {
        KubeFrameType type;
        bool wanted;      /* else there is no text */
        const char *text; /* of the object, not checked beyond its braces; NUL behind it */
        size_t size;
        const KubeBrief *brief;
} KubeFrame;

typedef struct KubeScanner KubeScanner;

typedef struct KubeScannerOps {
        /* Asked once per ADDED, MODIFIED and ITEM. NULL: all are wanted. */
        bool (*wanted)(KubeScanner *s, const KubeBrief *brief);
        /* A frame is complete. Below 0: scanning ends with that error. Must not feed, reset or end s. */
        int (*on_frame)(KubeScanner *s, const KubeFrame *frame);
} KubeScannerOps;

/* Embedded in its owner, which is found again by container_of(); the members are the scanner's own. */
struct KubeScanner {
        const KubeScannerOps *ops;
        KubeScanMode mode;
        int error; /* sticky until the next reset */

        struct {
                uint8_t state;
                uint8_t member;
        } levels[4];
        uint8_t level;      /* the one that the next byte belongs to */
        uint8_t value;      /* how a value that is being passed over ends */
        bool escaped;       /* the last byte was a backslash inside of a string */
        bool in_string;     /* inside of a container that is being passed over */
        uint64_t depth;     /* of it */
        size_t value_start; /* in text or outer, where the value is kept */

        Buffer key;   /* of a member, and short values of the outermost object */
        Buffer text;  /* of the object */
        Buffer outer; /* ListMeta */
        Buffer brief_text;
        KubeBrief brief;
        char **labels;
        size_t n_labels_allocated;

        int type; /* KubeFrameType, or none yet */
        bool keep;
        bool have_object;
        bool have_brief;
        bool have_items;
        bool finished;
        char *resource_version;
        char *continue_token;
        int64_t remaining;
};

void kube_scanner_init(KubeScanner *s, const KubeScannerOps *ops, size_t object_limit);
void kube_scanner_done(KubeScanner *s);
void kube_scanner_reset(KubeScanner *s, KubeScanMode mode);
int kube_scanner_feed(KubeScanner *s, const void *data, size_t size);
int kube_scanner_finish(KubeScanner *s);

/* Of a list that is finished. The token is NULL on the last page; remaining is -1 where it was not told. */
const char *kube_scanner_resource_version(const KubeScanner *s);
const char *kube_scanner_continue(const KubeScanner *s);
int64_t kube_scanner_remaining(const KubeScanner *s);

const char *kube_brief_label(const KubeBrief *brief, const char *key);
const char *kube_frame_type_to_string(KubeFrameType type);
KubeFrameType kube_frame_type_from_string(const char *s);
