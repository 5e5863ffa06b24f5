/* SPDX-License-Identifier: Apache-2.0 */

/* The life of a question: when it is asked again, and where its answer goes. Any answer is evidence, a failure to
 * connect included, and the API server has no part in it; a question that the daemon could not ask for reasons of its
 * own gives none. */

#include "question.h"

#include "base/log.h"
#include "base/string-util.h"
#include "ready/question.h"

#define SHUT_USEC (5 * USEC_PER_SEC)
#define OPEN_USEC (30 * USEC_PER_SEC)
/* Between the end of a question and the next one, where the answer took longer than the interval. */
#define PAUSE_USEC USEC_PER_SEC
/* An answer that the daemon gives up on later than this after its time was not waited for: the daemon was stopped. */
#define LATE_USEC USEC_PER_SEC

Question *question_free(Question *q) {
        if (!q)
                return NULL;

        q->asker->done(q);
        loop_timer_done(&q->again);
        free(q->address);
        free(q->key);
        return mfree(q);
}

/* Makes a question of a check that has one, not asked yet. key: of its answer in the world. -ENOMEM. */
int question_new(Hub *hub, const Asker *asker, const CheckDefinition *d, const char *key, Question **ret) {
        _cleanup_(question_freep) Question *q = NULL;
        int r;

        assert(asker->size >= sizeof(Question));

        q = calloc(1, asker->size);
        if (!q)
                return -ENOMEM;
        q->asker = asker;
        q->hub = hub;
        q->key = strdup(key);
        q->address = strdup(question_definition(d)->address);
        if (!q->key || !q->address)
                return -ENOMEM;
        r = asker->init ? asker->init(q, d) : 0;
        if (r < 0)
                return r;

        *ret = TAKE_PTR(q);
        return 0;
}

static void on_again(LoopTimer *timer) {
        Question *q = container_of(timer, Question, again);

        q->asked = now_monotonic();
        q->is_asking = true;
        q->asker->ask(q);
}

/* Sets the time of the next question by what is known now. */
void question_arm(Question *q) {
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

/* Whether no answer came in a time in which the daemon did not look for one. Then it is worth another question, but
 * a daemon that is late every time must not ask for ever. */
static bool is_stalled(Question *q, const char *reason) {
        bool late = (streq_ptr(reason, REASON_TIMED_OUT) || streq_ptr(reason, REASON_NAME_SERVER_SILENT)) &&
                    now_monotonic() > usec_add(q->asked, QUESTION_TIMEOUT_SEC * USEC_PER_SEC + LATE_USEC);

        q->is_repeated = late && !q->is_repeated;
        return q->is_repeated;
}

/* The question has an answer, or cannot be asked: EVIDENCE_NONE is for our own trouble. reason is one of ours, NULL
 * with EVIDENCE_TRUE; text, "" for none, is cleaned in place and copied. */
void question_settle(Question *q, Evidence evidence, const char *reason, char *text) {
        Hub *hub = q->hub;
        int r;

        assert(q->is_asking && !reason == (evidence == EVIDENCE_TRUE));

        if (is_stalled(q, reason)) {
                q->is_asking = false;
                q->asked = 0;
                question_arm(q);
                return;
        }

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
        question_arm(q);
}
