/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>

#include "ready/pull.h"

/* What events add to blockers, and what stands there where there is no node yet. */

#define NS "shop"
#define UID(n) "0000" n "-1111-4222-8333-444444444444"
#define POD_UID UID("0064")
#define DEPLOYMENT_UID UID("00c8")
#define SET_UID UID("012c")

#define WORDS "Failed to pull image \"quay.io/x\": reading manifest: unauthorized: access is not authorized"

typedef struct Told {
        const char *uid, *type, *reason, *message;
} Told;

static EventDigest *events;
static unsigned version;

static void tell(Play *p, const Told *t) {
        char text[16];
        KubeEvent e = {
                .object = { .kind = KUBE_EVENT, .namespace = NS, .name = "e", .uid = "e", .resource_version = text },
                .regarding_uid = (char *) t->uid,
                .container = (char *) "app",
                .reason = (char *) t->reason,
                .message = (char *) t->message,
                .type = (char *) t->type,
                .count = 1,
        };

        snprintf(text, sizeof(text), "%u", ++version);
        assert_ok(event_digest_feed(events, &e, p->now.boottime, USEC_PER_HOUR));
        play_judge(p);
}

static void begin(Play *p) {
        CheckDefinition d = check_pods(NS, NULL);

        play_cluster(p);
        assert_ok(event_digest_new(&events));
        p->world->events = events;
        PLAY_GATE(p, "web", d);
        play_load(p);
}

static void end(Play *p) {
        p->world->events = NULL;
        events = event_digest_free(events);
        play_end(p);
}

static void put_pod(Play *p, const char *reason, const char *message) {
        PlayPod pod = pod_ready(NS, "web-1", 100, 40);

        pod.ready = KUBE_STATUS_FALSE;
        pod.phase = "Pending";
        pod.containers[0] = (PlayContainer){ .name = "app", .role = KUBE_CONTAINER_MAIN,
                                             .state = KUBE_CONTAINER_WAITING, .unready = true, .reason = reason, .message = message }; /* as JSON has it */
        play_pod(p, &pod);
        play_judge(p);
}

static const Blocker *first(Play *p) {
        const Gate *g = play_find(p, "web");

        assert_true(g->report.n_blockers > 0);
        return &g->report.blockers[0];
}

static void assert_told(Play *p, const char *reason, const char *message) {
        assert_string_equal(first(p)->reason, reason);
        if (message)
                assert_string_equal(first(p)->message, message);
        else
                assert_null(first(p)->message);
}

/* A second image: since when it is pulled, and not for how long the pod has been on its way. */
static void test_pull(void **state) {
        usec_t begun;
        Play p;

        begin(&p);
        put_pod(&p, "ContainerCreating", NULL);
        assert_told(&p, "ContainerCreating", NULL);
        begun = first(&p)->since;

        play_sleep(&p, SECONDS(10));
        tell(&p, &(Told){ POD_UID, "Normal", "Pulling", "Pulling image \"quay.io/a\"" });
        assert_told(&p, "ContainerCreating", "pulling quay.io/a");
        assert_int_equal(first(&p)->since, begun + SECONDS(10));
        play_sleep(&p, SECONDS(600));
        tell(&p, &(Told){ POD_UID, "Normal", "Pulled", "Successfully pulled image \"quay.io/a\" in 10m" });
        assert_told(&p, "ContainerCreating", NULL);
        tell(&p, &(Told){ POD_UID, "Normal", "Pulling", "Pulling image \"quay.io/b\"" });
        assert_told(&p, "ContainerCreating", "pulling quay.io/b");
        assert_int_equal(first(&p)->since, begun + SECONDS(610));
        end(&p);
}

/* Where the status says only that it waits, the registry's own words are told; its own words stay. */
static void test_words_of_the_registry(void **state) {
        Play p;

        begin(&p);
        put_pod(&p, "ImagePullBackOff", "Back-off pulling image \\\"quay.io/x\\\"");
        assert_told(&p, "ImagePullBackOff", "Back-off pulling image \"quay.io/x\"");
        tell(&p, &(Told){ POD_UID, "Warning", "Failed", WORDS });
        assert_told(&p, "ImagePullBackOff", WORDS);
        assert_non_null(strstr(first(&p)->hint, "refuses this host's credentials"));
        tell(&p, &(Told){ POD_UID, "Normal", "BackOff", "Back-off pulling image \"quay.io/x\"" });
        assert_told(&p, "ImagePullBackOff", WORDS);

        put_pod(&p, "ImagePullBackOff", "Back-off pulling image \\\"quay.io/x\\\": ErrImagePull: manifest unknown");
        assert_told(&p, "ImagePullBackOff", "Back-off pulling image \"quay.io/x\": ErrImagePull: manifest unknown");
        put_pod(&p, "CrashLoopBackOff", "back-off 10s restarting failed container=app");
        assert_told(&p, "CrashLoopBackOff", "back-off 10s restarting failed container=app");
        end(&p);
}

/* Why there are too few pods, those know that make them: a Deployment's ReplicaSets, never those of another. */
static void test_no_pods(void **state) {
        static const char refused[] = "Error creating: pods \"web-1\" is forbidden: violates PodSecurity";
        PlayWorkload web = { .kind = KUBE_DEPLOYMENT, .namespace = NS, .name = "web", .uid = 200, .replicas = 1 };
        PlayWorkload set = { .kind = KUBE_REPLICASET, .namespace = NS, .name = "web-1", .uid = 300, .replicas = 1,
                             .owner_kind = "Deployment", .owner_name = "web", .owner_uid = 200 };
        CheckDefinition d = check_workload(KUBE_DEPLOYMENT, NS, "web");
        Play p;

        play_cluster(&p);
        assert_ok(event_digest_new(&events));
        p.world->events = events;
        PLAY_GATE(&p, "web", d);
        play_load(&p);
        tell(&p, &(Told){ SET_UID, "Warning", "FailedCreate", refused });
        assert_told(&p, REASON_NOT_FOUND, "the cluster has no such object yet");
        play_workload(&p, &web);
        play_judge(&p);
        assert_told(&p, REASON_NO_PODS, "0 of 1 pods exist");
        play_workload(&p, &set);
        play_judge(&p);
        assert_told(&p, REASON_NO_PODS, refused);
        assert_non_null(strstr(first(&p)->hint, "asks for more than its service account may have"));
        tell(&p, &(Told){ SET_UID, "Normal", "SuccessfulCreate", "Created pod: web-1" });
        assert_told(&p, REASON_NO_PODS, "0 of 1 pods exist");
        tell(&p, &(Told){ DEPLOYMENT_UID, "Warning", "FailedCreate", "exceeded quota" });
        assert_told(&p, REASON_NO_PODS, "exceeded quota");
        end(&p);
}

/* Nothing is asked about pods while there is no node: that is said, and not that they are being listed. */
static void test_no_node(void **state) {
        CheckDefinition pods = check_pods(NS, NULL), daemonset = check_workload(KUBE_DAEMONSET, NS, "web");
        PlayWorkload web = { .kind = KUBE_DAEMONSET, .namespace = NS, .name = "web", .uid = 200 };
        const StreamRole roles[] = { STREAM_NODES, STREAM_PODS_UNSCHEDULED, STREAM_DAEMONSETS };
        Play p;

        play_begin(&p);
        play_api(&p, API_READY);
        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                play_listed(&p, roles[i]);
        p.streams[STREAM_PODS] = world_stream_free(p.streams[STREAM_PODS]);
        assert_evidence(play_ask(&p, &pods), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_NODE_NOT_REGISTERED);
        assert_evidence(play_ask(&p, &daemonset), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_NOT_FOUND);
        play_workload(&p, &web);
        assert_evidence(play_ask(&p, &daemonset), EVIDENCE_NONE);
        assert_string_equal(play_reason(&p), REASON_NODE_NOT_REGISTERED);
        play_end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pull),
                cmocka_unit_test(test_words_of_the_registry),
                cmocka_unit_test(test_no_pods),
                cmocka_unit_test(test_no_node),
        };

        return cmocka_run_group_tests_name("ready-explain", tests, NULL, NULL);
}
