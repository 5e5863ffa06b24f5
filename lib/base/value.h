/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

/* Values of configuration files. */

/* Reasons to refuse what others do not take literally. */
#define VALUE_QUOTED "msready takes quotes as part of the value: write it without"
#define VALUE_COMMENTED "msready takes all of the line as the value: write the comment on a line of its own"
#define VALUE_SPECIFIER "msready does not expand specifiers such as %H: write what is meant"

int value_refuse(const char **why, const char *text);
const char *value_shown(const char *value);
const char *value_explain(const char *value, const char *why);
bool value_is_quoted(const char *value);
bool value_has_comment(const char *value);
bool value_has_specifier(const char *value);
bool value_is_printable(const char *value);
bool value_is_plain(const char *value);
int value_set_text(char **p, const char *value);
const char *value_path_fault(const char *value);
int value_set_path(char **p, const char *value, const char **why);
int value_set_timespan(usec_t *p, const char *value, usec_t otherwise, const char **why);
