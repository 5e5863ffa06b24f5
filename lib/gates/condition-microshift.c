/* SPDX-License-Identifier: Apache-2.0 */

/* MicroShift takes config.yaml and lays the files of config.d over it, in the order of their names: maps are merged
 * key by key, anything else is replaced, and null removes (a JSON merge patch, RFC 7396). What is not set has the
 * default of MicroShift's own code. No merged tree is built: a key is looked up from the last file to the first,
 * and the first that decides ends the search. Each file is read as MicroShift reads it: what MicroShift accepts
 * must not make gates invalid on a node that works. */

#include "gates/condition-microshift.h"

#include <strings.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "conf/conf.h"

/* What MicroShift takes where a key is not set, and which keys are known at all. */
static const struct {
        const char *key;
        const char *value;
} defaults[] = {
        { "genericDevicePlugin.status", "Disabled" },
        { "ingress.status", "Managed" },
        { "network.cniPlugin", "" },
        { "network.multus.status", "Disabled" },
        { "storage.driver", "" },
        { "storage.optionalCsiComponents", "" },
        { "telemetry.status", "Enabled" },
};

/* NULL for a key that we do not know. */
static const char *default_of(const char *key) {
        for (size_t i = 0; i < ELEMENTSOF(defaults); i++)
                if (streq(defaults[i].key, key))
                        return defaults[i].value;
        return NULL;
}

/* Whether the key is one whose default we know. */
bool microshift_config_knows(const char *key) {
        return default_of(key);
}

MicroShiftConfig *microshift_config_free(MicroShiftConfig *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->n_documents; i++)
                ynode_free(c->documents[i]);
        free(c->documents);
        free(c->error);
        return mfree(c);
}

/* The first error stands. */
static int set_error(MicroShiftConfig *c, const char *file, const char *why) {
        return c->error ? 0 : asprintf_ret(&c->error, "%s: %s", file, why);
}

/* Lays the text of one more file over those before. What cannot be parsed is kept as the configuration's error.
 * -ENOMEM. */
int microshift_config_add(MicroShiftConfig *c, const char *file, const char *text, size_t size) {
        _cleanup_(ynode_freep) YNode *document = NULL;
        _cleanup_free_ char *detail = NULL;
        YNode **grown;
        int r;

        r = ynode_parse_lenient(text, size, &document, &detail);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return set_error(c, file, detail ?: "cannot be parsed");
        if (ynode_is_null(document))
                return 0;
        if (!ynode_is_map(document)) {
                _cleanup_free_ char *why = NULL;

                r = asprintf_ret(&why, "line %u: not a map of settings", ynode_line(document));
                return r < 0 ? r : set_error(c, file, why);
        }

        grown = realloc(c->documents, (c->n_documents + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        c->documents = grown;
        c->documents[c->n_documents++] = TAKE_PTR(document);
        return 0;
}

static int load_file(MicroShiftConfig *c, const char *path) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = file_read(path, LIMIT_CONFIG_FILE, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return set_error(c, path, r == -E2BIG ? "too large" : strerror(-r));
        return microshift_config_add(c, path, text, size);
}

/* Reads MicroShift's configuration: file, then the *.yaml of folder. What is absent is not an error; what exists and
 * cannot be read or parsed is kept as the configuration's error, with file and line. -ENOMEM. */
int microshift_config_load(const char *file, const char *folder, MicroShiftConfig **ret) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
        _cleanup_(strv_freep) char **names = NULL, **folders = NULL;
        _cleanup_free_ char *detail = NULL;
        int r;

        if (!c)
                return -ENOMEM;
        r = load_file(c, file);
        if (r >= 0)
                r = strv_extend(&folders, folder);
        if (r < 0)
                return r;
        r = conf_enumerate(folders, ".yaml", &names, &detail);
        if (r < 0 && r != -ENOMEM) {
                c->error = c->error ?: TAKE_PTR(detail);
                r = 0;
        }
        STRV_FOREACH(n, names) {
                _cleanup_free_ char *path = NULL;

                if (r >= 0)
                        r = path_join(folder, *n, &path);
                if (r >= 0)
                        r = load_file(c, path);
        }
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

/* The case of names does not count, as in Go. */
static const YNode *get_own_part(const YNode *map, const char *key, size_t length) {
        if (ynode_is_map(map))
                YNODE_FOREACH(m, map)
                        if (strlen(ynode_key(m)) == length && strncasecmp(ynode_key(m), key, length) == 0)
                                return m;
        return NULL;
}

/* A member of the map, or of those that "<<" merges into it, the first before the others. */
static const YNode *get_part(const YNode *map, const char *key, size_t length) {
        const YNode *merged, *part = get_own_part(map, key, length);

        if (part || !ynode_is_map(map))
                return part;
        merged = ynode_get(map, "<<");
        if (!ynode_is_list(merged))
                return get_part(merged, key, length);
        YNODE_FOREACH(m, merged)
                part = part ?: get_part(m, key, length);
        return part;
}

/* Whether one file decides what a dotted key is: to be *ret, or with NULL there to be unset. */
static bool look_up(const YNode *n, const char *key, const YNode **ret) {
        while (*key) {
                size_t length = strcspn(key, ".");

                if (!ynode_is_map(n)) {
                        *ret = NULL;
                        return true;
                }
                n = get_part(n, key, length);
                if (!n)
                        return false;
                key += length + (key[length] == '.');
        }
        *ret = ynode_is_null(n) ? NULL : n;
        return true;
}

/* What key is set to, NULL where it is not. */
static const YNode *find_value(const MicroShiftConfig *c, const char *key) {
        const YNode *n = NULL;

        for (size_t i = c->n_documents; i > 0 && !look_up(c->documents[i - 1], key, &n);)
                i--;
        return n;
}

/* The text that key is set to; NULL where it is not set, or to no text. */
const char *microshift_config_get(const MicroShiftConfig *c, const char *key) {
        const YNode *n = find_value(c, key);

        return n ? ynode_string(n) : NULL;
}

/* The texts of the list that key is set to. 0 where it is not set or null; 1 where it is a list, which may be empty;
 * -ENOMEM. */
int microshift_config_get_list(const MicroShiftConfig *c, const char *key, char ***ret) {
        _cleanup_(strv_freep) char **texts = NULL;
        const YNode *n = find_value(c, key);

        if (!ynode_is_list(n))
                return 0;
        texts = strv_new_empty();
        if (!texts)
                return -ENOMEM;
        YNODE_FOREACH(item, n) {
                int r = ynode_string(item) ? strv_extend(&texts, ynode_string(item)) : 0;

                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(texts);
        return 1;
}

/* Whether key ("ingress.status") has that value, or is a list that holds it; a list that is empty holds "". What is
 * not set has MicroShift's default, and "" where we know of none. */
bool microshift_config_has(const MicroShiftConfig *c, const char *key, const char *value) {
        const YNode *n = find_value(c, key);

        if (!n)
                return streq(strempty(default_of(key)), value);
        if (!ynode_is_list(n))
                return streq(strempty(ynode_string(n)), value);
        YNODE_FOREACH(item, n)
                if (streq(strempty(ynode_string(item)), value))
                        return true;
        return !ynode_first(n) && !*value;
}
