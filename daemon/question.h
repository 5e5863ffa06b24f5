/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/hash.h"
#include "ready/check.h"

#include "hub.h"

/* A question to an address. source-questions.c says whether it is asked; the asker of its kind of check (ask-KIND.c)
 * decides how. */

#define QUESTION_TIMEOUT_SEC 10U
#define QUESTION_TEXT_MAX 512

typedef struct Question Question;

/* A kind's question is a struct that begins with a Question. */
typedef struct Asker {
        const CheckKind *kind;
        size_t size;
        int (*init)(Question *q,
                    const CheckDefinition *d); /* copies what it needs; NULL: nothing. -ENOMEM */
        void (*ask)(Question *q);              /* ends in one question_settle(), at once or later */
        void (*done)(Question *q);             /* drops what is on its way, also after a failed init */
} Asker;

struct Question {
        const Asker *asker;
        Hub *hub;
        char *key; /* as the world has its answer */
        char *address;

        usec_t interval; /* the shortest IntervalSec= of its checks, 0 where none has one */
        bool wanted;     /* by a check, still */
        bool open;       /* all gates that want it are open */
        bool is_asking;
        bool is_repeated; /* the one before had no answer, and the daemon was stopped */
        Evidence evidence;
        LoopTimer again;
        usec_t asked, pause_ends, due; /* monotonic */
        UT_hash_handle hh;
};

int question_new(Hub *hub, const Asker *asker, const CheckDefinition *d, const char *key, Question **ret);
Question *question_free(Question *q);
DEFINE_CLEANUP(Question, question_free)

void question_arm(Question *q);
void question_settle(Question *q, Evidence evidence, const char *reason, char *text);

extern const Asker asker_endpoint;
extern const Asker asker_socket;
