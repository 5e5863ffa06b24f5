/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/gate.h"

/* What the host's groups say of the containers that a status names, and of what lives beside them (rule R3). */

/* More unnamed IDs than that are not remembered of a pod: then no restart of its containers can be told. */
#define BESIDE_MAX 4

bool life_is_dead(ContainerLife l);
ContainerLife life_after(ContainerLife before, ContainerLife now);

void life_tell_dead(Finding *f, const World *w, const char *whose, const char *container, ContainerLife l);

bool pod_asks_for_living(const WorldObject *pod);
int pod_take_living(WorldObject *pod, char *const *living);
int pod_recall_beside(WorldObject *pod, const Gate *g);

bool kept_asks_for_living(const Gate *g, const KeptContainer *k);
bool kept_take_living(Gate *g, const char *pod_uid, char *const *living);
