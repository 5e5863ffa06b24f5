/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "base/strv.h"
#include "json/json.h"
#include "kube/scanner.h"
#include "kube/status.h"

/* What is kept of an object of the cluster: what rules, tables and hints look at, and no more. An object is
 * one block of memory with all its texts and arrays: read-only, freed by kube_object_free(). */

typedef enum KubeKind {
        KUBE_NODE,
        KUBE_POD,
        KUBE_DAEMONSET,
        KUBE_DEPLOYMENT,
        KUBE_STATEFULSET,
        KUBE_REPLICASET,
        KUBE_LEASE,
        KUBE_EVENT,
        KUBE_GENERIC, /* anything, for its status.conditions and one field */
        _KUBE_KIND_MAX,
        _KUBE_KIND_INVALID = -EINVAL,
} KubeKind;

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

/* A container of the spec with its status; ephemeral ones are left out. */
typedef struct KubeContainer {
        const char *name;
        KubeContainerRole role;
        KubeContainerState state;
        bool in_status;
        uint32_t status_index; /* its place in that list of the status, which need not be the spec's */
        bool ready;
        bool started;
        int32_t restarts;
        int32_t exit_code;        /* where terminated */
        int32_t signal;           /* where terminated */
        usec_t last_finished;     /* realtime of lastState.terminated.finishedAt, 0 where absent */
        const char *reason;       /* of waiting or terminated */
        const char *message;      /* of waiting or terminated */
        const char *last_reason;  /* of lastState.terminated */
        const char *last_message; /* of lastState.terminated */
        int32_t last_exit_code;   /* of lastState.terminated */
        const char *id;           /* as the API has it: "cri-o://<64 hex>"; NULL where absent */
        bool pull_always;
} KubeContainer;

/* First member of each kind below. */
typedef struct KubeObject {
        KubeKind kind;
        const char *namespace; /* "" for cluster-scoped objects */
        const char *name;
        const char *uid;
        const char *resource_version;
        int64_t generation;
        int64_t observed_generation; /* of the status; 0 where absent */
        bool deleting;               /* has a deletionTimestamp */
        const char *owner_kind;      /* the controlling owner; NULL where there is none */
        const char *owner_name;
        const char *owner_uid;
        char *const *labels; /* sorted "key=value" */
        /* Why the object cannot be read, as "it has ...": of its kind no more is known than stands above. NULL
         * where it was read. */
        const char *unreadable;
        bool is_partial; /* where unreadable: labels and owner are not known, nor is what is "" */
} KubeObject;

/* A taint that keeps pods away: of effect NoSchedule, or NoExecute where it ends those that run. */
typedef struct KubeTaint {
        const char *key;
        const char *value; /* NULL where it has none */
        bool evicts;
} KubeTaint;

typedef struct KubeNode {
        KubeObject object;
        const char *boot_id;
        const char *machine_id;
        const char *address; /* the first InternalIP, NULL where there is none */
        bool unschedulable;
        const char *heartbeat; /* lastHeartbeatTime of Ready, verbatim: only compared; NULL where absent */
        KubeTaint *taints;
        size_t n_taints;
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
        const char *node; /* spec.nodeName, NULL where not scheduled */
        const char *phase;
        const char *reason;      /* of the status itself: Evicted, NodeLost … */
        const char *message;     /* likewise */
        const char *config_hash; /* a static pod's uid on the host; NULL for all others */
        KubeQos qos;
        KubeCondition *conditions; /* Initialized, PodScheduled and Ready: no others are used */
        size_t n_conditions;
        KubeContainer *containers; /* in the order of the spec, init containers first */
        size_t n_containers;
        /* Outside of that block: pod_blocking_reason() allocates them when first asked, kube_object_free()
         * frees them. */
        char *blocking_reason;
        char *blocking_message;
} KubePod;

/* One expression of a node affinity term: KEY OPERATOR VALUES; field is true for matchFields. */
typedef struct KubeNodeRequirement {
        unsigned term; /* requirements of one term must all match, and one term suffices */
        bool field;
        const char *key;
        const char *operator;
        char *const *values;
} KubeNodeRequirement;

/* What a pod tolerates; NULL: any key, any effect, no value. */
typedef struct KubeToleration {
        const char *key;
        const char *operator;
        const char *value;
        const char *effect;
} KubeToleration;

/* DaemonSet, Deployment, StatefulSet, ReplicaSet. */
typedef struct KubeWorkload {
        KubeObject object;
        int64_t replicas; /* desired; 1 where the spec is silent; -1 for a DaemonSet */
        /* The newest revision, to which the controller brings every pod: NULL where the spec holds it back, and where
         * that is not told. Of a ReplicaSet: its own. */
        const char *revision;
        bool is_rolled_out; /* of a DaemonSet: its controller says that every pod is of the newest revision */
        int64_t pods_counted; /* by its status, on all nodes; 0 for a DaemonSet. It lags: for messages only */
        KubeToleration *tolerations;
        size_t n_tolerations;
        char *const *node_selector;
        bool has_affinity;
        KubeNodeRequirement *requirements;
        size_t n_requirements;
} KubeWorkload;

typedef struct KubeLease {
        KubeObject object;
        const char *renew_time; /* verbatim: only compared for equality, never read as a time */
} KubeLease;

typedef struct KubeEvent {
        KubeObject object;
        const char *regarding_uid;
        const char *container; /* out of fieldPath spec.containers{NAME}; NULL where it names none */
        const char *reason;
        const char *message;
        const char *type;
        usec_t first_seen; /* realtime, 0 where absent */
        usec_t last_seen;
} KubeEvent;

/* The conditions of the status; and phase, health and sync status (of a ClusterServiceVersion, of an Argo CD
 * application) as conditions of that name which are True. */
typedef struct KubeGeneric {
        KubeObject object;
        KubeCondition *conditions;
        size_t n_conditions;
        uint64_t status_hash; /* another value, another status; 0 where there is none */
        /* Outside of that block: kube_object_keep_field() fills it, kube_object_free() frees it. */
        bool has_field;
        char *field; /* its text; NULL where it has none to compare */
} KubeGeneric;

int kube_object_parse(KubeKind kind, const JsonValue *json, KubeObject **ret, char *ret_fault, size_t size);
int kube_object_keep_field(KubeObject *o, const JsonValue *json, const char *path);
int kube_object_unreadable(KubeKind kind, const KubeBrief *brief, const char *why, KubeObject **ret);
KubeObject *kube_object_free(KubeObject *o);
DEFINE_CLEANUP(KubeObject, kube_object_free)

const char *kube_kind_to_string(KubeKind kind);
KubeKind kube_kind_from_string(const char *s);

bool kube_object_is_observed(const KubeObject *o, int64_t observed);
const char *kube_pod_host_uid(const KubePod *p);
const char *kube_label(const KubeObject *o, const char *key);
bool kube_version_is_later(const char *a, const char *b);
usec_t kube_timestamp(const char *s);

#define KUBE_NODE_OF(o) ((KubeNode *) (o))
#define KUBE_POD_OF(o) ((KubePod *) (o))
#define KUBE_WORKLOAD_OF(o) ((KubeWorkload *) (o))
#define KUBE_LEASE_OF(o) ((KubeLease *) (o))
#define KUBE_EVENT_OF(o) ((KubeEvent *) (o))
#define KUBE_GENERIC_OF(o) ((KubeGeneric *) (o))
