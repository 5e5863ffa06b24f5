/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/board.h"

bool board_wants(const Board *b, KubeKind kind, const KubeBrief *brief);
bool board_wants_other_nodes(const Board *b);
bool board_wants_cgroups(const Board *b, const KubePod *pod);
