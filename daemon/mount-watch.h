/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"

/* Tells when the table of mounts, as this process sees it, has changed: inotify sees no mount. Embedded in its
 * owner. */

typedef struct MountWatch MountWatch;

struct MountWatch {
        void (*on_changed)(MountWatch *w);
        int fd; /* of /proc/self/mountinfo, -1 */
        LoopIo io;
};

#define MOUNT_WATCH_INIT ((MountWatch){ .fd = -1 })

int mount_watch_start(MountWatch *w, Loop *loop, void (*on_changed)(MountWatch *w));
void mount_watch_done(MountWatch *w);
