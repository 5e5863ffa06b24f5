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
#include "base/strv.h"

/* How deep below the group of all pods the probe searches, and in how many folders. */
#define SEARCH_DEPTH 4
#define SEARCH_FOLDERS 4096

/* The kubelet's --cgroup-root= puts the group of all pods below another one: how deep that may be, and how many such
 * places are remembered. */
#define PARENT_DEPTH 3
#define PARENTS 8

/* Of more living groups in a pod's folder none is told. */
#define LIVING 64

static bool exists(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0;
}

/* The kernel makes no links in its hierarchies, so that a link is no group. */
static bool is_folder(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0 && S_ISDIR(st.st_mode);
}

/* Whether the entry of a group's folder may be a group. Where its type is not told, a look has to tell. */
static bool may_be_group(const struct dirent *e) {
        return e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN);
}

void cgroup_probe_done(CgroupProbe *p) {
        free(p->root);
        free(p->hierarchy);
        strv_free(p->parents);
        *p = (CgroupProbe){};
}

/* Returns 1 where a group of all pods is in the folder. */
static int has_kubepods(const char *folder) {
        struct dirent *e;
        int r = 0;
        _cleanup_closedir_ DIR *d = NULL;

        d = opendir(folder);
        if (!d)
                return 0;
        while (r == 0 && (e = readdir(d))) {
                _cleanup_free_ char *path = NULL;

                if (!cgroup_name_is_kubepods(e->d_name))
                        continue;
                r = path_join(folder, e->d_name, &path);
                if (r >= 0)
                        r = is_folder(path);
        }
        return r;
}

/* On v1 the hierarchy that systemd itself keeps has every group. Without it the root may be within a hierarchy;
 * else any that has the group of all pods will do. */
static int find_hierarchy(CgroupProbe *p) {
        _cleanup_free_ char *systemd = NULL;
        struct dirent *e;
        _cleanup_closedir_ DIR *d = NULL;
        int r;

        r = path_join(p->root, "systemd", &systemd);
        if (r < 0)
                return r;
        if (exists(systemd)) {
                p->hierarchy = TAKE_PTR(systemd);
                return 0;
        }
        r = has_kubepods(p->root);
        if (r != 0)
                return r < 0 ? r : free_and_strdup(&p->hierarchy, p->root);

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
        return MIN(r, 0);
}

/* The root may come to be after the daemon: the kubelet makes what its --cgroup-root= names. */
static int find_version(CgroupProbe *p) {
        _cleanup_free_ char *controllers = NULL;
        int r;

        if (p->unified)
                return 0;
        r = path_join(p->root, "cgroup.controllers", &controllers);
        if (r >= 0)
                p->unified = exists(controllers);
        return MIN(r, 0);
}

int cgroup_probe_init(CgroupProbe *p, const char *root) {
        *p = (CgroupProbe){ .root = strdup(root) };
        if (!p->root)
                return -ENOMEM;
        return find_version(p);
}

/* What the probe has not found so far may be where it has not looked: it searches the whole hierarchy once more,
 * which costs too much to do for each container. */
void cgroup_probe_look_again(CgroupProbe *p) {
        p->has_searched = false;
}

/* What is looked for: the group of a container, or without an ID that of a pod. */
static bool is_wanted(const ContainerAddress *a, const char *name) {
        return a->id ? cgroup_name_is_container(name, a->id) : cgroup_name_is_pod(name, a->pod_uid);
}

typedef struct Search {
        const ContainerAddress *wanted;
        unsigned folders;
        char *found;
} Search;

static int search(Search *s, const char *folder, unsigned depth) {
        char id[CONTAINER_ID_SIZE + 1];
        struct dirent *e;
        int r = 0;
        _cleanup_closedir_ DIR *d = NULL;

        d = opendir(folder);
        if (!d)
                return errno == ENOENT ? 0 : -errno;
        while (!s->found && r >= 0 && (e = readdir(d))) {
                _cleanup_free_ char *path = NULL;

                if (!may_be_group(e))
                        continue;
                if (depth == 0 && !cgroup_name_is_kubepods(e->d_name))
                        continue;
                if (++s->folders > SEARCH_FOLDERS)
                        break;
                r = path_join(folder, e->d_name, &path);
                if (r < 0 || !is_folder(path))
                        continue;
                /* What is within a container's group is of its own making. */
                if (depth > 0 && is_wanted(s->wanted, e->d_name))
                        s->found = TAKE_PTR(path);
                else if (depth < SEARCH_DEPTH && !cgroup_name_read_id(e->d_name, id))
                        r = search(s, path, depth + 1);
        }
        return r;
}

static int find_candidate(const char *place, const ContainerAddress *a, char **ret) {
        for (unsigned i = 0;; i++) {
                _cleanup_free_ char *relative = NULL, *path = NULL;
                int r;

                r = a->id ? cgroup_candidate(a, i, &relative) : cgroup_pod_candidate(a, i, &relative);
                if (r >= 0)
                        r = path_join(place, relative, &path);
                if (r < 0)
                        return r;
                if (is_folder(path)) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }
}

/* place: what the group of all pods is in. */
static int find_in(const char *place, const ContainerAddress *a, char **ret) {
        Search s = { .wanted = a };
        int r;

        r = find_candidate(place, a, ret);
        if (r != -ENOENT)
                return r;
        r = search(&s, place, 0);
        if (r < 0) {
                free(s.found);
                return r;
        }
        if (!s.found)
                return -ENOENT;
        *ret = s.found;
        return 0;
}

static int find_in_parents(CgroupProbe *p, const ContainerAddress *a, char **ret) {
        STRV_FOREACH(place, p->parents) {
                int r = find_in(*place, a, ret);

                if (r != -ENOENT)
                        return r;
        }
        return -ENOENT;
}

/* A user whom a group was given makes groups of any name in it, and may lock others out of them. */
static bool is_of(const char *folder, uid_t owner) {
        struct stat st;

        return lstat(folder, &st) >= 0 && S_ISDIR(st.st_mode) && st.st_uid == owner;
}

/* Remembers the folders below the given one, of the same owner, that have a group of all pods. */
static int find_parents(CgroupProbe *p, const char *folder, uid_t owner, unsigned depth, unsigned *folders) {
        struct dirent *e;
        int r = 0;
        _cleanup_closedir_ DIR *d = NULL;

        d = opendir(folder);
        if (!d)
                return 0;
        while (r >= 0 && (e = readdir(d)) && *folders < SEARCH_FOLDERS) {
                _cleanup_free_ char *path = NULL;

                if (!may_be_group(e))
                        continue;
                r = path_join(folder, e->d_name, &path);
                if (r < 0 || !is_of(path, owner))
                        continue;
                ++*folders;
                if (!cgroup_name_is_kubepods(e->d_name)) {
                        if (depth < PARENT_DEPTH)
                                r = find_parents(p, path, owner, depth + 1, folders);
                } else if (depth > 0 && strv_length(p->parents) < PARENTS &&
                           !strv_contains(p->parents, folder))
                        r = strv_extend(&p->parents, folder);
        }
        return r;
}

static int search_whole(CgroupProbe *p, const char *base) {
        unsigned folders = 0;
        struct stat st;

        p->has_searched = true;
        p->parents = strv_free(p->parents);
        if (stat(base, &st) < 0)
                return -errno;
        return find_parents(p, base, st.st_uid, 0, &folders);
}

static int find_group(CgroupProbe *p, const ContainerAddress *a, char **ret) {
        const char *base;
        int r;

        if (access(p->root, R_OK | X_OK) < 0)
                return -errno == -ENOENT ? -ENOTDIR : -errno;
        r = find_version(p);
        if (r >= 0 && !p->unified && !p->hierarchy)
                r = find_hierarchy(p);
        if (r < 0)
                return r;
        base = p->unified ? p->root : p->hierarchy;
        if (!base)
                return -ENOENT;

        r = find_in(base, a, ret);
        if (r == -ENOENT)
                r = find_in_parents(p, a, ret);
        if (r != -ENOENT || p->has_searched)
                return r;
        r = search_whole(p, base);
        return r < 0 ? r : find_in_parents(p, a, ret);
}

/* Finds the container's group, as an absolute path. -ENOENT where no group has that ID, which means dead; -EINVAL
 * where uid or ID can be the name of no group; another error where the root cannot be read, which means
 * nothing. */
int cgroup_probe_find(CgroupProbe *p, const ContainerAddress *a, char **ret) {
        assert(a->id);
        return find_group(p, a, ret);
}

/* Likewise the pod's own group, which has those of its containers in it; a->id does not matter. */
int cgroup_probe_find_pod(CgroupProbe *p, const ContainerAddress *a, char **ret) {
        return find_group(p, &(ContainerAddress){ .pod_uid = a->pod_uid, .qos = a->qos }, ret);
}

/* Returns 1 where cgroup.procs of the folder, or of one below it, is not empty. */
static int has_process(const char *folder, unsigned depth, unsigned *folders) {
        _cleanup_free_ char *procs = NULL;
        char first;
        struct dirent *e;
        ssize_t n;
        _cleanup_closedir_ DIR *d = NULL;
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

/* Lists the IDs of all groups in the pod's folder in which a process lives: its containers, and its sandbox where that
 * has a process. -ENOENT where there is no such folder, -E2BIG over LIVING. */
int cgroup_probe_list(CgroupProbe *p, const char *pod, char ***ret) {
        _cleanup_(strv_freep) char **living = NULL;
        char id[CONTAINER_ID_SIZE + 1];
        unsigned folders = 0;
        struct dirent *e;
        int r = 0;
        _cleanup_closedir_ DIR *d = NULL;

        d = opendir(pod);
        if (!d)
                return -errno;
        while (r >= 0 && (e = readdir(d))) {
                _cleanup_free_ char *path = NULL;
                int error;

                if (!cgroup_name_read_id(e->d_name, id))
                        continue;
                if (++folders > SEARCH_FOLDERS || strv_length(living) >= LIVING) {
                        r = -E2BIG;
                        break;
                }
                r = path_join(pod, e->d_name, &path);
                if (r >= 0 && is_folder(path) && cgroup_probe_ask(p, path, &error) == CONTAINER_ALIVE)
                        r = strv_extend(&living, id);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(living);
        return 0;
}
