/* SPDX-License-Identifier: Apache-2.0 */

/* [Endpoint]: an address answers as its user would want it. It is asked by the daemon and goes on answering
 * while the API is away. */

#include "ready/check.h"

static void judge_url(const Check *c, const World *w, Watched *ret) {
        const WorldAnswer *a = world_answer(w, c->definition->url);

        *ret = (Watched){
                .kind = "Endpoint",
                .namespace = "",
                .name = c->definition->url,
                .finding = { .evidence = EVIDENCE_NONE,
                             .proof = PROOF_NONE,
                             .reason = REASON_NOT_SYNCED,
                             .message = "it has not been asked yet" },
        };
        if (!a)
                return;
        ret->since = a->changed;
        ret->finding.evidence = a->evidence;
        ret->finding.reason = a->reason;
        ret->finding.message = a->message;
        if (a->evidence == EVIDENCE_TRUE)
                ret->finding.proof = PROOF_OBSERVED;
}

static int list(Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched;

        judge_url(c, w, &watched);
        return callback(&watched, userdata);
}

static int judge(Check *c, const World *w, Instant now, Report *report) {
        Watched watched;

        judge_url(c, w, &watched);
        return report_count(report, w, &watched);
}

const CheckVTable check_vtable_endpoint = {
        .section = "Endpoint",
        .judge = judge,
        .list = list,
};
