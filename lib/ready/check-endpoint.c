/* SPDX-License-Identifier: Apache-2.0 */

/* [Endpoint]: an address answers as its user would want it. It is asked by the daemon and goes on answering
 * while the API is away. */

#include "ready/check.h"

#include "base/limits.h"

/* Under what the world keeps the answer: the address, what is expected of it, and who it has to be. */
int check_endpoint_key(const CheckDefinition *d, char **ret) {
        Buffer b = BUFFER_INIT(LIMIT_CONFIG_FILE);
        char *key;
        int r;

        r = buffer_puts(&b, d->url);
        for (size_t i = 0; i < d->n_expect && r >= 0; i++)
                r = buffer_printf(&b, "%c%u-%u", i > 0 ? ',' : ' ', d->expect[i].from, d->expect[i].to);
        if (d->ca_file && r >= 0)
                r = buffer_printf(&b, " %s", d->ca_file);
        if (r < 0) {
                buffer_done(&b);
                return r;
        }

        key = buffer_steal(&b);
        *ret = key;
        return 0;
}

static int judge_url(const Check *c, const World *w, Watched *ret) {
        _cleanup_free_ char *key = NULL;
        const WorldAnswer *a;
        int r;

        r = check_endpoint_key(c->definition, &key);
        if (r < 0)
                return r;

        *ret = (Watched){
                .kind = "Endpoint",
                .namespace = "",
                .name = c->definition->url,
                .finding = { .evidence = EVIDENCE_NONE,
                             .proof = PROOF_NONE,
                             .reason = REASON_NOT_ASKED,
                             .message = "it has not been asked yet" },
        };
        a = world_answer(w, key);
        if (!a)
                return 0;
        ret->since = a->changed;
        ret->finding.evidence = a->evidence;
        ret->finding.reason = a->reason;
        ret->finding.message = a->message;
        if (a->evidence == EVIDENCE_TRUE)
                ret->finding.proof = PROOF_OBSERVED;
        return 0;
}

static int list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched;
        int r;

        r = judge_url(c, w, &watched);
        if (r < 0)
                return r;
        return callback(&watched, userdata);
}

static int judge(Check *c, Judging *j) {
        Watched watched;
        int r;

        r = judge_url(c, j->world, &watched);
        if (r < 0)
                return r;
        return report_count(j, &watched);
}

const CheckVTable check_vtable_endpoint = {
        .section = "Endpoint",
        .judge = judge,
        .list = list,
};
