/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"
#include "source-kubeconfig.h"

/* The list+watch streams that the gates need, each a reflector of lib/kube joined to a request of lib/http. */

typedef struct SourceStreams SourceStreams;
typedef struct SourceStreamsOps SourceStreamsOps;

/* What it reports; nothing of it is to be acted upon before the call has returned. */
struct SourceStreamsOps {
        void (*doubt)(SourceStreamsOps *ops); /* a stream failed as if the API server were away */
        /* The server does not take what we know: source_streams_credentials_read() goes on. */
        void (*credentials_refused)(SourceStreamsOps *ops);
};

int source_streams_new(Hub *hub, const SourceKubeconfig *kubeconfig, SourceStreamsOps *ops,
                       SourceStreams **ret);
SourceStreams *source_streams_free(SourceStreams *s);
DEFINE_CLEANUP(SourceStreams, source_streams_free)

void source_streams_api_changed(SourceStreams *s);
void source_streams_version_changed(SourceStreams *s);
void source_streams_credentials_read(SourceStreams *s, bool changed);
void source_streams_connect_again(SourceStreams *s);
void source_streams_update(SourceStreams *s);
