# SPDX-License-Identifier: Apache-2.0
"""The examples of README.md and of the man pages, on a booted host with the real msready, as they stand there.

test_install.py has how msready gets there, and how it goes."""

import json
import pathlib
import re

import pytest

from harness import examples
from harness.examples import BUILDING, INSTALLING, NAMED_ONLY

UNITS = "/etc/systemd/system"
# The file of an example for which the text names none.
UNNAMED = {"gate": "/etc/msready/gates.d/workspace.gate", "conf": "/etc/msready/msready.conf.d/example.conf"}
# Started by the examples' units.
PROGRAM = "#!/bin/sh\nexec sleep infinity\n"
# Units for what the texts show of one, or only name.
FRAGMENT = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
# Commands that say more by their exit status than that they worked, and those that never end.
STATUSES = {"systemctl is-system-running": (0, 1)}
ENDLESS = ("varlinkctl --more",)


@pytest.fixture
def node(make_node_of):
    """Up, with all that MicroShift runs: also the router, whose gate the examples name."""
    node = make_node_of("trixie")
    for name in ("edge-app", "kiosk", "web-shop"):
        node.host.write(f"/usr/local/bin/{name}", PROGRAM, 0o755)
    for name in ("edge", "fragment"):
        node.host.write(f"{UNITS}/{name}.service", FRAGMENT)
    node.boot().usable()
    node.kubelet.all_up()
    node.expect_gate("ingress", "ready")
    return node


def put(node, path, text):
    node.host.run("sh", "-ec", 'mkdir -p "$(dirname "$1")"; cat >"$1"', "sh", path, input=text)


def remove(node, path):
    node.host.run("rm", "-f", path)


def in_this_house(node, text):
    """The configuration is where this build has it."""
    return text.replace("/etc/msready", node.etc)


def unit_path(example):
    """Where the example goes, below UNITS: named by it, by what it starts, or as a piece of a unit."""
    if example.path:
        return example.path
    for line in example.text.splitlines():
        if line.startswith("ExecStart="):
            return line.rpartition("/")[2] + ".service"
    return "fragment.service.d/example.conf"


def run(node, example, command):
    # sshd and its keys are the matter of other tests.
    command = in_this_house(node, command).replace("ssh-unix:edge:", "")
    if command.startswith(ENDLESS):
        done = node.host.run("timeout", "3", "sh", "-c", command, check=False)
        assert done.returncode == 124 and '"verdict"' in done.stdout, f"{example}: {command}: {done}"
        return
    done = node.host.run("sh", "-c", command, check=False)
    assert done.returncode in STATUSES.get(command, (0,)), f"{example}: {command}: {done}"
    if command.startswith(("msready", "journalctl", "varlinkctl", "systemctl status", "systemctl is-")):
        silent = command.startswith(("msready reload", "msready check-config", "msready bind")) or ">" in command
        assert silent or done.stdout.strip(), f"{example}: {command} says nothing"
    assert "nvalid" not in done.stderr and "nknown" not in done.stderr, f"{example}: {command}: {done.stderr}"


def test_commands(node):
    for path, text in examples.whole_units().items():
        put(node, f"{UNITS}/{path}", text)
    node.host.systemctl("daemon-reload")
    ran = set()
    for example in examples.of_kind("shell"):
        for command in example.commands():
            if example.section in INSTALLING or command.split()[0] in BUILDING or command in NAMED_ONLY:
                continue
            run(node, example, command)
            ran.add(command.split()[0])
            remove(node, f"{node.etc}/gates.d/storage.gate")
    assert ran == {"msready", "systemctl", "journalctl", "varlinkctl", "systemd-analyze", "ln"}
    # What they did together: the applications run.
    node.host.systemctl("start", "msready-gate@ingress.service")
    for unit in (*examples.whole_units(), "edge.service"):
        node.host.wait_active(unit)


def test_units(node):
    for example in examples.of_kind("unit"):
        path = unit_path(example)
        unit = path.partition(".d/")[0]
        put(node, f"{UNITS}/{path}", example.text)
        if unit == "kiosk.service" and unit != path:
            put(node, f"{UNITS}/{unit}", "[Service]\nExecStart=/usr/local/bin/kiosk\n")
        node.host.systemctl("daemon-reload")
        assert f"{UNITS}/{path}" in node.host.output("systemctl", "cat", unit), example
        folder = pathlib.PurePath(node.host.show(unit, "FragmentPath")).parent
        told = node.host.run("systemd-analyze", "verify", "--man=no", folder / unit, check=False)
        assert (told.returncode, told.stderr) == (0, ""), f"{example}: {told}"
        if unit not in ("msready.socket", "msready-wait.service"):
            node.host.systemctl("start", unit)
            node.host.wait_active(unit)
        wanted_by = re.search(r"^WantedBy=(\S+)$", example.text, re.M)
        if wanted_by:
            node.host.systemctl("enable", unit)
            assert node.host.state(wanted_by[1]) == "active"
            assert unit in node.host.show(wanted_by[1], "Wants").split()
        if unit != path and not example.path:
            remove(node, f"{UNITS}/{path}")
            node.host.systemctl("stop", unit)
    # Those that name their files make one whole: the application runs while its gate is open.
    node.host.systemctl("start", "msready-gate@ingress.service")
    node.host.wait_active("kiosk.service")
    node.host.systemctl("stop", "msready-gate@ingress.service")
    node.host.wait_state("kiosk.service", "inactive")


def test_gates_and_configuration(node):
    files = examples.of_kind("gate") + examples.of_kind("conf")
    for example in files:
        path = in_this_house(node, example.path or UNNAMED[example.kind])
        put(node, path, example.text)
        if "shop" in example.text:
            put(node, f"{node.etc}/gates.d/shop.gate", "[Gate]\n[Api]\nPath=/readyz\n")
        checked = node.msready("check-config")
        assert checked.returncode == 0 and "warning" not in checked.stdout + checked.stderr, f"{example}: {checked}"
        node.msready("reload", check=True)
    gates = {g["name"]: g for g in json.loads(node.msready("gates", "--json=short", check=True).stdout)["definitions"]}
    assert gates["workspace"]["enabled"] and len(gates["workspace"]["checks"]) == 2
    assert gates["ingress"]["required"] and gates["ingress"]["holdUSec"] == 60_000_000
    assert gates["shop"]["required"]
    assert len(files) >= 5
