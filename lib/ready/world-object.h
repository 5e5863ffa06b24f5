/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/world.h"

/* Objects in the world's maps, for world-stream.c. world.h has the rest. */

void world_drop_object(World *w, WorldObject *o);
int world_object_key(const char *stream, KubeKind kind, const char *namespace, const char *name, char **ret);
WorldObject *world_find_of_stream(const World *w, const char *stream, KubeKind kind, const char *namespace,
                                  const char *name);
