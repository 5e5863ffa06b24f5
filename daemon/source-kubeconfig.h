/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hub.h"
#include "kube/kubeconfig.h"

/* The kubeconfig, read again whenever it, a file that it names, or a folder above changes. */

typedef struct SourceKubeconfig SourceKubeconfig;
typedef struct SourceKubeconfigOps SourceKubeconfigOps;

/* What it reports; nothing of it is to be acted upon before the call has returned. */
struct SourceKubeconfigOps {
        /* It names other credentials, or another server, or the same one with another certificate authority, which
         * may be of another cluster; or it was written again while the API is not ready. */
        void (*changed)(SourceKubeconfigOps *ops, bool other_server);
        /* The file was written: MicroShift has started. */
        void (*rewritten)(SourceKubeconfigOps *ops);
};

int source_kubeconfig_new(Hub *hub, SourceKubeconfigOps *ops, SourceKubeconfig **ret);
SourceKubeconfig *source_kubeconfig_free(SourceKubeconfig *s);
DEFINE_CLEANUP(SourceKubeconfig, source_kubeconfig_free)

const KubeConfig *source_kubeconfig_get(const SourceKubeconfig *s);
HttpTarget *source_kubeconfig_target(const SourceKubeconfig *s);
/* Why there is none that can be used: KubeconfigMissing or KubeconfigInvalid, and in what words. */
const char *source_kubeconfig_reason(const SourceKubeconfig *s);
const char *source_kubeconfig_message(const SourceKubeconfig *s);
int source_kubeconfig_reread(SourceKubeconfig *s);
void source_kubeconfig_look(SourceKubeconfig *s);
int source_kubeconfig_check(const SourceKubeconfig *s, const Settings *settings, char **reterr_detail);
void source_kubeconfig_reload(SourceKubeconfig *s);
