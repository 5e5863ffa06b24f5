/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/kubeconfig.h"
#include "yaml/yaml.h"

/* kubeconfig-warnings.c */
int kube_config_warn(KubeConfig *c, unsigned line, const char *format, ...) _printf_(3, 4);
int kube_config_warn_of_text(KubeConfig *c, const YNode *root);
