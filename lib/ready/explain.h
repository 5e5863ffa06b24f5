/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "ready/check.h"
#include "diagnosis/hint.h"

/* The words for what was found, and the query for its hint. They are valid until the world changes, and no longer than
 * the Explanation. */
typedef struct Explanation {
        HintQuery query;
        usec_t since; /* boottime: the object has blocked since then at least; 0: not known */
        char text[LIMIT_MESSAGE + 1]; /* room for a message that has to be put together */
} Explanation;

void explain(const Judging *j, const Watched *watched, Explanation *ret);
