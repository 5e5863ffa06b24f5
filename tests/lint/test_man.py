# SPDX-License-Identifier: Apache-2.0
"""The man pages: sound mdoc, and nothing that the interface or the files have is left out."""

import re
import shutil
import subprocess

import pytest

from harness import process

PAGES = sorted((process.REPOSITORY / "man").glob("*.[1-8]"))
INTERFACE = process.REPOSITORY / "lib/varlink/io.msready.Readiness.varlink"


def text(name):
    """A page as plain text, on one line."""
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is missing")
    done = subprocess.run(["mandoc", "-Tascii", str(process.REPOSITORY / "man" / name)], check=True,
                          stdout=subprocess.PIPE)
    return " ".join(re.sub(r".\x08", "", done.stdout.decode()).split())


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_lint_is_silent(page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is missing")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(page)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_all_pages_are_there_and_installed():
    names = {p.name for p in PAGES}
    assert names == {"msreadyd.8", "msready.1", "msready.conf.5", "msready.gate.5", "msready.units.7",
                     "io.msready.Readiness.7"}
    meson = (process.REPOSITORY / "man/meson.build").read_text()
    assert set(re.findall(r"'([^']+\.[1-8])'", meson)) == names


def test_references_lead_somewhere():
    ours = {tuple(p.name.rsplit(".", 1)) for p in PAGES}
    for page in PAGES:
        for name, section in re.findall(r"^\.Xr (\S+) (\d)", page.read_text(), re.M):
            assert "msready" not in name or (name, section) in ours, f"{page.name}: {name}({section})"


def test_each_reason_has_one_item():
    section = (process.REPOSITORY / "man/msready.gate.5").read_text().split(".Sh REASONS")[1].split(".Sh ")[0]
    names = re.findall(r"\w+", " ".join(re.findall(r"^\.It Li (.*)$", section, re.M)))
    assert names and sorted(set(names)) == sorted(names)


def test_every_member_of_the_interface_is_told():
    lines = [line for line in INTERFACE.read_text().splitlines() if not line.lstrip().startswith("#")]
    page = text("io.msready.Readiness.7")
    told = set(re.findall(r"\w+", page))
    for line in lines:
        for word in re.findall(r"^(?:type|method|error) (\w+)", line) + re.findall(r"(\w+): ", line):
            assert word in told, line
        enum = re.match(r"type \w+ \(([\w, ]+)\)$", line)
        for word in re.split(r",\s*", enum.group(1)) if enum else []:
            assert word in told, line


def test_every_verb_and_option_is_told():
    """Those of the help, which flow/test_cli.py compares with what the client prints."""
    verbs, options = (process.REPOSITORY / "tests/data/cli/help.txt").read_text().split("\nOptions")
    page = (process.REPOSITORY / "man/msready.1").read_text()
    items = " ".join(re.findall(r"^\.It (.*)", page, re.M)) + " "
    found = re.findall(r"^  ([a-z-]+)", verbs, re.M)
    assert len(found) > 10
    for verb in found:
        assert f"Cm {verb} " in items, verb
    for option in re.findall(r"--([\w-]+)", options):
        assert re.search(rf"^\.(It )?Fl (\w , )?-{option}(?![\w-])", page, re.M), option


def keys(page):
    return set(re.findall(r"\b([A-Z][A-Za-z]+)=", text(page)))


def test_every_key_is_told():
    gate = keys("msready.gate.5")
    for name in (process.REPOSITORY / "units").glob("*/*.gate"):
        assert set(re.findall(r"^(\w+)=", name.read_text(), re.M)) <= gate, name
    conf = (process.REPOSITORY / "units/msready.conf").read_text()
    assert set(re.findall(r"^#?(\w+)=", conf, re.M)) <= keys("msready.conf.5")


def test_every_unit_is_told():
    page = text("msready.units.7")
    for path in (process.REPOSITORY / "units").glob("*"):
        name = path.name[:-3] if path.name.endswith(".in") else path.name
        if name.endswith((".service", ".socket", ".target")):
            assert name.replace("@.", "@GATE.") in page, name
    for path in (process.REPOSITORY / "units/drop-ins").iterdir():
        assert path.name in page


def test_every_shipped_gate_is_told():
    page = text("msready.gate.5").partition("SHIPPED GATES")[2]
    for path in (process.REPOSITORY / "units/gates").iterdir():
        assert re.search(rf"\b{path.stem}\b", page), path.stem
