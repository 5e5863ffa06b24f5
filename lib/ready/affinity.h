/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/object.h"

bool affinity_admits(const KubeWorkload *set, const KubeNode *node);
