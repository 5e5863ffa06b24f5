/* SPDX-License-Identifier: Apache-2.0 */

/* What is kept of an object that cannot be read, so that those who look at it learn of that: what the scanner
 * found in its metadata. It is an object of its kind like any other, with nothing in it. */

#include <stdio.h>

#include "base/string-util.h"
#include "base/strv.h"
#include "kube/object-internal.h"

/* Labels are kept to tell who looks at the object. Those of a thousand labels, as Kubernetes limits each, are
 * 300 KiB, but real ones have 1 KiB. */
#define LABELS_SIZE_MAX ((size_t) 64 << 10)

static size_t labels_size(char *const *labels) {
        size_t size = 0;

        STRV_FOREACH(label, labels)
                size += strlen(*label) + 1 + sizeof(char *);
        return size;
}

static char *const *copy_labels(Arena *a, char *const *labels) {
        char **copy = arena_alloc(a, 1, (strv_length(labels) + 1) * sizeof(char *));
        size_t i = 0;

        STRV_FOREACH(label, labels) {
                char *text = arena_alloc(a, 1, strlen(*label) + 1);

                if (!copy)
                        continue;
                memcpy(text, *label, strlen(*label));
                copy[i++] = text;
        }
        if (copy)
                strv_sort(copy);
        return copy;
}

static const char *read_identity(Arena *a, const char *s, bool *partial) {
        if (strlen(s) <= NAME_SIZE_MAX && utf8_is_valid(s, strlen(s)))
                return arena_string(a, s) ?: "";
        *partial = true;
        return "";
}

static void read_brief(Arena *a, const KubeBrief *b, const char *why, KubeObject *o) {
        o->is_partial = b->is_partial || labels_size(b->labels) > LABELS_SIZE_MAX;
        o->namespace = read_identity(a, b->namespace, &o->is_partial);
        o->name = read_identity(a, b->name, &o->is_partial);
        o->uid = read_identity(a, b->uid, &o->is_partial);
        o->resource_version = read_identity(a, b->resource_version, &o->is_partial);
        /* A name alone does not tell which object it is. */
        if (o->is_partial && o->kind != KUBE_NODE && isempty(o->namespace))
                o->name = "";
        o->unreadable = arena_string(a, why) ?: "";
        if (o->is_partial)
                return;

        o->owner_kind = arena_word(a, b->owner_kind);
        o->owner_name = arena_string(a, b->owner_name);
        o->owner_uid = arena_string(a, b->owner_uid);
        o->labels = copy_labels(a, b->labels);
}

/* An object of which no more is known than its brief, because of what why says ("it has ..."). The name is ""
 * where it is not known which object it is. -ENOMEM. */
int kube_object_unreadable(KubeKind kind, const KubeBrief *brief, const char *why, KubeObject **ret) {
        Arena sizes = {}, arena = {};
        KubeObject scratch = { .kind = kind }, *o;

        assert(kind >= 0 && kind < _KUBE_KIND_MAX);

        arena_alloc(&sizes, 1, kube_object_sizes[kind]);
        read_brief(&sizes, brief, why, &scratch);

        arena.size = sizes.used;
        arena.base = calloc(1, arena.size);
        if (!arena.base)
                return -ENOMEM;

        o = arena_alloc(&arena, 1, kube_object_sizes[kind]);
        o->kind = kind;
        read_brief(&arena, brief, why, o);
        assert(arena.error == 0);

        *ret = o;
        return 0;
}
