/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/builder.h"
#include "ready/readiness.h"

/* The types of io.msready.Readiness as JSON: a member of this name, or an element where key is NULL. */

void vj_verdict(JsonBuilder *b, const char *key, const Readiness *readiness);
void vj_gate(JsonBuilder *b, const char *key, const Gate *g, Instant now);
void vj_objects(JsonBuilder *b, const char *key, const Readiness *readiness, const char *gate);
void vj_definition(JsonBuilder *b, const char *key, const Gate *g);
