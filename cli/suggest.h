/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <getopt.h>

#include "options.h"

int tell_unknown_verb(const Options *options, const char *word);
int tell_unknown_option(const char *word, const struct option *options);
char *find_near_gate(const Options *options, const char *name);
int tell_no_such_gate(const Options *options, const char *gate);
