/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "diagnosis/hint.h"

typedef struct HintRow {
        const char *reasons; /* separated by blanks; NULL: any */
        const char *texts;   /* separated by '|'; each in pieces with '*' between; case does not count; NULL:
                                any */
        const char *kind;    /* of the object; NULL: any */
        const char *namespace; /* how the namespace begins; NULL: any */
        bool is_local;         /* the object is a URL at this host, and not its router's */
        bool pull_always;
        bool vendor;
        bool overdue;
        const char *hint;
} HintRow;

extern const HintRow hint_rows[]; /* ends with a row without a hint */
