/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "gates/gate-state.h"
#include "json/json.h"

/* The verdict and the gates as the daemon told them last: a reply of Describe, or the sum of replies of Monitor. */

typedef struct Snapshot {
        JsonValue *verdict;
        JsonValue **gates;
        size_t n_gates;
        usec_t told; /* nowBoottimeUSec of the verdict, */
        usec_t came; /* and now_boottime() when it came */
} Snapshot;

/* What a gate that is ready rests on: that its checks pass, or for a while that they did. */
typedef enum GateRest {
        RESTS_ON_EVIDENCE, /* also a gate that is not ready */
        RESTS_ON_GRACE,    /* there is no evidence now */
        RESTS_ON_HOLD,     /* its checks fail now */
} GateRest;

void snapshot_done(Snapshot *s);
int snapshot_update(Snapshot *s, const JsonValue *parameters);
int snapshot_to_json(const Snapshot *s, JsonValue **ret);
usec_t snapshot_now(const Snapshot *s);
bool snapshot_awaits_answer(const Snapshot *s);
const JsonValue *snapshot_find(const Snapshot *s, const char *name);
const JsonValue **snapshot_by_cause(const Snapshot *s, bool named);

GateState get_state(const JsonValue *gate_or_verdict);
usec_t get_usec(const JsonValue *object, const char *key);
const JsonValue *first_blocker(const JsonValue *gate);
bool gate_is_invalid(const JsonValue *gate);
bool reason_is_no_answer(const char *reason);
bool gate_is_unasked(const JsonValue *gate);
GateRest gate_rests_on(const JsonValue *gate);
const char *gate_rest_to_string(GateRest rest);
int object_to_string(const JsonValue *object, char **ret);
int blocker_to_string(const JsonValue *blocker, char **ret);
int blocker_to_short_string(const JsonValue *blocker, char **ret);
