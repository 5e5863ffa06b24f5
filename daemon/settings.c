/* SPDX-License-Identifier: Apache-2.0 */

#include "settings.h"

#include <limits.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "gates/definition.h"

#define WARNINGS_MAX 32
#define REQUIRE_MAX LIMIT_GATES
#define BLANKS " \t"
#define SHOWN_MAX 128

static const char *const scope_table[_SCOPE_MAX] = {
        [SCOPE_NODE] = "node",
        [SCOPE_CLUSTER] = "cluster",
};

static Scope scope_from_string(const char *s) {
        for (int i = 0; i < _SCOPE_MAX; i++)
                if (streq(scope_table[i], s))
                        return i;
        return _SCOPE_INVALID;
}

Settings *settings_free(Settings *s) {
        if (!s)
                return NULL;
        free(s->kubeconfig);
        free(s->context);
        free(s->node);
        strv_free(s->require);
        strv_free(s->require_added);
        free(s->boot_id_file);
        free(s->machine_id_file);
        free(s->cgroup_root);
        free(s->kubelet_healthz);
        free(s->textfile);
        strv_free(s->files);
        strv_free(s->warnings);
        return mfree(s);
}

/* What holds where no file says otherwise. */
static int settings_new(Settings **ret) {
        _cleanup_(settings_freep) Settings *s = malloc(sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (Settings){
                .hold = SETTINGS_HOLD_DEFAULT,
                .unknown = SETTINGS_UNKNOWN_DEFAULT,
                .kubelet_healthz = strdup(SETTINGS_KUBELET_HEALTHZ_DEFAULT),
                .log_level = -1,
        };
        if (!s->kubelet_healthz)
                return -ENOMEM;
        *ret = TAKE_PTR(s);
        return 0;
}

/* Parsers take a value, "" to go back to the default, and set *why where they return -EINVAL. */
typedef int (*SettingParser)(Settings *s, const char *value, const char **why);

static int refuse(const char **why, const char *text) {
        *why = text;
        return -EINVAL;
}

static int set_text(char **p, const char *value) {
        int r = free_and_strdup(p, *value ? value : NULL);

        return MIN(r, 0);
}

static int set_path(char **p, const char *value, const char **why) {
        if (*value && (*value != '/' || strlen(value) >= PATH_MAX))
                return refuse(why, "not an absolute path");
        return set_text(p, value);
}

static int set_timespan(usec_t *p, const char *value, usec_t otherwise, const char **why) {
        int r;

        if (!*value) {
                *p = otherwise;
                return 0;
        }
        r = parse_timespan(value, p);
        return r < 0 ? refuse(why, "not a time span, as 90, 2min or 500ms are") : 0;
}

static int parse_kubeconfig(Settings *s, const char *value, const char **why) {
        return set_path(&s->kubeconfig, value, why);
}

static int parse_context(Settings *s, const char *value, const char **why) {
        return set_text(&s->context, value);
}

static int parse_node(Settings *s, const char *value, const char **why) {
        if (strlen(value) > 253 || value[strcspn(value, BLANKS "/")])
                return refuse(why, "neither local nor the name of a node");
        return set_text(&s->node, streq(value, "local") ? "" : value);
}

static int parse_scope(Settings *s, const char *value, const char **why) {
        Scope scope = *value ? scope_from_string(value) : SCOPE_NODE;

        if (scope < 0)
                return refuse(why, "neither node nor cluster");
        s->scope = scope;
        return 0;
}

static int parse_require(Settings *s, const char *value, const char **why) {
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        if (!*value) {
                s->require = strv_free(s->require);
                s->require_added = strv_free(s->require_added);
                s->has_require = false;
                return 0;
        }
        r = strv_split(value, BLANKS, &names);
        STRV_FOREACH(n, names) {
                bool added = **n == '+';
                char ***list = added ? &s->require_added : &s->require;

                if (r < 0)
                        break;
                if (!gate_name_is_valid(*n + added))
                        return refuse(why, "not names of gates, nor +NAME");
                if (strv_length(*list) >= REQUIRE_MAX)
                        return refuse(why, "too many gates");
                s->has_require = s->has_require || !added;
                if (!strv_contains(*list, *n + added))
                        r = strv_extend(list, *n + added);
        }
        return r;
}

static int parse_settle(Settings *s, const char *value, const char **why) {
        usec_t u;
        int r;

        r = set_timespan(&u, value, 0, why);
        if (r < 0)
                return r;
        if (u == USEC_INFINITY)
                return refuse(why, "no gate would ever open");
        s->settle = u;
        return 0;
}

static int parse_hold(Settings *s, const char *value, const char **why) {
        return set_timespan(&s->hold, value, SETTINGS_HOLD_DEFAULT, why);
}

static int parse_unknown(Settings *s, const char *value, const char **why) {
        return set_timespan(&s->unknown, value, SETTINGS_UNKNOWN_DEFAULT, why);
}

static int parse_boot_id_file(Settings *s, const char *value, const char **why) {
        return set_path(&s->boot_id_file, value, why);
}

static int parse_machine_id_file(Settings *s, const char *value, const char **why) {
        return set_path(&s->machine_id_file, value, why);
}

static int parse_cgroup_root(Settings *s, const char *value, const char **why) {
        return set_path(&s->cgroup_root, value, why);
}

/* Here alone empty does not mean the default: the kubelet is not asked. */
static int parse_kubelet_healthz(Settings *s, const char *value, const char **why) {
        const char *host = startswith(value, "http://") ?: startswith(value, "https://");

        if (*value && (!host || strcspn(host, "/?#") == 0 || value[strcspn(value, BLANKS)]))
                return refuse(why, "neither empty nor an http:// or https:// URL");
        if (*value && memchr(host, '@', strcspn(host, "/?#")))
                return refuse(why, "a URL with a user in it, which is not supported");
        return set_text(&s->kubelet_healthz, value);
}

static int parse_textfile(Settings *s, const char *value, const char **why) {
        return set_path(&s->textfile, value, why);
}

static int parse_level(Settings *s, const char *value, const char **why) {
        int level = *value ? log_level_from_string(value) : -1;

        if (*value && level < 0)
                return refuse(why, "not a level, as err, warning, info and debug are");
        s->log_level = level;
        return 0;
}

static const struct {
        const char *section;
        const char *key;
        SettingParser parse;
} keys[] = {
        { "Cluster", "Kubeconfig", parse_kubeconfig },
        { "Cluster", "Context", parse_context },
        { "Cluster", "Node", parse_node },
        { "Cluster", "Scope", parse_scope },
        { "Readiness", "Require", parse_require },
        { "Readiness", "SettleSec", parse_settle },
        { "Readiness", "HoldSec", parse_hold },
        { "Readiness", "UnknownSec", parse_unknown },
        { "Host", "BootIdFile", parse_boot_id_file },
        { "Host", "MachineIdFile", parse_machine_id_file },
        { "Host", "CgroupRoot", parse_cgroup_root },
        { "Host", "KubeletHealthz", parse_kubelet_healthz },
        { "Metrics", "Textfile", parse_textfile },
        { "Log", "Level", parse_level },
};

static bool section_is_known(const char *section) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (streq(keys[i].section, section))
                        return true;
        return false;
}

/* As systemd: what begins with X- is somebody else's, and the keys of an unknown section need no words of their
 * own. */
static int warn_unknown(Settings *s, const ConfLine *l) {
        bool known = section_is_known(l->section) && !*l->label;
        char *warning;
        int r;

        if (startswith(l->section, "X-") || (l->key && (startswith(l->key, "X-") || !known)) ||
            (!l->key && known))
                return 0;
        if (strv_length(s->warnings) >= WARNINGS_MAX)
                return 0;
        if (l->key)
                r = asprintf_ret(&warning, "%s:%u: unknown key %.*s= in [%s], ignoring", l->file, l->line,
                                 (int) utf8_truncate(l->key, SHOWN_MAX), l->key, l->section);
        else
                r = asprintf_ret(&warning, "%s:%u: unknown section [%.*s%s%.*s], ignoring", l->file, l->line,
                                 (int) utf8_truncate(l->section, SHOWN_MAX), l->section,
                                 *l->label ? " " : "", (int) utf8_truncate(l->label, SHOWN_MAX), l->label);
        return r < 0 ? r : strv_consume(&s->warnings, warning);
}

/* What is shown of a value that cannot be read: a URL with a user in it may have a password. */
static const char *shown(const ConfLine *l) {
        return streq(l->key, "KubeletHealthz") && strchr(l->value, '@') ? "..." : l->value;
}

static int take_line(Settings *s, const ConfLine *l, char **reterr_detail) {
        const char *why = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(keys) && l->key && !*l->label; i++) {
                if (!streq(keys[i].section, l->section) || !streq(keys[i].key, l->key))
                        continue;
                r = keys[i].parse(s, l->value, &why);
                if (r == -EINVAL && reterr_detail)
                        (void) asprintf_ret(reterr_detail, "%s:%u: %s=%.*s: %s", l->file, l->line, l->key,
                                            (int) utf8_truncate(shown(l), SHOWN_MAX), shown(l), why);
                return r;
        }
        return warn_unknown(s, l);
}

/* What msready.conf and its drop-ins say. All or nothing: -EINVAL with file, line and key in reterr_detail (may be
 * NULL), so that whoever has settings already can keep them; -ENOMEM. What is merely unknown is a warning. */
int settings_parse(const ConfFile *conf, Settings **ret, char **reterr_detail) {
        _cleanup_(settings_freep) Settings *s = NULL;
        int r;

        if (conf->errors) {
                if (reterr_detail)
                        (void) asprintf_ret(reterr_detail, "%s", conf->errors[0]);
                return -EINVAL;
        }
        r = settings_new(&s);
        if (r >= 0)
                r = strv_copy(conf->files, &s->files);
        for (size_t i = 0; r >= 0 && i < conf->n_lines; i++)
                r = take_line(s, conf->lines + i, reterr_detail);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}
