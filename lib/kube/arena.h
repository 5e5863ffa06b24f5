/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/json.h"
#include "kube/status.h"

/* One block of memory per object, filled by walking over the JSON twice: the first time base is NULL and
 * only sizes are added up, the second time the block is there and is filled in the same order. */
typedef struct Arena {
        char *base;
        size_t size;
        size_t used;
        int error;      /* the first one; what follows is skipped */
        char fault[96]; /* what is wrong with the object then, in words; "" where memory ran out */
} Arena;

/* Where to write the i-th element of an array: into the array, or, while only sizes are added up, into a
 * scratch that is thrown away. */
#define ARENA_ELEMENT(array, i, scratch) ((array) ? &(array)[i] : (scratch))

void arena_refuse(Arena *a, int error, const char *format, ...) _printf_(3, 4);
bool arena_admits(Arena *a, size_t n, const char *what);
void *arena_alloc(Arena *a, size_t count, size_t size);
const char *arena_string(Arena *a, const char *s);
const char *arena_word(Arena *a, const char *s);
uint64_t arena_hash(Arena *a, const JsonValue *v, const char *what);
char *const *arena_pairs(Arena *a, const JsonValue *map, const char *what);
char *const *arena_strings(Arena *a, const JsonValue *array, const char *what);
KubeCondition *arena_conditions(Arena *a, const JsonValue *array, const char *const *types,
                                const KubeCondition *extra, size_t n_extra, size_t *ret_n);
