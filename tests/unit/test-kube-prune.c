/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "kube-pods.h"
#include "kube/prune.h"

static void check(KubeKind kind, const char *text, const char *expected) {
        Buffer b = BUFFER_INIT(KIB(64));
        size_t size;
        int r;

        assert_ok(buffer_puts(&b, text));
        size = b.size;
        r = kube_prune(kind, b.data, &size);
        if (expected) {
                assert_ok(r);
                assert_string_equal(b.data, expected);
                assert_int_equal(size, strlen(expected));
        } else
                assert_error(r, EBADMSG);
        buffer_done(&b);
}

static void test_cuts(void **state) {
        check(KUBE_POD, "{}", "{}");
        check(KUBE_POD, "{ \"a\" : 1 , \"b\" : [ ] }", "{\"a\":1,\"b\":[ ]}");
        check(KUBE_POD,
              "{\"metadata\":{\"managedFields\":[{\"a\":{}}],\"name\":\"n\",\"annotations\":{\"x\":\"\"}}}",
              "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"x\":\"\"}}}");
        check(KUBE_NODE,
              "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"x\":\"\"},\"managedFields\":null},\"status\":{\"images\":[]}}",
              "{\"metadata\":{\"name\":\"n\"},\"status\":{\"images\":[]}}");
        /* A gate may ask for any field. */
        check(KUBE_GENERIC,
              "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"x\":\"\"},\"managedFields\":null},\"spec\":{}}",
              "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"x\":\"\"}},\"spec\":{}}");
        check(KUBE_POD,
              "{\"spec\":{\"volumes\":[{}],\"containers\":[{\"env\":[{\"name\":\"a\\\"}\"}],\"image\":\"i\",\"name\":\"c\"},{\"name\":\"d\","
              "\"args\":[]},null,7],\"initContainers\":{\"image\":\"i\"},\"nodeName\":\"x\"}}",
              "{\"spec\":{\"containers\":[{\"name\":\"c\"},{\"name\":\"d\"},null,7],\"initContainers\":{},"
              "\"nodeName\":\"x\"}}");
        check(KUBE_DAEMONSET,
              "{\"metadata\":{\"annotations\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"{}\",\"deprecated."
              "daemonset.template.generation\":\"2\"},\"managedFields\":[]},\"spec\":{\"template\":{\"spec\":{\"tolerations\":"
              "[{}]}},\"updateStrategy\":{}}}",
              "{\"metadata\":{\"annotations\":{\"deprecated.daemonset.template.generation\":\"2\"}},\"spec\":{\"template\":{"
              "\"spec\":{\"tolerations\":[{}]}},\"updateStrategy\":{}}}");
        check(KUBE_DEPLOYMENT,
              "{\"spec\":{\"replicas\":2,\"template\":{\"metadata\":{},\"spec\":{\"containers\":[{}],\"nodeSelector\":{\"a\":\"b\"}}}}}",
              "{\"spec\":{\"replicas\":2,\"template\":{\"spec\":{\"nodeSelector\":{\"a\":\"b\"}}}}}");
        /* Members of another type than the API's. */
        check(KUBE_POD, "{\"metadata\":7,\"spec\":\"managedFields\",\"status\":[[{\"podIPs\":1}]]}",
              "{\"metadata\":7,\"spec\":\"managedFields\",\"status\":[[{}]]}");
        /* Keys that only look like the ones. */
        check(KUBE_POD, "{\"spec\":{\"volumes\\\"\":1,\"xvolumes\":2}}",
              "{\"spec\":{\"volumes\\\"\":1,\"xvolumes\":2}}");
}

static void test_errors(void **state) {
        static const char *const wrong[] = {
                "",           "{",          "[]",        "7",        "{\"a\"}",
                "{a:1}",      "{\"a\":1,}", "{\"a\" 1}", "{\"a\":}", "{\"spec\":{\"a\"}}",
                "{\"a\":\"}", "{\"a\":{}"
        };

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                check(KUBE_POD, wrong[i], NULL);
}

static KubePod *parse(const char *text, size_t size) {
        _cleanup_(jv_freep) JsonValue *json = NULL;
        KubeObject *o = NULL;

        assert_ok(jv_parse(text, size, &json));
        assert_ok(kube_object_parse(KUBE_POD, json, &o, NULL, 0));
        return KUBE_POD_OF(o);
}

static int same(const char *a, const char *b) {
        return streq_ptr(a, b);
}

/* Nothing that is read of a pod is cut. */
static void test_pod(void **state) {
        Buffer b = BUFFER_INIT(KIB(64));
        KubePod *whole, *pruned;
        size_t size;

        put_pod(&b, &(PodSpec){ .number = 3, .resource_version = 77, .app = "dns", .ready = true });
        whole = parse(b.data, b.size);
        size = b.size;
        assert_ok(kube_prune(KUBE_POD, b.data, &size));
        assert_true(size < b.size * 2 / 3);
        pruned = parse(b.data, size);

        assert_true(same(whole->object.owner_uid, pruned->object.owner_uid));
        assert_true(strv_equal(whole->object.labels, pruned->object.labels));
        assert_true(same(whole->node, pruned->node));
        assert_true(same(whole->phase, pruned->phase));
        assert_int_equal(whole->qos, pruned->qos);
        assert_int_equal(whole->n_conditions, pruned->n_conditions);
        assert_int_equal(whole->n_containers, pruned->n_containers);
        for (size_t i = 0; i < whole->n_containers; i++) {
                const KubeContainer *c = &whole->containers[i], *d = &pruned->containers[i];

                assert_true(same(c->name, d->name));
                assert_true(same(c->id, d->id));
                assert_int_equal(c->pull_always, d->pull_always);
                assert_int_equal(c->restarts, d->restarts);
                assert_int_equal(c->state, d->state);
                assert_int_equal(c->ready, d->ready);
                assert_int_equal(c->role, d->role);
        }
        kube_object_free(&whole->object);
        kube_object_free(&pruned->object);
        buffer_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cuts),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_pod),
        };
        return cmocka_run_group_tests_name("kube-prune", tests, NULL, NULL);
}
