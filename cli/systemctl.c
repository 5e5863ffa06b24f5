/* SPDX-License-Identifier: Apache-2.0 */

#include "systemctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/string-util.h"
#include "base/strv.h"

/* Runs systemctl. With out_fd >= 0 its output goes there and its errors nowhere. Returns its exit status, 127 where
 * it cannot be run, or a negative errno. */
static int spawn_systemctl(const char *const *command, int out_fd) {
        int status;
        pid_t child;

        child = fork();
        if (child < 0)
                return -errno;
        if (child == 0) {
                if (out_fd >= 0 && (dup2(out_fd, STDOUT_FILENO) < 0 || !freopen("/dev/null", "w", stderr)))
                        _exit(127);
                execvp(command[0], (char *const *) command);
                fprintf(stderr, "msready: cannot run systemctl: %s.\n", strerror(errno));
                _exit(127);
        }
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/* Whether no systemd runs that is this system's own, as while an image is built or installed; in a chroot /run may be
 * that of the system around it. systemctl goes by the same signs. */
bool systemctl_is_offline(void) {
        const char *told = getenv("SYSTEMD_OFFLINE");
        struct stat init, own;

        if (!isempty(told) && parse_boolean(told) >= 0)
                return parse_boolean(told) > 0;
        if (access("/run/systemd/system", F_OK) < 0)
                return true;
        if (stat("/proc/1/root", &init) < 0 || stat("/", &own) < 0)
                return false;
        return init.st_dev != own.st_dev || init.st_ino != own.st_ino;
}

/* Runs systemctl with these arguments, ended by NULL, with --root= where root is given; "" is this system, offline.
 * Returns its exit status, 127 where it cannot be run, or a negative errno. */
int systemctl_run(const char *root, const char *const *arguments) {
        _cleanup_(strv_freep) char **command = NULL;
        _cleanup_free_ char *option = NULL;
        int r;

        r = strv_extend(&command, "systemctl");
        if (r >= 0 && !isempty(root))
                r = asprintf_ret(&option, "--root=%s", root);
        if (r >= 0 && option)
                r = strv_extend(&command, option);
        for (; r >= 0 && *arguments; arguments++)
                r = strv_extend(&command, *arguments);
        return r < 0 ? r : spawn_systemctl((const char *const *) command, -1);
}

/* Reads a property of a unit, or of the manager where unit is NULL. *ret is the caller's and may be empty. -ENOENT
 * where systemctl fails. The pipe bounds the output: properties are short. */
int systemctl_show(const char *unit, const char *property, char **ret) {
        const char *const command[] = { "systemctl", "show", "--value", "-p", property, unit, NULL };
        _cleanup_close_ int in = -1, out = -1;
        char text[4096];
        int fds[2], r;
        ssize_t n;

        if (pipe(fds) < 0)
                return -errno;
        in = fds[0];
        out = fds[1];
        r = spawn_systemctl(command, out);
        if (r != 0)
                return r < 0 ? r : -ENOENT;
        out = safe_close(out);
        n = read(in, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        return asprintf_ret(ret, "%s", strstrip(text));
}
