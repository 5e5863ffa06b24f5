/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ready/cgroup.h"
#include "ready/world.h"

/* Looks at the cgroups below a root, whichever version they are of. */
typedef struct CgroupProbe {
        char *root;
        bool unified; /* false while there is no root */
        char *hierarchy; /* v1: the folder below the root whose groups are asked; NULL where there is none yet */
        char **parents;    /* folders in the hierarchy, not itself, that have a group of all pods */
        bool has_searched; /* the whole hierarchy for them */
} CgroupProbe;

int cgroup_probe_init(CgroupProbe *p, const char *root);
void cgroup_probe_done(CgroupProbe *p);
void cgroup_probe_look_again(CgroupProbe *p);
int cgroup_probe_find(CgroupProbe *p, const ContainerAddress *a, char **ret);
int cgroup_probe_find_pod(CgroupProbe *p, const ContainerAddress *a, char **ret);
int cgroup_probe_list(CgroupProbe *p, const char *pod, char ***ret);
ContainerLife cgroup_probe_ask(CgroupProbe *p, const char *path, int *ret_error);
