/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/object.h"

bool affinity_admits(const KubeWorkload *set, const KubeNode *node);
const KubeTaint *affinity_repels(const KubeWorkload *set, const KubeNode *node);
const KubeTaint *affinity_delays(const KubeWorkload *set, const KubeNode *node);
