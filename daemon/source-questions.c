/* SPDX-License-Identifier: Apache-2.0 */

/* Which addresses the daemon asks: those of the checks in enabled gates. Checks that ask the same share one question.
 * Without such checks nothing runs. */

#include "source-questions.h"

#include "question.h"
#include "ready/check-kinds.h"

struct SourceQuestions {
        Hub *hub;
        Question *questions;
};

static const Asker *const askers[] = { &asker_endpoint, &asker_socket };

static const Asker *find_asker(const CheckKind *kind) {
        for (size_t i = 0; i < ELEMENTSOF(askers); i++)
                if (askers[i]->kind == kind)
                        return askers[i];
        return NULL;
}

static int add(SourceQuestions *s, const Check *c, const char *key, Question **ret) {
        _cleanup_(question_freep) Question *q = NULL;
        const Asker *asker = find_asker(c->kind);
        int r;

        assert(asker);

        r = question_new(s->hub, asker, c->definition, key, &q);
        if (r < 0)
                return r;
        HASH_ADD_KEYPTR(hh, s->questions, q->key, strlen(q->key), q);
        if (!q->hh.tbl)
                return -ENOMEM;

        *ret = TAKE_PTR(q);
        return 0;
}

static void forget(SourceQuestions *s, Question *q) {
        HASH_DEL(s->questions, q);
        world_forget_answer(s->hub->readiness->world, q->key);
        question_free(q);
}

static int want(SourceQuestions *s, const Gate *gate, const Check *c) {
        bool open = gate_state(gate) == GATE_READY || gate_state(gate) == GATE_UNKNOWN;
        usec_t interval = question_definition(c->definition)->interval;
        _cleanup_free_ char *key = NULL;
        Question *q;
        int r;

        r = c->kind->question(c->definition, &key);
        if (r < 0)
                return r;
        HASH_FIND_STR(s->questions, key, q);
        if (!q) {
                r = add(s, c, key, &q);
                if (r < 0)
                        return r;
        }

        q->open = open && (q->open || !q->wanted);
        if (interval > 0)
                q->interval = q->interval > 0 ? usec_min(q->interval, interval) : interval;
        q->wanted = true;
        return 0;
}

static int want_all(SourceQuestions *s) {
        int r;

        BOARD_FOREACH_CHECK(c, g, &s->hub->readiness->board) {
                if (c->kind->question) {
                        r = want(s, g, c);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* The board has been judged, or has other gates: asks each address every 5 s while it is shut and every 30 s while it
 * is open, or as IntervalSec= says; forgets those that no enabled gate wants. */
void source_questions_update(SourceQuestions *s) {
        Question *q, *next;
        int r;

        HASH_ITER(hh, s->questions, q, next) {
                q->wanted = false;
                q->interval = 0;
        }
        r = want_all(s);
        if (r < 0) {
                loop_fail(s->hub->loop, r);
                return;
        }
        HASH_ITER(hh, s->questions, q, next)
                if (q->wanted)
                        question_arm(q);
                else
                        forget(s, q);
}

/* hub is borrowed and has to outlive the source. -ENOMEM. */
int source_questions_new(Hub *hub, SourceQuestions **ret) {
        SourceQuestions *s = calloc(1, sizeof(SourceQuestions));

        if (!s)
                return -ENOMEM;
        s->hub = hub;
        for (const CheckKind *const *k = check_kinds; *k; k++)
                assert(!(*k)->question || find_asker(*k));

        *ret = s;
        return 0;
}

SourceQuestions *source_questions_free(SourceQuestions *s) {
        Question *q, *next;

        if (!s)
                return NULL;

        HASH_ITER(hh, s->questions, q, next)
                forget(s, q);
        return mfree(s);
}
