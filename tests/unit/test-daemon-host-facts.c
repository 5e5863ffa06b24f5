/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "host-facts.h"

static void test_addresses(void **state) {
        assert_true(host_has_address("127.0.0.1"));
        assert_true(host_has_address("127.9.8.7"));
        /* For documentation: nobody has them. */
        assert_false(host_has_address("192.0.2.7"));
        assert_false(host_has_address("2001:db8::7"));
        /* What is none tells nothing. */
        assert_true(host_has_address("edge-1"));
        assert_true(host_has_address(""));
}

/* As pkg/config/node.go of MicroShift has it; a real one started under the kept name when the host and the override
 * were renamed together. */
static void test_node_name(void **state) {
        static const struct {
                const char *wanted, *kept, *host_name;
                bool refused;
        } rows[] = {
                { NULL, "edge1", "edge2", false },    { "", "edge1", "edge2", false },
                { "edge1", "edge1", "other", false }, { "Edge1", "edge1", "other", false },
                { "edge2", "edge1", "edge1", true },  { "edge2", "edge1", "edge3", true },
                { "edge2", "edge1", "edge2", false }, { "edge2", "edge1", "EDGE2", false },
                { "edge2", "edge1", NULL, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(host_node_name_is_refused(rows[i].wanted, rows[i].kept, rows[i].host_name),
                                 rows[i].refused);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_node_name),
        };

        return cmocka_run_group_tests_name("daemon-host-facts", tests, NULL, NULL);
}
