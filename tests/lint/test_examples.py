# SPDX-License-Identifier: Apache-2.0
"""The examples of README.md and of the man pages: each is of a kind that is run, and those that build msready, here.

What needs a host with msready is run by tests/host/test_examples.py, what installs and removes it by test_install.py
beside it, Python by tests/interop.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import examples, process

ON_A_HOST = {"journalctl", "ln", "msready", "systemctl", "systemd-analyze", "varlinkctl"}
# Part of what is named anyway.
IMPLIED = {"ninja-build", "systemd-dev|systemd", "pkg-config"}


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is missing")


def building(program):
    """The commands of README.md that call this program, as words behind it; each once."""
    commands = [command for example in examples.of_kind("shell") for command in example.commands()]
    return [command.split()[1:] for command in dict.fromkeys(commands) if command.split()[0] == program]


def of_debian():
    """The packages that README.md's apt command installs from the distribution."""
    (words,) = [words for words in building("apt") if not words[1].startswith("./")]
    return words[1:]


def test_there_are_examples_everywhere():
    found = examples.all_examples()
    assert {e.source for e in found} == {"README.md", "msready.1", "msready.conf.5", "msready.gate.5",
                                         "msready.units.7", "io.msready.Readiness.7", "msreadyd.8"}
    assert {e.kind for e in found} == {"shell", "unit", "gate", "conf", "python"}
    assert len(found) >= 60


def test_each_command_is_run_somewhere():
    for example in examples.of_kind("shell"):
        assert example.commands(), example
        if example.section in examples.INSTALLING:
            continue  # the packages of RHEL: test_packages()
        for command in example.commands():
            known = command in examples.NAMED_ONLY or command.split()[0] in ON_A_HOST | examples.BUILDING
            assert known, f"{example}: no test knows how to run {command!r}"


def test_what_is_named_is_there():
    done = subprocess.run([process.build_folder() / "cli/msready", "help"], stdout=subprocess.PIPE, text=True)
    verbs = re.findall(r"^  (\S+)", done.stdout, re.M)
    for command in examples.NAMED_ONLY:
        program, verb = command.split()[:2]
        assert program != "msready" or verb in verbs, command


def test_packages():
    """README.md names what tests/packages.txt does; on RHEL the spec names them."""
    text = (process.REPOSITORY / "tests/packages.txt").read_text()
    needed = set(re.search(r"\[build\]\n((?:.+\n)+)", text)[1].split()) - IMPLIED
    assert set(of_debian()) - IMPLIED == needed


def test_names_of_packages():
    need("apt-cache")
    words = ["apt-cache", "show", *of_debian()]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not done.stdout:
        pytest.skip("there are no lists of packages here")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def set_up(tmp_path_factory):
    """A folder in which README.md's `meson setup` has been run, and what it said; here are neither systemd.pc, as on a
    Debian 13, nor cmocka, as where nothing is tested."""
    need("meson", "ninja", "pkg-config")
    folder = tmp_path_factory.mktemp("set-up")
    texts = folder / "pkgconfig"
    texts.mkdir()
    places = subprocess.run(["pkg-config", "--variable=pc_path", "pkg-config"], stdout=subprocess.PIPE, text=True)
    for place in places.stdout.strip().split(":"):
        for path in pathlib.Path(place).glob("*.pc"):
            if path.name not in ("systemd.pc", "cmocka.pc") and not (texts / path.name).exists():
                (texts / path.name).symlink_to(path)
    (words,) = [w for w in building("meson") if w[0] == "setup"]
    done = subprocess.run(["meson", *words[:2], process.REPOSITORY, *words[2:]], cwd=folder, stdout=subprocess.PIPE,
                          text=True, env=dict(os.environ, PKG_CONFIG_LIBDIR=str(texts), CMAKE="/nonexistent"))
    assert done.returncode == 0, done.stdout[-3000:]
    return folder, done.stdout


def test_build(set_up):
    folder, said = set_up
    (words,) = [words for words in building("ninja") if "uninstall" not in words]
    done = subprocess.run(["ninja", *words, "-n"], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0 and "daemon/msreadyd" in done.stdout
    assert "cmocka is not there: the tests are not built" in said and "tests/" not in done.stdout
    assert json.loads((folder / "build/meson-info/intro-tests.json").read_text()) == []
    plan = json.loads((folder / "build/meson-info/intro-install_plan.json").read_text())
    units = [entry["destination"] for kind in plan.values() for entry in kind.values()]
    assert any(place.endswith("lib/systemd/system/msready.socket") for place in units)


@pytest.mark.parametrize("words", [w for w in building("meson") if w[0] != "setup"], ids=" ".join)
def test_meson(tmp_path, words):
    """On the build under test."""
    need("meson")
    if words[0] == "install":
        folder = tmp_path / "installed"
        words = ["install", "-C", str(process.build_folder()), "--no-rebuild", "--quiet"]
        subprocess.run(["meson", *words], check=True, env=dict(os.environ, DESTDIR=str(folder)))
        assert list(folder.glob("**/bin/msready"))
    else:
        assert words[0] == "test", words
        words[words.index("-C") + 1] = str(process.build_folder())
        done = subprocess.run(["meson", *words, "--list", "--no-rebuild"], stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0 and done.stdout.strip()


@pytest.mark.parametrize("program", ["tests/demo", "tests/run"])
def test_of_the_tree(program):
    """flow/test_demo.py runs tests/demo as a whole; tests/run runs this test."""
    assert building(program)
    done = subprocess.run([process.REPOSITORY / program, "--help"], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0 and program in done.stdout
