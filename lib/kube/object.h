/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "base/strv.h"
#include "json/json.h"

/* What is kept of an object of the cluster: what the rules, the tables and the hints look at, and no more. */

typedef enum KubeKind {
        KUBE_NODE,
        KUBE_POD,
        KUBE_DAEMONSET,
        KUBE_DEPLOYMENT,
        KUBE_STATEFULSET,
        KUBE_REPLICASET,
        KUBE_LEASE,
        KUBE_EVENT,
        KUBE_GENERIC, /* anything with status.conditions */
        _KUBE_KIND_MAX,
        _KUBE_KIND_INVALID = -EINVAL,
} KubeKind;

typedef enum KubeStatus {
        KUBE_STATUS_ABSENT, /* the condition is not there */
        KUBE_STATUS_FALSE,
        KUBE_STATUS_TRUE,
        KUBE_STATUS_UNKNOWN,
} KubeStatus;

typedef struct KubeCondition {
        char *type;
        KubeStatus status;
        char *reason;
        char *message;
} KubeCondition;

typedef enum KubeContainerState {
        KUBE_CONTAINER_NONE, /* in the spec and not in the status, or with an empty state */
        KUBE_CONTAINER_WAITING,
        KUBE_CONTAINER_RUNNING,
        KUBE_CONTAINER_TERMINATED,
} KubeContainerState;

typedef enum KubeContainerRole {
        KUBE_CONTAINER_INIT,
        KUBE_CONTAINER_SIDECAR, /* an init container with restartPolicy Always */
        KUBE_CONTAINER_MAIN,
} KubeContainerRole;

/* A container of the spec with what the status says of it; ephemeral ones are left out. */
typedef struct KubeContainer {
        char *name;
        KubeContainerRole role;
        KubeContainerState state;
        bool in_status;
        bool ready;
        bool started;
        int32_t restarts;
        int32_t exit_code;          /* where terminated */
        int32_t signal;             /* where terminated */
        usec_t last_finished;       /* realtime of lastState.terminated.finishedAt, 0 where absent */
        char *reason;               /* of waiting or terminated */
        char *message;              /* of waiting or terminated */
        char *last_reason;          /* of lastState.terminated */
        char *last_message;         /* of lastState.terminated */
        char *id;                   /* as the API has it: "cri-o://<64 hex>"; NULL where absent */
        char *image;
        bool pull_always;
} KubeContainer;

/* First member of each kind below. */
typedef struct KubeObject {
        KubeKind kind;
        char *namespace; /* "" for cluster-scoped objects */
        char *name;
        char *uid;
        char *resource_version;
        int64_t generation;
        int64_t observed_generation; /* of the status; 0 where absent */
        usec_t created;              /* realtime, for people */
        bool deleting;               /* has a deletionTimestamp */
        char *owner_kind;            /* the controlling owner; NULL where there is none */
        char *owner_name;
        char *owner_uid;
        char **labels; /* sorted "key=value" */
} KubeObject;

typedef struct KubeNode {
        KubeObject object;
        char *boot_id;
        char *machine_id;
        char *kubelet_version;
        bool unschedulable;
        uint64_t status_hash; /* over the whole status: another value, another status */
        KubeCondition *conditions;
        size_t n_conditions;
} KubeNode;

typedef enum KubeQos {
        KUBE_QOS_GUARANTEED,
        KUBE_QOS_BURSTABLE,
        KUBE_QOS_BESTEFFORT,
} KubeQos;

typedef struct KubePod {
        KubeObject object;
        char *node; /* spec.nodeName, NULL where not scheduled */
        char *phase;
        char *reason;  /* of the status itself: Evicted, NodeLost … */
        char *message; /* likewise */
        char *config_hash; /* annotation kubernetes.io/config.hash: a static pod's uid on the host */
        KubeQos qos;
        KubeCondition *conditions;
        size_t n_conditions;
        KubeContainer *containers; /* in the order of the spec, init containers first */
        size_t n_containers;
} KubePod;

/* One expression of a node affinity term: KEY OPERATOR VALUES; field is true for matchFields. */
typedef struct KubeNodeRequirement {
        unsigned term; /* requirements of one term must all match, and one term suffices */
        bool field;
        char *key;
        char *operator;
        char **values;
} KubeNodeRequirement;

/* DaemonSet, Deployment, StatefulSet, ReplicaSet. */
typedef struct KubeWorkload {
        KubeObject object;
        int64_t replicas; /* desired; 1 where the spec is silent; -1 for a DaemonSet */
        char **node_selector;
        bool has_affinity;
        KubeNodeRequirement *requirements;
        size_t n_requirements;
} KubeWorkload;

typedef struct KubeLease {
        KubeObject object;
        char *renew_time; /* verbatim: compared for being another one, never as a time */
} KubeLease;

typedef struct KubeEvent {
        KubeObject object;
        char *regarding_kind;
        char *regarding_namespace;
        char *regarding_name;
        char *regarding_uid;
        char *container; /* out of fieldPath spec.containers{NAME}; NULL where it names none */
        char *reason;
        char *message;
        char *type;
        usec_t first_seen; /* realtime, 0 where absent */
        usec_t last_seen;
        int64_t count;
} KubeEvent;

typedef struct KubeGeneric {
        KubeObject object;
        KubeCondition *conditions;
        size_t n_conditions;
} KubeGeneric;

int kube_object_parse(KubeKind kind, const JsonValue *json, KubeObject **ret);
KubeObject *kube_object_free(KubeObject *o);
DEFINE_CLEANUP(KubeObject, kube_object_free)

const char *kube_kind_to_string(KubeKind kind);
KubeKind kube_kind_from_string(const char *s);

const KubeCondition *kube_condition_find(const KubeCondition *conditions, size_t n, const char *type);
const char *kube_label(const KubeObject *o, const char *key);
const char *kube_status_to_string(KubeStatus status);
KubeStatus kube_status_from_string(const char *s);

#define KUBE_NODE_OF(o) ((KubeNode *) (o))
#define KUBE_POD_OF(o) ((KubePod *) (o))
#define KUBE_WORKLOAD_OF(o) ((KubeWorkload *) (o))
