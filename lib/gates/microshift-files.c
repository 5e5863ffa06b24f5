/* SPDX-License-Identifier: Apache-2.0 */

/* Which files MicroShift reads: config.yaml, where it exists, and what Go's filepath.WalkDir finds in
 * config.d. That is walked to any depth, each folder at the place of its name among its neighbours;
 * whatever is no folder and ends in ".yaml" is read, hidden or not. Links to files are followed, those to
 * folders are not: a config.d that is a link holds nothing, and a link NAME.yaml to a folder stops
 * MicroShift. A pipe, a socket or a device would make MicroShift hang or fail; it is refused, save
 * /dev/null, which is an empty file. */

#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "conf/folders.h"
#include "gates/condition-microshift.h"

typedef struct Walk {
        MicroShiftConfig *config;
        unsigned depth;
        size_t n_names;
        size_t bytes;
} Walk;

static int refuse(Walk *w, const char *path, const char *why) {
        return microshift_config_refuse(w->config, path, 0, why);
}

static int refuse_listing(Walk *w, const char *path, const char *why) {
        _cleanup_free_ char *told = NULL;
        int r = asprintf_ret(&told, "cannot be listed: %s", why);

        return r < 0 ? r : refuse(w, path, told);
}

static int read_file(Walk *w, const char *path) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (path_is_mask(path))
                return 0;
        r = file_read(path, LIMIT_CONFIG_FILE, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(w, path, file_read_fault(r));
        w->bytes += size;
        if (w->bytes > LIMIT_MICROSHIFT_CONFIG)
                return refuse(w, path, "too large, together with the files before it");
        return microshift_config_add(w->config, path, text, size);
}

/* The names in a folder that may matter: folders, what ends in ".yaml", and what the file system does not
 * tell. Returns 1 where they could be listed, 0 where that has been refused, -ENOMEM. */
static int list_names(Walk *w, const char *folder, char ***ret) {
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_closedir_ DIR *d = opendir(folder);
        int r;

        if (!d)
                return refuse_listing(w, folder, strerror(errno));
        for (;;) {
                struct dirent *e;

                errno = 0;
                e = readdir(d);
                if (!e && errno != 0)
                        return refuse_listing(w, folder, strerror(errno));
                if (!e)
                        break;
                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                if (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN && !endswith(e->d_name, ".yaml"))
                        continue;
                if (++w->n_names > LIMIT_CONFIG_NAMES)
                        return refuse_listing(w, folder, "too many files");
                r = strv_extend(&names, e->d_name);
                if (r < 0)
                        return r;
        }
        strv_sort(names);
        *ret = TAKE_PTR(names);
        return 1;
}

static int visit(Walk *w, const char *path);

/* Recurses as deep as the folders, which has a ceiling. */
static int walk(Walk *w, const char *folder) {
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        if (++w->depth > LIMIT_CONFIG_DEPTH)
                return refuse(w, folder, "nested too deeply");
        r = list_names(w, folder, &names);
        STRV_FOREACH(n, names) {
                _cleanup_free_ char *path = NULL;

                if (r < 0 || w->config->error)
                        break;
                r = path_join(folder, *n, &path);
                if (r >= 0)
                        r = visit(w, path);
        }
        w->depth--;
        return r;
}

static int visit(Walk *w, const char *path) {
        struct stat st;

        /* Listed a moment ago, and gone. */
        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : refuse(w, path, strerror(errno));
        if (S_ISDIR(st.st_mode))
                return walk(w, path);
        if (!endswith(path, ".yaml"))
                return 0;
        if (S_ISLNK(st.st_mode) && stat(path, &st) < 0 && errno == ENOENT)
                return refuse(w, path, "a link that leads nowhere");
        return read_file(w, path);
}

/* Reads MicroShift's configuration: file, then the *.yaml of folder. What is absent is not an error; what
 * MicroShift does not read either is kept as the configuration's error, with file and, where there is one,
 * line. -ENOMEM. */
int microshift_config_load(const char *file, const char *folder, MicroShiftConfig **ret) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *c = calloc(1, sizeof(*c));
        Walk w = { .config = c };
        struct stat st;
        int r = 0;

        if (!c)
                return -ENOMEM;
        if (stat(file, &st) >= 0)
                r = read_file(&w, file);
        else if (errno != ENOENT)
                r = refuse(&w, file, strerror(errno));
        if (r >= 0 && !c->error) {
                if (lstat(folder, &st) >= 0)
                        r = S_ISDIR(st.st_mode) ? walk(&w, folder) : 0;
                else if (errno != ENOENT)
                        r = refuse(&w, folder, strerror(errno));
        }
        if (r >= 0)
                r = microshift_config_check(c);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}
