/* SPDX-License-Identifier: Apache-2.0 */

#include "ask.h"
#include "verbs.h"

/* Makes the daemon read its configuration again. By varlink and not by systemctl, which waits until the start job
 * is done: in a first boot that takes hours. */
int verb_reload(const Options *options) {
        _cleanup_(vl_reply_done) VlReply reply = {};

        return ask(options, "io.systemd.service.Reload", NULL, &reply);
}
