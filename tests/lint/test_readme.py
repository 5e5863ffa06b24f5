# SPDX-License-Identifier: Apache-2.0
"""README.md is in step with what it shows and names; its commands and units are played by other tests."""

import os
import re

import pytest

from harness import client, examples, process

README = process.REPOSITORY / "README.md"
TEXTS = ["README.md", "NEWS.md", "BENCHMARKS.md", "HACKING.md"]
SAMPLE = re.compile(r"^```\n\$ msready\n(.*?)^```$", re.M | re.S)


def headings(text):
    """The anchors that a heading gets where the text is shown."""
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_the_sample_is_what_msready_prints():
    """While it waits; MSREADY_UPDATE_GOLDEN=1 puts it in, once flow-cli has recorded it."""
    golden = (client.DATA / "default.txt").read_text(encoding="utf-8")
    if os.environ.get("MSREADY_UPDATE_GOLDEN") == "1":
        text = README.read_text(encoding="utf-8")
        README.write_text(SAMPLE.sub(lambda found: found[0].replace(found[1], golden), text), encoding="utf-8")
    (sample,) = SAMPLE.findall(README.read_text(encoding="utf-8"))
    assert sample == golden
    assert "has been waiting" in sample


def test_the_first_screen():
    """What it is, the sample, the version and what it needs stand before the first section."""
    first = README.read_text(encoding="utf-8").partition("\n## ")[0]
    version = re.search(r"^ +version: '([^']+)'", (process.REPOSITORY / "meson.build").read_text(), re.M)[1]
    needed = re.search(r"libsystemd', version: '>=(\d+)'", (process.REPOSITORY / "meson.build").read_text())[1]
    assert re.findall(r"[Vv]ersion (\d\S*)\.\s", first) == [version]
    assert f"systemd {needed} or newer" in first and "root" in first
    assert SAMPLE.search(first)


def test_install_starts_the_socket_before_it_asks():
    """With --no-block msready would ask while the socket is not there yet, and exit with 69."""
    install = README.read_text(encoding="utf-8").partition("### From source\n")[2].partition("\n### ")[0]
    assert re.search(r"^    sudo systemctl start msready\.socket\n(    .*\n)*    msready\n", install, re.M)
    assert not re.search(r"--no-block .*msready\.socket", install)


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name):
    text = (process.REPOSITORY / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = process.REPOSITORY / (path or name)
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked.read_text(encoding="utf-8")), target


def test_the_manual_has_the_same_recipes():
    """Units and drop-ins by their path, and the commands that enable them."""
    def of(source):
        found = [e for e in examples.all_examples() if e.source == source]
        texts = {e.path: e.text for e in found if e.kind == "unit" and e.path and e.text.startswith("# /etc/systemd/")}
        commands = [c for e in found if e.kind == "shell" for c in e.commands()]
        return texts, [c for c in commands if c.startswith("systemctl enable --now")]

    texts, commands = of("README.md")
    assert len(texts) == 4 and len(commands) == 3
    assert of("msready.units.7") == (texts, commands)


def test_each_way_of_the_table_has_its_recipe():
    table = re.search(r"^\| your unit should .*\n.*\n((?:\|.*\n)+)", README.read_text(encoding="utf-8"), re.M)[1]
    ways = [re.split(r"\s*\|\s*", row)[2].strip("`").replace("GATE", "ingress") for row in table.splitlines()]
    assert len(ways) == 3
    for way, text in zip(ways, examples.whole_units().values()):
        assert f"After={way}\n" in text


def test_each_shipped_gate_is_named():
    section = README.read_text(encoding="utf-8").partition("\n## Gates\n")[2].partition("\n## ")[0]
    assert {p.stem for p in (process.REPOSITORY / "units/gates").iterdir()} <= set(re.findall(r"`([\w-]+)`", section))
