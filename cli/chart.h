/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "json/json.h"
#include "snapshot.h"

/* A boot as rows of spans: each gate, followed by its objects. Strings are borrowed from the daemon's replies. */

typedef struct Span {
        usec_t begin; /* boottime */
        usec_t end;
        const char *state;
        const JsonValue *blocker;
} Span;

typedef struct Row {
        const char *gate; /* NULL: the verdict */
        char *name;
        const char *object; /* the object's name alone; NULL: the row is a gate's */
        Span *spans;
        size_t n_spans;
} Row;

typedef struct Chart {
        Row *rows;
        size_t n_rows;
        usec_t begin; /* of the picture: when PID 1 started, 0 where that is not known */
        usec_t end;
} Chart;

void chart_done(Chart *chart);
int chart_add_rows(Chart *chart, const Snapshot *s);
int chart_add_transitions(Chart *chart, const JsonValue *transitions, char *const *gates);
int chart_add_gates(Chart *chart, const Snapshot *s);
void chart_finish(Chart *chart, usec_t end);
