/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "event/loop.h"
#include "ready/readiness.h"

/* The text file for node_exporter, where [Metrics] Textfile= names one. */

typedef struct PublishMetrics PublishMetrics;

int publish_metrics_new(Loop *loop, const Readiness *readiness, PublishMetrics **ret);
PublishMetrics *publish_metrics_free(PublishMetrics *p);
DEFINE_CLEANUP(PublishMetrics, publish_metrics_free)

void publish_metrics_update(PublishMetrics *p, const char *file);
int publish_metrics_print(const Readiness *readiness, Buffer *b);
