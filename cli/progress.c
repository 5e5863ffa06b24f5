/* SPDX-License-Identifier: Apache-2.0 */

#include "progress.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "headline.h"
#include "notify.h"

void progress_done(Progress *p) {
        p->said = strv_free(p->said);
        p->status = mfree(p->status);
}

static bool names_gates(const Progress *p) {
        return p->gates && *p->gates;
}

/* Whether the gate is one of those that are waited for. */
bool progress_counts(const Progress *p, const JsonValue *gate) {
        if (names_gates(p))
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

/* Finds the last line printed for the gate that this line is about: both begin with its name. */
static char **find_said(const Progress *p, const char *line) {
        size_t n = (size_t) (strchrnul(line, ':') - line) + 1;

        STRV_FOREACH(s, p->said)
                if (strncmp(*s, line, n) == 0)
                        return (char **) s;
        return NULL;
}

/* Prints "dns: waiting, Pod openshift-dns/dns-default-x: ImagePullBackOff" for a gate, or the verdict, if it differs
 * from the last line of that name. why may be NULL. */
static void say_state(Progress *p, const char *name, const JsonValue *gate, const char *why, Output *out) {
        _cleanup_free_ char *line = NULL;
        char **said;
        int r;

        r = asprintf_ret(&line, "%s: %s%s%s", strempty(name), strempty(jv_get_string(gate, "state")),
                         why ? ", " : "", strempty(why));
        if (r < 0) {
                out_fail(out, r);
                return;
        }
        said = find_said(p, strip_control(line));
        if (said && streq(*said, line))
                return;
        out_printf(out, "%s\n", line);
        if (said) {
                free(*said);
                *said = TAKE_PTR(line);
        } else
                out_fail(out, strv_consume(&p->said, TAKE_PTR(line)));
}

/* What blocks the gate, "Pod openshift-dns/dns-default-x: ImagePullBackOff"; of one that is ready all the same with
 * the headline's words for that in front. *ret is the caller's; NULL where nothing blocks. */
static int gate_why(const JsonValue *gate, char **ret) {
        const char *rest = gate_rest_to_string(gate_rests_on(gate));
        const JsonValue *blocker = first_blocker(gate);
        _cleanup_free_ char *text = NULL;
        int r;

        r = blocker ? blocker_to_string(blocker, &text) : 0;
        return r < 0 || !text ? r : asprintf_ret(ret, "%s%s%s", strempty(rest), rest ? ": " : "", text);
}

/* Prints a line for each gate that counts and whose line has changed, once the daemon has asked; where all count, also
 * for the verdict, under a name that no gate can have. */
void progress_lines(Progress *p, const Snapshot *s, Output *out) {
        _cleanup_free_ char *doubt = NULL;

        if (p->all && s->verdict) {
                out_fail(out, headline_doubt_to_string(s, &doubt));
                say_state(p, "cluster", s->verdict, doubt, out);
        }
        for (size_t i = 0; i < s->n_gates; i++) {
                _cleanup_free_ char *why = NULL;

                if (!progress_counts(p, s->gates[i]) || gate_is_unasked(s->gates[i]))
                        continue;
                out_fail(out, gate_why(s->gates[i], &why));
                say_state(p, jv_get_string(s->gates[i], "name"), s->gates[i], why, out);
        }
}

/* Sends systemd the progress and the first blocker as STATUS=, if that is new. It names the time of day since when,
 * for an age would be wrong a minute later. Does nothing where systemd did not start us. -ENOMEM. */
int progress_status(Progress *p, const Snapshot *s) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(64));
        const JsonValue *shut = NULL, *blocker;
        _cleanup_free_ const JsonValue **gates = NULL;
        _cleanup_free_ char *why = NULL;
        int r;

        if (isempty(getenv("NOTIFY_SOCKET")))
                return 0;
        gates = snapshot_by_cause(s, names_gates(p));
        if (!gates)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_gates && !shut; i++)
                if (progress_counts(p, gates[i]) && get_state(gates[i]) != GATE_READY &&
                    first_blocker(gates[i]) && !gate_is_unasked(gates[i]))
                        shut = gates[i];
        blocker = first_blocker(shut);
        progress_summary(p, s, &b);
        if (blocker) {
                usec_t age = usec_sub(snapshot_now(s), get_usec(blocker, "sinceBoottimeUSec"));
                char clock[TIMESPAN_MAX];

                r = blocker_to_string(blocker, &why);
                if (r < 0)
                        return r;
                (void) buffer_printf(&b, "; %s: %s since %s", strempty(jv_get_string(shut, "name")), why,
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
        (void) notify_status("msreadyd is unreachable, waiting for it");
        p->status = mfree(p->status);
}

/* The gate to tell of first where something is waited for: the first cause that has a blocker, else the first that is
 * not ready; NULL if all that count are. */
static const JsonValue *find_cause_gate(const Progress *p, const JsonValue *const *gates, size_t n) {
        const JsonValue *found = NULL;

        for (size_t i = 0; i < n; i++) {
                if (!progress_counts(p, gates[i]) || get_state(gates[i]) == GATE_READY)
                        continue;
                if (first_blocker(gates[i]))
                        return gates[i];
                found = found ?: gates[i];
        }
        return found;
}

/* Puts ": dns is waiting: Pod openshift-dns/dns-default-x: ImagePullBackOff", and below it the cluster's words, the
 * hint and, for what is not told here, the command that tells it. */
void progress_cause(const Progress *p, const Snapshot *s, Output *out) {
        _cleanup_free_ const JsonValue **gates = snapshot_by_cause(s, names_gates(p));
        const JsonValue *gate = gates ? find_cause_gate(p, gates, s->n_gates) : NULL;
        const JsonValue *blocker = first_blocker(gate);
        const char *reason = gate ? NULL : jv_get_string(s->verdict, "reason");
        _cleanup_free_ char *why = NULL;

        out_put(out, ": ");
        out_text(out, gate ? jv_get_string(gate, "name") : "cluster");
        out_put(out, " is ");
        out_text(out, jv_get_string(gate ?: s->verdict, "state") ?: "unknown");
        if (blocker)
                out_fail(out, blocker_to_string(blocker, &why));
        if (why || reason) {
                out_put(out, ": ");
                out_text(out, why ?: reason);
        }
        out_put(out, "\n");
        if (blocker)
                render_blocker_words(out, blocker, 2);
        out_put(out, "Run: msready explain");
        for (char *const *name = p->gates; name && *name; name++) {
                out_put(out, " ");
                out_text(out, *name);
        }
        out_put(out, "\n");
}

/* Puts a line for each gate that counts and is blocked, with its first blocker, and below it the message, once for
 * gates with the same one; the cause of the verdict first. now is boottime of the daemon. */
void progress_blockers(const Progress *p, const Snapshot *s, usec_t now, Output *out) {
        _cleanup_free_ const JsonValue **gates = snapshot_by_cause(s, names_gates(p));
        const char *said = NULL;

        if (!gates)
                out_fail(out, -ENOMEM);
        for (size_t i = 0; gates && i < s->n_gates; i++) {
                const JsonValue *gate = gates[i], *blocker = first_blocker(gate);
                const char *message = jv_get_string(blocker, "message");

                if (!blocker || !progress_counts(p, gate))
                        continue;
                render_blocker_line(out, 2, jv_get_string(gate, "name"), blocker, now);
                if (message && !streq_ptr(message, said)) {
                        out_put(out, "    ");
                        out_styled(out, STYLE_DIM, message);
                        out_put(out, "\n");
                }
                said = message;
        }
}
