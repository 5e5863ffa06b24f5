/* SPDX-License-Identifier: Apache-2.0 */

/* Two hosts in random order. Their kubelets register nodes, under new names at times, and report pods; nodes are
 * deleted and made again; both hosts boot, kubelets die and start again; the API goes away and comes back, and
 * msreadyd restarts. The streams are those that the gates and our node ask for, begun and ended as the daemon does it,
 * each at its own pace. Whatever the order:
 *
 *   - no gate opens on what was never so on this host in this boot;
 *   - nothing is missing on the word of a stream of another node;
 *   - no pod of the other host is believed on the word of a boot that was over when the API came back;
 *   - when all is well and told, everything is ready, and no stream is left that nobody needs.
 *
 * MSREADY_SEED repeats one run, MSREADY_RUNS makes more of them. */

#include "fixture.h"
#include "random.h"

#include <stdio.h>

#include "ready/pod.h"
#include "ready/readiness.h"

#define BASE_SEED 20261130u
#define RUNS 1000
#define STEPS 160
#define ENTRIES 1000
#define NAMES ELEMENTSOF(names)
#define HOSTS 2
#define CONTAINERS 4096

static const char *const names[] = { "a", "b", "c" };

#define ANY (-1)
#define NONE (-2)

typedef struct Node {
        unsigned uid, version; /* uid 0: there is none */
        unsigned host, boot, beat;
        KubeStatus ready;
} Node;

/* The DaemonSet's pod on the node of that name. */
typedef struct Pod {
        unsigned uid, version, id; /* id 0: its container has none */
        KubeStatus ready;
} Pod;

typedef struct Lease {
        unsigned renewals, version;
} Lease;

/* What the server has after one change. */
typedef struct Entry {
        Node nodes[NAMES];
        Pod pods[NAMES];
        Lease leases[NAMES];
} Entry;

typedef struct Host {
        unsigned boot, name, next_name; /* next_name: the kubelet's when it starts again */
        bool runs, looked, renewed;     /* the kubelet; since it started */
        unsigned container; /* lives in the pod of this host, and may not be named yet; 0: none */
} Host;

typedef struct Stream {
        WorldStream *world;
        StreamRole role;
        int only; /* the name that it is asked for; ANY, NONE */
        bool listing, lost, has_version, wanted;
        unsigned snapshot, next, cursor;
        struct Stream *older;
} Stream;

typedef struct Sim {
        Random random;
        unsigned uids, beats, containers;
        Play gates; /* makes their setups, and nothing else */
        Readiness readiness;
        ReadinessOps ops;
        Instant now;
        bool clones;   /* the hosts have one machine ID */
        bool nameless; /* /etc/machine-id cannot be read */
        Entry log[ENTRIES];
        unsigned n;
        Host hosts[HOSTS]; /* this host is the first */
        Stream *streams;
        usec_t died[CONTAINERS]; /* 0: it lives */
        usec_t api_back;
        unsigned alone;                         /* for so many steps this host does nothing yet */
        bool node_was_usable, pods_were_usable; /* in this boot of this host */
} Sim;

static unsigned roll(Sim *s, unsigned sides) {
        return random_roll(&s->random, sides);
}

#define wrong(s, ...) random_wrong(&(s)->random, __VA_ARGS__)

static World *world(const Sim *s) {
        return s->readiness.world;
}

static const Entry *truth(const Sim *s) {
        return &s->log[s->n];
}

/* --- the cluster --- */

static void note_truth(Sim *s) {
        const Host *h = &s->hosts[0];
        const Node *node = &truth(s)->nodes[h->name];
        const Pod *pod = &truth(s)->pods[h->name];

        if (node->uid != 0 && node->host == 0 && node->boot == h->boot && node->ready == KUBE_STATUS_TRUE)
                s->node_was_usable = true;
        if (pod->uid != 0 && pod->ready == KUBE_STATUS_TRUE && pod->id != 0 && pod->id == h->container)
                s->pods_were_usable = true;
}

/* The entry to change: the server has it from then on. */
static Entry *write_entry(Sim *s) {
        assert_true(s->n + 1 < ENTRIES);
        s->log[s->n + 1] = s->log[s->n];
        return &s->log[++s->n];
}

static Node *write_node(Sim *s, unsigned name) {
        Node *node = &write_entry(s)->nodes[name];

        node->version = s->n;
        return node;
}

static Pod *write_pod(Sim *s, unsigned name) {
        Pod *pod = &write_entry(s)->pods[name];

        pod->version = s->n;
        return pod;
}

static bool can_write(const Sim *s, const Host *h) {
        return h->runs && world(s)->api == API_READY;
}

static void kubelet_reports_node(Sim *s, Host *h) {
        Node *node;

        if (!can_write(s, h))
                return;
        node = write_node(s, h->name);
        if (node->uid == 0)
                *node = (Node){ .uid = ++s->uids, .version = s->n, .ready = KUBE_STATUS_FALSE };
        else
                node->ready = roll(s, 4) ? KUBE_STATUS_TRUE : KUBE_STATUS_FALSE;
        node->host = (unsigned) (h - s->hosts);
        node->boot = h->boot;
        node->beat = ++s->beats;
        note_truth(s);
}

/* The pod's status becomes what the kubelet sees. */
static void kubelet_reports_pod(Sim *s, Host *h) {
        Pod *pod;

        if (!can_write(s, h) || truth(s)->pods[h->name].uid == 0)
                return;
        pod = write_pod(s, h->name);
        pod->id = h->container;
        pod->ready = h->container != 0 && roll(s, 4) ? KUBE_STATUS_TRUE : KUBE_STATUS_FALSE;
        note_truth(s);
}

static void kubelet_looks(Sim *s, Host *h) {
        if (!can_write(s, h))
                return;
        kubelet_reports_pod(s, h);
        kubelet_reports_node(s, h);
        h->looked = true;
}

/* The first renewal may come before it has looked at anything, the second one does not. */
static void kubelet_renews(Sim *s, Host *h) {
        Lease *lease;

        if (!can_write(s, h) || truth(s)->nodes[h->name].uid == 0)
                return;
        if (h->renewed && !h->looked)
                kubelet_looks(s, h);
        h->renewed = true;
        lease = &write_entry(s)->leases[h->name];
        lease->renewals++;
        lease->version = s->n;
}

static void start_container(Sim *s, Host *h) {
        if (!h->runs || h->container != 0 || s->containers + 1 == CONTAINERS)
                return;
        h->container = ++s->containers;
}

static void kill_container(Sim *s, Host *h) {
        if (h->container != 0)
                s->died[h->container] = s->now.monotonic;
        h->container = 0;
}

static void start_kubelet(Sim *s, Host *h) {
        const Host *other = &s->hosts[h == s->hosts];

        if (h->runs)
                return;
        if (h->next_name != other->name)
                h->name = h->next_name;
        h->runs = true;
        h->looked = h->renewed = false;
}

static void stop_kubelet(Sim *s, Host *h) {
        h->runs = false;
        if (!s->nameless && roll(s, 3) == 0) /* else nothing tells which of two is ours */
                h->next_name = roll(s, NAMES);
}

static void boot(Sim *s, Host *h) {
        stop_kubelet(s, h);
        kill_container(s, h);
        h->boot++;
}

/* What the controllers do: give up nodes whose kubelet is silent, make pods for nodes, and remove those of no node. */
static void control(Sim *s, unsigned name) {
        const Node *node = &truth(s)->nodes[name];
        bool served = false;

        if (world(s)->api != API_READY)
                return;
        for (unsigned i = 0; i < HOSTS; i++)
                served = served || (s->hosts[i].runs && s->hosts[i].name == name);
        if (node->uid == 0 && truth(s)->pods[name].uid != 0)
                *write_pod(s, name) = (Pod){ .version = s->n };
        else if (node->uid != 0 && truth(s)->pods[name].uid == 0)
                *write_pod(s, name) = (Pod){ .uid = ++s->uids, .version = s->n, .ready = KUBE_STATUS_FALSE };
        else if (node->uid != 0 && !served) {
                write_node(s, name)->ready = KUBE_STATUS_UNKNOWN;
                write_pod(s, name)->ready = KUBE_STATUS_FALSE;
        }
}

static void delete_node(Sim *s, unsigned name) {
        if (world(s)->api == API_READY && truth(s)->nodes[name].uid != 0)
                *write_node(s, name) = (Node){ .version = s->n };
}

/* --- the objects --- */

static void put(Stream *t, Instant now, KubeKind kind, const char *text) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        KubeObject *o = NULL;

        assert_ok(jv_parse(text, strlen(text), &v));
        assert_ok(kube_object_parse(kind, v, &o, NULL, 0));
        assert_ok(world_stream_upsert(t->world, o, now, NULL));
}

static void put_node(Sim *s, Stream *t, unsigned name, const Node *node) {
        char text[512];

        snprintf(
                text, sizeof(text),
                "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%u\",\"resourceVersion\":\"%u\"},"
                "\"status\":{\"nodeInfo\":{\"bootID\":\"%08x%024x\",\"machineID\":\"%032x\"},\"conditions\":["
                "{\"type\":\"Ready\",\"status\":\"%s\",\"lastHeartbeatTime\":\"%u\"}]}}",
                names[name], node->uid, node->version, node->host + 1, node->boot,
                s->clones ? 1 : node->host + 1, kube_status_to_string(node->ready), node->beat);
        put(t, s->now, KUBE_NODE, text);
}

static void put_pod(Sim *s, Stream *t, unsigned name, const Pod *pod) {
        char text[640], id[96] = "";

        if (pod->id != 0)
                snprintf(id, sizeof(id), "\"containerID\":\"cri-o://%064x\",", pod->id);
        snprintf(
                text, sizeof(text),
                "{\"metadata\":{\"namespace\":\"net\",\"name\":\"net-%s\",\"uid\":\"%u\",\"resourceVersion\":\"%u\","
                "\"ownerReferences\":[{\"kind\":\"DaemonSet\",\"name\":\"net\",\"uid\":\"net\",\"controller\":true}]},"
                "\"spec\":{\"nodeName\":\"%s\",\"containers\":[{\"name\":\"main\"}]},"
                "\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}],"
                "\"containerStatuses\":[{\"name\":\"main\",%s\"ready\":true,\"state\":{\"running\":{}}}]}}",
                names[name], pod->uid, pod->version, names[name], kube_status_to_string(pod->ready), id);
        put(t, s->now, KUBE_POD, text);
}

static void put_lease(Sim *s, Stream *t, unsigned name, const Lease *lease) {
        char text[256];

        snprintf(text, sizeof(text),
                 "{\"metadata\":{\"namespace\":\"kube-node-lease\",\"name\":\"%s\",\"uid\":\"l%s\","
                 "\"resourceVersion\":\"%u\"},\"spec\":{\"renewTime\":\"%u\"}}",
                 names[name], names[name], lease->version, lease->renewals);
        put(t, s->now, KUBE_LEASE, text);
}

/* --- the streams --- */

static unsigned version_of(const Stream *t, const Entry *e, unsigned name) {
        switch (t->role) {
        case STREAM_NODES:
                return e->nodes[name].version;
        case STREAM_PODS:
                return e->pods[name].version;
        default:
                return e->leases[name].version;
        }
}

/* Whether the stream brings objects of that name at all. */
static bool is_asked(const Stream *t, unsigned name) {
        if (t->role != STREAM_NODES && t->role != STREAM_PODS && t->role != STREAM_LEASES)
                return false;
        return t->only == ANY || t->only == (int) name;
}

static void tell_object(Sim *s, Stream *t, const Entry *e, unsigned name, bool listed) {
        char text[16];

        if (t->role == STREAM_NODES && e->nodes[name].uid != 0)
                put_node(s, t, name, &e->nodes[name]);
        else if (t->role == STREAM_PODS && e->pods[name].uid != 0)
                put_pod(s, t, name, &e->pods[name]);
        else if (t->role == STREAM_LEASES && e->leases[name].renewals != 0)
                put_lease(s, t, name, &e->leases[name]);
        else if (!listed && t->role == STREAM_PODS) {
                snprintf(text, sizeof(text), "net-%s", names[name]);
                world_stream_remove(t->world, KUBE_POD, "net", text, NULL);
        } else if (!listed && t->role == STREAM_NODES) {
                snprintf(text, sizeof(text), "%s", names[name]);
                world_stream_remove(t->world, KUBE_NODE, "", text, NULL);
        }
}

static void set_sync(Sim *s, Stream *t, bool in_sync) {
        assert_true(world_stream_set_sync(t->world, in_sync, REASON_NOT_SYNCED, NULL, s->now) >= 0);
}

static void begin_listing(Sim *s, Stream *t) {
        t->listing = true;
        t->lost = t->has_version = false;
        t->snapshot = s->n;
        t->next = 0;
        world_stream_listing_begins(t->world);
}

static void end_listing(Sim *s, Stream *t) {
        if (t->role == STREAM_DAEMONSETS)
                put(t, s->now, KUBE_DAEMONSET,
                    "{\"metadata\":{\"namespace\":\"net\",\"name\":\"net\",\"uid\":\"net\",\"resourceVersion\":\"1\"},"
                    "\"spec\":{}}");
        world_stream_listing_complete(t->world);
        set_sync(s, t, true);
        t->listing = false;
        t->has_version = true;
        t->cursor = t->snapshot;
}

/* A version that replaces a former object of that name is told as its end and its beginning. */
static void tell_change(Sim *s, Stream *t) {
        const Entry *before = &s->log[t->cursor++];

        for (unsigned i = 0; i < NAMES; i++)
                if (is_asked(t, i) && version_of(t, before, i) != version_of(t, before + 1, i))
                        tell_object(s, t, before + 1, i, false);
}

static void lose(Sim *s, Stream *t) {
        t->lost = true;
        t->listing = false;
        set_sync(s, t, false);
}

/* The next thing that the stream tells; false where it has told all. */
static bool go_on(Sim *s, Stream *t) {
        if (world(s)->api != API_READY)
                return false;
        if (t->lost && t->has_version && roll(s, 2)) {
                t->lost = false;
                set_sync(s, t, true);
        } else if (t->lost)
                begin_listing(s, t);
        else if (t->listing && t->next < NAMES) {
                if (is_asked(t, t->next))
                        tell_object(s, t, &s->log[t->snapshot], t->next, true);
                t->next++;
        } else if (t->listing)
                end_listing(s, t);
        else if (t->cursor < s->n)
                tell_change(s, t);
        else
                return false;
        return true;
}

/* --- the daemon, as its source of streams has it --- */

static int name_in(const char *fields) {
        const char *value = fields ? strrchr(fields, '=') : NULL;

        return !value ? ANY : value[1] ? value[1] - 'a' : NONE;
}

static int want(const StreamDemand *demand, void *userdata) {
        Sim *s = userdata;
        int only = name_in(demand->query.field_selector);
        Stream *t;

        for (t = s->streams; t && t->role != demand->role; t = t->older)
                ;
        if (t && t->only == only && t->world->interest == world(s)->interest) {
                t->wanted = true;
                return 0;
        }

        t = calloc(1, sizeof(Stream));
        assert_non_null(t);
        assert_ok(world_add_stream(world(s), demand->role, demand->key, demand->node, &t->world));
        t->role = demand->role;
        t->only = only;
        t->wanted = true;
        t->older = s->streams;
        s->streams = t;
        begin_listing(s, t);
        t->lost = world(s)->api != API_READY;
        return 0;
}

static bool may_speak_on(const Sim *s, const Stream *old) {
        if (old->role == STREAM_LEASES || old->role == STREAM_EVENTS ||
            (!old->world->in_sync && old->role != STREAM_NODES))
                return false;
        for (const Stream *t = s->streams; t != old; t = t->older)
                if (!t->wanted && t->world->in_sync && t->role == old->role && t->only == old->only)
                        return false;
        for (const Stream *t = s->streams; t; t = t->older)
                if (t != old && t->wanted && t->role == old->role)
                        return !t->world->in_sync && (old->role != STREAM_PODS || t->only == old->only);
        return false;
}

static void sweep(Sim *s) {
        for (Stream **p = &s->streams; *p;) {
                Stream *t = *p;

                if (t->wanted || may_speak_on(s, t)) {
                        p = &t->older;
                        continue;
                }
                *p = t->older;
                world_stream_free(t->world);
                free(t);
        }
}

static void update_streams(Sim *s) {
        for (Stream *t = s->streams; t; t = t->older)
                t->wanted = false;
        assert_ok(board_demand(&s->readiness.board, world(s), want, s));
}

static void look_at_containers(Sim *s) {
        WORLD_FOREACH(o, world(s), KUBE_POD) {
                const char *id = KUBE_POD_OF(o->object)->containers[0].id;

                if (id)
                        o->life[0] = s->hosts[0].container != 0 && strtoul(id + strlen("cri-o://"), NULL,
                                                                           16) == s->hosts[0].container
                                             ? CONTAINER_ALIVE
                                             : CONTAINER_DEAD;
        }
}

static void cluster_changed(ReadinessOps *ops, const char *what) {
        fail_msg("there is one cluster: %s", what);
}

static void gate_changed(ReadinessOps *ops, const Gate *gate, GateState before, unsigned what) {
}

static void verdict_changed(ReadinessOps *ops, GateState before) {
}

/* --- what has to hold --- */

static void check_opened(Sim *s) {
        BOARD_FOREACH(g, &s->readiness.board) {
                /* In the scope of the cluster the pods of the other host may be all that there are. */
                bool was_usable = streq(gate_name(g), "node")
                                          ? s->node_was_usable
                                          : s->pods_were_usable || world(s)->cluster_scope;

                if (g->report.evidence == EVIDENCE_TRUE && !was_usable)
                        wrong(s, "%s is TRUE, and was never usable on this host in this boot", gate_name(g));
        }
}

/* Whether a stream of that role is in sync that brings what there is of that name; ANY: of every name. */
static bool has_told(const Sim *s, StreamRole role, int only) {
        for (const Stream *t = s->streams; t; t = t->older)
                if (t->role == role && t->world->in_sync && (t->only == ANY || t->only == only))
                        return true;
        return false;
}

/* What is missing was not told by a stream of another node. */
static void check_missing(Sim *s) {
        const WorldObject *ours = world(s)->node;

        BOARD_FOREACH(g, &s->readiness.board) {
                const Blocker *b = g->report.n_blockers > 0 ? &g->report.blockers[0] : NULL;

                if (g->report.evidence != EVIDENCE_FALSE)
                        continue;
                if (streq(b->reason, REASON_NODE_NOT_REGISTERED) && !has_told(s, STREAM_NODES, ANY))
                        wrong(s, "%s misses a node, and not all nodes were listed", gate_name(g));
                if (streq(b->reason, REASON_NO_PODS) &&
                    !has_told(s, STREAM_PODS, ours ? ours->object->name[0] - 'a' : ANY))
                        wrong(s, "%s misses pods of a node whose pods were not listed", gate_name(g));
        }
}

/* What died before the API came back is not believed afterwards. */
static void check_observed(Sim *s) {
        WORLD_FOREACH(o, world(s), KUBE_POD) {
                const char *id = KUBE_POD_OF(o->object)->containers[0].id;
                usec_t deadline = USEC_INFINITY, died;
                Finding f;

                pod_judge(world(s), o, PROOF_WANTED_CGROUP, s->now, &f, &deadline);
                if (f.evidence != EVIDENCE_TRUE)
                        continue;
                died = s->died[strtoul(id + strlen("cri-o://"), NULL, 16)];
                if (died != 0 && died < s->api_back)
                        wrong(s, "%s is proven by a container that died before the API came back",
                              o->object->name);
        }
}

static void judge(Sim *s) {
        if (roll(s, 4))
                look_at_containers(s);
        assert_ok(readiness_reconsider(&s->readiness, s->now, 1, &s->ops));
        check_opened(s);
        check_missing(s);
        check_observed(s);
        update_streams(s);
        if (roll(s, 2))
                sweep(s);
}

/* --- the daemon's life --- */

static void load_gates(Sim *s) {
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;

        PLAY_GATE(&s->gates, "node", check_node(NULL));
        PLAY_GATE(&s->gates, "set", check_workload(KUBE_DAEMONSET, "net", "net"));
        PLAY_GATE(&s->gates, "pods", check_pods("net", NULL));
        assert_ok(board_set(&s->readiness.board, s->gates.setups, s->gates.n_setups, s->now, &warnings,
                            &removed));
        s->gates.n_setups = 0;
}

static void end_daemon(Sim *s) {
        while (s->streams) {
                Stream *t = s->streams;

                s->streams = t->older;
                world_stream_free(t->world);
                free(t);
        }
        readiness_done(&s->readiness);
}

static void begin_daemon(Sim *s) {
        HostFacts *host;
        char text[40];

        assert_ok(readiness_init(&s->readiness));
        host = &world(s)->host;
        snprintf(text, sizeof(text), "%08x%024x", 1U, s->hosts[0].boot);
        host->boot_id = strdup(text);
        snprintf(text, sizeof(text), "%032x", 1U);
        host->machine_id = s->nameless ? NULL : strdup(text);
        snprintf(text, sizeof(text), "%s", names[s->hosts[0].next_name]);
        host->host_name = strdup(text);
        world(s)->cluster_scope = s->random.seed % 4 == 0;
        assert_true(world_set_api(world(s), API_UNREACHABLE, REASON_API_UNREACHABLE, NULL, s->now) >= 0);
        load_gates(s);
}

static void set_api(Sim *s, ApiState state) {
        if (state == API_READY && world(s)->api != API_READY)
                s->api_back = s->now.monotonic;
        assert_true(world_set_api(world(s), state, NULL, NULL, s->now) >= 0);
        for (Stream *t = s->streams; state != API_READY && t; t = t->older) {
                lose(s, t);
                t->has_version = false;
        }
}

static void restart_daemon(Sim *s) {
        ApiState api = world(s)->api;

        end_daemon(s);
        begin_daemon(s);
        if (api == API_READY)
                set_api(s, API_READY);
}

static void boot_this_host(Sim *s) {
        boot(s, &s->hosts[0]);
        s->node_was_usable = s->pods_were_usable = false;
        restart_daemon(s);
}

static Stream *pick_stream(Sim *s) {
        Stream *t = s->streams;

        while (t && t->older && roll(s, 3))
                t = t->older;
        return t;
}

/* Streams tell what there is within a second, where they are in sync. */
static void pass(Sim *s, usec_t usec) {
        usec_t end = s->now.monotonic + usec;

        for (Stream *t = s->streams; t; t = t->older)
                while (usec > USEC_PER_SEC && t->world->in_sync && !t->lost && go_on(s, t))
                        ;
        judge(s);
        /* The gates are judged when they ask for it: else the daemon would have been stalled. */
        while (s->now.monotonic < end) {
                usec_t next = usec_min(MAX(board_deadline(&s->readiness.board), s->now.monotonic + 1), end);

                s->now.boottime += next - s->now.monotonic;
                s->now.monotonic = next;
                judge(s);
        }
}

static void change_cluster(Sim *s) {
        Host *h = &s->hosts[s->alone > 0 ? 1 : roll(s, HOSTS)];

        switch (roll(s, 20)) {
        case 0:
                stop_kubelet(s, h);
                break;
        case 1:
                if (h == s->hosts)
                        boot_this_host(s);
                else
                        boot(s, h);
                break;
        case 2:
                kill_container(s, h);
                break;
        case 3:
                delete_node(s, roll(s, NAMES));
                break;
        case 4:
        case 5:
        case 6:
                start_kubelet(s, h);
                break;
        case 7:
        case 8:
                control(s, roll(s, NAMES));
                break;
        case 9:
        case 10:
                start_container(s, h);
                break;
        case 11:
        case 12:
                kubelet_renews(s, h);
                break;
        case 13:
        case 14:
        case 15:
                kubelet_reports_pod(s, h);
                break;
        default:
                kubelet_looks(s, h);
                break;
        }
        note_truth(s);
}

/* These hosts are well, and nothing is left of names that no host has. */
static void make_well(Sim *s, unsigned first, unsigned last) {
        set_api(s, API_READY);
        for (unsigned i = first; i <= last; i++)
                start_kubelet(s, &s->hosts[i]);
        for (unsigned i = 0; i < NAMES; i++)
                if (i != s->hosts[0].name && i != s->hosts[1].name)
                        delete_node(s, i);
        for (unsigned i = first; i <= last; i++) {
                Host *h = &s->hosts[i];

                start_container(s, h);
                kubelet_looks(s, h);
                control(s, h->name);
                do
                        kubelet_looks(s, h);
                while (truth(s)->nodes[h->name].ready != KUBE_STATUS_TRUE ||
                       truth(s)->pods[h->name].ready != KUBE_STATUS_TRUE);
        }
        for (unsigned i = 0; i < NAMES; i++)
                control(s, i);
}

static void tell_all(Sim *s) {
        for (bool more = true; more;) {
                more = false;
                for (Stream *t = s->streams; t; t = t->older)
                        while (go_on(s, t))
                                more = true;
                judge(s);
        }
}

/* The other host boots while nobody can see it, and its kubelet renews its Lease before it looks at anything. */
static void boot_unseen(Sim *s) {
        Host *h = &s->hosts[1];

        set_api(s, API_UNREACHABLE);
        judge(s);
        boot(s, h);
        s->now.monotonic += USEC_PER_SEC;
        start_kubelet(s, h);
        set_api(s, API_READY);
        tell_all(s);
        for (unsigned i = roll(s, 4); i > 0; i--) {
                kubelet_renews(s, h);
                pass(s, SECONDS(2 + roll(s, 40)));
                judge(s);
        }
}

static void step(Sim *s) {
        unsigned what = roll(s, 41);

        if (what == 0)
                set_api(s, API_UNREACHABLE);
        else if (what == 1)
                restart_daemon(s);
        else if (what < 4)
                set_api(s, API_READY);
        else if (what == 4 && s->streams)
                lose(s, pick_stream(s));
        else if (what == 5)
                pass(s, USEC_PER_MSEC * roll(s, 3000));
        else if (what == 6)
                pass(s, SECONDS(roll(s, 90)));
        else if (what < 20)
                change_cluster(s);
        else if (what == 40)
                boot_unseen(s);
        else if (s->streams)
                (void) go_on(s, pick_stream(s));
        s->now.monotonic += USEC_PER_MSEC;
        s->now.boottime += USEC_PER_MSEC;
        s->alone -= s->alone > 0;
        judge(s);
}

/* --- the end of a run --- */

static void finish(Sim *s) {
        make_well(s, 0, HOSTS - 1);
        tell_all(s);
        for (unsigned round = 0; round < 2 + OBSERVED_NODE_USEC / SECONDS(10); round++) {
                for (unsigned i = 0; i < HOSTS; i++)
                        kubelet_renews(s, &s->hosts[i]);
                tell_all(s);
                pass(s, SECONDS(10));
        }
        tell_all(s);
        look_at_containers(s);
        judge(s);
        pass(s, SECONDS(16)); /* what was lost has to settle */
        tell_all(s);
        sweep(s);
        update_streams(s);
        if (s->readiness.board.verdict.state != GATE_READY || !board_is_fresh(&s->readiness.board)) {
                const Blocker *b = board_first_blocker(&s->readiness.board, NULL);

                wrong(s, "%s after all is well: %s %s",
                      gate_state_to_string(s->readiness.board.verdict.state), b ? b->reason : "?",
                      b ? strna(b->message) : "");
        }
        for (const Stream *t = s->streams; t; t = t->older)
                if (!t->wanted)
                        wrong(s, "a stream is left that nobody needs");
}

static void run(unsigned seed) {
        Sim *s = calloc(1, sizeof(Sim));

        assert_non_null(s);
        *s = (Sim){ .random = { seed, seed * 2654435761u + 1 },
                    .now = { .boottime = STARTED, .monotonic = STARTED },
                    .ops = { cluster_changed, gate_changed, verdict_changed },
                    .clones = seed % 3 == 0,
                    .nameless = seed % 3 == 1 };
        s->hosts[1].name = s->hosts[1].next_name = 1;
        begin_daemon(s);
        judge(s);
        if (seed % 2) {
                s->alone = roll(s, STEPS);
                make_well(s, 1, 1);
        }
        for (unsigned i = 0; i < STEPS; i++)
                step(s);
        finish(s);
        end_daemon(s);
        free(s);
}

static void test_random(void **state) {
        random_runs(BASE_SEED, RUNS, run);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

        return cmocka_run_group_tests_name("ready-nodes-random", tests, NULL, NULL);
}
