/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/board.h"

int board_demand(const Board *b, const World *w, DemandCallback callback, void *userdata);
