/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/object.h"

/* Where a kind of object lives on the API server, and the paths that ask for it. */

typedef struct KubeResource {
        KubeKind kind;
        const char *group; /* "" for the core group */
        const char *version;
        const char *plural;
        bool namespaced; /* KUBE_GENERIC: unknown, so true; a query without a namespace asks for all */
} KubeResource;

/* Which objects of a resource. NULL means all of them; the strings belong to the caller. */
typedef struct KubeQuery {
        const KubeResource *resource;
        const char *namespace;
        const char *field_selector;
        const char *label_selector;
        const char *kept_field; /* KUBE_GENERIC: the path of the field that is kept of them; NULL: none */
} KubeQuery;

/* Objects per page of a list. */
#define KUBE_PAGE_TEXT "500"

const KubeResource *kube_resource_of_kind(KubeKind kind);
int kube_resource_parse(const char *s, KubeResource **ret);
KubeResource *kube_resource_free(KubeResource *r);
DEFINE_CLEANUP(KubeResource, kube_resource_free)

int kube_query_copy(const KubeQuery *q, KubeQuery *ret);
void kube_query_done(KubeQuery *q);
bool kube_query_equal(const KubeQuery *a, const KubeQuery *b);

int kube_field_selector(const char *field, const char *value, char **ret);

/* Paths with their query, to be put behind the server's own prefix. */
int kube_path_list(const KubeQuery *q, const char *continue_token, char **ret);
int kube_path_watch(const KubeQuery *q, const char *resource_version, char **ret);
int kube_path_watch_list(const KubeQuery *q, char **ret);
