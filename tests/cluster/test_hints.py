# SPDX-License-Identifier: Apache-2.0
"""Each hint, from the objects and events on the real API server that cause it."""

import re

import pytest

from harness import fakekubelet, guide, process, stage

PLACES = ("shop", "openshift-dns", "openshift-storage")
REGISTRY = 'pinging container registry quay.io: Get "https://quay.io/v2/": '
X509 = "tls: failed to verify certificate: x509: "

# How a pod shows it, in which words, and a part of the hint. "status": its container waits for that reason. "event":
# its container is being created, and an event tells. "crash": what the container said last. "pending": the
# scheduler's words. Others: see Scene.
PODS = (
    ("crash", "Error", "failed to create fsnotify watcher: too many open files", "inotify limits"),
    ("status", "ErrImagePull", REGISTRY + "x509: certificate has expired or is not yet valid", "Compare the clock"),
    ("crash", "Error", '[FATAL] plugin/loop: Loop (127.0.0.1:55953) detected for zone "."', "forwards to itself"),
    ("crash", "Error", "lookup x on 10.43.0.10:53: read udp 10.42.0.7:40312: i/o timeout", "firewall-cmd --permanent"),
    ("crash", "Error", 'Get "https://10.43.0.1:443/api": dial tcp 10.43.0.1:443: i/o timeout', "do not reach the API"),
    ("event", "FailedCreatePodSandBox", "ovs-vsctl: no port named br-ex", "Open vSwitch"),
    ("event", "FailedCreatePodSandBox", "open /etc/crio/openshift-pull-secret: no such file", "Save the pull secret"),
    ("event", "FailedCreatePodSandBox", "unauthorized: Please login to the Red Hat Registry", "refuses this host's"),
    ("status", "ErrImagePull", "toomanyrequests: You have reached your pull rate limit", "limits anonymous pulls"),
    ("always", "ErrImagePull", REGISTRY + "dial tcp: lookup quay.io: no such host", "Policy is Always: set"),
    ("status", "ErrImagePull", REGISTRY + "dial tcp: lookup quay.io: i/o timeout", "cannot resolve the registry's"),
    ("status", "ErrImagePull", X509 + "certificate signed by unknown authority", "that this host does not trust"),
    ("status", "ErrImagePull", REGISTRY + "dial tcp 52.0.0.1:443: connect: no route to host", "cannot reach the"),
    ("status", "ErrImagePull", "no image found in manifest list for architecture arm64", "(uname -m)"),
    ("status", "ErrImagePull", "reading manifest nope in quay.io/x/y: manifest unknown", "No such image"),
    ("status", "InvalidImageName", None, "The name of the image is not a valid one"),
    ("status", "ErrImagePull", "short-name resolution enforced but cannot prompt without a TTY", "registry in front"),
    ("status", "ErrImageNeverPull", "not present with pull policy of Never", "imagePullPolicy is Never"),
    ("status", "ErrImagePull", "writing blob: no space left on device", "A file system is full"),
    ("always", "ImagePullBackOff", 'Back-off pulling image "x"', "asked at each start"),
    ("status", "ImagePullBackOff", 'Back-off pulling image "x"', "Run crictl pull IMAGE on this host"),
    ("event", "NetworkNotReady", "network is not ready: NetworkPluginNotReady", "10-ovn-kubernetes.conf"),
    ("event", "FailedCreatePodSandBox", "CNI request failed with status 400", "did not give the pod an address"),
    ("crash", "Error", "could not open lvmd socket", "LVMS does not come up", "openshift-storage"),
    ("pending", "Unschedulable", "1 node(s) did not have enough free storage.", "lacks a volume group"),
    ("event", "FailedMount", 'secret "dns-default-metrics-tls" not found', "service-ca has not made", "openshift-dns"),
    ("event", "FailedMount", 'secret "shop-tls" not found', "refers to a Secret or ConfigMap"),
    ("pending", "Unschedulable", "pod has unbound immediate PersistentVolumeClaims.", "PersistentVolumeClaim is not"),
    ("event", "FailedMount", "Unable to attach or mount volumes: timed out", "which volume cannot be mounted"),
    ("pending", "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu.", "has too little left"),
    ("pending", "Unschedulable", "untolerated taint {node.kubernetes.io/not-ready: }.", "waits for the node"),
    ("pending", "Unschedulable", "untolerated taint {node.kubernetes.io/disk-pressure: }.", "under pressure"),
    ("pending", "Unschedulable", "1 node(s) were unschedulable.", "The node is cordoned"),
    ("pending", "Unschedulable", "didn't match Pod's node affinity/selector.", "Nothing fits the pod's"),
    ("pending", "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", "A scheduling gate"),
    ("crash", "OOMKilled", None, "again and again: raise"),
    ("ended", "OOMKilled", None, "It was killed for want of memory"),
    ("status", "CreateContainerError", "container create failed: permission denied", "SELinux or a mode"),
    ("crash", "Error", "listen tcp :443: bind: address already in use", "Another process has the port"),
    ("status", "CreateContainerConfigError", "image will run as root", "cannot be put together"),
    ("status", "RunContainerError", 'exec: "nope": executable file not found', "cannot be started"),
    ("event", "FailedCreatePodSandBox", "name is reserved", "cannot make the pod's sandbox"),
    ("crash", "Error", "panic: nil", "It ends again and again"),
    ("ended", "ContainerStatusUnknown", "could not be located", "lost sight of the container"),
    ("ended", "Error", None, "A container failed"),
    ("event", "Evicted", "The node was low on resource: ephemeral-storage.", "The disk is nearly full"),
    ("event", "Evicted", "The node was low on resource: memory.", "short of memory"),
    ("event", "Evicted", "The node had condition: [PIDPressure].", "short of process IDs"),
    ("event", "Evicted", "Pod was evicted", "which pressure"),
    ("running", "Unhealthy", "Readiness probe failed: statuscode: 503", "Its probe fails"),
    ("stale", "Unproven", None, "Ready is an old answer"),
    # Nothing is known, and the raw words stand.
    ("status", "WhateverComesNext", "in words that nobody has heard", None),
    ("event", "WhateverComesNext", "in words that nobody has heard", None),
)

NODES = (
    ("NetworkReady=false reason:NetworkPluginNotReady message:no CNI configuration file", "10-ovn-kubernetes.conf"),
    ("PLEG is not healthy: pleg was last seen active 3m0s ago", "too slowly"),
    ("container runtime is down", "gets no answer from CRI-O"),
    ("node is shutting down", "The host is shutting down"),
    ("missing node capacity for resources: ephemeral-storage", "does not call the node ready"),
)


def known_hints():
    text = (process.REPOSITORY / "lib/ready/hint.c").read_text()
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
        self.rest.create("/api/v1/nodes", guide.node())
        self.daemon.start()
        self.node_up("node")
        return self

    def blocker(self, gate, name, reason=None):
        """The blocker of this object, when it is there."""
        for b in self.daemon.gate(gate)["blockers"]:
            if b["object"]["name"] == name and reason in (None, b["reason"]):
                self.seen.add(b.get("hint"))
                return b
        return None

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

    def pod(self, place, policy="IfNotPresent", scheduled=True):
        def change(pod):
            pod["spec"]["containers"][0]["imagePullPolicy"] = policy

        self.number += 1
        return self.bare_pod(place, f"case-{self.number}", guide.NODE if scheduled else None, change)

    def show(self, how, reason, message, place):
        """Makes a pod that shows it; returns it, with the reason that it is to be blocked by."""
        pod = self.pod(place, "Always" if how == "always" else "IfNotPresent", scheduled=how != "pending")
        name = pod["metadata"]["name"]
        if how in ("status", "always"):
            self.kubelet.pod_waiting(name, reason, message)
            return pod, reason
        if how == "event":
            self.kubelet.pod_waiting(name)
            self.event(pod, reason, message)
            return pod, "ContainerCreating"
        if how == "pending":
            condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
            self.rest.patch_status(self.kubelet.path(pod), {"conditions": [condition]})
            return pod, "SchedulingGated" if reason == "SchedulingGated" else "Pending"
        if how == "stale":
            self.kubelet.pod_status(name, alive=False)
            return pod, "Unproven"
        self.kubelet.pod_started(name)
        if how == "running":
            self.event(pod, reason, message)
            return pod, "ContainersNotReady"
        end = {"exitCode": 137, "reason": reason, "message": message or "", "finishedAt": fakekubelet.now()}
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=app"}
        state = {"waiting": waiting} if how == "crash" else {"terminated": end}
        first = dict(self.kubelet.find(name)["status"]["containerStatuses"][0], state=state, ready=False,
                     lastState={"terminated": end} if how == "crash" else {})
        self.rest.patch_status(self.kubelet.path(pod), {"containerStatuses": [first]})
        return pod, "CrashLoopBackOff" if how == "crash" else reason


@pytest.fixture(scope="module")
def scene(built, tmp_path_factory):
    yield from stage.play(Scene(tmp_path_factory.mktemp("hints")))


@pytest.mark.parametrize("case", PODS, ids=lambda case: f"{case[0]}-{case[3]}".replace(" ", "-"))
def test_pod(scene, case):
    how, reason, message, hint, *place = case
    place = place[0] if place else "shop"
    pod, expected = scene.show(how, reason, message, place)
    told = []

    def is_told():
        told[:] = [scene.blocker(place, pod["metadata"]["name"], expected)]
        b = told[0]
        return (b and (hint in b.get("hint", "") if hint else "hint" not in b)
                and (message is None or message in b.get("message", "")))

    try:
        process.eventually(is_told, 10, 0.02)
    except AssertionError:
        raise AssertionError(f"{told} or {scene.daemon.blockers(place)}, not {expected}: {hint}") from None
    finally:
        scene.rest.delete(scene.kubelet.path(pod))


def test_node(scene):
    for message, hint in NODES:
        scene.kubelet.patch_node(ready=False, message=message)
        process.eventually(
            lambda hint=hint: hint in (scene.blocker("node", guide.NODE) or {}).get("hint", ""), 10, 0.02, hint
        )
    scene.kubelet.patch_node(ready=None)
    process.eventually(lambda: scene.blocker("node", guide.NODE, "NodeStatusUnknown"), 10, 0.02, "Unknown")
    scene.kubelet.patch_node(boot_id=fakekubelet.new_boot_id())
    process.eventually(lambda: scene.blocker("node", guide.NODE, "StaleBoot"), 10, 0.02, "StaleBoot")
    scene.kubelet.new_boot_node()


def test_workloads(scene):
    """Too few pods: what makes them says why, in an event of its own."""
    rest = scene.rest
    w = guide.Workload("Deployment", "shop", "web", "web-6f5d8c7b9-aaaaa", ("app",), {"app": "web"})
    scene.load("web", "[Workload]\nKind=Deployment\nNamespace=shop\nName=web\n")
    scene.load("agent", "[Workload]\nKind=DaemonSet\nNamespace=shop\nName=agent\n")
    scene.load("odd", "[Gate]\n")
    process.eventually(lambda: scene.blocker("odd", "odd", "InvalidGate"), 10, 0.02, "InvalidGate")
    process.eventually(lambda: scene.blocker("web", "web", "NotFound"), 10, 0.02, "NotFound")
    base = "/apis/apps/v1/namespaces/shop"
    owner = rest.create(f"{base}/deployments", guide.controller(w))
    owner.setdefault("apiVersion", "apps/v1")
    replica_set = rest.create(f"{base}/replicasets", guide.replica_set(w, owner))
    process.eventually(lambda: scene.blocker("web", "web", "NoPods"), 10, 0.02, "NoPods")
    for message, hint in (("is forbidden: unable to validate against any security context constraint: []",
                           "its service account may have"),
                          ("is forbidden: exceeded quota: small", "Its pods cannot be made")):
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
    process.eventually(lambda: scene.blocker("openshift-storage", "*", "NoPods"), 10, 0.02, "NoPods")


def test_how_many_were_given(scene):
    """The rest is about addresses, kubeconfigs and the API server itself, or comes with other gates than these."""
    scene.seen.discard(None)
    assert scene.seen <= known_hints()
    missing = sorted(known_hints() - scene.seen)
    print("\n".join(missing))
    assert len(scene.seen) >= 60, missing
