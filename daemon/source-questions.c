/* SPDX-License-Identifier: Apache-2.0 */

/* When the daemon asks addresses, and where the answers go. Any answer is evidence, a failure to connect included,
 * and the API server has no part in it; a question that the daemon could not ask for reasons of its own gives none.
 *
 * Checks that ask the same share one question. Without such checks nothing runs. */

#include "source-questions.h"

#include "base/log.h"
#include "base/string-util.h"
#include "question.h"
#include "ready/question.h"

#define SHUT_USEC (5 * USEC_PER_SEC)
#define OPEN_USEC (30 * USEC_PER_SEC)
/* Pause between two questions where the answer took longer than the interval. */
#define PAUSE_USEC USEC_PER_SEC

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

static Question *question_free(Question *q) {
        if (!q)
                return NULL;

        q->asker->done(q);
        loop_timer_done(&q->again);
        free(q->address);
        free(q->key);
        return mfree(q);
}
DEFINE_CLEANUP(Question, question_free)

static int question_new(SourceQuestions *s, const Check *c, const char *key, Question **ret) {
        _cleanup_(question_freep) Question *q = NULL;
        const Asker *asker = find_asker(c->kind);
        int r;

        assert(asker && asker->size >= sizeof(Question));

        q = calloc(1, asker->size);
        if (!q)
                return -ENOMEM;
        q->asker = asker;
        q->hub = s->hub;
        q->key = strdup(key);
        q->address = strdup(question_definition(c->definition)->address);
        if (!q->key || !q->address)
                return -ENOMEM;
        r = asker->init ? asker->init(q, c->definition) : 0;
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

static void on_again(LoopTimer *timer) {
        Question *q = container_of(timer, Question, again);

        q->asked = now_monotonic();
        q->is_asking = true;
        q->asker->ask(q);
}

/* Sets the time of the next question by what is known now. */
static void arm(Question *q) {
        usec_t interval = q->open && q->evidence == EVIDENCE_TRUE ? OPEN_USEC : SHUT_USEC, due;

        if (q->interval > 0)
                interval = q->interval;
        due = q->asked == 0 ? now_monotonic() : MAX(usec_add(q->asked, interval), q->pause_ends);
        if (q->is_asking)
                return;
        if (loop_timer_is_armed(&q->again) && (q->asked == 0 || due == q->due))
                return;
        q->due = due;
        loop_timer_set(q->hub->loop, &q->again, due, on_again);
}

/* The question has an answer, or cannot be asked: EVIDENCE_NONE is for our own trouble. reason is one of ours, NULL
 * with EVIDENCE_TRUE; text, "" for none, is cleaned in place and copied. */
void question_settle(Question *q, Evidence evidence, const char *reason, char *text) {
        Hub *hub = q->hub;
        int r;

        assert(q->is_asking && !reason == (evidence == EVIDENCE_TRUE));

        strip_control(text);
        if (evidence != q->evidence)
                log_debug("%s %s: %s%s%s", q->asker->kind->syntax.section, q->address,
                          evidence_to_string(evidence), text[0] ? ": " : "", text);
        q->is_asking = false;
        q->evidence = evidence;
        r = world_set_answer(hub->readiness->world, q->key, evidence, reason, text[0] ? text : NULL,
                             instant_now());
        if (r < 0)
                loop_fail(hub->loop, r);
        else if (r > 0)
                hub_touch(hub);

        q->pause_ends = usec_add(now_monotonic(), PAUSE_USEC);
        arm(q);
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
                r = question_new(s, c, key, &q);
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
                        arm(q);
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
