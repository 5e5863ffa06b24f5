/* SPDX-License-Identifier: Apache-2.0 */

#include "verbs.h"

#include <limits.h>

/* In the order of the help; the first is the default. */
const Verb verbs[] = {
        { "status", "[GATE...]", 0, UINT_MAX, OPTION_ALL | OPTION_FRESH,
          "Show whether the cluster is usable, and why not", verb_status },
        { "wait", "[GATE...]", 0, UINT_MAX, OPTION_TIMEOUT | OPTION_STALL | OPTION_IF_ENABLED,
          "Wait until the gates, or the cluster, are ready", verb_wait },
        { "watch", "[GATE...]", 0, UINT_MAX, OPTION_TIMEOUT, "Show the state, and each change as it happens",
          verb_watch },
        { "explain", "[GATE...]", 0, UINT_MAX, OPTION_ALL,
          "Show which objects keep gates shut, and where to look next", verb_explain },
        { "objects", "[GATE]", 0, 1, 0, "List the objects that gates check, and the proof for each",
          verb_objects },
        { "gates", "[GATE...]", 0, UINT_MAX, 0, "Show how the gates are defined, and why some are disabled",
          verb_gates },
        { "timeline", "[GATE...]", 0, UINT_MAX, OPTION_ALL | OPTION_BOOT | OPTION_BOOTS,
          "Show what happened in this boot, or in an earlier one", verb_timeline },
        { "plot", "[GATE...]", 0, UINT_MAX, OPTION_BOOT,
          "Draw this boot, or an earlier one, as an SVG picture", verb_plot },
        { "hold", "GATE", 1, 1, OPTION_TIMEOUT, "Run while the gate is open (for msready-gate@.service)",
          verb_hold },
        { "bind", "GATE UNIT", 2, 2, OPTION_ROOT | OPTION_FORCE,
          "Make a unit run exactly while a gate is open", verb_bind },
        { "unbind", "GATE UNIT", 2, 2, OPTION_ROOT, "Undo bind", verb_unbind },
        { "check-config", NULL, 0, 0, 0, "Check the configuration and the gates for mistakes",
          verb_check_config },
        { "reload", NULL, 0, 0, 0, "Make the daemon read its configuration again", verb_reload },
        { "log-level", "LEVEL", 1, 1, 0, "Set the daemon's log level", verb_log_level },
        { "help", NULL, 0, UINT_MAX, ~0u, "Show this text", verb_help },
        { "version", NULL, 0, 0, 0, "Show the version of this program", verb_version },
        {},
};
