/* SPDX-License-Identifier: Apache-2.0 */

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/string-util.h"
#include "boots.h"
#include "chart.h"
#include "describe.h"
#include "output.h"
#include "systemctl.h"
#include "verbs.h"

/* A boot drawn as SVG, as systemd-analyze plot does. Time runs to the right from the start of PID 1 (after a
 * soft-reboot, or in a container, the kernel may have started long before). Each gate is a row, with its objects as
 * thin rows below it. A style sheet has colours for light and dark pages. What a gate waited for is written on the
 * span where it fits, and always in its tooltip. The picture fetches and runs nothing, and all text is escaped. */

#define MARGIN 20
#define LABELS 260
#define WIDTH 1000 /* of the time that is shown */
#define TOP 112
#define GATE_HEIGHT 24
#define OBJECT_HEIGHT 16
#define MARK_HEIGHT 14
#define LETTER 6.6 /* the approximate width of one */
#define OBJECT_LETTER 5.6

static const char style[] =
        "<style>\n"
        "svg{font:12px system-ui,sans-serif;background:#fff}\n"
        "rect{stroke:#fff;stroke-width:.6}\n"
        "text{fill:#1f2328}.dim{fill:#656d76}.object{font-size:10px}.title{font-size:18px}\n"
        ".tick{stroke:#fff;stroke-width:5;paint-order:stroke}\n"
        ".grid{stroke:#d0d7de}.mark{stroke:#0969da;stroke-dasharray:4 3}.marked{fill:#0969da}\n"
        ".waiting{fill:#e3b341}.ready{fill:#4ac26b}.lost{fill:#f47067}.unknown{fill:#b083f0}\n"
        ".disabled,.other{fill:#afb8c1}.on{fill:#1f2328}\n"
        "@media (prefers-color-scheme:dark){\n"
        "svg{background:#0d1117}rect,.tick{stroke:#0d1117}text{fill:#e6edf3}.dim{fill:#8b949e}.grid{stroke:#30363d}\n"
        ".mark{stroke:#58a6ff}.marked{fill:#58a6ff}\n"
        ".waiting{fill:#9e6a03}.ready{fill:#238636}.lost{fill:#b62324}.unknown{fill:#6e40c9}\n"
        ".disabled,.other{fill:#484f58}.on{fill:#f0f6fc}}\n"
        "</style>\n";

/* A moment and its name. */
typedef struct Mark {
        const char *name;
        usec_t at; /* boottime; 0: it has not come, or is not known */
} Mark;

#define MARKS 3

/* A span that goes on after the end of the picture is drawn until there. */
static double x_of(const Chart *chart, usec_t at) {
        usec_t length = MAX(usec_sub(chart->end, chart->begin), (usec_t) 1);

        return LABELS + (double) usec_sub(MIN(at, chart->end), chart->begin) / (double) length * WIDTH;
}

/* U+FFFE and U+FFFF: valid UTF-8, but not allowed in XML. */
static bool is_noncharacter(const char *s) {
        return startswith(s, "\xef\xbf\xbe") || startswith(s, "\xef\xbf\xbf");
}

/* Puts text for between tags or for an attribute. */
static void put_escaped(Output *out, const char *s) {
        _cleanup_free_ char *clean = clean_text(s);

        for (const char *p = strempty(clean); *p; p++) {
                if (is_noncharacter(p)) {
                        out_put(out, "?");
                        p += 2;
                        continue;
                }
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
}

static unsigned row_height(const Row *row) {
        return row->object ? OBJECT_HEIGHT : GATE_HEIGHT;
}

/* The distance of the lines of the grid, for at most a dozen of them. */
static usec_t grid_step(usec_t end) {
        static const unsigned seconds[] = { 1,   2,   5,    10,   15,   30,    60,    120,   300,
                                            600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400 };

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
                out_printf(out,
                           "<text class=\"dim tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                           x, TOP - 8, at == 0 ? "0" : format_timespan(span, at));
        }
}

/* Each mark has a line of text of its own, so that close marks do not collide; the text of a mark far to the right
 * stands to its left. */
static void put_mark(Output *out, const Chart *chart, const Mark *mark, unsigned line, unsigned height) {
        double x = x_of(chart, mark->at);
        unsigned y = 48 + line * MARK_HEIGHT;
        bool leftwards = x > LABELS + WIDTH - 180;
        char span[TIMESPAN_MAX];

        if (mark->at == 0 || mark->at < chart->begin || mark->at > chart->end)
                return;
        out_printf(out, "<line class=\"mark\" x1=\"%.1f\" y1=\"%u\" x2=\"%.1f\" y2=\"%u\"/>\n", x, y - 8, x,
                   height - MARGIN);
        out_printf(out, "<text class=\"marked\" x=\"%.1f\" y=\"%u\"%s>%s", leftwards ? x - 3 : x + 3, y,
                   leftwards ? " text-anchor=\"end\"" : "", mark->name);
        if (mark->at > chart->begin && mark->at - chart->begin < USEC_PER_MINUTE)
                out_printf(out, " %.1fs", (double) (mark->at - chart->begin) / USEC_PER_SEC);
        else if (mark->at > chart->begin)
                out_printf(out, " %s", format_timespan(span, mark->at - chart->begin));
        out_put(out, "</text>\n");
}

static const char *class_of(const char *state) {
        return gate_state_from_string(state) >= 0 ? state : "other";
}

static void put_tooltip(Output *out, const Row *row, const Span *span) {
        char length[TIMESPAN_MAX];

        out_put(out, "<title>");
        put_escaped(out, row->name);
        out_put(out, ": ");
        put_escaped(out, strempty(span->state));
        out_printf(out, " for %s", format_timespan(length, usec_sub(span->end, span->begin)));
        if (span->blocker) {
                _cleanup_free_ char *why = NULL;

                out_fail(out, blocker_to_string(span->blocker, &why));
                out_put(out, ", ");
                put_escaped(out, why);
        }
        out_put(out, "</title>");
}

/* Puts what the span waited for, if it fits. */
static void put_words(Output *out, const Row *row, const Span *span, double x, double width, unsigned y) {
        const char *reason = jv_get_string(span->blocker, "reason"), *shown = reason;
        double letter = row->object ? OBJECT_LETTER : LETTER;
        _cleanup_free_ char *words = NULL;
        size_t fits = width > 8 ? (size_t) ((width - 8) / letter) : 0;

        if (!reason || gate_state_from_string(span->state) == GATE_READY)
                return;
        /* The label of an object's row has its name already. */
        if (!row->object && blocker_to_string(span->blocker, &words) >= 0 && text_width(words) <= fits)
                shown = words;
        if (text_width(shown) > fits)
                return;
        out_printf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%u\">", row->object ? "on object" : "on", x + 4,
                   y + row_height(row) - (row->object ? 7 : 8));
        put_escaped(out, shown);
        out_put(out, "</text>\n");
}

/* Puts a gate's name, or an object's without its namespace, cut to what fits. */
static void put_label(Output *out, const Row *row) {
        size_t fits = (size_t) ((LABELS - MARGIN) / (row->object ? OBJECT_LETTER : LETTER)),
               kind = row->object ? strcspn(row->name, " ") : 0;
        _cleanup_free_ char *label = NULL;
        bool cut;

        if (asprintf_ret(&label, "%.*s%s%s", (int) kind, row->name, row->object ? " " : "",
                         row->object ?: row->name) < 0)
                return;
        cut = text_width(label) > fits;
        if (cut)
                label[text_cut(label, fits - 1)] = '\0';
        put_escaped(out, label);
        if (cut)
                out_put(out, "…");
}

static void put_row(Output *out, const Chart *chart, const Row *row, unsigned y) {
        unsigned height = row_height(row) - 4;

        out_printf(out, "<text class=\"%s\" x=\"%d\" y=\"%u\" text-anchor=\"end\">",
                   row->object ? "dim object" : "label", LABELS - 8, y + height - (row->object ? 3 : 4));
        put_label(out, row);
        out_put(out, "</text>\n");
        for (size_t i = 0; i < row->n_spans; i++) {
                const Span *span = &row->spans[i];
                double x = x_of(chart, span->begin), width = fmax(x_of(chart, span->end) - x, 1);

                if (span->end <= span->begin || (row->object && streq_ptr(span->state, "absent")))
                        continue;
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

static void draw_chart(Output *out, const Chart *chart, const char *title, const Mark marks[static MARKS]) {
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
        for (unsigned i = 0; i < MARKS; i++)
                put_mark(out, chart, &marks[i], i, height - 30);
        put_grid(out, chart, height - 30);
        for (size_t i = 0; i < chart->n_rows; i++) {
                put_row(out, chart, &chart->rows[i], y);
                y += row_height(&chart->rows[i]);
        }
        put_legend(out, height - MARGIN - 10);
        out_put(out, "</svg>\n");
}

/* A time stamp of systemd, on CLOCK_MONOTONIC, which equals boottime unless the host has slept. 0 where systemd has
 * none. */
static usec_t systemd_time(const char *unit, const char *property) {
        _cleanup_free_ char *s = NULL;
        uint64_t usec;

        return systemctl_show(unit, property, &s) >= 0 && parse_uint64(s, &usec) >= 0 ? usec : 0;
}

/* When the API server first said that it is ready: to gate api, or to any gate that asks its /readyz. 0: never. */
static usec_t api_up(const JsonValue *transitions) {
        JSON_FOREACH(v, transitions) {
                const JsonValue *object = jv_get(v, "object");
                bool is_api = object ? streq_ptr(jv_get_string(object, "kind"), "Api") &&
                                               streq_ptr(jv_get_string(object, "name"), "/readyz")
                                     : streq_ptr(jv_get_string(v, "gate"), "api");

                if (is_api && streq_ptr(jv_get_string(v, "to"), "ready"))
                        return get_usec(v, "boottimeUSec");
        }
        return 0;
}

static const JsonValue *find_boot(const JsonValue *boots, const char *boot_id) {
        JSON_FOREACH(boot, boots)
                if (streq_ptr(jv_get_string(boot, "bootId"), boot_id))
                        return boot;
        return NULL;
}

/* When the boot began, which for this one the verdict's two clocks tell. Realtime. */
static usec_t boot_started(const JsonValue *boot, const Snapshot *s, usec_t begin) {
        if (boot)
                return get_usec(boot, "startedRealtimeUSec");
        return usec_add(begin, usec_sub(get_usec(s->verdict, "changedRealtimeUSec"),
                                        get_usec(s->verdict, "changedBoottimeUSec")));
}

/* "MicroShift on edge-1, 2026-11-30 11:50:00, Kubernetes v1.30.5: ready 4min 10s after PID 1 started". What version an
 * earlier boot had is not on record. begin: boottime. */
static void put_title(Buffer *b, const JsonValue *boots, const Snapshot *s, const char *earlier,
                      usec_t begin) {
        const JsonValue *boot = find_boot(boots, earlier ?: jv_get_string(s->verdict, "bootId"));
        const char *node = jv_get_string(s->verdict, "node"),
                   *version = earlier ? NULL : jv_get_string(s->verdict, "serverVersion");
        char span[TIMESPAN_MAX], date[TIMESPAN_MAX], host[HOST_NAME_MAX + 1] = "";

        if (!node && gethostname(host, sizeof(host) - 1) >= 0)
                node = host;
        (void) buffer_printf(b, "MicroShift on %s, %s%s%s", strna(node),
                             format_date(date, boot_started(boot, s, begin)), version ? ", Kubernetes " : "",
                             strempty(version));
        if (get_usec(boot, "readyUSec") > 0)
                (void) buffer_printf(b, ": ready %s after PID 1 started%s",
                                     format_timespan(span, get_usec(boot, "readyUSec")),
                                     jv_get_bool(boot, "pulledImages", false) ? ", with image pulls" : "");
}

static bool is_waited_for(const Options *options, const Snapshot *s) {
        if (!*options->arguments)
                return get_state(s->verdict) != GATE_READY;
        for (size_t i = 0; i < s->n_gates; i++)
                if (get_state(s->gates[i]) != GATE_READY)
                        return true;
        return false;
}

/* The picture of this boot ends now while a gate is not ready, otherwise soon after the last change: over days
 * without one the boot would shrink to a line. */
static usec_t picture_end(const Options *options, const Snapshot *s, const Chart *chart, usec_t last) {
        if (last <= chart->begin || is_waited_for(options, s))
                return chart->end;
        return MIN(chart->end, last + (last - chart->begin) / 10);
}

/* earlier is the ID of the boot to draw, or NULL for this boot, which s describes. */
static int plot_boot(const Options *options, const JsonValue *timeline, const Snapshot *s,
                     const char *earlier) {
        _cleanup_(buffer_done) Buffer title = BUFFER_INIT(4096);
        _cleanup_(chart_done) Chart chart = {};
        _cleanup_(out_done) Output out = {};
        Mark marks[MARKS] = {};
        usec_t last;
        int r;

        r = chart_add_rows(&chart, earlier ? &(Snapshot){} : s);
        if (r >= 0)
                r = chart_add_transitions(&chart, jv_get(timeline, "transitions"), options->arguments);
        if (r >= 0 && !earlier)
                r = chart_add_gates(&chart, s);
        if (r < 0)
                return r;
        last = chart.end;
        chart_finish(&chart, earlier ? last + last / 20 : s->told);
        if (!earlier) {
                chart.begin = systemd_time(NULL, "UserspaceTimestampMonotonic");
                chart.begin = MIN(chart.begin, chart.end);
                chart.end = picture_end(options, s, &chart, last);
                marks[0] = (Mark){ "PID 1 started", chart.begin };
                marks[1] = (Mark){ "microshift.service active",
                                   systemd_time("microshift.service", "ActiveEnterTimestampMonotonic") };
        }
        marks[2] = (Mark){ "API up", api_up(jv_get(timeline, "transitions")) };
        put_title(&title, jv_get(timeline, "boots"), s, earlier, chart.begin);

        out_init(&out, STDOUT_FILENO, false);
        draw_chart(&out, &chart, buffer_cstr(&title), marks);
        return out_flush(&out);
}

/* Draws a boot on standard output. */
int verb_plot(const Options *options) {
        _cleanup_(vl_reply_done) VlReply timeline = {}, description = {};
        _cleanup_(snapshot_done) Snapshot s = {};
        _cleanup_free_ char *earlier = NULL;
        int r;

        r = ask_timeline(options, &earlier, &timeline);
        if (r == 0)
                r = describe(options, earlier ? NULL : options->arguments, &description, &s);
        if (r != 0)
                return r;
        if (options->format != FORMAT_TEXT)
                return print_reply(options, timeline.parameters);
        return options->quiet ? 0 : plot_boot(options, timeline.parameters, &s, earlier);
}
