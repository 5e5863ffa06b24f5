/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/arena.h"
#include "kube/object.h"

/* Namespaces, names and uids: DNS subdomains and UUIDs. */
#define NAME_SIZE_MAX 253

extern const size_t kube_object_sizes[_KUBE_KIND_MAX];

/* What each kind has besides the members of KubeObject. */
void kube_pod_read(Arena *a, const JsonValue *json, KubePod *p);
void kube_node_read(Arena *a, const JsonValue *json, KubeNode *n);
void kube_workload_read(Arena *a, const JsonValue *json, KubeWorkload *w);
void kube_lease_read(Arena *a, const JsonValue *json, KubeLease *l);
void kube_event_read(Arena *a, const JsonValue *json, KubeEvent *e);
void kube_generic_read(Arena *a, const JsonValue *json, KubeGeneric *g);
