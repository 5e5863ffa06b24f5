/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <string.h>

#include "kube/resource.h"

static void check(int r, char *path, const char *expected) {
        assert_ok(r);
        assert_string_equal(path, expected);
        free(path);
}

static void test_paths(void **state) {
        KubeQuery q = { .resource = kube_resource_of_kind(KUBE_POD) };
        char *p = NULL;
        int r;

        r = kube_path_list(&q, NULL, &p);
        check(r, p, "/api/v1/pods?limit=500");
        r = kube_path_list(&q, "eyJ2Ijoi+/=&", &p);
        check(r, p, "/api/v1/pods?limit=500&continue=eyJ2Ijoi%2B%2F%3D%26");
        q.field_selector = "spec.nodeName=edge 1";
        r = kube_path_watch(&q, "12345", &p);
        check(r, p,
              "/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=12345&fieldSelector=spec.nodeName%3Dedge%201");
        q.namespace = "open/shift";
        q.label_selector = "app in (a,b),!c";
        r = kube_path_watch_list(&q, &p);
        check(r, p,
              "/api/v1/namespaces/open%2Fshift/pods?watch=1&allowWatchBookmarks=true&sendInitialEvents=true"
              "&resourceVersionMatch=NotOlderThan&fieldSelector=spec.nodeName%3Dedge%201"
              "&labelSelector=app%20in%20%28a%2Cb%29%2C%21c");

        q = (KubeQuery){ .resource = kube_resource_of_kind(KUBE_DAEMONSET), .namespace = "openshift-dns" };
        r = kube_path_list(&q, NULL, &p);
        check(r, p, "/apis/apps/v1/namespaces/openshift-dns/daemonsets?limit=500");

        /* Nodes have no namespace, whatever the query says. */
        q = (KubeQuery){ .resource = kube_resource_of_kind(KUBE_NODE), .namespace = "x" };
        r = kube_path_list(&q, NULL, &p);
        check(r, p, "/api/v1/nodes?limit=500");
}

static void test_parse(void **state) {
        static const char *const wrong[] = { "",
                                             "/",
                                             "v1",
                                             "v1/",
                                             "/v1/pods",
                                             "a/b/c/d",
                                             "v1/Pods",
                                             "v1/pods/",
                                             "v1 /pods",
                                             "-/v1/x",
                                             "../v1/x",
                                             "v1/po%64s",
                                             "a//b",
                                             "certificates.cert-manager.io/v1",
                                             "cert-manager.io/certificates",
                                             "cert-manager.io/v1/certificates/tls",
                                             "a..b/v1/x",
                                             "a-/v1/x",
                                             "A.b/v1/x",
                                             "a.b/1v/x",
                                             "a.b/v1/x.y",
                                             "a.b/v1/x_y",
                                             "\"a.b/v1/x\"" };
        KubeResource *r = NULL;
        char *s = NULL;
        KubeQuery q;

        assert_ok(kube_resource_parse("cert-manager.io/v1/certificates", &r));
        assert_int_equal(r->kind, KUBE_GENERIC);
        assert_string_equal(r->group, "cert-manager.io");
        assert_string_equal(r->version, "v1");
        assert_string_equal(r->plural, "certificates");
        q = (KubeQuery){ .resource = r, .namespace = "a" };
        assert_ok(kube_path_list(&q, NULL, &s));
        assert_string_equal(s, "/apis/cert-manager.io/v1/namespaces/a/certificates?limit=500");
        s = mfree(s);
        r = kube_resource_free(r);

        assert_ok(kube_resource_parse("v1/pods", &r));
        assert_string_equal(r->group, "");
        assert_string_equal(r->version, "v1");
        assert_string_equal(r->plural, "pods");
        r = kube_resource_free(r);

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_error(kube_resource_parse(wrong[i], &r), EINVAL);
        assert_null(r);
        assert_null(kube_resource_of_kind(KUBE_GENERIC));
}

static void test_field_selector(void **state) {
        static const struct {
                const char *value, *selector;
        } rows[] = {
                { "edge-1", "metadata.name=edge-1" },
                { "system:node", "metadata.name=system:node" },
                { "a,b=c\\d", "metadata.name=a\\,b\\=c\\\\d" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *s = NULL;

                assert_ok(kube_field_selector("metadata.name", rows[i].value, &s));
                assert_string_equal(s, rows[i].selector);
        }
}

static void test_query(void **state) {
        const KubeQuery q = { .resource = kube_resource_of_kind(KUBE_POD),
                              .namespace = "a",
                              .label_selector = "b" };
        KubeQuery copy, other = q;

        assert_ok(kube_query_copy(&q, &copy));
        assert_ptr_not_equal(copy.resource, q.resource);
        assert_true(kube_query_equal(&q, &copy));
        assert_null(copy.field_selector);
        other.field_selector = "x";
        assert_false(kube_query_equal(&other, &copy));
        other = q;
        other.kept_field = "status.phase";
        assert_false(kube_query_equal(&other, &copy));
        other = q;
        other.resource = kube_resource_of_kind(KUBE_NODE);
        assert_false(kube_query_equal(&other, &copy));
        kube_query_done(&copy);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_field_selector),
                cmocka_unit_test(test_query),
        };
        return cmocka_run_group_tests_name("kube-resource", tests, NULL, NULL);
}
