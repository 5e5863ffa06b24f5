/* SPDX-License-Identifier: Apache-2.0 */

/* MicroShift's configuration as MicroShift reads it: its files are merged (setting.c) in its order
 * (microshift-files.c), and what is not set, or set to an empty string, has the default of MicroShift's own
 * code. What MicroShift accepts must not make gates invalid on a node that works; what it refuses is told
 * as it is read, because MicroShift does not start then. */

#include "gates/condition-microshift.h"

#include "base/string-util.h"

/* Keys of MicroShift's whose type is known, and what MicroShift takes where they are not set; NULL where
 * that is no constant. */
static const struct {
        const char *key;
        bool list;
        const char *value;
} known[] = {
        { "genericDevicePlugin.status", false, "Disabled" },
        { "ingress.status", false, "Managed" },
        { "manifests.kustomizePaths", true, NULL },
        { "network.cniPlugin", false, "" },
        { "network.multus.status", false, "Disabled" },
        { "node.hostnameOverride", false, NULL },
        { "storage.driver", false, "" },
        { "storage.optionalCsiComponents", true, "" },
        { "telemetry.status", false, "Enabled" },
};

/* NULL for a key whose default we do not know. */
static const char *default_of(const char *key) {
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (streq(known[i].key, key))
                        return known[i].value;
        return NULL;
}

/* Whether the key is one whose default we know. */
bool microshift_config_knows(const char *key) {
        return default_of(key);
}

MicroShiftConfig *microshift_config_free(MicroShiftConfig *c) {
        if (!c)
                return NULL;
        setting_free(c->settings);
        for (size_t i = 0; i < c->n_documents; i++) {
                ynode_free(c->documents[i].root);
                free(c->documents[i].file);
        }
        free(c->documents);
        free(c->error);
        return mfree(c);
}

/* Keeps as the configuration's error why a file of it cannot be used, unless there is one already; line is
 * 0 where it is the whole file. -ENOMEM. */
int microshift_config_refuse(MicroShiftConfig *c, const char *file, unsigned line, const char *why) {
        int r;

        if (c->error)
                return 0;
        r = line > 0 ? asprintf_ret(&c->error, "%s: line %u: %s", file, line, why)
                     : asprintf_ret(&c->error, "%s: %s", file, why);
        if (r >= 0)
                strip_control(c->error);
        return r;
}

static int keep_document(MicroShiftConfig *c, const char *file, YNode *root, MicroShiftDocument **ret) {
        MicroShiftDocument *d, *grown = reallocarray(c->documents, c->n_documents + 1, sizeof(*grown));

        if (!grown) {
                ynode_free(root);
                return -ENOMEM;
        }
        c->documents = grown;
        d = c->documents + c->n_documents++;
        *d = (MicroShiftDocument){ .file = strdup(file), .root = root };
        *ret = d;
        return d->file ? 0 : -ENOMEM;
}

/* What cannot be merged with another file, by the words of the library that MicroShift merges with: null on
 * either side, and a scalar on top. */
static bool is_unmergeable(const Setting *s, bool on_top) {
        return ynode_is_null(s->node) || (on_top && !ynode_is_map(s->node) && !ynode_is_list(s->node));
}

static int lay_over(MicroShiftConfig *c, Setting *s) {
        const Setting *odd = NULL;

        if (is_unmergeable(c->settings, false))
                odd = c->settings;
        else if (is_unmergeable(s, true))
                odd = s;
        if (!odd)
                return setting_merge(c->settings, s);
        return microshift_config_refuse(
                c, odd->file, 0,
                "holds no settings, and is not empty either: MicroShift does not merge "
                "such a file with others");
}

static bool is_blank(const char *text, size_t size) {
        while (size > 0 && strchr(" \t\n\v\f\r", text[size - 1]) && text[size - 1])
                size--;
        return size == 0;
}

/* Lays the text of one more file over those before. What MicroShift cannot read is kept as the
 * configuration's error, and nothing is added after it. -ENOMEM. */
int microshift_config_add(MicroShiftConfig *c, const char *file, const char *text, size_t size) {
        _cleanup_(setting_freep) Setting *s = NULL;
        _cleanup_free_ char *detail = NULL;
        MicroShiftDocument *d;
        YNode *root;
        int r;

        if (c->error || is_blank(text, size))
                return 0;
        r = ynode_parse(text, size, &root, &detail);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return microshift_config_refuse(c, file, 0, detail ?: "cannot be parsed");
        r = keep_document(c, file, root, &d);
        if (r < 0)
                return r;
        r = setting_new(d->root, d->file, &s);
        if (r < 0)
                return r;
        if (c->settings)
                return lay_over(c, s);
        c->settings = TAKE_PTR(s);
        return 0;
}

/* Tells that a value is of another type than MicroShift takes for the first `length` bytes of key. It is
 * shown where its type may surprise: "no" is a boolean, which nobody sees. */
static int refuse_type(MicroShiftConfig *c, const char *file, const YNode *n, const char *key, size_t length,
                       const char *wanted) {
        const char *type = ynode_type(n);
        bool show = streq(type, "boolean") || streq(type, "number");
        _cleanup_free_ char *why = NULL;
        int r;

        r = show ? asprintf_ret(&why, "%.*s must be a %s, and %.32s is a %s", (int) length, key, wanted,
                                ynode_string(n), type)
                 : asprintf_ret(&why, "%.*s must be a %s, and this is a %s", (int) length, key, wanted,
                                type);
        return r < 0 ? r : microshift_config_refuse(c, file, ynode_line(n), why);
}

static int check_list(MicroShiftConfig *c, const Setting *s, const char *key) {
        YNODE_FOREACH(item, s->node)
                if (!ynode_is_null(item) && !streq(ynode_type(item), "string"))
                        return refuse_type(c, s->file, item, key, strlen(key), "list of strings");
        return 0;
}

/* To be called once all files are added: keeps as the configuration's error what MicroShift cannot decode.
 * -ENOMEM. */
int microshift_config_check(MicroShiftConfig *c) {
        const Setting *root = c->settings;

        if (c->error || !root || ynode_is_null(root->node))
                return 0;
        if (!ynode_is_map(root->node))
                return microshift_config_refuse(c, root->file, ynode_line(root->node),
                                                "not a map of settings");
        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                const char *key = known[i].key, *wanted = known[i].list ? "list" : "string";
                SettingFinding f = setting_find(root, key);
                int r = 0;

                if (f.obstacle)
                        r = refuse_type(c, f.obstacle->file, f.obstacle->node, key, f.obstacle_length,
                                        "map");
                else if (f.value && !streq(ynode_type(f.value->node), wanted))
                        r = refuse_type(c, f.value->file, f.value->node, key, strlen(key), wanted);
                else if (f.value && known[i].list)
                        r = check_list(c, f.value, key);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What key is set to, NULL where it is not. */
static const YNode *find_value(const MicroShiftConfig *c, const char *key) {
        SettingFinding f = setting_find(c->settings, key);

        return f.value ? f.value->node : NULL;
}

/* The text that key is set to; NULL where it is not set, or to no text. */
const char *microshift_config_get(const MicroShiftConfig *c, const char *key) {
        return ynode_string(find_value(c, key));
}

/* The texts of the list that key is set to, in its order; what is no text is skipped. Returns 1 where it is
 * a list, perhaps an empty one, which the caller frees; 0 where it is not set, or to null or to no list;
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

/* Whether key ("ingress.status") has that value, or is a list that holds it; a list that is empty holds "".
 * What is not set, or set to "", has MicroShift's default, and "" where we know of none. */
bool microshift_config_has(const MicroShiftConfig *c, const char *key, const char *value) {
        const YNode *n = find_value(c, key);

        if (!ynode_is_list(n)) {
                const char *text = ynode_string(n);

                return streq(isempty(text) ? strempty(default_of(key)) : text, value);
        }
        YNODE_FOREACH(item, n)
                if (streq(strempty(ynode_string(item)), value))
                        return true;
        return !ynode_first(n) && !*value;
}
