/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/object.h"

/* kubectl's columns of a pod: READY is "ready/total". */
typedef struct PodColumns {
        unsigned ready;
        unsigned total;
        char *status;
        char *restarts;
} PodColumns;

#define POD_COLUMNS_NULL ((PodColumns){})

int pod_columns(const KubePod *pod, usec_t realtime, PodColumns *ret);
bool pod_columns_differ(const KubePod *a, const KubePod *b);
void pod_columns_done(PodColumns *c);
void pod_blocking_reason(const KubePod *pod, const char **ret_reason, const char **ret_message);

const char *node_status_column(const KubeNode *node);

#define HUMAN_DURATION_MAX 32
char *human_duration(char buf[static HUMAN_DURATION_MAX], usec_t from, usec_t to);
