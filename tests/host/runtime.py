# SPDX-License-Identifier: Apache-2.0
"""Containers of the fake kubelet's pods, each as a scope that a host's own systemd makes."""

from harness import process

# crun has a group of its own below the scope, for what the container makes of it.
CHILD = """group=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)
mkdir "$group/container"
echo $$ >"$group/container/cgroup.procs"
exec sleep 1000
"""


class Runtime:
    """Runs containers of the fake kubelet's pods in scopes of the host."""

    def __init__(self, node, child=False):
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
