# SPDX-License-Identifier: Apache-2.0
"""What lives on the host, while the API server tells nothing, or something else."""

import shutil
import time

import pytest

from harness import fake_cues, process
from harness.fakekubelet import Cgroups, new_container_id


def lay_out(edge, **options):
    """The edge's cgroups are of another sort."""
    edge.kubelet.cgroups = Cgroups(edge.kubelet.folder / "groups", **options)
    edge.kubelet.scheme = "cri-o://" if edge.kubelet.cgroups.runtime == "crio" else "containerd://"


def start(edge, hold, unknown, **host):
    """A cluster that is ready, each pod with a sandbox where the runtime gives it a process."""
    edge.up()
    if edge.kubelet.cgroups.runtime == "containerd":
        for name in list(edge.kubelet.pods):
            edge.kubelet.cgroups.start_sandbox(edge.kubelet.find(name))
    edge.start(config={"Readiness": {"HoldSec": hold, "UnknownSec": unknown}, "Host": host})
    edge.expect_ready()
    edge.expect_settled()


def refuse_pods(server):
    server.cue("watch", "pods", times=None, **fake_cues.forbidden())
    server.cue("list", "pods", times=None, **fake_cues.forbidden())
    server.end_streams("eof", "pods")


def expect_kept_open(edge, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert edge.daemon.gate("dns")["state"] == "ready", edge.daemon.gate("dns")
        time.sleep(0.1)


@pytest.mark.parametrize("silence, version, runtime", [
    ("readyz", "v2", "crio"), ("readyz", "v1", "containerd"), ("pods", "v2", "containerd")])
def test_restarted_unknown_to_the_api(edge, silence, version, runtime):
    """The kubelet starts a container again and cannot say so: all containers run, and the gate stays open; also over
    the daemon's own restart. Its successor's death is seen."""
    kubelet, server = edge.kubelet, edge.server
    lay_out(edge, version=version, runtime=runtime)
    start(edge, "4s", "60s")
    if silence == "readyz":
        server.ready = False
        server.end_streams("reset")
        edge.expect_reason("ApiNotReady")
    else:
        refuse_pods(server)
        edge.expect_reason("Forbidden", "dns")
    kubelet.container_dies("dns-default", remove=True)
    new = kubelet.container_starts_again("dns-default")
    expect_kept_open(edge, 14 if version == "v1" else 5)
    edge.daemon.restart()
    expect_kept_open(edge, 5)
    kubelet.cgroups.die(kubelet.find("dns-default"), new)
    edge.daemon.expect_gate("dns", "lost", 20)

    server.ready = True
    server.clear_cues()
    new = kubelet.container_starts_again("dns-default")
    kubelet.container_restarts("dns-default", container_id=new)
    process.eventually(lambda: kubelet.renew_lease() is None or edge.daemon.gate("dns")["state"] == "ready", 30, 0.3)


@pytest.mark.parametrize("restart", [False, True])
def test_sandbox_is_no_successor(edge, restart):
    """A container dies for good, and its pod's sandbox lives on: that is FALSE."""
    lay_out(edge, runtime="containerd")
    start(edge, "2s", "60s")
    edge.server.stop_serving()
    edge.expect_reason("ApiUnreachable")
    if restart:
        edge.daemon.restart()
    edge.kubelet.container_dies("dns-default")
    edge.daemon.expect_gate("dns", "lost")


def test_v1_while_the_stream_of_pods_is_refused(edge):
    """There the kernel tells nothing: the daemon looks, though the API server is ready."""
    lay_out(edge, version="v1")
    start(edge, "1s", "120s")
    refuse_pods(edge.server)
    edge.expect_reason("Forbidden", "dns")
    edge.kubelet.container_dies("dns-default")
    edge.daemon.expect_gate("dns", "lost", 20)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("driver", ["systemd", "cgroupfs"])
def test_below_another_parent(edge, driver, version):
    """The kubelet's --cgroup-root=/kubelet."""
    lay_out(edge, version=version, driver=driver, parent="kubelet")
    start(edge, "1s", "60s")
    edge.kubelet.container_dies("dns-default", report=version == "v1")
    edge.daemon.expect_gate("dns", "lost")


def test_root_that_the_kubelet_makes(edge):
    """CgroupRoot= names the parent, which is not there when the daemon starts."""
    lay_out(edge, parent="kubelet")
    root = edge.kubelet.cgroups.root / "kubelet.slice"
    edge.kubelet.previous_boot()
    edge.kubelet.new_boot_node()
    edge.start(config={"Host": {"CgroupRoot": root}})
    edge.daemon.expect_log(f"Cannot read the control groups of this host .{root}: no such folder")
    root.mkdir()
    (root / "cgroup.controllers").write_text("cpu memory pids\n")
    edge.kubelet.all_up()
    edge.expect_ready()
    edge.kubelet.container_dies("dns-default")
    edge.daemon.expect_gate("dns", "lost")


def test_where_nothing_is_found(edge):
    """Only that is known: the groups may be elsewhere."""
    edge.up()
    empty = edge.kubelet.folder / "empty"
    Cgroups(empty)
    edge.start(config={"Host": {"CgroupRoot": empty}})
    edge.expect_reason("Unproven", "dns")
    (blocker,) = edge.daemon.gate("dns")["blockers"]
    assert blocker["message"].startswith("it is reported Ready, but container dns is not found below /")
    assert "CgroupRoot=" in blocker["hint"]


def test_odd_names(edge):
    """What a tenant writes on its pod proves and refutes nothing; an ID that no group is named after is told."""
    start(edge, "1s", "8s")
    path = edge.kubelet.path(edge.kubelet.find("dns-default"))
    edge.server.rest.patch(path, {"metadata": {"annotations": {"kubernetes.io/config.hash": "../x"}}})
    expect_kept_open(edge, 3)
    edge.kubelet.pod_status("dns-default", ids=["cri-o://no.such.name", "cri-o://" + new_container_id()])
    edge.expect_reason("Unreadable", "dns")
    edge.daemon.expect_gate("dns", "unknown", 20)


# MicroShift in a container of podman, with systemd in it, as its community starts it: the kernel and its boot ID are
# the host's, the machine ID and the name are the container's own, and all groups are below that of the container.

def in_a_container(edge, name):
    """The container's group, which is the root of its own hierarchy. Returns the host's root."""
    root = edge.kubelet.folder / "host-cgroup"
    root.mkdir(exist_ok=True)
    (root / "cgroup.controllers").write_text("cpu memory pids\n")
    edge.kubelet.cgroups = Cgroups(root / f"machine.slice/libpod-{name}.scope/container")
    return root


def expect_shut(edge, seconds=2):
    """Also the kubelet's renewals, of which the daemon may have seen none yet, do not open it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        edge.kubelet.renew_lease()
        assert edge.daemon.gate("dns")["state"] != "ready", edge.daemon.gate("dns")
        time.sleep(0.1)


def test_outside_of_microshifts_container(edge, tmp_path):
    machine_id = tmp_path / "machine-id"
    machine_id.write_text("0" * 31 + "1\n")
    root = in_a_container(edge, new_container_id())
    edge.kubelet.previous_boot()
    edge.start(config={"Host": {"CgroupRoot": root, "MachineIdFile": machine_id}})
    # Nothing of this node is this host's until the kubelet writes the boot ID of this boot.
    edge.expect_reason("NodeNotRegistered", "node")
    edge.up()
    edge.expect_ready()

    # The container ends, and another one has its volume: the API server serves what the kubelet wrote before, under
    # the same boot ID.
    edge.server.stop_serving()
    edge.kubelet.cgroups.all_die()
    edge.daemon.expect_gate("dns", "lost")
    shutil.rmtree(root / "machine.slice")
    in_a_container(edge, new_container_id())
    edge.server.resume_serving()
    edge.expect_reason("Unproven", "dns")
    expect_shut(edge)
    edge.up()
    process.eventually(lambda: edge.kubelet.renew_lease() is None or edge.daemon.verdict() == "ready", 30, 0.3)


def test_inside_of_microshifts_container(edge):
    """It begins anew with the container, as its folder in /run does."""
    in_a_container(edge, new_container_id())
    edge.up()
    edge.start()
    edge.expect_ready()
    edge.daemon.stop()
    shutil.rmtree(edge.daemon.state_folder)
    edge.daemon.state_folder.mkdir()
    edge.kubelet.cgroups.clear()
    edge.daemon.start()
    edge.expect_reason("Unproven", "dns")
    assert not edge.daemon.gate("node")["state"] == "ready"
    expect_shut(edge)
    edge.up()
    process.eventually(lambda: edge.kubelet.renew_lease() is None or edge.daemon.verdict() == "ready", 30, 0.3)
