/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "output.h"
#include "snapshot.h"

/* The progress towards ready: for a terminal, for a log, for systemctl status. */

/* The last line printed for each gate, so that a line is printed only where it says something new. */
typedef struct Progress {
        char *const *gates; /* the gates that count; empty: the required ones, */
        bool all;           /* or all */
        char **said;        /* "NAME: …" */
        char *status;       /* the last STATUS= */
} Progress;

void progress_done(Progress *p);
bool progress_counts(const Progress *p, const JsonValue *gate);
void progress_summary(const Progress *p, const Snapshot *s, Buffer *b);
void progress_lines(Progress *p, const Snapshot *s, Output *out);
int progress_status(Progress *p, const Snapshot *s);
void progress_out_of_reach(Progress *p);
void progress_cause(const Progress *p, const Snapshot *s, Output *out);
void progress_blockers(const Progress *p, const Snapshot *s, usec_t now, Output *out);
