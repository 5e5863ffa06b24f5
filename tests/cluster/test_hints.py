# SPDX-License-Identifier: Apache-2.0
"""Each hint, from the objects, events, addresses and credentials that cause it."""

import re
import signal
import socket

import pytest

from harness import cluster as _cluster
from harness import fake_apiserver, fake_pki, fakekubelet, guide, mounts, process, stage
from harness.daemon import Daemon
from harness.endpoints import Application, FullListener, SilentApplication

PLACES = ("shop", "openshift-dns", "openshift-storage")
REGISTRY = 'pinging container registry quay.io: Get "https://quay.io/v2/": '
X509 = "tls: failed to verify certificate: x509: "

# How a pod shows it, in which words, and a part of the hint. "status": its container waits for that reason. "event":
# its container is being created, and an event tells. "crash": what the container said last. "pending": the
# scheduler's words. "failed": the kubelet has ended the pod, and nothing has taken its place. Others: see Scene.
PODS = (
    ("crash", "Error", "failed to create fsnotify watcher: too many open files", "inotify limits"),
    ("crash", "Error", "accept4: too many open files", "A limit on open files"),
    ("status", "ErrImagePull", REGISTRY + "x509: certificate has expired or is not yet valid", "Compare the clock"),
    ("crash", "Error", '[FATAL] plugin/loop: Loop (127.0.0.1:55953) detected for zone "."', "forwards to itself"),
    ("crash", "Error", "lookup x on 10.43.0.10:53: read udp 10.42.0.7:40312: i/o timeout", "firewall-cmd --permanent"),
    ("crash", "Error", "lookup x on 10.43.0.10:53: read: connection refused", "see the gate dns"),
    ("crash", "Error", "dial tcp 10.43.0.1:443: connect: connection refused", "see the gate api"),
    ("crash", "Error", 'Get "https://10.43.0.1:443/api": dial tcp 10.43.0.1:443: i/o timeout', "cannot reach the API"),
    ("event", "FailedCreatePodSandBox", "ovs-vsctl: no port named br-ex", "Open vSwitch"),
    ("event", "FailedCreatePodSandBox", "open /etc/crio/openshift-pull-secret: no such file", "Save the pull secret"),
    ("event", "FailedCreatePodSandBox", "unauthorized: Please login to the Red Hat Registry", "refuses this host's"),
    ("status", "ErrImagePull", "toomanyrequests: You have reached your pull rate limit", "limits anonymous pulls"),
    ("status", "ErrImagePull", "Source image rejected: A signature was required", "signature policy"),
    ("always", "ErrImagePull", REGISTRY + "dial tcp: lookup quay.io: no such host", "Policy is Always: set"),
    ("status", "ErrImagePull", REGISTRY + "dial tcp: lookup quay.io: i/o timeout", "cannot resolve the registry's"),
    ("status", "ErrImagePull", X509 + "certificate signed by unknown authority", "that this host does not trust"),
    ("status", "ErrImagePull", REGISTRY + "dial tcp 52.0.0.1:443: connect: no route to host", "cannot reach the"),
    ("status", "ErrImagePull", "rpc error: code = DeadlineExceeded desc = context deadline exceeded", "on its way to"),
    ("status", "ErrImagePull", "no image found in manifest list for architecture arm64", "(uname -m)"),
    ("status", "ErrImagePull", "reading manifest nope in quay.io/x/y: manifest unknown", "No such image"),
    ("status", "InvalidImageName", None, "The image name is not valid"),
    ("status", "ErrImagePull", "short-name resolution enforced but cannot prompt without a TTY", "registry in front"),
    ("status", "ErrImageNeverPull", "not present with pull policy of Never", "imagePullPolicy is Never"),
    ("status", "ErrImagePull", "writing blob: no space left on device", "A file system is full"),
    ("always", "ImagePullBackOff", 'Back-off pulling image "x"', "asks the registry at each start"),
    ("status", "ImagePullBackOff", 'Back-off pulling image "x"', "Run crictl pull IMAGE on this host"),
    ("event", "NetworkNotReady", "network is not ready: NetworkPluginNotReady", "10-ovn-kubernetes.conf"),
    ("event", "FailedCreatePodSandBox", "CNI request failed with status 400", "did not give the pod an address"),
    ("event", "FailedCreatePodSandBox", "CNI request failed: context deadline exceeded", "did not give the pod an"),
    ("event", "FailedCreatePodSandBox", 'error adding pod a_b to CNI network "cbr0": flannel', "A CNI plugin failed"),
    ("event", "FailedCreatePodSandBox", "cannot find a network-attachment-definition (a)", "network that does not"),
    ("event", "FailedCreatePodSandBox", "rpc error: code = DeadlineExceeded desc = context", "sandbox in time"),
    ("crash", "Error", "could not open lvmd socket", "LVMS does not come up", "openshift-storage"),
    ("pending", "Unschedulable", "1 node(s) did not have enough free storage.", "lacks a volume group"),
    ("event", "FailedMount", 'secret "dns-default-metrics-tls" not found', "created by service-ca", "openshift-dns"),
    ("event", "FailedMount", 'secret "shop-tls" not found', "refers to a Secret or ConfigMap"),
    ("event", "FailedMount", 'configmap "kube-root-ca.crt" not found', "creates this in each namespace"),
    ("pending", "Unschedulable", "pod has unbound immediate PersistentVolumeClaims.", "PersistentVolumeClaim is not"),
    ("pending", "Unschedulable", "1 node(s) had volume node affinity conflict.", "belongs to another node"),
    ("event", "FailedMount", "Unable to attach or mount volumes: timed out", "which volume cannot be mounted"),
    ("pending", "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu.", "has too little left"),
    ("pending", "Unschedulable", "untolerated taint {node.kubernetes.io/not-ready: }.", "waits for the node"),
    ("pending", "Unschedulable", "untolerated taint {node.kubernetes.io/disk-pressure: }.", "The disk is nearly"),
    ("pending", "Unschedulable", "1 node(s) were unschedulable.", "The node is cordoned"),
    ("pending", "Unschedulable", "didn't match Pod's node affinity/selector.", "No node fits the pod's"),
    ("pending", "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", "A scheduling gate"),
    ("crash", "OOMKilled", None, "The kernel keeps killing"),
    ("ended", "OOMKilled", None, "The kernel killed the container"),
    ("status", "CreateContainerError", "setrlimit `RLIMIT_NOFILE`: Operation not permitted", "default_ulimits"),
    ("status", "CreateContainerError", "open /var/lib/kubelet/x: permission denied", "SELinux or a file mode"),
    ("status", "CreateContainerError", "container create failed: permission denied", "securityContext"),
    ("crash", "Error", "listen tcp :443: bind: address already in use", "Another process has the port"),
    ("status", "CreateContainerConfigError", "image will run as root", "cannot put the container's"),
    ("status", "RunContainerError", 'exec: "nope": executable file not found', "cannot be started"),
    ("event", "FailedCreatePodSandBox", "name is reserved", "cannot create the pod's sandbox"),
    ("crash", "Error", "panic: nil", "The container keeps exiting"),
    ("ended", "ContainerStatusUnknown", "could not be located", "lost track of the container"),
    ("ended", "Error", None, "A container failed"),
    ("failed", "Evicted", "The node was low on resource: ephemeral-storage. Threshold: 1Gi", "is nearly full"),
    ("failed", "Evicted", "Pod was rejected: The node had condition: [DiskPressure]. ", "The disk is nearly full"),
    ("failed", "Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi", "short of memory"),
    ("failed", "Evicted", "Pod was rejected: The node had condition: [PIDPressure]. ", "short of process IDs"),
    ("failed", "Evicted", 'Usage of EmptyDir volume "cache" exceeds the limit "1Gi". ', "a limit of its own"),
    ("failed", "UnexpectedAdmissionError", "Allocate failed due to no healthy devices present", "or ended the pod:"),
    ("going", "Terminating", None, "The previous pod is still terminating"),
    ("gated", "ReadinessGatesNotReady", 'pod readiness gate "edge/ok" does not exist', "A readiness gate holds"),
    ("running", "Unhealthy", "Readiness probe failed: statuscode: 503", "Its probe fails"),
    ("stale", "Unproven", None, "Ready is an old status"),
    ("killed", "Unproven", None, "older than what runs on this host"),
    ("odd", "Unreadable", None, "No runtime that gives its containers control groups"),
    # There is no hint, and the message is the cluster's own.
    ("status", "WhateverComesNext", "in words that nobody has heard", None),
    ("event", "WhateverComesNext", "in words that nobody has heard", None),
)

NODES = (
    ("NetworkReady=false reason:NetworkPluginNotReady message:no CNI configuration file", "10-ovn-kubernetes.conf"),
    ("PLEG is not healthy: pleg was last seen active 3m0s ago", "list of containers in time"),
    ("container runtime is down", "gets no answer from CRI-O"),
    ("node is shutting down", "The host is shutting down"),
    ("missing node capacity for resources: ephemeral-storage", "does not report the node as ready"),
)


def known_hints():
    text = (process.REPOSITORY / "lib/diagnosis/hint-rows.c").read_text()
    found = re.findall(r'\.hint\s*=\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', text)
    return {"".join(re.findall(r'"((?:[^"\\]|\\.)*)"', each)).replace('\\"', '"') for each in found}


class Scene(stage.Stage):
    def __init__(self, folder):
        gates = {place: f"[Pods]\nNamespace={place}\n" for place in PLACES}
        super().__init__(folder, gates=gates | {"node": "[Node]\n"})
        self.number = 0
        self.seen = set()

    def start(self):
        self.cluster.start()
        self.make_namespaces(*PLACES)
        self.daemon.start()
        self.told("node", "NodeNotRegistered", "The kubelet has not registered its node yet", timeout=30)
        self.rest.create("/api/v1/nodes", guide.node())
        self.node_up("node")
        return self

    def blocker(self, gate, name, reason=None):
        """The blocker of this object, when it is there."""
        for b in self.daemon.gate(gate)["blockers"]:
            if b["object"]["name"] == name and reason in (None, b["reason"]):
                self.seen.add(b.get("hint"))
                return b
        return None

    def told(self, gate, reason, hint, message="", daemon=None, timeout=10):
        """Waits until a blocker of the gate has this reason, words and hint, and returns it."""

        def look():
            for b in (daemon or self.daemon).gate(gate)["blockers"]:
                if b["reason"] == reason and hint in b.get("hint", "") and message in b.get("message", ""):
                    self.seen.add(b["hint"])
                    return b
            return None

        try:
            return process.eventually(look, timeout, 0.02)
        except AssertionError:
            blockers = (daemon or self.daemon).gate(gate)["blockers"]
            raise AssertionError(f"{blockers} is not {reason}: {message} ({hint})") from None

    def event(self, about, reason, message, kind="Pod"):
        self.number += 1
        place = about["metadata"]["namespace"]
        self.rest.create(f"/api/v1/namespaces/{place}/events", {
            "metadata": {"name": f"e{self.number}", "namespace": place},
            "involvedObject": {"kind": kind, "namespace": place, "name": about["metadata"]["name"],
                               "uid": about["metadata"]["uid"], "apiVersion": "v1"},
            "reason": reason, "message": message, "type": "Warning", "count": 1,
            "firstTimestamp": fakekubelet.now(), "lastTimestamp": fakekubelet.now(),
        })

    def pod(self, place, policy="IfNotPresent", scheduled=True, spec=None, finalizers=()):
        def change(pod):
            pod["spec"]["containers"][0]["imagePullPolicy"] = policy
            pod["spec"].update(spec or {})
            pod["metadata"]["finalizers"] = list(finalizers)

        self.number += 1
        return self.bare_pod(place, f"case-{self.number}", guide.NODE if scheduled else None, change)

    def show(self, how, reason, message, place):
        """Makes a pod that shows it; returns the pod, and the name and reason of the blocker that it causes."""
        gates = {"readinessGates": [{"conditionType": "edge/ok"}]} if how == "gated" else None
        pod = self.pod(place, "Always" if how == "always" else "IfNotPresent", how != "pending", gates,
                       ["edge/hold"] if how == "going" else [])
        name = pod["metadata"]["name"]
        blocked_by = self.show_pod(pod, name, how, reason, message)
        # A pod that has ended is no member any more: then the reason is that there is none.
        return pod, "*" if blocked_by == "NoPods" else name, blocked_by

    def show_pod(self, pod, name, how, reason, message):
        if how == "failed":
            self.rest.patch_status(self.kubelet.path(pod), {"phase": "Failed", "reason": reason, "message": message})
            return "NoPods"
        if how == "going":
            self.rest.delete(self.kubelet.path(pod))
            return "NoPods"
        if how == "gated":
            self.kubelet.pod_up(name)
            condition = {"type": "Ready", "status": "False", "reason": reason,
                         "message": "corresponding condition of " + message}
            self.rest.patch_status(self.kubelet.path(pod), {"conditions": [condition]})
            return reason
        if how in ("status", "always"):
            self.kubelet.pod_waiting(name, reason, message)
            return reason
        if how == "event":
            self.kubelet.pod_waiting(name)
            self.event(pod, reason, message)
            return "ContainerCreating"
        if how == "pending":
            condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
            self.rest.patch_status(self.kubelet.path(pod), {"conditions": [condition]})
            return "SchedulingGated" if reason == "SchedulingGated" else "Pending"
        if how == "stale":
            self.kubelet.pod_status(name, alive=False)
            return "Unproven"
        if how == "killed":
            self.kubelet.pod_up(name)
            process.eventually(lambda: not self.daemon.gate("shop")["blockers"], 10, 0.02, "a container seen alive")
            self.kubelet.container_dies(name)
            return "Unproven"
        if how == "odd":
            self.kubelet.pod_status(name, ids=["cri-o://odd_id"], alive=False)
            return "Unreadable"
        self.kubelet.pod_started(name)
        if how == "running":
            self.event(pod, reason, message)
            return "ContainersNotReady"
        end = {"exitCode": 137, "reason": reason, "message": message or "", "finishedAt": fakekubelet.now()}
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=app"}
        state = {"waiting": waiting} if how == "crash" else {"terminated": end}
        first = dict(self.kubelet.find(name)["status"]["containerStatuses"][0], state=state, ready=False,
                     lastState={"terminated": end} if how == "crash" else {})
        self.rest.patch_status(self.kubelet.path(pod), {"containerStatuses": [first]})
        return "CrashLoopBackOff" if how == "crash" else reason


@pytest.fixture(scope="module")
def scene(built, tmp_path_factory):
    yield from stage.play(Scene(tmp_path_factory.mktemp("hints")))


@pytest.mark.parametrize("case", PODS, ids=lambda case: f"{case[0]}-{case[3]}".replace(" ", "-"))
def test_pod(scene, case):
    how, reason, message, hint, *place = case
    place = place[0] if place else "shop"
    pod, name, expected = scene.show(how, reason, message, place)
    told = []

    def is_told():
        told[:] = [scene.blocker(place, name, expected)]
        b = told[0]
        return (b and (hint in b.get("hint", "") if hint else "hint" not in b)
                and (message is None or message in b.get("message", "")))

    try:
        process.eventually(is_told, 10, 0.02)
    except AssertionError:
        raise AssertionError(f"{told} or {scene.daemon.blockers(place)}, not {expected}: {hint}") from None
    finally:
        if how == "going":
            scene.rest.patch(scene.kubelet.path(pod), {"metadata": {"finalizers": None}})
        else:
            scene.rest.delete(scene.kubelet.path(pod))


def test_node(scene):
    for message, hint in NODES:
        scene.kubelet.patch_node(ready=False, message=message)
        scene.told("node", "KubeletNotReady", hint, message)
    scene.kubelet.patch_node(ready=None)
    scene.told("node", "NodeStatusUnknown", "does not report")
    scene.kubelet.patch_node(boot_id=fakekubelet.new_boot_id())
    scene.told("node", "StaleBoot", "from an earlier boot")
    # Addresses for documentation, which no host has.
    for address in ("192.0.2.7", "2001:db8::7"):
        told = f"the node's InternalIP {address} is not an address of this host"
        scene.kubelet.patch_node(ready=False, message="x", address=address)
        scene.told("node", "KubeletNotReady", "The host no longer has the node's address", f"x; {told}")
    scene.rest.patch(scene.kubelet.node_path, {"metadata": {"finalizers": ["edge/hold"]}})
    scene.kubelet.patch_node()
    scene.rest.delete(scene.kubelet.node_path)
    scene.told("node", "Terminating", "The node is being deleted")
    scene.rest.patch(scene.kubelet.node_path, {"metadata": {"finalizers": None}})
    scene.told("node", "NodeNotRegistered", "has not registered its node yet")
    scene.rest.create("/api/v1/nodes", guide.node())
    scene.node_up("node")


PRESSURES = (
    ("DiskPressure", "kubelet has disk pressure", "The disk is nearly full"),
    ("MemoryPressure", "kubelet has insufficient memory available", "short of memory"),
    ("PIDPressure", "kubelet has insufficient PID available", "short of process IDs"),
    ("NetworkUnavailable", "Node created without a route", "network is not set up"),
)


def test_node_under_pressure(scene):
    """It shuts no open gate; a shut gate on that node gives it as the reason, in the kubelet's words."""
    pod = scene.pod("shop")
    name = pod["metadata"]["name"]
    back_off = 'Back-off pulling image "quay.io/x"'
    try:
        for kind, words, hint in PRESSURES:
            told = f"; the node has {kind}: {words}"
            scene.kubelet.patch_node(pressure=kind)
            scene.kubelet.pod_waiting(name, "ImagePullBackOff", back_off)
            scene.told("shop", "ImagePullBackOff", hint, back_off + told)
            assert scene.daemon.gate("node")["state"] == "ready" and not scene.daemon.gate("node")["blockers"]
            scene.kubelet.patch_node(ready=False, message="container runtime is down", pressure=kind)
            scene.told("node", "KubeletNotReady", hint, "container runtime is down" + told)
            # An earlier boot's pressure is not this one's.
            scene.kubelet.patch_node(boot_id=fakekubelet.new_boot_id(), pressure=kind)
            assert kind not in scene.told("node", "StaleBoot", "from an earlier boot")["message"]
            # The kubelet rejects pods, and each time the controller makes another one.
            scene.kubelet.patch_node(pressure=kind)
            process.eventually(lambda: scene.daemon.gate("node")["state"] == "ready", 10, 0.02, "the node")
        scene.kubelet.patch_node(pressure="DiskPressure")
        taint = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }."
        homeless, _, _ = scene.show("pending", "Unschedulable", taint, "openshift-dns")
        told = f"{taint}; the node has DiskPressure: kubelet has disk pressure"
        scene.told("openshift-dns", "Pending", "The disk is nearly full", told)
        scene.rest.delete(scene.kubelet.path(homeless))
        turned_away = {"phase": "Failed", "reason": "Evicted",
                       "message": "Pod was rejected: The node had condition: [DiskPressure]. "}
        scene.rest.patch_status(scene.kubelet.path(pod), turned_away)
        scene.told("shop", "NoPods", "The disk is nearly full",
                   f"no pod of this node matches; {name}: Evicted: Pod was rejected: "
                   "The node had condition: [DiskPressure].; the node has DiskPressure: kubelet has disk pressure")
    finally:
        scene.rest.delete(scene.kubelet.path(pod))
        scene.node_up("node")


def test_workloads(scene):
    """Too few pods: their controller says why, in an event of its own."""
    rest = scene.rest
    w = guide.Workload("Deployment", "shop", "web", "web-6f5d8c7b9-aaaaa", ("app",), {"app": "web"})
    scene.load("web", "[Workload]\nKind=Deployment\nNamespace=shop\nName=web\n")
    scene.load("agent", "[Workload]\nKind=DaemonSet\nNamespace=shop\nName=agent\n")
    scene.load("odd", "[Gate]\n")
    scene.load("multus", "[Workload]\nKind=DaemonSet\nNamespace=openshift-multus\nName=multus\n")
    scene.told("odd", "InvalidGate", "check-config")
    scene.told("web", "NotFound", "No object of that name")
    scene.told("multus", "NotFound", "install the package microshift-multus")
    base = "/apis/apps/v1/namespaces/shop"
    owner = rest.create(f"{base}/deployments", guide.controller(w))
    owner.setdefault("apiVersion", "apps/v1")
    replica_set = rest.create(f"{base}/replicasets", guide.replica_set(w, owner))
    process.eventually(lambda: scene.blocker("web", "web", "NoPods"), 10, 0.02, "NoPods")
    for message, hint in (("is forbidden: unable to validate against any security context constraint: []",
                           "its service account may have"),
                          ("is forbidden: exceeded quota: small", "Its pods cannot be created")):
        scene.event(replica_set, "FailedCreate", f'Error creating: pods "web-x" {message}', "ReplicaSet")
        process.eventually(
            lambda hint=hint: hint in (scene.blocker("web", "web", "NoPods") or {}).get("hint", ""), 10, 0.02, hint
        )
        assert message in scene.blocker("web", "web")["message"]
    rest.patch(f"{base}/deployments/web", {"spec": {"replicas": 0}})
    process.eventually(lambda: scene.blocker("web", "web", "ScaledToZero"), 10, 0.02, "ScaledToZero")
    rest.patch_status(f"{base}/deployments/web", {"observedGeneration": 1})
    process.eventually(lambda: scene.blocker("web", "web", "NotObserved"), 10, 0.02, "NotObserved")
    agent = guide.controller(guide.Workload("DaemonSet", "shop", "agent", "agent-a", ("app",), {"app": "agent"}))
    agent["spec"]["template"]["spec"]["nodeSelector"] = {"no": "node"}
    rest.create(f"{base}/daemonsets", agent)
    process.eventually(lambda: scene.blocker("agent", "agent", "NoEligibleNode"), 10, 0.02, "NoEligibleNode")

    # Taints: of the node's state, and of the administrator.
    picky = guide.controller(guide.Workload("DaemonSet", "shop", "picky", "picky-a", ("app",), {"app": "picky"}))
    picky["spec"]["template"]["spec"]["tolerations"] = []
    rest.create(f"{base}/daemonsets", picky)
    scene.load("picky", "[Workload]\nKind=DaemonSet\nNamespace=shop\nName=picky\n")
    state = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    rest.patch(scene.kubelet.node_path, {"spec": {"taints": [state]}})
    scene.told("picky", "NoPods", "creates no pod on the node", "has the taint node.kubernetes.io/not-ready")
    own = {"key": "own", "value": "a", "effect": "NoSchedule"}
    rest.patch(scene.kubelet.node_path, {"spec": {"taints": [state, own]}})
    scene.told("picky", "NoEligibleNode", "Remove the taint", "has the taint own=a:NoSchedule")
    rest.patch(scene.kubelet.node_path, {"spec": {"taints": None}})

    # A pod on another node; a rollout.
    w = guide.Workload("StatefulSet", "shop", "away", "away-0", ("app",), {"app": "away"})
    owner = rest.create(f"{base}/statefulsets", guide.controller(w))
    owner.setdefault("apiVersion", "apps/v1")
    rest.patch_status(f"{base}/statefulsets/away", {"replicas": 1, "updateRevision": "away-2"})
    scene.load("away", "[Workload]\nKind=StatefulSet\nNamespace=shop\nName=away\n")
    scene.told("away", "NoPods", "set Scope=cluster", "0 of 1 pods exist on this node; the status counts 1")
    pod = rest.create("/api/v1/namespaces/shop/pods", guide.pod(w, owner))
    try:
        scene.told("away", "OldRevision", "A rollout is not complete", "and away-2 is the newest")
    finally:
        rest.delete(scene.kubelet.path(pod))
    process.eventually(lambda: scene.blocker("openshift-storage", "*", "NoPods"), 10, 0.02, "NoPods")
    big = scene.pod("shop")["metadata"]["name"]
    rest.patch(f"/api/v1/namespaces/shop/pods/{big}", {"metadata": {"labels": {f"l{n}": "" for n in range(1025)}}})
    process.eventually(lambda: scene.blocker("shop", big, "Unreadable"), 10, 0.02, "Unreadable")
    scene.load("lvms", "[Pods]\nNamespace=openshift-storage\nMinimumReady=2\n")
    operator = scene.pod("openshift-storage")
    try:
        scene.kubelet.pod_up(operator["metadata"]["name"])
        scene.told("lvms", "NoPods", "One of the storage driver's pods is missing", "1 of 2 pods exist")
    finally:
        rest.delete(scene.kubelet.path(operator))


@pytest.fixture
def another(scene):
    """another(...) starts one more daemon, on the same cluster unless the arguments name another."""
    made = []

    def start(kubeconfig=None, **options):
        options.setdefault("kubelet", scene.kubelet)
        options.setdefault("gates", {"node": "[Node]\n", "api": "[Api]\n"})
        made.append(Daemon(kubeconfig=kubeconfig or scene.cluster.kubeconfig, **options))
        return made[-1].start()

    yield start
    for daemon in made:
        daemon.close()


def test_which_node(scene, another, tmp_path):
    told = another(config={"Cluster": {"Node": "other"}})
    scene.told("node", "NodeNotRegistered", "Compare Node=", "other", told)
    # Its Ready may be a dead kubelet's: the kubelet has shown no activity since this daemon started.
    scene.told("node", "KubeletSilent", "is not running or cannot write", daemon=another())
    # A host that is neither of two nodes which do not say what machine they are.
    stranger = fakekubelet.FakeKubelet(scene.rest, tmp_path / "stranger", machine_id="1" * 32)
    for name in ("edge-2", "edge-3"):
        scene.rest.create("/api/v1/nodes", guide.node(name))
    try:
        scene.told("node", "NodeAmbiguous", "Name this host's node", "edge-3", another(kubelet=stranger))
    finally:
        for name in ("edge-2", "edge-3"):
            scene.rest.delete(f"/api/v1/nodes/{name}")


def test_what_proves(scene, another, tmp_path):
    """A pod that was Ready before the daemon came; one whose cgroup cannot be read; a condition without controller."""
    name = scene.pod("shop")["metadata"]["name"]
    scene.kubelet.pod_up(name)
    condition = "[Condition]\nResource=apps/v1/deployments\nNamespace=shop\nName=cared\nType=Available\n"
    cared = guide.Workload("Deployment", "shop", "cared", "cared-a", ("app",), {"app": "cared"})
    scene.rest.create("/apis/apps/v1/namespaces/shop/deployments", guide.controller(cared))
    gates = {"observed": "[Pods]\nNamespace=shop\nProof=observed\n", "node": "[Node]\n",
             "cared": condition + "[Pods]\nNamespace=shop\nName=nothing-*\n"}
    try:
        daemon = another(gates=gates)
        scene.told("observed", "Unproven", "seen alive for a minute", "when watching began", daemon)
        scene.told("cared", "Unproven", "has been ready for half a minute", daemon=daemon)
        (tmp_path / "nothing").write_text("")
        daemon = another(gates={"shop": "[Pods]\nNamespace=shop\n"},
                         config={"Host": {"CgroupRoot": tmp_path / "nothing"}})
        scene.told("shop", "Unproven", "compare CgroupRoot=", "cannot tell whether", daemon)
    finally:
        scene.rest.delete("/apis/apps/v1/namespaces/shop/deployments/cared")
        scene.rest.delete(scene.kubelet.path(scene.kubelet.find(name)))


def test_credentials(scene, another, tmp_path, closing):
    def kubeconfig(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    url, ca = scene.cluster.url, scene.cluster.pki.ca
    stranger = fake_pki.Pki(tmp_path / "pki")
    early = closing(Application(stranger.server("early")))
    nobody = f"https://localhost:{process.free_port()}"
    account = scene.cluster.write_kubeconfig(tmp_path / "user", user="nobody")
    text = _cluster.kubeconfig_text
    cases = (
        (tmp_path / "none/kubeconfig", "KubeconfigMissing", "writes the kubeconfig when it starts"),
        (kubeconfig("broken", "clusters: ["), "KubeconfigInvalid", "writes the kubeconfig again"),
        (kubeconfig("token", text(url, ca, token="stale")), "Unauthorized", "refuses the kubeconfig's credentials"),
        (account, "Forbidden", "The account may not read this"),
        (kubeconfig("ca", text(url, stranger.ca, token="x")), "ApiUnreachable", "each other's certificates"),
        (kubeconfig("early", text(early.url("localhost", "https").removesuffix("/app"), stranger.ca, token="x")),
         "Clock", "Set the clock"),
        (kubeconfig("nobody", text(nobody, ca, token="x")), "ApiUnreachable", "The API server does not answer"),
        (kubeconfig("bare", text(url.removeprefix("https://"), ca, token="x")), "ApiNotReady", "Write https://"),
    )
    for path, reason, hint in cases:
        scene.told("node", reason, hint, daemon=another(path))
    nowhere = another(config={"Cluster": {"Context": "nowhere"}})
    scene.told("node", "KubeconfigInvalid", "Compare Context=", 'no context "nowhere"', nowhere)


def test_server(scene, another, tmp_path, names):
    lost = tmp_path / "lost"
    lost.write_text(_cluster.kubeconfig_text("https://edge.example.test:6443", scene.cluster.pki.ca, token="x"))
    scene.told("api", "ApiUnreachable", "cannot be resolved", daemon=another(lost, wrapper=names.wrapper()))

    # A server whose lists do not come.
    with fake_apiserver.FakeApiServer() as server:
        for what in ("list", "watch"):
            server.cue(what, "nodes", times=None, cut_after=1, how="stall")
        scene.told("node", "NotSynced", "is listing the API's objects", daemon=another(server.kubeconfig))

    # A server without its database.
    scene.cluster.etcd.send_signal(signal.SIGSTOP)
    try:
        scene.told("api", "ApiNotReady", "The API server is not ready", "etcd", another(), 20)
    finally:
        scene.cluster.etcd.send_signal(signal.SIGCONT)
    scene.cluster.wait_ready()


def test_name_of_the_node(scene, another, tmp_path):
    """MicroShift's own files tell why it does not start, and whether it would."""
    if not mounts.may_be_had():
        pytest.skip("MicroShift's own places on this host need root: mounts")
    etc, data, nobody = tmp_path / "etc", tmp_path / "data", tmp_path / "nobody"
    etc.mkdir()
    data.mkdir()
    (data / ".nodename").write_text("edge1")
    (etc / "config.yaml").write_text("node: {hostnameOverride: edge2}\n")
    url = f"https://localhost:{process.free_port()}"
    nobody.write_text(_cluster.kubeconfig_text(url, scene.cluster.pki.ca, token="x"))
    daemon = another(nobody, wrapper=mounts.wrapper({"/etc/microshift": etc, "/var/lib/microshift": data}))
    words = "MicroShift knows this node as edge1, and node.hostnameOverride in its configuration says edge2"
    scene.told("api", "ApiUnreachable", "back to its former value", words, daemon)
    # It starts under the kept name where the override is the host's name.
    (etc / "config.yaml").write_text(f"node: {{hostnameOverride: {socket.gethostname()}}}\n")
    scene.told("api", "ApiUnreachable", "The API server does not answer", daemon=daemon)
    (etc / "config.yaml").write_text("node: {hostnameOverride: Edge1}\n")
    scene.told("api", "ApiUnreachable", "The API server does not answer", daemon=daemon)


def test_conditions(scene):
    """A resource that the API server lacks, a namespace that is missing in the gate, a controller that has not run; a
    claim that waits for its volume."""
    scene.rest.create("/api/v1/namespaces/shop/configmaps", {"kind": "ConfigMap", "metadata": {"name": "settings"}})
    settings = "[Condition]\nResource=v1/configmaps\nName=settings\nType=Ready\n"
    scene.load("unknown", settings.replace("v1/configmaps", "cert-manager.io/v1/certificates"))
    scene.load("nowhere", settings)
    scene.rest.create("/api/v1/namespaces/shop/persistentvolumeclaims",
                      {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                       "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    scene.load("volume", "[Condition]\nResource=v1/persistentvolumeclaims\nNamespace=shop\nName=data\n"
                         "Field=status.phase\nValue=Bound\n")
    scene.load("unproven", settings + "Namespace=shop\n[Pods]\nNamespace=shop\nName=settings-*\n")
    scene.told("unknown", "NotFound", "oc api-resources", "does not know the resource")
    scene.told("volume", "status.phase", "when a pod that uses it starts", "status.phase is Pending")
    scene.told("nowhere", "NotFound", "Set Namespace=", "only in the namespace shop")
    scene.told("unproven", "Unproven", "the [Workload] or [Pods] of the same gate", "may be of an earlier boot")


def test_gates_that_ship(scene, another, clock):
    """An object that a vendor's gate misses may not exist yet; a minute later, this build may not ship it."""
    if not mounts.may_be_had():
        pytest.skip("gates in the vendor's folder need root: a mount")
    gates = process.vendor_folder() / "gates.d"
    daemon = another(wrapper=mounts.wrapper({gates: process.REPOSITORY / "units/gates"}), env=clock.env,
                     gates={}, arguments=["--gates-dir", gates])
    scene.told("dns", "NotFound", "MicroShift has not created it yet", daemon=daemon)
    clock(slept=70)
    scene.kubelet.patch_node()
    scene.told("dns", "NotFound", "may not ship it", daemon=daemon)


def test_addresses(scene, another, tmp_path, closing, names):
    pki = fake_pki.Pki(tmp_path / "pki")
    names.unheard.add("silent.example.test")
    names.names.add("shop.example.test")
    broken, shut, odd = (closing(Application()) for _ in range(3))
    late = closing(SilentApplication())
    broken.status, odd.status = 503, 404
    expected = {
        "unknown": ("http://nobody.example.test/", "NameNotFound", "wildcard DNS record"),
        "refused": (f"http://shop.example.test:{process.free_port()}/", "ConnectionRefused", "Nothing listens there"),
        "refused-here": (f"http://127.0.0.1:{process.free_port()}/", "ConnectionRefused", "at that port of this host"),
        "tls": (closing(Application(pki.server("other-ca"))).url("localhost", "https"), "TLS", "is not trusted"),
        "mutual": (closing(Application(pki.server("good"), client_ca=pki.ca)).url("localhost", "https")
                   + f"\nCAFile={pki.ca}", "TLS", "asks for a client certificate"),
        "broken": (broken.url("shop.example.test"), "UnexpectedStatus", "or the application itself"),
        "broken-here": (broken.url(), "UnexpectedStatus", "reports that it is unavailable"),
        "odd": (odd.url(), "UnexpectedStatus", "not one that ExpectStatus="),
        "plain": (f"https://127.0.0.1:{shut.port}/", "TLS", "before the server sent a certificate"),
        "ca": (f"https://localhost/\nCAFile={tmp_path}/none.pem", "CAUnreadable", "Correct CAFile="),
        "silent": ("http://silent.example.test/", "NameServerSilent", "No name server"),
        "late": (f"http://shop.example.test:{late.port}/", "TimedOut", "No answer: check"),
        "late-here": (late.url(), "TimedOut", "does not answer in time"),
        "tongue": (closing(Application(pki.server("good"))).url(), "Disconnected", "No valid HTTP answer"),
    }
    daemon = another(gates={name: f"[Endpoint]\nURL={url}\n" for name, (url, _, _) in expected.items()},
                     wrapper=names.wrapper())
    for name, (_, reason, hint) in expected.items():
        scene.told(name, reason, hint, daemon=daemon, timeout=25)


def test_sockets(scene, another, tmp_path, names):
    with FullListener(str(tmp_path / "full")):
        expected = {
            "refused": (f"127.0.0.1:{process.free_port()}", "ConnectionRefused", "look at the service that should"),
            "late": (tmp_path / "full", "TimedOut", "The connection is not established"),
            "unknown": ("nobody.example.test:1883", "NameNotFound", "check Connect="),
            "away": (tmp_path / "none", "NotFound", "cannot reach the socket"),
        }
        daemon = another(gates={name: f"[Socket]\nConnect={to}\n" for name, (to, _, _) in expected.items()},
                         wrapper=names.wrapper())
        for name, (_, reason, hint) in expected.items():
            scene.told(name, reason, hint, daemon=daemon, timeout=25)


def test_each_was_given(scene):
    """Each hint of the table has a cause here."""
    scene.seen.discard(None)
    missing = known_hints() - scene.seen
    assert not missing, "\n".join(sorted(missing))
    assert scene.seen == known_hints()
