/* SPDX-License-Identifier: Apache-2.0 */

/* inotify sees no mount, and a folder that is mounted over is not changed: its files are others all the same. The
 * kernel tells that the table of mounts has changed; then the daemon compares which mounts its folders are on. That
 * happens with every container, so it has to cost little. */

#include "source-mounts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/string-util.h"
#include "configuration.h"
#include "gates/condition-microshift.h"
#include "mount-watch.h"

struct SourceMounts {
        Hub *hub;
        SourceMountsOps *ops;
        MountWatch mounts;
        uint64_t seen; /* a hash over the mounts */
};

/* The mount that the path is on, or the deepest folder above it that exists; 0 where that is not known. */
static uint64_t mount_of(const char *path) {
        _cleanup_free_ char *p = strdup(path);

        while (p && *p) {
                char *slash;
#ifdef STATX_MNT_ID
                struct statx st = {};

                if (statx(AT_FDCWD, p, AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) >= 0)
                        return st.stx_mnt_id;
#else
                struct stat st;

                if (stat(p, &st) >= 0)
                        return st.st_dev;
#endif
                slash = strrchr(p, '/');
                if (!slash)
                        return 0;
                slash[slash == p && slash[1]] = '\0';
        }
        return 0;
}

static uint64_t add_mount(uint64_t hash, const char *path) {
        uint64_t mount = mount_of(path);

        return fnv_bytes(hash, &mount, sizeof(mount));
}

static uint64_t mounts_of_all(const SourceMounts *s) {
        uint64_t hash = FNV_INIT;

        STRV_FOREACH(p, configuration_folders(s->hub->options))
                hash = add_mount(hash, *p);
        return add_mount(add_mount(hash, MICROSHIFT_CONFIG_FILE), MICROSHIFT_CONFIG_FOLDER);
}

/* Compares now, whether or not the kernel has told of a mount. */
void source_mounts_look(SourceMounts *s) {
        uint64_t now = mounts_of_all(s);

        if (now == s->seen)
                return;
        s->seen = now;
        s->ops->changed(s->ops);
}

static void on_mounts(MountWatch *mounts) {
        source_mounts_look(container_of(mounts, SourceMounts, mounts));
}

/* To be made before the configuration is read. ops outlive it. -ENOMEM. */
int source_mounts_new(Hub *hub, SourceMountsOps *ops, SourceMounts **ret) {
        _cleanup_(source_mounts_freep) SourceMounts *s = calloc(1, sizeof(SourceMounts));
        int r;

        if (!s)
                return -ENOMEM;
        s->hub = hub;
        s->ops = ops;
        s->mounts = MOUNT_WATCH_INIT;
        r = mount_watch_start(&s->mounts, hub->loop, on_mounts);
        if (r < 0)
                return r;
        s->seen = mounts_of_all(s);

        *ret = TAKE_PTR(s);
        return 0;
}

SourceMounts *source_mounts_free(SourceMounts *s) {
        if (!s)
                return NULL;

        mount_watch_done(&s->mounts);
        return mfree(s);
}
