# SPDX-License-Identifier: Apache-2.0
"""check-config, the picture, and what shells complete."""

import os
import re
import shutil
import socket
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from harness import process, world
from harness.client import Client, environment, golden, program
from harness.fakedaemon import FakeDaemon, gate, verdict
from harness.fakesystemctl import FakeSystemctl


@pytest.fixture
def daemon(tmp_path):
    with FakeDaemon(tmp_path / "socket") as daemon:
        daemon.replies["Describe"] = world.waiting()
        daemon.replies["ListGates"] = world.definitions()
        daemon.replies["GetTimeline"] = world.timeline()
        yield daemon


@pytest.fixture
def client(daemon):
    return Client(daemon.path)


@pytest.fixture
def systemctl(tmp_path):
    return FakeSystemctl(tmp_path)


def test_check_config_is_the_daemons(tmp_path):
    fake = tmp_path / "msreadyd"
    fake.write_text("#!/bin/sh\necho \"$0 $*\"; exit 1\n")
    fake.chmod(0o755)
    done = subprocess.run([program(), "check-config"], stdout=subprocess.PIPE, text=True,
                          env=environment(MSREADYD=str(fake)))
    assert (done.returncode, done.stdout) == (1, f"{fake} --check-config\n")
    done = subprocess.run([program(), "check-config", "-q"], stdout=subprocess.PIPE, text=True,
                          env=environment(MSREADYD=str(fake)))
    assert (done.returncode, done.stdout) == (1, "")
    done = subprocess.run([program(), "check-config"], stderr=subprocess.PIPE, text=True,
                          env=environment(MSREADYD=str(tmp_path / "none")))
    assert done.returncode == 1 and "cannot run" in done.stderr


READINESS = "io.msready.Readiness."
SVG = "{http://www.w3.org/2000/svg}"


def test_plot(client, systemctl):
    (systemctl.stamps / "UserspaceTimestampMonotonic").write_text("12000000\n")
    (systemctl.stamps / "ActiveEnterTimestampMonotonic").write_text("58000000\n")
    done = client("plot", PATH=f"{systemctl.folder}:{os.environ['PATH']}")
    assert (done.returncode, done.stderr) == (0, "")
    golden("plot.svg", done.stdout)
    root = ElementTree.fromstring(done.stdout)
    labels = [t.text for t in root.iter(SVG + "text") if t.get("text-anchor") == "end"]
    assert labels == ["cluster", "api", "node", "dns", "Pod dns-default-x7k2p", "ingress", "service-ca"]
    marks = [t.text for t in root.iter(SVG + "text") if t.get("class") == "marked"]
    assert marks == ["PID 1 started", "microshift.service active 46.0s", "API up 48.0s"]
    # What the pod waited for is in its row, which begins when it came.
    words = [t.text for t in root.iter(SVG + "text") if t.get("class") == "on object"]
    assert words == ["ImagePullBackOff", "ImagePullBackOff"]
    tooltips = [t.text for t in root.iter(SVG + "title") if t.text.startswith("Pod openshift-dns/dns-default-x7k2p: ")]
    assert [t.split(": ", 1)[1].split(",")[0] for t in tooltips] == [
        "waiting for 40s", "waiting for 3min 10s", "ready for 3min", "lost for 2min"]
    # Each row lasts until now.
    rects = [r for r in root.iter(SVG + "rect") if float(r.get("x")) + float(r.get("width")) > 1259.5]
    assert len(rects) == len(labels)
    assert not [e for e in root.iter() if e.tag.endswith(("script", "image", "a"))]


def test_plot_of_some_gates(daemon, client):
    told = world.waiting()
    told["gates"] = [g for g in told["gates"] if g["name"] == "node"]
    daemon.replies["Describe"] = told
    root = ElementTree.fromstring(client("plot", "node").stdout)
    assert daemon.calls[-1] == (READINESS + "Describe", {"gates": ["node"]}, set())
    assert [t.text for t in root.iter(SVG + "text") if t.get("text-anchor") == "end"] == ["cluster", "node"]


def test_plot_of_an_earlier_boot(daemon, client):
    told = {**world.timeline(), "transitions": [world.transition(60, "api", "waiting", "ready"),
                                                world.transition(250, None, "waiting", "ready")]}
    daemon.replies["GetTimeline"] = told
    root = ElementTree.fromstring(client("plot", "--boot=-1").stdout)
    assert [t.text for t in root.iter(SVG + "text") if t.get("text-anchor") == "end"] == ["cluster", "api"]
    (title,) = [t.text for t in root.iter(SVG + "text") if t.get("class") == "title"]
    assert title == "MicroShift on edge-1, 2026-11-22 12:00:00: ready 4min 10s after PID 1 started"
    assert [t.text for t in root.iter(SVG + "text") if t.get("class") == "marked"] == ["API up 1min"]


def test_plot_says_of_which_host_and_boot_it_is(daemon, client):
    def title():
        root = ElementTree.fromstring(client("plot").stdout)
        return [t.text for t in root.iter(SVG + "text") if t.get("class") == "title"]

    assert title() == ["MicroShift on edge-1, 2026-11-23 11:50:00, Kubernetes v1.30.5"]
    # Not on record yet, and the daemon has not found its node.
    daemon.replies["GetTimeline"] = {"transitions": [], "boots": []}
    told = world.waiting()
    del told["verdict"]["node"], told["verdict"]["serverVersion"]
    daemon.replies["Describe"] = told
    assert title() == [f"MicroShift on {socket.gethostname()}, 2026-11-23 11:50:00"]


def test_plot_labels_are_cut(daemon, client):
    pod = {"kind": "Pod", "namespace": "x" * 63, "name": "a" * 100}
    came = world.transition(1, "dns", "absent", "ready", object=pod)
    daemon.replies["GetTimeline"] = {"transitions": [came], "boots": []}
    root = ElementTree.fromstring(client("plot").stdout)
    (label,) = [t.text for t in root.iter(SVG + "text") if t.get("class") == "dim object"]
    assert re.fullmatch(r"Pod a{30,40}…", label)


@pytest.mark.parametrize("seconds", [20, 120, 7200, 90000])
def test_plot_scales(daemon, client, seconds):
    opened = world.transition(seconds, "dns", "waiting", "ready")
    daemon.replies["GetTimeline"] = {"transitions": [opened], "boots": []}
    told = {"verdict": verdict("ready"), "gates": [gate("dns")]}
    told["verdict"]["nowBoottimeUSec"] = seconds * 1_100_000
    daemon.replies["Describe"] = told
    root = ElementTree.fromstring(client("plot").stdout)
    ticks = [t.text for t in root.iter(SVG + "text") if t.get("text-anchor") == "middle"]
    assert 4 <= len(ticks) <= 14, ticks


@pytest.mark.parametrize("state,words,end", [("ready", (), 110), ("waiting", (), 1_000_000), ("ready", ("dns",), 110),
                                             ("ready", ("shop",), 1_000_000)])
def test_plot_ends_when_all_is_told(daemon, client, state, words, end):
    """Days after the boot there is still something to see; what has gone on since then is not cut from the words."""
    daemon.replies["GetTimeline"] = {"transitions": [world.transition(100, "dns", "waiting", "ready")], "boots": []}
    gates = [gate("dns"), gate("shop", "waiting", required=False)]
    told = {"verdict": verdict(state), "gates": [g for g in gates if not words or g["name"] in words]}
    told["verdict"]["nowBoottimeUSec"] = 1_000_000_000_000
    daemon.replies["Describe"] = told
    root = ElementTree.fromstring(client("plot", *words).stdout)
    rects = [r for r in root.iter(SVG + "rect") if r.find(SVG + "title") is not None]
    assert max(float(r.get("x")) + float(r.get("width")) for r in rects) <= 1261
    for rect in rects:
        if rect.find(SVG + "title").text == "dns: waiting for 1min 40s":
            assert float(rect.get("width")) == pytest.approx(max(100 / end * 1000, 1), abs=0.1)
    if "shop" not in words:
        assert "dns: ready for 11d 13h" in [t.text for t in root.iter(SVG + "title")]


def test_plot_of_hostile_names(daemon, client):
    evil = '</text><script>alert(1)</script>"&\x1b[31m\ufffe\uffff\uffed'
    daemon.replies["GetTimeline"] = {"transitions": [world.transition(1, evil, evil, evil)], "boots": []}
    root = ElementTree.fromstring(client("plot").stdout)
    assert not [e for e in root.iter() if e.tag.endswith("script")]


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert is missing")
def test_plot_renders(client, tmp_path):
    svg, png = tmp_path / "p.svg", tmp_path / "p.png"
    svg.write_text(client("plot").stdout)
    subprocess.run(["rsvg-convert", "-o", str(png), str(svg)], check=True)
    assert png.stat().st_size > 5000


def verbs_of_help():
    text = subprocess.run([program(), "help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"^  (\S+)", text.split("Verbs:")[1].split("\n\n")[0], re.M)


def options_of_help():
    text = subprocess.run([program(), "help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted(re.findall(r"^\s+(?:-\w )?(--[\w-]+)", text.split("Options")[1], re.M))


COMPLETIONS = process.REPOSITORY / "cli/completions"


def complete_bash(daemon, *words):
    """What bash offers behind these words; the last one may be begun or empty."""
    script = f"""
source {COMPLETIONS}/msready.bash
COMP_WORDS=(msready "$@") COMP_CWORD=$#
COMP_LINE="${{COMP_WORDS[*]}}" COMP_POINT=${{#COMP_LINE}}
_msready
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{process.build_folder() / 'cli'}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=20, env=environment(PATH=path))
    assert done.stderr == ""
    return sorted(w.strip() for w in done.stdout.split())


def test_bash_completes(daemon):
    socket_option = f"--socket={daemon.path}"
    assert complete_bash(daemon, "") == sorted(verbs_of_help())
    assert complete_bash(daemon, "wa") == ["wait", "watch"]
    assert complete_bash(daemon, "--") == options_of_help()
    for verb in "status", "wait", "watch", "explain", "objects", "gates", "timeline", "plot", "hold", "bind":
        assert complete_bash(daemon, socket_option, verb, "") == ["dns", "storage"], verb
    assert complete_bash(daemon, socket_option, "wait", "d") == ["dns"]
    assert "debug" in complete_bash(daemon, "log-level", "")
    assert complete_bash(daemon, "--json", "=", "p") == ["pretty"]
    assert complete_bash(daemon, "reload", "") == []


@pytest.fixture
def bound(tmp_path):
    """A root with three units bound to two gates, and a drop-in that is not bind's."""
    mark = "# Written by msready bind.\n[Unit]\n"
    for gate, unit, text in (("ingress", "kiosk.service", mark), ("ingress", "shop@1.service", mark),
                             ("my-gate", "till.service", "# It enabled the gate's unit, too.\n" + mark),
                             ("dns", "kiosk.service", "[Unit]\n")):
        folder = tmp_path / f"etc/systemd/system/msready-gate@{gate}.service.d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{unit}.conf").write_text(text)
    return tmp_path


# What stands behind "unbind ", and what may come next.
UNBIND = [("", ["ingress", "my-gate"]), ("ingress ", ["kiosk.service", "shop@1.service"]),
          ("my-gate ", ["till.service"]), ("dns ", [])]


def test_bash_completes_what_is_bound(daemon, bound):
    for root in ([f"--root={bound}"], ["--root", str(bound)], ["--root", "=", str(bound)]):
        for line, wanted in UNBIND:
            assert complete_bash(daemon, *root, "unbind", *line.split(), "") == wanted
        assert complete_bash(daemon, "unbind", *root, "ingress", "k") == ["kiosk.service"]


def test_completions_name_all_verbs_and_options():
    for name in "msready.bash", "_msready", "msready.fish":
        text = (COMPLETIONS / name).read_text()
        for verb in verbs_of_help():
            assert re.search(rf"(?<![\w-]){verb}(?![\w-])", text), f"{name}: {verb}"
        for option in options_of_help():
            assert re.search(rf"(?<![\w-])(--|-l |){option[2:]}(?![\w-])", text), f"{name}: {option}"


@pytest.mark.parametrize("shell,name", [("bash", "msready.bash"), ("zsh", "_msready"), ("fish", "msready.fish")])
def test_completions_parse(shell, name):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is missing")
    subprocess.run([shell, "-n", str(COMPLETIONS / name)], check=True)


def complete_fish(line):
    script = f"source {COMPLETIONS}/msready.fish; complete -C '{line}'"
    path = f"{process.build_folder() / 'cli'}:{os.environ['PATH']}"
    done = subprocess.run(["fish", "--no-config", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=True, env=environment(PATH=path))
    assert done.stderr == ""
    return sorted(line.split("\t")[0] for line in done.stdout.splitlines())


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is missing")
def test_fish_completes(daemon):
    assert complete_fish("msready ") == sorted(verbs_of_help())
    assert complete_fish("msready wa") == ["wait", "watch"]
    assert complete_fish(f"msready --socket={daemon.path} wait ") == ["dns", "storage"]
    assert complete_fish(f"msready --socket={daemon.path} bind ") == ["dns", "storage"]
    assert set(options_of_help()) <= set(complete_fish("msready --"))


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is missing")
def test_fish_completes_what_is_bound(bound):
    for line, wanted in UNBIND:
        assert complete_fish(f"msready --root={bound} unbind {line}") == wanted
    complete_fish("msready unbind ")
