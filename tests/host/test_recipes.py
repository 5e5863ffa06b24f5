# SPDX-License-Identifier: Apache-2.0
"""The three ways to gate a unit, as README.md has them, under systemd itself: at boot, at a time-out, on loss.

The programs of msready are stand-ins (standin.py), so that a test decides when a gate opens.
"""

import time

import pytest

from harness import examples, process
from host import standin

WAYS = ["edge-app.service", "web-shop.service", "kiosk.service"]
ONCE, WHILE_OPEN = WAYS[:2], WAYS[2]
PROGRAM = "#!/bin/sh\nexec sleep infinity\n"
LIMIT = "[Service]\nEnvironment=MSREADY_TIMEOUT=2s\n"
LIMITS = {f"{unit}.service.d/limit.conf": LIMIT for unit in ("msready-wait", "msready-wait@")}


def commands():
    """How README.md has the units enabled."""
    return [command for example in examples.of_kind("shell") if example.source == "README.md"
            for command in example.commands() if command.startswith("systemctl enable --now")]


@pytest.fixture(params=["bookworm", "trixie"])
def make_host(request, boot_host, built):
    """make_host(units) prepares a host with the README's units and more of one's own, not enabled."""
    def make(units=None, **options):
        host = boot_host(request.param)
        texts = examples.whole_units()
        assert list(texts) == WAYS
        standin.prepare(host, built, units=texts | (units or {}), **options)
        for unit in WAYS:
            host.write(f"/usr/local/bin/{unit.removesuffix('.service')}", PROGRAM, 0o755)
        return host

    return make


def states(host):
    return [host.state(unit) for unit in WAYS]


def expect(host, *wanted):
    process.eventually(lambda: states(host) == list(wanted), 20, 0.1, f"{wanted}, not {states(host)}")


def stays(host, *wanted):
    time.sleep(2)
    assert states(host) == list(wanted)


def enable(host):
    """By the README's commands, none of which waits."""
    assert len(commands()) == len(WAYS)
    for command in commands():
        host.run("sh", "-c", command, timeout=20)


def test_at_boot_and_on_loss(make_host):
    host = make_host().boot()
    enable(host)
    for _ in range(2):
        # On the host where they were enabled, and after a reboot, which none of them holds up.
        stays(host, "inactive", "inactive", "inactive")
        assert set(WAYS) <= standin.jobs(host)
        standin.open_gate(host, "ingress")
        expect(host, "inactive", "active", "active")
        standin.open_gate(host, "cluster")
        expect(host, "active", "active", "active")
        pids = [host.show(unit, "MainPID") for unit in ONCE]
        for _ in range(2):
            standin.shut_gate(host, "ingress", "cluster")
            expect(host, "active", "active", "inactive")
            standin.open_gate(host, "ingress", "cluster")
            expect(host, "active", "active", "active")
        assert [host.show(unit, "MainPID") for unit in ONCE] == pids
        assert "ordering cycle" not in host.journal("-b")
        host.reboot(wait="multi-user.target")


def test_at_a_time_out(make_host):
    host = make_host(LIMITS, enable=[*WAYS, "msready-gate@ingress.service"]).boot()
    for unit in ("msready-wait.service", "msready-wait@ingress.service"):
        host.wait_state(unit, "failed")
    stays(host, "inactive", "inactive", "inactive")
    for unit in ONCE:
        assert "Dependency failed" in host.journal("-b", "-u", unit)
    assert not standin.jobs(host) & set(ONCE)
    # It is too late for those that start once, and never for the other.
    standin.open_gate(host, "ingress", "cluster")
    expect(host, "inactive", "inactive", "active")
    stays(host, "inactive", "inactive", "active")
    # Asked for again, they wait again: by the target that wants them, and by themselves.
    host.systemctl("start", "--no-block", "microshift-ready.target")
    host.systemctl("start", "--no-block", "web-shop.service")
    expect(host, "active", "active", "active")


def test_started_by_hand_they_wait(make_host):
    host = make_host().boot()
    host.systemctl("start", "--no-block", *WAYS)
    stays(host, "inactive", "inactive", "inactive")
    standin.open_gate(host, "ingress", "cluster")
    expect(host, "active", "active", "active")


def test_stopped_by_hand_it_stays_stopped_until_its_gate_reopens(make_host):
    host = make_host(enable=[*WAYS, "msready-gate@ingress.service"]).boot()
    standin.open_gate(host, "ingress", "cluster")
    expect(host, "active", "active", "active")
    host.systemctl("stop", WHILE_OPEN)
    stays(host, "active", "active", "inactive")
    standin.shut_gate(host, "ingress")
    host.wait_state("msready-gate@ingress.service", "activating")
    standin.open_gate(host, "ingress")
    expect(host, "active", "active", "active")


def test_a_unit_that_is_there_already(make_host):
    """It is enabled in multi-user.target, which does not wait for it."""
    drop_in, = (e for e in examples.of_kind("unit") if e.source == "README.md" and ".service.d/" in e.path)
    unit = drop_in.path.partition(".d/")[0]
    host = make_host({unit: standin.application("edge", install="WantedBy=multi-user.target"),
                      drop_in.path: drop_in.text}, enable=[unit])
    host.boot(wait="multi-user.target")
    time.sleep(2)
    assert host.state(unit) == "inactive" and unit in standin.jobs(host)
    standin.open_gate(host, "cluster")
    host.wait_active(unit)
    assert "ordering cycle" not in host.journal("-b")
    # Without that order the boot does wait.
    host.poweroff()
    host.write(f"/etc/systemd/system/{drop_in.path}", drop_in.text.replace(" multi-user.target", ""))
    host.boot(wait="basic.target")
    process.eventually(lambda: unit in standin.jobs(host), 20, 0.1)
    time.sleep(2)
    assert host.state("multi-user.target") == "inactive"
    standin.open_gate(host, "cluster")
    host.wait_active("multi-user.target")


def test_what_waits_while_the_cluster_is_waited_for(make_host):
    """As the table of what can be wrong has it."""
    host = make_host().boot()
    host.wait_state("msready.service", "activating")
    told = host.run("systemd-analyze", check=False)
    assert told.returncode == 1 and "Bootup is not yet finished" in told.stdout + told.stderr
    assert host.run("systemctl", "is-system-running", check=False).stdout.strip() == "starting"
    assert host.run("timeout", "3", "systemctl", "restart", "msready", check=False).returncode == 124
    before = host.show("msready.service", "MainPID")
    host.systemctl("restart", "--no-block", "msready", timeout=10)
    process.eventually(lambda: host.show("msready.service", "MainPID") not in ("0", before), 15, 0.1)
    standin.open_gate(host, "cluster")
    host.wait_active("microshift-ready.target")
    process.eventually(lambda: host.run("systemd-analyze", check=False).returncode == 0, 20, 0.2)
