/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/string-util.h"
#include "gates/condition-microshift.h"

/* The tree of all files: sorted by key, each key once, and no null that a patch brought. */
static void walk(const Setting *s, unsigned depth) {
        assert(depth <= 33);
        assert(ynode_line(s->node) > 0 && s->file);
        assert(ynode_is_map(s->node) || s->n_members == 0);
        for (size_t i = 0; i < s->n_members; i++) {
                assert(i == 0 || strcmp(s->members[i - 1].key, s->members[i].key) < 0);
                walk(s->members + i, depth + 1);
        }
}

static void ask(const MicroShiftConfig *c, const char *key, const char *fallback) {
        const char *text = microshift_config_get(c, key);
        _cleanup_(strv_freep) char **list = NULL;
        int r = microshift_config_get_list(c, key, &list);

        assert(r == 0 || r == 1);
        assert(!(text && list));
        if (text)
                assert(microshift_config_has(c, key, *text ? text : fallback));
        else if (!list)
                assert(microshift_config_has(c, key, fallback));
        STRV_FOREACH(item, list)
                assert(microshift_config_has(c, key, *item));
}

/* Files are divided by NUL bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
        const char *text = (const char *) data;

        while (size > 0) {
                const char *end = memchr(text, '\0', size);
                size_t n = end ? (size_t) (end - text) : size;

                assert(microshift_config_add(c, "F", text, n) == 0);
                n += end ? 1 : 0;
                text += n;
                size -= n;
        }
        assert(microshift_config_check(c) == 0);
        if (c->settings)
                walk(c->settings, 1);
        if (c->error) {
                assert(startswith(c->error, "F: "));
                return 0;
        }
        ask(c, "ingress.status", "Managed");
        ask(c, "network.cniPlugin", "");
        ask(c, "network.multus.status", "Disabled");
        ask(c, "storage.optionalCsiComponents", "");
        ask(c, "a.b.c", "");
        return 0;
}
