/* SPDX-License-Identifier: Apache-2.0 */

/* What systemd reads when it loads the targets that a system boots into (systemd.unit(5), "Unit File Load Path"):
 * links in TARGET.wants, .requires and .upholds of all its folders, the targets' own files with their drop-ins, and
 * what podman's generator makes. Of two files of one name the one in the folder that comes first counts; a link to
 * /dev/null masks what is behind it. Links may dangle: only their names count. */

#include "pulls.h"

#include "base/string-util.h"
#include "base/strv.h"
#include "base/limits.h"
#include "conf/conf.h"
#include "quadlet.h"
#include "root.h"
#include "unit-name.h"

/* Units in a list; they may be quoted. */
#define SEPARATORS " \t\"'"

enum {
        ALWAYS,
        LIVE,   /* is made anew at each boot: of no use below --root= */
        QUADLET /* no folder: where that of podman's generator belongs, whether it has run or not */
};

static const struct {
        const char *path;
        int kind;
} folders[] = {
        { "/etc/systemd/system.control", ALWAYS },   { "/run/systemd/system.control", LIVE },
        { "/run/systemd/transient", LIVE },          { "/run/systemd/generator.early", LIVE },
        { "/etc/systemd/system", ALWAYS },           { "/etc/systemd/system.attached", ALWAYS },
        { "/run/systemd/system", ALWAYS },           { "/run/systemd/system.attached", LIVE },
        { "/run/systemd/generator", LIVE },          { NULL, QUADLET },
        { "/usr/local/lib/systemd/system", ALWAYS }, { "/usr/lib/systemd/system", ALWAYS },
        { "/lib/systemd/system", ALWAYS },           { "/run/systemd/generator.late", LIVE },
};

/* Keys of a target's [Unit] that pull units in. */
static const char *const pulling[] = { "Wants", "Requires", "BindsTo", "Upholds" };
/* Folders of links beside a target. */
static const char *const kinds[] = { "wants", "requires", "upholds" };

typedef struct Search {
        const char *root;
        const char *unit;
        QuadletUnits quadlet;
        char **claimed; /* "a.target", "a.target.wants/b.service": files that hide those of later folders */
        size_t n_claimed;
        char **from, **to; /* aliases, and what each stands for */
        char **templates;  /* of the names */
        char **drop_ins;   /* folders of them, of all names */
        bool has_file;
        char *template_mask;
        Pulls *pulls;
} Search;

static void search_done(Search *s) {
        quadlet_done(&s->quadlet);
        strv_free(s->claimed);
        strv_free(s->from);
        strv_free(s->to);
        strv_free(s->templates);
        strv_free(s->drop_ins);
        free(s->template_mask);
}

void pulls_done(Pulls *p) {
        strv_free(p->names);
        strv_free(p->targets);
        strv_free(p->later);
        strv_free(p->before);
        free(p->mask);
        free(p->quadlet);
}

static int add_once(char ***l, const char *s) {
        return strv_contains(*l, s) ? 0 : strv_extend(l, s);
}

/* Returns 1 for the first file of that name, 0 for one that is hidden. */
static int claim(Search *s, const char *name) {
        int r;

        if (strv_contains(s->claimed, name))
                return 0;
        if (++s->n_claimed > LIMIT_FOLDER_ENTRIES)
                return -E2BIG;
        r = strv_extend(&s->claimed, name);
        return r < 0 ? r : 1;
}

/* Whether there is no such folder. */
static bool is_absent(int error) {
        return error == -ENOENT || error == -ENOTDIR || error == -ELOOP;
}

static int add_target(char ***targets, const char *target) {
        if (!endswith(target, ".target") || !unit_name_is_valid(target) || unit_is_template(target))
                return 0;
        return add_once(targets, target);
}

/* The unit's names */

static int add_alias(Search *s, const char *from, const char *to) {
        int r;

        r = strv_extend(&s->from, from);
        return r < 0 ? r : strv_extend(&s->to, to);
}

/* Notes a link whose name differs from that of the unit it points to. */
static int take_alias(Search *s, const char *folder, const char *name) {
        _cleanup_free_ char *target = NULL, *template = NULL;
        const char *suffix = unit_suffix(name), *base;
        int r;

        if (!suffix || !streq(suffix, unit_suffix(s->unit)))
                return 0;
        r = claim(s, name);
        if (r <= 0)
                return r;
        r = root_readlink(s->root, folder, name, &target);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        base = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
        r = unit_template(name, &template);
        if (r < 0)
                return r;
        if (streq(base, name) || !endswith(base, suffix) || (template && streq(template, base)))
                return 0;
        return add_alias(s, name, base);
}

/* Where two of its files give the same alias the generator keeps one of them; both are taken here. */
static int take_aliases_of_quadlet(Search *s) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->quadlet.n; i++)
                STRV_FOREACH(l, s->quadlet.units[i].links)
                        if (r >= 0 && !strchr(*l, '/') && endswith(*l, unit_suffix(s->unit)) &&
                            !strv_contains(s->claimed, *l))
                                r = add_alias(s, *l, s->quadlet.units[i].service);
        return r;
}

/* Adds what systemd reads for a name: its template, and folders of drop-ins. */
static int add_files(Search *s, const char *name) {
        _cleanup_free_ char *template = NULL;
        _cleanup_(strv_freep) char **drop_ins = NULL;
        int r;

        r = unit_template(name, &template);
        if (r >= 0 && template)
                r = add_once(&s->templates, template);
        if (r >= 0)
                r = unit_drop_in_folders(name, unit_suffix(s->unit), &drop_ins);
        STRV_FOREACH(f, drop_ins)
                if (r >= 0)
                        r = add_once(&s->drop_ins, *f);
        return r;
}

/* Adds what the aliases make of the names, until there is no more. -E2BIG for more names than any real unit has. */
static int add_names(Search *s) {
        char ***names = &s->pulls->names;
        size_t before;
        int r;

        r = strv_extend(names, s->unit);
        do {
                before = strv_length(*names);
                for (size_t i = 0; r >= 0 && s->from && s->from[i]; i++) {
                        _cleanup_free_ char *from = NULL, *to = NULL;

                        r = unit_instantiate(s->from[i], s->unit, &from);
                        if (r >= 0)
                                r = unit_instantiate(s->to[i], s->unit, &to);
                        if (r >= 0 && strv_contains(*names, from))
                                r = add_once(names, to);
                        else if (r >= 0 && strv_contains(*names, to))
                                r = add_once(names, from);
                        if (r >= 0 && strv_length(*names) > LIMIT_UNIT_NAMES)
                                r = -E2BIG;
                }
        } while (r >= 0 && strv_length(*names) > before);
        STRV_FOREACH(n, *names)
                if (r >= 0)
                        r = add_files(s, *n);
        return r;
}

static bool is_unit(const Search *s, const char *name) {
        return strv_contains(s->pulls->names, name);
}

/* Files of targets, and of the unit */

/* Reads a target's file or drop-in. */
static int take_target(Search *s, const ConfFile *f, const char *target) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->n_lines; i++) {
                const ConfLine *l = f->lines + i;
                _cleanup_(strv_freep) char **words = NULL;
                bool pulls = false;

                for (size_t k = 0; l->key && k < ELEMENTSOF(pulling); k++)
                        pulls |= streq(l->section, "Unit") && streq(l->key, pulling[k]);
                if (!pulls)
                        continue;
                r = strv_split(l->value, SEPARATORS, &words);
                STRV_FOREACH(w, words)
                        if (r >= 0 && is_unit(s, *w))
                                r = add_target(&s->pulls->targets, target);
        }
        return r;
}

static bool is_install(const ConfLine *l) {
        return streq(l->section, "Install") &&
               (streq(l->key, "WantedBy") || streq(l->key, "RequiredBy") || streq(l->key, "UpheldBy"));
}

/* A target that waits for the whole cluster anyhow: a gate need not wait for it as well. */
static bool is_patient(const char *target) {
        return streq(target, "microshift-ready.target");
}

/* Reads the unit's own file or drop-in: what it is started before, and what will pull it in once it is enabled. */
static int take_order(Search *s, const ConfFile *f) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->n_lines; i++) {
                const ConfLine *l = f->lines + i;
                _cleanup_(strv_freep) char **words = NULL;
                bool is_before = l->key && streq(l->section, "Unit") && streq(l->key, "Before");

                if (!l->key || (!is_before && !is_install(l)))
                        continue;
                r = strv_split(l->value, SEPARATORS, &words);
                STRV_FOREACH(w, words)
                        if (r >= 0 && is_before)
                                r = add_once(&s->pulls->before, *w);
                        else if (r >= 0 && !is_patient(*w))
                                r = add_target(&s->pulls->later, *w);
        }
        return r;
}

/* Reads one file, of the target of that name or, where it is NULL, of the unit. One that cannot be read is none for
 * systemd either. */
static int take_file(Search *s, const char *path, const char *target) {
        _cleanup_(conf_file_freep) ConfFile *f = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = root_read(s->root, path, &text, &size);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        r = conf_parse(path, path, text, size, &f);
        if (r < 0)
                return r;
        return target ? take_target(s, f, target) : take_order(s, f);
}

/* Reads the drop-ins in folder/name. */
static int take_drop_ins(Search *s, const char *folder, const char *name, const char *target) {
        _cleanup_(strv_freep) char **entries = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        r = asprintf_ret(&path, "%s/%s", folder, name);
        if (r < 0)
                return r;
        r = root_list(s->root, path, &entries);
        if (r < 0)
                return is_absent(r) ? 0 : r;
        STRV_FOREACH(e, entries) {
                _cleanup_free_ char *key = NULL, *file = NULL;

                if (!endswith(*e, ".conf"))
                        continue;
                r = asprintf_ret(&key, "%s/%s", name, *e);
                if (r >= 0)
                        r = claim(s, key);
                if (r > 0) {
                        r = asprintf_ret(&file, "%s/%s", folder, key);
                        if (r >= 0)
                                r = take_file(s, file, target);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Takes the unit's own file, or its template's. */
static int take_unit(Search *s, const char *folder, const char *name) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = claim(s, name);
        if (r <= 0)
                return r;
        r = asprintf_ret(&path, "%s/%s", folder, name);
        if (r < 0)
                return r;
        s->has_file = s->has_file || is_unit(s, name);
        if (!root_is_mask(s->root, path))
                return take_file(s, path, NULL);
        return set_string(is_unit(s, name) ? &s->pulls->mask : &s->template_mask, path);
}

/* Links */

/* Takes the link to the unit in folder/TARGET.KIND; path is NULL where the link will be made. */
static int take_link(Search *s, const char *entry, const char *name, const char *target,
                     const char *folder) {
        _cleanup_free_ char *key = NULL, *path = NULL, *link = NULL, *holder = NULL;
        int r;

        r = asprintf_ret(&key, "%s/%s", entry, name);
        if (r >= 0 && folder) {
                r = asprintf_ret(&path, "%s/%s", folder, key);
                if (r >= 0)
                        r = asprintf_ret(&holder, "%s/%s", folder, entry);
                if (r >= 0)
                        r = root_readlink(s->root, holder, name, &link);
                if (r < 0 && r != -EINVAL)
                        return r == -ENOMEM ? r : 0;
        }
        if (r >= 0 || r == -EINVAL)
                r = claim(s, key);
        if (r <= 0 || (folder && (!link || root_is_mask(s->root, path))))
                return MIN(r, 0);
        return add_target(&s->pulls->targets, target);
}

/* Looks for links to the unit in folder/entry, or made there by Quadlet, where entry is TARGET.KIND. only is the
 * name that Quadlet gives its link; NULL: any of the unit's. */
static int take_links(Search *s, const char *folder, const char *entry, const char *only) {
        int r = 0;

        for (size_t k = 0; k < ELEMENTSOF(kinds); k++) {
                const char *end = endswith(entry, kinds[k]);
                _cleanup_free_ char *target = NULL;

                if (!end || end == entry || end[-1] != '.')
                        continue;
                target = strndup(entry, (size_t) (end - 1 - entry));
                if (!target)
                        return -ENOMEM;
                STRV_FOREACH(n, s->pulls->names)
                        if (r >= 0 && (!only || streq(only, *n)))
                                r = take_link(s, entry, *n, target, folder);
        }
        return r;
}

/* Takes the file that the unit is generated from. Its order counts where no unit file hides what is generated. */
static int take_source(Search *s, const QuadletUnit *u) {
        int r;

        r = set_string(&s->pulls->quadlet, u->file);
        if (strv_contains(s->claimed, u->service))
                return r;
        STRV_FOREACH(b, u->before)
                if (r >= 0)
                        r = add_once(&s->pulls->before, *b);
        return r;
}

static int take_quadlet(Search *s) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->quadlet.n; i++) {
                const QuadletUnit *u = s->quadlet.units + i;

                if (is_unit(s, u->service) || strv_contains(s->templates, u->service))
                        r = take_source(s, u);
                STRV_FOREACH(l, u->links) {
                        const char *slash = strchr(*l, '/');
                        _cleanup_free_ char *entry = NULL;

                        if (r < 0 || !slash)
                                continue;
                        entry = strndup(*l, (size_t) (slash - *l));
                        r = entry ? take_links(s, NULL, entry, slash + 1) : -ENOMEM;
                }
        }
        return r;
}

/* The search */

static int take_entry(Search *s, const char *folder, const char *entry) {
        _cleanup_free_ char *path = NULL, *stem = NULL;
        int r;

        if (is_unit(s, entry) || strv_contains(s->templates, entry)) {
                r = take_unit(s, folder, entry);
                if (r < 0)
                        return r;
        }
        if (endswith(entry, ".target")) {
                r = claim(s, entry);
                if (r <= 0)
                        return r;
                r = asprintf_ret(&path, "%s/%s", folder, entry);
                return r < 0 ? r : take_file(s, path, entry);
        }
        if (!endswith(entry, ".d"))
                return take_links(s, folder, entry, NULL);
        stem = strndup(entry, strlen(entry) - 2);
        if (!stem)
                return -ENOMEM;
        if (endswith(stem, ".target"))
                return take_drop_ins(s, folder, entry, stem);
        return strv_contains(s->drop_ins, entry) ? take_drop_ins(s, folder, entry, NULL) : 0;
}

typedef int (*TakeEntry)(Search *s, const char *folder, const char *entry);

static int go_over_folder(Search *s, const char *folder, TakeEntry take) {
        _cleanup_(strv_freep) char **entries = NULL;
        int r;

        r = root_list(s->root, folder, &entries);
        if (r < 0)
                return is_absent(r) ? 0 : r;
        STRV_FOREACH(e, entries) {
                r = take(s, folder, *e);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Goes over all folders as systemd does, each taken by its entries, and what the generator makes in its place. */
static int go_over_all(Search *s, bool live, TakeEntry take, int (*take_generated)(Search *s)) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(folders); i++)
                if (folders[i].kind == QUADLET)
                        r = take_generated(s);
                else if (folders[i].kind == ALWAYS || live)
                        r = go_over_folder(s, folders[i].path, take);
        return r;
}

/* What units of a type are started before by default: they cannot be started after it. */
static int add_default_order(Search *s) {
        static const char *const order[][2] = {
                { ".socket", "sockets.target" },     { ".timer", "timers.target" },
                { ".path", "paths.target" },         { ".swap", "swap.target" },
                { ".mount", "local-fs.target" },     { ".mount", "remote-fs.target" },
                { ".automount", "local-fs.target" }, { ".automount", "remote-fs.target" },
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(order); i++)
                if (endswith(s->unit, order[i][0]))
                        r = add_once(&s->pulls->before, order[i][1]);
        return r;
}

static int search(Search *s, bool live) {
        int r;

        r = quadlet_read(s->root, &s->quadlet);
        if (r >= 0)
                r = go_over_all(s, live, take_alias, take_aliases_of_quadlet);
        s->claimed = strv_free(s->claimed);
        s->n_claimed = 0;
        if (r >= 0)
                r = add_names(s);
        if (r >= 0)
                r = add_default_order(s);
        if (r >= 0)
                r = go_over_all(s, live, take_entry, take_quadlet);
        if (r >= 0 && !s->has_file && !s->pulls->quadlet)
                s->pulls->mask = TAKE_PTR(s->template_mask);
        s->pulls->is_absent = !s->has_file && !s->pulls->quadlet && !strchr(s->unit, '@');
        strv_sort(s->pulls->targets);
        strv_sort(s->pulls->later);
        return r;
}

/* Finds what pulls in a unit of the system below root; NULL is this system. unit has its suffix. pulls_done() frees
 * *ret. A folder that cannot be listed is an error, because a target could be missed; -E2BIG for more files than any
 * real system has. */
int pulls_read(const char *root, const char *unit, Pulls *ret) {
        _cleanup_(pulls_done) Pulls pulls = {};
        _cleanup_(search_done) Search s = { .root = strempty(root), .unit = unit, .pulls = &pulls };
        int r;

        r = search(&s, !root);
        if (r < 0)
                return r;
        *ret = pulls;
        pulls = (Pulls){};
        return 0;
}
