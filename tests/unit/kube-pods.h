/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "base/buffer.h"

/* Pods as a MicroShift node has them, about 3 KiB each, made up by number. */
typedef struct PodSpec {
        unsigned number;
        unsigned long long resource_version;
        const char *namespace;
        const char *app;
        bool ready;
} PodSpec;

static inline void put_container_status(Buffer *b, const char *name, unsigned number, bool ready) {
        int r = buffer_printf(
                b,
                "{\"containerID\":\"cri-o://%064x\",\"image\":\"quay.io/openshift/origin-%s@sha256:%064x\",\"imageID\":"
                "\"quay.io/openshift/origin-%s@sha256:%064x\",\"lastState\":{},\"name\":\"%s\",\"ready\":%s,"
                "\"restartCount\":3,\"started\":true,\"state\":{\"running\":{\"startedAt\":\"2026-08-01T10:00:00Z\"}}}",
                number, name, 7u, name, 7u, name, ready ? "true" : "false");
        assert(r >= 0);
}

static inline void put_pod(Buffer *b, const PodSpec *p) {
        const char *ready = p->ready ? "True" : "False";
        int r = buffer_printf(
                b,
                "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"pod-%u\",\"generateName\":\"pod-\","
                "\"namespace\":\"%s\",\"uid\":\"%08x-1111-4222-8333-444444444444\",\"resourceVersion\":\"%llu\","
                "\"generation\":1,\"creationTimestamp\":\"2026-08-01T09:59:58Z\",\"labels\":{\"app\":\"%s\","
                "\"controller-revision-hash\":\"6f8d7c9b5\",\"pod-template-generation\":\"1\"},\"annotations\":{"
                "\"openshift.io/required-scc\":\"privileged\",\"note\":\"a \\\"quoted\\\" {brace} and a \\\\\"},"
                "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"DaemonSet\",\"name\":\"%s\",\"uid\":"
                "\"99999999-1111-4222-8333-444444444444\",\"controller\":true,\"blockOwnerDeletion\":true}],"
                "\"managedFields\":[{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\",\"apiVersion\":"
                "\"v1\",\"time\":\"2026-08-01T09:59:58Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{"
                "\"f:annotations\":{\".\":{},\"f:openshift.io/required-scc\":{}},\"f:generateName\":{},\"f:labels\":{"
                "\".\":{},\"f:app\":{},\"f:controller-revision-hash\":{},\"f:pod-template-generation\":{}},"
                "\"f:ownerReferences\":{\".\":{},\"k:{\\\"uid\\\":\\\"99999999-1111-4222-8333-444444444444\\\"}\":{}}},"
                "\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"main\\\"}\":{\".\":{},\"f:image\":{},"
                "\"f:imagePullPolicy\":{},\"f:name\":{},\"f:resources\":{},\"f:terminationMessagePath\":{}}}}}}]},"
                "\"spec\":{\"volumes\":[{\"name\":\"config\",\"configMap\":{\"name\":\"config\",\"defaultMode\":420}}],"
                "\"containers\":[{\"name\":\"main\",\"image\":\"quay.io/openshift/origin-main:4.20\",\"command\":[\"/bin/"
                "sh\",\"-c\",\"exec sleep infinity\"],\"resources\":{\"requests\":{\"cpu\":\"10m\",\"memory\":\"50Mi\"}},"
                "\"terminationMessagePath\":\"/dev/termination-log\",\"imagePullPolicy\":\"IfNotPresent\"},{\"name\":"
                "\"proxy\",\"image\":\"quay.io/openshift/origin-proxy:4.20\",\"imagePullPolicy\":\"Always\"}],"
                "\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,\"nodeName\":\"edge-1\","
                "\"tolerations\":[{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":"
                "\"NoExecute\"}]},\"status\":{\"phase\":\"Running\",\"observedGeneration\":1,\"conditions\":[{\"type\":"
                "\"PodReadyToStartContainers\",\"status\":\"True\",\"lastProbeTime\":null},{\"type\":\"Initialized\","
                "\"status\":\"True\",\"lastProbeTime\":null},{\"type\":\"Ready\",\"status\":\"%s\"},{\"type\":"
                "\"ContainersReady\",\"status\":\"%s\"},{\"type\":\"PodScheduled\",\"status\":\"True\"}],\"hostIP\":"
                "\"192.168.122.10\",\"podIP\":\"10.42.0.7\",\"startTime\":\"2026-08-01T09:59:58Z\",\"qosClass\":"
                "\"Burstable\",\"containerStatuses\":[",
                p->number, p->namespace ?: "default", p->number, p->resource_version, p->app ?: "app",
                p->app ?: "app", ready, ready);
        assert(r >= 0);
        put_container_status(b, "proxy", p->number, p->ready);
        r = buffer_puts(b, ",");
        put_container_status(b, "main", p->number, p->ready);
        r = r < 0 ? r : buffer_puts(b, "]}}");
        assert(r >= 0);
}
