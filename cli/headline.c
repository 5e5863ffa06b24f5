/* SPDX-License-Identifier: Apache-2.0 */

/* The line that says whether the cluster is usable. A cluster is also called ready while gates that were ready live on
 * their grace or their hold: the line says so, and which of them ends first. */

#include "headline.h"

#include "base/string-util.h"

/* Puts the state of a gate or of the verdict, behind its name, and for how long: "has been waiting for 9min", "was
 * ready, lost 2s ago". since: the time of day since when, which is put as well; or NULL. */
void headline_put_state(Output *out, const JsonValue *gate_or_verdict, const char *since, usec_t now) {
        const char *name = jv_get_string(gate_or_verdict, "state") ?: "unknown";
        GateState state = get_state(gate_or_verdict);
        usec_t age = usec_sub(now, get_usec(gate_or_verdict, "changedBoottimeUSec"));
        bool is_past = state == GATE_LOST || state == GATE_UNKNOWN,
             is_bare = !is_past && (age < USEC_PER_SEC || state == GATE_DISABLED);
        char span[TIMESPAN_MAX];

        out_put(out, is_past ? " was ready, " : is_bare && !since ? " is " : " has been ");
        out_styled(out, state_style(state), name);
        if (state == GATE_LOST && age < USEC_PER_SEC)
                out_put(out, " just now");
        else if (!is_bare)
                out_printf(out, state == GATE_LOST ? " %s ago" : " for %s", span_to_words(span, age));
        if (since)
                out_printf(out,
                           state == GATE_LOST ? ", at %s"
                           : is_bare          ? " since %s"
                                              : ", since %s",
                           since);
}

/* When the gate's clock ends; one without a clock does never. */
static usec_t clock_end(const JsonValue *gate) {
        return jv_get_usec(gate, "clockEndsBoottimeUSec", USEC_INFINITY);
}

/* Of the required gates that are ready without evidence for it, the one that ceases to be so first; NULL: there is
 * none. *ret_n: how many there are. */
static const JsonValue *find_doubt(const Snapshot *s, size_t *ret_n) {
        const JsonValue *first = NULL;

        *ret_n = 0;
        for (size_t i = 0; i < s->n_gates; i++) {
                const JsonValue *gate = s->gates[i];

                if (!jv_get_bool(gate, "required", false) || gate_rests_on(gate) == RESTS_ON_EVIDENCE)
                        continue;
                (*ret_n)++;
                if (!first || clock_end(gate) < clock_end(first))
                        first = gate;
        }
        return first;
}

/* Puts " is ready, in doubt for 12s: ApiUnreachable (unknown in 4min 48s)". Names the gate where it is the only one,
 * and where its checks fail. */
static void put_doubt(Output *out, const JsonValue *gate, bool alone, usec_t now) {
        GateRest rest = gate_rests_on(gate);
        bool fails = rest == RESTS_ON_HOLD;
        const char *reason = jv_get_string(first_blocker(gate), "reason"),
                   *since = fails ? "failingSinceBoottimeUSec" : "doubtSinceBoottimeUSec";
        char span[TIMESPAN_MAX];

        out_put(out, " is ");
        out_styled(out, STYLE_GOOD, "ready");
        out_put(out, ", ");
        if (alone || fails) {
                out_text(out, jv_get_string(gate, "name"));
                out_put(out, " ");
        }
        out_styled(out, fails ? STYLE_BAD : STYLE_DOUBT, gate_rest_to_string(rest));
        if (jv_get(gate, since))
                out_printf(out, " for %s", span_to_words(span, usec_sub(now, get_usec(gate, since))));
        if (reason) {
                out_put(out, ": ");
                out_text(out, reason);
        }
        if (clock_end(gate) != USEC_INFINITY)
                out_printf(out, " (%s in %s)", fails ? "lost" : "unknown",
                           span_to_words(span, usec_sub(clock_end(gate), now)));
}

/* Why it is in doubt that the cluster is ready, without an age: "in doubt: ApiUnreachable". *ret is the caller's, NULL
 * where there is evidence for each required gate, or the cluster is not ready. -ENOMEM. */
int headline_doubt_to_string(const Snapshot *s, char **ret) {
        size_t n;
        const JsonValue *gate = get_state(s->verdict) == GATE_READY ? find_doubt(s, &n) : NULL;
        bool fails = gate && gate_rests_on(gate) == RESTS_ON_HOLD, named = gate && (fails || n == 1);
        const char *reason = jv_get_string(first_blocker(gate), "reason");
        char *text;
        int r;

        *ret = NULL;
        if (!gate)
                return 0;
        r = asprintf_ret(&text, "%s%s%s%s%s", named ? strempty(jv_get_string(gate, "name")) : "",
                         named ? " " : "", gate_rest_to_string(gate_rests_on(gate)), reason ? ": " : "",
                         strempty(reason));
        if (r >= 0)
                *ret = strip_control(text);
        return r;
}

/* Puts the line. now is on the daemon's CLOCK_BOOTTIME. */
void headline_put(Output *out, const Snapshot *s, usec_t now) {
        GateState state = get_state(s->verdict);
        usec_t typical = get_usec(s->verdict, "typicalReadyUSec");
        size_t n = 0;
        const JsonValue *doubt = state == GATE_READY ? find_doubt(s, &n) : NULL;
        Style style = !doubt                                   ? state_style(state)
                      : gate_rests_on(doubt) == RESTS_ON_GRACE ? STYLE_DOUBT
                                                               : STYLE_BAD;
        char span[TIMESPAN_MAX];

        out_styled(out, style, out_symbol(out, "\xe2\x97\x8f", "*"));
        out_put(out, " cluster");
        if (doubt) {
                put_doubt(out, doubt, n == 1, now);
                out_put(out, "\n");
                return;
        }
        headline_put_state(out, s->verdict, format_clock(span, get_usec(s->verdict, "changedRealtimeUSec")),
                           now);
        if (state == GATE_WAITING && typical > 0)
                out_printf(out, " (usually ready %s after boot)", format_timespan(span, typical));
        out_put(out, "\n");
}
