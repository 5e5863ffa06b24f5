/* SPDX-License-Identifier: Apache-2.0 */

#include "chart.h"

#include "base/limits.h"
#include "base/strv.h"

/* As many rows as fit a page. The daemon bounds the number of transitions. */
#define ROWS_MAX 400

void chart_done(Chart *chart) {
        for (size_t i = 0; i < chart->n_rows; i++) {
                free(chart->rows[i].name);
                free(chart->rows[i].spans);
        }
        free(chart->rows);
        *chart = (Chart){};
}

/* Finds the row of that name, or makes it: a row of an object stands behind the rows of its gate. Copies name,
 * borrows gate and object. -E2BIG where the chart is full. */
static int find_row(Chart *chart, const char *gate, const char *name, const char *object, Row **ret) {
        _cleanup_free_ char *copy = NULL;
        size_t at = chart->n_rows;
        Row *more;

        for (size_t i = 0; i < chart->n_rows; i++) {
                Row *row = &chart->rows[i];

                if (!streq_ptr(row->gate, gate))
                        continue;
                at = i + 1;
                if (!row->object == !object && streq(row->name, name)) {
                        *ret = row;
                        return 0;
                }
        }
        if (chart->n_rows >= ROWS_MAX)
                return -E2BIG;
        copy = strdup(name);
        more = reallocarray(chart->rows, chart->n_rows + 1, sizeof(*more));
        if (more)
                chart->rows = more;
        if (!copy || !more)
                return -ENOMEM;
        memmove(more + at + 1, more + at, (chart->n_rows - at) * sizeof(*more));
        more[at] = (Row){ .gate = gate, .name = TAKE_PTR(copy), .object = object };
        chart->n_rows++;
        *ret = &more[at];
        return 0;
}

static int add_span(Row *row, const Span *span) {
        Span *more = reallocarray(row->spans, row->n_spans + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        row->spans = more;
        more[row->n_spans++] = *span;
        return 0;
}

/* The row of a gate; of the verdict where gate is NULL. */
static int gate_row(Chart *chart, const char *gate, Row **ret) {
        return find_row(chart, gate, gate ?: "cluster", NULL, ret);
}

/* The row of the gate or object that changed. */
static int row_of(Chart *chart, const JsonValue *transition, Row **ret) {
        const JsonValue *object = jv_get(transition, "object");
        const char *gate = jv_get_string(transition, "gate");
        _cleanup_free_ char *name = NULL;
        int r;

        r = gate_row(chart, gate, ret);
        if (r < 0 || !jv_is_object(object))
                return r;
        r = object_to_string(object, &name);
        return r < 0 ? r : find_row(chart, gate, name, strempty(jv_get_string(object, "name")), ret);
}

static bool is_ready(const char *state) {
        return gate_state_from_string(state) == GATE_READY;
}

/* The state that a transition leaves began with the transition before. A gate has its first state from the start of
 * the boot; when an object came is not known before its first transition. */
static int add_transition(Chart *chart, const JsonValue *v) {
        const JsonValue *blocker = jv_get(v, "blocker");
        const char *to = jv_get_string(v, "to");
        usec_t at = get_usec(v, "boottimeUSec");
        Span *left;
        Row *row;
        int r;

        r = row_of(chart, v, &row);
        if (r >= 0 && row->n_spans == 0)
                r = add_span(row,
                             &(Span){ .begin = row->object ? at : 0, .state = jv_get_string(v, "from") });
        if (r < 0)
                return r;

        left = &row->spans[row->n_spans - 1];
        left->end = at;
        /* The blocker at the end of a wait is what the gate waited for; a span that is ready has none. */
        if (!left->blocker && !is_ready(left->state))
                left->blocker = blocker;
        chart->end = MAX(chart->end, at);
        return add_span(row, &(Span){ .begin = at, .state = to, .blocker = is_ready(to) ? NULL : blocker });
}

/* Adds what GetTimeline replied, oldest first: of the verdict and of the gates named, or of all. Leaves out what
 * the full chart has no room for. Strings of transitions are borrowed until chart_done(). -ENOMEM. */
int chart_add_transitions(Chart *chart, const JsonValue *transitions, char *const *gates) {
        JSON_FOREACH(v, transitions) {
                const char *gate = jv_get_string(v, "gate");
                int r = 0;

                if (!gate || !*gates || strv_contains(gates, gate))
                        r = add_transition(chart, v);
                if (r < 0 && r != -E2BIG)
                        return r;
        }
        return 0;
}

/* Adds empty rows for the verdict and the gates in the daemon's order; to be called first. Strings of s are
 * borrowed until chart_done(). -ENOMEM. */
int chart_add_rows(Chart *chart, const Snapshot *s) {
        Row *row;
        int r;

        assert(chart->n_rows == 0);

        r = gate_row(chart, NULL, &row);
        for (size_t i = 0; r >= 0 && i < s->n_gates; i++)
                r = gate_row(chart, strempty(jv_get_string(s->gates[i], "name")), &row);
        return r == -E2BIG ? 0 : r;
}

static int add_gate(Chart *chart, const JsonValue *gate, const char *name) {
        bool has_waited = get_state(gate) == GATE_WAITING;
        Row *row;
        int r;

        r = gate_row(chart, name, &row);
        if (r >= 0 && row->n_spans == 0)
                r = add_span(row, &(Span){ .begin = has_waited ? 0 : get_usec(gate, "changedBoottimeUSec"),
                                           .state = jv_get_string(gate, "state") });
        if (r >= 0 && first_blocker(gate))
                row->spans[row->n_spans - 1].blocker = first_blocker(gate);
        return r;
}

/* Adds the present states, for gates that have not changed in this boot, and the present blockers. Strings of s are
 * borrowed until chart_done(). -ENOMEM. */
int chart_add_gates(Chart *chart, const Snapshot *s) {
        int r;

        r = add_gate(chart, s->verdict, NULL);
        for (size_t i = 0; r >= 0 && i < s->n_gates; i++)
                r = add_gate(chart, s->gates[i], strempty(jv_get_string(s->gates[i], "name")));
        return r == -E2BIG ? 0 : r;
}

/* Ends the spans that have no end yet at `end` (boottime), or at the last transition if that is later. */
void chart_finish(Chart *chart, usec_t end) {
        chart->end = MAX(chart->end, end);
        for (size_t i = 0; i < chart->n_rows; i++)
                if (chart->rows[i].n_spans > 0)
                        chart->rows[i].spans[chart->rows[i].n_spans - 1].end = chart->end;
}
