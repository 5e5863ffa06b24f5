/* SPDX-License-Identifier: Apache-2.0 */

/* Boots and mishaps of a real MicroShift, as its API server told them: tests/data/boots/microshift/NAME.txt, written
 * by tests/node/convert-recording. SECONDS VERB ARGUMENTS, from the start of the recording:
 *
 *   host BOOT-ID MACHINE-ID NAME       what msreadyd finds on the host
 *   after FILE                         the same msreadyd has seen what FILE tells, ten seconds ago
 *   alive +ID,ID -ID                   containers (the first digits) whose processes began and ended. They were looked
 *                                      at five times a second: one that a status named up to 0.35 s before is told
 *                                      with that status
 *   api ready|not-ready|away           what /readyz answers
 *   list KIND, listed KIND             a watch has opened: what comes in between is all there is
 *   added KIND NAMESPACE/NAME RESOURCE-VERSION OBJECT
 *                                      a version of an object, without what msready does not read
 *   deleted KIND NAMESPACE/NAME
 *   ended KIND                         a watch has broken off
 *   truth GATE=usable|unusable|silent|untold ...
 *                                      what is true from now on, by the recording alone. silent: it looks usable, but
 *                                      who says so ran before the API server was away; untold: the API server is
 *                                      away, or does not say
 *   state GATE=STATE ... verdict=STATE what follows from that, with the default times
 *   end
 *
 * "= NUMBER TEXT" is a part of objects; @NUMBER@ in an object, outside of strings, stands for it.
 *
 * At the end of each moment the evidence of each gate is TRUE where it is usable, FALSE where it is unusable and
 * NO-EVIDENCE elsewhere, and it has that state: not earlier, and not later either. Gates are those that ship.
 * Files that are given as arguments are told instead of all. */

#include "data.h"
#include "fixture.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/string-util.h"

#define BETWEEN SECONDS(10)

static const char *const gates[] = { "api",      "node",       "ovn",     "dns",
                                     "resolver", "service-ca", "ingress", "csi-snapshot" };

static const struct {
        const char *name;
        KubeKind kind;
        StreamRole role;
} kinds[] = {
        { "nodes", KUBE_NODE, STREAM_NODES },
        { "pods", KUBE_POD, STREAM_PODS },
        { "daemonsets", KUBE_DAEMONSET, STREAM_DAEMONSETS },
        { "deployments", KUBE_DEPLOYMENT, STREAM_DEPLOYMENTS },
        { "replicasets", KUBE_REPLICASET, STREAM_REPLICASETS },
        { "leases", KUBE_LEASE, STREAM_LEASES },
};

/* When the last required pod was Ready in a living container, by those who recorded the boots. */
static const struct {
        const char *file;
        double seconds;
} boots[] = {
        { "cold-boot-v1.txt", 53.3 },
        { "cold-boot-v2.txt", 48.5 },
        { "power-cut-v1.txt", 49.6 },
        { "power-cut-v2.txt", 46.5 },
        { "power-cut-renamed-host-v1.txt", 49.9 },
};

/* The pods that the API server has: the stream of our node's begins when our node is known. */
typedef struct Pod {
        char *name; /* NAMESPACE/NAME */
        char *node; /* NULL: not scheduled */
        char *text;
} Pod;

typedef struct Recording {
        Play play;
        const char *folder, *file;
        unsigned line;
        usec_t began; /* monotonic, of this file's zero */
        char *parts[512];
        Pod pods[32];
        char **alive;
        char *node; /* whose pods the stream of pods brings */
        bool pods_listed, pods_listing;
        const char *truth[ELEMENTSOF(gates)];
        GateState states[ELEMENTSOF(gates)], verdict;
        usec_t ready; /* when the verdict first was, from this file's zero; 0: not yet */
} Recording;

#define broken(r, ...)                                                                                      \
        do {                                                                                                \
                print_error("%s:%u: ", (r)->file, (r)->line);                                               \
                fail_msg(__VA_ARGS__);                                                                      \
        } while (0)

/* --- objects --- */

/* Takes out of *p up to the next separator, which is skipped. */
static char *take_word(char **p, char separator) {
        char *word = *p, *end = strchr(word, separator);

        *p = end ? end + 1 : word + strlen(word);
        if (end)
                *end = '\0';
        return word;
}

/* Puts parts in place of their numbers, also in parts. */
static void expand(Recording *r, const char *text, Buffer *out) {
        bool in_string = false;

        for (const char *p = text; *p; p++) {
                unsigned long number;
                char *end;

                if (*p == '"')
                        in_string = !in_string;
                if (in_string && *p == '\\')
                        assert_ok(buffer_putc(out, *p++));
                if (in_string || *p != '@') {
                        assert_ok(buffer_putc(out, *p));
                        continue;
                }
                number = strtoul(p + 1, &end, 10);
                if (number >= ELEMENTSOF(r->parts) || !r->parts[number] || *end != '@')
                        broken(r, "no such part: %.8s", p);
                expand(r, r->parts[number], out);
                p = end;
        }
}

static void on_part(Recording *r, char *text) {
        unsigned long number = strtoul(take_word(&text, ' '), NULL, 10);

        if (number >= ELEMENTSOF(r->parts) || r->parts[number])
                broken(r, "part %lu?", number);
        r->parts[number] = strdup(text);
        assert_non_null(r->parts[number]);
}

/* The whole object, with its resourceVersion. */
static char *object_text(Recording *r, const char *version, const char *rest) {
        Buffer b = BUFFER_INIT(MIB(1)), whole = BUFFER_INIT(MIB(1));
        const char *start = "{\"metadata\":{";
        char *text;

        expand(r, rest, &b);
        rest = startswith(buffer_cstr(&b), start);
        if (!rest)
                broken(r, "not an object: %.40s", buffer_cstr(&b));
        assert_ok(buffer_puts(&whole, start));
        assert_ok(buffer_puts(&whole, "\"resourceVersion\":\""));
        assert_ok(buffer_puts(&whole, version));
        assert_ok(buffer_puts(&whole, "\","));
        assert_ok(buffer_puts(&whole, rest));
        text = strdup(buffer_cstr(&whole));
        assert_non_null(text);
        buffer_done(&b);
        buffer_done(&whole);
        return text;
}

static KubeObject *parse(Recording *r, KubeKind kind, const char *text) {
        _cleanup_(jv_freep) JsonValue *json = NULL;
        KubeObject *o = NULL;

        if (jv_parse(text, strlen(text), &json) < 0)
                broken(r, "not JSON: %s", text);
        assert_ok(kube_object_parse(kind, json, &o, NULL, 0));
        return o;
}

/* --- the host --- */

static ContainerLife life_of(const Recording *r, const char *id) {
        const char *bare = startswith(id, "cri-o://");

        STRV_FOREACH(alive, r->alive)
                if (bare && startswith(bare, *alive))
                        return CONTAINER_ALIVE;
        return CONTAINER_DEAD;
}

static void look(Recording *r) {
        World *w = r->play.world;

        WORLD_FOREACH(o, w, KUBE_POD) {
                const KubePod *p = KUBE_POD_OF(o->object);

                for (size_t i = 0; i < p->n_containers; i++)
                        if (p->containers[i].id && w->node && streq_ptr(p->node, w->node->object->name))
                                o->life[i] = life_of(r, p->containers[i].id);
        }
}

static void on_alive(Recording *r, char *rest) {
        while (*rest) {
                char *ids = take_word(&rest, ' '), sign = *ids++;

                while (*ids) {
                        const char *id = take_word(&ids, ',');

                        if (sign == '+')
                                assert_ok(strv_extend(&r->alive, id));
                        else
                                strv_remove(r->alive, id);
                }
        }
}

/* --- streams: what msreadyd would watch --- */

static WorldStream *stream_begins(Recording *r, StreamRole role) {
        assert_ok(world_add_stream(r->play.world, role, NULL, role == STREAM_PODS ? r->node : NULL,
                                   &r->play.streams[role]));
        return r->play.streams[role];
}

static void stream_ends(Recording *r, StreamRole role) {
        r->play.streams[role] = world_stream_free(r->play.streams[role]);
}

static void bring(Recording *r, StreamRole role, KubeKind kind, const char *text) {
        assert_ok(world_stream_upsert(r->play.streams[role], parse(r, kind, text), r->play.now, NULL));
}

static StreamRole role_of_pod(const Pod *pod) {
        return pod->node ? STREAM_PODS : STREAM_PODS_UNSCHEDULED;
}

static bool is_brought(const Recording *r, const Pod *pod) {
        return !pod->node || streq_ptr(pod->node, r->node);
}

static void list_pods(Recording *r, StreamRole role) {
        if (!r->play.streams[role])
                return; /* our node is not known */
        play_list(&r->play, role);
        for (size_t i = 0; i < ELEMENTSOF(r->pods); i++)
                if (r->pods[i].name && role_of_pod(&r->pods[i]) == role && is_brought(r, &r->pods[i]))
                        bring(r, role, KUBE_POD, r->pods[i].text);
        play_listed(&r->play, role);
}

static void choose_node(Recording *r) {
        NodeChoice choice;

        node_choose(r->play.world, &choice);
        r->play.world->node = choice.node;
}

/* The pods of our node are watched by its name: where it is another one now, so is the stream. */
static bool pods_follow_node(Recording *r) {
        const WorldObject *node = r->play.world->node;
        const char *name = node ? node->object->name : NULL;

        if (streq_ptr(r->node, name))
                return false;
        assert_ok(free_and_strdup(&r->node, name));
        stream_ends(r, STREAM_PODS);
        if (r->node)
                stream_begins(r, STREAM_PODS);
        if (r->pods_listed)
                list_pods(r, STREAM_PODS);
        return true;
}

static void pod_forget(Pod *pod) {
        free(pod->name);
        free(pod->node);
        free(pod->text);
        *pod = (Pod){};
}

static Pod *pod_find(Recording *r, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(r->pods); i++)
                if (streq_ptr(r->pods[i].name, name))
                        return &r->pods[i];
        return NULL;
}

static void tell_removed(Recording *r, StreamRole role, KubeKind kind, const char *name) {
        const char *slash = strchr(name, '/');
        char namespace[256];

        snprintf(namespace, sizeof(namespace), "%.*s", (int) (slash - name), name);
        world_stream_remove(r->play.streams[role], kind, namespace, slash + 1, NULL);
}

static void pod_deleted(Recording *r, const char *name) {
        Pod *pod = pod_find(r, name);

        if (!pod)
                broken(r, "no such pod: %s", name);
        if (r->pods_listed && is_brought(r, pod))
                tell_removed(r, role_of_pod(pod), KUBE_POD, name);
        pod_forget(pod);
}

static void pod_added(Recording *r, const char *name, char *text) {
        KubeObject *o = parse(r, KUBE_POD, text);
        const char *node = KUBE_POD_OF(o)->node;
        Pod *pod = pod_find(r, name);

        /* The stream of pods without a node says that it is gone. */
        if (pod && !pod->node && node) {
                pod_deleted(r, name);
                pod = NULL;
        }
        for (size_t i = 0; !pod && i < ELEMENTSOF(r->pods); i++)
                if (!r->pods[i].name)
                        pod = &r->pods[i];
        assert_non_null(pod);
        assert_ok(free_and_strdup(&pod->name, name));
        assert_ok(free_and_strdup(&pod->node, node));
        free(pod->text);
        pod->text = text;
        kube_object_free(o);
        if (r->pods_listed && is_brought(r, pod))
                bring(r, role_of_pod(pod), KUBE_POD, text);
}

static void on_list(Recording *r, StreamRole role) {
        if (role != STREAM_PODS) {
                play_list(&r->play, role);
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(r->pods); i++)
                pod_forget(&r->pods[i]);
        r->pods_listed = false;
}

static void on_listed(Recording *r, StreamRole role) {
        if (role != STREAM_PODS) {
                play_listed(&r->play, role);
                return;
        }
        r->pods_listed = true;
        list_pods(r, STREAM_PODS);
        list_pods(r, STREAM_PODS_UNSCHEDULED);
}

static void on_ended(Recording *r, StreamRole role) {
        if (r->play.streams[role])
                play_lose(&r->play, role);
        if (role != STREAM_PODS)
                return;
        r->pods_listed = false;
        play_lose(&r->play, STREAM_PODS_UNSCHEDULED);
}

static void on_watch(Recording *r, const char *verb, char *rest) {
        const char *kind = take_word(&rest, ' '), *name = take_word(&rest, ' ');
        size_t i;

        for (i = 0; i < ELEMENTSOF(kinds) && !streq(kinds[i].name, kind); i++)
                ;
        if (i == ELEMENTSOF(kinds))
                broken(r, "no such kind: %s", kind);
        if (streq(verb, "list"))
                on_list(r, kinds[i].role);
        else if (streq(verb, "listed"))
                on_listed(r, kinds[i].role);
        else if (streq(verb, "ended"))
                on_ended(r, kinds[i].role);
        else if (streq(verb, "deleted") && kinds[i].kind == KUBE_POD)
                pod_deleted(r, name);
        else if (streq(verb, "deleted"))
                tell_removed(r, kinds[i].role, kinds[i].kind, name);
        else {
                const char *version = take_word(&rest, ' ');
                char *text = object_text(r, version, rest);

                if (kinds[i].kind == KUBE_POD) {
                        pod_added(r, name, text);
                        return;
                }
                bring(r, kinds[i].role, kinds[i].kind, text);
                free(text);
        }
}

/* --- the daemon --- */

static void load_gates(Recording *r) {
        _cleanup_free_ char *folder = NULL;

        assert_ok(path_join(getenv("MSREADY_SOURCE"), "units/gates", &folder));
        for (size_t i = 0; i < ELEMENTSOF(gates); i++) {
                GateSetup *s = &r->play.setups[r->play.n_setups++];

                *s = (GateSetup){ .enabled = true, .vendor = true, .timing = GATE_TIMING_DEFAULT };
                assert_ok(gate_definition_load((char *[]){ folder, NULL }, gates[i], check_find_syntax,
                                               &s->definition));
                assert_null(s->definition->invalid);
                s->required = s->definition->required > 0;
                r->truth[i] = "untold";
        }
        play_load(&r->play);
}

static void on_host(Recording *r, char *rest) {
        HostFacts *host = &r->play.world->host;
        const char *boot = take_word(&rest, ' ');

        if (r->began > 0 && !streq(host->boot_id, boot))
                broken(r, "another boot");
        assert_ok(free_and_strdup(&host->boot_id, boot));
        assert_ok(free_and_strdup(&host->machine_id, take_word(&rest, ' ')));
        assert_ok(free_and_strdup(&host->host_name, rest));
}

static void replay_file(Recording *r, const char *file);

static void on_after(Recording *r, const char *name) {
        const char *file = r->file;
        unsigned line = r->line;

        replay_file(r, name);
        r->file = file;
        r->line = line;
        play_pass(&r->play, BETWEEN);
        r->began = r->play.now.monotonic;
        strv_free(r->alive); /* to be told again */
        r->alive = NULL;
}

static size_t gate_index(Recording *r, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(gates); i++)
                if (streq(gates[i], name))
                        return i;
        broken(r, "no such gate: %s", name);
        return 0;
}

static GateState state_of(Recording *r, const char *word) {
        for (GateState s = 0; s < _GATE_STATE_MAX; s++)
                if (streq(gate_state_to_string(s), word))
                        return s;
        broken(r, "no such state: %s", word);
        return GATE_WAITING;
}

static const char *truth_of(Recording *r, const char *word) {
        static const char *const words[] = { "usable", "unusable", "silent", "untold" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i], word))
                        return words[i];
        broken(r, "no such truth: %s", word);
        return NULL;
}

static void on_told(Recording *r, bool truth, char *rest) {
        while (*rest) {
                char *value = take_word(&rest, ' ');
                const char *name = take_word(&value, '=');

                if (truth)
                        r->truth[gate_index(r, name)] = truth_of(r, value);
                else if (streq(name, "verdict"))
                        r->verdict = state_of(r, value);
                else
                        r->states[gate_index(r, name)] = state_of(r, value);
        }
}

static bool is_as_told(const Recording *r, const Gate *g, const char *truth) {
        if (streq(truth, "usable"))
                return g->report.evidence == EVIDENCE_TRUE;
        if (streq(truth, "unusable"))
                return g->report.evidence == EVIDENCE_FALSE;
        return g->report.evidence == EVIDENCE_NONE;
}

static void at_end_of_moment(Recording *r) {
        for (size_t i = 0; i < ELEMENTSOF(gates); i++) {
                const Gate *g = play_find(&r->play, gates[i]);

                if (!is_as_told(r, g, r->truth[i]))
                        broken(r, "%s is %s, and its evidence %s, blocked by %s", gates[i], r->truth[i],
                               evidence_to_string(g->report.evidence),
                               g->report.n_blockers ? g->report.blockers[0].reason : "nothing");
                if (gate_state(g) != r->states[i])
                        broken(r, "%s is %s, and not %s", gates[i], gate_state_to_string(gate_state(g)),
                               gate_state_to_string(r->states[i]));
        }
        if (r->play.board.verdict.state != r->verdict)
                broken(r, "the verdict is %s", gate_state_to_string(r->play.board.verdict.state));
        if (r->ready == 0 && r->verdict == GATE_READY)
                r->ready = r->play.now.monotonic - r->began;
}

static void on_api(Recording *r, const char *state) {
        play_api(&r->play, streq(state, "ready")       ? API_READY
                           : streq(state, "not-ready") ? API_NOT_READY
                                                       : API_UNREACHABLE);
}

static void on_line(Recording *r, char *line) {
        usec_t at = r->began + (usec_t) (strtod(take_word(&line, ' '), NULL) * 1000 + 0.5) * USEC_PER_MSEC;
        const char *verb = take_word(&line, ' ');
        Play *p = &r->play;

        if (at < p->now.monotonic)
                broken(r, "time goes back");
        if (at > p->now.monotonic) {
                at_end_of_moment(r);
                play_pass(p, at - p->now.monotonic - 1);
                at_end_of_moment(r); /* and so it stays until something happens */
        }
        play_pass(p, at - p->now.monotonic);

        if (streq(verb, "truth") || streq(verb, "state")) {
                on_told(r, streq(verb, "truth"), line);
                return;
        }
        if (streq(verb, "after")) {
                on_after(r, line);
                return;
        }
        if (streq(verb, "host"))
                on_host(r, line);
        else if (streq(verb, "alive"))
                on_alive(r, line);
        else if (streq(verb, "api"))
                on_api(r, line);
        else if (!streq(verb, "end"))
                on_watch(r, verb, line);
        /* As the daemon does: it judges, and then asks for the streams that it needs now. */
        do {
                choose_node(r);
                look(r);
                play_judge(p);
        } while (pods_follow_node(r));
}

static void replay_file(Recording *r, const char *file) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t size;

        r->file = file;
        r->line = 0;
        assert_ok(path_join(r->folder, file, &path));
        assert_ok(file_read(path, LIMIT_CONFIG_FILE, &text, &size));
        for (char *rest = text; *rest;) {
                char *line = take_word(&rest, '\n');

                r->line++;
                if (line[0] == '=')
                        on_part(r, line + 2);
                else if (line[0] != '#' && line[0] != '\0')
                        on_line(r, line);
        }
        at_end_of_moment(r);
        for (size_t i = 0; i < ELEMENTSOF(r->parts); i++)
                r->parts[i] = mfree(r->parts[i]);
}

static void replay(const char *folder, const char *file) {
        static const StreamRole roles[] = { STREAM_NODES,       STREAM_PODS_UNSCHEDULED, STREAM_DAEMONSETS,
                                            STREAM_DEPLOYMENTS, STREAM_REPLICASETS,      STREAM_LEASES };
        Recording r = { .folder = folder, .verdict = GATE_WAITING };

        play_begin(&r.play);
        r.play.now = (Instant){ .boottime = USEC_PER_SEC, .monotonic = 0 };
        for (StreamRole role = 0; role < _STREAM_ROLE_MAX; role++)
                stream_ends(&r, role);
        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                stream_begins(&r, roles[i]);
        load_gates(&r);
        replay_file(&r, file);
        for (size_t i = 0; i < ELEMENTSOF(boots); i++)
                if (streq(boots[i].file, file))
                        assert_float_equal((double) r.ready / USEC_PER_SEC, boots[i].seconds, 0.051);

        for (size_t i = 0; i < ELEMENTSOF(r.pods); i++)
                pod_forget(&r.pods[i]);
        strv_free(r.alive);
        free(r.node);
        play_end(&r.play);
}

static void replay_all(char *const *paths) {
        STRV_FOREACH(path, paths) {
                _cleanup_free_ char *folder = NULL;

                assert_ok(path_parent(*path, &folder));
                replay(folder, strrchr(*path, '/') + 1);
        }
}

static void test_recordings(void **state) {
        _cleanup_(strv_freep) char **texts = data_texts("boots/microshift");

        replay_all(texts);
        assert_int_equal(strv_length(texts), 12);
}

static char **files;

static void test_files(void **state) {
        replay_all(files);
}

int main(int argc, char **argv) {
        const struct CMUnitTest all[] = { cmocka_unit_test(test_recordings) },
                                named[] = { cmocka_unit_test(test_files) };

        files = argv + 1;
        return argc > 1 ? cmocka_run_group_tests(named, NULL, NULL)
                        : cmocka_run_group_tests(all, NULL, NULL);
}
