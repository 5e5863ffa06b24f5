/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/builder.h"

/* An object of the cluster, or an address, by name. */
typedef struct ObjectName {
        char *kind;
        char *namespace; /* NULL if it has none */
        char *name;
} ObjectName;

/* What keeps a gate shut. */
typedef struct Blocker {
        char *gate;
        ObjectName object;
        char *reason;
        char *message; /* NULL if there is none */
        char *hint;    /* NULL if none is known */
        usec_t since;  /* boottime */
        bool is_doubt; /* nothing is known to be wrong, but evidence is lacking */
} Blocker;

int object_name_set(ObjectName *o, const char *kind, const char *namespace, const char *name);
void object_name_done(ObjectName *o);
int object_name_to_string(const ObjectName *o, char **ret);
bool object_name_equal(const ObjectName *a, const ObjectName *b);
void object_name_to_json(JsonBuilder *b, const char *key, const ObjectName *o);
int object_name_from_json(const JsonValue *v, ObjectName *o);

void blocker_done(Blocker *b);
int blocker_copy(const Blocker *b, Blocker *ret);
void blocker_to_json(JsonBuilder *b, const char *key, const Blocker *blocker);
int blocker_from_json(const JsonValue *v, Blocker *ret);
