/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/world.h"

typedef struct NodeChoice {
        WorldObject *node;  /* NULL where it is not known which is ours */
        const char *reason; /* then: NodeAmbiguous, NodeNotRegistered or Unreadable */
        char message[256];
} NodeChoice;

void node_choose(const World *w, NodeChoice *ret);
bool node_is_of_this_boot(const World *w, const WorldObject *node);
bool node_is_ours(const World *w, const WorldObject *node);
usec_t node_fresh_since(const World *w, const WorldObject *node);
const KubeCondition *node_pressure(const World *w, const WorldObject *node, size_t i);
void node_judge(const World *w, const WorldObject *node, Finding *ret);
