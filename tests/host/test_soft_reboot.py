# SPDX-License-Identifier: Apache-2.0
"""A soft-reboot: another userspace under the same kernel, boot ID and /run. Everything that the API server serves has
this boot's ID, and every container is dead."""

import json
import subprocess
import time

from harness import guide, process
from host import node as _node
from host import runtime, standin

# What is bound into the host is gone after it.
CONFIG = _node.REAL_CGROUPS.replace("MachineIdFile=/lab/machine-id\n", "")
EDGE = {"edge.service": standin.application("edge", "After=microshift-ready.target",
                                            "WantedBy=microshift-ready.target")}


def userspace(node):
    """Since when, in microseconds; 0 while systemd does not answer."""
    asked = "systemctl", "show", "--value", "-p", "UserspaceTimestampMonotonic"
    try:
        # A question asked while systemd goes down may wait for ever.
        return int(node.host.output(*asked, check=False, timeout=5) or 0)
    except subprocess.TimeoutExpired:
        return 0


def record(node, other_than=None):
    """This boot's line, the only one, and not that one. It is written after READY=1."""

    def written():
        text = node.host.output("cat", "/var/lib/msready/boots.jsonl", check=False)
        return [boot for boot in map(json.loads, text.splitlines()) if boot != other_than]

    boot, = process.eventually(written, 10, 0.1, "the boot's line")
    assert boot["bootId"].replace("-", "") == node.kubelet.boot_id.replace("-", "")
    return boot


def transitions(node):
    return json.loads(node.msready("timeline", "--json=short", check=True).stdout)["transitions"]


def soft_reboot(node):
    """Returns when systemd of the new userspace answers."""
    before, boot_id = userspace(node), node.kubelet.boot_id
    # It does not always answer before it goes.
    try:
        node.host.systemctl("soft-reboot", check=False, timeout=20)
    except subprocess.TimeoutExpired:
        pass
    process.eventually(lambda: userspace(node) > before, 60, 0.1, "another userspace")
    assert node.host.output("cat", "/proc/sys/kernel/random/boot_id") == boot_id


def blocked_by(node, *wanted):
    """The required gates by name, once each of these is blocked by that reason alone."""
    told = {gate["name"]: gate for gate in node.describe()["gates"] if gate["required"]}
    for name, reason in zip(wanted[::2], wanted[1::2]):
        if {blocker["reason"] for blocker in told[name]["blockers"]} != {reason}:
            return None
    return told


def usable(node, run):
    node.kubelet.start_heartbeat()
    for name in guide.REQUIRED:
        assert node.host.state("msready.service") == "activating"
        assert node.host.state("edge.service") == "inactive"
        node.kubelet.pod_up(name)
        run.start(name)
    node.expect_ready()
    node.host.wait_active("edge.service")


def test_nothing_is_believed_of_the_userspace_before(make_node_of):
    node = make_node_of("trixie", units=EDGE, enable=["edge.service"], config=CONFIG).boot()
    run = runtime.Runtime(node)
    try:
        node.kubelet.new_boot_node()
        usable(node, run)
        first = record(node)
        assert all(gate["state"] == "ready" for gate in node.describe()["gates"] if gate["required"])

        node.kubelet.stop_heartbeat()
        soft_reboot(node)
        # The node and its pods are Ready=True, all with this boot's ID. No sign of life, and no container.
        told = process.eventually(lambda: blocked_by(node, "node", "KubeletSilent", "ovn", "Unproven"), 60, 0.1, "why")
        for name in ("node", "ovn", "dns"):
            assert told[name]["state"] == "waiting" and "firstReadyBoottimeUSec" not in told[name]
        assert all(t["boottimeUSec"] > userspace(node) for t in transitions(node))

        usable(node, run)
        second = record(node, first)
        assert second["startedRealtimeUSec"] > first["startedRealtimeUSec"] + first["readyUSec"]
        assert second["readyUSec"] <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1000 - userspace(node)
        # And a restart in the new one loses nothing.
        since = node.gate("dns")["changedBoottimeUSec"]
        node.host.systemctl("restart", "msready.service")
        node.expect_ready()
        assert node.gate("dns")["changedBoottimeUSec"] == since
    finally:
        run.close()
