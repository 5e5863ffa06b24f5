/* SPDX-License-Identifier: Apache-2.0 */

#include "gates/definition.h"

#include "base/string-util.h"
#include "gates/gate-file.h"

#define NAME_MAX_LENGTH 63

static const char *const check_kind_table[_CHECK_KIND_MAX] = {
        [CHECK_API] = "Api",           [CHECK_NODE] = "Node",           [CHECK_PODS] = "Pods",
        [CHECK_WORKLOAD] = "Workload", [CHECK_CONDITION] = "Condition", [CHECK_ENDPOINT] = "Endpoint",
};

/* The name of the section that makes such a check. */
const char *check_kind_to_string(CheckKind k) {
        return k >= 0 && k < _CHECK_KIND_MAX ? check_kind_table[k] : NULL;
}

CheckKind check_kind_from_string(const char *s) {
        for (int i = 0; i < _CHECK_KIND_MAX; i++)
                if (streq(check_kind_table[i], s))
                        return i;
        return _CHECK_KIND_INVALID;
}

static void check_definition_done(CheckDefinition *c) {
        free(c->label);
        free(c->file);
        free(c->path);
        free(c->namespace);
        free(c->name);
        free(c->selector);
        selector_free(c->requirements, c->n_requirements);
        free(c->resource);
        free(c->type);
        free(c->url);
        free(c->expect);
        free(c->ca_file);
}

static void gate_condition_done(GateCondition *c) {
        free(c->argument);
        free(c->file);
}

/* Drops all conditions, as an empty assignment of one does. */
void gate_definition_clear_conditions(GateDefinition *d) {
        for (size_t i = 0; i < d->n_conditions; i++)
                gate_condition_done(d->conditions + i);
        d->conditions = mfree(d->conditions);
        d->n_conditions = 0;
}

GateDefinition *gate_definition_free(GateDefinition *d) {
        if (!d)
                return NULL;
        gate_definition_clear_conditions(d);
        for (size_t i = 0; i < d->n_checks; i++)
                check_definition_done(d->checks + i);
        free(d->checks);
        strv_free(d->after);
        strv_free(d->files);
        strv_free(d->warnings);
        free(d->name);
        free(d->description);
        free(d->invalid);
        return mfree(d);
}

/* [a-z0-9]([a-z0-9-]*[a-z0-9])?, at most 63 long: what unit names and file names take unescaped. */
bool gate_name_is_valid(const char *name) {
        size_t n = strlen(name);

        if (n == 0 || n > NAME_MAX_LENGTH || name[0] == '-' || name[n - 1] == '-')
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static bool ranges_equal(const CheckDefinition *a, const CheckDefinition *b) {
        if (a->n_expect != b->n_expect)
                return false;
        for (size_t i = 0; i < a->n_expect; i++)
                if (a->expect[i].from != b->expect[i].from || a->expect[i].to != b->expect[i].to)
                        return false;
        return true;
}

/* Whether both ask the cluster the same question. Where they were written, and under which label, does not
 * count; how often an endpoint is asked does. */
bool check_definition_equal(const CheckDefinition *a, const CheckDefinition *b) {
        return a->kind == b->kind && streq_ptr(a->path, b->path) && streq_ptr(a->namespace, b->namespace) &&
               streq_ptr(a->name, b->name) && streq_ptr(a->selector, b->selector) &&
               a->minimum_ready == b->minimum_ready && a->proof == b->proof && a->workload == b->workload &&
               streq_ptr(a->resource, b->resource) && streq_ptr(a->type, b->type) &&
               a->status == b->status && streq_ptr(a->url, b->url) && ranges_equal(a, b) &&
               streq_ptr(a->ca_file, b->ca_file) && a->interval == b->interval;
}

/* Whether both gates ask the same questions in the same order, so that what was learnt for one holds for the
 * other, check by check. An invalid gate asks nothing. */
bool gate_definition_checks_equal(const GateDefinition *a, const GateDefinition *b) {
        if (!a->invalid != !b->invalid || a->n_checks != b->n_checks)
                return false;
        for (size_t i = 0; i < a->n_checks; i++)
                if (!check_definition_equal(a->checks + i, b->checks + i))
                        return false;
        return true;
}

static int describe_pods(const CheckDefinition *c, char **ret) {
        return asprintf_ret(ret, "pods %s/%s%s%s", c->namespace ?: "*", c->name ?: "*",
                            c->selector ? " with " : "", strempty(c->selector));
}

/* A check in a few words, for people: "DaemonSet openshift-dns/dns-default". */
int check_definition_describe(const CheckDefinition *c, char **ret) {
        switch (c->kind) {
        case CHECK_API:
                return asprintf_ret(ret, "API %s", c->path);
        case CHECK_NODE:
                return asprintf_ret(ret, "node %s", c->name ?: "local");
        case CHECK_PODS:
                return describe_pods(c, ret);
        case CHECK_WORKLOAD:
                return asprintf_ret(ret, "%s %s/%s", kube_kind_to_string(c->workload),
                                    strempty(c->namespace), strempty(c->name));
        case CHECK_CONDITION:
                return asprintf_ret(ret, "%s %s%s%s %s=%s", strempty(c->resource), strempty(c->namespace),
                                    c->namespace ? "/" : "", strempty(c->name), strempty(c->type),
                                    strempty(kube_status_to_string(c->status)));
        case CHECK_ENDPOINT:
                return asprintf_ret(ret, "%s", strempty(c->url));
        default:
                return -EINVAL;
        }
}
