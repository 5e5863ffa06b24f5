# SPDX-License-Identifier: Apache-2.0
"""Each gate that ships, on the real API server: shut, open, lost, and open again."""

import configparser

import pytest

from harness import fakekubelet, guide, process, stage

SHIPPED = {path.stem: path.read_text() for path in sorted((process.REPOSITORY / "units/gates").glob("*.gate"))}
EVERYTHING = guide.WORKLOADS + guide.OPTIONAL + guide.COMMUNITY

# Their conditions ask for files of the host. What they check is left as it ships.
NO_CONDITIONS = "[Gate]\nConditionPathExists=\nConditionMicroShift=\n"


def checks(gate):
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(SHIPPED[gate])
    return [(section.split()[0], dict(parser[section])) for section in parser.sections() if section != "Gate"]


def workloads(gate):
    """The objects of the gate's checks, read from its file and not repeated here."""
    found = []
    for kind, keys in checks(gate):
        if kind == "Workload":
            found += [w for w in EVERYTHING
                      if (w.kind, w.namespace, w.name) == (keys["kind"], keys["namespace"], keys["name"])]
        elif kind == "Pods":
            found += [w for w in EVERYTHING if w.namespace == keys["namespace"] and "selector" not in keys]
    return found


class Scene(stage.Stage):
    """The daemon sees everything, because it starts before the API server."""

    def __init__(self, folder):
        gates = dict(SHIPPED)
        gates.update({f"{name}.gate.d/test.conf": NO_CONDITIONS for name in SHIPPED})
        super().__init__(folder, config={"Readiness": {"HoldSec": "400ms", "UnknownSec": "2s"}}, gates=gates)

    def start(self):
        self.daemon.start()
        return self


@pytest.fixture(scope="module")
def scene(built, tmp_path_factory):
    yield from stage.play(Scene(tmp_path_factory.mktemp("gates")))


def blocked(daemon, gate):
    """{object's name: reason} of the gate's own blockers."""
    return {name: reason for of, name, reason in daemon.blockers(gate) if of == gate}


def expect_blocker(daemon, gate, name, reason, timeout=10):
    process.eventually(lambda: blocked(daemon, gate).get(name) == reason, timeout, 0.02,
                       f"{gate} blocked by {name}: {reason}, not {blocked(daemon, gate)}")


# In the order of the file: one scene, which goes on from test to test.


def test_everything_is_shut_without_an_api_server(scene):
    gates = {g["name"]: g for g in scene.daemon.describe()["gates"]}
    assert sorted(gates) == sorted(SHIPPED) and len(gates) == 21
    for name, gate in gates.items():
        assert gate["state"] == "waiting", name
    expect_blocker(scene.daemon, "api", "/readyz", "ApiUnreachable")
    assert {name for name, gate in gates.items() if gate["required"]} == {
        "api", "node", "ovn", "dns", "kindnet", "kube-proxy"}


def test_everything_is_missed_in_an_empty_cluster(scene):
    scene.cluster.start()
    daemon = scene.daemon
    daemon.expect_gate("api", "ready", timeout=30)
    expect_blocker(daemon, "node", "local", "NodeNotRegistered")
    for gate in SHIPPED:
        for kind, keys in checks(gate):
            if kind == "Workload":
                expect_blocker(daemon, gate, keys["name"], "NotFound")
    expect_blocker(daemon, "storage", "*", "NodeNotRegistered")


def test_everything_waits_for_its_pods(scene):
    scene.kubelet.adopt(guide.create_all(scene.cluster.admin, workloads=EVERYTHING))
    daemon = scene.daemon
    # The state that an earlier boot left behind.
    scene.kubelet.patch_node(boot_id=fakekubelet.new_boot_id(), ago=86400)
    for w in EVERYTHING:
        scene.kubelet.pod_status(w.pod, alive=False, ago=86400)
    expect_blocker(daemon, "node", guide.NODE, "StaleBoot")
    for gate in SHIPPED:
        for w in workloads(gate):
            expect_blocker(daemon, gate, w.pod, "Unproven")
    for w in EVERYTHING:
        scene.kubelet.pod_waiting(w.pod)
    for gate in SHIPPED:
        for w in workloads(gate):
            expect_blocker(daemon, gate, w.pod, "ContainerCreating")
            assert daemon.gate(gate)["state"] == "waiting"
    assert not daemon.is_ready


def test_node(scene):
    daemon, kubelet = scene.daemon, scene.kubelet
    kubelet.new_boot_node(ready=False)
    expect_blocker(daemon, "node", guide.NODE, "KubeletNotReady")
    assert daemon.gate("node")["state"] == "waiting"
    kubelet.new_boot_node()
    daemon.expect_gate("node", "ready")
    with daemon.varlink(30) as subscriber:
        # The hold is short: polling could miss it.
        told = subscriber.more("io.msready.Readiness.Monitor", {"gates": ["node"]})
        next(told)
        kubelet.patch_node(ready=False)
        assert any(gate.get("clock") == "hold" for reply in told for gate in reply["gates"])
    daemon.expect_gate("node", "lost")
    blocker = daemon.gate("node")["blockers"][0]
    assert "No CNI configuration file" in blocker["message"] and "ovnkube-master" in blocker["hint"]
    kubelet.new_boot_node()
    daemon.expect_gate("node", "ready")


@pytest.mark.parametrize("gate", [name for name in SHIPPED if workloads(name)])
def test_gate(scene, gate):
    daemon, kubelet = scene.daemon, scene.kubelet
    pods = [w.pod for w in workloads(gate)]
    assert pods and daemon.gate(gate)["state"] == "waiting"

    # Shut until the last one of its pods is ready, and proven.
    for pod in pods:
        kubelet.pod_started(pod)
        process.eventually(lambda pod=pod: blocked(daemon, gate).get(pod) != "ContainerCreating", 10, 0.02, pod)
        assert daemon.gate(gate)["state"] == "waiting"
        expect_blocker(daemon, gate, pod, "ContainersNotReady")
        kubelet.pod_ready(pod)
    daemon.expect_gate(gate, "ready")
    told = daemon.gate(gate)
    assert told["blockers"] == [] and told["totalObjects"] >= told["readyObjects"] >= len(pods)

    # The daemon sees a container's death before the kubelet reports it.
    kubelet.container_dies(pods[-1])
    expect_blocker(daemon, gate, pods[-1], "Unproven")
    daemon.expect_gate(gate, "lost")
    kubelet.container_restarts(pods[-1])
    daemon.expect_gate(gate, "ready")

    # So is what the kubelet reports.
    kubelet.pod_ready(pods[0], ready=False)
    expect_blocker(daemon, gate, pods[0], "ContainersNotReady")
    daemon.expect_gate(gate, "lost")
    kubelet.pod_ready(pods[0])
    daemon.expect_gate(gate, "ready")


def test_all_of_them_make_ready(scene):
    scene.daemon.expect_notify("READY=1")
    assert len(scene.daemon.notified("READY=1")) == 1
    process.eventually(lambda: scene.daemon.blockers() == [], 10, 0.05, "no blockers")


def test_api(scene):
    """The gate of the API server is never lost: while the server does not answer, it is unknown."""
    daemon = scene.daemon
    scene.cluster.kill()
    expect_blocker(daemon, "api", "/readyz", "ApiUnreachable")
    for gate in SHIPPED:
        daemon.expect_gate(gate, "unknown")
    daemon.expect_status("^unknown since .* api: ApiUnreachable")
    scene.cluster.start()
    daemon.expect_gate("api", "ready", timeout=30)
    # A Lease that is renewed before it is watched is no sign of life: the kubelet goes on renewing it.
    process.eventually(lambda: scene.kubelet.renew_lease() and daemon.gate("node")["state"] == "ready", 20, 0.3)
    for gate in SHIPPED:
        daemon.expect_gate(gate, "ready")
    assert len(daemon.notified("READY=1")) == 1
