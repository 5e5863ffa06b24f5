# SPDX-License-Identifier: Apache-2.0
"""The Debian package in booted hosts, from the first install to the last purge, beside a MicroShift that runs already.

No step of apt may wait for the cluster. The package of the version before is this one with another number.
"""

import re
import subprocess
import time

import pytest

from harness import building, debs, fakekubelet, guide, process
from harness.fake_apiserver import FakeApiServer

from host import standin
from host.node import CONFIG, KUBECONFIG

# A step takes one or two seconds where nothing else runs.
STEP_SECONDS = 25
UNITS = ("msready.socket", "msready.service", "microshift-ready.target")
FORMER = f"/usr/lib/msready/gates.d/{debs.FORMER_GATE}.gate"
APPLICATION = "[Service]\nExecStart=/bin/sleep infinity\n"
FORBID = "#!/bin/sh\nexit 101\n"


@pytest.fixture
def packages(suite, tmp_path):
    """A folder with now.deb and before.deb."""
    folder = tmp_path / "debs"
    folder.mkdir()
    made = debs.built(suite)
    subprocess.run(["cp", made["msready"], folder / "now.deb"], check=True)
    debs.before(made, folder).rename(folder / "before.deb")
    return folder


@pytest.fixture
def host(suite, packages, boot_host, tmp_path):
    """Booted, with a MicroShift that runs, and sources for the package's own test."""
    (tmp_path / "lab").mkdir()
    building.copy(building.sources(), tmp_path / "sources")
    binds = {"/debs": (packages, "ro"), "/lab": (tmp_path / "lab", "ro"), "/sources": (tmp_path / "sources", "ro")}
    made = boot_host(suite, packages=["python3"], binds=binds)
    made.write("/etc/systemd/system/microshift.service", standin.MICROSHIFT)
    standin.systemctl(made, "enable", "microshift.service")
    return made.boot()


@pytest.fixture
def server():
    with FakeApiServer() as made:
        yield made


def apt(host, verb, *words):
    """Runs apt-get, and returns what it said. No step waits."""
    started = time.monotonic()
    command = f"DEBIAN_FRONTEND=noninteractive apt-get {verb} -y --allow-downgrades {' '.join(words)} 2>&1"
    said = host.output("sh", "-c", command, timeout=STEP_SECONDS * 3)
    took = time.monotonic() - started
    assert took < STEP_SECONDS, f"{command} took {took:.1f} s:\n{said}"
    return said


def program(host):
    """What the daemon runs: the version before has more bytes."""
    pid = host.show("msready.service", "MainPID")
    return host.output("stat", "-L", "-c", "%s", f"/proc/{pid}/exe") if pid != "0" else None


def of_package(host):
    return host.output("stat", "-c", "%s", "/usr/bin/msreadyd")


def wait_for_new_daemon(host):
    process.eventually(lambda: program(host) == of_package(host), 30, 0.1, "the daemon of this package")


def left(host):
    """All files and links named after msready, on the whole host, but the tests' own."""
    skipped = ("(", "-path", "/proc", "-o", "-path", "/debs", "-o", "-path", "/sources", ")", "-prune")
    named = ("(", "-name", "*msready*", "-o", "-name", "microshift-ready*", ")", "-print")
    found = host.output("find", "/", "-xdev", *skipped, "-o", *named)
    found += "\n" + host.output("find", "/run", "-name", "*msready*")
    # A service's private /tmp is systemd's, and has another name at each start.
    return {path for path in found.splitlines() if path and "/systemd-private-" not in path}


def enabled(host):
    return {unit: host.run("systemctl", "is-enabled", unit, check=False).stdout.strip() for unit in UNITS}


def running(host):
    listed = host.output("systemctl", "list-units", "--no-legend", "--plain", "--state=active,activating", "msready*",
                         "microshift-ready*")
    return {line.split()[0] for line in listed.splitlines()}


def own_tests():
    """Those that the file tests/control names, which has all that there are."""
    folder = process.REPOSITORY / "packaging/deb/tests"
    named = re.search("^Tests: (.*)", (folder / "control").read_text(), re.M)[1].split()
    assert set(named) == {path.name for path in folder.iterdir()} - {"control"}
    return named


def assert_waits(host):
    assert host.run("msready", check=False).returncode == 3
    host.wait_state("msready.service", "activating")
    assert host.state("microshift-ready.target") == "inactive"
    assert set(enabled(host).values()) == {"enabled"}


def test_lintian_and_unit_suite(suite):
    made = debs.built(suite)
    assert re.search(r"^Ok: +\d\d", debs.log(made), re.M)
    assert debs.lintian(made) == ""


def test_beside_a_cluster_that_never_becomes_ready(host, server):
    server.ready = False
    host.write(KUBECONFIG, server.kubeconfig.read_text(), 0o600)
    before = left(host)

    apt(host, "install", "/debs/before.deb")
    assert_waits(host)
    process.eventually(lambda: host.state("msready-wait.service") == "activating", 20, 0.1, "the wait")
    host.run("test", "-e", FORMER)
    old = program(host)

    apt(host, "install", "/debs/now.deb")
    wait_for_new_daemon(host)
    assert program(host) != old
    assert host.run("test", "-e", FORMER, check=False).returncode == 1
    assert_waits(host)
    apt(host, "install", "/debs/before.deb")
    wait_for_new_daemon(host)
    assert program(host) == old
    apt(host, "install", "/debs/now.deb")
    first = left(host)

    apt(host, "remove", "msready")
    assert running(host) == set()
    assert host.run("pgrep", "msready", check=False).stdout == ""
    apt(host, "install", "/debs/now.deb")
    assert_waits(host)
    assert left(host) == first

    apt(host, "purge", "msready")
    assert running(host) == set()
    assert left(host) - before == set()
    apt(host, "install", "/debs/now.deb")
    assert_waits(host)
    apt(host, "purge", "msready")

    # Masked by an administrator: it stays so, and apt does not mind.
    host.systemctl("mask", "msready.service")
    apt(host, "install", "/debs/now.deb")
    assert host.state("msready.service") == "inactive"
    apt(host, "purge", "msready")
    host.systemctl("unmask", "msready.service")

    # Forbidden to start anything: enabled for the next boot.
    host.write("/usr/sbin/policy-rc.d", FORBID, 0o755)
    apt(host, "install", "/debs/now.deb")
    assert running(host) == set()
    assert set(enabled(host).values()) == {"enabled"}


def test_beside_a_cluster_that_becomes_ready(host, server, tmp_path):
    kubelet = fakekubelet.FakeKubelet(server.rest, tmp_path / "lab")
    kubelet.adopt(guide.create_all(server.rest))
    kubelet.reboot_host(host.output("cat", "/proc/sys/kernel/random/boot_id"))
    host.write(KUBECONFIG, server.kubeconfig.read_text(), 0o600)
    host.write("/etc/msready/msready.conf.d/test.conf", CONFIG)
    before = left(host) - {"/etc/msready", "/etc/msready/msready.conf.d"}
    apt(host, "install", "/debs/before.deb")
    assert_waits(host)
    kubelet.new_boot_node()
    kubelet.start_heartbeat()
    kubelet.all_up()
    # Without a reboot, although MicroShift ran before.
    host.wait_active("microshift-ready.target", timeout=60)

    host.write("/etc/systemd/system/bound.service", APPLICATION)
    host.systemctl("daemon-reload")
    host.run("msready", "bind", "api", "bound.service")
    host.wait_active("bound.service")
    held = {unit: host.show(unit, "MainPID") for unit in ("bound.service", "msready-gate@api.service")}
    apt(host, "install", "/debs/now.deb")
    wait_for_new_daemon(host)
    host.wait_active("msready.service")
    assert {unit: host.show(unit, "MainPID") for unit in held} == held
    assert host.state("microshift-ready.target") == "active"

    # An administrator's: a link to an empty folder.
    host.run("mkdir", "/etc/other.wants")
    host.run("ln", "-s", "/etc/other.wants", "/etc/systemd/system/other.wants")
    said = apt(host, "remove", "msready")
    assert "bound.service (gate api)" in said and "msready unbind api bound.service" in said
    assert running(host) == set()
    assert host.state("bound.service") == "inactive"
    apt(host, "purge", "msready")
    assert left(host) - before == set()
    host.systemctl("start", "bound.service")
    kubelet.close()

    # The package's own tests, where autopkgtest would run them: in the sources, with nothing built.
    apt(host, "install", "/debs/now.deb")
    for test in own_tests():
        host.run("sh", "-c", f"cd /sources && packaging/deb/tests/{test}", timeout=120)


def test_in_an_image(suite, packages, boot_host):
    """Installed where no systemd runs: enabled for the first boot."""
    made = boot_host(suite, packages=["python3"])
    subprocess.run(["cp", packages / "now.deb", made.path("/now.deb")], check=True)
    subprocess.run(["chroot", made.root, "dpkg", "--install", "/now.deb"], check=True, stdout=subprocess.DEVNULL)
    made.boot()
    assert set(enabled(made).values()) == {"enabled"}
    # A host without MicroShift: the socket brings the daemon.
    assert running(made) == {"msready.socket"}
    assert made.run("msready", check=False).returncode != 0
    process.eventually(lambda: "msready.service" in running(made), 10, 0.1, "the daemon")
