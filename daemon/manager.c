/* SPDX-License-Identifier: Apache-2.0 */

/* One predicate decides: manager_reconsider(), once after the events of each turn of the loop. It finds our
 * node, judges the board, tells the publishers of edges, and has the sources look after what the gates need
 * now. Nothing else changes a gate. */

#include "manager.h"

#include <signal.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "configuration.h"
#include "host-facts.h"
#include "message-id.h"
#include "publish-journal.h"
#include "publish-metrics.h"
#include "publish-notify.h"
#include "publish-state.h"
#include "publish-varlink.h"
#include "gates/gate-condition.h"
#include "source-api.h"
#include "source-host.h"
#include "source-kubeconfig.h"
#include "source-questions.h"
#include "source-streams.h"

/* Asks the API server whether it is still there, renews the stamp of what is kept. Less than what the server
 * keeps an idle connection for (90 s), so that asking costs no handshake. */
#define COARSE_USEC (45 * USEC_PER_SEC)

const char *manager_server(const Manager *m) {
        const KubeConfig *c = m->kubeconfig ? source_kubeconfig_get(m->kubeconfig) : NULL;

        return c ? c->server : NULL;
}

const char *manager_server_version(const Manager *m) {
        return m->api ? source_api_version(m->api) : NULL;
}

const char *manager_node_name(const Manager *m) {
        return m->world->node ? m->world->node->object->name : NULL;
}

/* The median of earlier boots that did, or did not, pull images as this one does. -ENODATA without any. */
int manager_typical_ready(const Manager *m, usec_t *ret) {
        return boot_log_typical(m->boots, event_digest_pulls(m->events) > 0, m->world->host.boot_id, ret);
}

/* Edges of the board. */

/* gate is NULL where the verdict changed; object is NULL where no object did. */
static void record(Manager *m, const Gate *gate, const ObjectName *object, const char *from, const char *to,
                   const Blocker *blocker) {
        Transition t = {
                .boottime = now_boottime(),
                .realtime = now_realtime(),
                .gate = gate ? strdup(gate_name(gate)) : NULL,
                .from = strdup(from),
                .to = strdup(to),
        };
        int r = 0;

        if (!t.from || !t.to || (gate && !t.gate))
                r = -ENOMEM;
        if (r >= 0 && object)
                r = object_name_set(&t.object, object->kind, object->namespace, object->name);
        if (r >= 0 && blocker) {
                r = blocker_copy(blocker, &t.blocker);
                t.has_blocker = r >= 0;
        }
        if (r >= 0 && t.has_blocker && gate)
                r = free_and_strdup(&t.blocker.gate, gate_name(gate));
        if (r >= 0)
                r = timeline_add(m->timeline, &t);
        transition_done(&t);
        if (r < 0)
                log_debug("Cannot record a transition: %s", strerror(-r));
}

static void record_state(Manager *m, const Gate *gate, GateState from, GateState to,
                         const Blocker *blocker) {
        record(m, gate, NULL, gate_state_to_string(from), gate_state_to_string(to), blocker);
}

static void on_object_changed(BoardOps *ops, const Gate *gate, const ObjectEdge *edge) {
        record(container_of(ops, Manager, board_ops), gate, edge->object, object_state_to_string(edge->from),
               object_state_to_string(edge->to), edge->blocker);
}

static void on_gate_changed(BoardOps *ops, Gate *gate, GateState before, unsigned what) {
        Manager *m = container_of(ops, Manager, board_ops);

        if (what & GATE_CHANGED_STATE) {
                record_state(m, gate, before, gate_state(gate), gate_waited_for(gate));
                publish_journal_gate(m, gate, before);
        }
        publish_varlink_gate_changed(m->varlink, gate, before, what);
}

static void on_verdict_changed(BoardOps *ops, const Verdict *verdict, GateState before) {
        Manager *m = container_of(ops, Manager, board_ops);

        m->verdict_changed_realtime = now_realtime();
        record_state(m, NULL, before, verdict->state, board_first_blocker(&m->board, NULL));
        publish_journal_verdict(m, before);
        publish_varlink_verdict_changed(m->varlink);
        if (verdict->state == GATE_READY)
                m->boot_is_news = true;
}

static void choose_node(Manager *m) {
        NodeChoice choice;

        node_choose(m->world, &choice);
        if (choice.node != m->world->node && choice.node)
                log_debug("This host is the node %s", choice.node->object->name);
        m->world->node = choice.node;
}

static void on_deadline(LoopTimer *timer) {
        manager_touch(container_of(timer, Manager, deadline));
}

static void manager_reconsider(Manager *m) {
        uint64_t recorded = timeline_added(m->timeline);
        int r;

        choose_node(m);
        r = board_reconsider(&m->board, m->world, instant_now(), &m->board_ops);
        if (r < 0)
                log_error("Cannot judge the gates: %s, none of them opens", strerror(-r));

        if (!m->was_fresh && board_is_fresh(&m->board)) {
                m->was_fresh = true;
                publish_notify_ready(m->notify);
        } else
                publish_notify_update(m->notify);
        publish_varlink_flush(m->varlink);
        publish_metrics_update(m->metrics);
        /* Files last: who waits for us need not wait for the disk. What became of objects waits for the coarse
         * timer. */
        if (timeline_added(m->timeline) != recorded)
                publish_state_save(m->state);
        if (m->boot_is_news) {
                m->boot_is_news = false;
                publish_state_save_boot(m->state);
        }

        source_streams_update(m->streams);
        source_api_update(m->api);
        source_host_update(m->host);
        source_questions_update(m->questions);

        loop_timer_set(m->loop, &m->deadline, board_deadline(&m->board), on_deadline);
}

static void on_reconsider(LoopDeferred *deferred) {
        manager_reconsider(container_of(deferred, Manager, reconsider));
}

void manager_touch(Manager *m) {
        loop_deferred_set(m->loop, &m->reconsider, on_reconsider);
}

static void on_coarse(LoopTimer *timer) {
        Manager *m = container_of(timer, Manager, coarse);

        source_api_coarse(m->api);
        publish_state_save(m->state);
        publish_metrics_update(m->metrics);
        loop_timer_set(m->loop, &m->coarse, usec_add(now_monotonic(), COARSE_USEC), on_coarse);
}

/* Configuration. */

static void apply_log_level(const Manager *m) {
        int level = m->options->log_level >= 0 ? m->options->log_level : m->settings->log_level;

        log_set_max_level(level >= 0 ? level : LOG_INFO);
}

static int apply_settings(Manager *m, Settings *settings) {
        int r;

        r = free_and_strdup(&m->world->node_setting, settings->node);
        if (r < 0)
                return r;
        m->world->cluster_scope = settings->scope == SCOPE_CLUSTER;
        settings_free(m->settings);
        m->settings = settings;
        apply_log_level(m);
        return 0;
}

static int take_gates(Manager *m, Configuration *c, char ***ret_removed) {
        _cleanup_(strv_freep) char **warnings = NULL;
        int r;

        r = board_set(&m->board, c->setups, c->n_setups, instant_now(), &warnings, ret_removed);
        if (r < 0)
                return r;
        STRV_FOREACH(w, c->warnings)
                log_warning("%s", *w);
        STRV_FOREACH(w, warnings)
                log_warning("%s", *w);
        for (size_t i = 0; i < m->board.n_gates; i++) {
                const GateSetup *s = &m->board.gates[i]->setup;
                const char *why = s->definition->invalid ?: s->cause;
                const LogField fields[] = { { "MESSAGE_ID", MESSAGE_ID_GATE_INVALID },
                                            { "MSREADY_GATE", gate_name(m->board.gates[i]) },
                                            {} };

                if (s->definition->invalid || (s->enabled && s->cause))
                        log_full(LOG_WARNING, fields, "Gate %s is invalid, it waits: %s",
                                 gate_name(m->board.gates[i]), why);
        }
        strv_free(m->gate_warnings);
        m->gate_warnings = TAKE_PTR(c->warnings);
        return 0;
}

static bool cluster_settings_equal(const Settings *a, const Settings *b) {
        return streq_ptr(a->kubeconfig, b->kubeconfig) && streq_ptr(a->context, b->context) &&
               streq_ptr(a->node, b->node) && a->scope == b->scope;
}

/* Reads the configuration anew. Where it is broken the old one goes on, and *reterr_detail says why. */
int manager_reload(Manager *m, char **reterr_detail) {
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        _cleanup_(strv_freep) char **removed = NULL;
        _cleanup_free_ char *detail = NULL;
        const LogField loaded[] = { { "MESSAGE_ID", MESSAGE_ID_CONFIG_LOADED }, {} };
        const LogField refused[] = { { "MESSAGE_ID", MESSAGE_ID_CONFIG_REFUSED }, {} };
        bool same_cluster;
        int r;

        publish_notify_reloading(m->notify);

        r = configuration_load(m->options, &c, &detail);
        if (r >= 0)
                r = take_gates(m, &c, &removed);
        if (r < 0) {
                log_full(LOG_ERR, refused, "Cannot reload: %s, going on as before", detail ?: strerror(-r));
                *reterr_detail = detail ? TAKE_PTR(detail) : strdup(strerror(-r));
                publish_notify_reloaded(m->notify);
                return r;
        }

        same_cluster = cluster_settings_equal(m->settings, c.settings);
        r = apply_settings(m, c.settings);
        if (r < 0)
                log_error("Cannot take the new settings: %s, going on with the old ones", strerror(-r));
        else
                TAKE_PTR(c.settings);
        publish_varlink_gates_removed(m->varlink, removed);
        source_host_reload(m->host);
        if (!same_cluster) {
                source_kubeconfig_reload(m->kubeconfig);
                board_look_anew(&m->board, false);
        }
        source_streams_connect_anew(m->streams);
        log_full(LOG_INFO, loaded, "Configuration loaded anew: %zu gates", m->board.n_gates);
        manager_reconsider(m);
        publish_notify_reloaded(m->notify);
        return r;
}

/* The kubeconfig names another server, or other credentials; or it was written anew while nothing answers. */
void manager_credentials_changed(Manager *m, bool other_server) {
        if (!m->api || !m->streams)
                return;
        /* What the former one said is not believed of it. */
        source_api_connect_anew(m->api, other_server);
        if (other_server) {
                board_look_anew(&m->board, true);
                source_streams_connect_anew(m->streams);
        }
        source_streams_kick(m->streams);
        manager_touch(m);
}

/* MicroShift has (re)written its kubeconfig: the conditions of the gates are looked at again. */
void manager_conditions_changed(Manager *m) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *microshift = NULL;
        GateFacts facts = { .path_exists = gate_path_exists };
        bool other_objects = false;

        if (microshift_config_load(MICROSHIFT_CONFIG_FILE, MICROSHIFT_CONFIG_FOLDER, &microshift) < 0)
                return;
        facts.microshift = microshift;

        for (size_t i = 0; i < m->board.n_gates; i++) {
                Gate *g = m->board.gates[i];
                GateState before = gate_state(g);
                bool asked = gate_is_asked(g);
                char *cause = NULL;
                int r;

                if (g->setup.definition->invalid)
                        continue;
                r = gate_conditions_hold(g->setup.definition, &facts, &cause);
                gate_set_enabled(g, r != 0, r > 0 ? mfree(cause) : cause, instant_now());
                other_objects = other_objects || gate_is_asked(g) != asked;
                if (gate_state(g) != before) {
                        record_state(m, g, before, gate_state(g), NULL);
                        publish_journal_gate(m, g, before);
                        publish_varlink_gate_changed(m->varlink, g, before, GATE_CHANGED_STATE);
                }
        }
        /* What no gate looks at was dropped as it came. */
        if (other_objects)
                source_streams_connect_anew(m->streams);
        manager_touch(m);
}

/* Signals. */

static void on_terminate(LoopSignal *signal, int number) {
        Manager *m = container_of(signal, Manager, signals[number == SIGINT ? 1 : 0]);

        manager_stop(m);
}

static void on_hangup(LoopSignal *signal, int number) {
        Manager *m = container_of(signal, Manager, signals[2]);
        _cleanup_free_ char *detail = NULL;

        (void) manager_reload(m, &detail);
}

static int listen_to_signals(Manager *m) {
        int r;

        if ((r = loop_signal_set(m->loop, &m->signals[0], SIGTERM, on_terminate)) < 0 ||
            (r = loop_signal_set(m->loop, &m->signals[1], SIGINT, on_terminate)) < 0 ||
            (r = loop_signal_set(m->loop, &m->signals[2], SIGHUP, on_hangup)) < 0)
                return r;
        return 0;
}

void manager_stop(Manager *m) {
        publish_notify_stopping(m->notify);
        publish_varlink_stopping(m->varlink);
        publish_state_save(m->state);
        publish_state_save_boot(m->state);
        loop_exit(m->loop, 0);
}

static int start_parts(Manager *m, int listen_fd) {
        int r;

        r = http_client_new(m->loop, &m->http);
        if (r < 0)
                return r;
        r = publish_state_new(m, &m->state);
        if (r < 0)
                return r;
        publish_state_restore(m->state);
        if (m->board.verdict.changed == 0) /* nothing was restored: it begins to wait now */
                m->board.verdict.changed = now_boottime();
        m->verdict_changed_realtime =
                usec_sub(now_realtime(), usec_sub(now_boottime(), m->board.verdict.changed));

        if ((r = publish_varlink_new(m, listen_fd, m->options->socket, &m->varlink)) < 0 ||
            (r = publish_metrics_new(m, &m->metrics)) < 0 || (r = source_host_new(m, &m->host)) < 0 ||
            (r = source_questions_new(m, &m->questions)) < 0 ||
            (r = source_streams_new(m, &m->streams)) < 0 ||
            (r = source_kubeconfig_new(m, &m->kubeconfig)) < 0 || (r = source_api_new(m, &m->api)) < 0)
                return r;
        return publish_notify_new(m, &m->notify);
}

/* Makes the manager and all its parts. listen_fd: the socket that systemd handed over, taken, or -1. Errors
 * have been logged. */
int manager_new(Loop *loop, const Options *options, int listen_fd, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = NULL;
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        _cleanup_(strv_freep) char **removed = NULL;
        _cleanup_free_ char *detail = NULL;
        int r;

        m = calloc(1, sizeof(Manager));
        if (!m)
                return -ENOMEM;
        m->loop = loop;
        m->options = options;
        m->board = BOARD_INIT;
        m->board_ops.object_changed = on_object_changed;
        m->board_ops.gate_changed = on_gate_changed;
        m->board_ops.verdict_changed = on_verdict_changed;

        /* Before anything is read, so that no change of it is missed; they are acted upon when the loop runs. */
        r = listen_to_signals(m);
        if (r < 0)
                return r;
        r = configuration_load(options, &c, &detail);
        if (r < 0) {
                log_error("%s", detail ?: strerror(-r));
                return r;
        }
        if ((r = world_new(&m->world)) < 0 || (r = event_digest_new(&m->events)) < 0 ||
            (r = timeline_new(LIMIT_TRANSITIONS, LIMIT_OBJECT_TRANSITIONS, &m->timeline)) < 0 ||
            (r = boot_log_new(LIMIT_BOOTS, &m->boots)) < 0 ||
            (r = apply_settings(m, TAKE_PTR(c.settings))) < 0)
                return r;
        m->world->events = m->events;
        r = host_facts_read(options, m->settings, &m->world->host);
        if (r < 0)
                return r;
        m->userspace = host_userspace_start();
        r = world_set_api(m->world, API_UNREACHABLE, REASON_API_UNREACHABLE, "not tried yet", instant_now());
        if (r < 0)
                return r;
        r = take_gates(m, &c, &removed);
        if (r < 0)
                return r;
        r = start_parts(m, listen_fd);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

/* Begins to judge. */
int manager_start(Manager *m) {
        /* The gates were loaded before the kubeconfig was watched: MicroShift may have started in between. */
        manager_conditions_changed(m);
        manager_touch(m);
        loop_timer_set(m->loop, &m->coarse, usec_add(now_monotonic(), COARSE_USEC), on_coarse);
        return 0;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(m->signals); i++)
                loop_signal_done(&m->signals[i]);
        loop_deferred_done(&m->reconsider);
        loop_timer_done(&m->deadline);
        loop_timer_done(&m->coarse);

        source_questions_free(m->questions);
        source_streams_free(m->streams);
        source_api_free(m->api);
        source_kubeconfig_free(m->kubeconfig);
        source_host_free(m->host);
        publish_notify_free(m->notify);
        publish_varlink_free(m->varlink);
        publish_metrics_free(m->metrics);
        publish_state_free(m->state);
        http_client_free(m->http);

        board_done(&m->board);
        world_free(m->world);
        event_digest_free(m->events);
        timeline_free(m->timeline);
        boot_log_free(m->boots);
        settings_free(m->settings);
        strv_free(m->gate_warnings);
        return mfree(m);
}
