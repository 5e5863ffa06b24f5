# SPDX-License-Identifier: Apache-2.0
"""From source and Uninstall of README.md, word for word, on a fresh Debian.

The host has systemd, and what README.md's apt command brings: that command was run when its tree was made, as a booted
host has no network, and is run there again. Root has no sudo. The sources are the files that git knows, and
MicroShift is a server with a script, on the loopback.
"""

import io
import re
import subprocess
import tarfile

import pytest

from harness import examples, fakekubelet, guide, host as _host, process
from harness.fake_apiserver import FakeApiServer

from host import standin
from host.node import CONFIG, KUBECONFIG

SOURCES = "/root/msready"
# Stands for all that an administrator writes.
ADMINISTRATORS = "/etc/msready/msready.conf.d/test.conf"
# msready's own status while the cluster is waited for.
STATUSES = {"msready": 3}
BOUND = """[Unit]
BindsTo=msready-gate@api.service
After=msready-gate@api.service
[Service]
ExecStart=/bin/sleep infinity
"""


def commands(section):
    """Of each block of this section of README.md the commands for a Debian."""
    blocks = [[command for command in example.commands() if command not in examples.NAMED_ONLY]
              for example in examples.of_kind("shell") if example.section == section]
    return [block for block in blocks if block and not block[0].startswith(("subscription-manager", "dnf"))]


def sources():
    """The files that git knows, as an archive."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=process.REPOSITORY,
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in listed.split("\0"):
            if (process.REPOSITORY / name).is_file():
                tar.add(process.REPOSITORY / name, name)
    archive.seek(0)
    return tarfile.open(fileobj=archive)


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
    with sources() as archive:
        archive.extractall(made.path(SOURCES))
    return made.boot()


@pytest.fixture
def kubelet(host, tmp_path):
    """The kubelet of MicroShift's node, which has not come up yet."""
    with FakeApiServer() as server:
        made = fakekubelet.FakeKubelet(server.rest, tmp_path / "lab")
        made.adopt(guide.create_all(server.rest))
        made.reboot_host(host.output("cat", "/proc/sys/kernel/random/boot_id"))
        host.write(KUBECONFIG, server.kubeconfig.read_text(), 0o600)
        yield made
        made.close()


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
    assert re.search("^● cluster (is|has been) waiting", said["msready"]), said["msready"]
    assert host.state("msready.service") == "activating"
    kubelet.new_boot_node()
    kubelet.start_heartbeat()
    kubelet.all_up()
    host.wait_active("microshift-ready.target", timeout=60)


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
