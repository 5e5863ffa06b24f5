/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/http.h"
#include "kube/kubeconfig.h"

#include "options.h"
#include "settings.h"

/* The kubeconfig that was asked for. */

int chosen_kubeconfig_path(const Options *options, const Settings *settings, char **ret,
                           char **reterr_detail);
int chosen_kubeconfig_load(const char *path, const char *context, KubeConfig **ret, HttpTarget **ret_target,
                           char **reterr_detail);
int chosen_kubeconfig_try(const Options *options, const Settings *settings, char ***warnings,
                          char **reterr_detail);
int chosen_kubeconfig_failure(const Settings *settings, const char *path, int error, const char *detail,
                              char **ret);
