/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "varlink/interface.h"
#include "verbs.h"

static const char *const option_lines[] = {
        "     --socket=PATH     Socket of the daemon (default: " VL_SOCKET_DEFAULT ")",
        "  -q --quiet           Print nothing, only set the exit status",
        "     --json=FORMAT     Print the daemon's reply as JSON: pretty, short, or off",
        "  -j                   Same as --json=pretty on a terminal, --json=short elsewhere",
        "     --all             Include disabled gates; timeline: include objects",
        "     --fresh           status: fail where what is ready has no evidence for it now",
        "     --timeout=SPAN    Give up after this time (default: infinity)",
        "     --stall=SPAN      Give up when there is no progress for this time",
        "     --if-enabled      Do not fail on gates that are disabled on this host",
        "     --boot=ID|-N      Show an earlier boot",
        "     --boots           Show one line for each boot on record",
        "     --root=DIR        bind, unbind: work on the offline system below DIR",
        "     --force           bind: even to a gate that cannot open",
        "     --no-legend       Omit headings and summary",
        "     --no-pager        Do not pipe into a pager",
        "  -h --help            Show this text",
        "     --version         Show the version of this program",
};

int verb_help(const Options *options) {
        printf("msready [OPTIONS] [VERB] [ARGUMENTS]\n\n"
               "Shows whether the MicroShift cluster on this host is usable, gate by gate, and why not.\n\n"
               "Verbs:\n");
        for (const Verb *v = verbs; v->name; v++) {
                int n = printf("  %s %s", v->name, strempty(v->arguments));

                printf("%*s%s\n", n < 26 ? 26 - n : 1, "", v->help);
        }
        printf("\nOptions, before or after the verb:\n");
        for (size_t i = 0; i < ELEMENTSOF(option_lines); i++)
                printf("%s\n", option_lines[i]);
        printf("\nExit status: 0 ready, 1 error, 2 wrong usage, 3 not ready, 4 no such gate, 5 timed out or\n"
               "stalled, 6 unknown, 69 daemon unreachable. See msready(1).\n");
        return fflush(stdout) == 0 ? 0 : -errno;
}
