# SPDX-License-Identifier: Apache-2.0
"""Control groups as a runtime has systemd make them on a unified host: slices and scopes of the exact names, made and
emptied by PID 1 while nobody can ask the API server. msreadyd looks at them from its sandbox."""

import time

import pytest

from harness import fakekubelet, guide, process
from host import node as _node

CONFIG = "\n".join(line for line in _node.CONFIG.splitlines() if not line.startswith("CgroupRoot")) + "\n"
# crun has a group of its own below the scope, for what the container makes of it.
CHILD = """group=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)
mkdir "$group/container"
echo $$ >"$group/container/cgroup.procs"
exec sleep 1000
"""


class Runtime:
    """Runs containers of the fake kubelet's pods in scopes of the host."""

    def __init__(self, node, child):
        self.node = node
        self.command = ["sh", "-ec", CHILD] if child else ["sleep", "1000"]
        self.runners = []

    def _scope(self, group, *command):
        self.runners.append(self.node.host.spawn(
            "systemd-run", "--scope", "--quiet", "--property=Delegate=yes", f"--slice={group.parent.name}",
            f"--unit={group.name}", *command))

    def groups(self, name):
        kubelet = self.node.kubelet
        return [kubelet.cgroups.group(kubelet.find(name), i) for i in kubelet.containers(name).values()]

    def start(self, name):
        for group in self.groups(name):
            self._scope(group, *self.command)
            if group.name.startswith("crio-"):
                # It outlives the container, and its name holds the same ID.
                self._scope(group.with_name(group.name.replace("crio-", "crio-conmon-")), "sleep", "1000")

    def kill(self, name):
        """The first container of the pod dies."""
        self.node.host.systemctl("kill", "--signal=KILL", self.groups(name)[0].name)

    def close(self):
        for runner in self.runners:
            process.end(runner)


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
@pytest.mark.parametrize("runtime, child", [("crio", False), ("crio", True), ("containerd", False),
                                            ("containerd", True)])
def test_scopes(built, boot_host, own_cluster, tmp_path, suite, runtime, child):
    kubelet = fakekubelet.FakeKubelet(own_cluster.admin, tmp_path / "host", runtime=runtime)
    kubelet.adopt(guide.create_all(own_cluster.admin))
    kubelet.previous_boot()
    node = _node.Node(suite, boot_host, built, own_cluster, kubelet, config=CONFIG).boot()
    run = Runtime(node, child)
    try:
        process.eventually(lambda: node.gate("node")["blockers"][0]["reason"] == "StaleBoot", 20, 0.1, "StaleBoot")
        kubelet.new_boot_node()
        for name in guide.REQUIRED:
            kubelet.pod_up(name)
        # Ready, says the API server, and no container of theirs is to be found.
        node.expect_status("Unproven")
        for name in guide.REQUIRED:
            assert node.host.state("msready.service") == "activating"
            run.start(name)
        node.host.wait_active("msready.service")

        # Nobody but the kernel can say it now.
        own_cluster.kill()
        node.expect_status("ApiUnreachable")
        assert node.gate("dns")["state"] == "ready"
        run.kill("dns-default")
        dead = time.monotonic()
        node.expect_gate("dns", "lost")
        assert time.monotonic() - dead < _node.HOLD + 2
        assert node.gate("ovn")["state"] != "lost"

        own_cluster.start()
        kubelet.pod_up("dns-default")
        run.start("dns-default")
        process.eventually(lambda: kubelet.renew_lease() and node.describe()["verdict"]["state"] == "ready", 30, 0.3,
                           "ready again")
    finally:
        run.close()
