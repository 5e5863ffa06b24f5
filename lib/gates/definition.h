/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "base/strv.h"
#include "kube/object.h"

/* What a gate file says, before anything is known of the cluster. */

typedef enum CheckKind {
        CHECK_API,
        CHECK_NODE,
        CHECK_PODS,
        CHECK_WORKLOAD,
        CHECK_CONDITION,
        CHECK_ENDPOINT,
        _CHECK_KIND_MAX,
        _CHECK_KIND_INVALID = -EINVAL,
} CheckKind;

/* How an administrator wants the pods of a check to be proven (rule R3). */
typedef enum ProofWanted {
        PROOF_WANTED_CGROUP,
        PROOF_WANTED_OBSERVED,
        PROOF_WANTED_NONE,
} ProofWanted;

typedef enum SelectorOperator {
        SELECTOR_EQUALS,     /* KEY=VALUE */
        SELECTOR_NOT_EQUALS, /* KEY!=VALUE */
        SELECTOR_IN,         /* KEY in (A,B) */
        SELECTOR_NOT_IN,     /* KEY notin (A,B) */
        SELECTOR_EXISTS,     /* KEY */
        SELECTOR_ABSENT,     /* !KEY */
} SelectorOperator;

typedef struct SelectorRequirement {
        char *key;
        SelectorOperator operator;
        char **values;
} SelectorRequirement;

/* An inclusive range of HTTP statuses. */
typedef struct StatusRange {
        unsigned from, to;
} StatusRange;

#define MINIMUM_READY_UNSET (-1)

/* One check section. Members that its kind does not have are NULL or 0. */
typedef struct CheckDefinition {
        CheckKind kind;
        char *label; /* "" where the section has none */
        char *file;  /* where the section begins, for messages */
        unsigned line;

        char *path;      /* [Api] Path=, default "/readyz" */
        char *namespace; /* [Pods] [Workload] [Condition]; NULL: all, or cluster-scoped */
        char *name;      /* [Node] NULL: local, "*": all, or NAME; [Pods] GLOB or NULL; others NAME */
        char *selector;  /* [Pods] as written, for display */
        SelectorRequirement *requirements;
        size_t n_requirements;
        int minimum_ready;   /* [Pods] [Workload], MINIMUM_READY_UNSET */
        ProofWanted proof;   /* [Pods] [Workload] */
        KubeKind workload;   /* [Workload] Kind=: KUBE_DAEMONSET, KUBE_DEPLOYMENT, KUBE_STATEFULSET */
        char *resource;      /* [Condition] "GROUP/VERSION/PLURAL", "VERSION/PLURAL" for the core group */
        char *type;          /* [Condition] Type= */
        KubeStatus status;   /* [Condition] Status=, default True */
        char *url;           /* [Endpoint] */
        StatusRange *expect; /* [Endpoint] ExpectStatus=, default 200-399 */
        size_t n_expect;
        char *ca_file;   /* [Endpoint] */
        usec_t interval; /* [Endpoint] IntervalSec=, 0 where unset */
} CheckDefinition;

typedef enum OnUnknown {
        ON_UNKNOWN_HOLD,
        ON_UNKNOWN_CLOSE,
} OnUnknown;

typedef enum GateConditionKind {
        GATE_CONDITION_PATH_EXISTS,
        GATE_CONDITION_MICROSHIFT,
} GateConditionKind;

typedef struct GateCondition {
        GateConditionKind kind;
        bool negate;    /* ! in front */
        bool trigger;   /* | in front: of these, one suffices */
        char *argument; /* the path, or KEY=VALUE, KEY!=VALUE */
        char *file;
        unsigned line;
} GateCondition;

typedef struct GateDefinition {
        char *name;
        char *description;
        int required; /* 1 yes, 0 no, -1 where the files are silent */
        char **after;
        GateCondition *conditions;
        size_t n_conditions;
        usec_t settle, hold, unknown; /* where the flag below is set */
        bool has_settle, has_hold, has_unknown;
        OnUnknown on_unknown;
        CheckDefinition *checks;
        size_t n_checks;
        char **files;    /* in the order of reading */
        char **warnings; /* unknown keys and the like, each with file and line */
        char *invalid;   /* why the gate cannot be evaluated, with file and line; NULL where it can */
} GateDefinition;

GateDefinition *gate_definition_free(GateDefinition *d);
DEFINE_CLEANUP(GateDefinition, gate_definition_free)

const char *check_kind_to_string(CheckKind k);
CheckKind check_kind_from_string(const char *s);

bool gate_name_is_valid(const char *name);
bool check_definition_equal(const CheckDefinition *a, const CheckDefinition *b);
bool gate_definition_checks_equal(const GateDefinition *a, const GateDefinition *b);
bool selector_matches(const SelectorRequirement *requirements, size_t n, const KubeObject *o);
int check_definition_describe(const CheckDefinition *c, char **ret);
