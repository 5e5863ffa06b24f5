/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* of UTF-8 */

int free_and_strdup(char **p, const char *s);
int set_string(char **p, const char *s);
int asprintf_ret(char **ret, const char *format, ...) _printf_(2, 3);
bool utf8_is_valid(const char *s, size_t size);
size_t utf8_truncate(const char *s, size_t max);
const char *utf8_end(const char *s, size_t max);
char *strip_control(char *s);
char *strstrip(char *s);
bool hex_equal_ignoring_dashes(const char *a, const char *b);
bool glob_matches(const char *pattern, const char *s);
void erase_and_free(char *s);
