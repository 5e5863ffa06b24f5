/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"
#include "source-kubeconfig.h"

/* Whether the API server is there: /readyz, until it answers 200; and the other paths that [Api] checks name. */

typedef struct SourceApi SourceApi;

int source_api_new(Hub *hub, SourceKubeconfig *kubeconfig, SourceApi **ret);
SourceApi *source_api_free(SourceApi *s);
DEFINE_CLEANUP(SourceApi, source_api_free)

void source_api_connect_again(SourceApi *s, bool other_server);
void source_api_doubt(SourceApi *s);
void source_api_update(SourceApi *s);
void source_api_coarse(SourceApi *s);
