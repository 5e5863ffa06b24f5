/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The answer of a check, an object or a gate. EVIDENCE_NONE is not "no": it opens no gate, and an open gate stays open
 * for its grace. */
typedef enum Evidence {
        EVIDENCE_NONE,
        EVIDENCE_FALSE,
        EVIDENCE_TRUE,
} Evidence;

const char *evidence_to_string(Evidence e);

/* Any FALSE is FALSE; else any NONE is NONE; else TRUE (rule R5). */
static inline Evidence evidence_and(Evidence a, Evidence b) {
        if (a == EVIDENCE_FALSE || b == EVIDENCE_FALSE)
                return EVIDENCE_FALSE;
        if (a == EVIDENCE_NONE || b == EVIDENCE_NONE)
                return EVIDENCE_NONE;
        return EVIDENCE_TRUE;
}

/* Why an object's status is believed to be of this boot. */
typedef enum Proof {
        PROOF_BOOT_ID,
        PROOF_CGROUP,
        PROOF_OBSERVED,
        PROOF_NONE,
        PROOF_MISSING, /* asked for and not found */
        _PROOF_MAX,
        _PROOF_INVALID = -EINVAL,
} Proof;

const char *proof_to_string(Proof p);

/* What the rules say of one object. reason and message are set unless evidence is TRUE, and valid until the world
 * changes. */
typedef struct Finding {
        Evidence evidence;
        Proof proof;
        const char *reason;
        const char *message;
        bool is_reported; /* they are the object's own, and stand since it changed */
        char text[192];   /* room for a message that has to be put together */
} Finding;

static inline void finding_set(Finding *f, Evidence e, const char *reason, const char *message) {
        f->evidence = e;
        f->reason = reason;
        f->message = message;
}

/* The reasons that are ours; all others are the cluster's own words. */
#define REASON_STALE_BOOT "StaleBoot"
#define REASON_UNPROVEN "Unproven"
#define REASON_UNREADABLE "Unreadable"
#define REASON_KUBELET_SILENT "KubeletSilent"
#define REASON_NOT_FOUND "NotFound"
#define REASON_NO_PODS "NoPods"
#define REASON_OLD_REVISION "OldRevision"
#define REASON_NO_ELIGIBLE_NODE "NoEligibleNode"
#define REASON_SCALED_TO_ZERO "ScaledToZero"
#define REASON_NODE_AMBIGUOUS "NodeAmbiguous"
#define REASON_NODE_NOT_REGISTERED "NodeNotRegistered"
/* The daemon has not asked yet, and knows of no fault. */
#define REASON_NOT_ASKED "NotAsked"
#define REASON_API_UNREACHABLE "ApiUnreachable"
#define REASON_API_NOT_READY "ApiNotReady"
#define REASON_NOT_SYNCED "NotSynced"
#define REASON_NOT_OBSERVED "NotObserved"
#define REASON_UNAUTHORIZED "Unauthorized"
#define REASON_FORBIDDEN "Forbidden"
#define REASON_CLOCK "Clock"
#define REASON_KUBECONFIG_MISSING "KubeconfigMissing"
#define REASON_KUBECONFIG_INVALID "KubeconfigInvalid"
#define REASON_INVALID_GATE "InvalidGate"
#define REASON_NOTHING_REQUIRED "NothingRequired"
/* Of [Endpoint]. */
#define REASON_NAME_NOT_FOUND "NameNotFound"
#define REASON_NAME_SERVER_SILENT "NameServerSilent"
#define REASON_CONNECTION_REFUSED "ConnectionRefused"
#define REASON_DISCONNECTED "Disconnected"
#define REASON_UNREACHABLE "Unreachable"
#define REASON_TIMED_OUT "TimedOut"
#define REASON_TLS "TLS"
#define REASON_NOT_HTTP "NotHTTP"
#define REASON_UNEXPECTED_STATUS "UnexpectedStatus"
#define REASON_CA_UNREADABLE "CAUnreadable"
#define REASON_CANNOT_ASK "CannotAsk"

/* Reasons that are counted when they appear: they keep an old or unproven status from opening a gate. */
typedef enum Guard {
        GUARD_STALE_BOOT,
        GUARD_UNPROVEN,
        GUARD_KUBELET_SILENT,
        _GUARD_MAX,
        _GUARD_INVALID = -EINVAL,
} Guard;

const char *guard_to_string(Guard g);
Guard guard_from_string(const char *s);
