/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/check-definition.h"

#include "base/hash.h"
#include "base/nearest.h"
#include "base/value.h"
#include "kube/name.h"

#define KEYS_MAX (8 * sizeof(unsigned))

static void *member(const CheckDefinition *d, const CheckKey *k) {
        return (char *) d + k->offset;
}

/* A check with all keys at their defaults. label and file are copied. -ENOMEM. */
int check_definition_new(const CheckSyntax *syntax, const char *label, const char *file, unsigned line,
                         CheckDefinition **ret) {
        _cleanup_(check_definition_freep) CheckDefinition *d = NULL;
        const char *why;
        int r;

        assert(syntax->size >= sizeof(CheckDefinition));

        d = calloc(1, syntax->size);
        if (!d)
                return -ENOMEM;
        d->syntax = syntax;
        d->line = line;
        d->label = strdup(label);
        d->file = strdup(file);
        if (!d->label || !d->file)
                return -ENOMEM;
        for (const CheckKey *k = syntax->keys; k->name; k++) {
                assert(k->offset >= sizeof(CheckDefinition) && k->offset < syntax->size);
                assert((size_t) (k - syntax->keys) < KEYS_MAX);
                assert(!k->type->equal == !k->type->hash);
                r = k->type->parse(member(d, k), "", &why);
                assert(r != -EINVAL);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(d);
        return 0;
}

CheckDefinition *check_definition_free(CheckDefinition *d) {
        if (!d)
                return NULL;
        for (const CheckKey *k = d->syntax->keys; k->name; k++)
                if (k->type->done)
                        k->type->done(member(d, k));
        free(d->label);
        free(d->file);
        return mfree(d);
}

/* Takes a value, "" for the key's default. Returns 1 where it is taken but hardly meant so, with *why (static), else
 * 0; -ENOENT where the kind has no such key, -EINVAL with *why, and -ENOMEM. */
int check_definition_set(CheckDefinition *d, const char *key, const char *value, const char **why) {
        const CheckKey *k = d->syntax->keys;
        unsigned bit;
        int r;

        while (k->name && !streq(k->name, key))
                k++;
        if (!k->name)
                return -ENOENT;
        r = k->type->parse(member(d, k), value, why);
        if (r < 0)
                return r;
        bit = 1U << (k - d->syntax->keys);
        d->assigned = *value ? d->assigned | bit : d->assigned & ~bit;
        return r > 0;
}

/* The key of this kind that was meant by one that it does not have; NULL where none is near. */
const char *check_definition_nearest_key(const CheckDefinition *d, const char *key) {
        const char *names[KEYS_MAX + 1] = {};
        size_t n = 0;

        for (const CheckKey *k = d->syntax->keys; k->name; k++)
                names[n++] = k->name;
        return nearest_name(key, (char *const *) names);
}

static bool is_assigned(const CheckDefinition *d, const CheckKey *k) {
        return d->assigned & 1U << (k - d->syntax->keys);
}

/* Whether what is asked may be of an earlier boot, so that rule R7 asks for the controller that wrote it. */
bool check_definition_needs_controller(const CheckDefinition *d) {
        return d->syntax->needs_controller && d->syntax->needs_controller(d);
}

/* Whether the files give the key a value, its default too. */
bool check_definition_has(const CheckDefinition *d, const char *key) {
        for (const CheckKey *k = d->syntax->keys; k->name; k++)
                if (streq(k->name, key))
                        return is_assigned(d, k);
        return false;
}

/* The first key that the section needs and does not have; NULL where it has all. */
const char *check_definition_missing(const CheckDefinition *d) {
        for (const CheckKey *k = d->syntax->keys; k->name; k++)
                if (k->is_required && !is_assigned(d, k))
                        return k->name;
        return NULL;
}

/* What is wrong with keys that do not go together, in words that the section's name stands before; NULL: nothing. */
const char *check_definition_conflict(const CheckDefinition *d) {
        return d->syntax->conflict ? d->syntax->conflict(d) : NULL;
}

static bool key_equal(const CheckKey *k, const CheckDefinition *a, const CheckDefinition *b) {
        return k->type->equal ? k->type->equal(member(a, k), member(b, k))
                              : memcmp(member(a, k), member(b, k), k->type->size) == 0;
}

/* Whether both ask the cluster the same question. Where they were written, and under which label, does not
 * count; how often an address is asked does. */
bool check_definition_equal(const CheckDefinition *a, const CheckDefinition *b) {
        if (a->syntax != b->syntax)
                return false;
        for (const CheckKey *k = a->syntax->keys; k->name; k++)
                if (!key_equal(k, a, b))
                        return false;
        return true;
}

/* Adds to *hash what check_definition_equal() compares. A key at its default adds nothing, so that a version of this
 * program with one more key makes the same hash of a file that does not set it. -ENOMEM. */
int check_definition_hash(const CheckDefinition *d, uint64_t *hash) {
        _cleanup_(check_definition_freep) CheckDefinition *defaults = NULL;
        uint64_t h;
        int r;

        r = check_definition_new(d->syntax, "", "", 0, &defaults);
        if (r < 0)
                return r;
        h = fnv_bytes(*hash, d->syntax->section, strlen(d->syntax->section) + 1);
        for (const CheckKey *k = d->syntax->keys; k->name; k++) {
                if (key_equal(k, d, defaults))
                        continue;
                h = fnv_bytes(h, k->name, strlen(k->name) + 1);
                h = k->type->hash ? k->type->hash(h, member(d, k))
                                  : fnv_bytes(h, member(d, k), k->type->size);
        }

        *hash = h;
        return 0;
}

/* A check in a few words, for people: "DaemonSet openshift-dns/dns-default". -ENOMEM. */
int check_definition_describe(const CheckDefinition *d, char **ret) {
        return d->syntax->describe(d, ret);
}

void check_key_text_done(void *p) {
        freep(p);
}

bool check_key_text_equal(const void *a, const void *b) {
        return streq_ptr(*(char *const *) a, *(char *const *) b);
}

uint64_t check_key_text_hash(uint64_t hash, const void *p) {
        const char *text = *(char *const *) p;

        return text ? fnv_bytes(hash, text, strlen(text) + 1) : hash;
}

static int parse_namespace(void *p, const char *value, const char **why) {
        if (*value && !kube_namespace_is_valid(value))
                return value_refuse(why, "not a name that a namespace can have: " KUBE_NAMESPACE_WORDS);
        return value_set_text(p, value);
}

static int parse_name(void *p, const char *value, const char **why) {
        if (*value && !kube_name_is_valid(value))
                return value_refuse(why, "not a name that an object can have: " KUBE_NAME_WORDS);
        return value_set_text(p, value);
}

const CheckKeyType check_key_namespace = CHECK_KEY_TEXT(parse_namespace);
const CheckKeyType check_key_name = CHECK_KEY_TEXT(parse_name);
