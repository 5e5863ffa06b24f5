# SPDX-License-Identifier: Apache-2.0
"""A real node whose containers live in slices and scopes that systemd makes, which on a unified host is MicroShift's
own layout. msreadyd looks at them from its sandbox, which is of full strength there."""

import pytest

from harness import process
from node import watch

HOLD = 6
GRACE = 25
CONFIG = f"[Readiness]\nHoldSec={HOLD}s\nUnknownSec={GRACE}s\n"


def boot(node):
    node.boot()
    node.deploy()
    node.wait_usable(240)
    return node


@pytest.fixture(scope="module")
def node(make_real_node):
    made = boot(make_real_node(CONFIG, driver="systemd", unified=True))
    assert made.output("stat", "-fc", "%T", "/sys/fs/cgroup") == "cgroup2fs"
    return made


def scopes(node):
    """Container ID to the scope that is its group, of all containers that the API server names."""
    root = "/sys/fs/cgroup" + ("" if node.unified else "/systemd")
    slices = node.output("find", f"{root}/kubepods.slice/kubepods-besteffort.slice", "-mindepth", "2", "-type", "d")
    found = {}
    for line in slices.splitlines():
        name = line.rpartition("/")[2]
        found[name.removeprefix("cri-containerd-").removesuffix(".scope")] = name
    named = {i.partition("://")[2] for _, ids in node.pods().values() for i in ids if i}
    if len(named) != 7 or not named <= set(found):
        # Ask again while one is restarting.
        raise LookupError(f"{named} are not all of {found}")
    assert node.run("ls", f"{root}/kubepods", check=False).returncode
    return {i: found[i] for i in named}


def scope_of(node, name):
    container_id, = node.pods()[name][1]
    return scopes(node)[container_id.partition("://")[2]]


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


def test_a_scope_is_killed_and_nobody_says_so(node):
    before = len(node.query("timeline")["transitions"])
    dead = scope_of(node, "ovnkube-node")
    # Stopped for good it would not start again beside its slices, where these have no controllers.
    node.systemctl("kill", "--signal=STOP", "lab-kubelet.service")
    node.systemctl("kill", "--signal=KILL", dead)
    process.eventually(lambda: blocked(node, "ovn") == {"Unproven"}, 15, 0.05, "the kernel's word")
    assert all(ready for ready, _ in node.pods().values()), "by the API server's word"
    assert not blocked(node, "dns")
    node.systemctl("kill", "--signal=CONT", "lab-kubelet.service")
    wait_ready(node)
    assert scope_of(node, "ovnkube-node") != dead
    edges = [t for t in node.query("timeline")["transitions"][before:] if "object" not in t]
    # Whether it was back within the hold is the kubelet's business.
    assert [t["to"] for t in edges if t.get("gate") == "ovn"] in ([], ["lost", "ready"])
    assert not {t.get("gate") for t in edges} & {"node", "dns", "api"}


def test_all_pods_are_stopped_while_the_api_is_away(node):
    node.systemctl("stop", "lab-kubelet.service")
    node.systemctl("stop", "lab-apiserver.service")
    process.eventually(lambda: "ApiUnreachable" in blocked(node, "api"), 30, 0.1, "ApiUnreachable")
    # As the hint tells the administrator.
    node.systemctl("stop", "--no-block", "kubepods.slice")
    for gate in ("ovn", "dns"):
        process.eventually(lambda: node.gate(gate)["state"] == "lost", GRACE, 0.2, f"{gate} is lost")
    node.systemctl("start", "lab-apiserver.service", "lab-kubelet.service")
    wait_ready(node)


def test_version_1(make_real_node):
    node = boot(make_real_node(CONFIG, driver="systemd"))
    watch.reboot(node, True)
    dead = scope_of(node, "ovnkube-node")
    before = len(node.query("timeline")["transitions"])
    node.systemctl("kill", "--signal=KILL", dead)
    # A gap, which may be over before the test looks.
    process.eventually(lambda: [t for t in node.query("timeline")["transitions"][before:]
                                if t.get("gate") == "ovn" and t["to"] == "lost"], 30, 0.2, "a gap")
    process.eventually(lambda: node.pods()["ovnkube-node"][0] and scope_of(node, "ovnkube-node") != dead, 30, 0.2,
                       "another container")
    wait_ready(node)
