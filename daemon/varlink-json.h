/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "manager.h"

/* The types of io.msready.Readiness as JSON. */

int vj_verdict(const Manager *m, JsonValue **ret);
int vj_gate(const Gate *g, Instant now, JsonValue **ret);
int vj_objects(const Manager *m, const char *gate, JsonValue **ret);
int vj_definition(const Gate *g, JsonValue **ret);
