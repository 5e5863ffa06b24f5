/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "verbs.h"

/* Runs msreadyd itself to read the configuration: only the daemon's own opinion counts. */
int verb_check_config(const Options *options) {
        const char *program = getenv("MSREADYD") ?: BINDIR "/msreadyd";

        if (options->quiet && !freopen("/dev/null", "w", stdout))
                return -errno;
        execl(program, "msreadyd", "--check-config", (char *) NULL);
        fprintf(stderr, "msready: cannot run %s: %s.\n", program, strerror(errno));
        return STATUS_ERROR;
}
