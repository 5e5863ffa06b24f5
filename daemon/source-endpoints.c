/* SPDX-License-Identifier: Apache-2.0 */
#include "source-endpoints.h"
struct SourceEndpoints { Manager *manager; };
int source_endpoints_new(Manager *m, SourceEndpoints **ret) {
        SourceEndpoints *p = calloc(1, sizeof(SourceEndpoints));
        if (!p)
                return -ENOMEM;
        p->manager = m;
        *ret = p;
        return 0;
}
SourceEndpoints *source_endpoints_free(SourceEndpoints *s) {
        return mfree(s);
}
void source_endpoints_update(SourceEndpoints *s) {
}
