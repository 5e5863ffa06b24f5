/* SPDX-License-Identifier: Apache-2.0 */

/* What podman's generator (podman-systemd.unit(5)) makes of its files at the next boot or reload: `systemctl enable`
 * does not work for its units, so no link on the disk tells what pulls them in, and below --root= nothing has been
 * generated. Read as podman 5 reads them; podman 4 knows neither /run nor ServiceName=. UpheldBy= counts, which podman
 * knows since 5.5: an image may get it with an update. */

#include "quadlet.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "conf/conf.h"
#include "root.h"
#include "unit-name.h"

/* Their units are separated by white space and may be quoted. */
#define SEPARATORS " \t\"'"
#define USERS "/etc/containers/systemd/users"

static const struct Kind {
        const char *suffix, *section, *ending; /* of the service's name */
} kinds[] = {
        { ".container", "Container", "" },
        { ".kube", "Kube", "" },
        { ".pod", "Pod", "-pod" },
        { ".volume", "Volume", "-volume" },
        { ".network", "Network", "-network" },
        { ".image", "Image", "-image" },
        { ".build", "Build", "-build" },
        { ".artifact", "Artifact", "-artifact" },
};

typedef struct Reader {
        const char *root;
        char **folders; /* resolved, as the system below root sees them; the first goes first */
        char **seen;    /* names of files: one hides those of its name in later folders */
        size_t n_read;  /* files, and drop-ins for each of them */
        QuadletUnits *found;
} Reader;

static void unit_done(QuadletUnit *u) {
        free(u->file);
        free(u->service);
        strv_free(u->links);
        strv_free(u->before);
}

void quadlet_done(QuadletUnits *q) {
        for (size_t i = 0; i < q->n; i++)
                unit_done(q->units + i);
        free(q->units);
        *q = (QuadletUnits){};
}

static const struct Kind *kind_of(const char *name) {
        const char *dot = strrchr(name, '.');

        for (size_t i = 0; dot && i < ELEMENTSOF(kinds); i++)
                if (streq(dot, kinds[i].suffix))
                        return kinds + i;
        return NULL;
}

/* Adds a folder and those in it, links to folders included; each once, so that a circle ends. Those of drop-ins, and
 * those of users, are not looked for files. */
static int add_folders(Reader *r, const char *folder) {
        _cleanup_free_ char *path = NULL;
        _cleanup_(strv_freep) char **names = NULL;
        const char *inside;
        int k;

        k = root_path(r->root, folder, &path);
        if (k < 0)
                return k == -ENOMEM ? k : 0;
        inside = path + strlen(r->root);
        if (endswith(inside, ".d") || startswith(inside, USERS) || strv_contains(r->folders, inside))
                return 0;
        k = root_list(r->root, inside, &names);
        if (k == -ENOMEM || k == -E2BIG)
                return k;
        if (k < 0)
                return 0;
        if (strv_length(r->folders) >= LIMIT_CONFIG_NAMES)
                return -E2BIG;
        k = strv_extend(&r->folders, inside);
        STRV_FOREACH(n, names) {
                _cleanup_free_ char *child = NULL;

                if (k >= 0)
                        k = asprintf_ret(&child, "%s/%s", inside, *n);
                if (k >= 0)
                        k = add_folders(r, child);
                if (k < 0)
                        return k;
        }
        return k;
}

/* Finds the drop-ins of one folder: their names are added to names, and their paths to paths at the same place. */
static int list_drop_ins(const Reader *r, const char *folder, char ***names, char ***paths) {
        _cleanup_(strv_freep) char **entries = NULL;
        int k;

        k = root_list(r->root, folder, &entries);
        if (k < 0)
                return k == -ENOMEM ? k : 0;
        STRV_FOREACH(e, entries) {
                if (!endswith(*e, ".conf") || strv_contains(*names, *e) ||
                    strv_length(*names) >= LIMIT_CONFIG_NAMES)
                        continue;
                k = strv_extend(names, *e);
                if (k >= 0)
                        k = strv_extendf(paths, "%s/%s", folder, *e);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int append_file(const Reader *r, const char *path, Buffer *text) {
        _cleanup_free_ char *data = NULL;
        size_t size;
        int k;

        k = root_read(r->root, path, &data, &size);
        if (k >= 0)
                k = buffer_put(text, data, size);
        /* The second line end is for a backslash in front of the first. */
        return k < 0 ? k : buffer_put(text, "\n\n", 2);
}

/* Appends the drop-ins to a file's text, in the order of their names: what is said last counts. */
static int append_drop_ins(Reader *r, const char *name, const struct Kind *kind, Buffer *text) {
        _cleanup_(strv_freep) char **folders = NULL, **names = NULL, **paths = NULL, **sorted = NULL;
        int k;

        k = unit_drop_in_folders(name, kind->suffix, &folders);
        STRV_FOREACH(f, r->folders)
                STRV_FOREACH(d, folders) {
                        _cleanup_free_ char *folder = NULL;

                        if (k >= 0)
                                k = asprintf_ret(&folder, "%s/%s", *f, *d);
                        if (k >= 0)
                                k = list_drop_ins(r, folder, &names, &paths);
                }
        if (k >= 0)
                k = strv_copy(names, &sorted);
        if (k < 0)
                return k;
        strv_sort(sorted);
        STRV_FOREACH(s, sorted)
                for (size_t i = 0; names[i]; i++) {
                        if (!streq(names[i], *s))
                                continue;
                        if (++r->n_read > LIMIT_FOLDER_ENTRIES)
                                return -E2BIG;
                        if (append_file(r, paths[i], text) == -ENOMEM)
                                return -ENOMEM;
                }
        return 0;
}

/* The last value of a key, in quotes or not; NULL where it is not given. */
static char *last_value(const ConfFile *f, const char *section, const char *key) {
        char *value = NULL;

        for (size_t i = 0; i < f->n_lines; i++)
                if (streq(f->lines[i].section, section) && f->lines[i].key && streq(f->lines[i].key, key))
                        value = f->lines[i].value;
        if (value && value[0] == '"' && strlen(value) > 1 && endswith(value, "\"")) {
                value[strlen(value) - 1] = '\0';
                return value + 1;
        }
        return value;
}

/* All words of a list; an empty assignment drops those before it in [Install], and none of [Unit]. */
static int all_words(const ConfFile *f, const char *section, const char *key, char ***ret) {
        _cleanup_(strv_freep) char **words = NULL;

        for (size_t i = 0; i < f->n_lines; i++) {
                const ConfLine *l = f->lines + i;
                _cleanup_(strv_freep) char **more = NULL;
                int k;

                if (!streq(l->section, section) || !l->key || !streq(l->key, key))
                        continue;
                if (!*l->value && streq(section, "Install"))
                        words = strv_free(words);
                k = strv_split(l->value, SEPARATORS, &more);
                STRV_FOREACH(w, more)
                        if (k >= 0)
                                k = strv_extend(&words, *w);
                if (k < 0)
                        return k;
        }
        *ret = TAKE_PTR(words);
        return 0;
}

/* Adds the links WORD.ending/service for all words of a key. */
static int add_links(QuadletUnit *u, const ConfFile *f, const char *key, const char *ending,
                     const char *service) {
        _cleanup_(strv_freep) char **words = NULL;
        int k;

        k = all_words(f, "Install", key, &words);
        STRV_FOREACH(w, words)
                if (k >= 0)
                        k = *ending ? strv_extendf(&u->links, "%s%s/%s", *w, ending, service)
                                    : strv_extend(&u->links, *w);
        return k;
}

/* Tells what the generator makes of a file and its drop-ins. Returns 0 where it makes nothing. */
static int convert(const ConfFile *f, const char *name, const struct Kind *kind, QuadletUnit *u) {
        _cleanup_free_ char *installed = NULL;
        const char *given = last_value(f, kind->section, "ServiceName");
        const char *instance = last_value(f, "Install", "DefaultInstance");
        int k;

        if (given)
                k = asprintf_ret(&u->service, "%s.service", given);
        else
                k = asprintf_ret(&u->service, "%.*s%s.service", (int) (strlen(name) - strlen(kind->suffix)),
                                 name, kind->ending);
        if (k < 0)
                return k;
        if (!unit_name_is_valid(u->service))
                return 0;
        k = add_links(u, f, "Alias", "", NULL);
        if (k >= 0 && unit_is_template(u->service) && instance)
                k = asprintf_ret(&installed, "%.*s%s.service",
                                 (int) (strlen(u->service) - strlen(".service")), u->service, instance);
        else if (k >= 0 && !unit_is_template(u->service))
                k = asprintf_ret(&installed, "%s", u->service);
        if (k >= 0 && installed)
                k = add_links(u, f, "WantedBy", ".wants", installed);
        if (k >= 0 && installed)
                k = add_links(u, f, "RequiredBy", ".requires", installed);
        if (k >= 0 && installed)
                k = add_links(u, f, "UpheldBy", ".upholds", installed);
        if (k >= 0)
                k = all_words(f, "Unit", "Before", &u->before);
        return k < 0 ? k : 1;
}

static int add_unit(QuadletUnits *q, QuadletUnit *u) {
        QuadletUnit *units = reallocarray(q->units, q->n + 1, sizeof(*units));

        if (!units)
                return -ENOMEM;
        q->units = units;
        q->units[q->n++] = *u;
        *u = (QuadletUnit){};
        return 0;
}

/* Reads one file. What cannot be read is left out, as the generator leaves it out. */
static int read_unit(Reader *r, const char *folder, const char *name, const struct Kind *kind) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(4 * LIMIT_CONFIG_FILE);
        _cleanup_(conf_file_freep) ConfFile *f = NULL;
        _cleanup_(unit_done) QuadletUnit u = {};
        int k;

        if (strv_contains(r->seen, name))
                return 0;
        k = asprintf_ret(&u.file, "%s/%s", folder, name);
        if (k >= 0)
                k = append_file(r, u.file, &text);
        /* A link to /dev/null is an empty file, which hides those of its name. */
        if (k < 0 && k != -ENOMEM && root_is_mask(r->root, u.file))
                k = buffer_putc(&text, '\n');
        if (k < 0)
                return k == -ENOMEM ? k : 0;
        if (++r->n_read > LIMIT_FOLDER_ENTRIES)
                return -E2BIG;
        k = strv_extend(&r->seen, name);
        if (k >= 0)
                k = append_drop_ins(r, name, kind, &text);
        if (k >= 0)
                k = conf_parse(name, u.file, text.data, text.size, &f);
        if (k >= 0)
                k = convert(f, name, kind, &u);
        return k <= 0 ? k : add_unit(r->found, &u);
}

static void reader_done(Reader *r) {
        strv_free(r->folders);
        strv_free(r->seen);
}

/* Reads the files of the system below root ("" for this one). quadlet_done() frees *ret. -E2BIG for more files than
 * any real system has, -ENOMEM. */
int quadlet_read(const char *root, QuadletUnits *ret) {
        static const char *const tops[] = { "/run/containers/systemd", "/etc/containers/systemd",
                                            "/usr/share/containers/systemd" };
        _cleanup_(quadlet_done) QuadletUnits found = {};
        _cleanup_(reader_done) Reader r = { .root = root, .found = &found };
        int k = 0;

        for (size_t i = 0; k >= 0 && i < ELEMENTSOF(tops); i++)
                k = add_folders(&r, tops[i]);
        STRV_FOREACH(f, r.folders) {
                _cleanup_(strv_freep) char **names = NULL;

                if (k >= 0)
                        k = root_list(root, *f, &names);
                STRV_FOREACH(n, names)
                        if (k >= 0 && kind_of(*n))
                                k = read_unit(&r, *f, *n, kind_of(*n));
        }
        if (k < 0)
                return k;
        *ret = found;
        found = (QuadletUnits){};
        return 0;
}
