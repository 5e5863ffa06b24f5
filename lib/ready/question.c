/* SPDX-License-Identifier: Apache-2.0 */

/* Checks that the daemon answers by asking an address ([Endpoint], [Socket]). The answer is in the world, under the
 * key that the kind makes of its question; it also counts while the API is out of reach. */

#include "ready/question.h"

#include "base/value.h"

static int parse_interval(void *p, const char *value, const char **why) {
        usec_t u, *interval = p;
        int r;

        r = value_set_timespan(&u, value, 0, why);
        if (r < 0)
                return r;
        if (*value && (u < USEC_PER_SEC || u == USEC_INFINITY))
                return value_refuse(why, "must be at least 1s, and not infinity");
        *interval = u;
        return 0;
}

const CheckKeyType question_key_interval = { .parse = parse_interval, .size = sizeof(usec_t) };

/* The list of a CheckKind that has a question. */
int question_list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched = {
                .kind = c->kind->syntax.section,
                .namespace = "",
                .name = question_definition(c->definition)->address,
                .finding = { .evidence = EVIDENCE_NONE,
                             .proof = PROOF_NONE,
                             .reason = REASON_NOT_ASKED,
                             .message = "it has not been asked yet" },
        };
        _cleanup_free_ char *key = NULL;
        const WorldAnswer *a;
        int r;

        r = c->kind->question(c->definition, &key);
        if (r < 0)
                return r;

        a = world_answer(w, key);
        if (a) {
                watched.since = a->changed;
                finding_set(&watched.finding, a->evidence, a->reason, a->message);
                watched.finding.is_reported = true;
                if (a->evidence == EVIDENCE_TRUE)
                        watched.finding.proof = PROOF_OBSERVED;
        }
        return callback(&watched, userdata);
}
