/* SPDX-License-Identifier: Apache-2.0 */

#include "base/log.h"

#include <stdio.h>

#include "base/parse.h"

/* The one piece of state that belongs to the process and to no object. */
static LogSink sink;
static int max_level = LOG_INFO;

static const char *const levels[] = {
        [LOG_EMERG] = "emerg",     [LOG_ALERT] = "alert",   [LOG_CRIT] = "crit", [LOG_ERR] = "err",
        [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

void log_set_sink(LogSink s) {
        sink = s;
}

void log_set_max_level(int level) {
        assert(level >= LOG_EMERG && level <= LOG_DEBUG);
        max_level = level;
}

/* "info", or its number. -EINVAL for what is neither. */
int log_level_from_string(const char *s) {
        unsigned n;

        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (streq(levels[i], s))
                        return (int) i;
        return parse_unsigned(s, LOG_DEBUG, &n) < 0 ? -EINVAL : (int) n;
}

/* Logs one line if its level is wanted. errno is kept. */
void log_full(int level, const LogField *fields, const char *format, ...) {
        int saved = errno;
        char message[2048];
        va_list ap;

        if (level > max_level)
                return;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        if (sink)
                sink(level, fields, message);
        else
                fprintf(stderr, "%s\n", message);
        errno = saved;
}
