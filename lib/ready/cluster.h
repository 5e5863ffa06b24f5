/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "json/builder.h"
#include "ready/world.h"

/* The cluster, and the part of it, that the states of a board are about (rule R6). */
typedef struct ClusterName {
        bool is_known;    /* the settings are */
        bool is_restored; /* kept by an earlier run, and not all of it has been compared yet */
        char *server;     /* its URL; NULL while no kubeconfig has been read */
        char *ca;         /* a hash of its certificate authority; likewise */
        char *context;    /* Context=, NULL where it is not set */
        char *node;       /* Node=, likewise */
        bool cluster_scope;
        char *node_uid; /* of our node; NULL while it has not been listed */
} ClusterName;

void cluster_name_done(ClusterName *c);
bool cluster_name_is_other(const ClusterName *c, const World *w, char *text, size_t size);
int cluster_name_follow(ClusterName *c, const World *w, bool is_other);
void cluster_name_print(const ClusterName *c, JsonBuilder *b);
int cluster_name_restore(ClusterName *c, const JsonValue *v);
