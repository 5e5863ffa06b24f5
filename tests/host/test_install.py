# SPDX-License-Identifier: Apache-2.0
"""From source and Uninstall of README.md, word for word, on a fresh Debian.

The host has systemd, and what README.md's apt command brings: that command was run when its tree was made, as a booted
host has no network, and is run there again. Root has no sudo. MicroShift is a server
with a script, on the loopback.
"""

import pytest

from harness import building, host as _host, process

from host import fresh, standin
from host.fresh import SOURCES, commands, files, play
from host.node import CONFIG

# Stands for all that an administrator writes.
ADMINISTRATORS = "/etc/msready/msready.conf.d/test.conf"
BOUND = """[Unit]
BindsTo=msready-gate@api.service
After=msready-gate@api.service
[Service]
ExecStart=/bin/sleep infinity
"""


@pytest.fixture(params=["bookworm", "trixie"])
def host(request, boot_host, tmp_path):
    """Booted, with MicroShift's unit and the sources."""
    (apt,) = commands("From source")[0]
    try:
        _host.check()
    except _host.CannotBoot as error:
        pytest.skip(str(error))
    (tmp_path / "lab").mkdir()
    made = boot_host(request.param, lower=_host.bare(request.param, apt), binds={"/lab": (tmp_path / "lab", "ro")})
    made.write("/etc/systemd/system/microshift.service", standin.MICROSHIFT)
    standin.systemctl(made, "enable", "microshift.service")
    building.copy(building.sources(), made.path(SOURCES))
    return made.boot()


@pytest.fixture
def kubelet(host, tmp_path):
    with fresh.node_to_come(host, tmp_path / "lab") as made:
        yield made


def install(host, kubelet):
    """Before the cluster is up; it comes up in the end."""
    (apt,), block, _ = commands("From source")
    said = play(host, [apt])[apt]
    assert said.count("is already the newest version") == len(apt.split()[2:]), said
    host.write(ADMINISTRATORS, CONFIG)
    said = play(host, block)
    setup, build = block[:2]
    assert "cmocka is not there: the tests are not built" in said[setup]
    assert "daemon/msreadyd" in said[build] and "tests/" not in said[build]
    fresh.expect_waiting(said)
    assert host.state("msready.service") == "activating"
    fresh.come_up(host, kubelet)


def processes(host, *units):
    return {unit: host.show(unit, "MainPID") for unit in units}


def upgrade(host):
    """The new daemon is the same program in a file of its own."""
    host.write("/etc/systemd/system/bound.service", BOUND)
    host.systemctl("start", "bound.service")
    old, held = processes(host, "msready.service"), processes(host, "bound.service", "msready-gate@api.service")

    def program():
        return host.output("readlink", f"/proc/{host.show('msready.service', 'MainPID')}/exe")

    *_, block = commands("From source")
    play(host, block[:-1])
    assert program().endswith(" (deleted)")
    play(host, block[-1:])
    process.eventually(lambda: processes(host, "msready.service") != old, 30, 0.1, "the new daemon")
    host.wait_active("msready.service")
    assert not program().endswith(" (deleted)")
    assert processes(host, *held) == held
    assert host.state("microshift-ready.target") == "active"
    host.systemctl("stop", "bound.service")
    host.run("rm", "/etc/systemd/system/bound.service")


def uninstall(host, before):
    (block,) = commands("Uninstall")
    program, administrators = block[:-1], block[-1:]
    play(host, program)
    units = host.output("systemctl", "list-units", "--all", "--no-legend", "msready*", "microshift-ready*")
    assert units == ""
    left = files(host) - before
    assert ADMINISTRATORS in left
    assert [path for path in left if not path.startswith(("/etc/msready", "/var/lib/msready"))] == []
    play(host, administrators)
    assert files(host) - before == set()


def test_first_to_last_hour(host, kubelet):
    before = files(host)
    install(host, kubelet)
    upgrade(host)
    uninstall(host, before)
