/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdio.h>

#include "base/parse.h"
#include "boots.h"
#include "chart.h"
#include "describe.h"
#include "systemctl.h"
#include "verbs.h"

/* A boot drawn as SVG, as systemd-analyze plot does: time runs to the right from the start of PID 1 (after a
 * soft-reboot, or in a container, the kernel's may be long ago), each gate is a row, its objects are thin rows
 * below it. Colours are in a style sheet that knows light and dark pages; what a gate waited for is written on
 * the span where it fits, and is always in its tooltip. Nothing in the picture is fetched or executed, and all
 * text is escaped. */

#define MARGIN 20
#define LABELS 260
#define WIDTH 1000 /* of the time that is shown */
#define TOP 90
#define GATE_HEIGHT 24
#define OBJECT_HEIGHT 16
#define LETTER 6.6 /* the width of one, about */

static const char style[] =
        "<style>\n"
        "svg{font:12px system-ui,sans-serif;background:#fff}\n"
        "text{fill:#1f2328}.dim{fill:#656d76}.object{font-size:10px}.title{font-size:18px}\n"
        ".grid{stroke:#d0d7de}.mark{stroke:#0969da;stroke-dasharray:4 3}.marked{fill:#0969da}\n"
        ".waiting{fill:#e3b341}.ready{fill:#4ac26b}.lost{fill:#f47067}.unknown{fill:#b083f0}\n"
        ".disabled,.other{fill:#afb8c1}.on{fill:#1f2328}\n"
        "@media (prefers-color-scheme:dark){\n"
        "svg{background:#0d1117}text{fill:#e6edf3}.dim{fill:#8b949e}.grid{stroke:#30363d}\n"
        ".mark{stroke:#58a6ff}.marked{fill:#58a6ff}\n"
        ".waiting{fill:#9e6a03}.ready{fill:#238636}.lost{fill:#b62324}.unknown{fill:#6e40c9}\n"
        ".disabled,.other{fill:#484f58}.on{fill:#f0f6fc}}\n"
        "</style>\n";

typedef struct Mark {
        const char *name;
        usec_t at;
} Mark;

static double x_of(const Chart *chart, usec_t at) {
        usec_t length = MAX(usec_sub(chart->end, chart->begin), (usec_t) 1);

        return LABELS + (double) usec_sub(at, chart->begin) / (double) length * WIDTH;
}

/* Text between tags or in an attribute. */
static void put_escaped(Output *out, const char *s) {
        _cleanup_free_ char *clean = clean_text(s);

        for (const char *p = strempty(clean); *p; p++)
                switch (*p) {
                case '&':
                        out_put(out, "&amp;");
                        break;
                case '<':
                        out_put(out, "&lt;");
                        break;
                case '>':
                        out_put(out, "&gt;");
                        break;
                case '"':
                        out_put(out, "&quot;");
                        break;
                default:
                        out_printf(out, "%c", *p);
                }
}

static unsigned row_height(const Row *row) {
        return row->is_object ? OBJECT_HEIGHT : GATE_HEIGHT;
}

/* The distance of the lines of the grid: at most a dozen of them. */
static usec_t grid_step(usec_t end) {
        static const unsigned seconds[] = { 1,   2,   5,    10,   15,   30,    60,    120,
                                            300, 600, 1800, 3600, 7200, 21600, 43200, 86400 };

        for (size_t i = 0; i < ELEMENTSOF(seconds); i++)
                if (end / (seconds[i] * USEC_PER_SEC) <= 12)
                        return seconds[i] * USEC_PER_SEC;
        return MAX(end / 12, (usec_t) 1);
}

static void put_grid(Output *out, const Chart *chart, unsigned height) {
        usec_t length = usec_sub(chart->end, chart->begin), step = grid_step(length);
        char span[TIMESPAN_MAX];

        for (usec_t at = 0; at <= length; at += step) {
                double x = x_of(chart, chart->begin + at);

                out_printf(out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%u\"/>\n", x,
                           TOP - 4, x, height - MARGIN);
                out_printf(out, "<text class=\"dim\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                           x, TOP - 8, at == 0 ? "0" : format_timespan(span, at));
        }
}

static void put_mark(Output *out, const Chart *chart, const Mark *mark, unsigned height) {
        double x = x_of(chart, mark->at);
        char span[TIMESPAN_MAX];

        if (mark->at == 0 || mark->at < chart->begin || mark->at > chart->end)
                return;
        out_printf(out, "<line class=\"mark\" x1=\"%.1f\" y1=\"%u\" x2=\"%.1f\" y2=\"%u\"/>\n", x,
                   48U, x, height - MARGIN);
        out_printf(out, "<text class=\"marked\" x=\"%.1f\" y=\"%u\">%s %s</text>\n", x + 3, 56U,
                   mark->name, format_timespan(span, mark->at - chart->begin));
}

static const char *class_of(const char *state) {
        return state_from_string(state) >= 0 ? state : "other";
}

static void put_tooltip(Output *out, const Row *row, const Span *span) {
        char length[TIMESPAN_MAX];

        out_put(out, "<title>");
        put_escaped(out, row->name);
        out_put(out, ": ");
        put_escaped(out, strempty(span->state));
        out_printf(out, " for %s", format_timespan(length, usec_sub(span->end, span->begin)));
        if (span->blocker) {
                _cleanup_free_ char *object = NULL;

                if (object_to_string(jv_get(span->blocker, "object"), &object) >= 0) {
                        out_put(out, ", ");
                        put_escaped(out, object);
                        out_put(out, ": ");
                        put_escaped(out, jv_get_string(span->blocker, "reason"));
                }
        }
        out_put(out, "</title>");
}

/* What the span waited for, as much of it as fits. */
static void put_words(Output *out, const Row *row, const Span *span, double x, double width, unsigned y) {
        const char *reason = jv_get_string(span->blocker, "reason");
        _cleanup_free_ char *object = NULL, *words = NULL;
        size_t fits = width > 8 ? (size_t) ((width - 8) / LETTER) : 0, n;

        if (row->is_object || !reason || state_from_string(span->state) == STATE_READY)
                return;
        if (object_to_string(jv_get(span->blocker, "object"), &object) < 0)
                return;
        if (asprintf(&words, "%s: %s", object, reason) < 0)
                return;
        if (text_width(words) > fits) {
                if (strlen(reason) > fits)
                        return;
                words = mfree(words);
                words = strdup(reason);
                if (!words)
                        return;
        }
        n = text_cut(words, fits);
        words[n] = '\0';
        out_printf(out, "<text class=\"on\" x=\"%.1f\" y=\"%u\">", x + 4, y + GATE_HEIGHT - 8);
        put_escaped(out, words);
        out_put(out, "</text>\n");
}

static void put_row(Output *out, const Chart *chart, const Row *row, unsigned y) {
        unsigned height = row_height(row) - 4;

        out_printf(out, "<text class=\"%s\" x=\"%d\" y=\"%u\" text-anchor=\"end\">",
                   row->is_object ? "dim object" : "label", LABELS - 8,
                   y + height - (row->is_object ? 2 : 4));
        put_escaped(out, row->name);
        out_put(out, "</text>\n");
        for (size_t i = 0; i < row->n_spans; i++) {
                const Span *span = &row->spans[i];
                double x = x_of(chart, span->begin), width = fmax(x_of(chart, span->end) - x, 1);

                out_printf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%u\">",
                           class_of(span->state), x, y, width, height);
                put_tooltip(out, row, span);
                out_put(out, "</rect>\n");
                put_words(out, row, span, x, width, y);
        }
}

static void put_legend(Output *out, unsigned y) {
        static const char *const words[] = { "waiting", "ready", "lost", "unknown" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                out_printf(out,
                           "<rect class=\"%s\" x=\"%zu\" y=\"%u\" width=\"12\" height=\"12\"/>\n"
                           "<text class=\"dim\" x=\"%zu\" y=\"%u\">%s</text>\n",
                           words[i], LABELS + i * 90, y, LABELS + i * 90 + 16, y + 10, words[i]);
}

static void draw(Output *out, const Chart *chart, const char *title, const Mark *mark) {
        unsigned height = TOP + MARGIN + 30, y = TOP;

        for (size_t i = 0; i < chart->n_rows; i++)
                height += row_height(&chart->rows[i]);
        out_printf(
                out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" width=\"%d\" height=\"%u\">\n",
                LABELS + WIDTH + 2 * MARGIN, height, LABELS + WIDTH + 2 * MARGIN, height);
        out_put(out, style);
        out_printf(out, "<text class=\"title\" x=\"%d\" y=\"28\">", MARGIN);
        put_escaped(out, title);
        out_put(out, "</text>\n");
        put_grid(out, chart, height - 30);
        put_mark(out, chart, mark, height - 30);
        for (size_t i = 0; i < chart->n_rows; i++) {
                put_row(out, chart, &chart->rows[i], y);
                y += row_height(&chart->rows[i]);
        }
        put_legend(out, height - MARGIN - 10);
        out_put(out, "</svg>\n");
}

/* A stamp of systemd's, on CLOCK_MONOTONIC, which is boottime for as long as nothing slept. 0 where it has
 * none. */
static usec_t systemd_time(const char *unit, const char *property) {
        _cleanup_free_ char *s = NULL;
        uint64_t usec;

        return systemctl_show(unit, property, &s) >= 0 && parse_uint64(s, &usec) >= 0 ? usec : 0;
}

static void put_title(Buffer *b, const JsonValue *boots, const char *boot_id) {
        char span[TIMESPAN_MAX];

        (void) buffer_puts(b, "MicroShift readiness");
        JSON_FOREACH(boot, boots) {
                if (!streq_ptr(jv_get_string(boot, "bootId"), boot_id))
                        continue;
                if (get_usec(boot, "readyUSec") > 0)
                        (void) buffer_printf(b, ": ready %s after PID 1 started%s",
                                             format_timespan(span, get_usec(boot, "readyUSec")),
                                             jv_get_bool(boot, "pulledImages", false) ? ", with image pulls"
                                                                                      : "");
        }
}

static int plot(const Options *options, const JsonValue *timeline, const Snapshot *s, bool is_this_boot) {
        const char *boot_id = is_this_boot ? jv_get_string(s->verdict, "bootId") : options->boot;
        _cleanup_(buffer_done) Buffer title = BUFFER_INIT(4096);
        _cleanup_(chart_done) Chart chart = {};
        _cleanup_(out_done) Output out = {};
        Mark mark = {};
        int r;

        r = is_this_boot ? chart_add_rows(&chart, s) : 0;
        if (r >= 0)
                r = chart_add_transitions(&chart, jv_get(timeline, "transitions"));
        if (r >= 0 && is_this_boot)
                r = chart_add_gates(&chart, s);
        if (r < 0)
                return r;
        chart_finish(&chart, is_this_boot ? s->told : chart.end + chart.end / 20);
        if (is_this_boot) {
                chart.begin = systemd_time(NULL, "UserspaceTimestampMonotonic");
                chart.begin = MIN(chart.begin, chart.end);
                mark = (Mark){ "microshift.service",
                               systemd_time("microshift.service", "ActiveEnterTimestampMonotonic") };
        }
        put_title(&title, jv_get(timeline, "boots"), boot_id);

        out_init(&out, STDOUT_FILENO);
        draw(&out, &chart, buffer_cstr(&title), &mark);
        return out_flush(&out);
}

/* A boot as a picture, on standard output. */
int verb_plot(const Options *options) {
        _cleanup_(vl_reply_done) VlReply timeline = {}, description = {};
        _cleanup_(snapshot_done) Snapshot s = {};
        bool is_this_boot;
        int r;

        r = ask_timeline(options, &is_this_boot, &timeline);
        if (r == 0)
                r = describe(options, NULL, &description, &s);
        if (r != 0)
                return r;
        if (options->format != FORMAT_TEXT)
                return print_reply(options, timeline.parameters);
        return options->quiet ? 0 : plot(options, timeline.parameters, &s, is_this_boot);
}
