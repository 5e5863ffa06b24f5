/* SPDX-License-Identifier: Apache-2.0 */

/* A pod has some thirty texts; a block of memory for each would cost more in headers than the texts
 * themselves. So an object is one block. To find its size, the object is first filled into nothing, which
 * costs a second walk over the tree and no more: making the tree takes ten times as long. */

#include "kube/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"

/* The cluster's own words, shared between all objects. */
static const char *const words[] = {
        "Completed",
        "ContainerCreating",
        "ContainersReady",
        "CrashLoopBackOff",
        "DaemonSet",
        "DiskPressure",
        "Error",
        "Failed",
        "ImagePullBackOff",
        "Initialized",
        "Job",
        "MemoryPressure",
        "NetworkUnavailable",
        "Node",
        "PIDPressure",
        "Pending",
        "Pod",
        "PodReadyToStartContainers",
        "PodScheduled",
        "Ready",
        "ReplicaSet",
        "Running",
        "StatefulSet",
        "Succeeded",
        "Unknown",
};

static size_t arena_take(Arena *a, size_t size, size_t align) {
        size_t at = (a->used + align - 1) & ~(align - 1);

        if (a->base)
                assert(at <= a->size && size <= a->size - at);
        a->used = at + size;
        return at;
}

/* Sets the error and what is wrong, unless something was before. */
void arena_refuse(Arena *a, int error, const char *format, ...) {
        va_list ap;

        if (a->error < 0)
                return;
        a->error = error;
        va_start(ap, format);
        (void) vsnprintf(a->fault, sizeof(a->fault), format, ap);
        va_end(ap);
}

/* Whether so many are read; else -E2BIG becomes the error. */
bool arena_admits(Arena *a, size_t n, const char *what) {
        if (n > LIMIT_MEMBERS)
                arena_refuse(a, -E2BIG, "it has %zu %s; at most %d are read", n, what, LIMIT_MEMBERS);
        return a->error >= 0;
}

/* Zeroed room for count elements of size bytes each, aligned for all types used here. NULL while only sizes
 * are added up, if count is 0, and after an error. arena_admits() tells better what there is too much of. */
void *arena_alloc(Arena *a, size_t count, size_t size) {
        size_t at;

        if (count > LIMIT_MEMBERS + 1) /* with a NULL at the end */
                arena_refuse(a, -E2BIG, "it has a list of %zu; at most %d are read", count, LIMIT_MEMBERS);
        if (a->error < 0 || count == 0)
                return NULL;

        at = arena_take(a, count * size, _Alignof(max_align_t) < 8 ? _Alignof(max_align_t) : 8);
        return a->base ? a->base + at : NULL;
}

/* A copy of s, cut to LIMIT_MESSAGE bytes between two characters. NULL and "" give NULL. */
const char *arena_string(Arena *a, const char *s) {
        size_t n, at;

        if (a->error < 0 || isempty(s))
                return NULL;

        n = utf8_truncate(s, LIMIT_MESSAGE);
        at = arena_take(a, n + 1, 1);
        if (!a->base)
                return NULL;

        memcpy(a->base + at, s, n);
        a->base[at + n] = '\0';
        return a->base + at;
}

static int compare_word(const void *key, const void *word) {
        return strcmp(key, *(const char *const *) word);
}

/* As arena_string(), for texts that are mostly well-known words: those take no room. */
const char *arena_word(Arena *a, const char *s) {
        const char *const *found;

        if (isempty(s))
                return NULL;
        found = bsearch(s, words, ELEMENTSOF(words), sizeof(words[0]), compare_word);
        return found ? *found : arena_string(a, s);
}

/* Over all of a value as it is printed: another hash, another value. 0 where there is none, and while only sizes are
 * added up. One that takes too much is an error. */
uint64_t arena_hash(Arena *a, const JsonValue *v, const char *what) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(2 * LIMIT_OBJECT);
        int r;

        if (!a->base || a->error < 0 || !v)
                return 0;
        r = jv_print(v, false, &b);
        if (r == -E2BIG)
                arena_refuse(a, r, "its %s takes more than %zu bytes", what, b.limit);
        else if (r < 0)
                a->error = r;
        if (r < 0)
                return 0;
        return fnv_bytes(FNV_INIT, buffer_cstr(&b), b.size);
}

/* "key=value" for each member of map that is a text, sorted; NULL if there is none. More than LIMIT_MEMBERS,
 * or a pair longer than a label can be, are an error and not cut. */
char *const *arena_pairs(Arena *a, const JsonValue *map, const char *what) {
        size_t n = 0, i = 0;
        char **pairs;

        if (!jv_is_object(map))
                return NULL;
        JSON_FOREACH(m, map)
                n += jv_is_string(m);
        if (n == 0 || !arena_admits(a, n, what))
                return NULL;

        pairs = arena_alloc(a, n + 1, sizeof(char *));
        JSON_FOREACH(m, map) {
                const char *key = jv_key(m), *value = jv_string(m);
                size_t size, at;

                if (a->error < 0)
                        return NULL;
                if (!jv_is_string(m))
                        continue;
                size = strlen(key) + 1 + strlen(value);
                if (size > LIMIT_MESSAGE) {
                        arena_refuse(a, -E2BIG, "one of its %s has %zu bytes; at most %d are read", what,
                                     size, LIMIT_MESSAGE);
                        return NULL;
                }
                at = arena_take(a, size + 1, 1);
                if (!pairs)
                        continue;
                pairs[i++] = a->base + at;
                snprintf(a->base + at, size + 1, "%s=%s", key, value);
        }

        strv_sort(pairs);
        return pairs;
}

/* The texts of an array, in its order; NULL if there are none. More than LIMIT_MEMBERS are an error. */
char *const *arena_strings(Arena *a, const JsonValue *array, const char *what) {
        size_t n = 0, i = 0;
        char **strings;

        if (!jv_is_array(array))
                return NULL;
        JSON_FOREACH(v, array)
                n += jv_is_string(v);
        if (n == 0 || !arena_admits(a, n, what))
                return NULL;

        strings = arena_alloc(a, n + 1, sizeof(char *));
        JSON_FOREACH(v, array) {
                const char *s;

                if (!jv_is_string(v))
                        continue;
                s = arena_string(a, jv_string(v));
                if (strings)
                        strings[i++] = (char *) (s ?: "");
        }
        return strings;
}

static void read_condition(Arena *a, const JsonValue *json, KubeCondition *c) {
        const char *status = jv_get_string(json, "status");

        c->type = arena_word(a, jv_get_string(json, "type"));
        c->status = status ? kube_status_from_string(status) : KUBE_STATUS_UNKNOWN;
        if (c->status < 0)
                c->status = KUBE_STATUS_UNKNOWN;
        c->observed_generation = (uint32_t) MIN(MAX(jv_get_int(json, "observedGeneration", 0), (int64_t) 0),
                                                (int64_t) UINT32_MAX);
        c->reason = arena_word(a, jv_get_string(json, "reason"));
        c->message = arena_string(a, jv_get_string(json, "message"));
}

static bool is_one_of(const char *type, const char *const *types) {
        return !isempty(type) && (!types || strv_contains((char *const *) types, type));
}

/* The elements of array that have a type (one of types, unless that is NULL), and behind them those of extra
 * whose type is not among them. */
KubeCondition *arena_conditions(Arena *a, const JsonValue *array, const char *const *types,
                                const KubeCondition *extra, size_t n_extra, size_t *ret_n) {
        KubeCondition *conditions, scratch = {};
        size_t n = 0, i = 0;

        if (!jv_is_array(array))
                array = NULL;
        JSON_FOREACH(c, array)
                n += is_one_of(jv_get_string(c, "type"), types);

        if (!arena_admits(a, n + n_extra, "conditions")) {
                *ret_n = 0;
                return NULL;
        }
        conditions = arena_alloc(a, n + n_extra, sizeof(KubeCondition));
        JSON_FOREACH(c, array)
                if (is_one_of(jv_get_string(c, "type"), types)) {
                        read_condition(a, c, ARENA_ELEMENT(conditions, i, &scratch));
                        i++;
                }
        for (size_t k = 0; k < n_extra; k++) {
                KubeCondition *c = ARENA_ELEMENT(conditions, i, &scratch);

                if (conditions && kube_condition_find_any_case(conditions, i, extra[k].type))
                        continue;
                *c = (KubeCondition){
                        .type = arena_word(a, extra[k].type),
                        .status = extra[k].status,
                        .reason = arena_word(a, extra[k].reason),
                        .message = arena_string(a, extra[k].message),
                };
                i++;
        }

        *ret_n = a->error < 0 ? 0 : i;
        return conditions;
}
