/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The names that the API server takes. */

/* The greatest length of the name of an object, and of a pattern for it. */
#define KUBE_NAME_MAX 253

/* What kube_name_is_valid() and kube_namespace_is_valid() take, in words. */
#define KUBE_NAME_WORDS "a-z, 0-9, inner dashes and dots, 253 at most"
#define KUBE_NAMESPACE_WORDS "a-z, 0-9 and inner dashes, 63 at most"

bool kube_name_is_valid(const char *s);
bool kube_name_is_path_segment(const char *s);
bool kube_name_pattern_is_valid(const char *s);
bool kube_namespace_is_valid(const char *s);
bool kube_group_is_valid(const char *s, size_t n);
bool kube_word_is_valid(const char *s, size_t n);
bool kube_label_key_is_valid(const char *s, size_t n);
bool kube_label_value_is_valid(const char *s, size_t n);
