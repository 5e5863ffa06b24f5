/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"

int ask_timeline(const Options *options, char **ret_boot_id, VlReply *ret);
