/* SPDX-License-Identifier: Apache-2.0 */
#include "publish-metrics.h"
struct PublishMetrics { Manager *manager; };
int publish_metrics_new(Manager *m, PublishMetrics **ret) {
        PublishMetrics *p = calloc(1, sizeof(PublishMetrics));
        if (!p)
                return -ENOMEM;
        p->manager = m;
        *ret = p;
        return 0;
}
PublishMetrics *publish_metrics_free(PublishMetrics *p) {
        return mfree(p);
}
void publish_metrics_update(PublishMetrics *p) {
}
