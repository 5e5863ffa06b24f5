/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/nearest.h"
#include "base/string-util.h"

static char *const gates[] = {
        (char *) "api",        (char *) "csi-snapshot",
        (char *) "dns",        (char *) "ingress",
        (char *) "node",       (char *) "node-exporter",
        (char *) "ovn",        (char *) "resolver",
        (char *) "service-ca", NULL,
};

static void test_typing_errors(void **state) {
        static const struct {
                const char *text, *name;
        } rows[] = {
                { "ingres", "ingress" },
                { "ingresss", "ingress" },
                { "inrgess", "ingress" },
                { "imgress", "ingress" },
                { "INGRESS", "ingress" },
                { "dsn", "dns" },
                { "DNS", "dns" },
                { "nod", "node" },
                { "service", "service-ca" },
                { "csi", "csi-snapshot" },
                { "node", "node" },
                { "resolvr", "resolver" },
                { "ap", "api" },
                { "node_exporter", "node-exporter" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(nearest_name(rows[i].text, gates), rows[i].name);
}

static void test_nothing_is_near(void **state) {
        static const char *const texts[] = {
                "", "x", "xyz", "workspace", "kubernetes", "in", "storage",
        };
        char text[200];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_null(nearest_name(texts[i], gates));
        assert_null(nearest_name("dns", NULL));
        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_null(nearest_name(text, gates));
        assert_null(nearest_name("aaa", (char *[]){ text, NULL }));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_typing_errors),
                cmocka_unit_test(test_nothing_is_near),
        };
        return cmocka_run_group_tests_name("base-nearest", tests, NULL, NULL);
}
