/* SPDX-License-Identifier: Apache-2.0 */

#include "notify.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/string-util.h"

/* As much of sd_notify(3) as the client needs. libsystemd is not used: loading it, with what it loads, would take
 * half of the time that `msready status` may take. */

/* Sends assignments, separated by line ends, to systemd. Returns 1 if they were sent, 0 without NOTIFY_SOCKET=, or
 * a negative errno. */
int notify_systemd(const char *state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv("NOTIFY_SOCKET");
        _cleanup_close_ int fd = -1;
        size_t size;

        if (isempty(path))
                return 0;
        size = strlen(path);
        if ((path[0] != '/' && path[0] != '@') || size >= sizeof(address.sun_path))
                return -EINVAL;
        memcpy(address.sun_path, path, size);
        if (path[0] == '@')
                address.sun_path[0] = '\0';

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &address,
                   (socklen_t) (offsetof(struct sockaddr_un, sun_path) + size)) < 0)
                return -errno;
        return 1;
}

/* Sends the line that systemctl status and the boot console show; cleans it, because it may hold text from the
 * cluster. Returns as notify_systemd() does. */
int notify_status(const char *status) {
        _cleanup_free_ char *s = NULL;
        int r;

        r = asprintf_ret(&s, "STATUS=%.*s", (int) utf8_truncate(status, 1024), status);
        if (r < 0)
                return r;
        return notify_systemd(strip_control(s));
}
