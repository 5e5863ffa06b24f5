/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/readiness.h"

/* One line per transition, with structured fields. */

void publish_journal_gate(const Gate *gate, GateState before);
void publish_journal_verdict(const Readiness *readiness, GateState before);
