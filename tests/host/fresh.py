# SPDX-License-Identifier: Apache-2.0
"""README.md's commands on a fresh Debian, word for word, as root, who has no sudo, in the folder of the sources."""

import contextlib
import re

from harness import examples, fakekubelet, guide
from harness.fake_apiserver import FakeApiServer

from host.node import KUBECONFIG

SOURCES = "/root/msready"
# msready's own status while the cluster is waited for.
STATUSES = {"msready": 3}


def commands(section):
    """Of each block of this section of README.md the commands for a Debian."""
    blocks = [[command for command in example.commands() if command not in examples.NAMED_ONLY]
              for example in examples.of_kind("shell") if example.section == section]
    return [block for block in blocks if block and not block[0].startswith(("subscription-manager", "dnf"))]


def play(host, block):
    """Runs these commands as root, and returns what each said."""
    said = {}
    for command in block:
        done = host.run("sh", "-c", f"cd {SOURCES} && {command} 2>&1", timeout=900, check=False)
        end = f"{command} ended with {done.returncode}:\n{done.stdout[-5000:]}"
        assert done.returncode == STATUSES.get(command, 0), end
        if command.startswith(("meson", "ninja")):
            warnings = re.findall(r".*\bwarning: .*(?:\n.*){0,8}", done.stdout, re.I)
            assert not warnings, f"{command}:\n" + "\n".join(warnings)
        said[command] = done.stdout
    return said


def files(host):
    """What msready might have left: all but folders in /usr and /etc, and elsewhere what is named after it.

    An upgrade leaves empty folders that msready shares with others.
    """
    named = ("(", "-name", "*msready*", "-o", "-name", "microshift-ready*", ")")
    found = host.output("find", "/usr", "/etc", "!", "-type", "d").splitlines()
    found += host.output("find", "/usr", "/etc", "/run", "/tmp", "/var", *named).splitlines()
    return set(found)


@contextlib.contextmanager
def node_to_come(host, folder):
    """The kubelet of MicroShift's node, which has not come up yet. folder: is the host's /lab."""
    with FakeApiServer() as server:
        made = fakekubelet.FakeKubelet(server.rest, folder)
        made.adopt(guide.create_all(server.rest))
        made.reboot_host(host.output("cat", "/proc/sys/kernel/random/boot_id"))
        host.write(KUBECONFIG, server.kubeconfig.read_text(), 0o600)
        yield made
        made.close()


def come_up(host, kubelet):
    """The cluster comes up, and what waits for it starts."""
    kubelet.new_boot_node()
    kubelet.start_heartbeat()
    kubelet.all_up()
    host.wait_active("microshift-ready.target", timeout=60)


def expect_waiting(said):
    """That this is what msready said before the cluster was up."""
    assert re.search("^● cluster (is|has been) waiting", said["msready"]), said["msready"]
