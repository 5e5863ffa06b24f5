/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/resource.h"

#include "base/string-util.h"
#include "kube/name.h"

/* More than any selector of ours; a path is never longer. */
#define PATH_SIZE_MAX 65536

static const KubeResource resource_table[_KUBE_KIND_MAX] = {
        [KUBE_NODE] = { KUBE_NODE, "", "v1", "nodes", false },
        [KUBE_POD] = { KUBE_POD, "", "v1", "pods", true },
        [KUBE_DAEMONSET] = { KUBE_DAEMONSET, "apps", "v1", "daemonsets", true },
        [KUBE_DEPLOYMENT] = { KUBE_DEPLOYMENT, "apps", "v1", "deployments", true },
        [KUBE_STATEFULSET] = { KUBE_STATEFULSET, "apps", "v1", "statefulsets", true },
        [KUBE_REPLICASET] = { KUBE_REPLICASET, "apps", "v1", "replicasets", true },
        [KUBE_LEASE] = { KUBE_LEASE, "coordination.k8s.io", "v1", "leases", true },
        [KUBE_EVENT] = { KUBE_EVENT, "", "v1", "events", true },
};

/* Where objects of a kind live, static; NULL for KUBE_GENERIC, whose place a gate names. */
const KubeResource *kube_resource_of_kind(KubeKind kind) {
        assert(kind >= 0 && kind < _KUBE_KIND_MAX);
        return resource_table[kind].plural ? &resource_table[kind] : NULL;
}

/* A resource with its texts behind it in the same block. */
static int resource_new(KubeKind kind, bool namespaced, const char *group, size_t group_size,
                        const char *version, size_t version_size, const char *plural, size_t plural_size,
                        KubeResource **ret) {
        KubeResource *r;
        char *p;

        r = malloc(sizeof(*r) + group_size + version_size + plural_size + 3);
        if (!r)
                return -ENOMEM;

        p = (char *) (r + 1);
        *r = (KubeResource){ .kind = kind, .namespaced = namespaced, .group = p };
        p = mempcpy(p, group, group_size);
        *p++ = '\0';
        r->version = p;
        p = mempcpy(p, version, version_size);
        *p++ = '\0';
        r->plural = p;
        p = mempcpy(p, plural, plural_size);
        *p = '\0';

        *ret = r;
        return 0;
}

static int resource_copy(const KubeResource *r, KubeResource **ret) {
        return resource_new(r->kind, r->namespaced, r->group, strlen(r->group), r->version,
                            strlen(r->version), r->plural, strlen(r->plural), ret);
}

/* Reads GROUP/VERSION/PLURAL, or VERSION/PLURAL for the core group, as KUBE_GENERIC: for objects whose
 * conditions alone are used. -EINVAL for anything else, -ENOMEM. */
int kube_resource_parse(const char *s, KubeResource **ret) {
        const char *parts[3];
        size_t sizes[3], n = 0;

        for (;; s++) {
                if (n == ELEMENTSOF(parts))
                        return -EINVAL;
                parts[n] = s;
                sizes[n] = strcspn(s, "/");
                s += sizes[n++];
                if (*s == '\0')
                        break;
        }
        for (size_t i = 0; i < n; i++)
                if (!(n == 3 && i == 0 ? kube_group_is_valid(parts[i], sizes[i])
                                       : kube_word_is_valid(parts[i], sizes[i])))
                        return -EINVAL;

        if (n == 2)
                return resource_new(KUBE_GENERIC, true, "", 0, parts[0], sizes[0], parts[1], sizes[1], ret);
        if (n == 3)
                return resource_new(KUBE_GENERIC, true, parts[0], sizes[0], parts[1], sizes[1], parts[2],
                                    sizes[2], ret);
        return -EINVAL;
}

/* Frees what kube_resource_parse() made; not for the static ones. */
KubeResource *kube_resource_free(KubeResource *r) {
        return mfree(r);
}

static bool resource_equal(const KubeResource *a, const KubeResource *b) {
        return a->kind == b->kind && streq(a->group, b->group) && streq(a->version, b->version) &&
               streq(a->plural, b->plural);
}

/* Makes a copy that owns all it points to, for kube_query_done() to free. -ENOMEM. */
int kube_query_copy(const KubeQuery *q, KubeQuery *ret) {
        KubeQuery copy = {};
        KubeResource *resource = NULL;
        int r;

        assert(q->resource);

        r = resource_copy(q->resource, &resource);
        copy.resource = resource;
        r = r ?: set_string((char **) &copy.namespace, q->namespace) ?:
                set_string((char **) &copy.field_selector, q->field_selector) ?:
                set_string((char **) &copy.label_selector, q->label_selector) ?:
                set_string((char **) &copy.kept_field, q->kept_field);
        if (r < 0) {
                kube_query_done(&copy);
                return r;
        }

        *ret = copy;
        return 0;
}

/* Frees what a copy owns, and empties it. */
void kube_query_done(KubeQuery *q) {
        free((void *) q->resource);
        free((void *) q->namespace);
        free((void *) q->field_selector);
        free((void *) q->label_selector);
        free((void *) q->kept_field);
        *q = (KubeQuery){};
}

bool kube_query_equal(const KubeQuery *a, const KubeQuery *b) {
        return resource_equal(a->resource, b->resource) && streq_ptr(a->namespace, b->namespace) &&
               streq_ptr(a->field_selector, b->field_selector) &&
               streq_ptr(a->label_selector, b->label_selector) && streq_ptr(a->kept_field, b->kept_field);
}

/* A field selector for the objects whose field has this value, in *ret. -ENOMEM. */
int kube_field_selector(const char *field, const char *value, char **ret) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(PATH_SIZE_MAX);
        int r;

        r = buffer_printf(&b, "%s=", field);
        for (; *value && r >= 0; value++)
                r = buffer_printf(&b, "%s%c", strchr("\\,=", *value) ? "\\" : "", *value);
        if (r < 0)
                return r;
        *ret = buffer_steal(&b); /* not empty, so that nothing is allocated */
        return 0;
}

/* Appends s, with every character but the unreserved ones of RFC 3986 as %XX. */
static int put_encoded(Buffer *b, const char *s) {
        static const char unreserved[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
        int r;

        while (*s) {
                size_t n = strspn(s, unreserved);

                r = buffer_put(b, s, n);
                if (r < 0)
                        return r;
                s += n;
                if (*s) {
                        r = buffer_printf(b, "%%%02X", (unsigned) (unsigned char) *s++);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* Appends &KEY=VALUE, or ?KEY=VALUE if it is the first; nothing if value is NULL. */
static int put_parameter(Buffer *b, bool *first, const char *key, const char *value) {
        int r;

        if (!value)
                return 0;
        r = buffer_printf(b, "%c%s=", *first ? '?' : '&', key);
        *first = false;
        return r ?: put_encoded(b, value);
}

static int put_collection(Buffer *b, const KubeQuery *q) {
        const KubeResource *res = q->resource;
        int r;

        r = res->group[0] ? buffer_printf(b, "/apis/%s/%s", res->group, res->version)
                          : buffer_printf(b, "/api/%s", res->version);
        if (q->namespace && res->namespaced)
                r = r ?: buffer_puts(b, "/namespaces/") ?: put_encoded(b, q->namespace);
        return r ?: buffer_printf(b, "/%s", res->plural);
}

typedef struct Parameter {
        const char *key;
        const char *value;
} Parameter;

static int path_with(const KubeQuery *q, const Parameter *parameters, size_t n, char **ret) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(PATH_SIZE_MAX);
        bool first = true;
        int r;

        r = put_collection(&b, q);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = put_parameter(&b, &first, parameters[i].key, parameters[i].value);
        r = r ?: put_parameter(&b, &first, "fieldSelector", q->field_selector) ?:
                put_parameter(&b, &first, "labelSelector", q->label_selector);
        if (r < 0)
                return r;
        *ret = buffer_steal(&b); /* not empty, so that nothing is allocated */
        return 0;
}

/* The path of one page of a list; continue_token is NULL for the first page. Asks without a resourceVersion,
 * the only way to a consistent read: with "0" the answer may be of any age. -E2BIG if the path becomes
 * longer than a server takes; -ENOMEM. All below likewise. */
int kube_path_list(const KubeQuery *q, const char *continue_token, char **ret) {
        const Parameter parameters[] = { { "limit", KUBE_PAGE_TEXT }, { "continue", continue_token } };

        return path_with(q, parameters, ELEMENTSOF(parameters), ret);
}

/* A watch of what comes after resource_version. The server decides when it ends. */
int kube_path_watch(const KubeQuery *q, const char *resource_version, char **ret) {
        const Parameter parameters[] = {
                { "watch", "1" },
                { "allowWatchBookmarks", "true" },
                { "resourceVersion", resource_version },
        };

        assert(resource_version); /* without one the answer may begin anywhere */
        return path_with(q, parameters, ELEMENTSOF(parameters), ret);
}

/* A watch that begins with all objects there are, consistently, and marks their end (WatchList). */
int kube_path_watch_list(const KubeQuery *q, char **ret) {
        static const Parameter parameters[] = {
                { "watch", "1" },
                { "allowWatchBookmarks", "true" },
                { "sendInitialEvents", "true" },
                { "resourceVersionMatch", "NotOlderThan" },
        };

        return path_with(q, parameters, ELEMENTSOF(parameters), ret);
}
