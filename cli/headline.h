/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "render.h"

void headline_put(Output *out, const Snapshot *s, usec_t now);
void headline_put_state(Output *out, const JsonValue *gate_or_verdict, const char *since, usec_t now);
int headline_doubt_to_string(const Snapshot *s, char **ret);
