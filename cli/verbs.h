/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "options.h"

/* The verbs, each in the file of its name. */
int verb_help(const Options *options);
int verb_status(const Options *options);
int verb_version(const Options *options);
int verb_wait(const Options *options);
