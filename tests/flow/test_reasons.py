# SPDX-License-Identifier: Apache-2.0
"""Why not: the objects and events of a cluster in trouble, and what msready tells users about them."""

import itertools
import re
import time

import pytest

from harness import fakekubelet, guide, process

REQUIRED = ("api", "node", "ovn", "dns")
DNS = "dns-default-28m2q"
NUMBERS = itertools.count(1)


def put_event(edge, name, reason, message, container=None, kind="Warning", ago=0, first_ago=None, number=None):
    """An event as the kubelet or the scheduler writes it, about a pod of the guide. Returns its name."""
    pod = edge.kubelet.find(name)["metadata"]
    event = f"{pod['name']}.{number or next(NUMBERS):x}"
    involved = {"kind": "Pod", "namespace": pod["namespace"], "name": pod["name"], "uid": pod["uid"]}
    if container:
        involved["fieldPath"] = f"spec.containers{{{container}}}"
    edge.server.put(
        {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": event, "namespace": pod["namespace"]},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": fakekubelet.now(ago if first_ago is None else first_ago),
            "lastTimestamp": fakekubelet.now(ago),
        }
    )
    return event


def blocker(edge, gate="dns"):
    blockers = edge.daemon.gate(gate)["blockers"]
    return blockers[0] if blockers else {}


def expect(edge, reason, message="", hint="", gate="dns", timeout=15):
    """The first blocker of the gate says so."""

    def says():
        told = blocker(edge, gate)
        return (
            told.get("reason") == reason
            and re.search(message, told.get("message", ""))
            and (hint in told.get("hint", "") if hint is not None else "hint" not in told)
            and told
        )

    try:
        return process.eventually(says, timeout, 0.02)
    except AssertionError:
        raise AssertionError(f"{blocker(edge, gate)} is not {reason}: {message} ({hint})") from None


@pytest.fixture
def booting(edge):
    """A boot whose pods are not there yet."""
    edge.kubelet.new_boot_node()
    for name in ("ovnkube-master", "ovnkube-node", "dns-default"):
        edge.kubelet.pod_waiting(name)
    edge.start()
    edge.daemon.expect_gate("api", "ready")
    edge.expect_reason("ContainerCreating", "dns")
    return edge


def test_cause_of_the_verdict(ready_edge):
    """A dead container loses a gate while the API is away. That is what the journal and systemd are told, though
    other gates come first and are in doubt; and it counts since the container died."""
    daemon = ready_edge.daemon
    time.sleep(3)
    ready_edge.server.close_port()
    ready_edge.server.end_streams("reset")
    ready_edge.expect_reason("ApiUnreachable", "api")
    since = time.clock_gettime(time.CLOCK_BOOTTIME)
    ready_edge.kubelet.container_dies("dns-default")
    daemon.expect_verdict("lost")
    told = blocker(ready_edge)
    assert told["reason"] == "Unproven" and 0 <= told["sinceBoottimeUSec"] / 1e6 - since < 2, told
    daemon.expect_log(r"The cluster changed from ready to lost: Unproven Pod openshift-dns/dns-default-")
    daemon.expect_status(r"^lost.*; dns: Unproven Pod openshift-dns/dns-default-")
    text = daemon.client("status").stdout
    assert re.findall(r"^(\w+) (?:←|<-) ", text, re.M)[0] == "dns", text


def test_pull_in_progress(booting):
    """An hour of a first boot: the status says nothing, the event everything."""
    pulling = 'Pulling image "quay.io/openshift/dns@sha256:abc"'
    put_event(booting, "dns-default", "Pulling", pulling, "dns", "Normal", 90)
    told = expect(booting, "ContainerCreating", "^pulling quay.io/openshift/dns@sha256:abc$", None)
    now = booting.daemon.describe()["verdict"]["nowBoottimeUSec"]
    assert 80e6 < now - told["sinceBoottimeUSec"] < 120e6
    assert "pulling quay.io/openshift/dns" in booting.daemon.client("status").stdout

    done = 'Successfully pulled image "quay.io/openshift/dns@sha256:abc" in 1m30s (1m30s including waiting)'
    put_event(booting, "dns-default", "Pulled", done, "dns", "Normal")
    process.eventually(lambda: "message" not in blocker(booting))
    booting.up()
    booting.expect_ready()
    assert booting.daemon.call("GetTimeline")["boots"][-1]["pulledImages"] is True


@pytest.mark.parametrize("kubelet_tells", [False, True], ids=["before-1.30", "since"])
def test_pull_refused(booting, kubelet_tells):
    """The registry's own words, whether the status has them or only the event."""
    words = "reading manifest 4.15 in quay.io/x: unauthorized: access to the requested resource is not authorized"
    image = 'Back-off pulling image "quay.io/x:4.15"'
    put_event(booting, "dns-default", "Pulling", 'Pulling image "quay.io/x:4.15"', "dns", "Normal")
    failed = f'Failed to pull image "quay.io/x:4.15": {words}'
    put_event(booting, "dns-default", "Failed", failed, "dns")
    put_event(booting, "dns-default", "Failed", "Error: ErrImagePull", "dns")
    put_event(booting, "dns-default", "BackOff", image, "dns", "Normal")
    message = f"{image}: ErrImagePull: {words}" if kubelet_tells else image
    booting.kubelet.pod_waiting("dns-default", "ImagePullBackOff", message)
    expect(booting, "ImagePullBackOff", re.escape(words), "/etc/crio/openshift-pull-secret")


REGISTRY = 'pinging container registry quay.io: Get "https://quay.io/v2/": '
NO_CNI = "NetworkReady=false reason:NetworkPluginNotReady message:no CNI configuration file in /etc/cni/net.d/"
NO_SECRET = 'MountVolume.SetUp failed for volume "metrics-tls" : secret "dns-default-metrics-tls" not found'
NO_LOGIN = "unable to retrieve auth token: invalid username/password: unauthorized: Please login"
# Reason and message of the status (of an event, where it says "event"), and a part of the hint.
POD_CASES = (
    ("event", "FailedCreatePodSandBox", NO_LOGIN, "/etc/crio/openshift-pull-secret"),
    ("event", "NetworkNotReady", "network is not ready: " + NO_CNI, "for which ovnkube-master writes"),
    ("event", "FailedCreatePodSandBox", "ovs-vsctl: no port named br-ex", "openvswitch.service"),
    ("event", "FailedMount", NO_SECRET, "see the gate service-ca"),
    ("status", "ErrImagePull", REGISTRY + "dial tcp: lookup quay.io: no such host", "/etc/resolv.conf"),
    ("status", "ErrImagePull", REGISTRY + "dial tcp 1.2.3.4:443: i/o timeout", "cannot reach the registry"),
    ("status", "InvalidImageName", "couldn't parse image name", "correct its name"),
    ("status", "CrashLoopBackOff", "back-off 40s restarting failed container=dns", "oc logs --previous"),
    ("status", "CreateContainerError", "container create failed: permission denied", "securityContext"),
    ("status", "SomethingNew", "in words that nobody has heard", None),
)


def test_pods(booting):
    """Each in turn: what the status and the event say, verbatim, and what to do about it."""
    for where, reason, message, hint in POD_CASES:
        if where == "event":
            booting.kubelet.pod_waiting("dns-default")
            put_event(booting, "dns-default", reason, message)
            expect(booting, "ContainerCreating", f"^{re.escape(message)}$", hint)
        else:
            booting.kubelet.pod_waiting("dns-default", reason, message)
            expect(booting, reason, f"^{re.escape(message)}$", hint)
        # What was wrong is over: the containers start, and then stop again.
        for container in ("dns", "kube-rbac-proxy"):
            put_event(booting, "dns-default", "Started", f"Started container {container}", container, "Normal")


def ended(edge, pod, code, reason, message, waiting=None):
    """The first container of a pod ended so, and waits to be started again."""
    status = edge.server.store.get("pods", *edge.kubelet.path(edge.kubelet.find(pod)).split("/")[4:7:2])["status"]
    first, *others = status["containerStatuses"]
    end = {"exitCode": code, "reason": reason, "message": message, "finishedAt": fakekubelet.now(30)}
    state = {"waiting": waiting} if waiting else {"terminated": end}
    changed = dict(first, state=state, lastState={"terminated": end}, restartCount=5, ready=False)
    path = edge.kubelet.path(edge.kubelet.find(pod))
    edge.server.rest.patch_status(path, {"containerStatuses": [changed, *others]})


def test_last_words(booting):
    """A crash loop is reported with the container's last words, and the hint is about them."""
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 1m20s restarting failed container=dns"}
    cases = (
        (1, "Error", "[FATAL] plugin/loop: Loop (127.0.0.1:55953 -> :1053) detected for zone", "/etc/resolv.conf"),
        (1, "Error", "failed to create fsnotify watcher: too many open files", "fs.inotify.max_user_instances"),
        (1, "Error", "lookup x on 10.43.0.10:53: read udp 10.42.0.7:40312: i/o timeout", "firewall-cmd"),
        (1, "Error", "x509: certificate has expired or is not yet valid: current time 1970-01-01", "chronyc"),
        (137, "OOMKilled", "", "memory limit"),
    )
    for code, reason, words, hint in cases:
        ended(booting, "dns-default", code, reason, words, waiting)
        told = expect(booting, "CrashLoopBackOff", f"last exit: {reason}, exit code {code}", hint)
        assert told["message"].startswith(waiting["message"]) and words in told["message"]
    ended(booting, "dns-default", 137, "OOMKilled", "")
    expect(booting, "OOMKilled", "exit code 137", "raise the container's memory limit")


def test_probe(booting):
    booting.kubelet.pod_started("dns-default")
    words = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    put_event(booting, "dns-default", "Unhealthy", words, "dns")
    expect(booting, "ContainersNotReady", f"^containers with unready status: .*; {words}$", "Its probe fails")


def test_init_container(booting):
    pod = booting.kubelet.find("argocd-repo-server")
    refused = {"reason": "ErrImagePull", "message": "manifest unknown"}
    status = {"name": "copyutil", "ready": False, "restartCount": 0, "state": {"waiting": refused}}
    booting.server.rest.patch_status(
        booting.kubelet.path(pod), {"phase": "Pending", "initContainerStatuses": [status]}
    )
    gate = "[Gate]\nRequired=yes\n[Pods]\nNamespace=openshift-gitops\nName=argocd-repo-server-*\n"
    booting.daemon.close()
    booting.start(gates={"argo": gate})
    expect(booting, "Init:ErrImagePull", "manifest unknown", "skopeo inspect", "argo")


def test_pull_always_without_a_network(booting):
    """The guide's Argo CD: the image is on the host, and is asked for all the same."""
    pod = booting.kubelet.find("argocd-application-controller")
    made = booting.server.store.get("pods", "openshift-gitops", pod["metadata"]["name"])
    made["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    booting.server.put(made)
    words = 'pinging container registry quay.io: Get "https://quay.io/v2/": dial tcp: i/o timeout'
    booting.kubelet.pod_waiting("argocd-application-controller", "ErrImagePull", words)
    booting.daemon.close()
    gate = "[Gate]\nRequired=yes\n[Workload]\nKind=StatefulSet\nNamespace=openshift-gitops\n"
    booting.start(gates={"argo": gate + "Name=argocd-application-controller\n"})
    expect(booting, "ErrImagePull", "i/o timeout", "imagePullPolicy is Always", "argo")


def test_not_scheduled(edge):
    """A pod without a node is on a stream of its own."""
    edge.kubelet.new_boot_node()
    made = edge.server.store.get("pods", "openshift-dns", DNS)
    del made["spec"]["nodeName"]
    words = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available"
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    made["status"] = {"phase": "Pending", "conditions": [condition]}
    edge.server.put(made)
    edge.start()
    expect(edge, "Pending", "^0/1 nodes are available: 1 Insufficient cpu", "lower the requests")
    # The scheduler finds a node: the pod moves from one stream to the other.
    made["spec"]["nodeName"] = guide.NODE
    edge.server.put(made)
    edge.up()
    edge.expect_ready()
    edge.daemon.expect_gate("dns", "ready")


def test_evicted_and_gone(booting):
    """An evicted pod is no member any more; the blocker is the workload that lacks it."""
    server = booting.server
    made = server.store.get("pods", "openshift-dns", DNS)
    words = "The node was low on resource: ephemeral-storage."
    made["status"] = {"phase": "Failed", "reason": "Evicted", "message": words}
    server.put(made)
    process.eventually(lambda: blocker(booting).get("object", {}).get("kind") == "DaemonSet", what=blocker(booting))
    assert blocker(booting)["reason"] == "NoPods"


NODE_CASES = (
    ("KubeletNotReady", "container runtime network not ready: " + NO_CNI, "ovnkube-master"),
    ("KubeletNotReady", "PLEG is not healthy: pleg was last seen active 3m0s ago", "crio.service"),
    ("KubeletNotReady", "container runtime is down", "crio.service"),
    ("KubeletNotReady", "node is shutting down", "systemctl list-jobs"),
    ("NodeStatusUnknown", "Kubelet stopped posting node status.", "microshift.service"),
)


def test_node(booting):
    for reason, message, hint in NODE_CASES:
        booting.kubelet.patch_node(False, reason=reason, message=message)
        expect(booting, reason, "^" + re.escape(message), hint, "node")


def test_stale_node_and_pods(edge):
    edge.kubelet.previous_boot()
    edge.start()
    expect(edge, "StaleBoot", "", "from an earlier boot", "node")
    expect(edge, "Unproven", "", "crictl ps", "ovn")


def test_not_found(edge):
    edge.up()
    edge.server.delete("daemonsets", "openshift-dns", "dns-default")
    edge.start()
    expect(edge, "NotFound", "", "msready gates")


def test_events_of_the_boot_before(edge):
    """A pull that a power cut ended is not one in progress."""
    edge.kubelet.previous_boot()
    edge.kubelet.new_boot_node()
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    put_event(edge, "dns-default", "Pulling", 'Pulling image "quay.io/old"', "dns", "Normal", uptime + 600)
    edge.kubelet.pod_waiting("dns-default")
    edge.start()
    expect(edge, "ContainerCreating")
    assert "message" not in blocker(edge)


def test_listed_in_any_order(edge):
    """Events are listed by name; the version tells which is the newest."""
    edge.kubelet.new_boot_node()
    edge.kubelet.pod_waiting("dns-default")
    put_event(edge, "dns-default", "Failed", 'Failed to pull image "a": no', "dns", number=0xFFFF)
    put_event(edge, "dns-default", "Pulling", 'Pulling image "a"', "dns", "Normal", number=0x1)
    edge.start()
    expect(edge, "ContainerCreating", "^pulling a; the last attempt: |^pulling a$")
    assert guide.NODE
