/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* How a request ended, as the daemon tells the reflector. */
typedef enum KubeEnd {
        KUBE_END_EOF,         /* the body is complete as HTTP counts */
        KUBE_END_CUT,         /* the connection broke within the answer, or before it */
        KUBE_END_CONNECT,     /* refused, no route, no such name */
        KUBE_END_TIMEOUT,     /* no answer in time; half-open; a hung server whose streams are replaced */
        KUBE_END_TLS,         /* the certificate or the handshake */
        KUBE_END_CLOCK,       /* by our clock a certificate is not valid yet, or has expired */
        KUBE_END_CREDENTIALS, /* our certificate or key is refused or cannot be used */
        KUBE_END_PROTOCOL,    /* not HTTP, or too large */
        KUBE_END_INTERNAL,    /* our own failure: out of memory, cannot start */
        _KUBE_END_MAX,
        _KUBE_END_INVALID = -EINVAL,
} KubeEnd;

/* Why a stream is not in sync. Users see the texts as reasons. */
typedef enum ReflectorTrouble {
        REFLECTOR_TROUBLE_NONE,
        REFLECTOR_TROUBLE_API_UNREACHABLE,
        REFLECTOR_TROUBLE_API_NOT_READY,
        REFLECTOR_TROUBLE_NOT_SYNCED,
        REFLECTOR_TROUBLE_UNAUTHORIZED,
        REFLECTOR_TROUBLE_FORBIDDEN,
        REFLECTOR_TROUBLE_NOT_FOUND,
        REFLECTOR_TROUBLE_CLOCK,
        _REFLECTOR_TROUBLE_MAX,
        _REFLECTOR_TROUBLE_INVALID = -EINVAL,
} ReflectorTrouble;

const char *kube_end_to_string(KubeEnd end);
const char *reflector_trouble_to_string(ReflectorTrouble trouble);
