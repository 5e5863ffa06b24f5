/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "kube/kubeconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(kube_config_freep) KubeConfig *c = NULL;
        _cleanup_free_ char *detail = NULL;
        int r;

        r = kube_config_parse((const char *) data, size, "/etc/k/config", NULL, &c, &detail);
        if (r < 0) {
                assert(!c && detail);
                assert(r == -EAGAIN || r == -EBADMSG || r == -EOPNOTSUPP);
                assert(!strpbrk(detail, "\n\r\x1b"));
                return 0;
        }
        assert(c->context && c->cluster && c->server && c->prefix && c->host && c->host[0]);
        assert(c->port > 0 && c->port <= 65535);
        assert(!strpbrk(c->server, " \r\n"));
        assert(!c->token.data || !strpbrk(c->token.data, " \r\n"));
        assert(kube_config_equal(c, c));
        return 0;
}
