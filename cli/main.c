/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdio.h>

#include "options.h"

/* msready: asks msreadyd. Options -> verb -> exit status. */

int main(int argc, char **argv) {
        Options options;
        int r;

        /* Ends quietly when the reader of a pipe has left, as in `msready | head`. */
        (void) signal(SIGPIPE, SIG_DFL);

        r = options_parse(argc, argv, &options);
        if (r == 0)
                r = options.verb->run(&options);
        if (r < 0) {
                fprintf(stderr, "msready: %s failed: %s.\n", options.verb->name,
                        r == -E2BIG ? "the daemon reports more than this client can hold" : strerror(-r));
                return STATUS_ERROR;
        }
        return r;
}
