/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test.h"

#include "ready/board.h"
#include "ready/check-kinds.h"
#include "ready/keep.h"

/* A cluster, a host and two clocks to play with: verbs for telling the rules a story. */

#define THIS_BOOT "2f6b1f0c-58a4-4f0e-9f2b-6f0f4d3c2b1a"
#define OLD_BOOT "c7d2a9e4-0b13-4a77-8c55-1e2d3f4a5b6c"
#define THIS_MACHINE "5d0a3f0c6e2b4b0e9f3a7c1d2e4f6a8b"
#define OTHER_MACHINE "00000000000000000000000000000001"
#define GUIDE_NODE "microshift-dev.lab.example.com"

#define STARTED (100 * USEC_PER_SEC)
#define SECONDS(n) ((n) *USEC_PER_SEC)

typedef struct PlayContainer {
        const char *name;
        KubeContainerRole role;
        KubeContainerState state;
        bool absent; /* from the status */
        bool unready;
        bool pull_always;
        unsigned id;        /* 0: none */
        const char *odd_id; /* instead, as the API says it */
        const char *reason, *message;
} PlayContainer;

typedef struct PlayPod {
        const char *namespace, *name;
        unsigned uid;
        const char *node;             /* NULL: not scheduled */
        const char *phase;            /* NULL: Running */
        const char *reason, *message; /* of the status itself */
        KubeStatus ready;
        const char *ready_reason;
        const char *not_initialized; /* what its Initialized says, which is False; NULL: there is none */
        const char *owner_kind, *owner_name;
        unsigned owner_uid;
        bool deleting;
        int generation, observed;
        const char *qos, *config_hash;
        const char *labels; /* members of a JSON object */
        PlayContainer containers[6];
} PlayPod;

typedef struct PlayNode {
        const char *name;
        unsigned uid;
        const char *boot_id, *machine_id;
        KubeStatus ready;
        const char *reason, *message;
        const char *pressure, *pressure_message; /* a condition that is True, NULL: none */
        bool deleting;
        unsigned heartbeat;
        const char *labels;
        const char *taints; /* elements of a JSON array */
} PlayNode;

typedef struct PlayWorkload {
        KubeKind kind;
        const char *namespace, *name;
        unsigned uid;
        int replicas; /* -1: the spec is silent */
        int generation, observed;
        const char *owner_kind, *owner_name;
        unsigned owner_uid;
        const char *node_selector; /* members of a JSON object */
        const char *affinity;      /* the terms of the required node affinity: elements of a JSON array */
        const char *tolerations;   /* elements of a JSON array */
        const char *revision;      /* the newest; of a ReplicaSet its own */
        const char *spec, *status; /* further members of these JSON objects */
} PlayWorkload;

typedef struct PlayGeneric {
        const char *namespace, *name;
        unsigned uid;
        const char *type;
        KubeStatus status;
        const char *reason, *message;
        int generation, observed;
        int condition_observed; /* 0: the condition is silent */
        const char *labels;     /* members of a JSON object */
        const char *more;       /* members of the status, each with a comma behind */
        bool bare;              /* has no status */
        const char *kept_field;
} PlayGeneric;

/* A check of any kind. What it points to is the test's. */
typedef union PlayCheck {
        CheckDefinition definition;
        ApiDefinition api;
        NodeDefinition node;
        TallyDefinition tally;
        PodsDefinition pods;
        WorkloadDefinition workload;
        ConditionDefinition condition;
        QuestionDefinition question;
        EndpointDefinition endpoint;
        SocketDefinition socket;
} PlayCheck;

typedef struct Play {
        World *world;
        WorldStream *streams[_STREAM_ROLE_MAX]; /* of STREAM_GENERIC: the one added last */
        Instant now;
        unsigned version;    /* of the cluster */
        PlayNode node;       /* the one that came last */
        unsigned alive[64];  /* containers that live on this host; 0: a free place */
        unsigned folder[64]; /* the uids of the pods in whose folders they are; 0: nowhere */
        bool unreadable;     /* the cgroup root */

        GateSetup setups[16];
        size_t n_setups;
        Board board;
        BoardOps ops;
        unsigned gate_edges, verdict_edges, cluster_edges; /* told so far */
        char why[512];                                     /* the cluster is another one, as told last */
        GateState told_before;                             /* with the last edge of a gate's state */
        Buffer objects;                                    /* told of objects, a line each */

        Check check; /* asked last */
        PlayCheck definition;
        Report report;
} Play;

void play_begin(Play *p);
void play_end(Play *p);
void play_restart_daemon(Play *p);

void play_pass(Play *p, usec_t usec);
void play_sleep(Play *p, usec_t usec);

void play_api(Play *p, ApiState state);
void play_heartbeat(Play *p);
void play_list(Play *p, StreamRole role);
void play_listed(Play *p, StreamRole role);
void play_sync(Play *p, StreamRole role);
void play_resume(Play *p, StreamRole role);
void play_lose(Play *p, StreamRole role);
void play_sync_all(Play *p);
void play_generic_stream(Play *p, const char *key);

WorldObject *play_node(Play *p, const PlayNode *node);
WorldObject *play_pod(Play *p, const PlayPod *pod);
WorldObject *play_workload(Play *p, const PlayWorkload *workload);
WorldObject *play_generic(Play *p, const PlayGeneric *generic);
void play_lease(Play *p, const char *node);
void play_remove(Play *p, KubeKind kind, const char *namespace, const char *name);

void play_start(Play *p, unsigned id);
void play_start_beside(Play *p, unsigned pod_uid, unsigned id);
void play_kill(Play *p, unsigned id);
void play_look(Play *p);

/* Shorthands for what most stories begin with. */
PlayNode node_of_this_boot(void);
PlayPod pod_ready(const char *namespace, const char *name, unsigned uid, unsigned id);
PlayPod pod_of_dns(void);
void pod_owned(PlayPod *pod, const char *kind, const char *name, unsigned uid);
void play_start_pod(Play *p, const PlayPod *pod);
void play_cluster(Play *p);
void world_of_guide(Play *p);

PlayCheck check_of(const CheckKind *kind);
PlayCheck check_workload(KubeKind kind, const char *namespace, const char *name);
PlayCheck check_pods(const char *namespace, const char *name);
PlayCheck check_node(const char *name);

Evidence play_ask(Play *p, const PlayCheck *d);
Evidence play_ask_again(Play *p);
const char *play_reason(const Play *p);

GateSetup *play_gate(Play *p, const char *name, const PlayCheck *checks, size_t n);
#define PLAY_GATE(p, name, ...)                                                                             \
        play_gate((p), (name), (const PlayCheck[]){ __VA_ARGS__ },                                          \
                  sizeof((const PlayCheck[]){ __VA_ARGS__ }) / sizeof(PlayCheck))
void play_load(Play *p);
void play_judge(Play *p);
Gate *play_find(Play *p, const char *name);
#define assert_objects(p, expected)                                                                         \
        do {                                                                                                \
                assert_string_equal(buffer_cstr(&(p)->objects), (expected));                                \
                buffer_clear(&(p)->objects);                                                                \
        } while (0)

#define assert_gate(p, name, expected)                                                                      \
        assert_string_equal(gate_state_to_string(gate_state(play_find((p), (name)))), (expected))
#define assert_verdict(p, expected)                                                                         \
        assert_string_equal(gate_state_to_string((p)->board.verdict.state), (expected))
#define assert_evidence(actual, expected)                                                                   \
        assert_string_equal(evidence_to_string(actual), evidence_to_string(expected))
