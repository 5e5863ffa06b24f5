# SPDX-License-Identifier: Apache-2.0
"""READY, STATUS and RESTARTS as kubectl prints them, compared with ours on the same objects.

The objects are generated: hundreds of pods with every mixture of container states, among them many that no kubelet
would write. The seed is fixed, and named where a test fails.
"""

import json
import random
import re
import subprocess
import time

import pytest

from harness import fakekubelet, process

SEED = 20240917
PODS = 400
NAMESPACE = "columns"
PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"

WAITING = (
    "",
    "ContainerCreating",
    "PodInitializing",
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
)
PHASES = ("Pending", "Running", "Running", "Running", "Succeeded", "Failed", "Unknown")
ENDED = ("", "Completed", "Error", "OOMKilled", "ContainerStatusUnknown")
# Seconds ago, on either side of each step of kubectl's ages, and ahead of the clock.
AGES = (1, 118, 121, 130, 599, 605, 3590, 10810, 28795, 28900, 172700, 176500, 691300, 800000, 64000000, -5, -4000)


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def often(self, probability):
        return self.random.random() < probability

    def ended(self):
        state = {
            "reason": self.random.choice(ENDED),
            "exitCode": self.random.choice((0, 0, 1, 2, 137, 143)),
            "signal": self.random.choice((0, 0, 0, 9, 15)),
            "startedAt": fakekubelet.now(90000000),
            "finishedAt": fakekubelet.now(self.random.choice(AGES)),
        }
        if self.often(0.3):
            state["message"] = "what it said last"
        return state

    def status(self, container, mostly_well):
        running = {"running": {"startedAt": fakekubelet.now(100)}}
        waiting = {"waiting": {"reason": self.random.choice(WAITING), "message": "why it waits"}}
        states = [running, running, waiting, {"terminated": self.ended()}, {}]
        state = running if mostly_well and self.often(0.8) else self.random.choice(states)
        status = {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": "running" in state and self.often(0.7) or self.often(0.1),
            "restartCount": self.random.choice((0, 0, 0, 1, 2, 17)),
            "state": state,
        }
        started = self.random.choice((True, True, False, None))
        if started is not None:
            status["started"] = started
        if "running" in state:
            status["containerID"] = "cri-o://" + fakekubelet.new_container_id()
        if self.often(0.4):
            status["lastState"] = {"terminated": self.ended()}
        return status

    def statuses(self, containers, mostly_well):
        """In any order, and with some missing."""
        made = [self.status(c, mostly_well) for c in containers if self.often(0.95)]
        if self.often(0.3):
            self.random.shuffle(made)
        return made

    def conditions(self, gated):
        made = []
        for kind in ("Initialized", "Ready", "ContainersReady"):
            value = self.random.choice(("True", "True", "False", "Unknown", None))
            if value:
                made.append({"type": kind, "status": value, "reason": "" if value == "True" else "ContainersNotReady"})
        if gated:
            made.append({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"})
        return made

    def pod(self, number):
        """A pod, its status, and whether it is being deleted."""
        def container(name):
            return {"name": name, "image": f"quay.io/test/{name}:1"}

        names = self.random.sample("abcdefgh", self.random.choice((1, 1, 2, 3, 4)))
        init = [container(f"init-{i}") for i in range(self.random.choice((0, 0, 1, 2, 3)))]
        for made in init:
            if self.often(0.5):
                made["restartPolicy"] = "Always"
        gated = self.often(0.04)
        spec = {"containers": [container(n) for n in names], "initContainers": init}
        if gated:
            spec["schedulingGates"] = [{"name": "test.example.com/gate"}]
        elif self.often(0.9):
            spec["nodeName"] = "somewhere"

        well = self.often(0.4)
        status = {
            "phase": self.random.choice(PHASES),
            "conditions": self.conditions(gated),
            "initContainerStatuses": self.statuses(init, well),
            "containerStatuses": self.statuses(spec["containers"], well),
        }
        if self.often(0.7):
            for made in status["initContainerStatuses"]:
                if self.often(0.8):
                    made["state"] = {"terminated": {**self.ended(), "exitCode": 0, "reason": "Completed"}}
        if self.often(0.08) and len(status["containerStatuses"]) > 1:
            # A container is done, the others run: words that chance alone would seldom make.
            for made in status["containerStatuses"]:
                made.update(state={"running": {}}, ready=True)
            status["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 0, "reason": "Completed"}}
        if self.often(0.08) and status["initContainerStatuses"]:
            status["initContainerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        if self.often(0.08):
            status["reason"] = self.random.choice(("Evicted", "NodeLost", "NodeAffinity", "Shutdown"))
            status["message"] = "the pod's own words"
        # The finalizer keeps a pod that is deleted.
        metadata = {"name": f"p{number:04}", "finalizers": ["test.example.com/keep"]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        return pod, status, self.often(0.12)

    def node(self, number):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{number}"}}
        node["spec"] = {"unschedulable": True} if number % 2 else {}
        value = (None, "True", "False", "Unknown")[number // 2 % 4]
        return node, {"conditions": [{"type": "Ready", "status": value, "reason": "Why"}] if value else []}


def ours(objects, kind, second=0):
    """Our columns by name, in the middle of that second."""
    lines = "".join(json.dumps({**o, "kind": kind}) + "\n" for o in objects)
    done = subprocess.run(
        [str(process.build_folder() / "tests/cluster/columns"), str(second * 1000000 + 500000)],
        input=lines,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {row[1]: row[2:5] for row in (line.split("\t") for line in done.stdout.splitlines())}


def kubectls(cluster, kind, *words):
    """kubectl's rows by name. A blank stands within a column, two or more between columns."""
    text = cluster.kubectl("get", kind, "--no-headers", *words).stdout
    return {row[0]: row for row in (re.split(r" {2,}", line.strip()) for line in text.splitlines())}


@pytest.fixture(scope="module")
def pods(cluster):
    generator = Generator(SEED)
    cluster.admin.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    for number in range(PODS):
        pod, status, deleting = generator.pod(number)
        cluster.admin.create(PATH, pod)
        path = f"{PATH}/{pod['metadata']['name']}"
        cluster.admin.patch_status(path, status)
        if deleting:
            cluster.admin.delete(path, grace=30)
    return cluster.admin.list(PATH)


def test_pods(cluster, pods):
    assert len(pods) == PODS
    for _ in range(5):
        # Ages are in whole seconds: the answer should lie within one. A busy machine takes longer, and each row is of
        # a second on the way.
        before = int(time.time())
        theirs = kubectls(cluster, "pods", "-n", NAMESPACE)
        after = int(time.time())
        if after == before:
            break
    mine = [ours(pods, "Pod", second) for second in range(before, after + 1)]
    wrong = {name: ([m.get(name) for m in mine], row[1:4]) for name, row in theirs.items()
             if row[1:4] not in [m.get(name) for m in mine]}
    assert not wrong, f"seed {SEED}: ours and kubectl's differ in {len(wrong)} of {len(theirs)}: {wrong}"
    assert len(theirs) == PODS


def test_pods_are_of_many_kinds(pods):
    """The generated objects cover the corner cases; else the test above would prove little."""
    said = ours(pods, "Pod", int(time.time()))
    words = {status for _, status, _ in said.values()}
    expected = {
        "Running",
        "Completed",
        "Error",
        "CrashLoopBackOff",
        "Init:CrashLoopBackOff",
        "Init:0/1",
        "Init:1/2",
        "Terminating",
        "NotReady",
        "SchedulingGated",
        "Evicted",
    }
    assert expected <= words, expected - words
    for pattern in (r"^Signal:", r"^ExitCode:", r"^Init:ExitCode:"):
        assert any(re.match(pattern, word) for word in words), (pattern, words)
    assert any("<invalid> ago" in restarts for _, _, restarts in said.values())
    assert len({restarts for _, _, restarts in said.values()}) > 20


def test_nodes(cluster):
    generator = Generator(SEED)
    for number in range(8):
        node, status = generator.node(number)
        cluster.admin.create("/api/v1/nodes", node)
        cluster.admin.patch_status(f"/api/v1/nodes/{node['metadata']['name']}", status)
    theirs = {name: row[1] for name, row in kubectls(cluster, "nodes").items()}
    mine = {name: row[1] for name, row in ours(cluster.admin.list("/api/v1/nodes"), "Node").items()}
    assert mine == theirs and len(theirs) == 8
