/* SPDX-License-Identifier: Apache-2.0 */

#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>

#include "base/limits.h"
#include "base/log.h"
#include "http/http.h"
#include "configuration.h"
#include "log-sink.h"
#include "manager.h"

/* Takes the socket that systemd has opened; -1 where there is none. */
static int take_listen_fd(int *ret) {
        int n = sd_listen_fds(1);

        if (n < 0) {
                log_error("Cannot take the sockets that systemd passed: %s", strerror(-n));
                return n;
        }
        if (n > 1) {
                log_error("systemd passed %d sockets, msreadyd takes one", n);
                return -EINVAL;
        }
        *ret = n == 1 ? SD_LISTEN_FDS_START : -1;
        return 0;
}

/* Raises the limit on open files to the sum of the daemon's own limits, as far as it may: it serves a
 * thousand subscribers, and the soft limit is low only for programs that use select(). */
static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= LIMIT_DESCRIPTORS)
                return;
        limit.rlim_cur = MIN(limit.rlim_max, (rlim_t) LIMIT_DESCRIPTORS);
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                log_debug("Cannot raise the limit on open files: %s", strerror(errno));
}

/* msready.service has none, so that root reads only the files that are root's own, or everybody's. Without them
 * --check-config says of a file what the daemon will say. */
static int drop_capabilities(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

        return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int check_config(const Options *options) {
        int r = drop_capabilities();

        if (r < 0)
                log_warning(
                        "Cannot drop capabilities: %s, so a file may be read here that the daemon cannot read",
                        strerror(-r));
        return configuration_check(options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int serve(const Options *options) {
        _cleanup_(loop_freep) Loop *loop = NULL;
        _cleanup_(manager_freep) Manager *manager = NULL;
        int listen_fd, r;

        r = take_listen_fd(&listen_fd);
        if (r < 0)
                return r;
        r = loop_new(&loop);
        if (r >= 0)
                r = manager_new(loop, options, listen_fd, &manager);
        if (r >= 0) {
                manager_start(manager);
                r = loop_run(loop);
        }
        if (r < 0)
                log_error("msreadyd failed: %s", strerror(-r));
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_(options_done) Options options = OPTIONS_NULL;
        int r;

        (void) signal(SIGHUP, SIG_IGN); /* until there is a configuration to reload */
        log_sink_init();
        r = options_parse(argc, argv, &options);
        if (r != 0)
                return r > 0 ? EXIT_SUCCESS : 2;
        if (options.check_config)
                return check_config(&options);

        (void) signal(SIGPIPE, SIG_IGN);
        raise_descriptor_limit();
        r = http_global_init();
        if (r < 0) {
                log_error("Cannot start libcurl: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        r = serve(&options);
        http_global_done();
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
