/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "describe.h"
#include "render.h"
#include "table.h"
#include "verbs.h"

enum {
        COLUMN_NAMESPACE,
        COLUMN_KIND,
        COLUMN_NAME,
        COLUMN_READY,
        COLUMN_STATUS,
        COLUMN_RESTARTS,
        COLUMN_CHANGED,
        COLUMN_PROOF,
        COLUMN_GATES,
};

static const Column columns[] = {
        { "NAMESPACE", .hide = 1 },
        { "KIND", .hide = 4 },
        { "NAME", .keep = 57 },
        { "READY", .hide = 7 },
        { "STATUS", .keep = 26 },
        { "RESTARTS", .hide = 3 },
        { "CHANGED", .hide = 6 },
        { "PROOF", .hide = 5 },
        { "GATES", .hide = 2, .keep = 12 },
        {},
};

static void put_gates(Table *t, const JsonValue *gates) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(4096);

        JSON_FOREACH(gate, gates)
                if (buffer_printf(&b, "%s%s", b.size > 0 ? "," : "", strempty(jv_string(gate))) < 0)
                        break;
        table_cell(t, COLUMN_GATES, buffer_cstr(&b), STYLE_NONE);
}

static void put_row(Table *t, const JsonValue *v, usec_t now) {
        const JsonValue *object = jv_get(v, "object");
        Style style = jv_get_bool(v, "isReady", false) ? STYLE_NONE : STYLE_WAIT;
        usec_t since = get_usec(v, "sinceBoottimeUSec");
        char age[TIMESPAN_MAX];

        table_row(t);
        table_cell(t, COLUMN_NAMESPACE, jv_get_string(object, "namespace"), STYLE_NONE);
        table_cell(t, COLUMN_KIND, jv_get_string(object, "kind"), STYLE_NONE);
        table_cell(t, COLUMN_NAME, jv_get_string(object, "name"), STYLE_NONE);
        table_cell(t, COLUMN_READY, jv_get_string(v, "ready"), style);
        table_cell(t, COLUMN_STATUS, jv_get_string(v, "status"), style);
        table_cell(t, COLUMN_RESTARTS, jv_get_string(v, "restarts"), STYLE_NONE);
        table_cell(t, COLUMN_CHANGED, age_to_string(age, now, since), STYLE_NONE);
        table_cell(t, COLUMN_PROOF, jv_get_string(v, "proof"), STYLE_NONE);
        put_gates(t, jv_get(v, "gates"));
}

static int show_objects(const Options *options, const JsonValue *objects) {
        _cleanup_(table_done) Table t = {};
        _cleanup_(out_done) Output out = {};
        size_t n = 0, ready = 0;

        out_init(&out, STDOUT_FILENO, options->pager);
        table_init(&t, &out, columns, options->legend);
        JSON_FOREACH(v, objects) {
                put_row(&t, v, now_boottime());
                n++;
                ready += jv_get_bool(v, "isReady", false);
        }
        table_print(&t);
        if (options->legend)
                out_printf(&out, "%zu of %zu objects pass their checks\n", ready, n);
        return out_flush(&out);
}

/* Whether the daemon has not looked at everything yet. */
static bool awaits_answer(const JsonValue *objects) {
        JSON_FOREACH(v, objects)
                if (reason_is_no_answer(jv_get_string(v, "status")))
                        return true;
        return false;
}

static int ask_objects(const Options *options, VlReply *ret) {
        JsonBuilder b = {};

        jb_string(&b, "gate", options->arguments[0]);
        return ask_with(options, READINESS "ListObjects", &b, ret);
}

/* Lists every object that the gates check, as kubectl shows it, and how each is proven to be of this boot. */
int verb_objects(const Options *options) {
        _cleanup_(vl_reply_done) VlReply reply = {}, state = {};
        _cleanup_(snapshot_done) Snapshot s = {};
        int r;

        r = ask_objects(options, &reply);
        if (r == 0 && awaits_answer(jv_get(reply.parameters, "objects"))) {
                r = describe(options, options->arguments, &state, &s);
                if (r == 0) {
                        vl_reply_done(&reply);
                        reply = (VlReply){};
                        r = ask_objects(options, &reply);
                }
        }
        if (r != 0)
                return r;
        if (options->format != FORMAT_TEXT)
                return print_reply(options, reply.parameters);
        return options->quiet ? 0 : show_objects(options, jv_get(reply.parameters, "objects"));
}
