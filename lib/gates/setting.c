/* SPDX-License-Identifier: Apache-2.0 */

/* MicroShift makes JSON of each file (sigs.k8s.io/yaml), lays one over the other as JSON merge patches
 * (evanphx/json-patch, RFC 7396), and decodes the result into Go's structs (encoding/json). Two of their
 * habits decide how this tree is built:
 *
 *   - merging distinguishes the case of keys. The first file is taken with its nulls, of others they
 *     only remove;
 *   - decoding does not distinguish it: "Ingress" and "ingress" are both read, in the order of their
 *     bytes, and the later one counts, setting by setting. There null says nothing, except of a list,
 *     which it unsets.
 *
 * Members are sorted once, so that merging takes no more than going through both maps. */

#include "gates/setting.h"

#include <strings.h>

/* Frees what s owns. */
static void setting_done(Setting *s) {
        for (size_t i = 0; i < s->n_members; i++)
                setting_done(s->members + i);
        s->members = mfree(s->members);
        s->n_members = 0;
}

Setting *setting_free(Setting *s) {
        if (s)
                setting_done(s);
        return mfree(s);
}

static int compare_members(const void *a, const void *b) {
        const Setting *x = a, *y = b;

        return strcmp(x->key, y->key);
}

/* Recurses as deep as the document, which has a ceiling. */
static int read_members(Setting *map) {
        size_t n = 0;
        int r = 0;

        YNODE_FOREACH(m, map->node)
                n++;
        if (!ynode_is_map(map->node) || n == 0)
                return 0;
        map->members = calloc(n, sizeof(*map->members));
        if (!map->members)
                return -ENOMEM;
        YNODE_FOREACH(m, map->node)
                map->members[map->n_members++] =
                        (Setting){ .key = ynode_key(m), .node = m, .file = map->file };
        qsort(map->members, n, sizeof(*map->members), compare_members);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = read_members(map->members + i);
        return r;
}

/* Makes a tree of a document, which must outlive it, as file must. -ENOMEM. */
int setting_new(const YNode *document, const char *file, Setting **ret) {
        _cleanup_(setting_freep) Setting *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        *s = (Setting){ .node = document, .file = file };
        r = read_members(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* Nulls of a patch set nothing. Those in lists stay. */
static void drop_nulls(Setting *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_members; i++) {
                if (ynode_is_null(s->members[i].node))
                        continue;
                drop_nulls(s->members + i);
                s->members[n++] = s->members[i];
        }
        s->n_members = n;
}

/* *to takes what is in *from. */
static void move(Setting *to, Setting *from) {
        setting_done(to);
        *to = *from;
        from->members = NULL;
        from->n_members = 0;
}

/* Goes on after an error, so that both trees can be freed. */
static int merge_maps(Setting *base, Setting *patch) {
        Setting *merged = calloc(base->n_members + patch->n_members + 1, sizeof(*merged));
        size_t n = 0, i = 0, j = 0;
        int r = 0;

        if (!merged)
                return -ENOMEM;
        while (i < base->n_members || j < patch->n_members) {
                int c = i == base->n_members    ? 1
                        : j == patch->n_members ? -1
                                                : strcmp(base->members[i].key, patch->members[j].key);
                Setting *b = c <= 0 ? base->members + i++ : NULL, *p = c >= 0 ? patch->members + j++ : NULL;

                if (b && p) {
                        r = setting_merge(b, p) ?: r;
                        setting_done(p);
                } else if (p)
                        drop_nulls(p);
                b = b ?: p;
                if (p && ynode_is_null(p->node))
                        setting_done(b);
                else
                        merged[n++] = *b;
        }
        free(base->members);
        base->members = merged;
        base->n_members = n;
        patch->members = mfree(patch->members);
        patch->n_members = 0;
        return r;
}

/* Lays patch over base and empties it; base gets null where patch is null. The caller frees both, also on
 * failure: -ENOMEM. */
int setting_merge(Setting *base, Setting *patch) {
        if (ynode_is_map(base->node) && ynode_is_map(patch->node))
                return merge_maps(base, patch);
        drop_nulls(patch);
        move(base, patch);
        return 0;
}

static void find(const Setting *s, const char *key, size_t at, SettingFinding *f) {
        size_t length = strcspn(key + at, ".");

        if (!key[at]) {
                if (!ynode_is_null(s->node))
                        f->value = s;
                else if (f->value && ynode_is_list(f->value->node))
                        f->value = NULL;
                return;
        }
        if (!ynode_is_map(s->node)) {
                if (!f->obstacle && !ynode_is_null(s->node)) {
                        f->obstacle = s;
                        f->obstacle_length = at > 0 ? at - 1 : 0;
                }
                return;
        }
        for (size_t i = 0; i < s->n_members; i++) {
                const Setting *m = s->members + i;

                if (strlen(m->key) == length && strncasecmp(m->key, key + at, length) == 0)
                        find(m, key, at + length + (key[at + length] == '.'), f);
        }
}

/* Looks a dotted key up ("ingress.status"), in whatever case it is written. */
SettingFinding setting_find(const Setting *root, const char *key) {
        SettingFinding f = {};

        if (root)
                find(root, key, 0, &f);
        return f;
}
