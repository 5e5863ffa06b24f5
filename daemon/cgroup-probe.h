/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/cgroup.h"
#include "ready/world.h"

/* Looks at the cgroups below a root, whichever version they are of. */
typedef struct CgroupProbe {
        char *root;
        bool unified;
        char *hierarchy; /* v1: the folder below the root whose groups are asked; NULL where there is none yet */
} CgroupProbe;

int cgroup_probe_init(CgroupProbe *p, const char *root);
void cgroup_probe_done(CgroupProbe *p);
int cgroup_probe_find(CgroupProbe *p, const ContainerAddress *a, char **ret);
ContainerLife cgroup_probe_ask(CgroupProbe *p, const char *path, int *ret_error);
