/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot.h"
#include "table.h"

/* A snapshot as people read it. now is on the daemon's CLOCK_BOOTTIME, as its stamps are. */

void render_verdict(Output *out, const Snapshot *s, usec_t now);
void render_gates(Output *out, const Snapshot *s, usec_t now, const Options *options);
void render_blockers(Output *out, const Snapshot *s, usec_t now, bool named, bool all);
void render_object(Output *out, const JsonValue *object);
void render_blocker_line(Output *out, unsigned indent, const char *gate, const JsonValue *blocker,
                         usec_t now);
void render_blocker_words(Output *out, const JsonValue *blocker, unsigned indent);
void render_cause(Output *out, const JsonValue *definition, unsigned indent);
void render_blocker_cell(Table *t, unsigned column, const char *before, const JsonValue *blocker);
bool is_same_cause(const JsonValue *a, const JsonValue *b);
Style state_style(GateState state);
char *age_to_string(char buf[static TIMESPAN_MAX], usec_t now, usec_t then);
char *span_to_words(char buf[static TIMESPAN_MAX], usec_t span);
