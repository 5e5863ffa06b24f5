/* SPDX-License-Identifier: Apache-2.0 */

#include "describe.h"
#include "render.h"
#include "verbs.h"

static int show(const Options *options, const Snapshot *s) {
        _cleanup_(out_done) Output out = {};
        bool named = *options->arguments;
        int r;

        out_init(&out, STDOUT_FILENO);
        out.pager = options->pager;
        if (!named)
                render_verdict(&out, s, s->told);
        if (!named && s->n_gates > 0)
                out_put(&out, "\n");
        r = render_gates(&out, s, s->told, options);
        if (r >= 0)
                r = render_blockers(&out, s, s->told, named || options->all);
        return r < 0 ? r : out_flush(&out);
}

/* The verdict and a line for each gate, with what blocks those that are required. */
int verb_status(const Options *options) {
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_(vl_reply_done) VlReply reply = {};
        int r;

        r = describe(options, options->arguments, &reply, &s);
        if (r != 0)
                return r;
        if (options->format != FORMAT_TEXT)
                r = print_reply(options, reply.parameters);
        else if (!options->quiet)
                r = show(options, &s);
        return r < 0 ? r : snapshot_status(&s, options->arguments);
}
