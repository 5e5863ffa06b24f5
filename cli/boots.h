/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"

int ask_timeline(const Options *options, bool *ret_is_this_boot, VlReply *ret);
