/* SPDX-License-Identifier: Apache-2.0 */

#include "root.h"

#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"

/* As many as the kernel follows. */
#define LINKS_MAX 40

static int read_link(const char *path, char **ret) {
        char target[PATH_MAX];
        ssize_t n = readlink(path, target, sizeof(target));

        if (n < 0)
                return -errno;
        if ((size_t) n >= sizeof(target))
                return -ENAMETOOLONG;
        return asprintf_ret(ret, "%.*s", (int) n, target);
}

/* Goes to the folder above; that of the root is the root. */
static void leave(char *inside) {
        char *slash = strrchr(inside, '/');

        if (slash)
                *slash = '\0';
}

/* Goes one step on: from *inside to name in it. Returns 1 and in *link where name is a link that is still to be
 * followed. */
static int enter(const char *root, char **inside, const char *name, char **link) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = asprintf_ret(&path, "%s%s/%s", root, *inside, name);
        if (r < 0)
                return r;
        r = read_link(path, link);
        if (r >= 0)
                return 1;
        if (r != -EINVAL && r != -ENOENT && r != -ENOTDIR)
                return r;
        return set_string(inside, path + strlen(root));
}

/* Where path of the system below root is on this one: with every link resolved, an absolute one from root, and none
 * leading out of it. What does not exist is taken as no link. root may be "". -ELOOP, or the system's error. */
int root_path(const char *root, const char *path, char **ret) {
        _cleanup_free_ char *inside = strdup(""), *todo = strdup(path);
        unsigned links = 0;
        int r;

        if (!inside || !todo)
                return -ENOMEM;
        for (size_t at = 0;;) {
                _cleanup_free_ char *name = NULL, *link = NULL, *rest = NULL;
                size_t n;

                at += strspn(todo + at, "/");
                n = strcspn(todo + at, "/");
                if (n == 0)
                        break;
                name = strndup(todo + at, n);
                if (!name)
                        return -ENOMEM;
                at += n;
                if (streq(name, ".."))
                        leave(inside);
                if (streq(name, ".") || streq(name, ".."))
                        continue;
                r = enter(root, &inside, name, &link);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                if (++links > LINKS_MAX)
                        return -ELOOP;
                r = asprintf_ret(&rest, "%s%s", link, todo + at);
                if (r < 0)
                        return r;
                if (link[0] == '/')
                        inside[0] = '\0';
                free(todo);
                todo = TAKE_PTR(rest);
                at = 0;
        }
        return asprintf_ret(ret, "%s%s", root, *inside ? inside : "/");
}

/* The names in a folder of the system below root, sorted. -ENOENT, -ENOTDIR, -ELOOP; -E2BIG for more than any real
 * folder has; else the system's error. */
int root_list(const char *root, const char *folder, char ***ret) {
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_closedir_ DIR *d = NULL;
        _cleanup_free_ char *path = NULL;
        struct dirent *entry;
        size_t n = 0;
        int r;

        r = root_path(root, folder, &path);
        if (r < 0)
                return r;
        d = opendir(path);
        if (!d)
                return -errno;
        while (errno = 0, (entry = readdir(d))) {
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                if (++n > LIMIT_FOLDER_ENTRIES)
                        return -E2BIG;
                r = strv_extend(&names, entry->d_name);
                if (r < 0)
                        return r;
        }
        if (errno > 0)
                return -errno;
        strv_sort(names);
        *ret = TAKE_PTR(names);
        return 0;
}

/* Reads a configuration file of the system below root, as file_read() does. Names of units are ASCII; what is not,
 * after a byte order mark, becomes "?": a comment in another encoding hides nothing. */
int root_read(const char *root, const char *path, char **ret, size_t *ret_size) {
        _cleanup_free_ char *real = NULL;
        size_t size;
        char *text;
        int r;

        r = root_path(root, path, &real);
        if (r >= 0)
                r = file_read(real, LIMIT_CONFIG_FILE, &text, &size);
        if (r < 0)
                return r;
        for (size_t i = startswith(text, BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0; i < size; i++)
                if (text[i] == '\0' || (unsigned char) text[i] > 127)
                        text[i] = '?';
        *ret = text;
        *ret_size = size;
        return 0;
}

/* Whether systemd takes path, below root, for a mask: it leads to /dev/null, which a tree may lack, or to an empty
 * file. */
bool root_is_mask(const char *root, const char *path) {
        _cleanup_free_ char *real = NULL;
        struct stat st;

        if (root_path(root, path, &real) < 0)
                return false;
        if (streq(real + strlen(root), "/dev/null"))
                return true;
        if (stat(real, &st) < 0)
                return false;
        return S_ISCHR(st.st_mode) ? st.st_rdev == makedev(1, 3) : S_ISREG(st.st_mode) && st.st_size == 0;
}

/* Where the link name in folder, below root, points, itself not followed. -EINVAL where it is no link. */
int root_readlink(const char *root, const char *folder, const char *name, char **ret) {
        _cleanup_free_ char *real = NULL, *path = NULL;
        int r;

        r = root_path(root, folder, &real);
        if (r >= 0)
                r = path_join(real, name, &path);
        return r < 0 ? r : read_link(path, ret);
}
