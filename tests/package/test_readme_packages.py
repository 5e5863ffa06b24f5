# SPDX-License-Identifier: Apache-2.0
"""Install and Uninstall of README.md by packages, word for word, on a fresh Debian 12 and 13.

The first command was run in a clone when the host's tree was made, because a booted host has no network. The tree is
kept while nothing changes that says what the command installs; the packages are always those of these sources.
"""

import hashlib
import re
import shutil
import subprocess

import pytest

from harness import building, debs, host as _host, process

from host import fresh, standin
from host.node import CONFIG

# Stands for all that an administrator writes.
ADMINISTRATORS = "/etc/msready/msready.conf.d/test.conf"
# What decides which packages the first command installs, and how it finds them.
DECIDING = ("packaging/build", "packaging/source.sh", "packaging/deb/build", "packaging/deb/control")


def clone(folder):
    """The sources, as git brings them."""
    building.copy(building.sources(), folder)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "sources"]):
        subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test", *words], cwd=folder, check=True)


def tree(suite, command, folder):
    """A Debian with systemd and git alone, in which this command has been run in a clone; it leaves msready's .deb."""
    text = command + "".join((process.REPOSITORY / name).read_text() for name in DECIDING)
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    clone(folder)
    inside = f"$1{fresh.SOURCES}"
    steps = (f'cp -r {folder} "{inside}" && chown -R 0:0 "{inside}"'
             f' && chroot "$1" sh -c "cd {fresh.SOURCES} && {command}"'
             f' && test -e "{inside}"/packaging/out/msready_*.deb && rm -r "{inside}"')
    return _host.made(f"{suite}-readme-{key}", suite, ["systemd", "systemd-sysv", "git"], "--variant=minbase",
                      f"--customize-hook={steps}")


@pytest.fixture
def host(suite, boot_host, tmp_path):
    """Booted, with MicroShift's unit, and the sources after the first command."""
    build, _ = fresh.commands("Install")[0]
    lower = tree(suite, build, tmp_path / "clone")
    (tmp_path / "lab").mkdir()
    made = boot_host(suite, lower=lower, binds={"/lab": (tmp_path / "lab", "ro")})
    made.write("/etc/systemd/system/microshift.service", standin.MICROSHIFT)
    standin.systemctl(made, "enable", "microshift.service")
    out = made.path(fresh.SOURCES) / "packaging/out"
    out.mkdir(parents=True)
    for path in debs.built(suite).values():
        shutil.copy(path, out)
    return made.boot()


def removal():
    """The command of Uninstall for a Debian."""
    text = (process.REPOSITORY / "README.md").read_text().partition("### Uninstall\n")[2]
    return re.search(r"`sudo (apt [^`]+)`", text)[1]


def test_from_a_clone_to_an_answer_and_back(host, tmp_path):
    _, install = fresh.commands("Install")[0]
    before = fresh.files(host)
    host.write(ADMINISTRATORS, CONFIG)
    with fresh.node_to_come(host, tmp_path / "lab") as kubelet:
        fresh.expect_waiting(fresh.play(host, [install, "msready"]))
        fresh.come_up(host, kubelet)
        assert "ready since" in host.output("msready").splitlines()[0]
        fresh.play(host, [f"{removal()} --yes"])
    assert host.output("systemctl", "list-units", "--all", "--no-legend", "msready*", "microshift-ready*") == ""
    assert [path for path in fresh.files(host) - before if "msready" in path or path.startswith("/usr")] == []
