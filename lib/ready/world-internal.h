/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/world.h"

/* What world.c and world-stream.c share. */

void world_drop_object(World *w, WorldObject *o);
int world_object_key(const char *stream, KubeKind kind, const char *namespace, const char *name, char **ret);
WorldObject *world_find_of_stream(const World *w, const char *stream, KubeKind kind, const char *namespace,
                                  const char *name);
