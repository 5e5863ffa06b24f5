/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/readiness.h"

/* The types of io.msready.Readiness as JSON. */

int vj_verdict(const Readiness *readiness, JsonValue **ret);
int vj_gate(const Gate *g, Instant now, JsonValue **ret);
int vj_objects(const Readiness *readiness, const char *gate, JsonValue **ret);
int vj_definition(const Gate *g, JsonValue **ret);
