/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

bool word_is_among(const char *words, const char *word);
bool text_has_any(const char *text, const char *patterns);
