/* SPDX-License-Identifier: Apache-2.0 */

/* What is sent is what the interface's text says: every member, no other, each of its type. */

#include "fixture.h"
#include "idl.h"

#include <math.h>
#include <time.h>

#include "publish-varlink.h"
#include "varlink-json.h"
#include "varlink/server-internal.h"

static Idl idl;
static JsonBuilder builder;

/* Earlier boots and events, of which the rules in fixture.h know nothing. */
static BootLog *boots;
static EventDigest *events;

static int setup(void **state) {
        Play *p = calloc(1, sizeof(Play));

        assert_non_null(p);
        assert_ok(boot_log_new(8, &boots));
        assert_ok(event_digest_new(&events));
        *state = p;
        return 0;
}

static int teardown(void **state) {
        boots = boot_log_free(boots);
        events = event_digest_free(events);
        play_end(*state);
        free(*state);
        return 0;
}

static Readiness readiness_of(const Play *p) {
        return (Readiness){ .world = p->world,
                            .board = p->board,
                            .events = events,
                            .boots = boots,
                            .verdict_changed_realtime = 1700000000 * USEC_PER_SEC };
}

/* What was built. The caller's. */
static JsonValue *finish(void) {
        JsonValue *v = NULL;

        assert_ok(jb_finish(&builder, &v));
        return v;
}

/* The caller's. */
static JsonValue *gate(Play *p, const char *name) {
        JsonValue *v;

        vj_gate(&builder, NULL, play_find(p, name), p->now);
        v = finish();
        idl_check(&idl, "Gate", v);
        return v;
}

static void check_all(Play *p) {
        Readiness readiness = readiness_of(p);
        JsonValue *v;

        vj_verdict(&builder, NULL, &readiness);
        v = finish();
        idl_check(&idl, "Verdict", v);
        jv_free(v);
        vj_objects(&builder, NULL, &readiness, NULL);
        v = finish();
        JSON_FOREACH(row, v)
                idl_check(&idl, "Watched", row);
        jv_free(v);
        for (size_t i = 0; i < p->board.n_gates; i++) {
                jv_free(gate(p, gate_name(p->board.gates[i])));
                vj_definition(&builder, NULL, p->board.gates[i]);
                v = finish();
                idl_check(&idl, "Definition", v);
                jv_free(v);
        }
}

static void assert_member(const JsonValue *v, const char *key, const char *value) {
        if (!streq_ptr(jv_get_string(v, key), value))
                fail_msg("%s is \"%s\", not \"%s\"", key, strna(jv_get_string(v, key)), strna(value));
}

static void test_before_anything(void **state) {
        Play *p = *state;

        play_begin(p);
        play_load(p);
        check_all(p);
}

static void test_guide(void **state) {
        Play *p = *state;
        JsonValue *v;
        Readiness readiness;
        Boot *earlier;

        world_of_guide(p);
        assert_ok(free_and_strdup(&p->world->server, "https://localhost:6443"));
        assert_ok(free_and_strdup(&p->world->server_version, "v1.31.2"));
        assert_ok(boot_new(OLD_BOOT, 1, &earlier));
        earlier->ready = 90 * USEC_PER_SEC;
        boot_log_put(boots, earlier);
        check_all(p);
        readiness = readiness_of(p);

        vj_verdict(&builder, NULL, &readiness);
        v = finish();
        assert_member(v, "state", "ready");
        assert_member(v, "node", GUIDE_NODE);
        assert_member(v, "server", "https://localhost:6443");
        assert_member(v, "serverVersion", "v1.31.2");
        assert_member(v, "bootId", THIS_BOOT);
        assert_null(jv_get(v, "reason"));
        assert_int_equal(jv_get_int(v, "typicalReadyUSec", 0), 90 * USEC_PER_SEC);
        jv_free(v);

        v = gate(p, "ovnkube-master");
        assert_member(v, "state", "ready");
        assert_int_equal(jv_get_int(v, "readyContainers", 0), 4);
        assert_int_equal(jv_get_int(v, "totalContainers", 0), 4);
        assert_int_equal(jv_length(jv_get(v, "blockers")), 0);
        jv_free(v);

        vj_objects(&builder, NULL, &readiness, "node");
        v = finish();
        assert_int_equal(jv_length(v), 1);
        assert_member(jv_first(v), "proof", "bootId");
        jv_free(v);
        vj_objects(&builder, NULL, &readiness, "no-such");
        v = finish();
        assert_int_equal(jv_length(v), 0);
        jv_free(v);
}

/* What is ready without evidence says so, also where that has no end. */
static void test_doubt(void **state) {
        Play *p = *state;
        usec_t since;
        JsonValue *v;

        play_cluster(p);
        PLAY_GATE(p, "x", check_node(NULL))->timing.unknown = USEC_INFINITY;
        play_load(p);
        v = gate(p, "x");
        assert_null(jv_get(v, "doubtSinceBoottimeUSec"));
        jv_free(v);
        since = p->now.boottime;
        play_api(p, API_UNREACHABLE);
        play_judge(p);
        play_pass(p, SECONDS(600));
        v = gate(p, "x");
        assert_member(v, "state", "ready");
        assert_null(jv_get(v, "clock"));
        assert_int_equal(jv_get_int(v, "doubtSinceBoottimeUSec", 0), since);
        assert_null(jv_get(v, "failingSinceBoottimeUSec"));
        jv_free(v);
}

/* A masked gate, and one that the verdict lacks for it. */
static void test_masked(void **state) {
        Play *p = *state;
        Readiness readiness;
        JsonValue *v;
        Gate *g;

        world_of_guide(p);
        g = play_find(p, "ovnkube-master");
        g->setup.enabled = false;
        g->setup.missed = true;
        g->setup.definition->masked = strdup("/etc/msready/gates.d/ovnkube-master.gate");
        check_all(p);
        readiness = readiness_of(p);
        vj_verdict(&builder, NULL, &readiness);
        v = finish();
        assert_int_equal(jv_length(jv_get(v, "maskedGates")), 1);
        assert_string_equal(jv_string(jv_first(jv_get(v, "maskedGates"))), "ovnkube-master");
        jv_free(v);

        vj_definition(&builder, NULL, g);
        v = finish();
        assert_member(v, "masked", "/etc/msready/gates.d/ovnkube-master.gate");
        assert_false(jv_get_bool(v, "required", true));
        jv_free(v);

        vj_definition(&builder, NULL, play_find(p, "node"));
        v = finish();
        assert_null(jv_get(v, "masked"));
        assert_true(jv_get_bool(v, "required", false));
        jv_free(v);
}

/* Every kind of clock, and a state that a gate can be in. */
static void test_clocks_and_states(void **state) {
        Play *p = *state;
        PlayPod pod = pod_ready("a", "x", 1, 7);
        JsonValue *v;

        play_cluster(p);
        play_start_pod(p, &pod);
        PLAY_GATE(p, "x", check_pods("a", NULL))->timing.settle = SECONDS(10);
        PLAY_GATE(p, "off", check_node(NULL))->enabled = false;
        play_load(p);
        check_all(p);
        v = gate(p, "x");
        assert_member(v, "state", "waiting");
        assert_member(v, "clock", "settle");
        assert_int_equal(jv_get_int(v, "clockEndsBoottimeUSec", 0), p->now.boottime + SECONDS(10));
        jv_free(v);

        play_pass(p, SECONDS(11));
        play_kill(p, 7);
        play_look(p);
        play_judge(p);
        check_all(p);
        v = gate(p, "x");
        assert_member(v, "state", "ready");
        assert_member(v, "clock", "hold");
        assert_int_equal(jv_get_int(v, "firstReadyBoottimeUSec", 0), STARTED + SECONDS(10));
        assert_int_equal(jv_get_int(v, "failingSinceBoottimeUSec", 0), p->now.boottime);
        assert_null(jv_get(v, "doubtSinceBoottimeUSec"));
        assert_member(jv_first(jv_get(v, "blockers")), "reason", "Unproven");
        assert_member(jv_first(jv_get(v, "blockers")), "gate", "x");
        jv_free(v);
        play_pass(p, SECONDS(16));
        check_all(p);
        v = gate(p, "x");
        assert_member(v, "state", "lost");
        jv_free(v);

        play_start_pod(p, &pod);
        play_judge(p);
        play_pass(p, SECONDS(60));
        play_api(p, API_UNREACHABLE);
        play_judge(p);
        check_all(p);
        v = gate(p, "x");
        assert_member(v, "clock", "grace");
        jv_free(v);
        play_pass(p, SECONDS(600));
        check_all(p);
        v = gate(p, "x");
        assert_member(v, "state", "unknown");
        jv_free(v);
}

/* Rows of every kind of check, and a gate whose file is broken. */
static void test_every_check(void **state) {
        Play *p = *state;
        PlayCheck api = check_of(&check_kind_api), endpoint = check_of(&check_kind_endpoint),
                  condition = check_of(&check_kind_condition);
        PlayPod pulling = pod_ready("a", "pulling", 2, 0), remote = pod_ready("a", "remote", 3, 8),
                unscheduled = pod_ready("a", "unscheduled", 4, 0);
        GateSetup *invalid;

        api.api.path = (char *) "/readyz";
        endpoint.question.address = (char *) "https://app.apps.example.com/";
        condition.condition.resource = (char *) "example.com/v1/things";
        condition.condition.name = (char *) "it";
        condition.condition.type = (char *) "Ready";
        condition.condition.status = KUBE_STATUS_TRUE;
        pulling.ready = unscheduled.ready = KUBE_STATUS_FALSE;
        pulling.phase = unscheduled.phase = "Pending";
        pulling.containers[0].state = KUBE_CONTAINER_WAITING;
        pulling.containers[0].reason = "ImagePullBackOff";
        pulling.containers[0].message = "Back-off pulling image quay.io/x: unauthorized";
        pulling.containers[0].unready = true;
        unscheduled.node = NULL;
        unscheduled.containers[0] = (PlayContainer){};

        play_cluster(p);
        play_pod(p, &pulling);
        play_pod(p, &remote);
        play_pod(p, &unscheduled);
        play_look(p);
        PLAY_GATE(p, "all", api, endpoint, condition, check_pods("a", NULL),
                  check_workload(KUBE_DEPLOYMENT, "a", "none"));
        PLAY_GATE(p, "again", check_pods("a", NULL));
        invalid = PLAY_GATE(p, "invalid", check_node(NULL));
        invalid->definition->invalid = strdup("/etc/msready/gates.d/invalid.gate:3: what is this?");
        invalid->definition->on_unknown = ON_UNKNOWN_CLOSE;
        invalid->timing.hold = USEC_INFINITY;
        assert_ok(strv_extend(&invalid->definition->files, "/etc/msready/gates.d/invalid.gate"));
        play_load(p);
        check_all(p);

        assert_ok(world_set_answer(p->world, endpoint.question.address, EVIDENCE_TRUE, NULL, NULL, p->now) <
                                  0
                          ? -ENOMEM
                          : 0);
        play_judge(p);
        check_all(p);
}

/* One object that two gates look at is one row. */
static void test_rows_are_merged(void **state) {
        Play *p = *state;
        PlayPod pod = pod_ready("a", "x", 1, 7);
        JsonValue *v;
        Readiness readiness;

        play_cluster(p);
        play_start_pod(p, &pod);
        PLAY_GATE(p, "one", check_pods("a", NULL), check_pods("a", "x"));
        PLAY_GATE(p, "two", check_pods(NULL, "x"));
        play_load(p);
        check_all(p);
        readiness = readiness_of(p);
        vj_objects(&builder, NULL, &readiness, NULL);
        v = finish();
        assert_int_equal(jv_length(v), 1);
        assert_int_equal(jv_length(jv_get(jv_first(v), "gates")), 2);
        assert_member(jv_first(v), "ready", "1/1");
        assert_member(jv_first(v), "status", "Running");
        assert_member(jv_first(v), "restarts", "0");
        assert_member(jv_first(v), "node", GUIDE_NODE);
        assert_member(jv_first(v), "proof", "cgroup");
        jv_free(v);
        vj_objects(&builder, NULL, &readiness, "two");
        v = finish();
        assert_int_equal(jv_length(jv_get(jv_first(v), "gates")), 1);
        jv_free(v);
}

static double cpu_seconds(void) {
        struct timespec ts;

        assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
        return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

/* What it costs to list what two gates look at, per pod: the best of three. */
static double cost_of_row(const Readiness *readiness, size_t pods) {
        double best = 1e9;

        for (unsigned i = 0; i < 3; i++) {
                double begin = cpu_seconds();
                JsonValue *v;

                vj_objects(&builder, NULL, readiness, NULL);
                v = finish();
                best = fmin(best, (cpu_seconds() - begin) / (double) pods);
                assert_int_equal(jv_length(v), pods);
                JSON_FOREACH(row, v)
                        assert_int_equal(jv_length(jv_get(row, "gates")), 2);
                jv_free(v);
        }
        return best;
}

/* Anybody may ask: of many pods each costs what it costs of few. */
static void test_many_rows(void **state) {
        double few = 0, many;
        Play *p = *state;
        char name[32];
        Readiness readiness;

        play_cluster(p);
        PLAY_GATE(p, "one", check_pods("a", NULL));
        PLAY_GATE(p, "two", check_pods("a", NULL));
        play_load(p);
        for (unsigned i = 1; i <= 8000; i++) {
                PlayPod pod = pod_ready("a", name, i, 0);

                snprintf(name, sizeof(name), "dns-default-%05u", i);
                play_pod(p, &pod);
                readiness = readiness_of(p);
                if (i == 1000)
                        few = cost_of_row(&readiness, i);
        }
        many = cost_of_row(&readiness, 8000);
        print_message("# %.1f us for each of 1000 pods, %.1f us for each of 8000\n", few * 1e6, many * 1e6);
        assert_true(many < few * 4);
}

static void test_proofs(void **state) {
        Play *p = *state;
        PlayPod pod = pod_ready("a", "x", 1, 7), other = pod_ready("b", "y", 2, 8);
        PlayCheck none = check_pods("a", NULL), observed = check_pods("b", NULL);

        none.tally.proof = PROOF_WANTED_NONE;
        observed.tally.proof = PROOF_WANTED_OBSERVED;
        play_cluster(p);
        play_start_pod(p, &pod);
        play_start_pod(p, &other);
        PLAY_GATE(p, "one", none, observed);
        play_load(p);
        check_all(p);
        play_pass(p, SECONDS(61));
        play_judge(p);
        check_all(p);
}

static void add_transition(Timeline *t, const char *of_gate, const char *of_object, const char *blocker) {
        Transition x = {
                .boottime = SECONDS(5),
                .realtime = SECONDS(1700000000),
                .gate = of_gate ? strdup(of_gate) : NULL,
                .from = strdup("waiting"),
                .to = strdup("ready"),
                .has_blocker = blocker,
        };

        if (of_object)
                assert_ok(object_name_set(&x.object, "Pod", "a", of_object));
        if (blocker) {
                x.blocker =
                        (Blocker){ .gate = strdup("dns"), .reason = strdup(blocker), .since = SECONDS(1) };
                assert_ok(object_name_set(&x.blocker.object, "Node", NULL, "n"));
        }
        assert_ok(timeline_add(t, &x));
        transition_done(&x);
}

static void test_timeline(void **state) {
        _cleanup_(timeline_freep) Timeline *t = NULL;
        JsonValue *v;

        play_begin(*state);
        assert_ok(timeline_new(8, 8, &t));
        add_transition(t, NULL, NULL, NULL);
        add_transition(t, "dns", NULL, "StaleBoot");
        add_transition(t, "dns", "x", "Unproven");
        timeline_to_json(&builder, NULL, t);
        v = finish();
        assert_int_equal(jv_length(v), 3);
        JSON_FOREACH(e, v)
                idl_check(&idl, "Transition", e);
        jv_free(v);
}

static void test_boots(void **state) {
        _cleanup_(boot_freep) Boot *never = NULL, *boot = NULL;
        JsonValue *v;

        play_begin(*state);
        assert_ok(boot_new(OLD_BOOT, SECONDS(1700000000), &never));
        never->ready = USEC_INFINITY;
        assert_ok(boot_set_gate(never, "dns", USEC_INFINITY, NULL));
        assert_ok(boot_new(THIS_BOOT, SECONDS(1700000000), &boot));
        boot->ready = SECONDS(90);
        assert_ok(boot_set_gate(boot, "dns", SECONDS(80), "ovnkube-master-rmn9q"));
        boot_set_required(boot, "dns", true);
        boot_to_json(&builder, NULL, never);
        v = finish();
        idl_check(&idl, "Boot", v);
        jv_free(v);
        boot_to_json(&builder, NULL, boot);
        v = finish();
        idl_check(&idl, "Boot", v);
        assert_int_equal(jv_get_int(v, "readyUSec", 0), 90 * USEC_PER_SEC);
        jv_free(v);
}

/* The words of the code and those of the interface. */
static void test_enumerations(void **state) {
        play_begin(*state);
        assert_int_equal(idl_find(&idl, "State")->n_fields, _GATE_STATE_MAX);
        for (GateState s = 0; s < _GATE_STATE_MAX; s++)
                assert_non_null(idl_field(idl_find(&idl, "State"), gate_state_to_string(s)));
        assert_int_equal(idl_find(&idl, "Proof")->n_fields, _PROOF_MAX);
        for (Proof i = 0; i < _PROOF_MAX; i++)
                assert_non_null(idl_field(idl_find(&idl, "Proof"), proof_to_string(i)));
        for (GateClockKind k = GATE_CLOCK_SETTLE; k <= GATE_CLOCK_GRACE; k++)
                assert_non_null(idl_field(idl_find(&idl, "Clock"), gate_clock_kind_to_string(k)));
        assert_int_equal(idl_find(&idl, "Clock")->n_fields, GATE_CLOCK_GRACE - GATE_CLOCK_SETTLE + 1);
}

/* The parameters of methods stand in the interface's text and in the tables that calls are checked against. */
static void test_methods(void **state) {
        play_begin(*state);
        for (const VlInterface *const *i = publish_varlink_interfaces; *i; i++)
                idl_check_methods(*i);
        idl_check_methods(&vl_service_interface);
}

/* The last: the tests before have played all that the interface can say. */
static void test_everything_was_seen(void **state) {
        play_begin(*state);
        for (size_t i = 0; i < idl.n_types; i++)
                idl_check_all_seen(&idl, idl.types[i].name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_before_anything),
                TEST(test_guide),
                TEST(test_doubt),
                TEST(test_masked),
                TEST(test_clocks_and_states),
                TEST(test_every_check),
                TEST(test_rows_are_merged),
                TEST(test_proofs),
                TEST(test_timeline),
                TEST(test_boots),
                TEST(test_enumerations),
                TEST(test_methods),
                TEST(test_many_rows),
                TEST(test_everything_was_seen),
        };

        idl_parse(&idl, vl_text_io_msready_Readiness);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
