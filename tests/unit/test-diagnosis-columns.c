/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>

#include "base/limits.h"
#include "diagnosis/columns.h"

#define NOW (1700000000 * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */

/* JSON is written with single quotes here. */
static KubeObject *parse(KubeKind kind, const char *text) {
        _cleanup_(jv_freep) JsonValue *v = NULL;
        _cleanup_free_ char *copy = strdup(text);
        KubeObject *o = NULL;

        for (char *c = copy; *c; c++)
                if (*c == '\'')
                        *c = '"';
        if (jv_parse(copy, strlen(copy), &v) < 0)
                fail_msg("not JSON: %s", copy);
        assert_ok(kube_object_parse(kind, v, &o, NULL, 0));
        return o;
}

/* Containers of the spec. */
#define A "'containers':[{'name':'a'}]"
#define A_B "'containers':[{'name':'a'},{'name':'b'}]"
#define INIT_I_J "'initContainers':[{'name':'i'},{'name':'j'}]," A
#define INIT_I_SIDECAR_S "'initContainers':[{'name':'i'},{'name':'s','restartPolicy':'Always'}]," A

/* Members of the status beside the phase. */
#define CONDITION(type, status, reason, message)                                                            \
        "'conditions':[{'type':'" type "','status':'" status "','reason':'" reason "','message':'" message  \
        "'}]"
#define IS_READY CONDITION("Ready", "True", "", "")
#define NOT_READY CONDITION("Ready", "False", "ContainersNotReady", "containers with unready status: [a]")
#define INITIALIZED CONDITION("Initialized", "True", "", "")
#define NOT_INITIALIZED                                                                                     \
        CONDITION("Initialized", "False", "ContainersNotInitialized",                                       \
                  "containers with incomplete status: [j]")

/* Statuses of containers; `more` is what stands beside the state, with a comma behind it. */
#define STATUS(name, more, state) "{'name':'" name "'," more "'state':{" state "}}"
#define RUNS(name, more) STATUS(name, more, "'running':{'startedAt':'2023-11-14T22:00:00Z'}")
#define RUNS_READY(name, more) RUNS(name, more "'ready':true,'started':true,'containerID':'cri-o://x',")
#define WAITS(name, more, reason, message)                                                                  \
        STATUS(name, more, "'waiting':{'reason':'" reason "','message':'" message "'}")
#define CREATES(name) WAITS(name, "", "ContainerCreating", "")
#define INITIALIZES(name, more) WAITS(name, more, "PodInitializing", "")
#define ENDED(name, more, code, reason)                                                                     \
        STATUS(name, more, "'terminated':{'exitCode':" #code ",'reason':'" reason "'}")
#define KILLED(name, number, code)                                                                          \
        STATUS(name, "", "'terminated':{'exitCode':" #code ",'signal':" #number "}")
#define RESTARTS(n) "'restartCount':" #n ","
#define LAST(when, code, message)                                                                           \
        "'lastState':{'terminated':{'finishedAt':'" when "','reason':'Error','exitCode':" #code             \
        ",'message':'" message "'}},"

typedef struct Case {
        const char *name;
        const char *spec, *phase, *more;
        const char *init[2], *main[2];
        bool deleting;

        unsigned ready, total;
        const char *status;
        const char *restarts; /* NULL: "0" */
        const char *reason;   /* of pod_blocking_reason(); NULL: the status */
        const char *message;
} Case;

/* clang-format off */
static const Case cases[] = {
        { .name = "running and ready",
          .spec = A_B, .phase = "Running", .more = IS_READY,
          .main = { RUNS_READY("a", ""), RUNS_READY("b", "") },
          .ready = 2, .total = 2, .status = "Running" },
        { .name = "one is not ready: the Ready condition says why",
          .spec = A_B, .phase = "Running", .more = NOT_READY,
          .main = { RUNS("a", ""), RUNS_READY("b", "") },
          .ready = 1, .total = 2, .status = "Running",
          .reason = "ContainersNotReady", .message = "containers with unready status: [a]" },
        { .name = "all containers are ready, a readiness gate is not",
          .spec = A, .phase = "Running",
          .more = CONDITION("Ready", "False", "ReadinessGatesNotReady", "corresponding condition does not exist."),
          .main = { RUNS_READY("a", "") },
          .ready = 1, .total = 1, .status = "Running",
          .reason = "ReadinessGatesNotReady", .message = "corresponding condition does not exist." },
        { .name = "not scheduled: the scheduler's words",
          .spec = A, .phase = "Pending",
          .more = CONDITION("PodScheduled", "False", "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu."),
          .total = 1, .status = "Pending", .message = "0/1 nodes are available: 1 Insufficient cpu." },
        { .name = "held back by a scheduling gate",
          .spec = A, .phase = "Pending",
          .more = CONDITION("PodScheduled", "False", "SchedulingGated", "Scheduling is blocked"),
          .total = 1, .status = "SchedulingGated", .message = "Scheduling is blocked" },
        { .name = "scheduled, nothing known yet",
          .spec = A, .phase = "Pending",
          .total = 1, .status = "Pending" },
        { .name = "creating: the status has no words, events may",
          .spec = A_B, .phase = "Pending", .more = NOT_READY,
          .main = { CREATES("a"), CREATES("b") },
          .total = 2, .status = "ContainerCreating" },
        { .name = "a pull refused",
          .spec = A, .phase = "Pending", .more = NOT_READY,
          .main = { WAITS("a", "", "ImagePullBackOff", "Back-off pulling image quay.io/x:1") },
          .total = 1, .status = "ImagePullBackOff", .message = "Back-off pulling image quay.io/x:1" },
        { .name = "the first container in the order of the status has the last word",
          .spec = A_B, .phase = "Pending",
          .main = { WAITS("b", "", "ErrImagePull", "of b"), WAITS("a", "", "CreateContainerConfigError", "of a") },
          .total = 2, .status = "ErrImagePull", .message = "of b" },
        { .name = "the container that gives the word is silent: the first that is not speaks",
          .spec = A_B, .phase = "Pending",
          .main = { CREATES("a"), WAITS("b", "", "ErrImagePull", "no such host") },
          .total = 2, .status = "ContainerCreating", .message = "no such host" },
        { .name = "a crash loop: its last exit explains it",
          .spec = A, .phase = "Running", .more = NOT_READY,
          .main = { WAITS("a", RESTARTS(5) LAST("2023-11-14T22:10:00Z", 1, "bind: address already in use\\n"),
                          "CrashLoopBackOff", "back-off 2m40s restarting failed container=a pod=p_n(u)") },
          .total = 1, .status = "CrashLoopBackOff", .restarts = "5 (3m20s ago)",
          .message = "back-off 2m40s restarting failed container=a pod=p_n(u); last exit: Error, exit code 1: "
                     "bind: address already in use" },
        { .name = "a crash loop of which no more is known",
          .spec = A, .phase = "Running",
          .main = { WAITS("a", RESTARTS(1), "CrashLoopBackOff", "back-off 10s") },
          .total = 1, .status = "CrashLoopBackOff", .restarts = "1", .message = "back-off 10s" },
        { .name = "killed for want of memory",
          .spec = A, .phase = "Running",
          .main = { ENDED("a", RESTARTS(1), 137, "OOMKilled") },
          .total = 1, .status = "OOMKilled", .restarts = "1", .message = "container a ended with exit code 137" },
        { .name = "ended by a signal, no reason given",
          .spec = A, .phase = "Running",
          .main = { KILLED("a", 9, 137) },
          .total = 1, .status = "Signal:9", .message = "container a ended with exit code 137" },
        { .name = "ended by an exit, no reason given",
          .spec = A, .phase = "Running",
          .main = { ENDED("a", "", 3, "") },
          .total = 1, .status = "ExitCode:3", .message = "container a ended with exit code 3" },
        { .name = "over and well",
          .spec = A, .phase = "Succeeded",
          .main = { ENDED("a", "", 0, "Completed") },
          .total = 1, .status = "Completed", .message = "container a ended with exit code 0" },
        { .name = "one is done, the other runs, the pod is ready",
          .spec = A_B, .phase = "Running", .more = IS_READY,
          .main = { ENDED("a", "", 0, "Completed"), RUNS_READY("b", "") },
          .ready = 1, .total = 2, .status = "Running" },
        { .name = "one is done, the other runs, the pod is not ready",
          .spec = A_B, .phase = "Running", .more = NOT_READY,
          .main = { ENDED("a", "", 0, "Completed"), RUNS_READY("b", "") },
          .ready = 1, .total = 2, .status = "NotReady", .message = "containers with unready status: [a]" },
        { .name = "one is done, the other failed: the failure counts",
          .spec = A_B, .phase = "Failed",
          .main = { ENDED("a", "", 0, "Completed"), ENDED("b", "", 1, "Error") },
          .total = 2, .status = "Error", .message = "container b ended with exit code 1" },
        { .name = "evicted: the pod's own reason and message",
          .spec = A, .phase = "Failed", .more = "'reason':'Evicted','message':'The node was low on resource: x.'",
          .total = 1, .status = "Evicted", .message = "The node was low on resource: x." },
        { .name = "going",
          .spec = A, .phase = "Running", .more = IS_READY, .deleting = true,
          .main = { RUNS_READY("a", "") },
          .ready = 1, .total = 1, .status = "Terminating" },
        { .name = "going from a node that is gone",
          .spec = A, .phase = "Running", .more = "'reason':'NodeLost'", .deleting = true,
          .main = { RUNS_READY("a", "") },
          .ready = 1, .total = 1, .status = "Unknown" },
        { .name = "over before it goes",
          .spec = A, .phase = "Succeeded", .deleting = true,
          .main = { ENDED("a", "", 0, "Completed") },
          .total = 1, .status = "Completed", .message = "container a ended with exit code 0" },
        { .name = "no status at all",
          .spec = A,
          .total = 1, .status = "", .reason = "Unknown" },

        { .name = "nothing initialised yet",
          .spec = INIT_I_J, .phase = "Pending", .more = NOT_READY,
          .init = { INITIALIZES("i", ""), INITIALIZES("j", "") }, .main = { INITIALIZES("a", "") },
          .total = 1, .status = "Init:0/2" },
        { .name = "the first is done",
          .spec = INIT_I_J, .phase = "Pending",
          .init = { ENDED("i", "'ready':true,", 0, "Completed"), RUNS("j", "") }, .main = { INITIALIZES("a", "") },
          .total = 1, .status = "Init:1/2" },
        { .name = "the second runs: the Initialized condition says which it is",
          .spec = INIT_I_J, .phase = "Pending", .more = NOT_INITIALIZED,
          .init = { ENDED("i", "'ready':true,", 0, "Completed"), RUNS("j", "") }, .main = { INITIALIZES("a", "") },
          .total = 1, .status = "Init:1/2", .message = "containers with incomplete status: [j]" },
        { .name = "the second does not run yet: events may say why",
          .spec = INIT_I_J, .phase = "Pending", .more = NOT_INITIALIZED,
          .init = { ENDED("i", "'ready':true,", 0, "Completed"), INITIALIZES("j", "") },
          .main = { INITIALIZES("a", "") },
          .total = 1, .status = "Init:1/2" },
        { .name = "all are done",
          .spec = INIT_I_J, .phase = "Pending",
          .init = { ENDED("i", "", 0, "Completed"), ENDED("j", "", 0, "") }, .main = { INITIALIZES("a", "") },
          .total = 1, .status = "PodInitializing" },
        { .name = "an init container in a crash loop: what stands behind it does not count",
          .spec = INIT_I_J, .phase = "Pending",
          .init = { WAITS("i", RESTARTS(2), "CrashLoopBackOff", "back-off 20s"), INITIALIZES("j", RESTARTS(9)) },
          .main = { INITIALIZES("a", RESTARTS(7)) },
          .total = 1, .status = "Init:CrashLoopBackOff", .restarts = "2", .message = "back-off 20s" },
        { .name = "an init container's image",
          .spec = INIT_I_J, .phase = "Pending",
          .init = { WAITS("i", "", "ErrImagePull", "unauthorized") },
          .total = 1, .status = "Init:ErrImagePull", .message = "unauthorized" },
        { .name = "an init container that failed",
          .spec = INIT_I_J, .phase = "Pending",
          .init = { ENDED("i", "", 1, "Error") },
          .total = 1, .status = "Init:Error", .message = "container i ended with exit code 1" },
        { .name = "an init container that failed without a reason",
          .spec = INIT_I_J, .phase = "Pending",
          .init = { ENDED("i", "", 4, "") },
          .total = 1, .status = "Init:ExitCode:4", .message = "container i ended with exit code 4" },
        { .name = "an init container that was killed",
          .spec = INIT_I_J, .phase = "Pending",
          .init = { KILLED("i", 15, 143) },
          .total = 1, .status = "Init:Signal:15", .message = "container i ended with exit code 143" },
        { .name = "after the start, restarts of plain init containers no longer count",
          .spec = INIT_I_J, .phase = "Running", .more = IS_READY,
          .init = { ENDED("i", RESTARTS(3) LAST("2023-11-14T22:13:00Z", 1, ""), 0, ""), ENDED("j", "", 0, "") },
          .main = { RUNS_READY("a", RESTARTS(1) LAST("2023-11-14T22:12:00Z", 1, "")) },
          .ready = 1, .total = 1, .status = "Running", .restarts = "1 (80s ago)" },
        { .name = "initialised once, and its sandbox made again",
          .spec = INIT_I_J, .phase = "Running", .more = INITIALIZED,
          .init = { RUNS("i", RESTARTS(1)) }, .main = { INITIALIZES("a", RESTARTS(2)) },
          .total = 1, .status = "PodInitializing", .restarts = "2" },

        { .name = "a sidecar counts as a container",
          .spec = INIT_I_SIDECAR_S, .phase = "Running", .more = IS_READY,
          .init = { ENDED("i", "", 0, ""), RUNS_READY("s", RESTARTS(2)) }, .main = { RUNS_READY("a", RESTARTS(1)) },
          .ready = 2, .total = 2, .status = "Running", .restarts = "3" },
        { .name = "a sidecar that has not started",
          .spec = INIT_I_SIDECAR_S, .phase = "Pending",
          .init = { ENDED("i", "", 0, ""), RUNS("s", "'started':false,") }, .main = { INITIALIZES("a", "") },
          .total = 2, .status = "Init:1/2" },
        { .name = "a sidecar that runs and is not ready",
          .spec = INIT_I_SIDECAR_S, .phase = "Running", .more = NOT_READY,
          .init = { ENDED("i", "", 0, ""), RUNS("s", "'started':true,") }, .main = { RUNS_READY("a", "") },
          .ready = 1, .total = 2, .status = "Running",
          .reason = "ContainersNotReady", .message = "containers with unready status: [a]" },
        { .name = "a sidecar in a crash loop after the start",
          .spec = INIT_I_SIDECAR_S, .phase = "Running", .more = INITIALIZED,
          .init = { ENDED("i", RESTARTS(8), 0, ""),
                    WAITS("s", "'started':false," RESTARTS(4) LAST("2023-11-14T21:13:20Z", 2, ""),
                          "CrashLoopBackOff", "back-off 40s") },
          .main = { RUNS_READY("a", "") },
          .ready = 1, .total = 2, .status = "Init:CrashLoopBackOff", .restarts = "4 (60m ago)",
          .message = "back-off 40s; last exit: Error, exit code 2" },
        { .name = "a sidecar that failed once it had started is passed over, ready as it says",
          .spec = INIT_I_SIDECAR_S, .phase = "Running", .more = NOT_READY,
          .init = { ENDED("i", "", 0, ""), ENDED("s", "'started':true,'ready':true,", 1, "Error") },
          .main = { RUNS_READY("a", "") },
          .ready = 2, .total = 2, .status = "Running",
          .reason = "ContainersNotReady", .message = "containers with unready status: [a]" },
        { .name = "a sidecar that ended well is not ready, whatever it says",
          .spec = INIT_I_SIDECAR_S, .phase = "Succeeded",
          .init = { ENDED("i", "", 0, ""), ENDED("s", "'started':true,'ready':true,", 0, "Completed") },
          .main = { ENDED("a", "", 0, "Completed") },
          .total = 2, .status = "Completed", .message = "container a ended with exit code 0" },
        { .name = "restarted by a clock ahead of ours",
          .spec = A, .phase = "Running", .more = IS_READY,
          .main = { RUNS_READY("a", RESTARTS(1) LAST("2023-11-14T23:00:00Z", 1, "")) },
          .ready = 1, .total = 1, .status = "Running", .restarts = "1 (<invalid> ago)" },
};
/* clang-format on */

static void put_list(Buffer *b, const char *key, const char *const list[2]) {
        if (!list[0])
                return;
        assert_ok(buffer_printf(b, ",'%s':[%s%s%s]", key, list[0], list[1] ? "," : "", strempty(list[1])));
}

static KubeObject *make_pod(const Case *c) {
        _cleanup_(buffer_done) Buffer b = BUFFER_INIT(KIB(16));

        assert_ok(buffer_printf(
                &b, "{'metadata':{'name':'p','namespace':'n','uid':'u'%s},'spec':{%s},'status':{",
                c->deleting ? ",'deletionTimestamp':'2023-11-14T22:13:20Z'" : "", c->spec));
        if (c->phase) {
                assert_ok(buffer_printf(&b, "'phase':'%s'%s%s", c->phase, c->more ? "," : "",
                                        strempty(c->more)));
                put_list(&b, "initContainerStatuses", c->init);
                put_list(&b, "containerStatuses", c->main);
        }
        assert_ok(buffer_puts(&b, "}}"));
        return parse(KUBE_POD, buffer_cstr(&b));
}

static void test_pods(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                _cleanup_(kube_object_freep) KubeObject *o = make_pod(c);
                const char *reason = NULL, *message = NULL;
                PodColumns columns = POD_COLUMNS_NULL;

                assert_ok(pod_columns(KUBE_POD_OF(o), NOW, &columns));
                pod_blocking_reason(KUBE_POD_OF(o), &reason, &message);
                if (columns.ready != c->ready || columns.total != c->total ||
                    !streq(columns.status, c->status) || !streq(columns.restarts, c->restarts ?: "0") ||
                    !streq_ptr(reason, c->reason ?: c->status) || !streq_ptr(message, c->message))
                        fail_msg("%s: got %u/%u \"%s\" \"%s\", reason \"%s\", message \"%s\"", c->name,
                                 columns.ready, columns.total, columns.status, columns.restarts,
                                 strna(reason), strna(message));
                pod_columns_done(&columns);
        }
}

/* What is put together once stays where it is. */
static void test_reason_is_kept(void **state) {
        const Case c = { .spec = INIT_I_J,
                         .phase = "Pending",
                         .init = { WAITS("i", "", "ErrImagePull", "x") } };
        _cleanup_(kube_object_freep) KubeObject *o = make_pod(&c);
        const char *first, *second, *message;

        pod_blocking_reason(KUBE_POD_OF(o), &first, &message);
        pod_blocking_reason(KUBE_POD_OF(o), &second, &message);
        assert_ptr_equal(first, second);
}

static void test_long_last_words(void **state) {
        char words[LIMIT_MESSAGE + 100], status[2048];
        const Case c = { .spec = A, .phase = "Running", .main = { status } };
        _cleanup_(kube_object_freep) KubeObject *o = NULL;
        const char *reason, *message;

        /* The end of a log says what was wrong. */
        memset(words, 'x', sizeof(words) - 1);
        memcpy(words + sizeof(words) - 7, "fatal.", 7);
        snprintf(status, sizeof(status),
                 WAITS("a", LAST("2023-11-14T22:10:00Z", 1, "%s"), "CrashLoopBackOff", "back-off"), words);
        o = make_pod(&c);
        pod_blocking_reason(KUBE_POD_OF(o), &reason, &message);
        assert_true(strlen(message) <= LIMIT_MESSAGE);
        assert_non_null(startswith(message, "back-off; last exit: Error, exit code 1: xxx"));
        assert_non_null(endswith(message, "xfatal."));
}

#define NODE(spec, status) "{'metadata':{'name':'m','uid':'u'},'spec':{" spec "},'status':{" status "}}"
#define CORDONED "'unschedulable':true"

static void test_nodes(void **state) {
        static const struct {
                const char *node, *status;
        } nodes[] = {
                { NODE("", CONDITION("Ready", "True", "KubeletReady", "posting")), "Ready" },
                { NODE(CORDONED, CONDITION("Ready", "True", "KubeletReady", "x")),
                  "Ready,SchedulingDisabled" },
                { NODE("", CONDITION("Ready", "False", "KubeletNotReady", "no CNI")), "NotReady" },
                { NODE("", CONDITION("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting.")),
                  "NotReady" },
                { NODE(CORDONED, CONDITION("Ready", "False", "", "")), "NotReady,SchedulingDisabled" },
                { NODE("", ""), "Unknown" },
                { NODE(CORDONED, ""), "Unknown,SchedulingDisabled" },
        };

        for (size_t i = 0; i < ELEMENTSOF(nodes); i++) {
                _cleanup_(kube_object_freep) KubeObject *o = parse(KUBE_NODE, nodes[i].node);

                assert_string_equal(node_status_column(KUBE_NODE_OF(o)), nodes[i].status);
        }
}

static void test_durations(void **state) {
        enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, YEAR = 365 * DAY };
        static const struct {
                int64_t seconds;
                const char *text;
        } durations[] = {
                { 0, "0s" },
                { 119, "119s" },
                { 120, "2m" },
                { 121, "2m1s" },
                { 599, "9m59s" },
                { 600, "10m" },
                { 3 * HOUR - 1, "179m" },
                { 3 * HOUR, "3h" },
                { 3 * HOUR + MINUTE, "3h1m" },
                { 8 * HOUR - 1, "7h59m" },
                { 8 * HOUR, "8h" },
                { 48 * HOUR - 1, "47h" },
                { 48 * HOUR, "2d" },
                { 49 * HOUR, "2d1h" },
                { 8 * DAY - 1, "7d23h" },
                { 8 * DAY, "8d" },
                { 2 * YEAR - 1, "729d" },
                { 2 * YEAR, "2y" },
                { 2 * YEAR + DAY, "2y1d" },
                { 8LL * YEAR - 1, "7y364d" },
                { 8LL * YEAR, "8y" },
                { 50LL * YEAR + DAY, "50y" },
                { -1, "0s" },
                { -2, "<invalid>" },
                { -1000, "<invalid>" },
        };
        char buf[HUMAN_DURATION_MAX];

        for (size_t i = 0; i < ELEMENTSOF(durations); i++)
                assert_string_equal(
                        human_duration(buf, NOW, NOW + (usec_t) durations[i].seconds * USEC_PER_SEC),
                        durations[i].text);
        assert_string_equal(human_duration(buf, NOW, NOW - 1999 * USEC_PER_MSEC), "0s");
        assert_string_equal(human_duration(buf, 0, USEC_INFINITY), "584942y");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pods),
                cmocka_unit_test(test_reason_is_kept),
                cmocka_unit_test(test_long_last_words),
                cmocka_unit_test(test_nodes),
                cmocka_unit_test(test_durations),
        };
        return cmocka_run_group_tests_name("ready-columns", tests, NULL, NULL);
}
