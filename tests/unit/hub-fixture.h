/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a source of the daemon is given, with a scripted server in the place of the API server: a hub whose touches are
 * counted, a kubeconfig in a folder of the test's own, gates out of text. */

#include "test.h"

#include "folder.h"
#include "http-server.h"

#include "gates/definition.h"
#include "ready/check-kinds.h"
#include "hub.h"
#include "source-kubeconfig.h"

#define PATIENCE_USEC (10 * USEC_PER_SEC)

typedef struct HubFixture HubFixture;

struct HubFixture {
        Folder folder;
        Server server;
        Options options;
        Settings settings;
        Readiness readiness;
        Hub hub;
        char *kubeconfig_path;
        SourceKubeconfig *kubeconfig;
        SourceKubeconfigOps kubeconfig_ops;
        unsigned n_touched, n_changed, n_other_server, n_rewritten;

        LoopTimer tick;
        usec_t ends;
        bool (*until)(HubFixture *f); /* NULL: until the time is over */
};

static inline void hub_on_touched(Hub *hub) {
        container_of(hub, HubFixture, hub)->n_touched++;
}

static inline void hub_on_changed(SourceKubeconfigOps *ops, bool other_server) {
        HubFixture *f = container_of(ops, HubFixture, kubeconfig_ops);

        f->n_changed++;
        f->n_other_server += other_server;
}

static inline void hub_on_rewritten(SourceKubeconfigOps *ops) {
        container_of(ops, HubFixture, kubeconfig_ops)->n_rewritten++;
}

/* Writes a kubeconfig that names a port of this host. mark tells it from others; plain http has no use for it. */
static inline void hub_write_kubeconfig(HubFixture *f, unsigned port, const char *mark) {
        _cleanup_free_ char *text = NULL;

        assert_ok(asprintf_ret(&text,
                               "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                               "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%u', "
                               "tls-server-name: %s}}]\n"
                               "contexts: [{name: c, context: {cluster: c}}]\n",
                               port, mark));
        folder_write(&f->folder, "kubeconfig", text);
}

/* with_kubeconfig: there is one, of the scripted server. */
static inline void hub_begin(HubFixture *f, void (*on_request)(Peer *peer, const char *text),
                             bool with_kubeconfig) {
        folder_begin(&f->folder);
        f->kubeconfig_path = folder_path(&f->folder, "kubeconfig");
        f->options = (Options){ .kubeconfig = f->kubeconfig_path };
        f->hub = (Hub){ .options = &f->options,
                        .settings = &f->settings,
                        .readiness = &f->readiness,
                        .touched = hub_on_touched };
        f->kubeconfig_ops = (SourceKubeconfigOps){ hub_on_changed, hub_on_rewritten };
        assert_ok(loop_new(&f->hub.loop));
        assert_ok(http_client_new(f->hub.loop, &f->hub.http));
        assert_ok(readiness_init(&f->readiness));
        server_start(&f->server, f->hub.loop);
        f->server.on_request = on_request;
        if (with_kubeconfig)
                hub_write_kubeconfig(f, f->server.port, "t");
        assert_ok(source_kubeconfig_new(&f->hub, &f->kubeconfig_ops, &f->kubeconfig));
}

/* The source under test is gone by then. */
static inline void hub_end(HubFixture *f) {
        source_kubeconfig_free(f->kubeconfig);
        loop_timer_done(&f->tick);
        server_stop(&f->server);
        http_client_free(f->hub.http);
        readiness_done(&f->readiness);
        loop_free(f->hub.loop);
        folder_end(&f->folder);
        free(f->kubeconfig_path);
}

static inline void hub_on_tick(LoopTimer *timer) {
        HubFixture *f = container_of(timer, HubFixture, tick);
        usec_t now = now_monotonic();

        if (f->until ? f->until(f) : now >= f->ends) {
                loop_exit(f->hub.loop, 0);
                return;
        }
        if (now >= f->ends)
                fail_msg("it did not come true in %u s", (unsigned) (PATIENCE_USEC / USEC_PER_SEC));
        loop_timer_set(f->hub.loop, timer, usec_add(now, 2 * USEC_PER_MSEC), hub_on_tick);
}

static inline void hub_run_until(HubFixture *f, bool (*until)(HubFixture *f)) {
        f->until = until;
        f->ends = usec_add(now_monotonic(), PATIENCE_USEC);
        loop_timer_set(f->hub.loop, &f->tick, now_monotonic(), hub_on_tick);
        assert_ok(loop_run(f->hub.loop));
}

static inline void hub_run_for(HubFixture *f, usec_t usec) {
        f->until = NULL;
        f->ends = usec_add(now_monotonic(), usec);
        loop_timer_set(f->hub.loop, &f->tick, now_monotonic(), hub_on_tick);
        assert_ok(loop_run(f->hub.loop));
}

/* Puts one gate, called "a" and required, on the board; text: its file. NULL: there is none any more. */
static inline void hub_load_gate(HubFixture *f, const char *text) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        GateSetup setup = { .enabled = true, .required = true };

        if (text) {
                char *const folders[] = { f->folder.path, NULL };

                folder_write(&f->folder, "a.gate", text);
                assert_ok(gate_definition_load(folders, "a", check_find_syntax, &setup.definition));
                assert_null(setup.definition->invalid);
        }
        assert_ok(board_set(&f->readiness.board, &setup, text ? 1 : 0, instant_now(), &warnings, &removed));
}
