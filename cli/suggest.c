/* SPDX-License-Identifier: Apache-2.0 */

#include "suggest.h"

#include <stdio.h>

#include "base/nearest.h"
#include "base/strv.h"
#include "describe.h"

/* What was meant by a word that msready does not know: what kubectl or systemctl call it, or one of its own words with
 * a typing error in it. */

typedef struct Habit {
        const char *word;
        const char *ours;
} Habit;

static const Habit verb_habits[] = {
        { "get", "msready objects" },
        { "describe", "msready explain" },
        { "why", "msready explain" },
        { "list", "msready gates" },
        { "ls", "msready gates" },
        { "cat", "msready gates GATE" },
        { "events", "msready timeline" },
        { "blame", "msready timeline" },
        { "is-active", "msready status --quiet" },
        { "is-ready", "msready status --quiet" },
        { "show", "msready --json=pretty" },
        { "logs", "journalctl -b -u msready.service" },
        { "start", "systemctl start --no-block msready.service" },
        { "stop", "systemctl stop msready.service" },
        { "restart", "systemctl restart --no-block msready.service" },
        { "enable", "systemctl enable msready.service, or msready bind GATE UNIT" },
        { "disable", "systemctl disable msready.service, or msready unbind GATE UNIT" },
        {},
};

static const Habit option_habits[] = {
        { "-o", "--json=pretty" },
        { "--output", "--json=pretty" },
        { "-w", "msready watch" },
        { "--watch", "msready watch" },
        { "-f", "msready watch" },
        { "--follow", "msready watch" },
        { "-a", "--all" },
        { "-A", "msready objects" },
        { "--all-namespaces", "msready objects" },
        { "--for", "msready wait [GATE]" },
        { "--no-headers", "--no-legend" },
        { "-t", "--timeout=SPAN" },
        { "-v", "--version" },
        { "-V", "--version" },
        { "-b", "--boot=" },
        {},
};

static const char *find_habit(const Habit *habits, const char *word) {
        for (; habits->word; habits++)
                if (streq(habits->word, word))
                        return habits->ours;
        return NULL;
}

/* The gate whose name is nearest to that one, as the daemon says it; NULL where none is near, or the daemon does not
 * answer. The result is the caller's. */
char *find_near_gate(const Options *options, const char *name) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        _cleanup_(strv_freep) char **names = NULL;
        const char *near;

        if (try_to_ask(options, READINESS "ListGates", NULL, &reply) < 0 ||
            add_gate_names(jv_get(reply.parameters, "definitions"), &names) < 0)
                return NULL;
        near = nearest_name(name, names);
        return near ? strdup(near) : NULL;
}

/* Tells that there is no such verb, and which one may have been meant. Returns the exit status. */
int tell_unknown_verb(const Options *options, const char *word) {
        const char *habit = find_habit(verb_habits, word), *near;
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_free_ char *gate = NULL;

        for (const Verb *v = verbs; v->name; v++)
                if (strv_extend(&names, v->name) < 0)
                        return -ENOMEM;
        near = habit ? NULL : nearest_name(word, names);
        if (!habit && !near)
                gate = find_near_gate(options, word);

        fprintf(stderr, "msready: unknown verb '%s'. ", word);
        if (habit)
                fprintf(stderr, "Did you mean: %s?\n", habit);
        else if (near)
                fprintf(stderr, "Did you mean %s?\n", near);
        else if (gate)
                fprintf(stderr, "Did you mean: msready status %s?\n", gate);
        else
                fprintf(stderr, "Try: msready help\n");
        return STATUS_USAGE;
}

/* Tells that there is no such option, and which one may have been meant. word is as on the command line: "-o",
 * "--tiemout=3"; options end with a row without a name. Returns the exit status. */
int tell_unknown_option(const char *word, const struct option *options) {
        _cleanup_free_ char *name = strndup(word, strcspn(word, "="));
        _cleanup_(strv_freep) char **names = NULL;
        const char *habit, *near;

        if (!name)
                return -ENOMEM;
        for (; options->name; options++)
                if (strv_extendf(&names, "--%s", options->name) < 0)
                        return -ENOMEM;
        habit = find_habit(option_habits, name);
        near = habit || !startswith(name, "--") ? NULL : nearest_name(name, names);

        fprintf(stderr, "msready: unknown option '%s'. ", name);
        if (habit || near)
                fprintf(stderr, "Did you mean%s %s?\n", habit && habit[0] != '-' ? ":" : "", habit ?: near);
        else
                fprintf(stderr, "Try: msready help\n");
        return STATUS_USAGE;
}

/* Tells that there is no such gate, and which one may have been meant. gate comes from the command line, or is clean.
 * Returns the exit status. */
int tell_no_such_gate(const Options *options, const char *gate) {
        _cleanup_free_ char *near = find_near_gate(options, gate);

        fprintf(stderr, "msready: there is no gate '%s'.%s%s%s\nTo list them: msready gates\n", gate,
                near ? " Did you mean " : "", strempty(near), near ? "?" : "");
        return STATUS_NO_SUCH_GATE;
}
