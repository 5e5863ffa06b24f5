/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <string.h>

#include "base/limits.h"
#include "kube/field.h"
#include "kube/object.h"
#include "kube/prune.h"

/* The first byte is the kind. kube_prune() before parsing must change nothing. */

static KubeObject *parse(KubeKind kind, const char *text, size_t size) {
        _cleanup_(jv_freep) JsonValue *json = NULL;
        KubeObject *o = NULL;

        if (jv_parse(text, size, &json) < 0 || kube_object_parse(kind, json, &o, NULL, 0) < 0)
                return NULL;
        assert(o->name[0] && o->uid[0] && o->namespace);
        STRV_FOREACH(l, o->labels)
                assert(strchr(*l, '='));
        return o;
}

/* Whatever the object is, a path leads to a bounded text, to another value or to nothing. */
static char *read_field(const char *text, size_t size) {
        _cleanup_(jv_freep) JsonValue *json = NULL;
        char *value = NULL;
        bool found;

        assert(jv_parse(text, size, &json) >= 0);
        assert(kube_field_read(json, "status.phase", &found, &value) >= 0);
        assert(!value || (found && strlen(value) <= LIMIT_MESSAGE));
        return value;
}

static void check_conditions(const KubeCondition *c, size_t n) {
        for (size_t i = 0; i < n; i++) {
                assert(c[i].type && kube_status_to_string(c[i].status));
                assert(!c[i].message || strlen(c[i].message) <= LIMIT_MESSAGE);
        }
}

static void check(const KubeObject *o) {
        if (o->kind == KUBE_POD) {
                const KubePod *p = (const KubePod *) o;

                check_conditions(p->conditions, p->n_conditions);
                for (size_t i = 0; i < p->n_containers; i++)
                        assert(p->containers[i].name);
        } else if (o->kind == KUBE_NODE)
                check_conditions(((const KubeNode *) o)->conditions, ((const KubeNode *) o)->n_conditions);
        else if (o->kind == KUBE_GENERIC)
                check_conditions(((const KubeGeneric *) o)->conditions,
                                 ((const KubeGeneric *) o)->n_conditions);
        else if (o->kind == KUBE_DAEMONSET)
                for (size_t i = 0; i < ((const KubeWorkload *) o)->n_requirements; i++)
                        assert(((const KubeWorkload *) o)->requirements[i].key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(kube_object_freep) KubeObject *whole = NULL, *pruned = NULL;
        _cleanup_free_ char *copy = NULL, *field = NULL, *pruned_field = NULL;
        KubeKind kind;

        if (size < 1)
                return 0;
        kind = data[0] % _KUBE_KIND_MAX;
        size--;
        copy = malloc(size + 1);
        assert(copy);
        memcpy(copy, data + 1, size);

        whole = parse(kind, copy, size);
        if (!whole)
                return 0;
        check(whole);
        field = read_field(copy, size);

        /* As the scanner, which hands over what is between the braces. */
        if (copy[0] != '{' || copy[size - 1] != '}')
                return 0;
        assert(kube_prune(kind, copy, &size) >= 0);
        pruned = parse(kind, copy, size);
        assert(pruned);
        check(pruned);
        pruned_field = read_field(copy, size);
        assert(kind != KUBE_GENERIC || streq_ptr(field, pruned_field));
        assert(streq(whole->name, pruned->name) && streq(whole->uid, pruned->uid));
        assert(strv_equal(whole->labels, pruned->labels));
        if (kind == KUBE_POD)
                assert(KUBE_POD_OF(whole)->n_containers == KUBE_POD_OF(pruned)->n_containers);
        return 0;
}
