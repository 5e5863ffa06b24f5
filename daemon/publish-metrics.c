/* SPDX-License-Identifier: Apache-2.0 */

/* Metrics in Prometheus' text format, in a file that node_exporter's textfile collector reads when
 * Prometheus scrapes it. The daemon replaces the file as a whole, and only when its text is another one;
 * counters move with each event, so it does that at most once a second. It removes the file when it stops:
 * no process would keep it true. */

#include "publish-metrics.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "base/version.h"

#define PAUSE_USEC USEC_PER_SEC

struct PublishMetrics {
        Loop *loop;
        const Readiness *readiness;
        char *file;     /* the one that is kept; NULL: none */
        Buffer written; /* what is in it */
        int error;      /* the one last warned of, 0: none */
        usec_t looked;  /* monotonic */
        LoopTimer again;
};

/* A writer of that format. It keeps the first error and leaves out what comes after it. */
typedef struct Writer {
        Buffer *b;
        int error;
} Writer;

static void _printf_(2, 3) put(Writer *w, const char *format, ...) {
        va_list ap;

        if (w->error < 0)
                return;
        va_start(ap, format);
        w->error = buffer_vprintf(w->b, format, ap);
        va_end(ap);
}

static void put_family(Writer *w, const char *name, const char *type, const char *help) {
        put(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void put_label(Writer *w, char before, const char *label, const char *value) {
        put(w, "%c%s=\"", before, label);
        for (const char *p = value;; p++) {
                int n = (int) strcspn(p, "\\\"\n");

                put(w, "%.*s", n, p);
                p += n;
                if (!*p)
                        break;
                put(w, "\\%c", *p == '\n' ? 'n' : *p);
        }
        put(w, "\"");
}

static void put_number(Writer *w, uint64_t value) {
        put(w, " %" PRIu64 "\n", value);
}

/* A metric of a gate, without its value. label: NULL for none. */
static void put_gate(Writer *w, const char *name, const Gate *g, const char *label, const char *value) {
        put(w, "%s", name);
        put_label(w, '{', "gate", gate_name(g));
        if (label)
                put_label(w, ',', label, value);
        put(w, "}");
}

static void put_seconds(Writer *w, usec_t usec) {
        put(w, " %" PRIu64 ".%06" PRIu64 "\n", usec / USEC_PER_SEC, usec % USEC_PER_SEC);
}

static void put_single(Writer *w, const char *name, const char *type, const char *help, uint64_t value) {
        put_family(w, name, type, help);
        put(w, "%s", name);
        put_number(w, value);
}

static void put_versions(Writer *w, const World *world) {
        const char *server = world->server_version;

        put_family(w, "msready_build_info", "gauge", "The version of msreadyd.");
        put(w, "msready_build_info{version=\"" PROJECT_VERSION "\"} 1\n");
        if (!server)
                return;
        put_family(w, "msready_kubernetes_build_info", "gauge", "The version of the API server.");
        put(w, "msready_kubernetes_build_info");
        put_label(w, '{', "git_version", server);
        put(w, "} 1\n");
}

static void put_verdict(Writer *w, const Readiness *readiness) {
        const Board *b = &readiness->board;
        size_t open, required, blockers = 0;

        open = board_count_open(b, &required);
        BOARD_FOREACH(g, b) {
                if (gate_is_required(g))
                        blockers += g->report.n_blockers;
        }

        put_family(w, "msready_verdict", "gauge",
                   "Whether the cluster is in this state, over all required gates.");
        for (GateState s = 0; s < _GATE_STATE_MAX; s++)
                if (s != GATE_DISABLED)
                        put(w, "msready_verdict{state=\"%s\"} %d\n", gate_state_to_string(s),
                            s == b->verdict.state);
        put_family(w, "msready_verdict_changed_boottime_seconds", "gauge",
                   "When the verdict last changed, in seconds since the kernel started.");
        put(w, "msready_verdict_changed_boottime_seconds");
        put_seconds(w, b->verdict.changed);
        put_single(w, "msready_required_gates", "gauge", "Gates that count for the verdict.", required);
        put_single(w, "msready_required_gates_ready", "gauge",
                   "Gates that count for the verdict and are ready.", open);
        put_single(w, "msready_blockers", "gauge", "What keeps required gates shut: objects and reasons.",
                   blockers);
        put_single(w, "msready_transitions_total", "counter",
                   "Changes of the state of a gate or of the verdict in this boot.",
                   timeline_added(readiness->timeline));
        put_single(w, "msready_image_pulls_total", "counter",
                   "Images pulled in this boot, as events report it.",
                   event_digest_pulls(readiness->events));
}

/* One metric of one gate. */
typedef struct GateMetric {
        const char *name, *help;
        uint64_t value;
        bool is_boottime; /* value is a time, 0 where what it is the time of has not happened */
} GateMetric;

#define GATE_METRICS 8

static void list_metrics(const Gate *g, GateMetric ret[static GATE_METRICS]) {
        const Report *r = &g->report;
        const GateMetric metrics[GATE_METRICS] = {
                { "msready_gate_required", "Whether the gate counts for the verdict.", gate_is_required(g) },
                { "msready_gate_changed_boottime_seconds",
                  "When the gate's state last changed, in seconds since the kernel started.", g->changed,
                  true },
                { "msready_gate_first_ready_boottime_seconds",
                  "When the gate first opened in this boot, in seconds since the kernel started.",
                  g->first_ready, true },
                { "msready_gate_blockers", "What keeps the gate shut: objects and reasons.", r->n_blockers },
                { "msready_gate_objects", "Objects that the gate looks at.", r->total_objects },
                { "msready_gate_ready_objects",
                  "Objects that the gate looks at and that are ready, and proven so.", r->ready_objects },
                { "msready_gate_containers", "Containers that the gate looks at.", r->total_containers },
                { "msready_gate_ready_containers",
                  "Containers that the gate looks at and that are ready, and proven so.",
                  r->ready_containers },
        };

        memcpy(ret, metrics, sizeof(metrics));
}

/* Disabled gates have none of them, and a value that does not exist is left out. */
static void put_gate_metrics(Writer *w, const Board *b) {
        for (size_t k = 0; k < GATE_METRICS; k++)
                for (size_t i = 0; i < b->n_gates; i++) {
                        const Gate *g = b->gates[i];
                        GateMetric metrics[GATE_METRICS], *m = &metrics[k];

                        list_metrics(g, metrics);
                        if (i == 0)
                                put_family(w, m->name, "gauge", m->help);
                        if (gate_state(g) == GATE_DISABLED || (m->is_boottime && m->value == 0))
                                continue;
                        put_gate(w, m->name, g, NULL, NULL);
                        if (m->is_boottime)
                                put_seconds(w, m->value);
                        else
                                put_number(w, m->value);
                }
}

static void put_gate_states(Writer *w, const Board *b) {
        put_family(w, "msready_gate_state", "gauge", "Whether the gate is in this state.");
        BOARD_FOREACH(g, b) {
                for (GateState s = 0; s < _GATE_STATE_MAX; s++) {
                        put_gate(w, "msready_gate_state", g, "state", gate_state_to_string(s));
                        put_number(w, s == gate_state(g));
                }
        }
}

static void put_guards(Writer *w, const Board *b) {
        put_family(
                w, "msready_guards_held_total", "counter",
                "Times that what looked ready was not believed: it was from another boot, not alive here, or "
                "reported by a silent kubelet.");
        BOARD_FOREACH(g, b) {
                for (Guard guard = 0; guard < _GUARD_MAX && gate_state(g) != GATE_DISABLED; guard++) {
                        put_gate(w, "msready_guards_held_total", g, "reason", guard_to_string(guard));
                        put_number(w, g->held[guard]);
                }
        }
}

static void put_streams(Writer *w, const World *world) {
        const StreamTotals *totals = &world->totals;
        uint64_t streams = 0, in_sync = 0;

        for (const WorldStream *s = world->streams; s; s = s->next) {
                streams++;
                in_sync += s->in_sync;
        }

        put_single(w, "msready_api_ready", "gauge",
                   "Whether the API server answers and reports that it is ready.", world->api == API_READY);
        put_single(w, "msready_streams", "gauge", "Streams of objects from the API server.", streams);
        put_single(w, "msready_streams_in_sync", "gauge", "Streams of objects that are up to date.",
                   in_sync);
        put_single(w, "msready_objects", "gauge", "Objects of the API that are kept in memory.",
                   world->n_objects);
        put_single(w, "msready_stream_requests_total", "counter", "Lists and watches requested.",
                   totals->requests);
        put_single(w, "msready_stream_restarts_total", "counter", "Watches restarted.", totals->restarts);
        put_single(w, "msready_stream_failures_total", "counter", "Lists and watches that failed.",
                   totals->failures);
        put_single(w, "msready_stream_listings_total", "counter", "Listings started.", totals->listings);
        put_single(w, "msready_stream_events_total", "counter", "Objects and bookmarks received.",
                   totals->events);
        put_single(w, "msready_stream_received_bytes_total", "counter",
                   "Bytes received by lists and watches.", totals->bytes);
}

/* Appends all metrics. The same state prints the same text. -ENOMEM, or -E2BIG over the buffer's limit. */
int publish_metrics_print(const Readiness *readiness, Buffer *b) {
        Writer w = { .b = b };

        put_versions(&w, readiness->world);
        put_verdict(&w, readiness);
        if (readiness->board.n_gates > 0) {
                put_gate_states(&w, &readiness->board);
                put_gate_metrics(&w, &readiness->board);
                put_guards(&w, &readiness->board);
        }
        put_streams(&w, readiness->world);
        return w.error;
}

/* Warns once, until there is another error or writing works again. */
static void complain(PublishMetrics *p, int error) {
        if (error == p->error)
                return;
        log_warning(
                "Cannot write the metrics to Textfile=%s of [Metrics]: %s, continuing without. The folder must "
                "exist, and the sandbox of msready.service must allow it by ReadWritePaths=: see the drop-in "
                "node-exporter.conf.",
                p->file, strerror(-error));
        p->error = error;
}

static void write_file(PublishMetrics *p) {
        Buffer b = BUFFER_INIT(LIMIT_METRICS);
        int r;

        p->looked = now_monotonic();
        r = publish_metrics_print(p->readiness, &b);
        if (r >= 0 && p->error == 0 && b.size == p->written.size &&
            memcmp(b.data, p->written.data, b.size) == 0) {
                buffer_done(&b);
                return;
        }
        if (r >= 0)
                r = file_write_atomic(p->file, b.data, b.size, 0644);
        if (r < 0) {
                buffer_done(&b);
                complain(p, r);
                return;
        }

        if (p->error < 0)
                log_info("The metrics are written to %s again", p->file);
        p->error = 0;
        buffer_done(&p->written);
        p->written = b;
}

static void on_again(LoopTimer *timer) {
        write_file(container_of(timer, PublishMetrics, again));
}

/* Writes to another file, or to none, from now on, and removes the one that it wrote. */
static int set_file(PublishMetrics *p, const char *file) {
        if (p->file && p->written.size > 0 && unlink(p->file) < 0 && errno != ENOENT)
                log_warning("Cannot remove %s: %s; its metrics are stale", p->file, strerror(errno));
        buffer_done(&p->written);
        loop_timer_stop(&p->again);
        p->error = 0;
        p->looked = 0;
        return free_and_strdup(&p->file, file);
}

/* Something may be new, the file's name (NULL: none) included. Writes at once if the last look was a second
 * ago, else when it will have been. */
void publish_metrics_update(PublishMetrics *p, const char *file) {
        usec_t due;
        int r = 0;

        if (!streq_ptr(p->file, file))
                r = set_file(p, file);
        if (r >= 0 && p->file && !loop_timer_is_armed(&p->again)) {
                due = usec_add(p->looked, PAUSE_USEC);
                if (p->looked == 0 || due <= now_monotonic())
                        write_file(p);
                else
                        loop_timer_set(p->loop, &p->again, due, on_again);
        }
        if (r < 0)
                loop_fail(p->loop, r);
}

/* Writes nothing yet. readiness outlives it. -ENOMEM. */
int publish_metrics_new(Loop *loop, const Readiness *readiness, PublishMetrics **ret) {
        PublishMetrics *p = calloc(1, sizeof(PublishMetrics));

        if (!p)
                return -ENOMEM;
        p->loop = loop;
        p->readiness = readiness;
        p->written = BUFFER_INIT(LIMIT_METRICS);

        *ret = p;
        return 0;
}

PublishMetrics *publish_metrics_free(PublishMetrics *p) {
        if (!p)
                return NULL;

        (void) set_file(p, NULL);
        loop_timer_done(&p->again);
        return mfree(p);
}
