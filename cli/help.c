/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "varlink/interface.h"
#include "verbs.h"

static const char *const option_lines[] = {
        "     --socket=PATH     Ask there (default: " VL_SOCKET_DEFAULT ")",
        "  -q --quiet           Print nothing: the exit status says it",
        "     --json=FORMAT     The daemon's reply as it is: pretty, short, or off",
        "  -j                   The same: pretty on a terminal, else short",
        "     --all             Disabled gates as well; timeline: objects as well",
        "     --timeout=SPAN    Give up after this time (default: infinity)",
        "     --stall=SPAN      Give up when nothing has moved for this time",
        "     --if-enabled      A gate that is disabled here is no failure",
        "     --boot=ID|-N      Another boot than this one",
        "     --boots           One line for each boot on record",
        "     --root=DIR        bind and unbind: a system that does not run, below DIR",
        "     --no-legend       Neither headings nor a summary",
        "     --no-pager        Do not pipe into a pager",
        "  -h --help            This text",
        "     --version         The version of this program",
};

int verb_help(const Options *options) {
        printf("msready [OPTIONS] [VERB] [ARGUMENTS]\n\n"
               "Whether the MicroShift cluster on this host is usable, gate by gate, and why not.\n\n"
               "Verbs:\n");
        for (const Verb *v = verbs; v->name; v++) {
                int n = printf("  %s %s", v->name, strempty(v->arguments));

                printf("%*s%s\n", n < 26 ? 26 - n : 1, "", v->help);
        }
        printf("\nOptions, before or after the verb:\n");
        for (size_t i = 0; i < ELEMENTSOF(option_lines); i++)
                printf("%s\n", option_lines[i]);
        printf("\nExit status: 0 ready, 1 error, 2 wrong usage, 3 not ready, 4 no such gate, 5 timed out or\n"
               "stalled, 6 unknown, 69 daemon out of reach. See msready(1).\n");
        return fflush(stdout) == 0 ? 0 : -errno;
}
