/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* One check section of a gate file. This folder reads the sections of each kind of check by its CheckSyntax; the kinds
 * themselves are in lib/ready. */

typedef struct CheckDefinition CheckDefinition;

/* How the values of a key are read, kept and compared; p points to the member that keeps them. */
typedef struct CheckKeyType {
        int (*parse)(void *p, const char *value,
                     const char **why);              /* "": back to the default; as check_definition_set() */
        void (*done)(void *p);                       /* NULL: nothing to free */
        bool (*equal)(const void *a, const void *b); /* NULL: by the bytes of the member */
        uint64_t (*hash)(uint64_t hash, const void *p); /* NULL: likewise */
        size_t size;                                    /* of the member, for these */
} CheckKeyType;

typedef struct CheckKey {
        const char *name;
        size_t offset; /* of the member, in the kind's definition */
        const CheckKeyType *type;
        bool is_required;
} CheckKey;

typedef struct CheckSyntax {
        const char *section;  /* "Workload" of [Workload] */
        size_t size;          /* of the kind's definition, which begins with a CheckDefinition */
        const CheckKey *keys; /* ends with an empty one */
        int (*describe)(const CheckDefinition *d, char **ret);
        const char *(*conflict)(const CheckDefinition *d); /* may be NULL: see check_definition_conflict() */
        /* Rule R7. */
        bool is_controller; /* may be the controller of the conditions in its gate */
        bool (*needs_controller)(
                const CheckDefinition *d); /* may be NULL: what it asks proves nothing by itself */
} CheckSyntax;

/* NULL where no kind has such a section; *ret_nearest (may be NULL) is then the section that is nearest to it, or
 * NULL. */
typedef const CheckSyntax *(*CheckSyntaxFinder)(const char *section, const char **ret_nearest);

/* Common part of all kinds. The struct of each kind begins with this, and its keys follow. */
struct CheckDefinition {
        const CheckSyntax *syntax;
        char *label; /* "" where the section has none */
        char *file;  /* where the section begins, for messages */
        unsigned line;
        unsigned assigned; /* keys that the files give a value, as 1 << index */
};

int check_definition_new(const CheckSyntax *syntax, const char *label, const char *file, unsigned line,
                         CheckDefinition **ret);
CheckDefinition *check_definition_free(CheckDefinition *d);
DEFINE_CLEANUP(CheckDefinition, check_definition_free)

int check_definition_set(CheckDefinition *d, const char *key, const char *value, const char **why);
const char *check_definition_nearest_key(const CheckDefinition *d, const char *key);
bool check_definition_needs_controller(const CheckDefinition *d);
bool check_definition_has(const CheckDefinition *d, const char *key);
const char *check_definition_missing(const CheckDefinition *d);
const char *check_definition_conflict(const CheckDefinition *d);
bool check_definition_equal(const CheckDefinition *a, const CheckDefinition *b);
int check_definition_hash(const CheckDefinition *d, uint64_t *hash);
int check_definition_describe(const CheckDefinition *d, char **ret);

/* Keys that several kinds have: char *. */
extern const CheckKeyType check_key_namespace;
extern const CheckKeyType check_key_name;

void check_key_text_done(void *p);
bool check_key_text_equal(const void *a, const void *b);
uint64_t check_key_text_hash(uint64_t hash, const void *p);
#define CHECK_KEY_TEXT(function)                                                                            \
        {                                                                                                   \
                .parse = function, .done = check_key_text_done, .equal = check_key_text_equal,              \
                .hash = check_key_text_hash                                                                 \
        }
