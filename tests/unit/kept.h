/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A daemon that stops and starts again, with what it keeps in between (rule R6). */

#include "fixture.h"

#include "base/limits.h"
#include "base/string-util.h"

#define NS "openshift-dns"

static const KeepStamp here = { .boot_id = THIS_BOOT, .userspace = 4321 };

static inline void add_gates(Play *p) {
        PlayCheck readyz = check_of(&check_kind_api);

        readyz.api.path = (char *) "/readyz";
        PLAY_GATE(p, "dns", check_pods(NS, NULL));
        PLAY_GATE(p, "api", readyz);
}

static inline void name_cluster(Play *p, const char *server, const char *ca) {
        assert_true(free_and_strdup(&p->world->server, server) >= 0);
        assert_true(free_and_strdup(&p->world->server_ca, ca) >= 0);
}

/* dns and api are open; the pod has two containers. */
static inline void kept_begin(Play *p) {
        PlayPod pod = pod_ready(NS, "dns-default-28m2q", 3, 31);

        play_cluster(p);
        name_cluster(p, "https://localhost:6443", "11");
        pod.containers[1] = (PlayContainer){
                .name = "proxy", .role = KUBE_CONTAINER_MAIN, .state = KUBE_CONTAINER_RUNNING, .id = 32
        };
        pod.config_hash = "d41d8cd98f00b204e9800998ecf8427e";
        pod_owned(&pod, "Node", GUIDE_NODE, 1);
        play_start_pod(p, &pod);
        add_gates(p);
        play_load(p);
        assert_verdict(p, "ready");
        assert_true(board_is_fresh(&p->board));
}

static inline Buffer kept_stop(Play *p) {
        Buffer b = BUFFER_INIT(MIB(1));

        assert_ok(keep_print(&p->board, p->world, &here, p->now, &b));
        play_restart_daemon(p);
        return b;
}

/* The daemon is back: the gates that are added are loaded and have their past; nothing is known of the cluster. */
static inline int kept_start_with(Play *p, Buffer *b, const KeepStamp *stamp, void (*add)(Play *p)) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        int r;

        add(p);
        assert_ok(board_set(&p->board, p->setups, p->n_setups, p->now, &warnings, &removed));
        p->n_setups = 0;
        r = keep_restore(&p->board, b->data, b->size, stamp, p->now);
        buffer_done(b);
        p->gate_edges = 0;
        play_look(p);
        play_judge(p);
        return r;
}

static inline int kept_start(Play *p, Buffer *b, const KeepStamp *stamp) {
        return kept_start_with(p, b, stamp, add_gates);
}

/* The daemon was away for so long. */
static inline void kept_restart_after(Play *p, usec_t down) {
        Buffer b = kept_stop(p);

        p->now.monotonic += down;
        p->now.boottime += down;
        assert_ok(kept_start(p, &b, &here));
}

static inline void kept_restart(Play *p) {
        kept_restart_after(p, 0);
}
