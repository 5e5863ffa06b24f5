/* SPDX-License-Identifier: Apache-2.0 */

/* Boots, told line by line: tests/data/boots/NAME.txt has SECONDS VERB ARGUMENTS, seconds since the host's init
 * started, which may not go back.
 *
 *   api ready|not-ready|away             the API server
 *   list|resume|lose ROLE|all            a stream has listed what there is; is in sync again; is out of sync
 *   node Ready=S boot=new|old [beat=N]   a version of our node (beat: another heartbeat)
 *   other Ready=S [beat=N]               a version of the node of another host
 *   other lease                          that node's Lease moves
 *   pod NAME Ready=S ids=A,B [waiting=REASON] [phase=P] [revision=N] [deleted]
 *                                        a version of a pod; "-" for a container that has no ID. Those with "!"
 *                                        do not run: all of them where it is waiting and none has. NAME@other: the
 *                                        DaemonSet's pod on the other host
 *   gone NAME                            the pod is deleted; so is our node, if that is its name
 *   revision NAME N                      the DaemonSet's newest revision; until then it tells none
 *   sets NAMES                           the DaemonSets that there are: all of them at first, "-" for none
 *   lease                                the node's Lease moves
 *   start IDS, kill IDS                  containers of this host
 *   running                              all of it is up: a shorthand for a boot that is over
 *   restart, again                       msreadyd is restarted, with what it kept; lists the cluster again
 *   expect GATE=EVIDENCE[/STATE][:REASON] … verdict=STATE
 *   usable GATES                         from here on these are, and no others, says somebody who knows no rule
 *                                        of ours; "-" for none
 *
 * Where that is told, these gates are TRUE and no others at the end of each moment; the verdict waits until all
 * of them are usable for the first time, and is ready then. tests/node/record writes such files of boots and
 * mishaps of a real node. Files that are given as arguments are told instead.
 *
 * S is True, False or Unknown; evidence is true, false or none. The gates are node, ovn (ovnkube-master and
 * ovnkube-node) and dns (dns-default), each of them required, with the default times. The host looks at its
 * containers when one of them or a pod changes, as the daemon does; and as with the daemon, the stream of pods brings
 * those of the node that is taken for ours, and is replaced after that has become another one. */

#include "data.h"
#include "fixture.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"

#define OVN "openshift-ovn-kubernetes"
#define DNS "openshift-dns"

#define OTHER_BOOT "00b75a3c-4a6e-4a0b-8c7d-5f0e6d3b9a21"
#define OTHER_NODE "other.lab.example.com"

static const struct {
        const char *name, *namespace, *other;
} sets[] = { { "ovnkube-master", OVN, "ovnkube-master-other" },
             { "ovnkube-node", OVN, "ovnkube-node-other" },
             { "dns-default", DNS, "dns-default-other" } };

enum {
        HERE,
        ELSEWHERE,
        HOSTS,
};

static const char *const roles[_STREAM_ROLE_MAX] = {
        [STREAM_NODES] = "nodes",
        [STREAM_PODS] = "pods",
        [STREAM_DAEMONSETS] = "daemonsets",
        [STREAM_LEASES] = "leases",
};

/* The API server's side of it, to be listed again. */
typedef struct Boot {
        Play play;
        const char *file;
        unsigned line;
        PlayNode nodes[HOSTS]; /* without a name where there is none */
        PlayPod pods[HOSTS][ELEMENTSOF(sets)];
        const char *pods_of; /* the name of the node whose pods the stream brings */
        char revisions[ELEMENTSOF(sets)][16];
        char labels[HOSTS][ELEMENTSOF(sets)][64];
        char reason[64];
        char **usable; /* by the word of who recorded it; NULL: nobody did */
        bool was_usable;
} Boot;

#define broken(b, ...)                                                                                      \
        do {                                                                                                \
                print_error("%s:%u: ", (b)->file, (b)->line);                                               \
                fail_msg(__VA_ARGS__);                                                                      \
        } while (0)

static void add_gates(Boot *b) {
        PLAY_GATE(&b->play, "node", check_node(NULL));
        PLAY_GATE(&b->play, "ovn", check_workload(KUBE_DAEMONSET, OVN, "ovnkube-master"),
                  check_workload(KUBE_DAEMONSET, OVN, "ovnkube-node"));
        PLAY_GATE(&b->play, "dns", check_workload(KUBE_DAEMONSET, DNS, "dns-default"));
}

static void play_set(Boot *b, size_t i, bool exists) {
        if (exists)
                play_workload(&b->play,
                              &(PlayWorkload){ .kind = KUBE_DAEMONSET,
                                               .namespace = sets[i].namespace,
                                               .name = sets[i].name,
                                               .uid = 100 + (unsigned) i,
                                               .revision = b->revisions[i][0] ? b->revisions[i] : NULL });
        else
                play_remove(&b->play, KUBE_DAEMONSET, sets[i].namespace, sets[i].name);
}

static void play_pods(Boot *b) {
        for (unsigned host = HERE; host < HOSTS; host++)
                for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                        if (b->pods[host][i].name && streq(b->pods[host][i].node, b->pods_of))
                                play_pod(&b->play, &b->pods[host][i]);
}

/* Begins to watch the pods of that node. */
static void pods_begin(Boot *b, const char *node) {
        Play *p = &b->play;
        bool in_sync = p->streams[STREAM_PODS]->in_sync;

        b->pods_of = node;
        world_stream_free(p->streams[STREAM_PODS]);
        assert_ok(world_add_stream(p->world, STREAM_PODS, NULL, node, &p->streams[STREAM_PODS]));
        if (!in_sync)
                return;
        play_list(p, STREAM_PODS);
        play_pods(b);
        play_listed(p, STREAM_PODS);
}

/* Returns whether another node is taken for ours now. */
static bool pods_follow_node(Boot *b) {
        const WorldObject *node = b->play.world->node;

        if (!node || streq(b->pods_of, node->object->name))
                return false;
        pods_begin(b, streq(node->object->name, OTHER_NODE) ? OTHER_NODE : GUIDE_NODE);
        return true;
}

static void play_again(Boot *b) {
        for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                play_set(b, i, true);
        for (unsigned host = HERE; host < HOSTS; host++)
                if (b->nodes[host].name)
                        play_node(&b->play, &b->nodes[host]);
        play_pods(b);
        play_lease(&b->play, GUIDE_NODE);
        play_sync_all(&b->play);
        play_look(&b->play);
}

/* The value of KEY= among the words, or NULL. */
static const char *value_of(char **words, const char *key) {
        STRV_FOREACH(w, words) {
                const char *rest = startswith(*w, key);

                if (rest && *rest == '=')
                        return rest + 1;
        }
        return NULL;
}

static KubeStatus status_of(Boot *b, char **words) {
        const char *s = value_of(words, "Ready");
        KubeStatus status = s ? kube_status_from_string(s) : KUBE_STATUS_ABSENT;

        if ((int) status <= KUBE_STATUS_ABSENT)
                broken(b, "no status");
        return status;
}

static unsigned id_of(const char *s) {
        return streq(s, "-") ? 0 : (unsigned) strtoul(s, NULL, 16);
}

static void on_node(Boot *b, char **words, unsigned host) {
        const char *beat = value_of(words, "beat"), *boot = value_of(words, "boot");
        PlayNode *node = &b->nodes[host];

        *node = node_of_this_boot();
        node->ready = status_of(b, words);
        node->reason = node->ready == KUBE_STATUS_TRUE    ? "KubeletReady"
                       : node->ready == KUBE_STATUS_FALSE ? "KubeletNotReady"
                                                          : "NodeStatusUnknown";
        node->boot_id = streq_ptr(boot, "new") ? THIS_BOOT : OLD_BOOT;
        node->heartbeat = beat ? (unsigned) strtoul(beat, NULL, 10) : 0;
        if (host == ELSEWHERE) {
                node->name = OTHER_NODE;
                node->uid = 2;
                node->machine_id = OTHER_MACHINE;
                node->boot_id = OTHER_BOOT;
        }
        play_node(&b->play, node);
}

static size_t set_index(Boot *b, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                if (streq_ptr(name, sets[i].name))
                        return i;
        broken(b, "no such pod: %s", strna(name));
        return 0;
}

static const char *phase_of(Boot *b, char **words) {
        static const char *const phases[] = { "Pending", "Running", "Succeeded", "Failed", "Unknown" };
        const char *phase = value_of(words, "phase");

        for (size_t i = 0; phase && i < ELEMENTSOF(phases); i++)
                if (streq(phase, phases[i]))
                        return phases[i];
        if (phase)
                broken(b, "no such phase: %s", phase);
        return NULL;
}

static PlayContainer container_of_word(Boot *b, char *word, bool waits, bool runs) {
        char *mark = strchr(word, '!');
        PlayContainer c = { .role = KUBE_CONTAINER_MAIN, .reason = b->reason };

        if (mark)
                *mark = '\0';
        c.id = id_of(word);
        if (!mark && runs)
                c.state = KUBE_CONTAINER_RUNNING;
        else if (waits)
                c.state = KUBE_CONTAINER_WAITING;
        else
                c.state = c.id == 0 ? KUBE_CONTAINER_NONE : KUBE_CONTAINER_TERMINATED;
        return c;
}

/* The place of the pod of that name. */
static PlayPod *find_pod(Boot *b, char *name, size_t *ret_set, unsigned *ret_host) {
        char *host = strchr(name, '@');

        if (host)
                *host = '\0';
        *ret_set = set_index(b, name);
        *ret_host = host ? ELSEWHERE : HERE;
        return &b->pods[*ret_host][*ret_set];
}

static void on_pod(Boot *b, char **words) {
        static const char *const names[] = { "c0", "c1", "c2", "c3" };
        _cleanup_(strv_freep) char **ids = NULL;
        const char *waiting = value_of(words, "waiting"), *list = strempty(value_of(words, "ids"));
        const char *revision = value_of(words, "revision");
        bool marked = strchr(list, '!');
        size_t i, n = 0;
        unsigned host;
        PlayPod *pod = find_pod(b, words[0], &i, &host);

        *pod = pod_ready(sets[i].namespace, host == HERE ? sets[i].name : sets[i].other,
                         300 + 100 * host + (unsigned) i, 0);
        pod_owned(pod, "DaemonSet", sets[i].name, 100 + (unsigned) i);
        if (host == ELSEWHERE)
                pod->node = OTHER_NODE;
        pod->ready = status_of(b, words);
        pod->ready_reason = pod->ready == KUBE_STATUS_TRUE ? NULL : "ContainersNotReady";
        pod->deleting = strv_contains(words, "deleted");
        pod->phase = phase_of(b, words);
        if (revision) {
                snprintf(b->labels[host][i], sizeof(b->labels[host][i]),
                         "\"pod-template-generation\":\"%s\"", revision);
                pod->labels = b->labels[host][i];
        }
        snprintf(b->reason, sizeof(b->reason), "%s", strempty(waiting));
        assert_ok(strv_split(list, ",", &ids));
        STRV_FOREACH(id, ids) {
                assert_true(n < ELEMENTSOF(names));
                pod->containers[n] = container_of_word(b, *id, waiting, marked || !waiting);
                pod->containers[n].name = names[n];
                pod->containers[n++].unready = pod->ready != KUBE_STATUS_TRUE;
        }
        if (streq(b->pods_of, pod->node))
                play_pod(&b->play, pod);
        play_look(&b->play);
}

static void on_gone(Boot *b, char *name) {
        size_t i;
        unsigned host;
        PlayPod *pod;

        if (streq(name, "node")) {
                b->nodes[HERE] = (PlayNode){};
                play_remove(&b->play, KUBE_NODE, "", GUIDE_NODE);
                return;
        }
        pod = find_pod(b, name, &i, &host);
        play_remove(&b->play, KUBE_POD, pod->namespace, pod->name);
        *pod = (PlayPod){};
}

static void on_revision(Boot *b, char **words) {
        size_t i = set_index(b, words[0]);

        snprintf(b->revisions[i], sizeof(b->revisions[i]), "%s", strempty(words[1]));
        play_set(b, i, true);
}

static void on_sets(Boot *b, const char *list) {
        _cleanup_(strv_freep) char **names = NULL;

        assert_ok(strv_split(list, ",", &names));
        for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                play_set(b, i, strv_contains(names, sets[i].name));
}

static void on_containers(Boot *b, const char *list, bool start) {
        _cleanup_(strv_freep) char **ids = NULL;

        assert_ok(strv_split(list, ",", &ids));
        STRV_FOREACH(id, ids) {
                if (start)
                        play_start(&b->play, id_of(*id));
                else
                        play_kill(&b->play, id_of(*id));
        }
        play_look(&b->play);
}

static void on_stream(Boot *b, const char *verb, const char *name) {
        bool found = false;

        for (StreamRole r = 0; r < _STREAM_ROLE_MAX; r++) {
                if (!b->play.streams[r] || !(streq(name, "all") || streq_ptr(roles[r], name)))
                        continue;
                found = true;
                if (streq(verb, "list"))
                        play_sync(&b->play, r);
                else if (streq(verb, "resume"))
                        play_resume(&b->play, r);
                else
                        play_lose(&b->play, r);
        }
        if (!found)
                broken(b, "no such stream: %s", name);
}

static void tell(Boot *b, const char *line) {
        _cleanup_(strv_freep) char **words = NULL;

        assert_ok(strv_split(line, " ", &words));
        if (streq(words[0], "node"))
                on_node(b, words + 1, HERE);
        else if (streq(words[0], "pod"))
                on_pod(b, words + 1);
        else if (streq(words[0], "list"))
                play_sync_all(&b->play);
        else
                on_containers(b, words[1], true);
}

static void on_running(Boot *b) {
        static const char *const lines[] = {
                "node Ready=True boot=new",
                "start d1,d2,e1,f1",
                "pod dns-default Ready=True ids=d1,d2",
                "pod ovnkube-master Ready=True ids=e1",
                "pod ovnkube-node Ready=True ids=f1",
                "list all",
        };

        play_api(&b->play, API_READY);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                tell(b, lines[i]);
        play_heartbeat(&b->play);
}

/* With what it kept, and nothing else. */
static void on_restart(Boot *b) {
        KeepStamp stamp = { .boot_id = THIS_BOOT, .userspace = 1 };
        _cleanup_(strv_freep) char **warnings = NULL, **removed = NULL;
        Buffer text = BUFFER_INIT(MIB(1));
        Play *p = &b->play;

        assert_ok(keep_print(&p->board, p->world, &stamp, p->now, &text));
        play_restart_daemon(p);
        b->pods_of = GUIDE_NODE;
        add_gates(b);
        assert_ok(board_set(&p->board, p->setups, p->n_setups, p->now, &warnings, &removed));
        p->n_setups = 0;
        assert_ok(keep_restore(&p->board, text.data, text.size, &stamp, p->now));
        buffer_done(&text);
        play_look(p);
}

/* --- expectations --- */

static Evidence evidence_of(Boot *b, const char *word) {
        if (startswith(word, "true"))
                return EVIDENCE_TRUE;
        if (startswith(word, "false"))
                return EVIDENCE_FALSE;
        if (!startswith(word, "none"))
                broken(b, "no evidence: %s", word);
        return EVIDENCE_NONE;
}

static void expect_gate(Boot *b, Gate *g, char *word) {
        char *reason = strchr(word, ':'), *state;
        Evidence e;

        if (reason)
                *reason++ = '\0';
        state = strchr(word, '/');
        if (state)
                *state++ = '\0';
        e = evidence_of(b, word);

        if (g->report.evidence != e)
                broken(b, "%s: evidence %s, blocked by %s", gate_name(g),
                       evidence_to_string(g->report.evidence),
                       g->report.n_blockers ? g->report.blockers[0].reason : "nothing");
        if (state && !streq(gate_state_to_string(gate_state(g)), state))
                broken(b, "%s is %s", gate_name(g), gate_state_to_string(gate_state(g)));
        if (e != EVIDENCE_TRUE && g->report.n_blockers == 0)
                broken(b, "%s does not say why", gate_name(g));
        if (reason && !streq(g->report.blockers[0].reason, reason))
                broken(b, "%s: %s", gate_name(g), g->report.blockers[0].reason);
}

static void on_expect(Boot *b, char **words) {
        const char *verdict = value_of(words, "verdict");

        STRV_FOREACH(w, words) {
                char *value = strchr(*w, '=');

                if (!value)
                        broken(b, "%s?", *w);
                *value++ = '\0';
                if (!streq(*w, "verdict"))
                        expect_gate(b, play_find(&b->play, *w), value);
        }
        if (!verdict)
                broken(b, "no verdict is expected");
        if (!streq(gate_state_to_string(b->play.board.verdict.state), verdict))
                broken(b, "the verdict is %s", gate_state_to_string(b->play.board.verdict.state));
}

/* What was recorded at this moment is all told: the rules see it as it was seen. */
static void at_end_of_moment(Boot *b) {
        const Board *board = &b->play.board;
        GateState verdict = board->verdict.state;
        bool all;

        if (!b->usable)
                return;
        for (size_t i = 0; i < board->n_gates; i++) {
                const Gate *g = board->gates[i];
                bool is_true = g->report.evidence == EVIDENCE_TRUE;

                if (is_true && !strv_contains(b->usable, gate_name(g)))
                        broken(b, "%s is TRUE, and not usable", gate_name(g));
                if (!is_true && strv_contains(b->usable, gate_name(g)))
                        broken(b, "%s is usable, and not TRUE: %s", gate_name(g),
                               g->report.blockers[0].reason);
        }
        all = strv_length(b->usable) == board->n_gates;
        if (!b->was_usable && verdict != (all ? GATE_READY : GATE_WAITING))
                broken(b, "the verdict is %s", gate_state_to_string(verdict));
        b->was_usable = b->was_usable || all;
}

static void on_line(Boot *b, char **words) {
        Play *p = &b->play;
        const char *verb = words[1];
        usec_t at = (usec_t) (strtod(words[0], NULL) * 1000 + 0.5) * USEC_PER_MSEC;
        char **rest = words + 2;

        if (at < p->now.monotonic)
                broken(b, "time goes back");
        if (at > p->now.monotonic)
                at_end_of_moment(b);
        play_pass(p, at - p->now.monotonic);

        if (streq(verb, "expect")) {
                on_expect(b, rest);
                return;
        }
        if (streq(verb, "api"))
                play_api(p, streq(rest[0], "ready")       ? API_READY
                            : streq(rest[0], "not-ready") ? API_NOT_READY
                                                          : API_UNREACHABLE);
        else if (streq(verb, "list") || streq(verb, "resume") || streq(verb, "lose"))
                on_stream(b, verb, rest[0]);
        else if (streq(verb, "other") && streq(rest[0], "lease"))
                play_lease(p, OTHER_NODE);
        else if (streq(verb, "node") || streq(verb, "other"))
                on_node(b, rest, streq(verb, "node") ? HERE : ELSEWHERE);
        else if (streq(verb, "pod"))
                on_pod(b, rest);
        else if (streq(verb, "gone"))
                on_gone(b, rest[0]);
        else if (streq(verb, "sets"))
                on_sets(b, rest[0]);
        else if (streq(verb, "revision"))
                on_revision(b, rest);
        else if (streq(verb, "lease"))
                play_lease(p, GUIDE_NODE);
        else if (streq(verb, "start") || streq(verb, "kill"))
                on_containers(b, rest[0], streq(verb, "start"));
        else if (streq(verb, "running"))
                on_running(b);
        else if (streq(verb, "restart"))
                on_restart(b);
        else if (streq(verb, "again"))
                play_again(b);
        else if (streq(verb, "usable")) {
                b->usable = strv_free(b->usable);
                assert_ok(strv_split(rest[0], ",", &b->usable));
        } else
                broken(b, "no such verb: %s", verb);
        do {
                play_look(p);
                play_judge(p);
        } while (pods_follow_node(b));
}

static unsigned replay(const char *path) {
        _cleanup_free_ char *text = NULL;
        unsigned expectations = 0;
        char *line, *next;
        Boot b = { .file = path, .pods_of = GUIDE_NODE };
        size_t size;

        assert_ok(file_read(path, LIMIT_CONFIG_FILE, &text, &size));
        play_begin(&b.play);
        b.play.now = (Instant){ .boottime = USEC_PER_SEC, .monotonic = 0 };
        for (size_t i = 0; i < ELEMENTSOF(sets); i++)
                play_set(&b, i, true);
        play_lease(&b.play, GUIDE_NODE);
        add_gates(&b);
        play_load(&b.play);

        for (line = text; line; line = next) {
                _cleanup_(strv_freep) char **words = NULL;

                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                b.line++;
                if (line[0] == '#' || line[0] == '\0')
                        continue;
                assert_ok(strv_split(line, " ", &words));
                if (strv_length(words) < 2)
                        broken(&b, "%s?", line);
                expectations += streq(words[1], "expect") || streq(words[1], "usable");
                on_line(&b, words);
        }
        at_end_of_moment(&b);
        strv_free(b.usable);
        play_end(&b.play);
        return expectations;
}

static void test_boots(void **state) {
        _cleanup_(strv_freep) char **texts = data_texts("boots");

        STRV_FOREACH(text, texts)
                assert_true(replay(*text) > 0);
        assert_true(strv_length(texts) >= 23);
}

static char **files;

static void test_files(void **state) {
        STRV_FOREACH(file, files)
                assert_true(replay(*file) > 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest all[] = { cmocka_unit_test(test_boots) },
                                named[] = { cmocka_unit_test(test_files) };

        files = argv + 1;
        return argc > 1 ? cmocka_run_group_tests(named, NULL, NULL)
                        : cmocka_run_group_tests(all, NULL, NULL);
}
