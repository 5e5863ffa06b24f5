/* SPDX-License-Identifier: Apache-2.0 */

/* [Api]: a path of the API server answers 200. While the server is out of reach or its /readyz is not 200,
 * that is no evidence, also for /readyz itself: a server that restarts says nothing of the cluster. */

#include "ready/check.h"

static void judge_path(const Check *c, const World *w, Watched *ret) {
        const WorldAnswer *a = world_answer(w, c->definition->path);
        Finding *f = &ret->finding;

        ret->kind = "Api";
        ret->namespace = "";
        ret->name = c->definition->path;
        ret->since = w->api_changed;
        *f = (Finding){ .evidence = EVIDENCE_NONE, .proof = PROOF_NONE };

        if (w->api != API_READY) {
                f->reason = world_api_reason(w);
                f->message = w->api_message;
        } else if (streq(c->definition->path, "/readyz"))
                f->evidence = EVIDENCE_TRUE;
        else if (!a) {
                f->reason = REASON_NOT_SYNCED;
                f->message = "it has not been asked yet";
        } else {
                f->evidence = a->evidence;
                f->reason = a->reason;
                f->message = a->message;
                ret->since = a->changed;
        }
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched = {};

        judge_path(c, w, &watched);
        return callback(&watched, userdata);
}

static int judge(Check *c, Judging *j) {
        Watched watched = {};

        judge_path(c, j->world, &watched);
        return report_count(j, &watched);
}

const CheckVTable check_vtable_api = {
        .section = "Api",
        .judge = judge,
        .list = list,
};
