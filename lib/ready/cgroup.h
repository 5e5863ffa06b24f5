/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/object.h"

/* What the place of a container's cgroup depends on. Paths are relative to the hierarchy's root. */

typedef struct ContainerAddress {
        const char *pod_uid; /* a static pod's is its config hash */
        KubeQos qos;
        const char *id; /* as the API has it, with or without "cri-o://" */
} ContainerAddress;

/* Of the IDs that CRI-O, containerd and cri-dockerd give: hexadecimal digits. */
#define CONTAINER_ID_SIZE 64

const char *container_id_bare(const char *id);
bool container_id_is_valid(const char *id);
bool pod_uid_is_valid(const char *uid);
int cgroup_candidate(const ContainerAddress *a, unsigned n, char **ret);
int cgroup_pod_candidate(const ContainerAddress *a, unsigned n, char **ret);
bool cgroup_name_is_container(const char *name, const char *id);
bool cgroup_name_read_id(const char *name, char ret[static CONTAINER_ID_SIZE + 1]);
bool cgroup_name_is_pod(const char *name, const char *uid);
bool cgroup_name_is_kubepods(const char *name);
int cgroup_events_populated(const char *text);
