# SPDX-License-Identifier: Apache-2.0
"""The units under systemd itself, with stand-ins for the programs (standin.py)."""

import pathlib
import re

import pytest

from harness import process
from host import standin

application = standin.application

ALL = ["msready.socket", "msready.service", "msready-wait.service", "msready-wait@dns.service",
       "msready-gate@dns.service", "microshift-ready.target", "msready-boot-check.service"]
ENABLED = ["msready.socket", "msready.service", "microshift-ready.target"]
WAITING = {"msready.service", "msready-wait.service", "microshift-ready.target"}


@pytest.fixture(params=["bookworm", "trixie"])
def host(request, boot_host):
    build = process.build_folder()
    if not (build / "build.ninja").exists():
        pytest.skip(f"nothing is built in {build}")
    made = boot_host(request.param)
    made.prepare = lambda *words, **options: standin.prepare(made, build, *words, **options)
    return made


def test_the_boot_does_not_wait(host):
    host.prepare(units={"edge.service": application("edge", "After=microshift-ready.target",
                                                    "WantedBy=microshift-ready.target")},
                 enable=["edge.service"])
    host.boot(wait="multi-user.target")
    host.systemctl("start", "boot-complete.target", timeout=10)
    # Once the boot's last jobs are done, only the wait and the units that wait for it are queued.
    process.eventually(lambda: standin.jobs(host) == WAITING | {"edge.service"}, 20, 0.1, standin.jobs(host))
    assert host.run("systemctl", "is-system-running", check=False).stdout.strip() == "starting"
    assert host.state("edge.service") == "inactive"
    assert host.state("msready.service") == "activating"
    standin.open_gate(host)
    host.wait_active("microshift-ready.target")
    host.wait_active("edge.service")
    host.wait_active("msready.service")
    process.eventually(lambda: not standin.jobs(host), 20, 0.1)
    assert host.run("systemctl", "is-system-running", check=False).stdout.strip() == "running"
    assert "ordering cycle" not in host.journal("-b")


def test_verify_and_install(host):
    host.prepare().boot()
    folder = pathlib.PurePath(host.show("msready.service", "FragmentPath")).parent
    assert host.run("systemd-analyze", "verify", "--man=no", *(folder / unit for unit in ALL)).stderr == ""
    assert host.output("systemctl", "is-enabled", *ENABLED).split() == ["enabled"] * 3
    assert host.run("systemctl", "is-enabled", "msready-boot-check.service", check=False).stdout.strip() == "disabled"
    wanted = host.show("microshift.service", "Wants").split()
    assert {"msready.service", "microshift-ready.target"} <= set(wanted)


def test_the_socket(host):
    host.prepare().boot()
    path = "/run/msready/io.msready.Readiness"
    assert host.output("stat", "-c", "%a %U %F", path) == "666 root socket"
    assert host.output("readlink", "-f", "/run/varlink/registry/io.msready.Readiness") == path
    # Stopping the daemon leaves the socket and the state.
    assert host.output("stat", "-c", "%a", "/run/msready/state") == "700"
    host.run("touch", "/run/msready/state/kept")
    host.systemctl("stop", "msready.service")
    assert host.run("test", "-S", path, check=False).returncode == 0
    assert host.run("test", "-e", "/run/msready/state/kept", check=False).returncode == 0


def test_group_only_socket(host):
    host.prepare(units={"msready.socket.d/group.conf":
                        (process.REPOSITORY / "units/drop-ins/socket-group.conf").read_text()})
    host.boot(wait=None)
    host.wait_active("multi-user.target")
    # systemd-sysusers.service has made the group before the socket is.
    assert host.output("stat", "-c", "%a %U %G", "/run/msready/io.msready.Readiness") == "660 root msready"
    assert host.output("getent", "passwd", "msready").endswith("nologin")


def test_group_only_socket_while_the_daemon_runs(host):
    """By the commands that stand in the drop-in."""
    host.prepare().boot()
    host.wait_state("msready.service", "activating")
    drop_in = process.REPOSITORY / "units/drop-ins/socket-group.conf"
    folder = "etc/systemd/system/msready.socket.d"
    host.run("mkdir", "-p", f"/{folder}")
    host.path(f"/{folder}/group.conf").write_text(drop_in.read_text())
    commands = re.findall(r"^#     (systemctl .*)$", drop_in.read_text(), re.M)
    assert len(commands) == 1
    host.run("sh", "-c", f"systemd-sysusers && {commands[0]}")
    assert host.output("stat", "-c", "%a %U %G", "/run/msready/io.msready.Readiness") == "660 root msready"
    host.wait_state("msready.service", "activating")


def test_a_crash_of_the_daemon_restarts_nobody(host):
    units = {"edge.service": application("edge", "Requires=microshift-ready.target\nAfter=microshift-ready.target"),
             "bound.service": application("bound", "BindsTo=msready-gate@dns.service\nAfter=msready-gate@dns.service")}
    host.prepare(units=units).boot()
    standin.open_gate(host, "cluster", "dns")
    host.systemctl("start", "edge.service", "bound.service")
    host.wait_active("msready.service")
    before = [host.show(unit, "MainPID") for unit in units]
    for blow in (["kill", "--signal=KILL"], ["restart"], ["stop"]):
        host.systemctl(*blow, "msready.service")
        assert host.state("msready.socket") == "active"
        assert [host.show(unit, "MainPID") for unit in units] == before
        host.systemctl("start", "msready.service")
    assert host.state("microshift-ready.target") == "active"


def test_an_application_follows_its_gate(host):
    host.prepare(units={
        "msready-gate@ingress.service.d/kiosk.conf": "[Unit]\nUpholds=kiosk.service\n",
        "kiosk.service": application("kiosk", "BindsTo=msready-gate@ingress.service\n"
                                              "After=msready-gate@ingress.service"),
    }, enable=["msready-gate@ingress.service"]).boot()
    for _ in range(2):
        assert host.state("kiosk.service") == "inactive"
        standin.open_gate(host, "ingress")
        host.wait_active("kiosk.service")
        standin.shut_gate(host, "ingress")
        host.wait_state("kiosk.service", "inactive")
        host.wait_state("msready-gate@ingress.service", "activating")
    # Upheld: it comes back when it is stopped, and stays away when its gate is.
    standin.open_gate(host, "ingress")
    host.wait_active("kiosk.service")
    host.systemctl("stop", "kiosk.service")
    host.wait_active("kiosk.service")
    host.systemctl("stop", "msready-gate@ingress.service")
    host.wait_state("kiosk.service", "inactive")


def test_applications_stop_before_microshift(host):
    host.prepare(units={
        "edge.service": application("edge", "After=microshift-ready.target", "WantedBy=microshift-ready.target"),
        "one.service": application("one", "Wants=msready-wait@dns.service\nAfter=msready-wait@dns.service"),
        "bound.service": application("bound", "BindsTo=msready-gate@dns.service\nAfter=msready-gate@dns.service"),
    }, enable=["edge.service"]).boot()
    standin.open_gate(host, "cluster", "dns")
    host.systemctl("start", "one.service", "bound.service")
    host.wait_active("edge.service")
    host.poweroff()
    stopped = host.path("/var/stopped").read_text().split()
    assert sorted(stopped[:-1]) == ["bound", "edge", "one"] and stopped[-1] == "microshift"


@pytest.mark.parametrize("policy,state", [("Wants", "active"), ("Requires", "inactive")])
def test_what_a_time_out_does(host, policy, state):
    host.prepare(units={
        "msready-wait.service.d/limit.conf": "[Service]\nEnvironment=MSREADY_TIMEOUT=2s\n",
        "edge.service": application("edge", f"{policy}=microshift-ready.target\nAfter=microshift-ready.target"),
    }).boot()
    host.run("systemctl", "start", "edge.service", check=False, timeout=20)
    assert host.state("edge.service") == state
    assert host.state("msready-wait.service") == "failed"
    assert "ImagePullBackOff" in host.journal("-u", "msready-wait.service")
    # Too late: systemd does not start the unit afterwards.
    standin.open_gate(host)
    host.wait_active("msready.service")
    assert host.state("edge.service") == state


def test_the_boot_check(host):
    host.prepare(units={"msready-boot-check.service.d/limit.conf": "[Service]\nEnvironment=MSREADY_TIMEOUT=2s\n"},
                 enable=["msready-boot-check.service"]).boot()
    done = host.run("systemctl", "start", "boot-complete.target", check=False, timeout=20)
    assert done.returncode != 0
    assert host.state("boot-complete.target") == "inactive"
    assert "ImagePullBackOff" in host.journal("-u", "msready-boot-check.service")
    standin.open_gate(host)
    host.systemctl("start", "boot-complete.target", timeout=20)


def test_the_boot_check_can_reboot(host):
    drop_in = (process.REPOSITORY / "units/drop-ins/boot-check-reboot.conf").read_text().replace("30min", "1s")
    host.prepare(units={"msready-boot-check.service.d/reboot.conf": drop_in}).boot()
    host.run("systemctl", "start", "--no-block", "msready-boot-check.service")
    process.eventually(lambda: not host.is_running, 30, 0.1, "the end of the host")
    # How systemd-nspawn --keep-unit tells of a reboot.
    assert host.nspawn.returncode == 133


def test_the_journal_explains(host):
    host.prepare().boot()
    host.run("journalctl", "--update-catalog")
    header = (process.REPOSITORY / "daemon/message-id.h").read_text()
    lost = header.partition('MESSAGE_ID_GATE_LOST "')[2][:32]
    host.run("logger", "--journald", input=f"MESSAGE_ID={lost}\nMESSAGE=dns: ready -> lost\nPRIORITY=4\n"
                                           "MSREADY_GATE=dns\nMSREADY_STATE=lost\nMSREADY_REASON=CrashLoopBackOff\n")
    told = process.eventually(lambda: host.journal("-x", "MSREADY_GATE=dns"), 10, 0.1)
    assert "The gate dns is lost" in told and "Reason: CrashLoopBackOff" in told and "msready explain dns" in told
