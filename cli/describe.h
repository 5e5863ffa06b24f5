/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ask.h"
#include "output.h"
#include "snapshot.h"

int describe(const Options *options, char *const *gates, VlReply *ret_reply, Snapshot *ret);
int describe_and_show(const Options *options, bool with_causes,
                      void (*put)(Output *out, const Options *options, const Snapshot *s,
                                  const JsonValue *definitions));
const JsonValue *find_definition(const JsonValue *definitions, const char *name);
int add_gate_names(const JsonValue *definitions, char ***ret);
