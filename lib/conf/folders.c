/* SPDX-License-Identifier: Apache-2.0 */

#include "conf/folders.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"

/* Whether path leads to /dev/null. An empty file is no mask here: while tools write a file it is empty for a
 * moment, and its gate must not vanish for that. */
bool path_is_mask(const char *path) {
        struct stat st;

        return stat(path, &st) >= 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* The path of name in the first folder that has it, dangling links included; NULL if none has. */
int folders_find(char *const *folders, const char *name, char **ret) {
        STRV_FOREACH(f, folders) {
                _cleanup_free_ char *path = NULL;
                struct stat st;
                int r;

                r = path_join(*f, name, &path);
                if (r < 0)
                        return r;
                /* What lstat() fails on may be there: reading it tells why. */
                if (lstat(path, &st) >= 0 || (errno != ENOENT && errno != ENOTDIR)) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }
        *ret = NULL;
        return 0;
}

static int add_name(char ***names, size_t *n, const char *name) {
        if (strv_contains(*names, name))
                return 0;
        if (++*n > LIMIT_CONFIG_NAMES)
                return -E2BIG;
        return strv_extend(names, name);
}

/* Adds the names in one folder that end in suffix to names, *n being how many there are. */
static int list_folder(const char *folder, const char *suffix, char ***names, size_t *n) {
        _cleanup_closedir_ DIR *d = opendir(folder);
        int r;

        if (!d)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        for (;;) {
                struct dirent *e;

                errno = 0;
                e = readdir(d);
                if (!e)
                        return -errno;
                if (e->d_name[0] == '.' || !endswith(e->d_name, suffix))
                        continue;
                r = add_name(names, n, e->d_name);
                if (r < 0)
                        return r;
        }
}

/* The names in all folders that end in suffix (".gate") and do not begin with a dot, each once and sorted. A
 * folder that does not exist is empty. A folder that cannot be listed is an error, because gates could be
 * missed; reterr_detail (may be NULL) names it. -E2BIG, -ENOMEM. */
int conf_enumerate(char *const *folders, const char *suffix, char ***ret, char **reterr_detail) {
        _cleanup_(strv_freep) char **names = NULL;
        size_t n = 0;
        int r;

        STRV_FOREACH(f, folders) {
                r = list_folder(*f, suffix, &names, &n);
                if (r < 0) {
                        if (reterr_detail && r != -ENOMEM)
                                (void) asprintf_ret(reterr_detail, "%s: cannot be listed: %s", *f,
                                                    r == -E2BIG ? "too many files" : strerror(-r));
                        return r;
                }
        }
        strv_sort(names);
        *ret = TAKE_PTR(names);
        return 0;
}

/* The paths of the drop-ins of name, in the order of their own names, without masked ones. Errors are added
 * to errors. -ENOMEM. */
int folders_dropins(char *const *folders, const char *name, char ***ret, char ***errors) {
        _cleanup_(strv_freep) char **dropin_folders = NULL, **names = NULL, **paths = NULL;
        char *detail = NULL;
        int r;

        STRV_FOREACH(f, folders) {
                r = strv_extendf(&dropin_folders, "%s%s%s.d", *f, endswith(*f, "/") ? "" : "/", name);
                if (r < 0)
                        return r;
        }

        r = conf_enumerate(dropin_folders, ".conf", &names, &detail);
        if (r < 0)
                return r == -ENOMEM ? r : strv_consume(errors, detail);

        STRV_FOREACH(n, names) {
                _cleanup_free_ char *path = NULL;

                r = folders_find(dropin_folders, *n, &path);
                if (r < 0)
                        return r;
                if (!path || path_is_mask(path))
                        continue;
                r = strv_consume(&paths, TAKE_PTR(path));
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(paths);
        return 0;
}
