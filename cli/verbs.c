/* SPDX-License-Identifier: Apache-2.0 */

#include "verbs.h"

#include <limits.h>

/* In the order of the help; the first is what msready does without a verb. */
const Verb verbs[] = {
        { "status", "[GATE...]", 0, UINT_MAX, OPTION_ALL, "Whether the cluster is usable, and why not",
          verb_status },
        { "wait", "[GATE...]", 0, UINT_MAX, OPTION_TIMEOUT | OPTION_STALL | OPTION_IF_ENABLED,
          "Wait until the gates, or the cluster, are ready", verb_wait },
        { "help", NULL, 0, UINT_MAX, ~0u, "This text", verb_help },
        { "version", NULL, 0, 0, 0, "The version of this program", verb_version },
        {},
};
