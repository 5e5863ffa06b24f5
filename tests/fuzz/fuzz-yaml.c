/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "yaml/yaml.h"

static void walk(const YNode *n, unsigned depth) {
        assert(depth <= 33);
        assert(ynode_line(n) > 0);
        assert(!(ynode_is_null(n) && ynode_string(n)));
        YNODE_FOREACH(m, n) {
                assert(!ynode_key(m) == ynode_is_list(n) && ynode_type(m));
                if (ynode_key(m))
                        assert(ynode_get(n, ynode_key(m)) == m && ynode_key_line(m) > 0);
                assert(!ynode_is_last(m) || (!ynode_next(m) && ynode_is_last(n)));
                walk(m, depth + 1);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(ynode_freep) YNode *n = NULL;
        _cleanup_free_ char *detail = NULL;
        int r;

        r = ynode_parse((const char *) data, size, &n, &detail);
        if (r < 0) {
                assert((r == -EBADMSG || r == -ENODATA) && !n && detail);
                return 0;
        }
        assert(ynode_rest_line(n) == 0 || !ynode_is_last(n));
        walk(n, 1);
        return 0;
}
