/* SPDX-License-Identifier: Apache-2.0 */

/* Joins the parts. Sources write the world and report what other parts have to do about it. The manager puts
 * a report down as a bit and acts upon it after the events of this turn of the loop, when no source is at
 * work. Then, if anything is new, manager_reconsider() has the readiness judged once: publishers act on its
 * edges, and the sources look at what the gates need now. Nothing else changes a gate. */

#include "manager.h"

#include <signal.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/string-util.h"
#include "configuration.h"
#include "gates/gate-condition.h"
#include "host-facts.h"
#include "hub.h"
#include "message-id.h"
#include "publish-journal.h"
#include "publish-metrics.h"
#include "publish-notify.h"
#include "publish-state.h"
#include "publish-varlink.h"
#include "source-api.h"
#include "source-host.h"
#include "source-kubeconfig.h"
#include "source-mounts.h"
#include "source-questions.h"
#include "source-streams.h"

/* How often the manager asks the API server whether it is still there, and renews the stamp of the kept
 * state. Less than the 90 s for which the server keeps an idle connection, so that asking costs no
 * handshake. */
#define COARSE_USEC (45 * USEC_PER_SEC)
/* How often it looks for a condition that could not be read: nothing tells when its file is mended. */
#define CONDITIONS_USEC (5 * USEC_PER_SEC)

/* What the sources have reported and the manager has yet to act upon. */
enum {
        REPORT_REFUSED = 1 << 0,      /* the server does not take the credentials */
        REPORT_CREDENTIALS = 1 << 1,  /* there are others, or the old ones are worth another try */
        REPORT_OTHER_SERVER = 1 << 2, /* with the above */
        REPORT_REWRITTEN = 1 << 3,    /* MicroShift has written its kubeconfig */
        REPORT_API = 1 << 4,          /* it is ready, or is so no longer */
        REPORT_VERSION = 1 << 5,
        REPORT_DOUBT = 1 << 6,   /* a stream failed as if the API were away */
        REPORT_MOUNTED = 1 << 7, /* another file system has the configuration */
};

struct Manager {
        Hub hub;
        Settings *settings;
        char *host_in_use; /* [Host] as it was at the start */
        Readiness readiness;
        unsigned reports;
        bool touched;      /* something in the world is new */
        bool boot_is_news; /* its line in the record of boots is to be written */

        SourceMounts *mounts;
        SourceKubeconfig *kubeconfig;
        SourceApi *api;
        SourceStreams *streams;
        SourceHost *host;
        SourceQuestions *questions;
        PublishNotify *notify;
        PublishVarlink *varlink;
        PublishState *state;
        PublishMetrics *metrics;

        ReadinessOps readiness_ops;
        SourceMountsOps mounts_ops;
        SourceKubeconfigOps kubeconfig_ops;
        SourceApiOps api_ops;
        SourceStreamsOps streams_ops;
        PublishVarlinkOps varlink_ops;

        LoopDeferred turn;
        LoopTimer deadline;
        LoopTimer coarse;
        LoopTimer conditions;
        LoopSignal signals[3];
};

static void on_turn(LoopDeferred *deferred);

static void report(Manager *m, unsigned reports) {
        m->reports |= reports;
        loop_deferred_set(m->hub.loop, &m->turn, on_turn);
}

static void touch(Manager *m) {
        m->touched = true;
        loop_deferred_set(m->hub.loop, &m->turn, on_turn);
}

/* What the sources say. */

static void on_touched(Hub *hub) {
        touch(container_of(hub, Manager, hub));
}

static void on_mounts_changed(SourceMountsOps *ops) {
        report(container_of(ops, Manager, mounts_ops), REPORT_MOUNTED);
}

static void on_kubeconfig_changed(SourceKubeconfigOps *ops, bool other_server) {
        report(container_of(ops, Manager, kubeconfig_ops),
               REPORT_CREDENTIALS | (other_server ? REPORT_OTHER_SERVER : 0));
}

static void on_kubeconfig_rewritten(SourceKubeconfigOps *ops) {
        report(container_of(ops, Manager, kubeconfig_ops), REPORT_REWRITTEN);
}

static void on_api_ready_changed(SourceApiOps *ops) {
        report(container_of(ops, Manager, api_ops), REPORT_API);
}

static void on_api_version(SourceApiOps *ops) {
        report(container_of(ops, Manager, api_ops), REPORT_VERSION);
}

static void on_api_refused(SourceApiOps *ops) {
        report(container_of(ops, Manager, api_ops), REPORT_REFUSED);
}

static void on_streams_doubt(SourceStreamsOps *ops) {
        report(container_of(ops, Manager, streams_ops), REPORT_DOUBT);
}

static void on_streams_refused(SourceStreamsOps *ops) {
        report(container_of(ops, Manager, streams_ops), REPORT_REFUSED);
}

/* Edges of the readiness. */

static void on_cluster_changed(ReadinessOps *ops, const char *why) {
        log_notice("Forgetting all states, which belong to another cluster or another part of it: %s", why);
}

static void on_gate_changed(ReadinessOps *ops, const Gate *gate, GateState before, unsigned what) {
        Manager *m = container_of(ops, Manager, readiness_ops);

        if (what & GATE_CHANGED_STATE)
                publish_journal_gate(gate, before);
        publish_varlink_gate_changed(m->varlink, gate, before, what);
}

static void on_verdict_changed(ReadinessOps *ops, GateState before) {
        Manager *m = container_of(ops, Manager, readiness_ops);

        publish_journal_verdict(&m->readiness, before);
        publish_varlink_verdict_changed(m->varlink);
        if (m->readiness.board.verdict.state == GATE_READY)
                m->boot_is_news = true;
}

static void save_boot(Manager *m) {
        int r = readiness_record_boot(&m->readiness, instant_now(), now_realtime());

        if (r < 0)
                log_warning("Cannot record this boot: %s", strerror(-r));
        else
                publish_state_save_boots(m->state);
}

static void on_deadline(LoopTimer *timer) {
        touch(container_of(timer, Manager, deadline));
}

static void on_conditions(LoopTimer *timer);

static void arm_conditions(Manager *m) {
        if (!readiness_lacks_conditions(&m->readiness))
                loop_timer_stop(&m->conditions);
        else if (!loop_timer_is_armed(&m->conditions))
                loop_timer_set(m->hub.loop, &m->conditions, usec_add(now_monotonic(), CONDITIONS_USEC),
                               on_conditions);
}

static void manager_reconsider(Manager *m) {
        Readiness *readiness = &m->readiness;
        uint64_t recorded = timeline_added(readiness->timeline);
        int r;

        m->touched = false;
        source_host_look_at_news(m->host);
        r = readiness_reconsider(readiness, instant_now(), now_realtime(), &m->readiness_ops);
        if (r < 0)
                log_error("Cannot evaluate the gates: %s, no gate opens", strerror(-r));

        publish_notify_update(m->notify);
        publish_varlink_flush(m->varlink);
        publish_metrics_update(m->metrics, m->settings->textfile);
        /* Files last: clients and systemd need not wait for the disk. The coarse timer saves the objects'
         * transitions. */
        if (timeline_added(readiness->timeline) != recorded)
                publish_state_save(m->state);
        if (m->boot_is_news) {
                m->boot_is_news = false;
                save_boot(m);
        }

        source_streams_update(m->streams);
        source_api_update(m->api);
        source_host_update(m->host);
        source_questions_update(m->questions);
        loop_timer_set(m->hub.loop, &m->deadline, board_deadline(&readiness->board), on_deadline);
        arm_conditions(m);
}

/* Acting upon reports. */

/* Where the file has nothing new, the refused streams try again with the same credentials; else the
 * kubeconfig reports the change, and then all streams try. */
static void read_credentials(Manager *m) {
        if (source_kubeconfig_reread(m->kubeconfig) == 0)
                source_streams_credentials_read(m->streams, false);
}

static void connect_again(Manager *m, bool other_server) {
        /* What the former server said does not hold for another one, which is asked nothing before its API
         * is ready. */
        source_api_connect_again(m->api, other_server);
        if (other_server) {
                source_streams_api_changed(m->streams);
                board_look_again(&m->readiness.board, true);
                source_streams_connect_again(m->streams);
        }
        source_streams_credentials_read(m->streams, true);
        touch(m);
}

/* MicroShift has started: what its configuration says and its folders hold now decides which gates apply. */
static void apply_conditions(Manager *m) {
        _cleanup_(host_gate_facts_done) HostGateFacts host = HOST_GATE_FACTS_NULL;

        touch(m);
        if (host_gate_facts_load(&host) < 0)
                return;
        if (readiness_apply_conditions(&m->readiness, &host.facts, instant_now()))
                source_streams_connect_again(m->streams);
}

static void on_conditions(LoopTimer *timer) {
        apply_conditions(container_of(timer, Manager, conditions));
}

/* The order matters: the streams learn that the API is away before anything else has them ask, and what follows from
 * credentials and server comes after these. Acting may bring new reports. */
static void act_on_reports(Manager *m) {
        while (m->reports != 0) {
                unsigned reports = m->reports;

                m->reports = 0;
                if (reports & REPORT_API)
                        source_streams_api_changed(m->streams);
                if (reports & REPORT_REFUSED)
                        read_credentials(m);
                if (reports & REPORT_CREDENTIALS)
                        connect_again(m, reports & REPORT_OTHER_SERVER);
                if (reports & REPORT_REWRITTEN)
                        apply_conditions(m);
                if (reports & REPORT_VERSION)
                        source_streams_version_changed(m->streams);
                if (reports & REPORT_DOUBT)
                        source_api_doubt(m->api);
        }
}

static void on_coarse(LoopTimer *timer) {
        Manager *m = container_of(timer, Manager, coarse);

        source_mounts_look(m->mounts);
        source_kubeconfig_look(m->kubeconfig);
        source_api_coarse(m->api);
        publish_state_save(m->state);
        publish_metrics_update(m->metrics, m->settings->textfile);
        loop_timer_set(m->hub.loop, &m->coarse, usec_add(now_monotonic(), COARSE_USEC), on_coarse);
}

/* Configuration. */

static void apply_log_level(const Manager *m) {
        int level = m->hub.options->log_level >= 0 ? m->hub.options->log_level : m->settings->log_level;

        log_set_max_level(level >= 0 ? level : LOG_INFO);
}

static int apply_settings(Manager *m, Settings *settings) {
        World *world = m->readiness.world;
        int r;

        r = set_string(&world->node_setting, settings->node)
                    ?: set_string(&world->context_setting, settings->context);
        if (r < 0)
                return r;
        world->cluster_scope = settings->scope == SCOPE_CLUSTER;
        settings_free(m->settings);
        m->hub.settings = m->settings = settings;
        apply_log_level(m);
        return 0;
}

static int take_gates(Manager *m, Configuration *c, char ***ret_removed) {
        _cleanup_(problems_done) Problems problems = PROBLEMS_NULL;
        _cleanup_(strv_freep) char **order = NULL;
        Board *board = &m->readiness.board;
        int r;

        r = board_set(board, c->setups, c->n_setups, instant_now(), &order, ret_removed);
        if (r < 0)
                return r;
        if (configuration_find_problems(c, board, order, &problems) < 0)
                log_error("Lacking memory to list what is wrong with the configuration");
        problems_done(&m->readiness.problems);
        m->readiness.problems = problems;
        problems = PROBLEMS_NULL;
        STRV_FOREACH(w, m->readiness.problems.warnings)
                log_warning("%s", *w);
        BOARD_FOREACH(g, board) {
                const char *name = gate_name(g), *trouble = gate_setup_trouble(&g->setup);
                const LogField fields[] = { { "MESSAGE_ID", MESSAGE_ID_GATE_INVALID },
                                            { "MSREADY_GATE", name },
                                            {} };

                if (trouble)
                        log_full(LOG_WARNING, fields, "Gate %s is invalid and waits: %s", name, trouble);
        }
        return 0;
}

static bool cluster_settings_equal(const Settings *a, const Settings *b) {
        return streq_ptr(a->kubeconfig, b->kubeconfig) && streq_ptr(a->context, b->context) &&
               streq_ptr(a->node, b->node) && a->scope == b->scope;
}

static char *join_host(const Settings *s) {
        char *text = NULL;

        (void) asprintf_ret(&text, "%s\n%s\n%s", strempty(s->boot_id_file), strempty(s->machine_id_file),
                            strempty(s->cgroup_root));
        return text;
}

/* What [Host] says is read at the start only. */
static void warn_of_host(Manager *m, const Settings *settings) {
        static const char text[] =
                "[Host] has changed, and is not in use until the daemon is restarted: systemctl "
                "restart --no-block msready.service";
        _cleanup_free_ char *host = join_host(settings);

        if (!host || streq_ptr(host, m->host_in_use))
                return;
        log_warning("%s", text);
        (void) problems_add(&m->readiness.problems.warnings, "%s", text);
}

/* Reads the configuration again. Where it is broken the old one stays, and *reterr_detail says why. */
static int reload(Manager *m, char **reterr_detail) {
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        _cleanup_(strv_freep) char **removed = NULL;
        _cleanup_free_ char *detail = NULL;
        const LogField loaded[] = { { "MESSAGE_ID", MESSAGE_ID_CONFIG_LOADED }, {} };
        const LogField refused[] = { { "MESSAGE_ID", MESSAGE_ID_CONFIG_REFUSED }, {} };
        bool same_cluster;
        int r;

        publish_notify_reloading(m->notify);

        r = configuration_load(m->hub.options, &c, &detail);
        if (r >= 0)
                r = source_kubeconfig_check(m->kubeconfig, c.settings, &detail);
        if (r >= 0)
                r = take_gates(m, &c, &removed);
        if (r < 0) {
                log_full(LOG_ERR, refused, "Cannot reload, keeping the old configuration: %s",
                         detail ?: strerror(-r));
                *reterr_detail = detail ? TAKE_PTR(detail) : strdup(strerror(-r));
                publish_notify_reloaded(m->notify);
                return r;
        }

        /* What the journal is told by the source of the kubeconfig. */
        (void) configuration_warn_of_kubeconfig(c.settings, m->hub.options, &m->readiness.problems.warnings);
        warn_of_host(m, c.settings);
        same_cluster = cluster_settings_equal(m->settings, c.settings);
        r = apply_settings(m, c.settings);
        if (r < 0)
                log_error("Cannot use the new settings: %s, keeping the old ones", strerror(-r));
        else
                TAKE_PTR(c.settings);
        publish_varlink_gates_removed(m->varlink, removed);
        publish_varlink_verdict_changed(m->varlink); /* other gates may be masked now */
        source_host_reload(m->host);
        source_kubeconfig_reload(m->kubeconfig);
        act_on_reports(m);
        if (!same_cluster)
                board_look_again(&m->readiness.board, false);
        source_streams_connect_again(m->streams);
        log_full(LOG_INFO, loaded, "Configuration reloaded: %zu gates", m->readiness.problems.n_gates);
        manager_reconsider(m);
        publish_notify_reloaded(m->notify);
        return r;
}

static int on_reload(PublishVarlinkOps *ops, char **reterr_detail) {
        return reload(container_of(ops, Manager, varlink_ops), reterr_detail);
}

/* A refusal has been logged. */
static void reload_after_mount(Manager *m) {
        _cleanup_free_ char *detail = NULL;

        log_notice(
                "The folders of the gates or of MicroShift's configuration are on another file system now, "
                "reading them again");
        (void) reload(m, &detail);
}

static void on_turn(LoopDeferred *deferred) {
        Manager *m = container_of(deferred, Manager, turn);
        bool mounted = m->reports & REPORT_MOUNTED;

        m->reports &= ~(unsigned) REPORT_MOUNTED;
        act_on_reports(m);
        if (mounted)
                reload_after_mount(m);
        if (m->touched)
                manager_reconsider(m);
}

/* Signals. */

static void stop(Manager *m) {
        publish_notify_stopping(m->notify);
        publish_varlink_stopping(m->varlink);
        publish_state_save(m->state);
        save_boot(m);
        loop_exit(m->hub.loop, 0);
}

static void on_terminate(LoopSignal *signal, int number) {
        stop(container_of(signal, Manager, signals[number == SIGINT ? 1 : 0]));
}

static void on_hangup(LoopSignal *signal, int number) {
        _cleanup_free_ char *detail = NULL;

        (void) reload(container_of(signal, Manager, signals[2]), &detail);
}

static int listen_to_signals(Manager *m) {
        Loop *loop = m->hub.loop;
        int r;

        if ((r = loop_signal_set(loop, &m->signals[0], SIGTERM, on_terminate)) < 0 ||
            (r = loop_signal_set(loop, &m->signals[1], SIGINT, on_terminate)) < 0 ||
            (r = loop_signal_set(loop, &m->signals[2], SIGHUP, on_hangup)) < 0)
                return r;
        return 0;
}

static int start_parts(Manager *m, int listen_fd) {
        Hub *hub = &m->hub;
        int r;

        r = http_client_new(hub->loop, &hub->http);
        if (r < 0)
                return r;
        r = publish_state_new(&m->readiness, hub->options, &m->state);
        if (r < 0)
                return r;
        publish_state_restore(m->state, &m->readiness);

        if ((r = publish_varlink_new(hub->loop, &m->readiness, &m->varlink_ops, listen_fd,
                                     hub->options->socket, &m->varlink)) < 0 ||
            (r = publish_metrics_new(hub->loop, &m->readiness, &m->metrics)) < 0 ||
            (r = source_host_new(hub, &m->host)) < 0 || (r = source_questions_new(hub, &m->questions)) < 0 ||
            (r = source_kubeconfig_new(hub, &m->kubeconfig_ops, &m->kubeconfig)) < 0 ||
            (r = source_streams_new(hub, m->kubeconfig, &m->streams_ops, &m->streams)) < 0 ||
            (r = source_api_new(hub, m->kubeconfig, &m->api_ops, &m->api)) < 0)
                return r;
        return publish_notify_new(hub->loop, &m->readiness, &m->notify);
}

static void connect_parts(Manager *m, Loop *loop, const Options *options) {
        m->hub =
                (Hub){ .loop = loop, .options = options, .readiness = &m->readiness, .touched = on_touched };
        m->readiness_ops = (ReadinessOps){ on_cluster_changed, on_gate_changed, on_verdict_changed };
        m->mounts_ops = (SourceMountsOps){ on_mounts_changed };
        m->kubeconfig_ops = (SourceKubeconfigOps){ on_kubeconfig_changed, on_kubeconfig_rewritten };
        m->api_ops = (SourceApiOps){ on_api_ready_changed, on_api_version, on_api_refused };
        m->streams_ops = (SourceStreamsOps){ on_streams_doubt, on_streams_refused };
        m->varlink_ops = (PublishVarlinkOps){ on_reload };
}

/* Makes the manager and all its parts. loop and options outlive it. listen_fd: the socket that systemd handed over,
 * taken, or -1. Errors have been logged. */
int manager_new(Loop *loop, const Options *options, int listen_fd, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = NULL;
        _cleanup_(configuration_done) Configuration c = CONFIGURATION_NULL;
        _cleanup_(strv_freep) char **removed = NULL;
        _cleanup_free_ char *detail = NULL;
        World *world;
        int r;

        m = calloc(1, sizeof(Manager));
        if (!m)
                return -ENOMEM;
        connect_parts(m, loop, options);

        /* Before anything is read, so that no later change is missed; the loop acts upon the signals when it
         * runs. */
        r = listen_to_signals(m);
        if (r >= 0)
                r = source_mounts_new(&m->hub, &m->mounts_ops, &m->mounts);
        if (r < 0)
                return r;
        r = configuration_load(options, &c, &detail);
        if (r < 0) {
                log_error("%s", detail ?: strerror(-r));
                return r;
        }
        if ((r = readiness_init(&m->readiness)) < 0 || (r = apply_settings(m, TAKE_PTR(c.settings))) < 0)
                return r;
        world = m->readiness.world;
        m->host_in_use = join_host(m->settings);
        r = m->host_in_use ? host_facts_read(options, m->settings, &world->host) : -ENOMEM;
        if (r < 0)
                return r;
        m->readiness.userspace = host_userspace_start();
        r = world_set_api(world, API_UNREACHABLE, REASON_NOT_ASKED, API_NOT_ASKED, instant_now());
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
void manager_start(Manager *m) {
        /* The gates were loaded before the kubeconfig was watched, and MicroShift may have started in
         * between. */
        apply_conditions(m);
        touch(m);
        loop_timer_set(m->hub.loop, &m->coarse, usec_add(now_monotonic(), COARSE_USEC), on_coarse);
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(m->signals); i++)
                loop_signal_done(&m->signals[i]);
        loop_deferred_done(&m->turn);
        loop_timer_done(&m->deadline);
        loop_timer_done(&m->coarse);
        loop_timer_done(&m->conditions);

        source_questions_free(m->questions);
        source_streams_free(m->streams);
        source_api_free(m->api);
        source_kubeconfig_free(m->kubeconfig);
        source_mounts_free(m->mounts);
        source_host_free(m->host);
        publish_notify_free(m->notify);
        publish_varlink_free(m->varlink);
        publish_metrics_free(m->metrics);
        publish_state_free(m->state);
        http_client_free(m->hub.http);

        readiness_done(&m->readiness);
        settings_free(m->settings);
        free(m->host_in_use);
        return mfree(m);
}
