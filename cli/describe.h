/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"
#include "snapshot.h"

int describe(const Options *options, char *const *gates, VlReply *ret_reply, Snapshot *ret);
