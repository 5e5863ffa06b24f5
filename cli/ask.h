/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/builder.h"
#include "options.h"
#include "output.h"
#include "varlink/client.h"

#define READINESS "io.msready.Readiness."

/* How long the daemon may take for its first reply. */
#define REPLY_USEC (5 * USEC_PER_SEC)

int ask(const Options *options, const char *method, const JsonValue *parameters, VlReply *ret);
int ask_gates_parameter(char *const *gates, JsonValue **ret);
int tell_unreachable(const Options *options, int error);
int tell_error(const Options *options, const VlReply *reply);
int print_reply(const Options *options, const JsonValue *parameters);
int print_reply_of(const Options *options, const JsonValue *parameters, const char *list,
                   bool (*is_wanted)(const Options *options, const JsonValue *item));
