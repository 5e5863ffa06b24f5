/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

void log_sink_init(void);
