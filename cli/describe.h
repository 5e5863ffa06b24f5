/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"
#include "snapshot.h"

int describe(const Options *options, char *const *gates, VlReply *ret_reply, Snapshot *ret);
int ask_causes(const Options *options, const Snapshot *s, VlReply *ret);
const JsonValue *find_definition(const JsonValue *definitions, const char *name);
const char *find_cause(const JsonValue *definitions, const char *name);
int exit_status(const Snapshot *s, char *const *named);
