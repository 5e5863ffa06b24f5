/* SPDX-License-Identifier: Apache-2.0 */

#include "settings.h"

#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/string-util.h"
#include "base/value.h"
#include "gates/definition.h"
#include "kube/name.h"

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
        free(s->kubeconfig_place);
        free(s->context);
        free(s->context_place);
        free(s->node);
        strv_free(s->require);
        strv_free(s->require_places);
        strv_free(s->require_added);
        strv_free(s->added_places);
        free(s->boot_id_file);
        free(s->machine_id_file);
        free(s->cgroup_root);
        free(s->textfile);
        strv_free(s->files);
        strv_free(s->warnings);
        return mfree(s);
}

/* Parsers set a member of Settings by a value, "" to go back to the default, and set *why where they return
 * -EINVAL. */
typedef int (*SettingParser)(void *p, const char *value, const char **why);

static int parse_path(void *p, const char *value, const char **why) {
        return value_set_path(p, value, why);
}

/* node_exporter reads no other files. */
static int parse_textfile(void *p, const char *value, const char **why) {
        struct stat st;

        if (*value == '/' && !endswith(value, ".prom"))
                return value_refuse(why, "node_exporter reads only files whose names end in .prom");
        if (*value == '/' && stat(value, &st) >= 0 && S_ISDIR(st.st_mode))
                return value_refuse(why, "a folder: write the name of a file");
        return value_set_path(p, value, why);
}

/* A kubeconfig may call its contexts anything. */
static int parse_context(void *p, const char *value, const char **why) {
        return value_is_quoted(value) ? value_refuse(why, VALUE_QUOTED) : value_set_text(p, value);
}

static int parse_node(void *p, const char *value, const char **why) {
        if (*value && !kube_name_is_valid(value))
                return value_refuse(why, value_has_specifier(value)
                                                 ? VALUE_SPECIFIER ", local for this host's node"
                                                 : "must be local or a name that a node can "
                                                   "have: " KUBE_NAME_WORDS);
        return value_set_text(p, streq(value, "local") ? "" : value);
}

static int parse_scope(void *p, const char *value, const char **why) {
        Scope scope = *value ? scope_from_string(value) : SCOPE_NODE;

        if (scope < 0)
                return value_refuse(why, "must be node or cluster");
        *(Scope *) p = scope;
        return 0;
}

static int parse_require(void *p, const char *value, const char **why) {
        Settings *s = container_of(p, Settings, require);
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        if (!*value) {
                s->require = strv_free(s->require);
                s->require_places = strv_free(s->require_places);
                s->require_added = strv_free(s->require_added);
                s->added_places = strv_free(s->added_places);
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
                        return value_refuse(why, "must be names of gates, or +NAME");
                if (strv_length(*list) >= REQUIRE_MAX)
                        return value_refuse(why, "too many gates");
                s->has_require = s->has_require || !added;
                if (!strv_contains(*list, *n + added))
                        r = strv_extend(list, *n + added);
        }
        return r;
}

static int parse_settle(void *p, const char *value, const char **why) {
        usec_t u;
        int r;

        r = value_set_timespan(&u, value, 0, why);
        if (r < 0)
                return r;
        if (u == USEC_INFINITY)
                return value_refuse(why, "no gate would ever open");
        *(usec_t *) p = u;
        return 0;
}

static int parse_hold(void *p, const char *value, const char **why) {
        return value_set_timespan(p, value, GATE_TIMING_DEFAULT.hold, why);
}

static int parse_unknown(void *p, const char *value, const char **why) {
        return value_set_timespan(p, value, GATE_TIMING_DEFAULT.unknown, why);
}

static int parse_level(void *p, const char *value, const char **why) {
        int level = *value ? log_level_from_string(value) : -1;

        if (*value && level < 0)
                return value_refuse(why, "must be a log level such as err, warning, info or debug");
        *(int *) p = level;
        return 0;
}

#define MEMBER(m) offsetof(Settings, m)

static const struct {
        const char *section;
        const char *key;
        SettingParser parse;
        size_t offset; /* of the member */
        size_t place;  /* of the member that keeps where the value stands; 0: that is not kept */
} keys[] = {
        { "Cluster", "Kubeconfig", parse_path, MEMBER(kubeconfig), MEMBER(kubeconfig_place) },
        { "Cluster", "Context", parse_context, MEMBER(context), MEMBER(context_place) },
        { "Cluster", "Node", parse_node, MEMBER(node) },
        { "Cluster", "Scope", parse_scope, MEMBER(scope) },
        { "Readiness", "Require", parse_require, MEMBER(require) },
        { "Readiness", "SettleSec", parse_settle, MEMBER(timing.settle) },
        { "Readiness", "HoldSec", parse_hold, MEMBER(timing.hold) },
        { "Readiness", "UnknownSec", parse_unknown, MEMBER(timing.unknown) },
        { "Host", "BootIdFile", parse_path, MEMBER(boot_id_file) },
        { "Host", "MachineIdFile", parse_path, MEMBER(machine_id_file) },
        { "Host", "CgroupRoot", parse_path, MEMBER(cgroup_root) },
        { "Metrics", "Textfile", parse_textfile, MEMBER(textfile) },
        { "Log", "Level", parse_level, MEMBER(log_level) },
};

static bool section_is_known(const char *section) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (streq(keys[i].section, section))
                        return true;
        return false;
}

/* The key of that section, or the section where key is NULL, that was meant; NULL where none is near. */
static const char *find_nearest(const char *section, const char *key) {
        const char *names[ELEMENTSOF(keys) + 1] = {};
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (!key || streq(keys[i].section, section))
                        names[n++] = key ? keys[i].key : keys[i].section;
        return nearest_name(key ?: section, (char *const *) names);
}

/* As in systemd, names that begin with X- are other programs', and the keys of an unknown section need no warning
 * of their own. */
static int warn_unknown(Settings *s, const ConfLine *l) {
        bool known = section_is_known(l->section) && !*l->label;
        const char *nearest;

        if (startswith(l->section, "X-") || (l->key && (startswith(l->key, "X-") || !known)) ||
            (!l->key && known))
                return 0;
        if (strv_length(s->warnings) >= WARNINGS_MAX)
                return 0;
        nearest = find_nearest(l->section, l->key);
        if (l->key)
                return strv_extendf(&s->warnings, "%s:%u: unknown key %.*s= in [%s], ignoring%s%s%s",
                                    l->file, l->line, (int) utf8_truncate(l->key, SHOWN_MAX), l->key,
                                    l->section, nearest ? "; did you mean " : "", strempty(nearest),
                                    nearest ? "=?" : "");
        return strv_extendf(&s->warnings, "%s:%u: unknown section [%.*s%s%.*s], ignoring%s%s%s", l->file,
                            l->line, (int) utf8_truncate(l->section, SHOWN_MAX), l->section,
                            *l->label ? " " : "", (int) utf8_truncate(l->label, SHOWN_MAX), l->label,
                            nearest ? "; did you mean [" : "", strempty(nearest), nearest ? "]?" : "");
}

static int keep_place(char **place, const ConfLine *l) {
        *place = mfree(*place);
        return *l->value ? asprintf_ret(place, "%s:%u", l->file, l->line) : 0;
}

/* A value may have been taken with the comment behind it. */
static int warn_of_comment(Settings *s, const ConfLine *l) {
        const char *shown = value_shown(l->value);

        if (!value_has_comment(l->value) || strv_length(s->warnings) >= WARNINGS_MAX)
                return 0;
        return strv_extendf(&s->warnings, "%s:%u: %s=%.*s: " VALUE_COMMENTED, l->file, l->line, l->key,
                            (int) utf8_truncate(shown, SHOWN_MAX), shown);
}

/* "+a b" on one line: b alone replaces the gates that are required otherwise, which such a line hardly means. */
static int warn_of_mixed(Settings *s, const ConfLine *l) {
        _cleanup_(strv_freep) char **names = NULL;
        const char *plain = NULL;
        bool added = false;
        int r;

        if (!streq(l->key, "Require") || strv_length(s->warnings) >= WARNINGS_MAX)
                return 0;
        r = strv_split(l->value, BLANKS, &names);
        if (r < 0)
                return r;
        STRV_FOREACH(n, names) {
                added = added || **n == '+';
                plain = plain ?: **n == '+' ? NULL : *n;
        }
        if (!added || !plain)
                return 0;
        return strv_extendf(&s->warnings,
                            "%s:%u: Require=%.*s: %s has no \"+\", so no gates but those of Require= are "
                            "required; did you mean +%s?",
                            l->file, l->line, (int) utf8_truncate(l->value, SHOWN_MAX), l->value, plain,
                            plain);
}

static int refuse(char ***errors, const ConfLine *l, const char *why) {
        const char *shown = value_shown(l->value);

        if (strv_length(*errors) >= WARNINGS_MAX)
                return 0;
        return strv_extendf(errors, "%s:%u: %s=%.*s: %s", l->file, l->line, l->key,
                            (int) utf8_truncate(shown, SHOWN_MAX), shown, value_explain(l->value, why));
}

/* An error ends nothing: it is added to errors. -ENOMEM. */
static int take_line(Settings *s, const ConfLine *l, char ***errors) {
        const char *why = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(keys) && l->key && !*l->label; i++) {
                if (!streq(keys[i].section, l->section) || !streq(keys[i].key, l->key))
                        continue;
                r = keys[i].parse((char *) s + keys[i].offset, l->value, &why);
                if (r >= 0 && keys[i].place > 0)
                        r = keep_place((char **) (void *) ((char *) s + keys[i].place), l);
                if (r < 0 && r != -EINVAL)
                        return r;
                /* Of a value that is refused some names may have been taken. */
                return conf_keep_places(l, s->require, &s->require_places)
                               ?: conf_keep_places(l, s->require_added, &s->added_places)
                               ?: r == -EINVAL ? refuse(errors, l, why)
                                               : warn_of_mixed(s, l) ?: warn_of_comment(s, l);
        }
        return warn_unknown(s, l);
}

/* Reads msready.conf and its drop-ins. All or nothing, so that a caller can keep the settings that it has: -EINVAL
 * with file, line and key of the first error in reterr_detail (may be NULL); -ENOMEM. With ret_errors errors are no
 * failure: all of them go there, and the settings are what is left. Unknown sections and keys are warnings. */
int settings_parse(const ConfFile *conf, Settings **ret, char **reterr_detail, char ***ret_errors) {
        _cleanup_(settings_freep) Settings *s = malloc(sizeof(Settings));
        _cleanup_(strv_freep) char **errors = NULL;
        int r;

        if (!s)
                return -ENOMEM;
        *s = (Settings){
                .timing = GATE_TIMING_DEFAULT,
                .log_level = -1,
        };
        r = strv_copy(conf->files, &s->files);
        if (r >= 0)
                r = strv_copy(conf->errors, &errors);
        for (size_t i = 0; r >= 0 && i < conf->n_lines; i++)
                r = take_line(s, conf->lines + i, &errors);
        if (r < 0)
                return r;
        if (strv_length(errors) > 0 && !ret_errors) {
                if (reterr_detail)
                        *reterr_detail = strdup(errors[0]);
                return -EINVAL;
        }

        *ret = TAKE_PTR(s);
        if (ret_errors)
                *ret_errors = TAKE_PTR(errors);
        return 0;
}
