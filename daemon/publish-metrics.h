/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "manager.h"

/* The text file for node_exporter, where [Metrics] Textfile= names one. */

typedef struct PublishMetrics PublishMetrics;

int publish_metrics_new(Manager *m, PublishMetrics **ret);
PublishMetrics *publish_metrics_free(PublishMetrics *p);
DEFINE_CLEANUP(PublishMetrics, publish_metrics_free)

void publish_metrics_update(PublishMetrics *p);
int publish_metrics_print(const Manager *m, Buffer *b);
