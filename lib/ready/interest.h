/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/scanner.h"
#include "ready/board.h"

bool board_wants(const Board *b, KubeKind kind, const KubeBrief *brief);
bool board_wants_other_nodes(const Board *b);
