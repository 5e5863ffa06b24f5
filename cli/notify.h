/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

int notify_systemd(const char *state);
int notify_status(const char *status);
