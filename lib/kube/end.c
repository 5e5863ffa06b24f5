/* SPDX-License-Identifier: Apache-2.0 */

#include "kube/end.h"

static const char *const end_table[_KUBE_END_MAX] = {
        [KUBE_END_EOF] = "eof",
        [KUBE_END_CUT] = "cut",
        [KUBE_END_CONNECT] = "connect",
        [KUBE_END_TIMEOUT] = "timeout",
        [KUBE_END_TLS] = "tls",
        [KUBE_END_CLOCK] = "clock",
        [KUBE_END_CREDENTIALS] = "credentials",
        [KUBE_END_PROTOCOL] = "protocol",
        [KUBE_END_INTERNAL] = "internal",
};

static const char *const trouble_table[_REFLECTOR_TROUBLE_MAX] = {
        [REFLECTOR_TROUBLE_NONE] = "",
        [REFLECTOR_TROUBLE_API_UNREACHABLE] = "ApiUnreachable",
        [REFLECTOR_TROUBLE_API_NOT_READY] = "ApiNotReady",
        [REFLECTOR_TROUBLE_NOT_SYNCED] = "NotSynced",
        [REFLECTOR_TROUBLE_UNAUTHORIZED] = "Unauthorized",
        [REFLECTOR_TROUBLE_FORBIDDEN] = "Forbidden",
        [REFLECTOR_TROUBLE_NOT_FOUND] = "NotFound",
        [REFLECTOR_TROUBLE_CLOCK] = "Clock",
};

const char *kube_end_to_string(KubeEnd end) {
        return end >= 0 && end < _KUBE_END_MAX ? end_table[end] : NULL;
}

/* The reason as users see it; "" for none. */
const char *reflector_trouble_to_string(ReflectorTrouble trouble) {
        return trouble >= 0 && trouble < _REFLECTOR_TROUBLE_MAX ? trouble_table[trouble] : NULL;
}
