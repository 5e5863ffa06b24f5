/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "ask.h"
#include "base/limits.h"
#include "gates/problems.h"
#include "json/builder.h"
#include "output.h"
#include "verbs.h"

static int take_texts(const JsonValue *list, char ***ret) {
        int r = 0;

        JSON_FOREACH(item, list)
                r = r < 0 || !jv_string(item) ? r : strv_extend(ret, jv_string(item));
        return r;
}

static int take_problems(const JsonValue *reply, Problems *ret) {
        JSON_FOREACH(d, jv_get(reply, "definitions"))
                ret->n_gates += !jv_get_string(d, "masked");
        return take_texts(jv_get(reply, "errors"), &ret->errors)
                       ?: take_texts(jv_get(reply, "warnings"), &ret->warnings);
}

static int print_json(const Options *options, const Problems *p) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        JsonBuilder b = {};
        int r;

        jb_strings(&b, "errors", p->errors);
        jb_strings(&b, "warnings", p->warnings);
        r = jb_finish(&b, &v);
        return r < 0 ? r : print_reply(options, v);
}

static int print_text(const Problems *p) {
        _cleanup_(buffer_done) Buffer text = BUFFER_INIT(LIMIT_VARLINK_REPLY);
        int r;

        r = problems_put(p, &text);
        if (r >= 0 && (fputs(buffer_cstr(&text), stdout) < 0 || fflush(stdout) < 0))
                r = -errno;
        return r;
}

/* Makes the daemon read its configuration again, and tells what it found wrong with it, as check-config does. By
 * varlink and not by systemctl, which waits until the start job is done: in a first boot that takes hours. */
int verb_reload(const Options *options) {
        _cleanup_(vl_reply_done) VlReply reloaded = {}, reply = {};
        _cleanup_(problems_done) Problems p = PROBLEMS_NULL;
        int r;

        r = ask(options, "io.systemd.service.Reload", NULL, &reloaded);
        if (r == 0)
                r = ask(options, READINESS "ListGates", NULL, &reply);
        if (r == 0)
                r = take_problems(reply.parameters, &p);
        if (r == 0 && options->format != FORMAT_TEXT)
                r = print_json(options, &p);
        else if (r == 0 && !options->quiet)
                r = print_text(&p);
        return r == 0 && p.errors ? STATUS_ERROR : r;
}
