/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"

/* Asks the addresses of [Endpoint] and [Socket] checks and puts what came back into the world's answers. */

typedef struct SourceQuestions SourceQuestions;

int source_questions_new(Hub *hub, SourceQuestions **ret);
SourceQuestions *source_questions_free(SourceQuestions *s);
DEFINE_CLEANUP(SourceQuestions, source_questions_free)

void source_questions_update(SourceQuestions *s);
