# SPDX-License-Identifier: Apache-2.0
"""Each kind of check on the real API server: what happens in the cluster, and what the check says then."""

import time

import pytest

from harness import fakekubelet, guide, process, stage

NAMESPACE = "shop"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
API_GATE = "[Gate]\nRequired=yes\n[Api]\n"


def workload(kind, name, pod, containers=("app",)):
    return guide.Workload(kind, NAMESPACE, name, pod, tuple(containers), {"app": name})


def gate(section, **keys):
    return f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items())


def workload_gate(kind, name, **keys):
    return gate("Workload", Kind=kind, Namespace=NAMESPACE, Name=name, **keys)


class Scene(stage.Stage):
    def __init__(self, folder):
        config = {"Readiness": {"HoldSec": "200ms", "UnknownSec": "5s"}}
        super().__init__(folder, config=config, gates={"api": API_GATE})
        self.owners = {}

    def start(self):
        self.cluster.start()
        self.make_namespaces(NAMESPACE)
        self.rest.create("/api/v1/nodes", guide.node())
        self.daemon.start()
        self.daemon.expect_gate("api", "ready", timeout=30)
        self.load("local", gate("Node"))
        self.node_up("local")
        return self

    def make(self, w, replicas=1):
        """The workload without a pod; returns the object that owns its pods."""
        base = f"/apis/apps/v1/namespaces/{NAMESPACE}"
        owner = self.rest.create(f"{base}/{w.kind.lower()}s", guide.controller(w, replicas))
        owner.setdefault("apiVersion", "apps/v1")
        if w.kind == "Deployment":
            owner = self.rest.create(f"{base}/replicasets", guide.replica_set(w, owner, replicas))
        self.owners[w.name] = owner
        return owner

    def pod(self, w, name=None, owner=None, node=guide.NODE):
        """One more pod of it, as the controller makes it."""
        made = self.rest.create(PODS, guide.pod(w, owner or self.owners[w.name], node, name))
        self.kubelet.adopt([made])
        return made["metadata"]["name"]

    def up(self, *names):
        for name in names:
            self.kubelet.pod_up(name)

    def shut(self, gate_name, reason, name=None, timeout=10):
        """The gate waits, or was lost, because of this."""

        def is_so():
            told = self.daemon.gate(gate_name)
            found = [(b["object"]["name"], b["reason"]) for b in told["blockers"]]
            return told["state"] != "ready" and any(
                reason == r and name in (None, n) for n, r in found
            )

        process.eventually(is_so, timeout, 0.02, f"{gate_name} shut by {reason}: {self.daemon.gate(gate_name)}")

    def open(self, gate_name, timeout=10):
        self.daemon.expect_gate(gate_name, "ready", timeout)
        told = self.daemon.gate(gate_name)
        assert told["blockers"] == [], told


@pytest.fixture(scope="module")
def scene(built, tmp_path_factory):
    yield from stage.play(Scene(tmp_path_factory.mktemp("checks")))


# [Workload]


def test_deployment(scene):
    """Through ReplicaSets of any revision; surplus never blocks; deleted, finished and evicted pods do not count."""
    w = workload("Deployment", "web", "web-6f5d8c7b9-aaaaa")
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web"
    scene.load("web", workload_gate("Deployment", "web"))
    scene.shut("web", "NotFound", "web")
    scene.make(w, replicas=2)
    scene.shut("web", "NoPods", "web")
    scene.pod(w)
    scene.up(w.pod)
    process.eventually(lambda: "1 of 2 pods exist" in str(scene.daemon.gate("web")["blockers"]), 5, 0.02, "1 of 2")

    # A pod of the old revision counts, the third one, which is not ready, does not block.
    deployment = scene.rest.get(path)
    deployment.setdefault("apiVersion", "apps/v1")
    deployment.setdefault("kind", "Deployment")
    old = workload("Deployment", "web", "web-5b4c7d6f8-bbbbb")
    owner = scene.rest.create(f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets",
                              guide.replica_set(old, deployment))
    scene.pod(old, owner=owner)
    scene.pod(w, "web-6f5d8c7b9-ccccc")
    scene.kubelet.pod_waiting("web-6f5d8c7b9-ccccc", "ImagePullBackOff")
    scene.shut("web", "ImagePullBackOff", "web-6f5d8c7b9-ccccc")
    scene.up("web-5b4c7d6f8-bbbbb")
    scene.open("web")

    # One of them is going: one too few, and the third one says why.
    scene.rest.delete(f"{PODS}/web-5b4c7d6f8-bbbbb", grace=30)
    scene.shut("web", "ImagePullBackOff", "web-6f5d8c7b9-ccccc")
    scene.up("web-6f5d8c7b9-ccccc")
    scene.open("web")

    # Leftovers of the same owner.
    for name, phase in (("web-6f5d8c7b9-ddddd", "Failed"), ("web-6f5d8c7b9-eeeee", "Succeeded")):
        scene.pod(w, name)
        scene.rest.patch_status(f"{PODS}/{name}", {"phase": phase, "reason": "Evicted"})
    scene.rest.delete(f"{PODS}/{w.pod}")
    scene.shut("web", "NoPods", "web")

    # A scale that its controller has not seen; zero; and zero that is enough.
    scene.rest.patch_status(path, {"observedGeneration": 1})
    scene.rest.patch(path, {"spec": {"replicas": 1}})
    scene.shut("web", "NotObserved", "web")
    scene.rest.patch_status(path, {"observedGeneration": 2})
    scene.open("web")
    scene.rest.patch(path, {"spec": {"replicas": 0}})
    scene.rest.patch_status(path, {"observedGeneration": 3})
    scene.shut("web", "ScaledToZero", "web")
    scene.load("web", workload_gate("Deployment", "web", MinimumReady=0))
    scene.daemon.expect_gate("web", "ready")


def test_statefulset(scene):
    w = workload("StatefulSet", "db", "db-0")
    scene.load("db", workload_gate("StatefulSet", "db"))
    scene.make(w, replicas=2)
    scene.pod(w)
    scene.up("db-0")
    scene.shut("db", "NoPods", "db")
    scene.pod(w, "db-1")
    scene.shut("db", "Pending", "db-1")
    scene.up("db-1")
    scene.open("db")
    scene.load("db", workload_gate("StatefulSet", "db", MinimumReady=1))
    scene.kubelet.container_dies("db-1")
    process.eventually(lambda: scene.daemon.gate("db")["readyObjects"] == 1, 5, 0.02, "one of two")
    scene.open("db")
    # Another uid under the same name is another pod, and nothing counts that was known about the old one.
    scene.rest.delete(f"{PODS}/db-0")
    scene.shut("db", "Unproven", "db-1")
    scene.pod(w)
    scene.up("db-0")
    scene.open("db")


def test_daemonset(scene):
    w = workload("DaemonSet", "agent", "agent-aaaaa")
    scene.load("agent", workload_gate("DaemonSet", "agent"))
    made = guide.controller(w)
    made["spec"]["template"]["spec"]["nodeSelector"] = {"edge/agent": "yes"}
    owner = scene.rest.create(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets", made)
    owner.setdefault("apiVersion", "apps/v1")
    scene.owners["agent"] = owner
    scene.shut("agent", "NoEligibleNode", "agent")
    scene.rest.patch(scene.kubelet.node_path, {"metadata": {"labels": {"edge/agent": "yes"}}})
    scene.shut("agent", "NoPods", "agent")
    # A namesake's pod is not its own.
    stranger = workload("DaemonSet", "agent-two", "agent-two-aaaaa")
    scene.make(stranger)
    scene.pod(stranger)
    scene.up("agent-two-aaaaa")
    scene.pod(w)
    scene.shut("agent", "Pending", "agent-aaaaa")
    scene.up("agent-aaaaa")
    scene.open("agent")
    scene.rest.patch(scene.kubelet.node_path, {"metadata": {"labels": {"edge/agent": None}}})
    scene.shut("agent", "NoEligibleNode", "agent")


def test_rollout(scene):
    """The API server counts a DaemonSet's templates. A shut gate wants pods of the newest, an open one takes any."""
    w = workload("DaemonSet", "roll", "roll-aaaaa")
    scene.load("roll", workload_gate("DaemonSet", "roll"))
    scene.make(w)
    scene.pod(w)
    scene.up(w.pod)
    scene.open("roll")
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/roll"
    template = {"spec": {"template": {"metadata": {"annotations": {"edge/again": "yes"}}}}}
    annotations = scene.rest.patch(path, template)["metadata"]["annotations"]
    assert annotations["deprecated.daemonset.template.generation"] == "2"
    time.sleep(1)
    scene.open("roll")
    scene.kubelet.container_dies(w.pod)
    scene.daemon.expect_gate("roll", "lost")
    scene.kubelet.container_restarts(w.pod)
    scene.shut("roll", "OldRevision", w.pod)

    # Kept on purpose, or good enough.
    scene.rest.patch(path, {"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}})
    scene.open("roll")
    scene.rest.patch(path, {"spec": {"updateStrategy": {"type": "RollingUpdate"}}})
    scene.load("old", workload_gate("DaemonSet", "roll", Revision="any"))
    scene.open("old")
    scene.load("new", workload_gate("DaemonSet", "roll"))
    scene.shut("new", "OldRevision", w.pod)

    # A StatefulSet's controller tells its newest revision.
    w = workload("StatefulSet", "rows", "rows-0")
    scene.make(w)
    scene.pod(w)
    scene.up(w.pod)
    status = {"replicas": 1, "updateRevision": "rows-77", "observedGeneration": 1}
    scene.rest.patch_status(f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/rows", status)
    scene.load("rows", workload_gate("StatefulSet", "rows"))
    scene.shut("rows", "OldRevision", w.pod)
    status["updateRevision"] = "rows-6b7f9d8c4"
    scene.rest.patch_status(f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/rows", status)
    scene.open("rows")


# [Pods]


def test_pods(scene):
    scene.load("labelled", gate("Pods", Namespace=NAMESPACE, Selector="tier in (front,back),!old"))
    scene.load("globbed", gate("Pods", Namespace=NAMESPACE, Name="cart-*"))
    scene.load("some", gate("Pods", Namespace=NAMESPACE, Name="cart-*", MinimumReady=1))
    for name in ("labelled", "globbed", "some"):
        scene.shut(name, "NoPods")

    def bare(name, **labels):
        scene.bare_pod(NAMESPACE, name, change=lambda pod: pod["metadata"].update(labels=labels))

    bare("cart-front", tier="front")
    bare("cart-back", tier="back")
    bare("cart-odd", tier="back", old="")
    scene.shut("labelled", "Pending", "cart-front")
    scene.up("cart-front")
    scene.open("some")
    scene.shut("labelled", "Pending", "cart-back")
    scene.up("cart-back")
    scene.open("labelled")
    scene.shut("globbed", "Pending", "cart-odd")
    # Done, as a Job's pods are in the end; and a Job's pod that fails says nothing here.
    scene.rest.patch_status(f"{PODS}/cart-odd", {"phase": "Succeeded"})
    scene.open("globbed")
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "cart-job", "uid": "2"}}
    made = guide.pod(workload("StatefulSet", "cart", "cart-job-x"), job)
    scene.kubelet.adopt([scene.rest.create(PODS, made)])
    scene.kubelet.pod_waiting("cart-job-x", "CrashLoopBackOff")
    bare("cart-new")
    scene.shut("globbed", "Pending", "cart-new")
    assert "cart-job-x" not in str(scene.daemon.gate("globbed"))
    scene.up("cart-new")
    scene.open("globbed")
    # Not scheduled: it has no node, and is a member all the same.
    scene.bare_pod(NAMESPACE, "cart-homeless", node=None)
    scene.shut("globbed", "Pending", "cart-homeless")
    scene.open("some")


# [Node]


def test_nodes(scene):
    scene.load("second", gate("Node", Name="edge-2"))
    scene.open("local")
    scene.shut("second", "NotFound", "edge-2")
    scene.load("all", gate("Node", Name="*"))
    scene.open("all")
    scene.rest.create("/api/v1/nodes", guide.node("edge-2"))
    scene.shut("all", "NotReady", "edge-2")
    scene.open("local")
    other = fakekubelet.FakeKubelet(scene.rest, scene.daemon.folder / "edge-2", node_name="edge-2")
    try:
        other.patch_node(ready=False)
        scene.shut("second", "KubeletNotReady", "edge-2")
        # Its Ready counts once it has shown a sign of life.
        other.patch_node()
        other.renew_lease()
        scene.open("second")
        scene.open("all")
        other.patch_node(ready=None)
        scene.shut("all", "NodeStatusUnknown", "edge-2")
    finally:
        scene.rest.delete("/api/v1/nodes/edge-2")
    scene.open("all")
    scene.shut("second", "NotFound", "edge-2")


# [Api]


def test_api_paths(scene):
    scene.load("livez", gate("Api", Path="/livez"))
    scene.load("etcd", gate("Api", Path="/readyz/etcd"))
    scene.load("nowhere", gate("Api", Path="/apis/nowhere.example.com/v1"))
    scene.open("livez")
    scene.open("etcd")
    process.eventually(lambda: "404" in str(scene.daemon.gate("nowhere")["blockers"]), 10, 0.02, "an answer")
    assert scene.daemon.gate("nowhere")["state"] == "waiting"


# [Condition]

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "certificates.cert-manager.io"},
    "spec": {
        "group": "cert-manager.io",
        "scope": "Namespaced",
        "names": {"plural": "certificates", "singular": "certificate", "kind": "Certificate"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}
CERTIFICATES = f"/apis/cert-manager.io/v1/namespaces/{NAMESPACE}/certificates"
CERTIFICATE = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web-tls"}, "spec": {}}


def issued(status, reason, message, generation=1):
    return {
        "conditions": [
            {"type": "Issuing", "status": "True"},
            {"type": "Ready", "status": status, "reason": reason, "message": message,
             "observedGeneration": generation},
        ]
    }


def test_condition_of_a_kind_that_is_not_there_yet(scene):
    """A certificate, with cert-manager beside it: a condition of an earlier boot does not count."""
    condition = gate("Condition", Resource="cert-manager.io/v1/certificates", Namespace=NAMESPACE, Name="web-tls",
                     Type="Ready")
    manager = workload("Deployment", "issuer", "issuer-6f5d8c7b9-aaaaa")
    before = scene.daemon.cpu_seconds()
    scene.load("certificate", condition + workload_gate("Deployment", "issuer"))
    scene.load("certificate-alone", condition)
    scene.shut("certificate", "NotFound", "web-tls")
    scene.shut("certificate-alone", "NotFound", "web-tls")

    scene.rest.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)
    process.eventually(lambda: scene.rest.create(CERTIFICATES, CERTIFICATE), 20, 0.1, "the CRD")
    scene.rest.patch_status(f"{CERTIFICATES}/web-tls", issued("True", "Ready", "up to date"))
    scene.daemon.expect_gate("certificate-alone", "ready", timeout=30)
    rows = scene.daemon.call("ListObjects", gate="certificate-alone")["objects"]
    assert [(row["object"]["name"], row["proof"]) for row in rows] == [("web-tls", "none")]
    # In this boot no controller has been seen that looks after it.
    scene.shut("certificate", "Unproven", "web-tls")

    scene.make(manager)
    scene.pod(manager)
    scene.up(manager.pod)
    # Streams are not ordered among each other: wait until the daemon knows the manager.
    process.eventually(
        lambda: [row["isReady"] for row in scene.daemon.call("ListObjects", gate="certificate")["objects"]
                 if row["object"]["name"] == manager.pod] == [True], 10, 0.02, "the manager"
    )
    scene.shut("certificate", "Unproven", "web-tls")
    assert scene.daemon.gate("certificate")["state"] == "waiting"
    scene.rest.patch_status(f"{CERTIFICATES}/web-tls", issued("False", "DoesNotExist", "the Secret is not there"))
    scene.shut("certificate", "DoesNotExist", "web-tls")
    assert "the Secret is not there" in str(scene.daemon.gate("certificate"))
    scene.rest.patch_status(f"{CERTIFICATES}/web-tls", issued("True", "Ready", "issued"))
    scene.open("certificate")
    scene.rest.patch_status(f"{CERTIFICATES}/web-tls", issued("Unknown", "Pending", "asking"))
    scene.shut("certificate", "Pending", "web-tls")
    scene.rest.patch_status(f"{CERTIFICATES}/web-tls", issued("True", "Ready", "issued"))
    scene.open("certificate")
    scene.rest.delete(f"{CERTIFICATES}/web-tls")
    scene.shut("certificate", "NotFound", "web-tls")
    assert scene.daemon.cpu_seconds() - before < 0.5, "a kind that is missing is not asked for in a loop"

    scene.rest.create(CERTIFICATES, CERTIFICATE)
    scene.rest.patch_status(f"{CERTIFICATES}/web-tls", issued("True", "Ready", "issued"))
    scene.open("certificate")
    scene.rest.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/certificates.cert-manager.io")
    process.eventually(lambda: "does not know" in str(scene.daemon.gate("certificate")), 20, 0.02, "a 404")
    scene.daemon.expect_gate("certificate", "lost")
    scene.shut("certificate", "NotFound", "web-tls")


def test_field(scene):
    """The phase of a volume claim, and a label with dots in its name."""
    claims = f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims"
    claim = dict(Resource="v1/persistentvolumeclaims", Namespace=NAMESPACE, Name="data")
    scene.load("volume", gate("Condition", **claim, Field="status.phase", Value="Bound"))
    label = r"metadata.labels.example\.com/tier"
    scene.load("label", gate("Condition", **claim, Field=label, Value="1"))
    scene.shut("volume", "NotFound", "data")
    scene.rest.create(claims, {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "labels": {"example.com/tier": "1"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    })
    scene.open("label")
    scene.shut("volume", "status.phase", "data")
    assert "status.phase is Pending" in str(scene.daemon.gate("volume"))
    scene.rest.patch_status(f"{claims}/data", {"phase": "Bound"})
    scene.open("volume")
