/* SPDX-License-Identifier: Apache-2.0 */

#include "render.h"

#include <stdio.h>

#include "base/string-util.h"
#include "headline.h"

static const Style styles[_GATE_STATE_MAX] = {
        [GATE_WAITING] = STYLE_WAIT,  [GATE_READY] = STYLE_GOOD,   [GATE_LOST] = STYLE_BAD,
        [GATE_UNKNOWN] = STYLE_DOUBT, [GATE_DISABLED] = STYLE_DIM,
};

/* The style of a state; none for one that this client does not know. */
Style state_style(GateState state) {
        assert(state < _GATE_STATE_MAX);

        return state >= 0 ? styles[state] : STYLE_NONE;
}

/* How long before now `then` was, for a cell of a table: "12s", "<1s". A stamp that lies ahead counts as now. */
char *age_to_string(char buf[static TIMESPAN_MAX], usec_t now, usec_t then) {
        usec_t age = usec_sub(now, then);

        if (age >= USEC_PER_SEC)
                return format_timespan(buf, age);
        snprintf(buf, TIMESPAN_MAX, "<1s");
        return buf;
}

/* A time span in a sentence: "for 12s", "for less than a second". Returns buf. */
char *span_to_words(char buf[static TIMESPAN_MAX], usec_t span) {
        if (span >= USEC_PER_SEC)
                return format_timespan(buf, span);
        snprintf(buf, TIMESPAN_MAX, "less than a second");
        return buf;
}

/* Puts the verdict in a line, and the node, the server and its version in another. */
void render_verdict(Output *out, const Snapshot *s, usec_t now) {
        const char *node = jv_get_string(s->verdict, "node"), *server = jv_get_string(s->verdict, "server"),
                   *version = jv_get_string(s->verdict, "serverVersion"),
                   *reason = jv_get_string(s->verdict, "reason");
        size_t from = out->text.size;

        headline_put(out, s, now);
        if (node || server || version) {
                out_style(out, STYLE_DIM);
                out_put(out, " ");
                if (node) {
                        out_put(out, " node ");
                        out_text(out, node);
                }
                if (server) {
                        out_put(out, node ? ", server " : " server ");
                        out_text(out, server);
                }
                if (version) {
                        out_put(out, node || server ? ", Kubernetes " : " Kubernetes ");
                        out_text(out, version);
                }
                out_style(out, STYLE_NONE);
                out_put(out, "\n");
        }
        if (reason) {
                out_put(out, "  ");
                out_text(out, reason);
                if (streq(reason, "NothingRequired"))
                        out_put(out, ": no gate is required, see Require= in msready.conf(5)");
                out_put(out, "\n");
        }
        out_fold(out, from, 2);
}

enum {
        COLUMN_GATE,
        COLUMN_STATE,
        COLUMN_STATE_SHORT,
        COLUMN_FOR,
        COLUMN_OBJECTS,
        COLUMN_REQUIRED,
        COLUMN_BLOCKER,
        COLUMN_BLOCKER_SHORT,
};

static const Column gate_columns[] = {
        { "GATE", .keep = 20 },
        { "STATE", .hide = 5 },
        { "STATE", .narrower = true },
        { "FOR", .hide = 4 },
        { "OBJECTS", .hide = 3 },
        { "REQUIRED", .hide = 2 },
        { "BLOCKED BY", .hide = 1 },
        { "BLOCKED BY", .narrower = true, .keep = 52 },
        {},
};

/* Sets a cell to "Pod openshift-dns/dns-default-x: ImagePullBackOff", and that of the next column, its narrower form,
 * to "dns-default-x: ImagePullBackOff", each after `before`. */
void render_blocker_cell(Table *t, unsigned column, const char *before, const JsonValue *blocker) {
        _cleanup_free_ char *s = NULL, *narrower = NULL;

        out_fail(t->out, blocker_to_string(blocker, &s));
        out_fail(t->out, blocker_to_short_string(blocker, &narrower));
        table_cellf(t, column, STYLE_NONE, "%s%s", before, strempty(s));
        table_cellf(t, column + 1, STYLE_NONE, "%s%s", before, strempty(narrower));
}

static void put_blocker_cell(Table *t, const JsonValue *gate) {
        const JsonValue *blocker = first_blocker(gate);
        const char *whose = jv_get_string(blocker, "gate");

        if (whose && !streq_ptr(whose, jv_get_string(gate, "name")))
                table_cellf(t, COLUMN_BLOCKER, STYLE_NONE, "gate %s", whose);
        else if (blocker)
                render_blocker_cell(t, COLUMN_BLOCKER, "", blocker);
}

/* "ready", and where a clock runs what follows: "ready (lost in 12s)". */
static void put_state_cell(Table *t, const JsonValue *gate, usec_t now) {
        static const struct {
                const char *clock, *becomes;
        } rows[] = { { "settle", "ready" }, { "hold", "lost" }, { "grace", "unknown" } };
        const char *state = jv_get_string(gate, "state"), *clock = jv_get_string(gate, "clock");
        Style style = state_style(get_state(gate));
        char span[TIMESPAN_MAX];

        table_cell(t, COLUMN_STATE, state, style);
        age_to_string(span, get_usec(gate, "clockEndsBoottimeUSec"), now);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (streq_ptr(clock, rows[i].clock))
                        table_cellf(t, COLUMN_STATE, style, "%s (%s in %s)", strempty(state),
                                    rows[i].becomes, span);
        table_cell(t, COLUMN_STATE_SHORT, state, style);
}

static void put_gate_row(Table *t, const JsonValue *gate, usec_t now) {
        char age[TIMESPAN_MAX];

        table_row(t);
        table_cell(t, COLUMN_GATE, jv_get_string(gate, "name"), STYLE_NONE);
        put_state_cell(t, gate, now);
        table_cell(t, COLUMN_FOR, age_to_string(age, now, get_usec(gate, "changedBoottimeUSec")),
                   STYLE_NONE);
        if (get_state(gate) != GATE_DISABLED)
                table_cellf(t, COLUMN_OBJECTS, STYLE_NONE, "%" PRIi64 "/%" PRIi64,
                            jv_get_int(gate, "readyObjects", 0), jv_get_int(gate, "totalObjects", 0));
        table_cell(t, COLUMN_REQUIRED, jv_get_bool(gate, "required", false) ? "yes" : "no", STYLE_NONE);
        put_blocker_cell(t, gate);
}

/* Who masks a gate that would be required is to see that the verdict lacks it. */
static void put_missed(Output *out, const Snapshot *s) {
        const JsonValue *missed = jv_get(s->verdict, "maskedGates");
        const char *before = "; ";

        JSON_FOREACH(name, missed) {
                out_put(out, before);
                out_text(out, strempty(jv_string(name)));
                before = ", ";
        }
        if (jv_length(missed) > 0)
                out_put(out, jv_length(missed) == 1 ? " is masked and not required"
                                                    : " are masked and not required");
}

static void put_summary(Output *out, const Snapshot *s) {
        size_t required = 0, ready = 0, tracked = 0, open = 0, from = out->text.size;

        for (size_t i = 0; i < s->n_gates; i++) {
                bool is_ready = get_state(s->gates[i]) == GATE_READY;

                if (get_state(s->gates[i]) == GATE_DISABLED)
                        continue;
                if (jv_get_bool(s->gates[i], "required", false)) {
                        required++;
                        ready += is_ready;
                } else {
                        tracked++;
                        open += is_ready;
                }
        }
        if (required > 0)
                out_printf(out, "%zu of %zu required gates ready", ready, required);
        if (tracked > 0 && required > 0)
                out_printf(out, ", %zu of %zu others", open, tracked);
        else if (tracked > 0)
                out_printf(out, "%zu of %zu gates ready", open, tracked);
        if (required + tracked > 0) {
                put_missed(out, s);
                out_put(out, "\n");
        }
        out_fold(out, from, 2);
}

/* Puts a table with a row for each gate, and a summary. */
void render_gates(Output *out, const Snapshot *s, usec_t now, const Options *options) {
        _cleanup_(table_done) Table t = {};

        if (s->n_gates == 0)
                return;
        table_init(&t, out, gate_columns, options->legend);
        for (size_t i = 0; i < s->n_gates; i++)
                put_gate_row(&t, s->gates[i], now);
        table_print(&t);
        if (options->legend)
                put_summary(out, s);
}

/* Puts "Pod openshift-dns/dns-default-x". */
void render_object(Output *out, const JsonValue *object) {
        _cleanup_free_ char *s = NULL;

        out_fail(out, object_to_string(object, &s));
        out_put(out, strempty(s));
}

/* Puts "dns <- Pod openshift-dns/dns-default-x: ImagePullBackOff for 1min 3s"; the name of the gate may be NULL. */
void render_blocker_line(Output *out, unsigned indent, const char *gate, const JsonValue *blocker,
                         usec_t now) {
        size_t from = out->text.size;
        char age[TIMESPAN_MAX];

        out_printf(out, "%*s", (int) indent, "");
        if (gate) {
                out_text(out, gate);
                out_printf(out, " %s ", out_symbol(out, "\xe2\x86\x90", "<-"));
        }
        render_object(out, jv_get(blocker, "object"));
        out_put(out, ": ");
        out_styled(out, STYLE_BOLD, jv_get_string(blocker, "reason"));
        out_printf(out, " for %s\n",
                   span_to_words(age, usec_sub(now, get_usec(blocker, "sinceBoottimeUSec"))));
        out_fold(out, from, indent + 4);
}

/* Puts the cluster's words about a blocker, and the hint. */
void render_blocker_words(Output *out, const JsonValue *blocker, unsigned indent) {
        const char *message = jv_get_string(blocker, "message"), *hint = jv_get_string(blocker, "hint");
        _cleanup_free_ char *s = NULL;

        if (message)
                out_wrapped(out, indent, message);
        if (!hint)
                return;
        out_fail(out, asprintf_ret(&s, "%s %s", out_symbol(out, "\xe2\x86\x92", "->"), hint));
        if (s)
                out_wrapped(out, indent, s);
}

/* Puts why a gate is disabled, and its conditions in full. */
void render_cause(Output *out, const JsonValue *definition, unsigned indent) {
        out_wrapped(out, indent, jv_get_string(definition, "cause"));
        JSON_FOREACH(condition, jv_get(definition, "conditions"))
                out_wrapped(out, indent, strempty(jv_string(condition)));
}

/* Whether the gate has an entry of its own: not if another gate in the snapshot blocks it, whose entry has the
 * cause. */
static bool tells_of(const Snapshot *s, const JsonValue *gate, bool all) {
        const JsonValue *blocker = first_blocker(gate);

        if (!blocker || (!all && !jv_get_bool(gate, "required", false)))
                return false;
        return streq_ptr(jv_get_string(blocker, "gate"), jv_get_string(gate, "name")) ||
               !snapshot_find(s, jv_get_string(blocker, "gate"));
}

static bool is_same_object(const JsonValue *a, const JsonValue *b) {
        static const char *const members[] = { "kind", "namespace", "name" };

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (!streq_ptr(jv_get_string(a, members[i]), jv_get_string(b, members[i])))
                        return false;
        return true;
}

/* Whether nothing but the object itself is the cause: it is missing, has failed, or does not answer. Two ports that
 * refuse, or two workloads that do not exist, have the same message and nothing else in common. A silent name
 * server is silent for all. */
static bool is_cause_its_own(const JsonValue *blocker) {
        static const char *const own[] = { "NotFound", "NoPods", "NoEligibleNode", "ScaledToZero", "Error" };
        const char *kind = jv_get_string(jv_get(blocker, "object"), "kind");
        const char *reason = strempty(jv_get_string(blocker, "reason"));

        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                if (streq(own[i], reason))
                        return true;
        return (streq_ptr(kind, "Endpoint") || streq_ptr(kind, "Socket")) &&
               !streq(reason, "NameServerSilent");
}

/* Whether two blockers have the same cause, such as an unreachable API server, which blocks every gate. */
bool is_same_cause(const JsonValue *a, const JsonValue *b) {
        const char *message = jv_get_string(a, "message");

        return message && streq_ptr(message, jv_get_string(b, "message")) &&
               streq_ptr(jv_get_string(a, "reason"), jv_get_string(b, "reason")) &&
               (!is_cause_its_own(a) || is_same_object(jv_get(a, "object"), jv_get(b, "object")));
}

static bool is_told_already(const Snapshot *s, const JsonValue **gates, size_t i, bool all) {
        for (size_t j = 0; j < i; j++)
                if (tells_of(s, gates[j], all) &&
                    is_same_cause(first_blocker(gates[j]), first_blocker(gates[i])))
                        return true;
        return false;
}

static void put_others(Output *out, const Snapshot *s, const JsonValue **gates, size_t i, bool all) {
        const char *separator = "    Also blocked by this: ";
        size_t from = out->text.size;

        for (size_t j = i + 1; j < s->n_gates; j++) {
                if (!tells_of(s, gates[j], all) ||
                    !is_same_cause(first_blocker(gates[i]), first_blocker(gates[j])))
                        continue;
                out_put(out, separator);
                out_text(out, jv_get_string(gates[j], "name"));
                separator = ", ";
        }
        if (separator[0] == ',')
                out_put(out, "\n");
        out_fold(out, from, 6);
}

/* Puts what keeps gates shut, with the cluster's words and the hint, each cause once; that of the verdict first, or of
 * gates that were named that of their state. Without `all` only for required gates. */
void render_blockers(Output *out, const Snapshot *s, usec_t now, bool named, bool all) {
        _cleanup_free_ const JsonValue **gates = snapshot_by_cause(s, named);

        if (!gates)
                out_fail(out, -ENOMEM);
        for (size_t i = 0; gates && i < s->n_gates; i++) {
                const JsonValue *blocker = first_blocker(gates[i]);

                if (!tells_of(s, gates[i], all) || is_told_already(s, gates, i, all))
                        continue;
                out_put(out, "\n");
                render_blocker_line(out, 0, jv_get_string(gates[i], "name"), blocker, now);
                render_blocker_words(out, blocker, 4);
                put_others(out, s, gates, i, all);
        }
}
