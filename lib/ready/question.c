/* SPDX-License-Identifier: Apache-2.0 */

/* Checks of an address, which the daemon asks ([Endpoint], [Socket]): their answer is in the world, under the key that
 * the kind makes of its question. It counts while the API is out of reach, too. */

#include "ready/question.h"

#include "base/value.h"

static int parse_interval(void *p, const char *value, const char **why) {
        usec_t u, *interval = p;
        int r;

        r = value_set_timespan(&u, value, 0, why);
        if (r < 0)
                return r;
        if (*value && (u < USEC_PER_SEC || u == USEC_INFINITY))
                return value_refuse(why, "not at least a second, or never");
        *interval = u;
        return 0;
}

const CheckKeyType question_key_interval = { .parse = parse_interval, .size = sizeof(usec_t) };

static int find_answer(const Check *c, const World *w, Watched *ret) {
        _cleanup_free_ char *key = NULL;
        const WorldAnswer *a;
        int r;

        r = c->kind->question(c->definition, &key);
        if (r < 0)
                return r;

        *ret = (Watched){
                .kind = c->kind->syntax.section,
                .namespace = "",
                .name = question_definition(c->definition)->address,
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

/* The list of a CheckKind that has a question. */
int question_list(const Check *c, const World *w, Instant now, WatchedCallback callback, void *userdata) {
        Watched watched;
        int r;

        r = find_answer(c, w, &watched);
        return r < 0 ? r : callback(&watched, userdata);
}

/* Its judge. */
int question_judge(Check *c, Judging *j) {
        Watched watched;
        int r;

        r = find_answer(c, j->world, &watched);
        return r < 0 ? r : report_count(j, &watched);
}
