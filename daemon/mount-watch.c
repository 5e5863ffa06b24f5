/* SPDX-License-Identifier: Apache-2.0 */

#include "mount-watch.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

static void on_event(LoopIo *io, unsigned events) {
        MountWatch *w = container_of(io, MountWatch, io);

        w->on_changed(w);
}

/* Begins to watch, unless it does already. Where there is no such table nothing is told, and that is no error.
 * -ENOMEM. The file can always be read; a change of the mounts is an error of its descriptor, which counts as
 * writable. */
int mount_watch_start(MountWatch *w, Loop *loop, void (*on_changed)(MountWatch *w)) {
        w->on_changed = on_changed;
        if (w->fd < 0)
                w->fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        return w->fd < 0 ? 0 : loop_io_set(loop, &w->io, w->fd, LOOP_WRITE, on_event);
}

void mount_watch_done(MountWatch *w) {
        loop_io_done(&w->io);
        w->fd = safe_close(w->fd);
}
