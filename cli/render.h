/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "output.h"
#include "snapshot.h"

/* A snapshot as people read it. now is on the daemon's CLOCK_BOOTTIME, as its stamps are. */

void render_verdict(Output *out, const Snapshot *s, usec_t now);
int render_gates(Output *out, const Snapshot *s, usec_t now, const Options *options);
int render_blockers(Output *out, const Snapshot *s, usec_t now, bool all);
int render_blocker_line(Output *out, const JsonValue *blocker, usec_t now);
bool is_same_cause(const JsonValue *a, const JsonValue *b);
Style state_style(GateState state);
char *age_to_string(char buf[static TIMESPAN_MAX], usec_t now, usec_t then);
