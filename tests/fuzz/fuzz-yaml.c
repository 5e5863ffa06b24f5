/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "yaml/yaml.h"

static void walk(const YNode *n, unsigned depth) {
        assert(depth <= 33);
        assert(ynode_line(n) > 0);
        assert(!(ynode_is_null(n) && ynode_string(n)));
        YNODE_FOREACH(m, n) {
                assert(!ynode_key(m) == ynode_is_list(n));
                assert(ynode_type(m));
                if (ynode_key(m) && strcmp(ynode_key(m), "<<") != 0)
                        assert(ynode_get(n, ynode_key(m)) == m);
                walk(m, depth + 1);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(ynode_freep) YNode *n = NULL, *lenient = NULL;
        _cleanup_free_ char *detail = NULL, *lenient_detail = NULL;

        if (ynode_parse((const char *) data, size, &n, &detail) < 0)
                assert(!n && detail);
        else
                walk(n, 1);
        if (ynode_parse_lenient((const char *) data, size, &lenient, &lenient_detail) < 0)
                assert(!n && !lenient && lenient_detail);
        else
                walk(lenient, 1);
        return 0;
}
