/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "ask.h"
#include "base/strv.h"
#include "describe.h"
#include "suggest.h"
#include "table.h"
#include "verbs.h"

enum { COLUMN_GATE, COLUMN_ENABLED, COLUMN_REQUIRED, COLUMN_FILE, COLUMN_FILE_SHORT, COLUMN_CAUSE };

static const Column columns[] = {
        { "GATE", .keep = 20 },
        { "ENABLED", .hide = 4 },
        { "REQUIRED", .hide = 2 },
        { "FILE", .hide = 1 },
        { "FILE", .narrower = true, .hide = 3, .keep = 13 },
        { "CAUSE", .keep = 44 },
        {},
};

static const char *yes_no(const JsonValue *v, const char *key) {
        return jv_get_bool(v, key, false) ? "yes" : "no";
}

static const char *enabled_word(const JsonValue *definition) {
        return jv_get_string(definition, "masked") ? "masked" : yes_no(definition, "enabled");
}

/* The first file, and how many files come after it. The narrower form is for "/usr/lib/msready/gates.d/dns.gate" no
 * more than "/usr/lib/…": the rest goes without saying. */
static void put_files(Table *t, const JsonValue *definition) {
        const JsonValue *files = jv_get(definition, "files");
        const char *first = strempty(jv_string(jv_first(files))), *rest = strstr(first, "/msready/gates.d/");
        char more[32] = "";

        if (jv_length(files) > 1)
                (void) snprintf(more, sizeof(more), " +%zu", jv_length(files) - 1);
        table_cellf(t, COLUMN_FILE, STYLE_NONE, "%s%s", first, more);
        if (rest)
                table_cellf(t, COLUMN_FILE_SHORT, STYLE_NONE, "%.*s/%s%s", (int) (rest - first), first,
                            out_symbol(t->out, "…", "..."), more);
}

static void show_table(const Options *options, const JsonValue *definitions, Output *out) {
        _cleanup_(table_done) Table t = {};

        table_init(&t, out, columns, options->legend);
        JSON_FOREACH(d, definitions) {
                bool enabled = jv_get_bool(d, "enabled", false);

                table_row(&t);
                table_cell(&t, COLUMN_GATE, jv_get_string(d, "name"), STYLE_NONE);
                table_cell(&t, COLUMN_ENABLED, enabled_word(d), enabled ? STYLE_NONE : STYLE_DIM);
                table_cell(&t, COLUMN_REQUIRED, yes_no(d, "required"), STYLE_NONE);
                put_files(&t, d);
                table_cell(&t, COLUMN_CAUSE, jv_get_string(d, "cause"), STYLE_NONE);
        }
        table_print(&t);
}

static void put_span(Output *out, const char *label, const JsonValue *d, const char *key) {
        char span[TIMESPAN_MAX];

        out_printf(out, "%13s: %s\n", label, format_timespan(span, jv_get_usec(d, key, USEC_INFINITY)));
}

static void put_text(Output *out, const char *label, const char *text) {
        size_t from = out->text.size;

        if (!text)
                return;
        out_printf(out, "%13s%s ", label, *label ? ":" : " ");
        out_text(out, text);
        out_put(out, "\n");
        out_fold(out, from, 15);
}

static void put_list(Output *out, const char *label, const JsonValue *list) {
        JSON_FOREACH(item, list) {
                put_text(out, label, jv_string(item));
                label = "";
        }
}

/* One gate's definition in full. */
static void show_one(Output *out, const JsonValue *d) {
        out_styled(out, STYLE_BOLD, jv_get_string(d, "name"));
        if (!isempty(jv_get_string(d, "description"))) {
                out_put(out, " - ");
                out_text(out, jv_get_string(d, "description"));
        }
        out_put(out, "\n");
        put_text(out, "Enabled", enabled_word(d));
        put_text(out, "Cause", jv_get_string(d, "cause"));
        put_text(out, "Required", yes_no(d, "required"));
        put_list(out, "Files", jv_get(d, "files"));
        put_list(out, "Conditions", jv_get(d, "conditions"));
        put_list(out, "Checks", jv_get(d, "checks"));
        put_span(out, "SettleSec", d, "settleUSec");
        put_span(out, "HoldSec", d, "holdUSec");
        put_span(out, "UnknownSec", d, "unknownUSec");
        put_text(out, "OnUnknown", jv_get_string(d, "onUnknown"));
}

static int check_names(const Options *options, const JsonValue *definitions) {
        STRV_FOREACH(name, options->arguments)
                if (!find_definition(definitions, *name))
                        return tell_no_such_gate(options, *name);
        return 0;
}

static void show_named(const Options *options, const JsonValue *definitions, Output *out) {
        STRV_FOREACH(name, options->arguments) {
                if (name != options->arguments)
                        out_put(out, "\n");
                show_one(out, find_definition(definitions, *name));
        }
}

static bool is_named(const Options *options, const JsonValue *definition) {
        const char *name = jv_get_string(definition, "name");

        return !*options->arguments || (name && strv_contains(options->arguments, name));
}

/* Lists the gates and their files; with names, shows all about these gates. */
int verb_gates(const Options *options) {
        _cleanup_(vl_reply_done) VlReply reply = {};
        _cleanup_(out_done) Output out = {};
        const JsonValue *definitions;
        int r;

        r = ask(options, READINESS "ListGates", NULL, &reply);
        if (r != 0)
                return r;
        definitions = jv_get(reply.parameters, "definitions");
        r = check_names(options, definitions);
        if (r != 0)
                return r;
        if (options->format != FORMAT_TEXT)
                return print_reply_of(options, reply.parameters, "definitions", is_named);

        out_init(&out, STDOUT_FILENO, options->pager);
        if (*options->arguments)
                show_named(options, definitions, &out);
        else
                show_table(options, definitions, &out);
        return options->quiet ? 0 : out_flush(&out);
}
