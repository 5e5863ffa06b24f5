/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "manager.h"

/* One line per transition, with structured fields. */

void publish_journal_gate(const Manager *m, const Gate *gate, GateState before);
void publish_journal_verdict(const Manager *m, GateState before);
