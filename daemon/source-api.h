/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"
#include "source-kubeconfig.h"

/* Whether the API server is there: /readyz, until it answers 200; and the other paths that [Api] checks name. */

typedef struct SourceApi SourceApi;
typedef struct SourceApiOps SourceApiOps;

/* What it reports; nothing of it is to be acted upon before the call has returned. */
struct SourceApiOps {
        void (*ready_changed)(SourceApiOps *ops);       /* the world's API is ready, or is so no longer */
        void (*version)(SourceApiOps *ops);             /* the world has another server_version */
        void (*credentials_refused)(SourceApiOps *ops); /* the server does not take what we know */
};

int source_api_new(Hub *hub, SourceKubeconfig *kubeconfig, SourceApiOps *ops, SourceApi **ret);
SourceApi *source_api_free(SourceApi *s);
DEFINE_CLEANUP(SourceApi, source_api_free)

void source_api_connect_again(SourceApi *s, bool other_server);
void source_api_doubt(SourceApi *s);
void source_api_update(SourceApi *s);
void source_api_coarse(SourceApi *s);
