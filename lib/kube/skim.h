/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/scanner.h"

int kube_skim_brief(KubeScanner *s, char *text, size_t size, bool bookmark);
int kube_skim_list(KubeScanner *s, char *text, size_t size);
