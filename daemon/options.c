/* SPDX-License-Identifier: Apache-2.0 */

#include "options.h"

#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/version.h"
#include "varlink/interface.h"

void options_done(Options *o) {
        o->gates_dirs = strv_free(o->gates_dirs);
}

static void help(void) {
        printf("msreadyd [OPTIONS...]\n\n"
               "Watches the MicroShift cluster on this host and tells systemd, and clients of its\n"
               "varlink socket, when it is usable, and why not.\n\n"
               "  -h --help             Show this help and exit\n"
               "     --version          Show the version and exit\n"
               "     --config FILE      Read FILE instead of msready.conf and its drop-ins\n"
               "     --gates-dir DIR    Read gates from DIR instead of the default folders;\n"
               "                        repeatable; of files of the same name the first counts\n"
               "     --kubeconfig FILE  Credentials and address of the API server\n"
               "     --socket PATH      Listen at PATH, unless systemd passes a socket\n"
               "                        (default %s)\n"
               "     --state-dir DIR    Keep states here instead of in $RUNTIME_DIRECTORY\n"
               "     --boot-id ID       The ID of this boot, as systemd's %%b has it\n"
               "     --log-level LEVEL  emerg, alert, crit, err, warning, notice, info, debug\n"
               "     --check-config     Check the configuration and the gates, and exit\n\n"
               "See msreadyd(8).\n",
               VL_SOCKET_DEFAULT);
}

/* Returns 1 where the program has nothing more to do, 0 where it goes on, -EINVAL for wrong usage, which has
 * been printed on stderr. The strings are those of argv. */
int options_parse(int argc, char *argv[], Options *ret) {
        enum {
                ARG_VERSION = 0x100,
                ARG_CONFIG,
                ARG_GATES_DIR,
                ARG_KUBECONFIG,
                ARG_SOCKET,
                ARG_STATE_DIR,
                ARG_BOOT_ID,
                ARG_LOG_LEVEL,
                ARG_CHECK_CONFIG,
        };
        static const struct option long_options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, ARG_VERSION },
                { "config", required_argument, NULL, ARG_CONFIG },
                { "gates-dir", required_argument, NULL, ARG_GATES_DIR },
                { "kubeconfig", required_argument, NULL, ARG_KUBECONFIG },
                { "socket", required_argument, NULL, ARG_SOCKET },
                { "state-dir", required_argument, NULL, ARG_STATE_DIR },
                { "boot-id", required_argument, NULL, ARG_BOOT_ID },
                { "log-level", required_argument, NULL, ARG_LOG_LEVEL },
                { "check-config", no_argument, NULL, ARG_CHECK_CONFIG },
                {},
        };
        _cleanup_(options_done) Options o = OPTIONS_NULL;
        int c;

        o.socket = VL_SOCKET_DEFAULT;
        while ((c = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        help();
                        return 1;
                case ARG_VERSION:
                        printf("msreadyd %s\n", PROJECT_VERSION);
                        return 1;
                case ARG_CONFIG:
                        o.config = optarg;
                        break;
                case ARG_GATES_DIR:
                        if (strv_extend(&o.gates_dirs, optarg) < 0)
                                return -ENOMEM;
                        break;
                case ARG_KUBECONFIG:
                        o.kubeconfig = optarg;
                        break;
                case ARG_SOCKET:
                        o.socket = optarg;
                        break;
                case ARG_STATE_DIR:
                        o.state_dir = optarg;
                        break;
                case ARG_BOOT_ID:
                        o.boot_id = optarg;
                        break;
                case ARG_LOG_LEVEL:
                        o.log_level = log_level_from_string(optarg);
                        if (o.log_level < 0) {
                                log_error("--log-level=%s: no such level; one of emerg, alert, crit, err, "
                                          "warning, notice, info, debug",
                                          optarg);
                                return -EINVAL;
                        }
                        break;
                case ARG_CHECK_CONFIG:
                        o.check_config = true;
                        break;
                default:
                        log_error("See msreadyd --help.");
                        return -EINVAL;
                }
        if (optind < argc) {
                log_error("%s: msreadyd takes options only; see msreadyd --help.", argv[optind]);
                return -EINVAL;
        }

        *ret = o;
        o = OPTIONS_NULL;
        return 0;
}
