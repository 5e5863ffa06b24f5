/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>

#include "diagnosis/events.h"

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
static usec_t ago; /* it was told so long ago */

static void tell(Play *p, const Told *t) {
        char text[16];
        KubeEvent e = {
                .object = { .kind = KUBE_EVENT,
                            .namespace = NS,
                            .name = "e",
                            .uid = "e",
                            .resource_version = text },
                .regarding_uid = (char *) t->uid,
                .container = (char *) "app",
                .reason = (char *) t->reason,
                .message = (char *) t->message,
                .type = (char *) t->type,
                .first_seen = USEC_PER_HOUR - ago,
                .last_seen = USEC_PER_HOUR - ago,
        };

        snprintf(text, sizeof(text), "%u", ++version);
        assert_ok(event_digest_feed(events, &e, p->now.boottime, USEC_PER_HOUR));
        play_judge(p);
}

static void begin(Play *p) {
        PlayCheck d = check_pods(NS, NULL);

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
        pod.containers[0] = (PlayContainer){ .name = "app",
                                             .role = KUBE_CONTAINER_MAIN,
                                             .state = KUBE_CONTAINER_WAITING,
                                             .unready = true,
                                             .reason = reason,
                                             .message = message }; /* as JSON has it */
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

/* It waits since it said so, whichever image is being pulled; but since the pull at least, where the daemon came later. */
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
        assert_int_equal(first(&p)->since, begun);
        play_sleep(&p, SECONDS(600));
        tell(&p, &(Told){ POD_UID, "Normal", "Pulled", "Successfully pulled image \"quay.io/a\" in 10m" });
        assert_told(&p, "ContainerCreating", NULL);
        tell(&p, &(Told){ POD_UID, "Normal", "Pulling", "Pulling image \"quay.io/b\"" });
        assert_told(&p, "ContainerCreating", "pulling quay.io/b");
        assert_int_equal(first(&p)->since, begun);
        end(&p);

        begin(&p);
        put_pod(&p, "ContainerCreating", NULL);
        begun = first(&p)->since;
        ago = SECONDS(90);
        tell(&p, &(Told){ POD_UID, "Normal", "Pulling", "Pulling image \"quay.io/a\"" });
        assert_int_equal(first(&p)->since, begun - SECONDS(90));
        put_pod(&p, "ImagePullBackOff", "Back-off pulling image \\\"quay.io/a\\\"");
        assert_int_equal(first(&p)->since, p.now.boottime);
        /* Warnings are counted, and the first may be of another time. */
        tell(&p, &(Told){ POD_UID, "Normal", "Pulled", "Successfully pulled image \"quay.io/a\" in 10m" });
        put_pod(&p, "PodInitializing", NULL);
        tell(&p, &(Told){ POD_UID, "Warning", "Unhealthy", "Readiness probe failed" });
        assert_int_equal(first(&p)->since, p.now.boottime);
        ago = 0;
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

        put_pod(&p, "ImagePullBackOff",
                "Back-off pulling image \\\"quay.io/x\\\": ErrImagePull: manifest unknown");
        assert_told(&p, "ImagePullBackOff",
                    "Back-off pulling image \"quay.io/x\": ErrImagePull: manifest unknown");
        put_pod(&p, "CrashLoopBackOff", "back-off 10s restarting failed container=app");
        assert_told(&p, "CrashLoopBackOff", "back-off 10s restarting failed container=app");
        end(&p);
}

/* Why a container ends again and again is not hidden by the image that is pulled for its next start. */
static void test_crash(void **state) {
        Play p;

        begin(&p);
        put_pod(&p, "CrashLoopBackOff", "back-off 10s restarting failed container=app");
        tell(&p, &(Told){ POD_UID, "Normal", "Pulling", "Pulling image \"quay.io/a\"" });
        assert_told(&p, "CrashLoopBackOff",
                    "back-off 10s restarting failed container=app; pulling quay.io/a");
        end(&p);
}

/* Always is in the way of a container whose image cannot be pulled, and not that of another which waits for it. */
static void test_pull_policy(void **state) {
        PlayPod pod = pod_ready(NS, "web-1", 100, 40);
        Play p;

        begin(&p);
        pod.ready = KUBE_STATUS_FALSE;
        pod.phase = "Pending";
        pod.containers[0] = (PlayContainer){ .name = "setup",
                                             .role = KUBE_CONTAINER_INIT,
                                             .unready = true,
                                             .state = KUBE_CONTAINER_WAITING,
                                             .reason = "ImagePullBackOff",
                                             .message = "Back-off pulling image" };
        pod.containers[1] = (PlayContainer){ .name = "app",
                                             .role = KUBE_CONTAINER_MAIN,
                                             .unready = true,
                                             .state = KUBE_CONTAINER_WAITING,
                                             .reason = "PodInitializing",
                                             .pull_always = true };
        play_pod(&p, &pod);
        play_judge(&p);
        assert_told(&p, "Init:ImagePullBackOff", "Back-off pulling image");
        assert_non_null(strstr(first(&p)->hint, "Run crictl pull IMAGE on this host"));
        pod.containers[0].pull_always = true;
        pod.containers[0].message = "Back-off pulling image, again";
        play_pod(&p, &pod);
        play_judge(&p);
        assert_non_null(strstr(first(&p)->hint, "imagePullPolicy is Always"));
        end(&p);
}

/* Which init container the pod waits for the status says, and why the events. */
static void test_init(void **state) {
        PlayPod pod = pod_ready(NS, "web-1", 100, 40);
        Play p;

        begin(&p);
        pod.ready = KUBE_STATUS_FALSE;
        pod.phase = "Pending";
        pod.not_initialized = "containers with incomplete status: [setup]";
        pod.containers[0] = (PlayContainer){ .name = "setup",
                                             .role = KUBE_CONTAINER_INIT,
                                             .state = KUBE_CONTAINER_RUNNING,
                                             .unready = true };
        pod.containers[1] = (PlayContainer){ .name = "app",
                                             .role = KUBE_CONTAINER_MAIN,
                                             .unready = true,
                                             .state = KUBE_CONTAINER_WAITING,
                                             .reason = "PodInitializing" };
        play_pod(&p, &pod);
        play_judge(&p);
        assert_told(&p, "Init:0/1", "containers with incomplete status: [setup]");
        tell(&p, &(Told){ POD_UID, "Warning", "Unhealthy", "Startup probe failed: no" });
        assert_told(&p, "Init:0/1", "containers with incomplete status: [setup]; Startup probe failed: no");
        end(&p);
}

/* Why there are too few pods, those know that make them: a Deployment's ReplicaSets, never those of another. */
static void test_no_pods(void **state) {
        static const char refused[] = "Error creating: pods \"web-1\" is forbidden: violates PodSecurity";
        PlayWorkload web = {
                .kind = KUBE_DEPLOYMENT, .namespace = NS, .name = "web", .uid = 200, .replicas = 1
        };
        PlayWorkload set = { .kind = KUBE_REPLICASET,
                             .namespace = NS,
                             .name = "web-1",
                             .uid = 300,
                             .replicas = 1,
                             .owner_kind = "Deployment",
                             .owner_name = "web",
                             .owner_uid = 200 };
        PlayCheck d = check_workload(KUBE_DEPLOYMENT, NS, "web");
        Play p;

        play_cluster(&p);
        assert_ok(event_digest_new(&events));
        p.world->events = events;
        PLAY_GATE(&p, "web", d);
        play_load(&p);
        tell(&p, &(Told){ SET_UID, "Warning", "FailedCreate", refused });
        assert_told(&p, REASON_NOT_FOUND, "the cluster has no such object");
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
        PlayCheck pods = check_pods(NS, NULL), daemonset = check_workload(KUBE_DAEMONSET, NS, "web");
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

static void put_node(Play *p, const char *pressure, const char *message) {
        PlayNode node = node_of_this_boot();

        node.pressure = pressure;
        node.pressure_message = message;
        play_node(p, &node);
        play_judge(p);
}

#define BACK_OFF "Back-off pulling image \"x\": ErrImagePull: no"
#define SHORT "the node has DiskPressure: kubelet has disk pressure"

/* It shuts nothing by itself, and is told wherever something is shut on that node. */
static void test_pressure(void **state) {
        static const char *const types[] = { "MemoryPressure", "PIDPressure", "NetworkUnavailable" };
        PlayCheck local = check_node(NULL);
        PlayNode node = node_of_this_boot();
        char long_words[600];
        Play p;

        begin(&p);
        put_pod(&p, "ImagePullBackOff", "Back-off pulling image \\\"x\\\": ErrImagePull: no");
        put_node(&p, "DiskPressure", "kubelet has disk pressure");
        assert_told(&p, "ImagePullBackOff", BACK_OFF "; " SHORT);
        assert_non_null(strstr(first(&p)->hint, "The disk is nearly full"));
        assert_evidence(play_ask(&p, &local), EVIDENCE_TRUE);
        put_pod(&p, "ContainerCreating", NULL);
        assert_told(&p, "ContainerCreating", SHORT);
        assert_non_null(strstr(first(&p)->hint, "The disk is nearly full"));
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                put_node(&p, types[i], NULL);
                assert_non_null(strstr(first(&p)->message, types[i]));
                assert_non_null(first(&p)->hint);
        }

        /* Words that fill the room make way for it, at the end of a character. */
        put_node(&p, "DiskPressure", "kubelet has disk pressure");
        for (size_t i = 0; i < sizeof(long_words) - 1; i += 2)
                memcpy(long_words + i, "\xc3\xa4", 2);
        for (size_t cut = 0; cut < 4; cut++) {
                long_words[sizeof(long_words) - 4] = '\0';
                put_pod(&p, "ErrImagePull", long_words + 2 * cut);
                assert_true(strlen(first(&p)->message) <= LIMIT_MESSAGE);
                assert_non_null(endswith(first(&p)->message, "\xc3\xa4; " SHORT));
        }

        /* So is its address, where the host has another one now. */
        p.world->host.lost_address = strdup("192.168.1.5");
        put_pod(&p, "ErrImagePull", "no");
        assert_told(&p, "ErrImagePull",
                    "no; " SHORT "; the node's InternalIP 192.168.1.5 is not an address of this host");
        p.world->host.lost_address = mfree(p.world->host.lost_address);

        /* Of the node itself; and not as it was in an earlier boot. */
        node.ready = KUBE_STATUS_FALSE;
        node.reason = "KubeletNotReady";
        node.message = "container runtime is down";
        node.pressure = "DiskPressure";
        node.pressure_message = "kubelet has disk pressure";
        play_node(&p, &node);
        assert_evidence(play_ask(&p, &local), EVIDENCE_FALSE);
        assert_string_equal(p.report.blockers[0].message, "container runtime is down; " SHORT);
        assert_non_null(strstr(p.report.blockers[0].hint, "The disk is nearly full"));
        node.boot_id = OLD_BOOT;
        play_node(&p, &node);
        assert_evidence(play_ask(&p, &local), EVIDENCE_FALSE);
        assert_string_equal(play_reason(&p), REASON_STALE_BOOT);
        assert_null(strstr(p.report.blockers[0].message, "DiskPressure"));
        put_pod(&p, "ContainerCreating", NULL);
        assert_told(&p, "ContainerCreating", NULL);
        end(&p);
}

/* What is found on the host, and what is said while nobody knows, is not for events or the node to explain. */
static void test_hearsay(void **state) {
        PlayPod pod = pod_ready(NS, "web-1", 100, 40);
        Play p;

        begin(&p);
        put_node(&p, "DiskPressure", "kubelet has disk pressure");
        tell(&p, &(Told){ POD_UID, "Warning", "FailedMount", "secret \"x\" not found" });
        play_pod(&p, &pod); /* and does not live here */
        play_look(&p);
        play_judge(&p);
        assert_told(&p, REASON_UNPROVEN,
                    "it is reported Ready, but container main is not found below /sys/fs/cgroup");
        assert_non_null(strstr(first(&p)->hint, "Ready is an old status"));
        put_pod(&p, "ContainerCreating", NULL);
        assert_told(&p, "ContainerCreating", "secret \"x\" not found; " SHORT);
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        assert_string_equal(first(&p)->reason, REASON_API_UNREACHABLE);
        assert_non_null(strstr(first(&p)->hint, "The API server does not answer"));
        assert_null(strstr(strempty(first(&p)->message), "DiskPressure"));
        end(&p);
}

/* Where a pod is missing, the one that failed or is going says why, the last of them. */
static void test_leftover(void **state) {
        PlayPod evicted = pod_ready(NS, "web-1", 100, 0), going = pod_ready(NS, "web-2", 101, 0),
                job = pod_ready(NS, "web-3", 102, 0);
        PlayCheck set = check_workload(KUBE_STATEFULSET, NS, "web");
        PlayWorkload web = {
                .kind = KUBE_STATEFULSET, .namespace = NS, .name = "web", .uid = 200, .replicas = 2
        };
        Play p;

        begin(&p);
        job.phase = evicted.phase = "Failed";
        job.reason = "DeadlineExceeded";
        pod_owned(&job, "Job", "web", 201);
        play_pod(&p, &job);
        play_judge(&p);
        assert_told(&p, REASON_NO_PODS, "no pod of this node matches");
        evicted.reason = "Evicted";
        evicted.message = "The node was low on resource: memory. ";
        pod_owned(&evicted, "StatefulSet", "web", 200);
        play_pod(&p, &evicted);
        play_judge(&p);
        assert_told(&p, REASON_NO_PODS,
                    "no pod of this node matches; web-1: Evicted: The node was low on resource: memory. ");
        assert_non_null(strstr(first(&p)->hint, "short of memory"));

        going.deleting = true;
        play_pod(&p, &going);
        play_workload(&p, &web);
        play_judge(&p);
        assert_told(&p, REASON_NO_PODS, "no pod of this node matches; web-2: Terminating");
        assert_non_null(strstr(first(&p)->hint, "still terminating"));
        /* Another one's says nothing. */
        assert_evidence(play_ask(&p, &set), EVIDENCE_FALSE);
        assert_non_null(strstr(p.report.blockers[0].message, "0 of 2 pods exist; web-1: Evicted: "));
        put_node(&p, "MemoryPressure", "kubelet has insufficient memory available");
        assert_evidence(play_ask(&p, &set), EVIDENCE_FALSE);
        assert_string_equal(p.report.blockers[0].message,
                            "0 of 2 pods exist; web-1: Evicted: The node was low on resource: memory.; "
                            "the node has MemoryPressure: kubelet has insufficient memory available");
        end(&p);
}

/* --- since when (rule R8) --- */

static void assert_since(Play *p, const char *reason, usec_t since) {
        assert_string_equal(first(p)->reason, reason);
        assert_int_equal(first(p)->since, since);
}

/* A container dies: since then, and not since its pod became Ready. */
static void test_since_of_what_is_found(void **state) {
        PlayPod pod = pod_ready(NS, "web-1", 100, 40);
        PlayNode node = node_of_this_boot();
        Play p;

        begin(&p);
        play_start_pod(&p, &pod);
        play_judge(&p);
        play_sleep(&p, SECONDS(49));
        play_kill(&p, 40);
        play_look(&p);
        play_judge(&p);
        assert_since(&p, REASON_UNPROVEN, p.now.boottime);
        play_sleep(&p, SECONDS(25));
        play_judge(&p);
        assert_since(&p, REASON_UNPROVEN, p.now.boottime - SECONDS(25));

        /* The node is of another boot, and then its kubelet says nothing of this one. */
        PLAY_GATE(&p, "web", check_node(NULL));
        play_load(&p);
        play_sleep(&p, SECONDS(10));
        node.boot_id = OLD_BOOT;
        node.heartbeat++;
        play_node(&p, &node);
        play_judge(&p);
        assert_since(&p, REASON_STALE_BOOT, p.now.boottime);
        end(&p);
}

/* Pods go, and then their workload: each since then, and not since the API was ready or the workload was seen. */
static void test_since_of_what_is_missing(void **state) {
        PlayWorkload web = {
                .kind = KUBE_STATEFULSET, .namespace = NS, .name = "web", .uid = 200, .replicas = 1
        };
        PlayPod pod = pod_ready(NS, "web-1", 100, 40);
        Play p;

        begin(&p);
        PLAY_GATE(&p, "web", check_workload(KUBE_STATEFULSET, NS, "web"));
        play_load(&p);
        play_workload(&p, &web);
        play_sync_all(&p);
        pod_owned(&pod, "StatefulSet", "web", 200);
        play_start_pod(&p, &pod);
        play_judge(&p);
        assert_gate(&p, "web", "ready");
        play_sleep(&p, SECONDS(60));
        play_remove(&p, KUBE_POD, NS, "web-1");
        play_judge(&p);
        assert_since(&p, REASON_NO_PODS, p.now.boottime);
        play_sleep(&p, SECONDS(60));
        web.replicas = 0;
        play_workload(&p, &web);
        play_judge(&p);
        assert_since(&p, REASON_SCALED_TO_ZERO, p.now.boottime);
        play_sleep(&p, SECONDS(60));
        play_remove(&p, KUBE_STATEFULSET, NS, "web");
        play_judge(&p);
        assert_since(&p, REASON_NOT_FOUND, p.now.boottime);
        end(&p);
}

/* What the cluster says: since it began to say so, also where the API was away in between. Another reason has a
 * beginning of its own. */
static void test_since_of_what_is_reported(void **state) {
        usec_t created, crashed, away;
        Play p;

        begin(&p);
        put_pod(&p, "ContainerCreating", NULL);
        created = p.now.boottime;
        assert_since(&p, "ContainerCreating", created);
        play_sleep(&p, SECONDS(20));
        play_api(&p, API_UNREACHABLE);
        away = p.now.boottime;
        play_sleep(&p, SECONDS(3));
        play_judge(&p);
        assert_since(&p, REASON_API_UNREACHABLE, away);
        play_api(&p, API_READY);
        play_sync_all(&p);
        play_judge(&p);
        assert_since(&p, "ContainerCreating", created);

        play_sleep(&p, SECONDS(20));
        put_pod(&p, "CrashLoopBackOff", "back-off 10s restarting failed container");
        crashed = p.now.boottime;
        assert_since(&p, "CrashLoopBackOff", crashed);
        play_sleep(&p, SECONDS(20));
        put_pod(&p, "CrashLoopBackOff", "back-off 20s restarting failed container");
        assert_since(&p, "CrashLoopBackOff", crashed);
        play_api(&p, API_UNREACHABLE);
        play_judge(&p);
        play_api(&p, API_READY);
        play_sync_all(&p);
        play_judge(&p);
        assert_since(&p, "CrashLoopBackOff", crashed);
        end(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_since_of_what_is_found),
                cmocka_unit_test(test_since_of_what_is_missing),
                cmocka_unit_test(test_since_of_what_is_reported),
                cmocka_unit_test(test_pull),
                cmocka_unit_test(test_words_of_the_registry),
                cmocka_unit_test(test_crash),
                cmocka_unit_test(test_init),
                cmocka_unit_test(test_pull_policy),
                cmocka_unit_test(test_no_pods),
                cmocka_unit_test(test_no_node),
                cmocka_unit_test(test_pressure),
                cmocka_unit_test(test_hearsay),
                cmocka_unit_test(test_leftover),
        };

        return cmocka_run_group_tests_name("ready-explain", tests, NULL, NULL);
}
