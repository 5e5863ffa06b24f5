/* SPDX-License-Identifier: Apache-2.0 */

/* inotify watches inodes, and a file that does not exist yet has none: the kubeconfig's folder may be made
 * hours after the daemon has started, and may go away again. So the daemon watches, for each path, the
 * deepest folder that exists, for the next name of the path; each event that matters sets the watches again
 * before the owner is told. Where other programs have used up the host's inotify instances (which happens on
 * MicroShift hosts) the files are polled instead.
 *
 * A file system that is mounted over a folder hides the inodes that are watched, and inotify says nothing. The
 * kernel tells of that by /proc/self/mountinfo; where that cannot be had, and where files change without events
 * (a network's file system), the owner looks now and then. */

#include "file-watch.h"

#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

#define POLL_USEC (2 * USEC_PER_SEC)
#define MOVES (IN_DELETE_SELF | IN_MOVE_SELF)
#define EVENTS (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_ATTRIB | MOVES)
/* Links that are followed from one path. */
#define LINKS_MAX 4
#define FOLDERS_MAX 256

typedef struct FileWatchFolder {
        int descriptor;
        char *name; /* the name that is waited for in the folder; NULL: only that it is moved away */
        char *path;
        dev_t device; /* of the folder that is watched: a mount may put another one there */
        ino_t inode;
} FileWatchFolder;

static void drop_folders(FileWatch *w) {
        for (size_t i = 0; i < w->n_folders; i++) {
                free(w->folders[i].name);
                free(w->folders[i].path);
        }
        w->folders = mfree(w->folders);
        w->n_folders = 0;
}

static void drop_watches(FileWatch *w) {
        loop_io_done(&w->io);
        loop_timer_done(&w->poll);
        drop_folders(w);
        w->fd = safe_close(w->fd);
}

void file_watch_init(FileWatch *w, Loop *loop, void (*on_changed)(FileWatch *w)) {
        *w = (FileWatch){ .on_changed = on_changed, .loop = loop, .fd = -1, .mounts = MOUNT_WATCH_INIT };
}

void file_watch_done(FileWatch *w) {
        drop_watches(w);
        mount_watch_done(&w->mounts);
        w->paths = strv_free(w->paths);
}

static uint64_t mix(uint64_t h, uint64_t v) {
        return fnv_bytes(h, &v, sizeof(v));
}

static uint64_t fingerprint(const FileWatch *w) {
        uint64_t h = FNV_INIT;
        struct stat st;

        STRV_FOREACH(path, w->paths) {
                if (stat(*path, &st) < 0) {
                        h = mix(h, (uint64_t) errno);
                        continue;
                }
                h = mix(h, st.st_dev);
                h = mix(h, st.st_ino);
                h = mix(h, (uint64_t) st.st_size);
                h = mix(h, (uint64_t) st.st_mtim.tv_sec);
                h = mix(h, (uint64_t) st.st_mtim.tv_nsec);
        }
        return h;
}

static void on_poll(LoopTimer *timer) {
        FileWatch *w = container_of(timer, FileWatch, poll);
        uint64_t now = fingerprint(w);
        bool changed = now != w->fingerprint;

        w->fingerprint = now;
        loop_timer_set(w->loop, &w->poll, usec_add(now_monotonic(), POLL_USEC), on_poll);
        if (changed)
                w->on_changed(w);
}

static void fall_back(FileWatch *w, int error) {
        if (!w->told)
                log_warning("Cannot watch files with inotify (%s), polling them every 2 s instead. Raise "
                            "fs.inotify.max_user_instances and fs.inotify.max_user_watches with sysctl.",
                            strerror(error));
        w->told = true;
        drop_watches(w);
        w->polling = true;
        loop_timer_set(w->loop, &w->poll, usec_add(now_monotonic(), POLL_USEC), on_poll);
}

/* path, st: of the folder. name may be NULL. */
static int remember(FileWatch *w, int descriptor, const char *path, const struct stat *st,
                    const char *name) {
        FileWatchFolder *grown, *f;

        grown = realloc(w->folders, (w->n_folders + 1) * sizeof(FileWatchFolder));
        if (!grown)
                return -ENOMEM;
        w->folders = grown;
        f = &w->folders[w->n_folders++];
        *f = (FileWatchFolder){
                .descriptor = descriptor,
                .name = name ? strdup(name) : NULL,
                .path = strdup(path),
                .device = st->st_dev,
                .inode = st->st_ino,
        };
        return f->path && (f->name || !name) ? 0 : -ENOMEM;
}

static int read_link(const char *path, const char *folder, char **ret) {
        char target[PATH_MAX];
        ssize_t n;

        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';
        return path_join(folder, target, ret);
}

static bool is_missing(int error) {
        return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP;
}

/* Watches the deepest folder of path that exists, for the name that comes next; the folders above it, in
 * case one is moved away; and where path leads over a link, the link's folder and the link's target, in the
 * same way. Absolute paths end at "/", others at ".". */
static int add_path(FileWatch *w, const char *path, unsigned n_links) {
        _cleanup_free_ char *at = strdup(path);
        bool found = false;

        if (!at)
                return -ENOMEM;

        for (bool top = false; !top;) {
                _cleanup_free_ char *folder = NULL, *target = NULL;
                const char *slash = strrchr(at, '/');
                struct stat st = {};
                bool named;
                int d, r;

                r = path_parent(at, &folder);
                if (r < 0)
                        return r;
                top = streq(folder, "/") || streq(folder, ".");
                r = n_links < LINKS_MAX && w->n_folders < FOLDERS_MAX ? read_link(at, folder, &target)
                                                                      : -ELOOP;
                if (r == -ENOMEM)
                        return r;

                named = !found || target;
                /* First: what is mounted in between is noticed at the next look. */
                (void) stat(folder, &st);
                d = inotify_add_watch(w->fd, folder, (named ? EVENTS : MOVES) | IN_ONLYDIR | IN_MASK_ADD);
                if (d < 0 && (!is_missing(errno) || (top && !found)))
                        return -errno;
                if (d >= 0) {
                        r = remember(w, d, folder, &st, !named ? NULL : slash ? slash + 1 : at);
                        if (r < 0)
                                return r;
                }
                found = found || d >= 0;
                if (target) {
                        r = add_path(w, target, n_links + 1);
                        if (r < 0)
                                return r;
                }

                free(at);
                at = TAKE_PTR(folder);
        }
        return 0;
}

static bool concerns_us(const FileWatch *w, const struct inotify_event *e) {
        if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))
                return true;
        for (size_t i = 0; i < w->n_folders; i++)
                if (w->folders[i].descriptor == e->wd && e->len > 0 &&
                    streq_ptr(w->folders[i].name, e->name))
                        return true;
        return false;
}

static void on_mounts(MountWatch *mounts) {
        file_watch_look(container_of(mounts, FileWatch, mounts));
}

static void on_readable(LoopIo *io, unsigned events);

/* What changes from its beginning on is told by an event, or is seen at the next look. */
static int lay(FileWatch *w) {
        int r;

        drop_watches(w);
        r = mount_watch_start(&w->mounts, w->loop, on_mounts);
        if (r < 0)
                return r;
        w->fingerprint = fingerprint(w);
        w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (w->fd < 0) {
                fall_back(w, errno);
                return 0;
        }
        STRV_FOREACH(path, w->paths) {
                r = add_path(w, *path, 0);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) {
                        fall_back(w, -r);
                        return 0;
                }
        }
        w->polling = false;
        return loop_io_set(w->loop, &w->io, w->fd, LOOP_READ, on_readable);
}

static void on_readable(LoopIo *io, unsigned events) {
        FileWatch *w = container_of(io, FileWatch, io);
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        bool changed = false;
        ssize_t n;
        int r;

        while ((n = read(w->fd, buffer, sizeof(buffer))) > 0)
                for (char *p = buffer; p < buffer + n;) {
                        const struct inotify_event *e = (const struct inotify_event *) p;

                        changed = changed || concerns_us(w, e);
                        p += sizeof(struct inotify_event) + e->len;
                }
        if (!changed)
                return;

        r = lay(w);
        if (r < 0)
                loop_fail(w->loop, r);
        w->on_changed(w);
}

/* Watches these files from now on, and no others. Returns 1 where they were not watched before: their
 * content may have changed since the caller read it. -ENOMEM. */
int file_watch_set(FileWatch *w, char *const *paths) {
        char **copy = NULL;
        int r;

        if (strv_equal(w->paths, paths) && (w->fd >= 0 || w->polling))
                return 0;
        r = strv_copy(paths, &copy);
        if (r < 0)
                return r;
        strv_free(w->paths);
        w->paths = copy;
        r = lay(w);
        return r < 0 ? r : 1;
}

static bool folders_are_others(const FileWatch *w) {
        struct stat st;

        for (size_t i = 0; i < w->n_folders; i++) {
                const FileWatchFolder *f = &w->folders[i];

                if (stat(f->path, &st) < 0 || st.st_dev != f->device || st.st_ino != f->inode)
                        return true;
        }
        return false;
}

/* Looks at the files now, and sets the watches again where the folders are not those that are watched. That is not
 * done without need: to close the old watches takes the kernel some milliseconds. */
void file_watch_look(FileWatch *w) {
        uint64_t before = w->fingerprint;
        int r;

        if (!w->polling && fingerprint(w) == before && !folders_are_others(w))
                return;
        r = lay(w);
        if (r < 0)
                loop_fail(w->loop, r);
        if (w->fingerprint != before)
                w->on_changed(w);
}
