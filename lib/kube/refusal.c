/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/refusal.h"

#include "base/limits.h"
#include "base/string-util.h"
#include "json/json.h"

/* Ceiling on a Retry-After, which a server may make up. */
#define RETRY_AFTER_MAX (10 * USEC_PER_MINUTE)

/* One line of what the server said, bounded; NULL if it is empty, or if memory runs out. */
static char *one_line(const char *text, size_t size) {
        char *line = strndup(text, MIN(size, (size_t) LIMIT_MESSAGE * 4));

        if (!line)
                return NULL;
        strip_control(line);
        line[utf8_truncate(line, LIMIT_MESSAGE)] = '\0';
        return line[0] ? line : mfree(line);
}

static char *copy_line(const char *text) {
        return text ? one_line(text, strlen(text)) : NULL;
}

static bool has_cause(const JsonValue *details, const char *reason) {
        JSON_FOREACH(cause, jv_get(details, "causes"))
                if (streq_ptr(jv_get_string(cause, "reason"), reason))
                        return true;
        return false;
}

static void read_status(KubeRefusal *r, const JsonValue *status) {
        const JsonValue *details = jv_get(status, "details");
        int64_t code = jv_get_int(status, "code", 0), seconds = jv_get_int(details, "retryAfterSeconds", 0);

        if (code >= 100 && code <= 599)
                r->code = (unsigned) code;
        r->reason = copy_line(jv_get_string(status, "reason"));
        r->message = copy_line(jv_get_string(status, "message"));
        if (seconds > 0 && seconds <= (int64_t) (RETRY_AFTER_MAX / USEC_PER_SEC))
                r->retry_after = MAX(r->retry_after, (usec_t) seconds * USEC_PER_SEC);

        /* The cause is documented; older servers have the text alone. */
        r->too_large = has_cause(details, "ResourceVersionTooLarge") ||
                       (r->message && strcasestr(r->message, "too large resource version"));
}

/* code: of the HTTP answer, 0 for an ERROR in a stream, whose Status has a code of its own. retry_after: of
 * the header, a time span, 0 or USEC_INFINITY if it has none. The body may be anything. If memory runs out,
 * texts are missing. */
void kube_refusal_read(KubeRefusal *r, unsigned code, usec_t retry_after, const char *body, size_t size) {
        _cleanup_(jv_freep) JsonValue *json = NULL;

        *r = (KubeRefusal){ .code = code };
        if (retry_after != USEC_INFINITY)
                r->retry_after = MIN(retry_after, RETRY_AFTER_MAX);

        if (size > 0 && jv_parse(body, size, &json) >= 0 && jv_is_object(json))
                read_status(r, json);
        else if (size > 0)
                r->message = one_line(body, size);
        if (code != 0)
                r->code = code;

        r->expired = r->code == 410 || streq_ptr(r->reason, "Expired") || streq_ptr(r->reason, "Gone");
}

void kube_refusal_done(KubeRefusal *r) {
        free(r->reason);
        free(r->message);
        *r = KUBE_REFUSAL_NULL;
}
