# SPDX-License-Identifier: Apache-2.0
"""Rollouts that are stuck, and DaemonSets that want another node: what the daemon looks at must reach the rules."""

import time

from harness import guide, process

ROUTER = guide.workload("router-default")
BASE = f"/apis/apps/v1/namespaces/{ROUTER.namespace}"
REVISION = "deployment.kubernetes.io/revision"
INGRESS = {"Readiness": {"Require": "+ingress", "HoldSec": "1s", "UnknownSec": "8s"}}
OVN = guide.workload("ovnkube-master").namespace


def roll_out(edge, name, revision):
    """The Deployment gets a newer revision, whose pod's image cannot be pulled; the pod of the old one stays."""
    rest = edge.server.rest
    deployment = rest.patch(f"{BASE}/deployments/{ROUTER.name}", {"metadata": {"annotations": {REVISION: revision}}})
    deployment.setdefault("apiVersion", "apps/v1")
    deployment.setdefault("kind", "Deployment")
    made = guide.replica_set(ROUTER, deployment)
    made["metadata"]["name"] = name.rsplit("-", 1)[0]
    made["metadata"]["annotations"] = {REVISION: revision}
    owner = rest.create(f"{BASE}/replicasets", made)
    owner.setdefault("apiVersion", "apps/v1")
    owner.setdefault("kind", "ReplicaSet")
    pod = rest.create(f"/api/v1/namespaces/{ROUTER.namespace}/pods", guide.pod(ROUTER, owner, name=name))
    edge.kubelet.adopt([pod])
    edge.kubelet.pod_waiting(name, "ImagePullBackOff", 'Back-off pulling image "quay.io/x"')


def blockers(edge, gate="ingress"):
    return [(b["object"]["name"], b["reason"]) for b in edge.daemon.gate(gate)["blockers"]]


STUCK = [("router-default-7d9-bbbbb", "ImagePullBackOff"), (ROUTER.pod, "OldRevision")]


def test_stuck_at_boot(edge):
    """No READY=1 for a boot whose update does not come up, although the version before serves."""
    edge.up()
    edge.kubelet.start_heartbeat(0.3)
    roll_out(edge, "router-default-7d9-bbbbb", "2")
    edge.start(config=INGRESS)
    edge.daemon.expect_gate("dns", "ready")
    process.eventually(lambda: blockers(edge) == STUCK, 10, 0.02, "the rollout")
    edge.expect_settled()
    time.sleep(0.5)
    assert not edge.daemon.is_ready and edge.daemon.verdict() == "waiting"
    listed = edge.daemon.call("ListObjects", gate="ingress")["objects"]
    assert len(listed) == 3 and not any(o["isReady"] for o in listed)

    # A restart of the daemon changes nothing about it.
    edge.daemon.restart()
    process.eventually(lambda: blockers(edge) == STUCK, 15, 0.02, "the rollout")
    assert not edge.daemon.is_ready
    edge.kubelet.pod_up("router-default-7d9-bbbbb")
    edge.expect_ready()
    assert blockers(edge) == []


def test_stuck_in_a_running_cluster(edge):
    """It shuts nothing while enough pods serve, also over a restart of the daemon."""
    edge.up()
    edge.start(config=INGRESS)
    edge.expect_ready()
    roll_out(edge, "router-default-7d9-bbbbb", "2")
    edge.expect_steady(2)
    assert edge.daemon.gate("ingress")["state"] == "ready"
    mark = edge.daemon.notify.mark()
    edge.daemon.restart()
    edge.kubelet.start_heartbeat(0.3)
    edge.daemon.expect_notify("READY=1", 15, mark)
    assert edge.daemon.gate("ingress")["state"] == "ready"
    listed = edge.daemon.call("ListObjects", gate="ingress")["objects"]
    ready = {o["object"]["name"]: o["isReady"] for o in listed}
    assert ready == {"router-default": True, ROUTER.pod: True, "router-default-7d9-bbbbb": False}
    # Lost, it waits for the newest.
    edge.kubelet.container_dies("router-default-6c8b458f6-zw6n2")
    edge.daemon.expect_gate("ingress", "lost")
    edge.kubelet.container_restarts("router-default-6c8b458f6-zw6n2")
    process.eventually(lambda: blockers(edge) == STUCK, 10, 0.02, "the rollout")
    time.sleep(1.5)
    assert edge.daemon.gate("ingress")["state"] == "lost"


def test_a_worker(edge):
    """A DaemonSet that wants other nodes keeps no gate of this one shut, nor does one that a taint keeps off it."""
    rest = edge.server.rest
    path = f"/apis/apps/v1/namespaces/{OVN}/daemonsets/ovnkube-master"
    edge.server.delete("pods", OVN, guide.workload("ovnkube-master").pod)
    rest.patch(path, {"spec": {"template": {"spec": {"nodeSelector": {"no": "node"}}}}})
    edge.kubelet.new_boot_node()
    for w in guide.REQUIRED[1:]:
        edge.kubelet.pod_up(w)
    edge.start()
    edge.expect_ready()
    names = {o["object"]["name"] for o in edge.daemon.call("ListObjects", gate="ovn")["objects"]}
    assert names == {"ovnkube-node", guide.workload("ovnkube-node").pod}

    # It wants this node: its pod is missing.
    rest.patch(path, {"spec": {"template": {"spec": {"nodeSelector": {"no": None}, "tolerations": []}}}})
    edge.expect_reason("NoPods", "ovn")
    edge.daemon.expect_gate("ovn", "lost")
    # A taint of the node's state keeps it wanted, and is told.
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    rest.patch(edge.kubelet.node_path, {"spec": {"taints": [taint]}})
    process.eventually(lambda: "see the gate node" in edge.daemon.gate("ovn")["blockers"][0].get("hint", ""), 10, 0.02)
    # The administrator's does not.
    rest.patch(edge.kubelet.node_path, {"spec": {"taints": [{"key": "own", "effect": "NoSchedule"}]}})
    edge.daemon.expect_gate("ovn", "ready")
