/* SPDX-License-Identifier: Apache-2.0 */

#include "ask.h"
#include "verbs.h"

/* Has the daemon read its configuration anew. Over varlink and not by systemctl, which waits while the start
 * job does, and that may be for as long as a first boot takes. */
int verb_reload(const Options *options) {
        _cleanup_(vl_reply_done) VlReply reply = {};

        return ask(options, "io.systemd.service.Reload", NULL, &reply);
}
