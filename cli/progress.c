/* SPDX-License-Identifier: Apache-2.0 */

#include "progress.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "notify.h"
#include "render.h"

void progress_done(Progress *p) {
        p->said = strv_free(p->said);
        p->status = mfree(p->status);
}

/* Whether the gate is one of those that are waited for. */
bool progress_counts(const Progress *p, const JsonValue *gate) {
        if (p->gates && *p->gates)
                return strv_contains(p->gates, strempty(jv_get_string(gate, "name")));
        return p->all || jv_get_bool(gate, "required", false);
}

/* Puts "3 of 4 gates ready, 12 of 14 containers". */
void progress_summary(const Progress *p, const Snapshot *s, Buffer *b) {
        int64_t containers = 0, ready_containers = 0;
        unsigned gates = 0, ready = 0;

        for (size_t i = 0; i < s->n_gates; i++) {
                const JsonValue *gate = s->gates[i];

                if (!progress_counts(p, gate))
                        continue;
                gates++;
                ready += get_state(gate) == GATE_READY;
                containers += jv_get_int(gate, "totalContainers", 0);
                ready_containers += jv_get_int(gate, "readyContainers", 0);
        }
        (void) buffer_printf(b, "%u of %u gates ready", ready, gates);
        if (containers > 0)
                (void) buffer_printf(b, ", %" PRIi64 " of %" PRIi64 " containers", ready_containers,
                                     containers);
}

/* "dns: waiting, Pod openshift-dns/dns-default-x: ImagePullBackOff", clean. */
static int gate_line(const JsonValue *gate, char **ret) {
        const JsonValue *blocker = first_blocker(gate);
        const char *name = strempty(jv_get_string(gate, "name")),
                   *state = strempty(jv_get_string(gate, "state"));
        _cleanup_free_ char *object = NULL;
        char *s;
        int r;

        if (!blocker)
                r = asprintf_ret(&s, "%s: %s", name, state);
        else {
                r = object_to_string(jv_get(blocker, "object"), &object);
                if (r < 0)
                        return r;
                r = asprintf_ret(&s, "%s: %s, %s: %s", name, state, object,
                                 strempty(jv_get_string(blocker, "reason")));
        }
        if (r < 0)
                return r;
        *ret = strip_control(s);
        return 0;
}

/* Finds the last line printed for the gate that this line is about: both begin with its name. */
static char **find_said(const Progress *p, const char *line) {
        size_t n = (size_t) (strchrnul(line, ':') - line) + 1;

        STRV_FOREACH(s, p->said)
                if (strncmp(*s, line, n) == 0)
                        return (char **) s;
        return NULL;
}

/* Prints the line if it differs from the last one for its gate. Takes line. */
static int say_line(Progress *p, char *line, Output *out) {
        char **said = find_said(p, line);

        if (said && streq(*said, line)) {
                free(line);
                return 0;
        }
        out_printf(out, "%s\n", line);
        if (!said)
                return strv_consume(&p->said, line);
        free(*said);
        *said = line;
        return 0;
}

/* Prints a line for each gate that counts and whose line has changed; where all count, also for the verdict, under
 * a name that no gate can have. -ENOMEM. */
int progress_lines(Progress *p, const Snapshot *s, Output *out) {
        char *line;
        int r;

        if (p->all && s->verdict) {
                r = asprintf_ret(&line, "cluster: %s", strempty(jv_get_string(s->verdict, "state")));
                if (r >= 0)
                        r = say_line(p, strip_control(line), out);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < s->n_gates; i++) {
                if (!progress_counts(p, s->gates[i]))
                        continue;
                r = gate_line(s->gates[i], &line);
                if (r >= 0)
                        r = say_line(p, line, out);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The first gate that counts and is shut. */
static const JsonValue *first_shut(const Progress *p, const Snapshot *s) {
        for (size_t i = 0; i < s->n_gates; i++)
                if (progress_counts(p, s->gates[i]) && first_blocker(s->gates[i]))
                        return s->gates[i];
        return NULL;
}

/* Sends systemd the progress and the first blocker as STATUS=, if that is new. It names the time of day since when,
 * for an age would be wrong a minute later. Does nothing where systemd did not start us. -ENOMEM. */
int progress_status(Progress *p, const Snapshot *s) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));
        const JsonValue *shut = first_shut(p, s), *blocker = first_blocker(shut);
        _cleanup_free_ char *object = NULL;
        int r;

        if (isempty(getenv("NOTIFY_SOCKET")))
                return 0;
        progress_summary(p, s, &b);
        if (blocker) {
                usec_t age = usec_sub(snapshot_now(s), get_usec(blocker, "sinceBoottimeUSec"));
                char clock[TIMESPAN_MAX];

                r = object_to_string(jv_get(blocker, "object"), &object);
                if (r < 0)
                        return r;
                (void) buffer_printf(&b, "; %s: %s: %s since %s", strempty(jv_get_string(shut, "name")),
                                     object, strempty(jv_get_string(blocker, "reason")),
                                     format_clock(clock, usec_sub(now_realtime(), age)));
        }
        r = free_and_strdup(&p->status, buffer_cstr(&b));
        if (r <= 0)
                return r;
        (void) notify_status(p->status);
        return 0;
}

/* Tells systemd that the daemon is out of reach. The next STATUS= is sent even where it equals the last one. */
void progress_out_of_reach(Progress *p) {
        (void) notify_status("msreadyd is out of reach, waiting for it");
        p->status = mfree(p->status);
}

/* Puts a line for each gate that counts and is shut, with its first blocker, and below it the message, once for
 * gates with the same one. now is boottime of the daemon. -ENOMEM. */
int progress_blockers(const Progress *p, const Snapshot *s, usec_t now, Output *out) {
        const char *said = NULL;

        for (size_t i = 0; i < s->n_gates; i++) {
                const JsonValue *gate = s->gates[i], *blocker = first_blocker(gate);
                const char *message = jv_get_string(blocker, "message");
                int r;

                if (!blocker || !progress_counts(p, gate))
                        continue;
                out_put(out, "  ");
                out_text(out, jv_get_string(gate, "name"));
                out_printf(out, " %s ", out_symbol(out, "\xe2\x86\x90", "<-"));
                r = render_blocker_line(out, blocker, now);
                if (r < 0)
                        return r;
                if (message && !streq_ptr(message, said)) {
                        out_put(out, "    ");
                        out_style(out, STYLE_DIM);
                        out_text(out, message);
                        out_style(out, STYLE_NONE);
                        out_put(out, "\n");
                }
                said = message;
        }
        return 0;
}
