/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "ask.h"
#include "base/log.h"
#include "verbs.h"

/* Sets the daemon's log level, until it ends. */
int verb_log_level(const Options *options) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        JsonBuilder b = {};
        int level = log_level_from_string(options->arguments[0]);

        if (level < 0) {
                fprintf(stderr,
                        "msready: '%s' is not a log level.\n"
                        "Levels are emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7.\n",
                        options->arguments[0]);
                return STATUS_USAGE;
        }
        jb_int(&b, "level", level);
        return ask_with(options, "io.systemd.service.SetLogLevel", &b, &reply);
}
