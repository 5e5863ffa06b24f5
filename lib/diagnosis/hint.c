/* SPDX-License-Identifier: Apache-2.0 */

/* What to do about a blocker. A hint is one sentence that says what to look at or what to run, and is true for
 * MicroShift on RHEL. If no row of the table matches there is no hint; the cluster's own words are shown in any
 * case. */

#include "diagnosis/hint-internal.h"

#include <strings.h>

#include "diagnosis/words.h"

/* Whether the host of a URL, of that length, is this host whatever its name is. */
static bool is_loopback(const char *host, size_t length) {
        static const char *const names[] = { "localhost", "localhost.", "[::1]", "0.0.0.0", "[::]" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strlen(names[i]) == length && strncasecmp(host, names[i], length) == 0)
                        return true;
        return length > 4 && startswith(host, "127.") && strspn(host, "0123456789.") == length;
}

/* Whether no router answers at the URL: it names this host by a loopback address, or by the host's name and a port
 * that is not the router's. */
static bool is_local_url(const char *url, const char *host_name) {
        const char *host = url ? strstr(url, "://") : NULL, *port;
        size_t length;

        if (!host)
                return false;
        host += strlen("://");
        length = *host == '[' ? strcspn(host, "]/") + 1 : strcspn(host, ":/?#");
        if (is_loopback(host, length))
                return true;
        if (isempty(host_name) || strlen(host_name) != length || strncasecmp(host, host_name, length) != 0)
                return false;
        port = host + length;
        length = strcspn(port, "/?#");
        return length > 1 && !(length == 3 && startswith(port, ":80")) &&
               !(length == 4 && startswith(port, ":443"));
}

static bool words_fit(const HintRow *row, const char *reason, const char *message) {
        return (!row->reasons || (reason && word_is_among(row->reasons, reason))) &&
               (!row->texts || text_has_any(message, row->texts));
}

/* The status and the event are matched separately: the reason of one says nothing about the text of the
 * other. */
static bool row_fits(const HintRow *row, const HintQuery *q, const char *reason) {
        if (!words_fit(row, reason, q->message) && !words_fit(row, q->event_reason, q->event_message))
                return false;
        if (row->kind && !streq_ptr(row->kind, q->kind))
                return false;
        if (row->is_local && !is_local_url(q->name, q->host_name))
                return false;
        if (row->namespace && !(q->namespace && startswith(q->namespace, row->namespace)))
                return false;
        return row->pull_always <= q->pull_always && row->vendor <= q->vendor && row->overdue <= q->overdue;
}

/* The hint for a blocker: a constant text, or NULL if there is none. */
const char *hint_for(const HintQuery *q) {
        const char *reason = strempty(q->reason);

        reason = startswith(reason, "Init:") ?: reason;
        for (const HintRow *row = hint_rows; row->hint; row++)
                if (row_fits(row, q, reason))
                        return row->hint;
        return NULL;
}

/* The i-th hint of the table; NULL beyond the last. For tests. */
const char *hint_nth(size_t i) {
        const HintRow *row = hint_rows;

        while (row->hint && i-- > 0)
                row++;
        return row->hint;
}
