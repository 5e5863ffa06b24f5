/* SPDX-License-Identifier: Apache-2.0 */

/* Asks the host what rule R3 wants to know: does a process live in this container's group? That the group
 * exists proves nothing: the empty group of a dead container can stay. On v2 the kernel answers for a group
 * and all groups below it (crun puts processes into a child group); on v1 the probe looks through the groups
 * below. */

#include "cgroup-probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/string-util.h"

/* How deep below kubepods the probe searches for a container's group, and in how many folders. */
#define SEARCH_DEPTH 4
#define SEARCH_FOLDERS 4096

static bool exists(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0;
}

/* The kernel makes no links in its hierarchies, so that a link is no group. */
static bool is_folder(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0 && S_ISDIR(st.st_mode);
}

void cgroup_probe_done(CgroupProbe *p) {
        free(p->root);
        free(p->hierarchy);
        *p = (CgroupProbe){};
}

/* Returns 1 where the hierarchy has the group of all pods. */
static int has_kubepods(const char *hierarchy) {
        static const char *const names[] = { "kubepods", "kubepods.slice" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                r = path_join(hierarchy, names[i], &path);
                if (r < 0)
                        return r;
                if (is_folder(path))
                        return 1;
        }
        return 0;
}

/* On v1 the hierarchy that systemd itself keeps has every group; else any other one that has kubepods. */
static int find_hierarchy(CgroupProbe *p) {
        _cleanup_free_ char *systemd = NULL;
        struct dirent *e;
        DIR *d;
        int r;

        r = path_join(p->root, "systemd", &systemd);
        if (r < 0)
                return r;
        if (exists(systemd)) {
                p->hierarchy = TAKE_PTR(systemd);
                return 0;
        }

        d = opendir(p->root);
        if (!d)
                return -errno;
        while (r >= 0 && !p->hierarchy && (e = readdir(d))) {
                _cleanup_free_ char *folder = NULL;

                if (e->d_name[0] == '.')
                        continue;
                r = path_join(p->root, e->d_name, &folder);
                if (r >= 0)
                        r = has_kubepods(folder);
                if (r > 0)
                        p->hierarchy = TAKE_PTR(folder);
        }
        closedir(d);
        return MIN(r, 0);
}

int cgroup_probe_init(CgroupProbe *p, const char *root) {
        _cleanup_free_ char *controllers = NULL;
        int r;

        *p = (CgroupProbe){ .root = strdup(root) };
        if (!p->root)
                return -ENOMEM;
        r = path_join(root, "cgroup.controllers", &controllers);
        if (r < 0)
                return r;
        p->unified = exists(controllers);
        return 0;
}

typedef struct Search {
        const char *id;
        bool below_pods;
        unsigned folders;
        char *found;
} Search;

static int search(Search *s, const char *folder, unsigned depth) {
        struct dirent *e;
        int r = 0;
        DIR *d;

        d = opendir(folder);
        if (!d)
                return errno == ENOENT ? 0 : -errno;
        while (!s->found && r >= 0 && (e = readdir(d))) {
                _cleanup_free_ char *path = NULL;

                if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
                        continue;
                if (depth == 0 && !cgroup_name_is_kubepods(e->d_name))
                        continue;
                if (++s->folders > SEARCH_FOLDERS)
                        break;
                r = path_join(folder, e->d_name, &path);
                if (r < 0 || !is_folder(path))
                        continue;
                if (depth > 0 && cgroup_name_is_container(e->d_name, s->id))
                        s->found = TAKE_PTR(path);
                else if (depth < SEARCH_DEPTH)
                        r = search(s, path, depth + 1);
        }
        closedir(d);
        return r;
}

/* Finds the container's group, as an absolute path. -ENOENT where no group has that ID, which means dead;
 * another error where the root cannot be read, which means nothing. */
int cgroup_probe_find(CgroupProbe *p, const ContainerAddress *a, char **ret) {
        Search s = { .id = container_id_bare(a->id) };
        const char *base;
        int r;

        if (access(p->root, R_OK | X_OK) < 0)
                return -errno == -ENOENT ? -ENOTDIR : -errno;
        if (!p->unified && !p->hierarchy) {
                r = find_hierarchy(p);
                if (r < 0)
                        return r;
        }
        base = p->unified ? p->root : p->hierarchy;
        if (!base)
                return -ENOENT;

        for (unsigned i = 0;; i++) {
                _cleanup_free_ char *relative = NULL, *path = NULL;

                r = cgroup_candidate(a, i, &relative);
                if (r == -ENOENT)
                        break;
                if (r < 0)
                        return r == -EINVAL ? -ENOENT : r;
                r = path_join(base, relative, &path);
                if (r < 0)
                        return r;
                if (is_folder(path)) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }

        r = search(&s, base, 0);
        if (r < 0)
                return r;
        if (!s.found)
                return -ENOENT;
        *ret = s.found;
        return 0;
}

/* Returns 1 where cgroup.procs of the folder, or of one below it, is not empty. */
static int has_process(const char *folder, unsigned depth, unsigned *folders) {
        _cleanup_free_ char *procs = NULL;
        char first;
        struct dirent *e;
        ssize_t n;
        DIR *d;
        int r, fd;

        r = path_join(folder, "cgroup.procs", &procs);
        if (r < 0)
                return r;
        fd = open(procs, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        n = read(fd, &first, 1);
        r = n < 0 ? -errno : n > 0;
        close(fd);
        if (r != 0 || depth == 0)
                return r;

        d = opendir(folder);
        if (!d)
                return -errno;
        while (r == 0 && (e = readdir(d)) && ++*folders < SEARCH_FOLDERS) {
                _cleanup_free_ char *below = NULL;

                if (e->d_name[0] == '.' || e->d_type != DT_DIR)
                        continue;
                r = path_join(folder, e->d_name, &below);
                if (r >= 0)
                        r = has_process(below, depth - 1, folders);
                if (r == -ENOENT)
                        r = 0;
        }
        closedir(d);
        return r;
}

/* Tells whether a process lives in the group at path. *ret_error says why the answer is
 * CONTAINER_UNREADABLE. */
ContainerLife cgroup_probe_ask(CgroupProbe *p, const char *path, int *ret_error) {
        _cleanup_free_ char *events = NULL, *text = NULL;
        unsigned folders = 0;
        int r;

        if (p->unified) {
                r = path_join(path, "cgroup.events", &events);
                if (r >= 0)
                        r = file_read(events, 4096, &text, NULL);
                if (r >= 0)
                        r = cgroup_events_populated(text);
        } else
                r = has_process(path, SEARCH_DEPTH, &folders);

        if (r == -ENOENT || r == -ENODEV)
                return CONTAINER_DEAD; /* it went away meanwhile */
        if (r < 0) {
                *ret_error = r;
                return CONTAINER_UNREADABLE;
        }
        return r > 0 ? CONTAINER_ALIVE : CONTAINER_DEAD;
}
