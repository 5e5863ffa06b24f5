/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <syslog.h>

#include "base/macro.h"

/* Library code logs at debug level only; what a user must know travels in return values. */

/* A field beside the message of a log line, as the journal has them: "MSREADY_GATE", "dns". */
typedef struct LogField {
        const char *name;
        const char *value;
} LogField;

/* Where lines go: stderr until a program sets another. fields ends with a NULL name, and may be NULL. */
typedef void (*LogSink)(int level, const LogField *fields, const char *message);

void log_set_sink(LogSink sink);
void log_set_max_level(int level);
int log_level_from_string(const char *s);
void log_full(int level, const LogField *fields, const char *format, ...) _printf_(3, 4);

#define log_debug(...) log_full(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...) log_full(LOG_INFO, NULL, __VA_ARGS__)
#define log_notice(...) log_full(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, NULL, __VA_ARGS__)
#define log_error(...) log_full(LOG_ERR, NULL, __VA_ARGS__)
