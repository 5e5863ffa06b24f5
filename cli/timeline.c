/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/strv.h"
#include "boots.h"
#include "describe.h"
#include "render.h"
#include "table.h"
#include "verbs.h"

enum {
        TRANSITION_CLOCK,
        TRANSITION_AT,
        TRANSITION_WHAT,
        TRANSITION_WHAT_SHORT,
        TRANSITION_FROM,
        TRANSITION_TO,
        TRANSITION_WHY,
        TRANSITION_WHY_SHORT,
};

static const Column transition_columns[] = {
        { "TIME" },
        { "AT", .right = true, .hide = 4 },
        { "WHAT", .hide = 2 },
        { "WHAT", .narrower = true, .keep = 37 },
        { "FROM", .hide = 3 },
        { "TO" },
        { "WHY", .hide = 1 },
        { "WHY", .narrower = true, .keep = 52 },
        {},
};

/* Why: on the way to ready what was waited for, else what changed it. An object's row has its name already. */
static void put_why(Table *t, const JsonValue *transition) {
        const JsonValue *blocker = jv_get(transition, "blocker");
        const char *reason = jv_get_string(blocker, "reason");
        bool is_object = jv_is_object(jv_get(transition, "object")),
             passes = gate_state_from_string(strempty(jv_get_string(transition, "to"))) == GATE_READY;

        if (!jv_is_object(blocker))
                return;
        if (is_object)
                table_cellf(t, TRANSITION_WHY, STYLE_NONE, "%s%s", passes ? "was " : "", strempty(reason));
        else
                render_blocker_cell(t, TRANSITION_WHY, passes ? "waited for " : "", blocker);
}

static void put_what(Table *t, const JsonValue *transition) {
        const char *gate = jv_get_string(transition, "gate");
        const JsonValue *object = jv_get(transition, "object");
        _cleanup_free_ char *name = NULL;

        if (!gate)
                table_cell(t, TRANSITION_WHAT, "cluster", STYLE_BOLD);
        else if (!jv_is_object(object))
                table_cell(t, TRANSITION_WHAT, gate, STYLE_NONE);
        else {
                out_fail(t->out, object_to_string(object, &name));
                table_cellf(t, TRANSITION_WHAT, STYLE_DIM, "%s%s", out_symbol(t->out, "· ", "- "),
                            strempty(name));
                table_cellf(t, TRANSITION_WHAT_SHORT, STYLE_DIM, "%s%s", out_symbol(t->out, "· ", "- "),
                            strempty(jv_get_string(object, "name")));
        }
}

/* The time since the kernel started in milliseconds, which show the order within a second. */
static void put_at(Table *t, usec_t at) {
        unsigned ms = (unsigned) (at / USEC_PER_MSEC % 1000), s = (unsigned) (at / USEC_PER_SEC % 60),
                 min = (unsigned) (at / USEC_PER_MINUTE % 60);
        uint64_t h = at / USEC_PER_HOUR;

        if (h > 0)
                table_cellf(t, TRANSITION_AT, STYLE_NONE, "%" PRIu64 ":%02u:%02u.%03u", h, min, s, ms);
        else
                table_cellf(t, TRANSITION_AT, STYLE_NONE, "%u:%02u.%03u", min, s, ms);
}

static void put_transition(Table *t, const JsonValue *v) {
        const char *to = jv_get_string(v, "to");
        char clock[TIMESPAN_MAX];

        table_row(t);
        table_cell(t, TRANSITION_CLOCK, format_clock(clock, get_usec(v, "realtimeUSec")), STYLE_NONE);
        put_at(t, get_usec(v, "boottimeUSec"));
        put_what(t, v);
        table_cell(t, TRANSITION_FROM, jv_get_string(v, "from"), STYLE_NONE);
        table_cell(t, TRANSITION_TO, to, state_style(gate_state_from_string(to)));
        put_why(t, v);
}

/* There are many objects: they are shown only where gates are named, or with --all. */
static bool is_wanted(const Options *options, const JsonValue *transition) {
        const char *gate = jv_get_string(transition, "gate");

        if (options->arguments[0])
                return gate && strv_contains(options->arguments, gate);
        return options->all || !jv_is_object(jv_get(transition, "object"));
}

/* With --json objects are always printed; naming gates leaves out the other gates. */
static bool is_told_of(const Options *options, const JsonValue *transition) {
        return !options->arguments[0] || is_wanted(options, transition);
}

/* Says so where there is nothing to show, because empty output looks like a failure. */
static void put_table(const Options *options, Table *t, size_t rows, const char *nothing) {
        if (rows > 0)
                table_print(t);
        else if (options->legend) {
                out_style(t->out, STYLE_DIM);
                out_put(t->out, nothing);
                out_style(t->out, STYLE_NONE);
        }
}

static void show_transitions(const Options *options, const JsonValue *transitions, Output *out) {
        _cleanup_(table_done) Table t = {};
        size_t rows = 0;

        table_init(&t, out, transition_columns, options->legend);
        JSON_FOREACH(v, transitions) {
                if (!is_wanted(options, v))
                        continue;
                put_transition(&t, v);
                rows++;
        }
        put_table(options, &t, rows, "-- no transitions --\n");
}

enum {
        BOOT_NUMBER,
        BOOT_ID,
        BOOT_ID_SHORT,
        BOOT_STARTED,
        BOOT_READY,
        BOOT_PULLED,
        BOOT_LAST,
        BOOT_LAST_SHORT,
        BOOT_LAST_GATE,
};

static const Column boot_columns[] = {
        { "BOOT", .right = true },
        { "ID", .hide = 1 },
        { "ID", .narrower = true, .hide = 3 },
        { "STARTED", .hide = 6 },
        { "READY AFTER", .right = true },
        { "PULLED", .hide = 4 },
        { "LAST GATE", .hide = 2 },
        { "LAST GATE", .narrower = true, .hide = 5, .keep = 36 },
        { "LAST GATE", .narrower = true, .keep = 20 },
        {},
};

/* "Pod openshift-dns/dns-default-x: ImagePullBackOff" without the namespace and the kind. */
static const char *from_name(const char *blocker) {
        const char *name = strchr(blocker, ' ');
        size_t n = name ? strspn(name + 1, "0123456789abcdefghijklmnopqrstuvwxyz-") : 0;

        return n > 0 && name[n + 1] == '/' ? name + n + 2 : blocker;
}

/* Puts the required gate that opened last before the cluster was ready, and what it waited for: this took the boot's
 * time. Of an old record it is not known which were required: any may be it. */
static void put_last_gate(Table *t, const JsonValue *boot) {
        usec_t ready = get_usec(boot, "readyUSec") ?: USEC_INFINITY;
        const JsonValue *last = NULL;
        const char *waited;

        JSON_FOREACH(gate, jv_get(boot, "gates"))
                if (jv_get_bool(gate, "required", true) && get_usec(gate, "readyUSec") <= ready &&
                    (!last || get_usec(gate, "readyUSec") > get_usec(last, "readyUSec")))
                        last = gate;
        if (!last)
                return;
        waited = jv_get_string(last, "waitedFor");
        table_cellf(t, BOOT_LAST, STYLE_NONE, "%s%s%s", strempty(jv_get_string(last, "name")),
                    waited ? ": " : "", strempty(waited));
        if (waited)
                table_cellf(t, BOOT_LAST_SHORT, STYLE_NONE, "%s: %s", strempty(jv_get_string(last, "name")),
                            from_name(waited));
        table_cell(t, BOOT_LAST_GATE, jv_get_string(last, "name"), STYLE_NONE);
}

static void put_boot(Table *t, const JsonValue *boot, int64_t number) {
        const char *id = jv_get_string(boot, "bootId");
        usec_t ready = get_usec(boot, "readyUSec");
        char span[TIMESPAN_MAX], date[TIMESPAN_MAX];

        table_row(t);
        table_cellf(t, BOOT_NUMBER, STYLE_NONE, "%" PRIi64, number);
        table_cell(t, BOOT_ID, id, STYLE_DIM);
        table_cellf(t, BOOT_ID_SHORT, STYLE_DIM, "%.12s", strempty(id));
        table_cell(t, BOOT_STARTED, format_date(date, get_usec(boot, "startedRealtimeUSec")), STYLE_NONE);
        table_cell(t, BOOT_READY, ready > 0 ? format_timespan(span, ready) : "never",
                   ready > 0 ? STYLE_NONE : STYLE_BAD);
        table_cell(t, BOOT_PULLED, jv_get_bool(boot, "pulledImages", false) ? "yes" : "no", STYLE_NONE);
        put_last_gate(t, boot);
}

/* Puts the boots, the oldest first. The last one is this boot if it is on record, which its ID tells. */
static void show_boots(const Options *options, const JsonValue *boots, const char *this_boot, Output *out) {
        _cleanup_(table_done) Table t = {};
        int64_t number = 0;

        table_init(&t, out, boot_columns, options->legend);
        JSON_FOREACH(boot, boots)
                number -= !streq_ptr(jv_get_string(boot, "bootId"), this_boot);
        JSON_FOREACH(boot, boots) {
                bool is_this = streq_ptr(jv_get_string(boot, "bootId"), this_boot);

                put_boot(&t, boot, is_this ? 0 : number++);
        }
        put_table(options, &t, jv_length(boots), "-- no boots on record --\n");
}

/* Shows the transitions of a boot, or with --boots a line for each boot on record. */
int verb_timeline(const Options *options) {
        _cleanup_(vl_reply_done) VlReply reply = {}, description = {};
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_(out_done) Output out = {};
        _cleanup_free_ char *earlier = NULL;
        int r;

        if (options->boots && options->arguments[0]) {
                fprintf(stderr, "msready: --boots shows whole boots and takes no gates.\n");
                return STATUS_USAGE;
        }
        r = ask_timeline(options, &earlier, &reply);
        if (r != 0)
                return r;
        /* A gate that does not exist is an error, not a gate without transitions. */
        if (options->boots || (!earlier && options->arguments[0])) {
                r = describe(options, options->arguments, &description, &s);
                if (r != 0)
                        return r;
        }
        if (options->format != FORMAT_TEXT)
                return print_reply_of(options, reply.parameters, "transitions", is_told_of);

        out_init(&out, STDOUT_FILENO, options->pager);
        if (options->boots)
                show_boots(options, jv_get(reply.parameters, "boots"),
                           jv_get_string(jv_get(description.parameters, "verdict"), "bootId"), &out);
        else
                show_transitions(options, jv_get(reply.parameters, "transitions"), &out);
        return options->quiet ? 0 : out_flush(&out);
}
