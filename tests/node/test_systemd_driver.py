# SPDX-License-Identifier: Apache-2.0
"""A real node whose containers live in slices and scopes that systemd makes, as CRI-O and MicroShift have it."""

import pytest

from harness import process
from node import watch

HOLD = 6
GRACE = 25
SCOPES = "/sys/fs/cgroup/systemd/kubepods.slice/kubepods-besteffort.slice"


@pytest.fixture(scope="module")
def node(make_real_node):
    made = make_real_node(f"[Readiness]\nHoldSec={HOLD}s\nUnknownSec={GRACE}s\n", driver="systemd")
    made.boot()
    made.deploy()
    made.wait_usable(240)
    return made


def scopes(node):
    """Container ID to the scope that is its group, of all containers that the API server names."""
    found = {}
    for line in node.output("find", SCOPES, "-mindepth", "2", "-type", "d").splitlines():
        name = line.rpartition("/")[2]
        found[name.removeprefix("cri-containerd-").removesuffix(".scope")] = name
    named = {i.partition("://")[2] for _, ids in node.pods().values() for i in ids if i}
    assert len(named) == 7 and named <= set(found) and not node.run("ls", "/sys/fs/cgroup/systemd/kubepods",
                                                                    check=False).stdout
    return {i: found[i] for i in named}


def blocked(node, gate):
    return {blocker["reason"] for blocker in node.gate(gate)["blockers"]}


def wait_ready(node):
    def ready():
        told = node.describe()
        return told["verdict"]["state"] == "ready" and not any(g["blockers"] for g in told["gates"] if g["required"])

    process.eventually(ready, 90, 0.3, "a usable cluster")


@pytest.mark.parametrize("cut", [True, False], ids=["power-cut", "clean"])
def test_a_boot(node, cut):
    watch.reboot(node, cut)
    assert all(node.state(scope) == "active" for scope in scopes(node).values())


def test_a_scope_is_killed(node):
    before = len(node.query("timeline")["transitions"])
    dead, = node.pods()["ovnkube-node"][1]
    node.systemctl("kill", "--signal=KILL", scopes(node)[dead.partition("://")[2]])
    process.eventually(lambda: blocked(node, "ovn"), 15, 0.02, "a gap")
    process.eventually(lambda: node.pods()["ovnkube-node"][1] not in ({dead}, {None}), 20, 0.2, "another container")
    wait_ready(node)
    assert scopes(node)
    edges = [t for t in node.query("timeline")["transitions"][before:] if "object" not in t]
    # Whether it was back within the hold is the kubelet's business, which has started it twice by now.
    assert [t["to"] for t in edges if t.get("gate") == "ovn"] in ([], ["lost", "ready"])
    assert not {t.get("gate") for t in edges} & {"node", "dns", "api"}


def test_all_pods_are_stopped_while_the_api_is_away(node):
    node.systemctl("stop", "lab-kubelet.service")
    node.systemctl("stop", "lab-apiserver.service")
    process.eventually(lambda: "ApiUnreachable" in blocked(node, "api"), 30, 0.1, "ApiUnreachable")
    # As the administrator is told to do it.
    node.systemctl("stop", "--no-block", "kubepods.slice")
    for gate in ("ovn", "dns"):
        process.eventually(lambda: node.gate(gate)["state"] == "lost", GRACE, 0.2, f"{gate} is lost")
    node.systemctl("start", "lab-apiserver.service", "lab-kubelet.service")
    wait_ready(node)
