/* SPDX-License-Identifier: Apache-2.0 */

/* Objects are made as the API writes them and read by the same parser as the daemon's, so that a test of the
 * rules begins where the truth does. */

#include "fixture.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/string-util.h"
#include "base/strv.h"
#include "ready/cgroup.h"
#include "ready/life.h"

static void put(Buffer *b, const char *format, ...) _printf_(2, 3);

static void put(Buffer *b, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = buffer_vprintf(b, format, ap);
        va_end(ap);
        assert_ok(r);
}

static KubeObject *parse(KubeKind kind, Buffer *b, const char *kept_field) {
        _cleanup_(jv_freep) JsonValue *json = NULL;
        KubeObject *o = NULL;
        int r;

        r = jv_parse(b->data, b->size, &json);
        if (r < 0)
                fail_msg("not JSON: %s", b->data);
        assert_ok(kube_object_parse(kind, json, &o, NULL, 0));
        if (kept_field)
                assert_ok(kube_object_keep_field(o, json, kept_field));
        buffer_done(b);
        return o;
}

/* --- the clocks --- */

static void cluster_changed(BoardOps *ops, const char *why) {
        Play *p = container_of(ops, Play, ops);

        p->cluster_edges++;
        snprintf(p->why, sizeof(p->why), "%s", why);
}

static void gate_changed(BoardOps *ops, Gate *gate, GateState before, unsigned what) {
        Play *p = container_of(ops, Play, ops);

        if (!(what & GATE_CHANGED_STATE))
                return;
        p->gate_edges++;
        p->told_before = before;
        assert_int_not_equal(before, gate_state(gate));
}

static void object_changed(BoardOps *ops, const Gate *gate, const ObjectEdge *edge) {
        Play *p = container_of(ops, Play, ops);

        assert_true(edge->from != edge->to || edge->blocker);
        put(&p->objects, "%s: %s %s -> %s%s%s\n", gate_name(gate), edge->object->name,
            object_state_to_string(edge->from), object_state_to_string(edge->to), edge->blocker ? " " : "",
            edge->blocker ? edge->blocker->reason : "");
}

static void verdict_changed(BoardOps *ops, const Verdict *verdict, GateState before) {
        Play *p = container_of(ops, Play, ops);

        p->verdict_edges++;
        assert_int_not_equal(before, verdict->state);
}

static void begin_world(Play *p) {
        assert_ok(world_new(&p->world));
        assert_ok(free_and_strdup(&p->world->host.boot_id, THIS_BOOT));
        assert_ok(free_and_strdup(&p->world->host.machine_id, THIS_MACHINE));
        assert_ok(free_and_strdup(&p->world->host.host_name, GUIDE_NODE));
        assert_ok(world_set_api(p->world, API_UNREACHABLE, REASON_NOT_ASKED, API_NOT_ASKED, p->now));
        assert_ok(free_and_strdup(&p->world->host.cgroup_root, "/sys/fs/cgroup"));
        for (StreamRole r = 0; r < _STREAM_ROLE_MAX; r++) {
                p->streams[r] = NULL;
                if (r != STREAM_GENERIC)
                        assert_ok(world_add_stream(p->world, r, NULL, NULL, &p->streams[r]));
        }
}

/* A host that has just started, a daemon that knows nothing. */
void play_begin(Play *p) {
        *p = (Play){
                .now = { .boottime = STARTED, .monotonic = STARTED },
                .board = BOARD_INIT,
                .ops = { .cluster_changed = cluster_changed,
                         .object_changed = object_changed,
                         .gate_changed = gate_changed,
                         .verdict_changed = verdict_changed },
                .report = REPORT_INIT,
                .objects = BUFFER_INIT(MIB(4)),
        };
        begin_world(p);
}

void play_end(Play *p) {
        report_done(&p->report);
        buffer_done(&p->objects);
        for (size_t i = 0; i < p->n_setups; i++)
                gate_setup_done(&p->setups[i]);
        p->n_setups = 0;
        board_done(&p->board);
        p->world = world_free(p->world);
}

/* All that the daemon had in memory is gone: gates have to be loaded again. */
void play_restart_daemon(Play *p) {
        board_done(&p->board);
        world_free(p->world);
        begin_world(p);
}

/* Lets time pass; the board is judged whenever it asked to be. */
void play_pass(Play *p, usec_t usec) {
        usec_t end = p->now.monotonic + usec;

        for (unsigned turns = 0; p->board.n_gates > 0; turns++) {
                usec_t due = board_deadline(&p->board), passed;

                if (due > end)
                        break;
                assert_true(turns < 1000); /* else it would spin */
                passed = due > p->now.monotonic ? due - p->now.monotonic : 0;
                p->now.monotonic += passed;
                p->now.boottime += passed;
                play_judge(p);
                if (board_deadline(&p->board) <= p->now.monotonic)
                        fail_msg("the board asks to be judged again at once");
        }
        p->now.boottime += end - p->now.monotonic;
        p->now.monotonic = end;
}

/* The host is suspended. */
void play_sleep(Play *p, usec_t usec) {
        p->now.boottime += usec;
}

/* --- the API and its streams --- */

void play_api(Play *p, ApiState state) {
        const char *reason = state == API_READY         ? NULL
                             : state == API_UNREACHABLE ? REASON_API_UNREACHABLE
                                                        : REASON_API_NOT_READY;

        assert_true(world_set_api(p->world, state, reason, NULL, p->now) >= 0);
}

/* The kubelet of the node that came last writes its status again. */
void play_heartbeat(Play *p) {
        p->node.heartbeat++;
        play_node(p, &p->node);
}

void play_list(Play *p, StreamRole role) {
        world_stream_listing_begins(p->streams[role]);
}

void play_listed(Play *p, StreamRole role) {
        world_stream_listing_complete(p->streams[role]);
        assert_true(world_stream_set_sync(p->streams[role], true, NULL, NULL, p->now) >= 0);
}

/* A listing that finds what is there already. */
void play_sync(Play *p, StreamRole role) {
        play_listed(p, role);
}

/* In sync again by a resourceVersion. */
void play_resume(Play *p, StreamRole role) {
        assert_true(world_stream_set_sync(p->streams[role], true, NULL, NULL, p->now) >= 0);
}

void play_lose(Play *p, StreamRole role) {
        assert_true(world_stream_set_sync(p->streams[role], false, REASON_NOT_SYNCED, NULL, p->now) >= 0);
}

void play_sync_all(Play *p) {
        for (StreamRole r = 0; r < _STREAM_ROLE_MAX; r++)
                if (p->streams[r])
                        play_sync(p, r);
}

void play_generic_stream(Play *p, const char *key) {
        assert_ok(world_add_stream(p->world, STREAM_GENERIC, key, NULL, &p->streams[STREAM_GENERIC]));
}

static void choose_node(Play *p) {
        NodeChoice choice;

        node_choose(p->world, &choice);
        p->world->node = choice.node;
}

/* --- objects --- */

static WorldObject *upsert_object(Play *p, StreamRole role, KubeObject *object) {
        WorldObject *o = NULL;

        assert_ok(world_stream_upsert(p->streams[role], object, p->now, &o));
        assert_non_null(o);
        return o;
}

static WorldObject *upsert(Play *p, StreamRole role, KubeKind kind, Buffer *b) {
        return upsert_object(p, role, parse(kind, b, NULL));
}

static void put_metadata(Play *p, Buffer *b, const char *namespace, const char *name, unsigned uid,
                         int generation, bool deleting, const char *labels) {
        put(b,
            "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%08x-1111-4222-8333-444444444444\",\"resourceVersion\":\"%u\"",
            name, uid, ++p->version);
        if (namespace)
                put(b, ",\"namespace\":\"%s\"", namespace);
        if (generation > 0)
                put(b, ",\"generation\":%d", generation);
        if (deleting)
                put(b, ",\"deletionTimestamp\":\"2026-08-01T10:00:00Z\"");
        if (labels)
                put(b, ",\"labels\":{%s}", labels);
}

static void put_owner(Buffer *b, const char *kind, const char *name, unsigned uid) {
        if (kind)
                put(b,
                    ",\"ownerReferences\":[{\"kind\":\"%s\",\"name\":\"%s\",\"controller\":true,"
                    "\"uid\":\"%08x-1111-4222-8333-444444444444\"}]",
                    kind, name, uid);
}

static void put_observed_condition(Buffer *b, const char *type, KubeStatus status, const char *reason,
                                   const char *message, int observed) {
        if (status == KUBE_STATUS_ABSENT)
                return;
        put(b, "{\"type\":\"%s\",\"status\":\"%s\"", type, kube_status_to_string(status));
        if (observed > 0)
                put(b, ",\"observedGeneration\":%d", observed);
        if (reason)
                put(b, ",\"reason\":\"%s\"", reason);
        if (message)
                put(b, ",\"message\":\"%s\"", message);
        put(b, "}");
}

static void put_condition(Buffer *b, const char *type, KubeStatus status, const char *reason,
                          const char *message) {
        put_observed_condition(b, type, status, reason, message, 0);
}

static void put_ready_of_node(Buffer *b, const PlayNode *n) {
        if (n->ready == KUBE_STATUS_ABSENT)
                return;
        put(b, ",");
        put_condition(b, "Ready", n->ready, n->reason, n->message);
        b->size--; /* the closing brace */
        put(b, ",\"lastHeartbeatTime\":\"2026-08-01T10:%02u:%02uZ\"}", n->heartbeat / 60 % 60,
            n->heartbeat % 60);
}

WorldObject *play_node(Play *p, const PlayNode *n) {
        Buffer b = BUFFER_INIT(KIB(64));
        WorldObject *o;

        put_metadata(p, &b, NULL, n->name, n->uid, 0, n->deleting, n->labels);
        put(&b,
            "},\"spec\":{\"taints\":[%s]},\"status\":{\"nodeInfo\":{\"bootID\":\"%s\",\"machineID\":\"%s\"},"
            "\"conditions\":[{\"type\":\"Other\",\"status\":\"True\",\"lastHeartbeatTime\":\"-\"}",
            strempty(n->taints), strempty(n->boot_id), strempty(n->machine_id));
        put_ready_of_node(&b, n);
        if (n->pressure) {
                put(&b, ",");
                put_condition(&b, n->pressure, KUBE_STATUS_TRUE, NULL, n->pressure_message);
        }
        put(&b, "]}}");
        o = upsert(p, STREAM_NODES, KUBE_NODE, &b);
        p->node = *n;
        choose_node(p);
        return o;
}

static void put_state(Buffer *b, const PlayContainer *c) {
        switch (c->state) {
        case KUBE_CONTAINER_NONE:
                put(b, ",\"state\":{}");
                break;
        case KUBE_CONTAINER_RUNNING:
                put(b, ",\"state\":{\"running\":{}}");
                break;
        case KUBE_CONTAINER_WAITING:
                put(b, ",\"state\":{\"waiting\":{\"reason\":\"%s\",\"message\":\"%s\"}}",
                    strempty(c->reason), strempty(c->message));
                break;
        case KUBE_CONTAINER_TERMINATED:
                put(b, ",\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"%s\"}}",
                    strempty(c->reason));
                break;
        }
}

static void put_containers(Buffer *b, const PlayPod *pod, bool init, bool status) {
        const char *comma = "";

        for (size_t i = 0; i < ELEMENTSOF(pod->containers); i++) {
                const PlayContainer *c = &pod->containers[i];

                if (!c->name || (c->role != KUBE_CONTAINER_MAIN) != init || (status && c->absent))
                        continue;
                put(b, "%s{\"name\":\"%s\"", comma, c->name);
                comma = ",";
                if (!status && c->role == KUBE_CONTAINER_SIDECAR)
                        put(b, ",\"restartPolicy\":\"Always\"");
                if (!status && c->pull_always)
                        put(b, ",\"imagePullPolicy\":\"Always\"");
                if (status) {
                        put(b, ",\"ready\":%s,\"started\":true", c->unready ? "false" : "true");
                        if (c->odd_id)
                                put(b, ",\"containerID\":\"%s\"", c->odd_id);
                        else if (c->id != 0)
                                put(b, ",\"containerID\":\"cri-o://%064x\"", c->id);
                        put_state(b, c);
                }
                put(b, "}");
        }
}

WorldObject *play_pod(Play *p, const PlayPod *pod) {
        Buffer b = BUFFER_INIT(KIB(64));

        put_metadata(p, &b, pod->namespace, pod->name, pod->uid, pod->generation, pod->deleting,
                     pod->labels);
        put_owner(&b, pod->owner_kind, pod->owner_name, pod->owner_uid);
        if (pod->config_hash)
                put(&b,
                    ",\"annotations\":{\"kubernetes.io/config.hash\":\"%s\",\"kubernetes.io/config.mirror\":\"%s\"}",
                    pod->config_hash, pod->config_hash);
        put(&b, "},\"spec\":{");
        if (pod->node)
                put(&b, "\"nodeName\":\"%s\",", pod->node);
        put(&b, "\"initContainers\":[");
        put_containers(&b, pod, true, false);
        put(&b, "],\"containers\":[");
        put_containers(&b, pod, false, false);
        put(&b,
            "]},\"status\":{\"phase\":\"%s\",\"qosClass\":\"%s\",\"observedGeneration\":%d,\"conditions\":[",
            pod->phase ?: "Running", pod->qos ?: "Burstable", pod->observed);
        put_condition(&b, "Ready", pod->ready, pod->ready_reason, NULL);
        if (pod->not_initialized) {
                put(&b, ",");
                put_condition(&b, "Initialized", KUBE_STATUS_FALSE, "ContainersNotInitialized",
                              pod->not_initialized);
        }
        put(&b, "],\"reason\":\"%s\",\"message\":\"%s\",\"initContainerStatuses\":[", strempty(pod->reason),
            strempty(pod->message));
        put_containers(&b, pod, true, true);
        put(&b, "],\"containerStatuses\":[");
        put_containers(&b, pod, false, true);
        put(&b, "]}}");
        return upsert(p, pod->node ? STREAM_PODS : STREAM_PODS_UNSCHEDULED, KUBE_POD, &b);
}

static StreamRole role_of_kind(KubeKind kind) {
        switch (kind) {
        case KUBE_NODE:
                return STREAM_NODES;
        case KUBE_POD:
                return STREAM_PODS;
        case KUBE_DAEMONSET:
                return STREAM_DAEMONSETS;
        case KUBE_DEPLOYMENT:
                return STREAM_DEPLOYMENTS;
        case KUBE_STATEFULSET:
                return STREAM_STATEFULSETS;
        case KUBE_REPLICASET:
                return STREAM_REPLICASETS;
        case KUBE_LEASE:
                return STREAM_LEASES;
        default:
                return STREAM_GENERIC;
        }
}

WorldObject *play_workload(Play *p, const PlayWorkload *w) {
        Buffer b = BUFFER_INIT(KIB(64));

        put_metadata(p, &b, w->namespace, w->name, w->uid, w->generation, false, NULL);
        put_owner(&b, w->owner_kind, w->owner_name, w->owner_uid);
        if (w->revision && w->kind != KUBE_STATEFULSET)
                put(&b, ",\"annotations\":{\"%s\":\"%s\"}",
                    w->kind == KUBE_DAEMONSET ? "deprecated.daemonset.template.generation"
                                              : "deployment.kubernetes.io/revision",
                    w->revision);
        put(&b, "},\"spec\":{%s%s", strempty(w->spec), w->spec ? "," : "");
        if (w->kind != KUBE_DAEMONSET && w->replicas >= 0)
                put(&b, "\"replicas\":%d,", w->replicas);
        put(&b, "\"template\":{\"spec\":{");
        if (w->affinity)
                put(&b,
                    "\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{"
                    "\"nodeSelectorTerms\":[%s]}}},",
                    w->affinity);
        put(&b,
            "\"tolerations\":[%s],\"nodeSelector\":{%s}}}},\"status\":{\"observedGeneration\":%d,\"readyReplicas\":99,",
            strempty(w->tolerations), strempty(w->node_selector), w->observed);
        if (w->revision && w->kind == KUBE_STATEFULSET)
                put(&b, "\"updateRevision\":\"%s\",", w->revision);
        put(&b, "%s,\"numberReady\":99}}", w->status ?: "\"desiredNumberScheduled\":0");
        return upsert(p, role_of_kind(w->kind), w->kind, &b);
}

WorldObject *play_generic(Play *p, const PlayGeneric *g) {
        Buffer b = BUFFER_INIT(KIB(64));

        put_metadata(p, &b, g->namespace, g->name, g->uid, g->generation, false, g->labels);
        put(&b, "}");
        if (!g->bare) {
                put(&b, ",\"status\":{%s\"observedGeneration\":%d,\"conditions\":[", strempty(g->more),
                    g->observed);
                put_observed_condition(&b, g->type, g->status, g->reason, g->message, g->condition_observed);
                put(&b, "]}");
        }
        put(&b, "}");
        return upsert_object(p, STREAM_GENERIC, parse(KUBE_GENERIC, &b, g->kept_field));
}

/* The node's Lease as it stands; each call brings another renewTime. */
void play_lease(Play *p, const char *node) {
        Buffer b = BUFFER_INIT(KIB(4));

        put_metadata(p, &b, "kube-node-lease", node, 77, 0, false, NULL);
        put(&b, "},\"spec\":{\"renewTime\":\"%u\"}}", p->version);
        upsert(p, STREAM_LEASES, KUBE_LEASE, &b);
}

void play_remove(Play *p, KubeKind kind, const char *namespace, const char *name) {
        world_stream_remove(p->streams[role_of_kind(kind)], kind, namespace, name, NULL);
        if (kind == KUBE_NODE)
                choose_node(p);
}

/* --- the host --- */

/* A group in the pod's folder, whether its status knows it or not. */
void play_start_beside(Play *p, unsigned pod_uid, unsigned id) {
        for (size_t i = 0; i < ELEMENTSOF(p->alive); i++)
                if (p->alive[i] == 0 || p->alive[i] == id) {
                        p->alive[i] = id;
                        p->folder[i] = pod_uid;
                        return;
                }
        fail_msg("too many containers");
}

void play_start(Play *p, unsigned id) {
        play_start_beside(p, 0, id);
}

void play_kill(Play *p, unsigned id) {
        for (size_t i = 0; i < ELEMENTSOF(p->alive); i++)
                if (p->alive[i] == id)
                        p->alive[i] = 0;
}

static ContainerLife life_of(const Play *p, const char *id) {
        unsigned number;

        if (p->unreadable || !container_id_is_valid(id))
                return CONTAINER_UNREADABLE;
        number = (unsigned) strtoul(id + strlen("cri-o://"), NULL, 16);
        for (size_t i = 0; i < ELEMENTSOF(p->alive); i++)
                if (p->alive[i] != 0 && p->alive[i] == number)
                        return CONTAINER_ALIVE;
        return CONTAINER_MISSING;
}

static char **living_beside(const Play *p, const char *pod_uid) {
        unsigned uid = (unsigned) strtoul(pod_uid, NULL, 16);
        char **living = NULL;

        for (size_t i = 0; i < ELEMENTSOF(p->alive); i++) {
                char *id = NULL;

                if (p->alive[i] == 0 || p->folder[i] != uid)
                        continue;
                assert_ok(asprintf_ret(&id, "%064x", p->alive[i]));
                assert_ok(strv_consume(&living, id));
        }
        return living;
}

static void look_at_pod(Play *p, WorldObject *o) {
        _cleanup_(strv_freep) char **living = living_beside(p, kube_pod_host_uid(KUBE_POD_OF(o->object)));
        const KubePod *pod = KUBE_POD_OF(o->object);

        for (size_t i = 0; i < pod->n_containers; i++)
                if (pod->containers[i].id)
                        o->life[i] = life_after(o->life[i], life_of(p, pod->containers[i].id));
        BOARD_FOREACH(g, &p->board) {
                assert_ok(pod_recall_beside(o, g));
        }
        if (pod_asks_for_living(o))
                assert_ok(pod_take_living(o, living));
}

static void look_at_kept(Play *p, Gate *g) {
        for (size_t k = 0; k < g->n_kept; k++)
                g->kept[k].life = life_after(g->kept[k].life, life_of(p, g->kept[k].id));
        for (size_t k = 0; k < g->n_kept; k++) {
                _cleanup_(strv_freep) char **living = living_beside(p, g->kept[k].pod_uid);

                if (kept_asks_for_living(g, &g->kept[k]))
                        kept_take_living(g, g->kept[k].pod_uid, living);
        }
}

/* Looks at the cgroups of all that the API and the kept state name on this host. */
void play_look(Play *p) {
        WORLD_FOREACH(o, p->world, KUBE_POD) {
                if (p->world->node && streq_ptr(KUBE_POD_OF(o->object)->node, p->world->node->object->name))
                        look_at_pod(p, o);
        }
        BOARD_FOREACH(g, &p->board) {
                look_at_kept(p, g);
        }
}

/* --- what most stories begin with --- */

PlayNode node_of_this_boot(void) {
        return (PlayNode){
                .name = GUIDE_NODE,
                .uid = 1,
                .boot_id = THIS_BOOT,
                .machine_id = THIS_MACHINE,
                .ready = KUBE_STATUS_TRUE,
                .labels = "\"kubernetes.io/os\":\"linux\",\"kubernetes.io/hostname\":\"" GUIDE_NODE "\"",
        };
}

/* A pod on the guide's node with one container. */
PlayPod pod_ready(const char *namespace, const char *name, unsigned uid, unsigned id) {
        return (PlayPod){
                .namespace = namespace,
                .name = name,
                .uid = uid,
                .node = GUIDE_NODE,
                .ready = KUBE_STATUS_TRUE,
                .containers = { { .name = "main",
                                  .role = KUBE_CONTAINER_MAIN,
                                  .state = KUBE_CONTAINER_RUNNING,
                                  .id = id } },
        };
}

/* dns-default of the guide, and a sidecar in it. */
PlayPod pod_of_dns(void) {
        PlayPod pod = pod_ready("openshift-dns", "dns-default-28m2q", 3, 31);

        pod.containers[0].name = "dns";
        pod.containers[1] = (PlayContainer){ .name = "kube-rbac-proxy",
                                             .role = KUBE_CONTAINER_MAIN,
                                             .state = KUBE_CONTAINER_RUNNING,
                                             .id = 32 };
        pod.containers[2] = (PlayContainer){
                .name = "sidecar", .role = KUBE_CONTAINER_SIDECAR, .state = KUBE_CONTAINER_RUNNING, .id = 33
        };
        return pod;
}

void pod_owned(PlayPod *pod, const char *kind, const char *name, unsigned uid) {
        pod->owner_kind = kind;
        pod->owner_name = name;
        pod->owner_uid = uid;
}

/* The pod with its containers alive and looked at. */
void play_start_pod(Play *p, const PlayPod *pod) {
        for (size_t i = 0; i < ELEMENTSOF(pod->containers); i++)
                if (pod->containers[i].id != 0)
                        play_start(p, pod->containers[i].id);
        play_pod(p, pod);
        play_look(p);
}

/* An API that is ready, all streams in sync, and our node proven and seen alive. */
void play_cluster(Play *p) {
        PlayNode node = node_of_this_boot();

        play_begin(p);
        play_api(p, API_READY);
        play_node(p, &node);
        play_sync_all(p);
        play_heartbeat(p);
}

typedef struct GuideWorkload {
        KubeKind kind;
        const char *namespace, *name, *pod;
        const char *containers[4];
        const char *init;
} GuideWorkload;

#define OVN "openshift-ovn-kubernetes"
#define DNS "openshift-dns"
#define OLM "openshift-operator-lifecycle-manager"
#define GITOPS "openshift-gitops"

/* clang-format off */
static const GuideWorkload guide[] = {
        { KUBE_DAEMONSET, OVN, "ovnkube-master", "ovnkube-master-rmn9q",
          { "northd", "nbdb", "sbdb", "ovnkube-master" }, NULL },
        { KUBE_DAEMONSET, OVN, "ovnkube-node", "ovnkube-node-zkznm", { "ovn-controller" }, NULL },
        { KUBE_DAEMONSET, DNS, "node-resolver", "node-resolver-2gj2m", { "dns-node-resolver" }, NULL },
        { KUBE_DAEMONSET, DNS, "dns-default", "dns-default-28m2q", { "dns", "kube-rbac-proxy" }, NULL },
        { KUBE_DEPLOYMENT, "openshift-service-ca", "service-ca", "service-ca-686b8b5949-wxt6v",
          { "service-ca-controller" }, NULL },
        { KUBE_DEPLOYMENT, "openshift-ingress", "router-default", "router-default-6c8b458f6-zw6n2", { "router" },
          NULL },
        { KUBE_DEPLOYMENT, "kube-system", "csi-snapshot-controller", "csi-snapshot-controller-dd744ffb7-tcz9r",
          { "snapshot-controller" }, NULL },
        { KUBE_DEPLOYMENT, "kube-system", "csi-snapshot-webhook", "csi-snapshot-webhook-86cd54f8f7-pt76s",
          { "webhook" }, NULL },
        { KUBE_DEPLOYMENT, OLM, "olm-operator", "olm-operator-6586b4c6fb-t52bd", { "olm-operator" }, NULL },
        { KUBE_DEPLOYMENT, OLM, "catalog-operator", "catalog-operator-7fc7fc48dd-b2pnr", { "catalog-operator" },
          NULL },
        { KUBE_STATEFULSET, GITOPS, "argocd-application-controller", "argocd-application-controller-0",
          { "argocd-application-controller" }, NULL },
        { KUBE_DEPLOYMENT, GITOPS, "argocd-redis", "argocd-redis-769db95b95-gg4xs", { "redis" }, NULL },
        { KUBE_DEPLOYMENT, GITOPS, "argocd-repo-server", "argocd-repo-server-f9b57f9f9-p5pkh",
          { "argocd-repo-server" }, "copyutil" },
};
/* clang-format on */

static void play_guide_workload(Play *p, unsigned i) {
        const GuideWorkload *g = &guide[i];
        PlayPod pod = pod_ready(g->namespace, g->pod, 300 + i, 0);
        char set[64];

        play_workload(p, &(PlayWorkload){ .kind = g->kind,
                                          .namespace = g->namespace,
                                          .name = g->name,
                                          .uid = 100 + i,
                                          .replicas = 1,
                                          .generation = 1,
                                          .observed = 1,
                                          .node_selector = "\"kubernetes.io/os\":\"linux\"" });
        pod_owned(&pod, kube_kind_to_string(g->kind), g->name, 100 + i);
        if (g->kind == KUBE_DEPLOYMENT) {
                snprintf(set, sizeof(set), "%.*s", (int) (strrchr(g->pod, '-') - g->pod), g->pod);
                play_workload(p, &(PlayWorkload){ .kind = KUBE_REPLICASET,
                                                  .namespace = g->namespace,
                                                  .name = set,
                                                  .uid = 200 + i,
                                                  .replicas = 1,
                                                  .owner_kind = "Deployment",
                                                  .owner_name = g->name,
                                                  .owner_uid = 100 + i });
                pod_owned(&pod, "ReplicaSet", set, 200 + i);
        }
        for (unsigned c = 0; c < ELEMENTSOF(g->containers) && g->containers[c]; c++)
                pod.containers[c] = (PlayContainer){ .name = g->containers[c],
                                                     .role = KUBE_CONTAINER_MAIN,
                                                     .state = KUBE_CONTAINER_RUNNING,
                                                     .id = 1000 + 10 * i + c };
        if (g->init)
                pod.containers[5] = (PlayContainer){ .name = g->init,
                                                     .role = KUBE_CONTAINER_INIT,
                                                     .state = KUBE_CONTAINER_TERMINATED,
                                                     .reason = "Completed",
                                                     .id = 1000 + 10 * i + 9 };
        play_start_pod(p, &pod);
        if (g->init)
                play_kill(p, 1000 + 10 * i + 9);
}

/* The guide's node with its 13 pods, all of them usable, and a gate for each workload, required. */
void world_of_guide(Play *p) {
        play_cluster(p);
        for (unsigned i = 0; i < ELEMENTSOF(guide); i++)
                play_guide_workload(p, i);
        play_look(p);
        PLAY_GATE(p, "node", check_node(NULL));
        for (unsigned i = 0; i < ELEMENTSOF(guide); i++)
                PLAY_GATE(p, guide[i].name,
                          check_workload(guide[i].kind, guide[i].namespace, guide[i].name));
        play_load(p);
}

/* --- checks and gates --- */

PlayCheck check_of(const CheckKind *kind) {
        PlayCheck d = { .definition = { .syntax = &kind->syntax, .label = (char *) "" } };

        assert_true(kind->syntax.size <= sizeof(d));
        if (kind->counts_pods)
                d.tally.minimum_ready = MINIMUM_READY_UNSET;
        return d;
}

PlayCheck check_workload(KubeKind kind, const char *namespace, const char *name) {
        PlayCheck d = check_of(&check_kind_workload);

        d.workload.kind = kind;
        d.tally.namespace = (char *) namespace;
        d.tally.name = (char *) name;
        return d;
}

PlayCheck check_pods(const char *namespace, const char *name) {
        PlayCheck d = check_of(&check_kind_pods);

        d.tally.namespace = (char *) namespace;
        d.tally.name = (char *) name;
        return d;
}

PlayCheck check_node(const char *name) {
        PlayCheck d = check_of(&check_kind_node);

        d.node.name = (char *) name;
        return d;
}

/* Asks a new check. What d points to has to outlive the play. */
Evidence play_ask(Play *p, const PlayCheck *d) {
        p->definition = *d;
        check_init(&p->check, &p->definition.definition);
        return play_ask_again(p);
}

Evidence play_ask_again(Play *p) {
        report_done(&p->report);
        assert_ok(check_judge(&p->check,
                              &(Judging){ .world = p->world, .now = p->now, .report = &p->report }));
        return p->report.evidence;
}

/* Of the first blocker that was found. */
const char *play_reason(const Play *p) {
        return p->report.n_blockers > 0 ? p->report.blockers[0].reason : "";
}

static char *copy(const char *s) {
        char *c = NULL;

        if (s) {
                c = strdup(s);
                assert_non_null(c);
        }
        return c;
}

/* The gate frees what its check points to. Values of other than text are shared, or nothing that is freed. */
static CheckDefinition *copy_check(const PlayCheck *check) {
        const CheckSyntax *syntax = check->definition.syntax;
        CheckDefinition *d = calloc(1, syntax->size);

        assert_non_null(d);
        memcpy(d, check, syntax->size);
        d->label = copy(d->label);
        d->file = copy(d->file);
        for (const CheckKey *k = syntax->keys; k->name; k++) {
                char **p = (char **) (void *) ((char *) d + k->offset);

                if (k->type->done == check_key_text_done)
                        *p = copy(*p);
                else if (k->type->done)
                        assert_null(*p);
        }
        return d;
}

/* A gate for the next play_load(): required, enabled, with the default times; change it as you like. */
GateSetup *play_gate(Play *p, const char *name, const PlayCheck *checks, size_t n) {
        GateDefinition *d = calloc(1, sizeof(GateDefinition));
        GateSetup *s = &p->setups[p->n_setups++];

        assert_true(p->n_setups <= ELEMENTSOF(p->setups));
        assert_non_null(d);
        d->name = copy(name);
        d->description = copy(name);
        d->required = 1;
        d->checks = calloc(n + 1, sizeof(CheckDefinition *));
        assert_non_null(d->checks);
        for (size_t i = 0; i < n; i++)
                d->checks[d->n_checks++] = copy_check(&checks[i]);
        *s = (GateSetup){
                .definition = d, .enabled = true, .required = true, .timing = GATE_TIMING_DEFAULT
        };
        return s;
}

/* Puts the gates made since the last load on the board, in place of all others, and judges it. */
void play_load(Play *p) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;

        assert_ok(board_set(&p->board, p->setups, p->n_setups, p->now, &warnings, &removed));
        p->n_setups = 0;
        play_judge(p);
}

void play_judge(Play *p) {
        assert_ok(board_reconsider(&p->board, p->world, p->now, &p->ops));
}

Gate *play_find(Play *p, const char *name) {
        Gate *g = board_find(&p->board, name);

        if (!g)
                fail_msg("no gate %s", name);
        return g;
}
