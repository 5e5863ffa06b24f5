/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"

int parse_boolean(const char *s);
int parse_unsigned(const char *s, unsigned max, unsigned *ret);
int parse_uint64(const char *s, uint64_t *ret);
int parse_timespan(const char *s, usec_t *ret);
