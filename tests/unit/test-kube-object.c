/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <malloc.h>
#include <stdio.h>

#include "base/limits.h"
#include "kube/object.h"
#include "kube-pods.h"

static KubeObject *parse(KubeKind kind, const char *text) {
        _cleanup_(jv_freep) JsonValue *json = NULL;
        KubeObject *o = NULL;

        assert_ok(jv_parse(text, strlen(text), &json));
        assert_ok(kube_object_parse(kind, json, &o, NULL, 0));
        assert_non_null(o);
        assert_int_equal(o->kind, kind);
        return o;
}

static int parse_error(KubeKind kind, const char *text) {
        _cleanup_(jv_freep) JsonValue *json = NULL;
        KubeObject *o = NULL;
        int r;

        assert_ok(jv_parse(text, strlen(text), &json));
        r = kube_object_parse(kind, json, &o, NULL, 0);
        if (r >= 0)
                kube_object_free(o);
        return r;
}

#define METADATA "\"metadata\":{\"name\":\"n\",\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"5\"}"

static void test_pod(void **state) {
        Buffer b = BUFFER_INIT(KIB(64));
        KubeObject *o;
        KubePod *p;

        put_pod(&b, &(PodSpec){ .number = 3, .resource_version = 77, .app = "dns", .ready = true });
        o = parse(KUBE_POD, b.data);
        p = KUBE_POD_OF(o);

        assert_string_equal(o->namespace, "default");
        assert_string_equal(o->name, "pod-3");
        assert_string_equal(o->uid, "00000003-1111-4222-8333-444444444444");
        assert_string_equal(o->resource_version, "77");
        assert_int_equal(o->generation, 1);
        assert_int_equal(o->observed_generation, 1);
        assert_false(o->deleting);
        assert_string_equal(o->owner_kind, "DaemonSet");
        assert_string_equal(o->owner_name, "dns");
        assert_int_equal(strv_length(o->labels), 3);
        assert_string_equal(o->labels[0], "app=dns");
        assert_string_equal(kube_label(o, "pod-template-generation"), "1");
        assert_null(kube_label(o, "pod-template"));

        assert_string_equal(p->node, "edge-1");
        assert_string_equal(p->phase, "Running");
        assert_int_equal(p->qos, KUBE_QOS_BURSTABLE);
        assert_null(p->reason);
        assert_int_equal(p->n_conditions, 3); /* of five */
        assert_int_equal(kube_condition_find(p->conditions, p->n_conditions, "Ready")->status,
                         KUBE_STATUS_TRUE);
        assert_null(kube_condition_find(p->conditions, p->n_conditions, "Other"));

        /* In the order of the spec, although the status has them the other way round. */
        assert_int_equal(p->n_containers, 2);
        assert_string_equal(p->containers[0].name, "main");
        assert_string_equal(p->containers[1].name, "proxy");
        assert_int_equal(p->containers[0].role, KUBE_CONTAINER_MAIN);
        assert_int_equal(p->containers[0].state, KUBE_CONTAINER_RUNNING);
        assert_true(p->containers[0].ready);
        assert_int_equal(p->containers[0].restarts, 3);
        assert_int_equal(strlen(p->containers[0].id), strlen("cri-o://") + 64);
        assert_false(p->containers[0].pull_always);
        assert_true(p->containers[1].pull_always);
        kube_object_free(o);
        buffer_done(&b);
}

static void test_pod_containers(void **state) {
        KubeObject *o = parse(
                KUBE_POD,
                "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
                "\"annotations\":{\"kubernetes.io/config.hash\":\"abc\",\"kubernetes.io/config.mirror\":\"abc\"},"
                "\"ownerReferences\":[{\"kind\":\"Node\",\"name\":\"n\",\"controller\":true}]},"
                "\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"late\"}],"
                "\"initContainers\":[{\"name\":\"i\"},{\"name\":\"s\",\"restartPolicy\":\"Always\"}]},"
                "\"status\":{\"phase\":\"Pending\",\"reason\":\"Evicted\",\"message\":\"no room\",\"qosClass\":"
                "\"Guaranteed\",\"ephemeralContainerStatuses\":[{\"name\":\"debug\"}],"
                "\"initContainerStatuses\":[{\"name\":\"s\",\"ready\":true,\"started\":true,\"state\":{\"running\":{}}},"
                "{\"name\":\"i\",\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"}}}],"
                "\"containerStatuses\":[{\"name\":\"a\",\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":"
                "\"back-off 10s\"}},\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\",\"message\":"
                "\"m\",\"finishedAt\":\"1970-01-02T00:00:00Z\"}}},"
                "{\"name\":\"b\",\"state\":{\"terminated\":{\"exitCode\":1,\"signal\":9}}}]}}");
        KubePod *p = KUBE_POD_OF(o);
        KubeContainer *c = p->containers;

        assert_true(o->deleting);
        assert_string_equal(o->namespace, "");
        assert_string_equal(p->config_hash, "abc");
        assert_string_equal(kube_pod_host_uid(p), "abc");
        assert_string_equal(p->reason, "Evicted");
        assert_string_equal(p->message, "no room");
        assert_int_equal(p->qos, KUBE_QOS_GUARANTEED);
        assert_int_equal(p->n_containers, 5);

        assert_string_equal(c[0].name, "i");
        assert_int_equal(c[0].role, KUBE_CONTAINER_INIT);
        assert_int_equal(c[0].state, KUBE_CONTAINER_TERMINATED);
        assert_string_equal(c[0].reason, "Completed");
        assert_string_equal(c[1].name, "s");
        assert_int_equal(c[1].role, KUBE_CONTAINER_SIDECAR);
        assert_true(c[1].started);
        assert_null(c[1].id);
        assert_int_equal(c[2].state, KUBE_CONTAINER_WAITING);
        assert_string_equal(c[2].reason, "CrashLoopBackOff");
        assert_string_equal(c[2].message, "back-off 10s");
        assert_string_equal(c[2].last_reason, "OOMKilled");
        assert_int_equal(c[2].last_finished, 86400 * USEC_PER_SEC);
        assert_int_equal(c[3].exit_code, 1);
        assert_int_equal(c[3].signal, 9);
        assert_string_equal(c[4].name, "late");
        assert_int_equal(c[4].role, KUBE_CONTAINER_MAIN);
        assert_false(c[4].in_status);
        assert_int_equal(c[4].state, KUBE_CONTAINER_NONE);
        kube_object_free(o);
}

/* Anybody who may edit a pod can annotate it: only what the kubelet made of a file on its host has two uids. */
static void test_static_pods(void **state) {
#define HASH(s) "\"kubernetes.io/config.hash\":\"" s "\""
#define MIRROR(s) "\"kubernetes.io/config.mirror\":\"" s "\""
        static const struct {
                const char *annotations, *owner, *host_uid;
        } rows[] = {
                { HASH("abc") "," MIRROR("abc"), "Node", "abc" },
                { HASH("abc"), "Node", "u" },
                { HASH("abc"), "DaemonSet", "u" },
                { HASH("abc") "," MIRROR("def"), "Node", "u" },
                { HASH("abc") "," MIRROR("abc"), "DaemonSet", "u" },
                { MIRROR("abc"), "Node", "u" },
                { "\"kubernetes.io/config.hash\":7," MIRROR("abc"), "Node", "u" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[512];
                KubeObject *o;

                snprintf(text, sizeof(text),
                         "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"annotations\":{%s},"
                         "\"ownerReferences\":[{\"kind\":\"%s\",\"name\":\"n\",\"controller\":true}]}}",
                         rows[i].annotations, rows[i].owner);
                o = parse(KUBE_POD, text);
                assert_string_equal(kube_pod_host_uid(KUBE_POD_OF(o)), rows[i].host_uid);
                kube_object_free(o);
        }
}

static void test_node(void **state) {
#define NODE(heartbeat)                                                                                                        \
        "{\"metadata\":{\"name\":\"edge-1\",\"uid\":\"u\"},\"spec\":{\"unschedulable\":true,\"taints\":["                      \
        "{\"key\":\"node.kubernetes.io/not-ready\",\"effect\":\"NoExecute\"},{\"key\":\"a\",\"effect\":\"PreferNoSchedule\"}," \
        "{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"}]},\"status\":{\"nodeInfo\":{"                               \
        "\"bootID\":\"b\",\"machineID\":\"m\",\"kubeletVersion\":\"v1.33.0\"},\"addresses\":[{\"type\":\"Hostname\","          \
        "\"address\":\"edge\"},{\"type\":\"InternalIP\",\"address\":\"192.168.110.252\"}],"                                    \
        "\"conditions\":[{\"type\":\"Ready\","                                                                                 \
        "\"status\":\"Unknown\",\"reason\":\"NodeStatusUnknown\",\"message\":\"silent\",\"lastHeartbeatTime\":\"" heartbeat    \
        "\"}]}}"
        KubeObject *a = parse(KUBE_NODE, NODE("2026-08-01T10:00:00Z")),
                   *b = parse(KUBE_NODE, NODE("2026-08-01T10:00:00Z"));
        KubeObject *c = parse(KUBE_NODE, NODE("2026-08-01T10:05:00Z"));
        KubeNode *n = KUBE_NODE_OF(a);

        assert_string_equal(n->boot_id, "b");
        assert_string_equal(n->machine_id, "m");
        assert_string_equal(n->address, "192.168.110.252");
        assert_true(n->unschedulable);
        assert_int_equal(n->n_taints, 2); /* of three */
        assert_string_equal(n->taints[0].key, "node.kubernetes.io/not-ready");
        assert_null(n->taints[0].value);
        assert_true(n->taints[0].evicts);
        assert_string_equal(n->taints[1].value, "v");
        assert_false(n->taints[1].evicts);
        assert_int_equal(n->conditions[0].status, KUBE_STATUS_UNKNOWN);
        assert_string_equal(n->conditions[0].reason, "NodeStatusUnknown");
        assert_string_equal(n->heartbeat, KUBE_NODE_OF(b)->heartbeat);
        assert_string_equal(KUBE_NODE_OF(c)->heartbeat, "2026-08-01T10:05:00Z");
        kube_object_free(a);
        kube_object_free(b);
        kube_object_free(c);
}

static void test_workload(void **state) {
        KubeObject *o = parse(
                KUBE_DAEMONSET,
                "{" METADATA
                ",\"spec\":{\"replicas\":7,\"template\":{\"spec\":{\"nodeSelector\":{\"z\":\"\",\"a\":\"1\"},"
                "\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{"
                "\"nodeSelectorTerms\":[{},{\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\",\"values\":["
                "\"edge-1\"]}],\"matchExpressions\":[{\"key\":\"x\",\"operator\":\"Exists\"}]}]}}}}}}}");
        KubeWorkload *w = KUBE_WORKLOAD_OF(o);

        assert_int_equal(w->replicas, -1);
        assert_string_equal(w->node_selector[0], "a=1");
        assert_string_equal(w->node_selector[1], "z=");
        assert_null(w->node_selector[2]);
        assert_true(w->has_affinity);
        assert_int_equal(w->n_requirements, 2);
        assert_int_equal(w->requirements[0].term, 1);
        assert_false(w->requirements[0].field);
        assert_string_equal(w->requirements[0].operator, "Exists");
        assert_null(w->requirements[0].values);
        assert_true(w->requirements[1].field);
        assert_string_equal(w->requirements[1].values[0], "edge-1");
        kube_object_free(o);

        o = parse(KUBE_DEPLOYMENT, "{" METADATA ",\"spec\":{\"replicas\":0}}");
        assert_int_equal(KUBE_WORKLOAD_OF(o)->replicas, 0);
        assert_null(KUBE_WORKLOAD_OF(o)->revision);
        assert_false(KUBE_WORKLOAD_OF(o)->has_affinity);
        kube_object_free(o);
        o = parse(KUBE_STATEFULSET, "{" METADATA ",\"spec\":{}}");
        assert_int_equal(KUBE_WORKLOAD_OF(o)->replicas, 1);
        kube_object_free(o);
}

static void assert_revision(KubeKind kind, const char *text, const char *expected) {
        KubeObject *o = parse(kind, text);

        if (!streq_ptr(KUBE_WORKLOAD_OF(o)->revision, expected))
                fail_msg("%s: %s", text, strna(KUBE_WORKLOAD_OF(o)->revision));
        kube_object_free(o);
}

#define ANNOTATED                                                                                                   \
        "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"annotations\":{\"deployment.kubernetes.io/revision\":\"4\"," \
        "\"deprecated.daemonset.template.generation\":\"2\"}}"

/* Each kind has it elsewhere. One that the spec holds back counts as not told. */
static void test_revision(void **state) {
        static const char toleration[] =
                "{" METADATA ",\"spec\":{\"template\":{\"spec\":{\"tolerations\":[{\"operator\":\"Exists\"},"
                "{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoExecute\"}]}}},\"status\":{\"replicas\":3,"
                "\"desiredNumberScheduled\":1,\"updatedNumberScheduled\":1}}";
        KubeObject *o = parse(KUBE_DAEMONSET, toleration);
        KubeWorkload *w = KUBE_WORKLOAD_OF(o);

        assert_int_equal(w->n_tolerations, 2);
        assert_null(w->tolerations[0].key);
        assert_string_equal(w->tolerations[0].operator, "Exists");
        assert_string_equal(w->tolerations[1].value, "v");
        assert_string_equal(w->tolerations[1].effect, "NoExecute");
        assert_true(w->is_rolled_out);
        assert_int_equal(w->pods_counted, 0);
        kube_object_free(o);
        o = parse(KUBE_DEPLOYMENT, toleration);
        assert_int_equal(KUBE_WORKLOAD_OF(o)->n_tolerations, 0);
        assert_int_equal(KUBE_WORKLOAD_OF(o)->pods_counted, 3);
        assert_false(KUBE_WORKLOAD_OF(o)->is_rolled_out);
        kube_object_free(o);

        assert_revision(KUBE_DAEMONSET, ANNOTATED "}", "2");
        assert_revision(KUBE_DEPLOYMENT, ANNOTATED "}", "4");
        assert_revision(KUBE_REPLICASET, ANNOTATED "}", "4");
        assert_revision(KUBE_STATEFULSET, ANNOTATED "}", NULL);
        assert_revision(KUBE_STATEFULSET, "{" METADATA ",\"status\":{\"updateRevision\":\"n-6b\"}}", "n-6b");
        assert_revision(KUBE_DEPLOYMENT, ANNOTATED ",\"spec\":{\"paused\":true}}", NULL);
        assert_revision(KUBE_DAEMONSET, ANNOTATED ",\"spec\":{\"updateStrategy\":{\"type\":\"OnDelete\"}}}",
                        NULL);
}

static void test_event(void **state) {
        KubeObject *o = parse(
                KUBE_EVENT,
                "{" METADATA
                ",\"involvedObject\":{\"kind\":\"Pod\",\"namespace\":\"ns\",\"name\":\"p\",\"uid\":"
                "\"pu\",\"fieldPath\":\"spec.containers{main}\"},\"reason\":\"Pulling\",\"message\":\"Pulling "
                "image\",\"type\":\"Normal\",\"count\":4,\"firstTimestamp\":\"1970-01-01T00:00:10Z\","
                "\"lastTimestamp\":\"1970-01-01T00:00:20Z\"}");
        KubeEvent *e = KUBE_EVENT_OF(o);

        assert_string_equal(e->regarding_uid, "pu");
        assert_string_equal(e->container, "main");
        assert_string_equal(e->reason, "Pulling");
        assert_int_equal(e->first_seen, 10 * USEC_PER_SEC);
        assert_int_equal(e->last_seen, 20 * USEC_PER_SEC);
        kube_object_free(o);

        o = parse(KUBE_EVENT,
                  "{" METADATA ",\"regarding\":{\"kind\":\"Node\",\"name\":\"edge-1\",\"fieldPath\":\"x{\"},"
                  "\"note\":\"hello\",\"eventTime\":\"1970-01-01T00:00:05.500000Z\",\"series\":{\"count\":9,"
                  "\"lastObservedTime\":\"1970-01-01T00:00:06.250000Z\"}}");
        e = KUBE_EVENT_OF(o);
        assert_string_equal(e->message, "hello");
        assert_null(e->container);
        assert_int_equal(e->first_seen, 5500000);
        assert_int_equal(e->last_seen, 6250000);
        kube_object_free(o);
}

static void test_lease_and_generic(void **state) {
        KubeObject *o =
                parse(KUBE_LEASE, "{" METADATA ",\"spec\":{\"renewTime\":\"2026-08-01T10:00:00.000000Z\"}}");
        KubeGeneric *g;

        assert_string_equal(KUBE_LEASE_OF(o)->renew_time, "2026-08-01T10:00:00.000000Z");
        kube_object_free(o);

        o = parse(
                KUBE_GENERIC,
                "{" METADATA ",\"status\":{\"phase\":\"Succeeded\",\"reason\":\"InstallSucceeded\","
                "\"health\":{\"status\":\"Healthy\"},\"sync\":{\"status\":\"Synced\"},\"conditions\":["
                "{\"phase\":\"Pending\"},{\"type\":\"Synced\",\"status\":\"False\"},{\"type\":\"Odd\",\"status\":"
                "\"Maybe\"}]}}");
        g = KUBE_GENERIC_OF(o);
        assert_int_equal(g->n_conditions, 4);
        assert_int_equal(kube_condition_find(g->conditions, 4, "Succeeded")->status, KUBE_STATUS_TRUE);
        assert_string_equal(kube_condition_find(g->conditions, 4, "Succeeded")->reason, "InstallSucceeded");
        assert_int_equal(kube_condition_find(g->conditions, 4, "Healthy")->status, KUBE_STATUS_TRUE);
        /* A real condition goes before what is made up. */
        assert_int_equal(kube_condition_find(g->conditions, 4, "Synced")->status, KUBE_STATUS_FALSE);
        assert_null(kube_condition_find(g->conditions, 4, "SYNCED"));
        assert_int_equal(kube_condition_find_any_case(g->conditions, 4, "SYNCED")->status,
                         KUBE_STATUS_FALSE);
        assert_int_equal(kube_condition_find(g->conditions, 4, "Odd")->status, KUBE_STATUS_UNKNOWN);
        kube_object_free(o);
}

/* The condition that is written exactly so goes before one in another case, a real one before what is made up. */
static void test_case_of_conditions(void **state) {
        KubeObject *o = parse(KUBE_GENERIC, "{" METADATA ",\"status\":{\"phase\":\"Bound\",\"conditions\":["
                                            "{\"type\":\"READY\",\"status\":\"False\"},"
                                            "{\"type\":\"Ready\",\"status\":\"true\"},"
                                            "{\"type\":\"bound\",\"status\":\"False\"}]}}");
        const KubeGeneric *g = KUBE_GENERIC_OF(o);

        assert_int_equal(g->n_conditions, 3);
        assert_int_equal(kube_condition_find_any_case(g->conditions, 3, "Ready")->status, KUBE_STATUS_TRUE);
        assert_int_equal(kube_condition_find_any_case(g->conditions, 3, "ready")->status, KUBE_STATUS_FALSE);
        assert_int_equal(kube_condition_find_any_case(g->conditions, 3, "Bound")->status, KUBE_STATUS_FALSE);
        assert_null(kube_condition_find_any_case(g->conditions, 3, "Read"));
        kube_object_free(o);
}

static uint64_t hash_of(const char *text) {
        KubeObject *o = parse(KUBE_GENERIC, text);
        uint64_t hash = KUBE_GENERIC_OF(o)->status_hash;

        kube_object_free(o);
        return hash;
}

/* It changes with all that is written into the status, and with nothing else. */
static void test_status_hash(void **state) {
        uint64_t hash = hash_of("{" METADATA ",\"status\":{\"a\":[{\"b\":1}]}}");

        assert_true(hash != 0);
        assert_true(hash == hash_of("{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"labels\":{\"l\":\"m\"}},"
                                    "\"spec\":7,\"status\":{\"a\":[{\"b\":1}]}}"));
        assert_true(hash != hash_of("{" METADATA ",\"status\":{\"a\":[{\"b\":2}]}}"));
        assert_true(hash_of("{" METADATA "}") == 0);
}

static void test_kept_field(void **state) {
        static const char text[] = "{" METADATA ",\"status\":{\"phase\":\"Bound\"}}";
        _cleanup_(jv_freep) JsonValue *json = NULL;
        KubeObject *o = parse(KUBE_GENERIC, text);

        assert_false(KUBE_GENERIC_OF(o)->has_field);
        assert_ok(jv_parse(text, sizeof(text) - 1, &json));
        assert_ok(kube_object_keep_field(o, json, "status.phase"));
        assert_true(KUBE_GENERIC_OF(o)->has_field);
        assert_string_equal(KUBE_GENERIC_OF(o)->field, "Bound");
        kube_object_free(o);
}

/* Members of the wrong type count as absent, whatever they are. */
static void test_wrong_types(void **state) {
        static const char *const wrong[] = { "null",
                                             "true",
                                             "7",
                                             "1e300",
                                             "\"x\"",
                                             "[]",
                                             "{}",
                                             "[1,null,\"\"]",
                                             "{\"name\":[],\"state\":3,\"type\":{}}",
                                             "[{\"name\":1,\"type\":2}]" };
        static const char *const forms[] = {
                "{" METADATA ",\"spec\":%s,\"status\":%s}",
                "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"labels\":%s,\"ownerReferences\":%s}}",
                "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"generation\":%s,\"deletionTimestamp\":%s}}",
                "{" METADATA ",\"spec\":{\"containers\":%s,\"initContainers\":%s}}",
                "{" METADATA ",\"spec\":{\"containers\":[{\"name\":\"x\"}],\"replicas\":%s},\"status\":{"
                "\"containerStatuses\":%s}}",
                "{" METADATA ",\"status\":{\"conditions\":%s,\"nodeInfo\":%s}}",
                "{" METADATA ",\"status\":{\"phase\":%s,\"health\":%s}}",
                "{" METADATA ",\"involvedObject\":%s,\"series\":%s}",
                "{" METADATA
                ",\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":%s,\"affinity\":{\"nodeAffinity\":{"
                "\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":%s}}}}}}}",
                "{" METADATA ",\"spec\":{\"taints\":%s,\"template\":{\"spec\":{\"tolerations\":%s}}}}",
                "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"annotations\":%s},\"spec\":{\"updateStrategy\":%s}}",
                "{" METADATA ",\"spec\":{\"template\":{\"spec\":{\"affinity\":{\"nodeAffinity\":{"
                "\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{\"matchFields\":%s,"
                "\"matchExpressions\":%s}]}}}}}}}",
        };

        for (size_t f = 0; f < ELEMENTSOF(forms); f++)
                for (size_t i = 0; i < ELEMENTSOF(wrong) * ELEMENTSOF(wrong); i++)
                        for (KubeKind kind = 0; kind < _KUBE_KIND_MAX; kind++) {
                                char text[2048];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                                snprintf(text, sizeof(text), forms[f], wrong[i % ELEMENTSOF(wrong)],
                                         wrong[i / ELEMENTSOF(wrong)]);
#pragma GCC diagnostic pop
                                kube_object_free(parse(kind, text));
                        }
}

static void test_errors(void **state) {
        char text[1024], name[300];

        assert_error(parse_error(KUBE_POD, "[]"), EBADMSG);
        assert_error(parse_error(KUBE_POD, "{}"), EBADMSG);
        assert_error(parse_error(KUBE_POD, "{\"metadata\":{\"name\":\"n\"}}"), EBADMSG);
        assert_error(parse_error(KUBE_POD, "{\"metadata\":{\"uid\":\"u\"}}"), EBADMSG);
        assert_error(parse_error(KUBE_POD, "{\"metadata\":{\"name\":7,\"uid\":\"u\"}}"), EBADMSG);
        assert_error(parse_error(KUBE_POD, "{\"metadata\":{\"name\":\"\",\"uid\":\"u\"}}"), EBADMSG);

        memset(name, 'x', sizeof(name));
        snprintf(text, sizeof(text), "{\"metadata\":{\"name\":\"%.253s\",\"uid\":\"u\"}}", name);
        assert_ok(parse_error(KUBE_POD, text));
        snprintf(text, sizeof(text), "{\"metadata\":{\"name\":\"%.254s\",\"uid\":\"u\"}}", name);
        assert_error(parse_error(KUBE_POD, text), E2BIG);
}

/* One more than the ceiling of each array is an error. */
static void test_ceilings(void **state) {
        static const struct {
                KubeKind kind;
                const char *before, *element, *after;
        } rows[] = {
                { KUBE_POD, "{" METADATA ",\"spec\":{\"containers\":[", "{\"name\":\"%u\"}", "]}}" },
                { KUBE_POD, "{" METADATA ",\"status\":{\"conditions\":[",
                  "{\"type\":\"Ready\",\"reason\":\"%u\"}", "]}}" },
                { KUBE_GENERIC, "{" METADATA ",\"status\":{\"conditions\":[", "{\"type\":\"%u\"}", "]}}" },
                { KUBE_POD, "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"labels\":{\"first\":\"\"",
                  ",\"l%u\":\"\"", "}}}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                for (unsigned n = LIMIT_MEMBERS - 2; n <= LIMIT_MEMBERS + 1; n++) {
                        Buffer b = BUFFER_INIT(MIB(1));
                        /* Labels are one more than counted here. */
                        unsigned fits = rows[i].element[0] == ',' ? LIMIT_MEMBERS - 1 : LIMIT_MEMBERS;

                        assert_ok(buffer_puts(&b, rows[i].before));
                        for (unsigned k = 0; k < n; k++) {
                                if (k > 0 && rows[i].element[0] != ',')
                                        assert_ok(buffer_puts(&b, ","));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                                assert_ok(buffer_printf(&b, rows[i].element, k));
#pragma GCC diagnostic pop
                        }
                        assert_ok(buffer_puts(&b, rows[i].after));
                        assert_int_equal(parse_error(rows[i].kind, b.data), n > fits ? -E2BIG : 0);
                        buffer_done(&b);
                }
}

static void test_message_cut(void **state) {
        Buffer b = BUFFER_INIT(KIB(64));
        KubeObject *o;

        assert_ok(buffer_puts(&b, "{" METADATA ",\"status\":{\"message\":\"x"));
        for (unsigned i = 0; i < LIMIT_MESSAGE; i++)
                assert_ok(buffer_puts(&b, "\xc3\xa9"));
        assert_ok(buffer_puts(&b, "\"}}"));
        o = parse(KUBE_POD, b.data);
        /* 511 = 1 + 255 * 2; the 256th character would be cut in two. */
        assert_int_equal(strlen(KUBE_POD_OF(o)->message), LIMIT_MESSAGE - 1);
        kube_object_free(o);
        buffer_done(&b);
}

static void test_timestamps(void **state) {
        static const struct {
                const char *text;
                usec_t expected;
        } rows[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "1970-01-01T00:00:01Z", USEC_PER_SEC },
                { "2000-02-29T12:34:56Z", 951827696 * USEC_PER_SEC },
                { "2026-08-01T10:00:00.123456Z", 1785578400 * USEC_PER_SEC + 123456 },
                { "2026-08-01T10:00:00.1Z", 1785578400 * USEC_PER_SEC + 100000 },
                { "2026-08-01T10:00:00.123456789Z", 1785578400 * USEC_PER_SEC + 123456 },
                { "2026-08-01T12:00:00+02:00", 1785578400 * USEC_PER_SEC },
                { "2026-08-01T03:30:00-06:30", 1785578400 * USEC_PER_SEC },
                { "1999-12-31T23:59:60Z", 946684800 * USEC_PER_SEC },
                { "9999-12-31T23:59:59Z", 253402300799 * USEC_PER_SEC },
                { "1969-12-31T23:59:59Z", 0 },
                { "0001-01-01T00:00:00Z", 0 },
                { "2100-02-29T00:00:00Z", 0 },
                { "2026-13-01T00:00:00Z", 0 },
                { "2026-00-01T00:00:00Z", 0 },
                { "2026-01-32T00:00:00Z", 0 },
                { "2026-01-01T24:00:00Z", 0 },
                { "2026-01-01T00:00:00", 0 },
                { "2026-01-01T00:00:00.Z", 0 },
                { "2026-01-01T00:00:00Zx", 0 },
                { "2026-01-01", 0 },
                { "", 0 },
                { NULL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(kube_timestamp(rows[i].text), rows[i].expected);
}

static void test_names(void **state) {
        for (KubeKind kind = 0; kind < _KUBE_KIND_MAX; kind++)
                assert_int_equal(kube_kind_from_string(kube_kind_to_string(kind)), kind);
        assert_int_equal(kube_kind_from_string("pod"), _KUBE_KIND_INVALID);
        assert_null(kube_kind_to_string(_KUBE_KIND_MAX));
        assert_int_equal(kube_status_from_string("True"), KUBE_STATUS_TRUE);
        assert_int_equal(kube_status_from_string("true"), KUBE_STATUS_TRUE);
        assert_int_equal(kube_status_from_string("yes"), (KubeStatus) -EINVAL);
        assert_int_equal(kube_status_from_string(""), (KubeStatus) -EINVAL);
}

/* One block per object, of a few hundred bytes. */
static void test_memory(void **state) {
        Buffer b = BUFFER_INIT(KIB(64));
        KubeObject *o;

        put_pod(&b, &(PodSpec){ .number = 3, .resource_version = 77, .app = "dns", .ready = true });
        o = parse(KUBE_POD, b.data);
        print_message("# a pod of %zu bytes of JSON with 2 containers is kept in %zu bytes\n", b.size,
                      malloc_usable_size(o));
        assert_true(malloc_usable_size(o) <= 1200);
        kube_object_free(o);
        buffer_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pod),         cmocka_unit_test(test_pod_containers),
                cmocka_unit_test(test_static_pods), cmocka_unit_test(test_node),
                cmocka_unit_test(test_workload),    cmocka_unit_test(test_revision),
                cmocka_unit_test(test_event),       cmocka_unit_test(test_lease_and_generic),
                cmocka_unit_test(test_wrong_types), cmocka_unit_test(test_errors),
                cmocka_unit_test(test_ceilings),    cmocka_unit_test(test_message_cut),
                cmocka_unit_test(test_timestamps),  cmocka_unit_test(test_names),
                cmocka_unit_test(test_memory),      cmocka_unit_test(test_case_of_conditions),
                cmocka_unit_test(test_status_hash), cmocka_unit_test(test_kept_field),
        };
        return cmocka_run_group_tests_name("kube-object", tests, NULL, NULL);
}
