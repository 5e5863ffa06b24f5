/* SPDX-License-Identifier: Apache-2.0 */

/* Log lines go to the journal with their fields where stderr is the journal's (systemd says so in
 * $JOURNAL_STREAM), else to stderr as plain lines. Text from the cluster cannot begin a line of its own. */

#include "log-sink.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/log.h"
#include "base/string-util.h"

#define FIELDS_MAX 16

static bool stderr_is_journal(void) {
        const char *value = getenv("JOURNAL_STREAM");
        _cleanup_free_ char *expected = NULL;
        struct stat st;

        if (!value || fstat(STDERR_FILENO, &st) < 0 ||
            asprintf_ret(&expected, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino) < 0)
                return false;
        return streq(value, expected);
}

static int add(struct iovec *v, const char *name, const char *value) {
        char *line;
        int r;

        r = asprintf_ret(&line, "%s=%s", name, value);
        if (r < 0)
                return r;
        strip_control(line);
        *v = (struct iovec){ .iov_base = line, .iov_len = strlen(line) };
        return 0;
}

static void to_journal(int level, const LogField *fields, const char *message) {
        struct iovec v[FIELDS_MAX + 3];
        char priority[2] = { (char) ('0' + level), '\0' };
        int n = 0;

        if (add(&v[n], "MESSAGE", message) >= 0)
                n++;
        if (add(&v[n], "PRIORITY", priority) >= 0)
                n++;
        if (add(&v[n], "SYSLOG_IDENTIFIER", "msreadyd") >= 0)
                n++;
        for (const LogField *f = fields; f && f->name && n < FIELDS_MAX + 3; f++)
                if (f->value && add(&v[n], f->name, f->value) >= 0)
                        n++;

        (void) sd_journal_sendv(v, n);
        while (n > 0)
                free(v[--n].iov_base);
}

static void to_stderr(int level, const LogField *fields, const char *message) {
        _cleanup_free_ char *line = strdup(message);

        if (line)
                fprintf(stderr, "%s\n", strip_control(line));
}

void log_sink_init(void) {
        log_set_sink(stderr_is_journal() ? to_journal : to_stderr);
}
