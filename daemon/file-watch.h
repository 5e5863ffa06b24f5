/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strv.h"
#include "event/loop.h"

#include "mount-watch.h"

/* Tells when one of a set of files may have changed. The files, and any folder above them, may be absent.
 * Embedded in its owner. */

typedef struct FileWatch FileWatch;

struct FileWatch {
        void (*on_changed)(FileWatch *w);
        Loop *loop;
        char **paths;
        int fd; /* of inotify, -1 */
        struct FileWatchFolder *folders;
        size_t n_folders;
        LoopIo io;
        MountWatch mounts;
        LoopTimer poll;
        uint64_t fingerprint; /* of the files' metadata, when they were looked at last */
        bool polling;
        bool told;
};

void file_watch_init(FileWatch *w, Loop *loop, void (*on_changed)(FileWatch *w));
void file_watch_done(FileWatch *w);
int file_watch_set(FileWatch *w, char *const *paths);
void file_watch_look(FileWatch *w);
