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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),
        };

        return cmocka_run_group_tests_name("daemon-host-facts", tests, NULL, NULL);
}
