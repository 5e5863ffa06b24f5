# SPDX-License-Identifier: Apache-2.0
"""A booted host with the real msready, a real API server behind it, and a kubelet that the test controls."""

import json

from harness import guide, process

from host import standin

KUBECONFIG = "/var/lib/microshift/resources/kubeadmin/kubeconfig"
HOLD = 1
GRACE = 5
CONFIG = f"""[Host]
MachineIdFile=/lab/machine-id
CgroupRoot=/lab/cgroup
[Readiness]
HoldSec={HOLD}s
UnknownSec={GRACE}s
"""
# The containers are those of the host's own kernel.
REAL_CGROUPS = CONFIG.replace("CgroupRoot=/lab/cgroup\n", "")


class Node:
    """suite, boot_host, build, cluster, kubelet: as the fixtures have them. units, enable: as standin.prepare.

    config: the text of a drop-in of msready.conf.
    """

    def __init__(self, suite, boot_host, build, cluster, kubelet, units=None, enable=(), config=CONFIG):
        self.cluster = cluster
        self.kubelet = kubelet
        self.host = boot_host(suite, binds={"/lab": (kubelet.folder, "ro")})
        self.host.install_msready(build)
        gates, = self.host.root.glob("**/etc/msready/gates.d")
        self.etc = "/" + str(gates.parent.relative_to(self.host.root))
        self.write_config(config)
        self.write_kubeconfig(cluster.kubeconfig.read_text())
        self.host.write("/etc/systemd/system/microshift.service", standin.MICROSHIFT)
        for name, text in (units or {}).items():
            self.host.write(f"/etc/systemd/system/{name}", text)
        standin.systemctl(self.host, "enable", "microshift.service", *enable)
        standin.systemctl(self.host, "preset", "msready.socket", "msready.service", "microshift-ready.target")

    def write_config(self, text):
        self.host.write(f"{self.etc}/msready.conf.d/test.conf", text)

    def write_gate(self, name, text):
        self.host.write(f"{self.etc}/gates.d/{name}", text)

    def write_kubeconfig(self, text):
        self.host.write(KUBECONFIG, text, 0o600)

    def boot(self, **options):
        """Boots; the kubelet knows this boot's ID and has not reported it yet."""
        self.host.boot(**options)
        boot_id = self.host.output("cat", "/proc/sys/kernel/random/boot_id")
        self.kubelet.reboot_host(boot_id)
        return self

    def usable(self):
        """The objects of the required gates are up; returns when msready knows."""
        self.kubelet.new_boot_node()
        self.kubelet.start_heartbeat()
        for name in guide.REQUIRED:
            self.kubelet.pod_up(name)
        self.expect_ready()
        return self

    def status(self):
        return self.host.show("msready.service", "StatusText")

    def expect_status(self, *words, timeout=30):
        return self._expect(lambda: all(word in self.status() for word in words), timeout, f"{words} in STATUS=")

    def msready(self, *words, check=False, timeout=60):
        return self.host.run("msready", *words, check=check, timeout=timeout)

    def describe(self):
        return json.loads(self.msready("-j").stdout)

    def gate(self, name):
        return next(gate for gate in self.describe()["gates"] if gate["name"] == name)

    def expect_gate(self, name, state, timeout=30):
        return self._expect(lambda: self.gate(name)["state"] == state, timeout, f"gate {name} is {state}")

    def expect_ready(self, timeout=60):
        return self._expect(lambda: self.host.state("msready.service") == "active", timeout, "readiness")

    def _expect(self, question, timeout, what):
        try:
            return process.eventually(question, timeout, 0.1, what)
        except AssertionError as error:
            log = self.host.journal("-b", "-u", "msready.service", "-o", "short-monotonic", "-n", "60")
            raise AssertionError(f"{error}\n{self.status()}\n{log}") from None

    def pid(self, unit):
        return self.host.show(unit, "MainPID")

    def restarts(self):
        return int(self.host.show("msready.service", "NRestarts"))

    def lines(self, name):
        """The journal's lines of this boot with the message ID of that name in daemon/message-id.h."""
        header = (process.REPOSITORY / "daemon/message-id.h").read_text()
        number = header.partition(f'MESSAGE_ID_{name} "')[2][:32]
        text = self.host.journal("-b", "--output=json", f"MESSAGE_ID={number}")
        return [json.loads(line) for line in text.splitlines()]
