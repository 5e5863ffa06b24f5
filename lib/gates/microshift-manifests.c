/* SPDX-License-Identifier: Apache-2.0 */

/* A package of MicroShift's brings a folder of manifests, and MicroShift's loader deploys a folder that a path of
 * manifests.kustomizePaths names or matches, and that has a kustomization file. Here the names of these folders are
 * found as that loader finds them, by Go's filepath.Glob.
 *
 * The paths are walked here, a part at a time, and fnmatch(3) compares: glob(3) can neither be stopped in /+/+/+/+
 * (a + for each *) nor says that it may not look into a folder, and its * matches "." and ".." where it matches hidden
 * names. Go's patterns are written anew for fnmatch(3): to Go, "!" in a class is a character as others are, and there
 * are no classes with names. A difference is left: to Go, ? is a character and not a byte. */

#include "gates/microshift-manifests.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"

/* Of microshift.service: what a relative path is relative to. */
#define WORKING_DIRECTORY "/usr/bin"

/* What MicroShift takes where kustomizePaths is not set. */
static char *const default_paths[] = {
        (char *) "/usr/lib/microshift/manifests",
        (char *) "/usr/lib/microshift/manifests.d/*",
        (char *) "/etc/microshift/manifests",
        (char *) "/etc/microshift/manifests.d/*",
        NULL,
};

/* Those that kustomize knows. */
static const char *const file_names[] = { "kustomization.yaml", "kustomization.yml", "Kustomization" };

/* Folders of which it is not known whether they are deployed. */
typedef struct Doubt {
        char *names; /* for fnmatch(3) */
        char *why;
} Doubt;

struct MicroShiftManifests {
        char **names; /* of the folders that are deployed */
        Doubt *doubts;
        size_t n_doubts;
        size_t n_steps; /* up to LIMIT_MANIFEST_STEPS */
};

MicroShiftManifests *microshift_manifests_free(MicroShiftManifests *m) {
        if (!m)
                return NULL;
        for (size_t i = 0; i < m->n_doubts; i++) {
                free(m->doubts[i].names);
                free(m->doubts[i].why);
        }
        free(m->doubts);
        strv_free(m->names);
        return mfree(m);
}

/* Patterns. */

/* Takes a character of a class, which may not be "-" or "]" unless it is escaped. */
static bool take_member(const char **p, char **out) {
        if (**p == '-' || **p == ']')
                return false;
        if (**p == '\\')
                (*p)++;
        if (!**p)
                return false;
        *(*out)++ = '\\';
        *(*out)++ = *(*p)++;
        return true;
}

/* Takes what follows "[". */
static bool take_class(const char **p, char **out) {
        *(*out)++ = '[';
        if (**p == '^') {
                *(*out)++ = '!';
                (*p)++;
        }
        do {
                if (!take_member(p, out))
                        return false;
                if (**p == '-') {
                        *(*out)++ = *(*p)++;
                        if (!take_member(p, out))
                                return false;
                }
        } while (**p != ']');
        *(*out)++ = *(*p)++;
        return true;
}

/* Makes a pattern for fnmatch(3) of one of Go's. -EINVAL where Go refuses it, -ENOMEM. */
static int translate(const char *p, char **ret) {
        _cleanup_free_ char *pattern = malloc(2 * strlen(p) + 1);
        char *out = pattern;

        if (!pattern)
                return -ENOMEM;
        while (*p) {
                bool escaped = *p == '\\';

                if (*p == '[') {
                        p++;
                        if (!take_class(&p, &out))
                                return -EINVAL;
                        continue;
                }
                *out++ = *p++;
                if (!escaped)
                        continue;
                if (!*p)
                        return -EINVAL;
                *out++ = *p++;
        }
        *out = '\0';

        *ret = TAKE_PTR(pattern);
        return 0;
}

static bool is_pattern(const char *part) {
        return strpbrk(part, "*?[\\");
}

/* A pattern for fnmatch(3) that matches this name alone. */
static int escape(const char *name, char **ret) {
        char *pattern = malloc(2 * strlen(name) + 1), *out = pattern;

        if (!pattern)
                return -ENOMEM;
        for (; *name; name++) {
                *out++ = '\\';
                *out++ = *name;
        }
        *out = '\0';
        *ret = pattern;
        return 0;
}

/* What was found. */

/* path may hold whatever a file's name and the configuration may. */
static int doubt(MicroShiftManifests *m, const char *names, const char *path, const char *why) {
        _cleanup_free_ char *copy = strdup(names), *where = strdup(path), *text = NULL;
        Doubt *grown;
        int r;

        if (!copy || !where)
                return -ENOMEM;
        strip_control(where);
        where[utf8_truncate(where, LIMIT_MESSAGE / 2)] = '\0';
        r = asprintf_ret(&text, "%s: %s", where, why);
        if (r < 0)
                return r;
        grown = realloc(m->doubts, (m->n_doubts + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        m->doubts = grown;
        m->doubts[m->n_doubts++] = (Doubt){ .names = TAKE_PTR(copy), .why = TAKE_PTR(text) };
        return 0;
}

/* Whether there may be one more step; the first that may not be makes all names doubtful. -ENOMEM. */
static int step(MicroShiftManifests *m, const char *path) {
        if (m->n_steps > LIMIT_MANIFEST_STEPS)
                return 0;
        if (m->n_steps++ < LIMIT_MANIFEST_STEPS)
                return 1;
        return doubt(m, "*", path, "manifests.kustomizePaths covers too many files");
}

/* Whether MicroShift, which may do more than we, finds nothing there either. */
static bool is_nothing(int error) {
        return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG;
}

/* Folders. */

static const char *last_part(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* 1 where the folder has a kustomization file, 0 where it has none, -EBADMSG where that cannot be told, with the
 * system's own number in *ret_error; -ENOMEM. */
static int has_kustomization(const char *folder, int *ret_error) {
        int error = 0;

        for (size_t i = 0; i < ELEMENTSOF(file_names); i++) {
                _cleanup_free_ char *path = NULL;
                struct stat st;
                int r;

                r = path_join(folder, file_names[i], &path);
                if (r < 0)
                        return r;
                if (stat(path, &st) >= 0)
                        return 1;
                if (!is_nothing(errno))
                        error = errno;
        }
        if (error == 0)
                return 0;
        *ret_error = error;
        return -EBADMSG;
}

static int note(MicroShiftManifests *m, const char *name, const char *folder, int error) {
        _cleanup_free_ char *pattern = NULL;
        int r;

        if (error == 0)
                return strv_contains(m->names, name) ? 0 : strv_extend(&m->names, name);
        r = escape(name, &pattern);
        return r < 0 ? r : doubt(m, pattern, folder, strerror(error));
}

/* Takes a folder that a path of kustomizePaths names or matches. It goes by the last part of that path, and where it
 * is a link by that of the folder behind: an administrator may link a package's folder into another. */
static int take_folder(MicroShiftManifests *m, const char *folder) {
        _cleanup_free_ char *resolved = NULL;
        int r, error = 0;

        r = has_kustomization(folder, &error);
        if (r == 0 || r == -ENOMEM)
                return r;
        r = note(m, last_part(folder), folder, error);
        if (r < 0)
                return r;
        resolved = realpath(folder, NULL);
        if (!resolved)
                return errno == ENOMEM ? -ENOMEM : 0;
        return streq(last_part(resolved), last_part(folder)) ? 0
                                                             : note(m, last_part(resolved), folder, error);
}

/* Appends what in folder matches pattern to *paths. last: the pattern of the names that are looked for in the end. */
static int match(MicroShiftManifests *m, const char *folder, const char *pattern, const char *last,
                 char ***paths) {
        const char *path = *folder ? folder : "/";
        _cleanup_closedir_ DIR *d = opendir(path);
        struct dirent *entry;
        int r;

        if (!d)
                return is_nothing(errno) ? 0 : doubt(m, last, path, strerror(errno));
        while ((errno = 0, entry = readdir(d))) {
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                r = step(m, folder);
                if (r > 0 && glob_matches(pattern, entry->d_name))
                        r = strv_extendf(paths, "%s/%s", folder, entry->d_name) ?: 1;
                if (r <= 0)
                        return r;
        }
        return errno == 0 ? 0 : doubt(m, last, path, strerror(errno));
}

/* Paths. */

/* Replaces *paths by what they lead to by way of a part of a path. */
static int descend(MicroShiftManifests *m, char ***paths, const char *part, const char *last) {
        _cleanup_(strv_freep) char **next = NULL;
        _cleanup_free_ char *pattern = NULL;
        int r = 0;

        if (is_pattern(part))
                r = translate(part, &pattern);
        STRV_FOREACH(p, *paths) {
                if (r >= 0)
                        r = pattern ? match(m, *p, pattern, last, &next) : step(m, *p);
                if (r > 0)
                        r = strv_extendf(&next, "%s/%s", *p, part);
        }
        if (r < 0)
                return r;
        strv_free(*paths);
        *paths = TAKE_PTR(next);
        return 0;
}

/* The parts of a path, without those that are empty, ".", or taken back by "..", as Go cleans a path. */
static int take_apart(const char *path, char ***ret) {
        _cleanup_(strv_freep) char **raw = NULL, **parts = NULL;
        _cleanup_free_ char *absolute = NULL;
        int r;

        r = asprintf_ret(&absolute, "%s/%s", *path == '/' ? "" : WORKING_DIRECTORY, path);
        if (r >= 0)
                r = strv_split(absolute, "/", &raw);
        STRV_FOREACH(part, raw) {
                size_t n = strv_length(parts);

                if (r < 0)
                        return r;
                if (streq(*part, "."))
                        continue;
                if (!streq(*part, ".."))
                        r = strv_extend(&parts, *part);
                else if (n > 0)
                        parts[n - 1] = mfree(parts[n - 1]);
        }
        if (r < 0)
                return r;

        *ret = TAKE_PTR(parts);
        return 0;
}

/* Takes what one of kustomizePaths names or matches. -EINVAL where it is a pattern that Go refuses, -ENOMEM. */
static int take_path(MicroShiftManifests *m, const char *root, const char *path) {
        _cleanup_(strv_freep) char **parts = NULL, **paths = NULL;
        _cleanup_free_ char *last = NULL;
        size_t n;
        int r;

        if (strlen(path) >= PATH_MAX)
                return doubt(m, "*", path, strerror(ENAMETOOLONG));
        r = take_apart(path, &parts);
        n = strv_length(parts);
        /* The root folder has no name that a gate could ask for. */
        if (r < 0 || n == 0)
                return r;
        r = is_pattern(parts[n - 1]) ? translate(parts[n - 1], &last) : escape(parts[n - 1], &last);
        if (r >= 0)
                r = strv_extend(&paths, root);
        STRV_FOREACH(part, parts)
                r = r < 0 ? r : descend(m, &paths, *part, last);
        STRV_FOREACH(folder, paths)
                r = r < 0 ? r : take_folder(m, *folder);
        return r;
}

/* One pattern that Go refuses stops MicroShift's loader, whatever the other paths are. */
static int take_back(MicroShiftManifests *m, const char *path) {
        m->names = strv_free(m->names);
        return doubt(m, "*", path, "not a pattern that manifests.kustomizePaths may have");
}

/* Finds what MicroShift would deploy if it started now. config has no error. Relative paths are those of its own
 * service. root: "", or in tests a folder that stands for "/". What cannot be looked into leaves a doubt. -ENOMEM. */
int microshift_manifests_load(const MicroShiftConfig *config, const char *root, MicroShiftManifests **ret) {
        _cleanup_(microshift_manifests_freep) MicroShiftManifests *m = calloc(1, sizeof(*m));
        _cleanup_(strv_freep) char **set = NULL;
        int r;

        if (!m)
                return -ENOMEM;
        r = microshift_config_get_list(config, "manifests.kustomizePaths", &set);
        if (r < 0)
                return r;
        STRV_FOREACH(path, r > 0 ? set : default_paths) {
                r = step(m, *path);
                if (r > 0)
                        r = take_path(m, root, *path);
                if (r == -EINVAL) {
                        r = take_back(m, *path);
                        if (r >= 0)
                                break;
                }
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(m);
        return 0;
}

/* Whether MicroShift deploys a folder of that name; none where m is NULL. -EBADMSG where that cannot be told, with the
 * reason in *ret_why, which lives as long as m. */
int microshift_manifests_deploy(const MicroShiftManifests *m, const char *name, const char **ret_why) {
        if (m && strv_contains(m->names, name))
                return 1;
        for (size_t i = 0; m && i < m->n_doubts; i++) {
                if (glob_matches(m->doubts[i].names, name)) {
                        *ret_why = m->doubts[i].why;
                        return -EBADMSG;
                }
        }
        return 0;
}
