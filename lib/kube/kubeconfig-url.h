/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/kubeconfig.h"

/* The URLs of a kubeconfig, taken apart. */

int kube_config_set_server(KubeConfig *c, const char *url, const char **reterr_why);
bool kube_config_proxy_is_supported(const char *url);
