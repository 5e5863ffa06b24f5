/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "http/http.h"
#include "ready/board.h"
#include "history/boots.h"
#include "diagnosis/events.h"
#include "history/timeline.h"

#include "options.h"
#include "settings.h"

/* Owns all parts and joins them: sources write the world, manager_reconsider() judges it, publishers act on
 * the edges. Sources and publishers see the manager and not each other. */

typedef struct Manager Manager;

struct Manager {
        Loop *loop;
        HttpClient *http;
        const Options *options;
        Settings *settings;
        char **gate_warnings; /* of the gates that are loaded */

        World *world;
        Board board;
        BoardOps board_ops;
        EventDigest *events;
        Timeline *timeline;
        BootLog *boots;
        usec_t verdict_changed_realtime;
        usec_t userspace;  /* monotonic: when this userspace began, 0 where nobody says */
        bool was_fresh;    /* READY=1 has been sent by this process */
        bool boot_is_news; /* its line in the record of boots is to be written */

        struct SourceKubeconfig *kubeconfig;
        struct SourceApi *api;
        struct SourceStreams *streams;
        struct SourceHost *host;
        struct SourceQuestions *questions;
        struct PublishNotify *notify;
        struct PublishVarlink *varlink;
        struct PublishState *state;
        struct PublishMetrics *metrics;

        LoopDeferred reconsider;
        LoopTimer deadline;
        LoopTimer coarse;
        LoopSignal signals[3];
};

int manager_new(Loop *loop, const Options *options, int listen_fd, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager, manager_free)
int manager_start(Manager *m);

/* Something in the world is new: the board is judged before the loop sleeps again. */
void manager_touch(Manager *m);

/* The kubeconfig names other credentials, or another server; or it was written anew while nothing answers. */
void manager_credentials_changed(Manager *m, bool other_server);
/* MicroShift has (re)written its kubeconfig: the conditions of the gates are looked at again. */
void manager_conditions_changed(Manager *m);

int manager_reload(Manager *m, char **reterr_detail);
void manager_stop(Manager *m);

/* What the API server and the configuration say, for those who tell it. Owned by the manager. */
const char *manager_server(const Manager *m);
const char *manager_server_version(const Manager *m);
const char *manager_node_name(const Manager *m);
int manager_typical_ready(const Manager *m, usec_t *ret);
