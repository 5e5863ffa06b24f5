/* SPDX-License-Identifier: Apache-2.0 */

/* What to do about a blocker. A hint is one sentence that says what to look at or what to run, and is true for
 * MicroShift on RHEL. If no row of the table matches there is no hint; the cluster's own words are shown in any
 * case. */

#include "diagnosis/hint-internal.h"
#include "diagnosis/words.h"

static bool words_fit(const HintRow *row, const char *reason, const char *message) {
        return (!row->reasons || (reason && word_is_among(row->reasons, reason))) &&
               (!row->texts || text_has_any(message, row->texts));
}

/* The status and the event are matched separately: the reason of one says nothing about the text of the
 * other. */
static bool row_fits(const HintRow *row, const HintQuery *q, const char *reason) {
        if (!words_fit(row, reason, q->message) && !words_fit(row, q->event_reason, q->event_message))
                return false;
        if (row->kind && !streq_ptr(row->kind, q->kind))
                return false;
        if (row->namespace && !(q->namespace && startswith(q->namespace, row->namespace)))
                return false;
        return row->pull_always <= q->pull_always && row->vendor <= q->vendor && row->overdue <= q->overdue;
}

/* The hint for a blocker: a constant text, or NULL if there is none. */
const char *hint_for(const HintQuery *q) {
        const char *reason = strempty(q->reason);

        reason = startswith(reason, "Init:") ?: reason;
        for (const HintRow *row = hint_rows; row->hint; row++)
                if (row_fits(row, q, reason))
                        return row->hint;
        return NULL;
}

/* The i-th hint of the table; NULL beyond the last. For tests. */
const char *hint_nth(size_t i) {
        const HintRow *row = hint_rows;

        while (row->hint && i-- > 0)
                row++;
        return row->hint;
}
