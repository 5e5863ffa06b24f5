/* SPDX-License-Identifier: Apache-2.0 */

/* A boot in random order. The cluster's truth is a log of versions for each stream; each stream delivers its own
 * log at its own pace, loses sync, resumes or lists again; the API goes away and comes back; containers start
 * and die; the kubelet falls silent; msreadyd is restarted with what it kept. Whatever the order:
 *
 *   - nothing is ready before the last step of the boot, and all is ready after it;
 *   - what is open does not stay open beyond its hold and its grace, and is not shut before; a suspend is
 *     no time of either, nor of what a lost gate has to settle;
 *   - a restart makes no gate readier than it was;
 *   - a container that the kubelet starts again, and cannot say so, counts against nothing.
 *
 * What the rules have to find is computed here from the truth, without their help. MSREADY_SEED repeats one
 * run, MSREADY_RUNS makes more of them. */

#include "fixture.h"
#include "random.h"

#include <stdio.h>

#include "base/limits.h"

#define BASE_SEED 20240918u
#define RUNS 1000
#define PODS 3
#define LOG 64
#define SANDBOX 500 /* and the pod */

typedef enum Mode {
        MODE_BOOT,  /* a boot without mishaps, the streams apart: ends usable */
        MODE_CHAOS, /* whatever can happen, also after that */
} Mode;

/* One version of a thing, as the API server has it. */
typedef struct Version {
        bool is_node;
        unsigned pod; /* else */
        PlayNode node;
        PlayPod of_pod;
} Version;

/* A stream: the log of its objects, and how much of it was delivered. */
typedef struct Channel {
        StreamRole role;
        Version log[LOG];
        size_t n, delivered;
        bool synced;
} Channel;

typedef struct Sim {
        Play play;
        Random random;
        Mode mode;
        Channel nodes, pods;

        /* The truth. */
        PlayNode node;
        PlayPod pod[PODS];
        /* Of each pod: 0 old, 1 unready, 2 containers run, 3 named, 4 ready, 5 as 4, but one was started again. */
        unsigned step[PODS];
        unsigned successor[PODS][2]; /* of its containers, where the API server does not know them; else 0 */
        bool node_reported;
        bool kubelet_runs;
        bool kubelet_looked,
                kubelet_renewed; /* since it runs: has written its status, has renewed its Lease */
        bool daemonsets_synced, unscheduled_synced;
        unsigned next_id;
        bool was_usable; /* ever in this boot */
        bool pods_were;  /* likewise, the node aside */
        bool lived; /* a kubelet that has looked at its pods ran since the API was last out of reach, or since
                          * msreadyd started */

        /* Reckoned from the evidence alone. */
        usec_t true_for[2], false_for[2], none_for[2];
        GateState before[2];
} Sim;

static const char *const names[] = { "node", "all" };

static unsigned roll(Sim *s, unsigned sides) {
        return random_roll(&s->random, sides);
}

#define wrong(s, ...) random_wrong(&(s)->random, __VA_ARGS__)

/* --- the truth --- */

static void write_version(Sim *s, Channel *c, const Version *v) {
        if (c->n == LOG) { /* the oldest are compacted */
                memmove(c->log, c->log + 1, (LOG - 1) * sizeof(Version));
                c->n--;
                c->delivered -= c->delivered > 0;
        }
        c->log[c->n++] = *v;
}

static void write_node(Sim *s) {
        s->node.heartbeat++;
        write_version(s, &s->nodes, &(Version){ .is_node = true, .node = s->node });
}

static void write_pod(Sim *s, unsigned i) {
        write_version(s, &s->pods, &(Version){ .pod = i, .of_pod = s->pod[i] });
}

static bool is_alive(const Sim *s, unsigned id) {
        for (size_t i = 0; i < ELEMENTSOF(s->play.alive); i++)
                if (id != 0 && s->play.alive[i] == id)
                        return true;
        return false;
}

static bool pod_is_usable(const Sim *s, unsigned i) {
        return s->pod[i].ready == KUBE_STATUS_TRUE && is_alive(s, s->pod[i].containers[0].id) &&
               is_alive(s, s->pod[i].containers[1].id);
}

static bool pods_are_usable(const Sim *s) {
        for (unsigned i = 0; i < PODS; i++)
                if (!pod_is_usable(s, i))
                        return false;
        return true;
}

static bool is_usable(const Sim *s) {
        return pods_are_usable(s) && s->node.ready == KUBE_STATUS_TRUE && streq(s->node.boot_id, THIS_BOOT);
}

static void note_truth(Sim *s) {
        s->pods_were = s->pods_were || pods_are_usable(s);
        s->was_usable = s->was_usable || is_usable(s);
        if (s->play.world->api != API_READY)
                s->lived = false;
        else if (s->kubelet_runs && (s->kubelet_looked || !s->play.world->api_was_away))
                s->lived = true;
}

static void start_kubelet(Sim *s) {
        if (!s->kubelet_runs)
                s->kubelet_looked = s->kubelet_renewed = false;
        s->kubelet_runs = true;
}

/* What only a kubelet can do that runs, and writes to an API that is there. */
static bool kubelet_writes(const Sim *s) {
        return s->kubelet_runs && s->play.world->api == API_READY;
}

static void kubelet_reports_node(Sim *s) {
        if (!kubelet_writes(s))
                return;
        s->node.boot_id = THIS_BOOT;
        s->node.ready = s->node_reported || roll(s, 3) ? KUBE_STATUS_TRUE : KUBE_STATUS_FALSE;
        s->node.reason = "KubeletReady";
        s->node_reported = s->node.ready == KUBE_STATUS_TRUE;
        s->kubelet_looked = true;
        write_node(s);
}

/* Its Lease may come before its first status; the second renewal does not. */
static void kubelet_renews(Sim *s) {
        if (!kubelet_writes(s) || !s->play.streams[STREAM_LEASES]->in_sync)
                return;
        if (s->kubelet_renewed && !s->kubelet_looked)
                kubelet_reports_node(s);
        s->kubelet_renewed = true;
        note_truth(s);
        play_lease(&s->play, GUIDE_NODE);
}

/* The next step of one pod; that it is NotReady in between need not be seen by anybody. */
static void advance_pod(Sim *s, unsigned i) {
        PlayPod *pod = &s->pod[i];

        switch (s->step[i]) {
        case 0:
        case 1:
                if (s->step[i] == 0 && kubelet_writes(s) && roll(s, 2)) {
                        pod->ready = KUBE_STATUS_FALSE;
                        write_pod(s, i);
                        s->step[i] = 1;
                        return;
                }
                if (!s->kubelet_runs)
                        return;
                for (unsigned c = 0; c < 2; c++)
                        play_start(&s->play, s->next_id + c);
                play_start_beside(&s->play, pod->uid, SANDBOX + i);
                s->step[i] = 2;
                play_look(&s->play);
                return;
        case 2:
                if (!kubelet_writes(s))
                        return;
                /* Names what runs by now. */
                for (unsigned c = 0; c < 2; c++)
                        pod->containers[c].id = s->next_id + c;
                s->next_id += 2;
                pod->ready = roll(s, 2) ? KUBE_STATUS_TRUE : KUBE_STATUS_FALSE;
                write_pod(s, i);
                s->step[i] = pod->ready == KUBE_STATUS_TRUE ? 4 : 3;
                return;
        case 3:
                if (!kubelet_writes(s))
                        return;
                pod->ready = KUBE_STATUS_TRUE;
                write_pod(s, i);
                s->step[i] = 4;
                return;
        case 5:
                if (!kubelet_writes(s))
                        return;
                for (unsigned c = 0; c < 2; c++)
                        if (s->successor[i][c] != 0)
                                pod->containers[c].id = s->successor[i][c];
                memset(s->successor[i], 0, sizeof(s->successor[i]));
                write_pod(s, i);
                s->step[i] = 4;
                return;
        default:
                return;
        }
}

/* Only one pod at a time may be between starting and naming: IDs are given in that order. */
static void advance_some_pod(Sim *s) {
        for (unsigned i = 0; i < PODS; i++)
                if (s->step[i] == 2) {
                        advance_pod(s, i);
                        return;
                }
        advance_pod(s, roll(s, PODS));
}

static void kill_container(Sim *s) {
        unsigned i = roll(s, PODS);

        if (s->step[i] < 3)
                return;
        play_kill(&s->play, s->pod[i].containers[roll(s, 2)].id);
        play_look(&s->play);
        for (unsigned c = 0; c < 2; c++) {
                play_kill(&s->play, s->pod[i].containers[c].id);
                play_kill(&s->play, s->successor[i][c]);
        }
        memset(s->successor[i], 0, sizeof(s->successor[i]));
        s->step[i] = roll(s, 2);
        if (s->step[i] == 1) {
                if (!kubelet_writes(s)) {
                        s->step[i] = 0;
                        return;
                }
                s->pod[i].ready = KUBE_STATUS_FALSE;
                write_pod(s, i);
        }
        play_look(&s->play);
}

static void controller_gives_up(Sim *s) {
        if (s->kubelet_runs || s->play.world->api != API_READY)
                return;
        s->node.ready = KUBE_STATUS_UNKNOWN;
        s->node.reason = "NodeStatusUnknown";
        s->node_reported = false;
        write_node(s);
}

/* --- the streams --- */

static void deliver(Sim *s, Channel *c) {
        const Version *v;

        if (!c->synced || c->delivered >= c->n || s->play.world->api != API_READY)
                return;
        v = &c->log[c->delivered++];
        if (v->is_node)
                play_node(&s->play, &v->node);
        else
                play_pod(&s->play, &v->of_pod);
        if (roll(s, 4))
                play_look(&s->play);
}

static void lose(Sim *s, Channel *c) {
        c->synced = false;
        play_lose(&s->play, c->role);
}

static void list_again(Sim *s, Channel *c) {
        play_list(&s->play, c->role);
        if (c->role == STREAM_NODES)
                play_node(&s->play, &s->node);
        else
                for (unsigned i = 0; i < PODS; i++)
                        play_pod(&s->play, &s->pod[i]);
        play_listed(&s->play, c->role);
        c->delivered = c->n;
        c->synced = true;
        if (roll(s, 2))
                play_look(&s->play);
}

/* What was held back comes at once, however old it is. */
static void catch_up(Sim *s, Channel *c) {
        while (c->synced && c->delivered < c->n)
                deliver(s, c);
}

/* /readyz answers 200; streams may have stood all the while. */
static void api_back(Sim *s) {
        play_api(&s->play, API_READY);
        note_truth(s);
        catch_up(s, &s->nodes);
        catch_up(s, &s->pods);
}

static void find_sync(Sim *s, Channel *c) {
        if (c->synced || s->play.world->api != API_READY)
                return;
        if (roll(s, 2) && s->play.world->by_kind[c->role == STREAM_NODES ? KUBE_NODE : KUBE_POD]) {
                play_resume(&s->play, c->role);
                c->synced = true;
                catch_up(s, c);
        } else
                list_again(s, c);
}

static void list_rest(Sim *s) {
        if (s->play.world->api != API_READY)
                return;
        if (!s->daemonsets_synced) {
                for (unsigned i = 0; i < PODS; i++)
                        play_workload(&s->play, &(PlayWorkload){ .kind = KUBE_DAEMONSET,
                                                                 .namespace = "ns",
                                                                 .name = s->pod[i].owner_name,
                                                                 .uid = 100 + i });
                play_sync(&s->play, STREAM_DAEMONSETS);
                s->daemonsets_synced = true;
        } else if (!s->unscheduled_synced) {
                play_sync(&s->play, STREAM_PODS_UNSCHEDULED);
                s->unscheduled_synced = true;
        }
}

static void api_away(Sim *s) {
        play_api(&s->play, roll(s, 2) ? API_UNREACHABLE : API_NOT_READY);
        if (s->play.world->api == API_NOT_READY && roll(s, 2))
                return; /* /readyz fails; the streams stand */
        lose(s, &s->nodes);
        lose(s, &s->pods);
        play_lose(&s->play, STREAM_LEASES);
        if (roll(s, 2)) {
                play_lose(&s->play, STREAM_DAEMONSETS);
                s->daemonsets_synced = false;
        }
}

/* --- msreadyd --- */

static void add_gates(Sim *s) {
        GateSetup *setup;

        PLAY_GATE(&s->play, "node", check_node(NULL));
        setup = PLAY_GATE(&s->play, "all", check_workload(KUBE_DAEMONSET, "ns", "a"),
                          check_workload(KUBE_DAEMONSET, "ns", "b"),
                          check_workload(KUBE_DAEMONSET, "ns", "c"), check_pods("ns", NULL));
        if (s->mode == MODE_CHAOS && s->random.seed % 3 == 0)
                setup->timing.settle = SECONDS(7);
}

static void restart(Sim *s) {
        KeepStamp stamp = { .boot_id = THIS_BOOT, .userspace = 1 };
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        Buffer text = BUFFER_INIT(MIB(1));
        GateState before[2];
        Play *p = &s->play;
        usec_t down = SECONDS(roll(s, 20));

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                before[i] = gate_state(play_find(p, names[i]));
        assert_ok(keep_print(&p->board, p->world, &stamp, p->now, &text));
        play_restart_daemon(p);
        s->nodes.synced = s->pods.synced = s->daemonsets_synced = s->unscheduled_synced = false;
        p->now.monotonic += down;
        p->now.boottime += down;
        add_gates(s);
        assert_ok(board_set(&p->board, p->setups, p->n_setups, p->now, &warnings, &removed));
        p->n_setups = 0;
        assert_ok(keep_restore(&p->board, text.data, text.size, &stamp, p->now));
        buffer_done(&text);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                if (gate_state(play_find(p, names[i])) != before[i])
                        wrong(s, "%s came back in another state", names[i]);
                /* The time that nobody watched was without evidence. */
                s->none_for[i] += down;
        }
        s->lived = false;
        play_look(p);
}

/* --- what has to hold --- */

static void reckon(Sim *s) {
        Play *p = &s->play;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const Gate *g = play_find(p, names[i]);
                GateState state = gate_state(g);
                Evidence e = g->report.evidence;

                if (e == EVIDENCE_TRUE)
                        s->false_for[i] = 0;
                else
                        s->true_for[i] = 0;
                if (e != EVIDENCE_NONE)
                        s->none_for[i] = 0;
                if (state == GATE_READY && s->false_for[i] >= g->setup.timing.hold && e == EVIDENCE_FALSE)
                        wrong(s, "%s is ready after %" PRIu64 " us of FALSE", names[i], s->false_for[i]);
                if (state == GATE_READY && s->none_for[i] >= g->setup.timing.unknown)
                        wrong(s, "%s is ready after %" PRIu64 " us without evidence", names[i],
                              s->none_for[i]);
                if (state == GATE_READY && s->before[i] != GATE_READY && e != EVIDENCE_TRUE)
                        wrong(s, "%s opened without TRUE", names[i]);
                if (state == GATE_LOST && s->before[i] != GATE_LOST &&
                    s->false_for[i] < g->setup.timing.hold)
                        wrong(s, "%s is lost after %" PRIu64 " us of FALSE", names[i], s->false_for[i]);
                if (state == GATE_UNKNOWN && s->before[i] == GATE_READY &&
                    s->none_for[i] < g->setup.timing.unknown)
                        wrong(s, "%s is unknown after %" PRIu64 " us", names[i], s->none_for[i]);
                if (state == GATE_READY && s->before[i] == GATE_LOST &&
                    s->true_for[i] < g->setup.timing.hold)
                        wrong(s, "%s has settled after %" PRIu64 " us", names[i], s->true_for[i]);
                if (state == GATE_WAITING && s->before[i] != GATE_WAITING)
                        wrong(s, "%s waits again", names[i]);
                if (e == EVIDENCE_TRUE && p->world->api != API_READY)
                        wrong(s, "%s is TRUE and the API is away", names[i]);
                if (e == EVIDENCE_TRUE && !s->lived)
                        wrong(s, "%s is TRUE on the word of a kubelet that is dead", names[i]);
                s->before[i] = state;
        }
        if (gate_state(play_find(p, "all")) == GATE_READY || board_is_fresh(&p->board))
                for (unsigned i = 0; i < PODS && !s->pods_were; i++)
                        if (s->step[i] < 4)
                                wrong(s, "ready, and pod %u has not done its last step", i);
        if (gate_state(play_find(p, "node")) == GATE_READY && !streq(s->node.boot_id, THIS_BOOT))
                wrong(s, "the node is ready, and of the boot before");
        if (p->board.verdict.state == GATE_READY && !s->was_usable && s->mode == MODE_BOOT)
                wrong(s, "ready before the last step");
        if (board_is_fresh(&p->board) && s->mode == MODE_BOOT && !is_usable(s))
                wrong(s, "READY=1 without cause");
}

static void judge(Sim *s) {
        play_judge(&s->play);
        reckon(s);
}

/* As play_pass(), reckoning at each deadline, and now and then in between. */
static void pass(Sim *s, usec_t usec) {
        Play *p = &s->play;
        usec_t end = p->now.monotonic + usec;

        while (p->now.monotonic < end) {
                usec_t next = usec_min(MAX(board_deadline(&p->board), p->now.monotonic + 1),
                                       usec_min(end, p->now.monotonic + SECONDS(12)));
                usec_t passed = next - p->now.monotonic;

                for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                        Evidence e = play_find(p, names[i])->report.evidence;

                        s->true_for[i] += e == EVIDENCE_TRUE ? passed : 0;
                        s->false_for[i] += e == EVIDENCE_FALSE ? passed : 0;
                        s->none_for[i] += e == EVIDENCE_NONE ? passed : 0;
                }
                p->now.monotonic += passed;
                p->now.boottime += passed;
                judge(s);
        }
}

/* The daemon is stopped or starved. What its gates were waiting for and missed by more than a second is not known to
 * have lasted: FALSE neither counts nor is forgotten, TRUE has to settle again. */
static void stall(Sim *s, usec_t passed) {
        Play *p = &s->play;

        p->now.monotonic += passed;
        p->now.boottime += passed;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const Gate *g = play_find(p, names[i]);
                usec_t due = gate_clock_next(&g->clock, &g->setup.timing, NULL);
                bool late = p->now.monotonic > usec_add(due, SECONDS(1)) && g->clock.stalls < 4;

                switch (g->report.evidence) {
                case EVIDENCE_TRUE:
                        s->true_for[i] = late ? 0 : s->true_for[i] + passed;
                        break;
                case EVIDENCE_FALSE:
                        s->false_for[i] = late ? MIN(s->false_for[i], g->setup.timing.hold - SECONDS(1))
                                               : s->false_for[i] + passed;
                        break;
                default:
                        s->none_for[i] += passed;
                        break;
                }
        }
}

/* Whether the host has seen what the pod's status names alive, now or in the earlier run. */
static bool pod_was_seen(const Sim *s, unsigned i) {
        const WorldObject *o = world_find(s->play.world, KUBE_POD, "ns", s->pod[i].name);
        const Gate *g = play_find((Play *) &s->play, "all");
        unsigned n = 0;

        for (size_t k = 0; k < g->n_kept; k++)
                n += streq(g->kept[k].pod, s->pod[i].name) && g->kept[k].life == CONTAINER_ALIVE;
        return n == 2 || (o && o->life[0] == CONTAINER_ALIVE && o->life[1] == CONTAINER_ALIVE);
}

/* The kubelet starts a container of a usable pod again while the API server does not take its word. */
static void restart_unknown(Sim *s) {
        unsigned i = roll(s, PODS), c = roll(s, 2);
        const Gate *g;

        if (s->step[i] != 4 || !s->kubelet_runs || !pod_is_usable(s, i))
                return;
        for (unsigned k = 0; k < PODS; k++)
                if (s->step[k] == 2)
                        return;
        if (s->play.world->api == API_READY)
                api_away(s);
        note_truth(s);
        play_look(&s->play);
        judge(s);
        g = play_find(&s->play, "all");
        if (g->report.evidence == EVIDENCE_FALSE || !pod_was_seen(s, i))
                return;

        play_kill(&s->play, s->pod[i].containers[c].id);
        s->successor[i][c] = s->next_id;
        s->next_id += 2;
        play_start_beside(&s->play, s->pod[i].uid, s->successor[i][c]);
        s->step[i] = 5;
        play_look(&s->play);
        judge(s);
        if (roll(s, 3) == 0)
                restart(s);
        play_look(&s->play);
        judge(s);
        g = play_find(&s->play, "all");
        if (g->report.evidence == EVIDENCE_FALSE && gate_state(g) == GATE_READY)
                wrong(s, "a container that was started again is taken for dead");
}

/* --- a run --- */

static void begin(Sim *s, unsigned seed, Mode mode) {
        static const char *const owners[] = { "a", "b", "c" };

        *s = (Sim){ .random = { seed, seed * 2654435761u + 1 }, .mode = mode, .next_id = 1000 };
        s->nodes.role = STREAM_NODES;
        s->pods.role = STREAM_PODS;
        play_begin(&s->play);
        s->node = node_of_this_boot();
        s->node.boot_id = OLD_BOOT;
        write_node(s);
        for (unsigned i = 0; i < PODS; i++) {
                s->pod[i] = pod_ready("ns", owners[i], 300 + i, 10 + i);
                pod_owned(&s->pod[i], "DaemonSet", owners[i], 100 + i);
                s->pod[i].containers[1] = (PlayContainer){ .name = "second",
                                                           .role = KUBE_CONTAINER_MAIN,
                                                           .state = KUBE_CONTAINER_RUNNING,
                                                           .id = 20 + i };
                write_pod(s, i);
        }
        add_gates(s);
        play_load(&s->play);
}

static void step_of_boot(Sim *s, unsigned dice) {
        switch (dice) {
        case 0:
                if (s->play.world->api != API_READY)
                        api_back(s);
                break;
        case 1:
                start_kubelet(s);
                break;
        case 2:
                kubelet_reports_node(s);
                break;
        case 3:
        case 4:
        case 5:
                if (s->kubelet_runs)
                        advance_some_pod(s);
                break;
        case 6:
        case 7:
                deliver(s, &s->nodes);
                break;
        case 8:
        case 9:
        case 10:
                deliver(s, &s->pods);
                break;
        case 11:
                find_sync(s, &s->nodes);
                break;
        case 12:
                find_sync(s, &s->pods);
                break;
        case 13:
                list_rest(s);
                break;
        case 14:
                if (!s->play.streams[STREAM_LEASES]->in_sync && s->play.world->api == API_READY) {
                        play_lease(&s->play, GUIDE_NODE); /* as it is listed */
                        play_sync(&s->play, STREAM_LEASES);
                }
                break;
        case 15:
                kubelet_renews(s);
                break;
        case 16:
                play_look(&s->play);
                break;
        case 17:
                pass(s, USEC_PER_MSEC * roll(s, 5000));
                break;
        case 18:
                api_away(s);
                break;
        case 19:
                lose(s, roll(s, 2) ? &s->nodes : &s->pods);
                break;
        case 20:
                restart(s);
                break;
        case 21:
                stall(s, USEC_PER_MSEC * roll(s, 60000));
                break;
        default:
                play_sleep(&s->play, SECONDS(roll(s, 10000)));
                break;
        }
}

static void step_of_chaos(Sim *s) {
        switch (roll(s, 7)) {
        case 0:
                kill_container(s);
                break;
        case 4:
                restart_unknown(s);
                break;
        case 1:
                s->kubelet_runs = false;
                if (roll(s, 2)) {
                        api_away(s);
                        note_truth(s);
                        judge(s);
                        api_back(s);
                        find_sync(s, &s->nodes);
                }
                break;
        case 2:
                controller_gives_up(s);
                break;
        case 3:
                pass(s, SECONDS(roll(s, 200)));
                break;
        default:
                break;
        }
}

static void turn(Sim *s) {
        /* Mishaps are rarer than steps. */
        unsigned dice = roll(s, 8) ? roll(s, 18) : 18 + roll(s, 5);

        if (s->mode == MODE_CHAOS && roll(s, 5) == 0)
                step_of_chaos(s);
        else
                step_of_boot(s, dice);
        note_truth(s);
        judge(s);
}

/* Whatever happened: once the boot is over and all is delivered, it is ready. */
static void finish(Sim *s) {
        Play *p = &s->play;

        start_kubelet(s);
        if (p->world->api != API_READY)
                api_back(s);
        for (unsigned n = 0; n < 50 && !is_usable(s); n++) {
                kubelet_reports_node(s);
                advance_some_pod(s);
                note_truth(s);
        }
        if (!is_usable(s))
                wrong(s, "the test's own boot does not end");
        for (unsigned n = 0; n < 4; n++) {
                find_sync(s, &s->nodes);
                find_sync(s, &s->pods);
                list_rest(s);
        }
        for (unsigned n = 0; n < 2 * LOG; n++) {
                deliver(s, &s->nodes);
                deliver(s, &s->pods);
        }
        play_look(p);
        note_truth(s);
        judge(s);
        pass(s, SECONDS(1)); /* what was replayed is the past */
        write_node(s);
        s->kubelet_looked = true;
        note_truth(s);
        deliver(s, &s->nodes);
        judge(s);
        pass(s, SECONDS(16)); /* what was lost has to settle */
        if (p->board.verdict.state != GATE_READY || !board_is_fresh(&p->board))
                wrong(s, "%s after the last step: %s", gate_state_to_string(p->board.verdict.state),
                      board_first_blocker(&p->board, NULL) ? board_first_blocker(&p->board, NULL)->reason
                                                           : "?");
}

/* And without evidence, or with all of it dead, nothing stays open. */
static void fade(Sim *s) {
        Play *p = &s->play;
        bool dead = roll(s, 2);

        if (roll(s, 2))
                restart_unknown(s);
        api_away(s);
        play_api(p, API_UNREACHABLE);
        if (dead) {
                memset(p->alive, 0, sizeof(p->alive));
                play_look(p);
        }
        judge(s);
        if (roll(s, 3) == 0)
                restart(s);
        judge(s);
        pass(s, SECONDS(301));
        if (gate_state(play_find(p, "node")) != GATE_UNKNOWN)
                wrong(s, "the node is %s without evidence",
                      gate_state_to_string(gate_state(play_find(p, "node"))));
        if (gate_state(play_find(p, "all")) != (dead ? GATE_LOST : GATE_UNKNOWN))
                wrong(s, "all is %s", gate_state_to_string(gate_state(play_find(p, "all"))));
}

static void run(unsigned seed, Mode mode) {
        static Sim s;
        unsigned turns;

        begin(&s, seed, mode);
        play_sync(&s.play, STREAM_LEASES);
        turns = 20 + roll(&s, 120);
        for (unsigned i = 0; i < turns; i++)
                turn(&s);
        finish(&s);
        fade(&s);
        play_end(&s.play);
}

static void run_boot(unsigned seed) {
        run(seed, MODE_BOOT);
}

static void run_chaos(unsigned seed) {
        run(seed, MODE_CHAOS);
}

static void test_boot(void **state) {
        random_runs(BASE_SEED, RUNS, run_boot);
}

static void test_chaos(void **state) {
        random_runs(BASE_SEED, RUNS, run_chaos);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_boot),
                cmocka_unit_test(test_chaos),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
