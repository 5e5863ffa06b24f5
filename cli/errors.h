/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "options.h"
#include "varlink/client.h"

#define READINESS "io.msready.Readiness."

/* Each tells the user, and returns the exit status. */
int tell_unreachable(const Options *options, int error);
int tell_error(const Options *options, const VlReply *reply);
