/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "errors.h"
#include "json/builder.h"

/* How long the daemon may take for its first reply. */
#define REPLY_USEC (5 * USEC_PER_SEC)

int try_to_ask(const Options *options, const char *method, const JsonValue *parameters, VlReply *ret);
int ask(const Options *options, const char *method, const JsonValue *parameters, VlReply *ret);
int ask_with(const Options *options, const char *method, JsonBuilder *parameters, VlReply *ret);
int ask_gates_parameter(char *const *gates, JsonValue **ret);
