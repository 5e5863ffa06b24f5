/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/object.h"

int kube_prune(KubeKind kind, char *text, size_t *size);
