# SPDX-License-Identifier: Apache-2.0
"""bind and unbind."""

import json
import os
import subprocess
import time

import pytest

from harness import fakedaemon, process, quadlet, world
from harness.client import environment, program
from harness.fakesystemctl import FakeSystemctl
from harness.quadlet import CONTAINER, MASK, MULTI_USER, QUADLET, WANTED, Link, make

GATE = "msready-gate@ingress.service"


@pytest.fixture
def systemctl(tmp_path):
    return FakeSystemctl(tmp_path)


def folder_of_gates(kind):
    """Where the msready that was built looks for gates, below a root: those of its vendor, or the administrator's."""
    text = (process.build_folder() / "meson-info/intro-buildoptions.json").read_text()
    options = {option["name"]: option["value"] for option in json.loads(text)}
    where = {"vendor": "lib/msready/gates.d", "etc": f"{options['sysconfdir']}/msready/gates.d"}
    return os.path.join(options["prefix"], where[kind]).lstrip("/") + "/"


@pytest.fixture
def root(tmp_path):
    """An offline system with two gates."""
    folder = tmp_path / "root"
    make(folder, {f"{folder_of_gates('vendor')}{gate}.gate": "[Api]\n" for gate in ("dns", "ingress")})
    return folder


def run(systemctl, *arguments, offline="0"):
    path = f"{systemctl.folder}:{os.environ['PATH']}"
    return subprocess.run([program(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment(PATH=path, SYSTEMD_OFFLINE=offline))


def tree(root):
    """The files below root, and their texts; without gates."""
    return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*"))
            if p.is_file() and p.suffix != ".gate"}


@pytest.mark.parametrize("unit", ["microshift", "microshift.service", "msready", "msready.socket",
                                  "msready-wait.service", "msready-gate@dns.service", "microshift-ready.target"])
def test_what_gates_wait_for_is_refused(systemctl, root, unit):
    """Bound, MicroShift would stop when the gate is lost, and neither would start again."""
    for arguments in (), ("--force",):
        done = run(systemctl, "bind", "ingress", unit, f"--root={root}", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith(" cannot be bound to a gate: gates wait for it.\n")
    assert tree(root) == {} and systemctl.calls() == []


@pytest.mark.parametrize("unit,files", [("kiosk", {"usr/lib/systemd/system/kiosk.service": WANTED}),
                                        ("edge", {QUADLET + "edge.container": CONTAINER}),
                                        ("shop@a", {"etc/systemd/system/shop@.service": WANTED})])
def test_a_unit_that_the_image_has(systemctl, root, unit, files):
    make(root, files)
    done = run(systemctl, "bind", "ingress", unit, f"--root={root}")
    assert done.stdout.endswith(f"\n{unit}.service will run while gate ingress is open.\n")


def test_names_in_the_wrong_order(systemctl):
    done = run(systemctl, "bind", "kiosk.service", "ingress")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "msready: 'kiosk.service' is not a valid name of a gate. Usage: msready bind GATE UNIT\n"


def test_bind_and_unbind(systemctl, root):
    units = "etc/systemd/system/"
    done = run(systemctl, "bind", "ingress", "kiosk", f"--root={root}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (f"Wrote {root}/{units}{GATE}.d/kiosk.service.conf\n"
                           f"Wrote {root}/{units}kiosk.service.d/msready-ingress.conf\n"
                           f"Enabled {GATE}\n"
                           "kiosk.service will run while gate ingress is open; no such unit is there yet.\n")
    files = tree(root)
    assert set(files) == {f"{units}{GATE}.d/kiosk.service.conf", f"{units}kiosk.service.d/msready-ingress.conf"}
    assert "[Unit]\nUpholds=kiosk.service\n" in files[f"{units}{GATE}.d/kiosk.service.conf"]
    assert f"[Unit]\nBindsTo={GATE}\nAfter={GATE}\n" in files[f"{units}kiosk.service.d/msready-ingress.conf"]
    assert "multi-user" not in files[f"{units}kiosk.service.d/msready-ingress.conf"]
    # Nothing of a system that does not run is started.
    assert systemctl.calls() == [f"--root={root} enable --quiet {GATE}"]

    # Once more is the same.
    done = run(systemctl, "bind", "ingress", "kiosk.service", "--root", str(root), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tree(root) == files and systemctl.calls() == []

    done = run(systemctl, "unbind", "ingress", "kiosk.service", f"--root={root}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (f"Removed {root}/{units}kiosk.service.d/msready-ingress.conf\n"
                           f"Removed {root}/{units}{GATE}.d/kiosk.service.conf\n")
    assert tree(root) == {} and systemctl.calls() == [f"--root={root} disable --quiet {GATE}"]
    assert os.listdir(root / "etc/systemd/system") == []
    done = run(systemctl, "unbind", "ingress", "kiosk.service", f"--root={root}")
    assert done.returncode == 1 and "is not bound" in done.stderr


VENDOR, ADMIN = folder_of_gates("vendor"), folder_of_gates("etc")

# Files below a root that has the gates dns and ingress; a gate; the exit status, and what is told.
REFUSED = {
    "mistyped": ({}, "ingres", 4, "there is no gate 'ingres'. Did you mean ingress?"),
    "like no other": ({}, "kiosk", 4, "there is no gate 'kiosk'."),
    "the cluster": ({}, "cluster", 4, "cluster is no gate: it means all that are required."),
    "no gate's file": ({ADMIN + "shop.conf": "", ADMIN + ".gate": "", ADMIN + "shop.gate.d/a.conf": ""}, "shop", 4,
                       "there is no gate 'shop'."),
    "masked": ({ADMIN + "dns.gate": MASK}, "dns", 1, f"gate dns is masked by {{root}}/{ADMIN}dns.gate."),
    "masked by a link to a link": ({ADMIN + "dns.gate": Link("/etc/null"), "etc/null": MASK}, "dns", 1,
                                   f"gate dns is masked by {{root}}/{ADMIN}dns.gate."),
    "nearest to one that is masked": ({ADMIN + "dns.gate": MASK}, "dnss", 4, "there is no gate 'dnss'."),
    "masked by its vendor": ({VENDOR + "shop.gate": MASK}, "shop", 1,
                             f"gate shop is masked by {{root}}/{VENDOR}shop.gate."),
    "the administrator's": ({ADMIN + "shop.gate": "[Api]\n", VENDOR + "shop.gate": MASK}, "shop", 0, ""),
    # An empty file is one that is being written.
    "empty": ({ADMIN + "shop.gate": ""}, "shop", 0, ""),
}


@pytest.mark.parametrize("files,gate,status,told", REFUSED.values(), ids=REFUSED)
def test_a_gate_that_no_unit_can_wait_for(systemctl, root, files, gate, status, told):
    """It is refused, because the unit would not run again; --force is for a gate that is yet to come."""
    make(root, files)
    arguments = "bind", gate, "kiosk", f"--root={root}"
    done = run(systemctl, *arguments)
    assert done.returncode == status
    if status == 0:
        assert done.stderr == "" and tree(root)
        return
    first, *hint = done.stderr.splitlines()
    assert first == "msready: " + told.format(root=root) and len(hint) == 2 and hint[1].endswith("add --force.")
    assert systemctl.calls() == [] and not list(root.glob("**/msready-*.conf"))
    done = run(systemctl, *arguments, "--force")
    assert (done.returncode, done.stderr) == (0, first + "\n")
    assert done.stdout.endswith(f"kiosk.service will run while gate {gate} is open; no such unit is there yet.\n")
    assert list(root.glob(f"**/msready-{gate}.conf"))


def test_gates_are_those_of_the_daemon(systemctl, tmp_path):
    """Where it answers: it knows what is disabled here, and what is invalid."""
    definitions = world.definitions()["definitions"]
    broken = {**definitions[0], "name": "broken", "cause": "/etc/msready/gates.d/broken.gate:1: no\x1b[31m"}
    masked = {**definitions[0], "name": "masked", "enabled": False, "masked": "/etc/m.gate",
              "cause": "masked by /etc/m.gate"}
    with fakedaemon.FakeDaemon(tmp_path / "socket") as daemon:
        daemon.replies["ListGates"] = {"definitions": [*definitions, broken, masked]}
        for gate, status, told in (("dsn", 4, "there is no gate 'dsn'. Did you mean dns?"),
                                   ("storage", 1, "gate storage is disabled on this host: "
                                    "ConditionMicroShift= not met, line 11."),
                                   ("broken", 1, "gate broken is invalid: /etc/msready/gates.d/broken.gate:1: no"),
                                   ("masked", 1, "gate masked is masked by /etc/m.gate.\n"
                                    "To unmask it: rm /etc/m.gate && msready reload\n")):
            done = run(systemctl, f"--socket={daemon.path}", "bind", gate, "kiosk")
            assert done.returncode == status and done.stderr.startswith(f"msready: {told}")
            assert "\x1b" not in done.stderr and systemctl.calls() == []


def test_where_the_daemon_does_not_answer_the_files_tell(systemctl, tmp_path):
    done = run(systemctl, f"--socket={tmp_path}/socket", "bind", "no-such-gate-here", "kiosk")
    assert done.returncode == 4 and done.stderr.startswith("msready: there is no gate 'no-such-gate-here'.")
    assert systemctl.calls() == []


def test_unbind_says_what_the_unit_is_bound_to(systemctl, root):
    assert run(systemctl, "bind", "ingress", "kiosk", f"--root={root}").returncode == 0
    (root / ETC / "kiosk.service.d/msready-theirs.conf").write_text("[Unit]\n")
    done = run(systemctl, "unbind", "ingres", "kiosk", f"--root={root}")
    first, *more = done.stderr.splitlines()
    assert done.returncode == 1 and "kiosk.service is not bound to gate ingres" in first
    assert more == ["It is bound to gate ingress."]


def test_two_units_of_one_gate(systemctl, root):
    for unit in "a", "b":
        assert run(systemctl, "bind", "ingress", unit, f"--root={root}").returncode == 0
    assert len(systemctl.calls()) == 1
    # The gate stays enabled for the other one, and goes with the last.
    assert run(systemctl, "unbind", "ingress", "a", f"--root={root}").returncode == 0
    assert systemctl.calls() == []
    assert run(systemctl, "unbind", "ingress", "b", f"--root={root}").returncode == 0
    assert systemctl.calls() == [f"--root={root} disable --quiet {GATE}"]
    assert tree(root) == {}


def test_what_was_there_stays(systemctl, root):
    folder = root / "etc/systemd/system" / (GATE + ".d")
    folder.mkdir(parents=True)
    (folder / "mine.conf").write_text("[Service]\nRestartSec=5\n")
    (systemctl.enabled / GATE).touch()
    before = tree(root)
    run(systemctl, "bind", "ingress", "a", f"--root={root}")
    run(systemctl, "unbind", "ingress", "a", f"--root={root}")
    assert tree(root) == before and systemctl.calls() == []


@pytest.mark.parametrize("given,unit", [("org.example.Kiosk", "org.example.Kiosk.service"),
                                        ("web@10.0.0.1", "web@10.0.0.1.service"), ("data.mount", "data.mount")])
def test_a_name_with_a_dot_may_lack_its_suffix(systemctl, root, given, unit):
    """As systemctl takes it."""
    assert run(systemctl, "bind", "ingress", given, f"--root={root}").returncode == 0
    units = "etc/systemd/system/"
    files = tree(root)
    assert set(files) == {f"{units}{GATE}.d/{unit}.conf", f"{units}{unit}.d/msready-ingress.conf"}
    assert f"Upholds={unit}\n" in files[f"{units}{GATE}.d/{unit}.conf"]


@pytest.mark.parametrize("unit", ["kiosk@.service", "kiosk@", "@1.service", ".service"])
def test_bind_what_cannot_be_started(systemctl, root, unit):
    """A template alone is no unit that a gate can uphold."""
    done = run(systemctl, "bind", "ingress", unit, f"--root={root}")
    assert (done.returncode, done.stdout) == (2, "") and "is not a valid name of a unit" in done.stderr
    assert tree(root) == {} and not (root / "etc").exists()


UNIT = Link("/usr/lib/systemd/system/kiosk.service")
ETC, RUN, LIB = "etc/systemd/system/", "run/systemd/system/", "usr/lib/systemd/system/"

# Files below the root, by path; the unit that is bound; the targets that it must not hold up.
PULLED_IN = {
    # Links
    "in etc": ({ETC + "multi-user.target.wants/kiosk.service": UNIT}, "kiosk", MULTI_USER),
    "required": ({ETC + "multi-user.target.requires/kiosk.service": UNIT}, "kiosk", MULTI_USER),
    "upheld": ({ETC + "multi-user.target.upholds/kiosk.service": UNIT}, "kiosk", MULTI_USER),
    "of the graphical system": ({ETC + "graphical.target.wants/kiosk.service": UNIT}, "kiosk", {"graphical.target"}),
    "of the default": ({ETC + "default.target.wants/kiosk.service": UNIT}, "kiosk", {"default.target"}),
    "of a target of its own": ({ETC + "edge.target.wants/kiosk.service": UNIT}, "kiosk", {"edge.target"}),
    "in run": ({RUN + "multi-user.target.wants/kiosk.service": UNIT}, "kiosk", MULTI_USER),
    "by its vendor": ({LIB + "multi-user.target.wants/kiosk.service": Link("../kiosk.service")}, "kiosk", MULTI_USER),
    "in usr/local": ({"usr/local/lib/systemd/system/multi-user.target.wants/kiosk.service": UNIT}, "kiosk",
                     MULTI_USER),
    "in lib": ({"lib/systemd/system/multi-user.target.wants/kiosk.service": UNIT}, "kiosk", MULTI_USER),
    "where lib is a link": ({"lib": Link("usr/lib"), LIB + "multi-user.target.wants/kiosk.service": UNIT}, "kiosk",
                            MULTI_USER),
    "behind an absolute link": ({"etc/systemd": Link("/data/systemd"),
                                 "data/systemd/system/multi-user.target.wants/kiosk.service": UNIT}, "kiosk",
                                MULTI_USER),
    "by a folder that is a link": ({ETC + "multi-user.target.wants": Link("/data/wants"),
                                    "data/wants/kiosk.service": UNIT}, "kiosk", MULTI_USER),
    "by two": ({ETC + "multi-user.target.wants/kiosk.service": UNIT, LIB + "edge.target.wants/kiosk.service": UNIT},
               "kiosk", {"multi-user.target", "edge.target"}),
    "masked in etc": ({LIB + "multi-user.target.wants/kiosk.service": UNIT,
                       ETC + "multi-user.target.wants/kiosk.service": MASK}, "kiosk", set()),
    "an empty file in etc": ({LIB + "multi-user.target.wants/kiosk.service": UNIT,
                              ETC + "multi-user.target.wants/kiosk.service": ""}, "kiosk", set()),
    "no link": ({ETC + "multi-user.target.wants/kiosk.service": "[Unit]\n"}, "kiosk", set()),
    "another unit": ({ETC + "multi-user.target.wants/kiosk2.service": UNIT}, "kiosk", set()),
    "by a service": ({ETC + "edge.service.wants/kiosk.service": UNIT}, "kiosk", set()),
    "an instance": ({ETC + "multi-user.target.wants/kiosk@1.service": Link("/usr/lib/systemd/system/kiosk@.service")},
                    "kiosk@1", MULTI_USER),
    "another instance": ({ETC + "multi-user.target.wants/kiosk@2.service": UNIT}, "kiosk@1", set()),
    # What the generators of a booted system have made tells nothing of another boot.
    "generated": ({"run/systemd/generator/multi-user.target.wants/kiosk.service": UNIT}, "kiosk", set()),
    # Files of targets
    "by a target's file": ({LIB + "edge.target": "[Unit]\nWants=foo.service kiosk.service\n"}, "kiosk",
                           {"edge.target"}),
    "by a target's drop-in": ({ETC + "edge.target.d/a.conf": "[Unit]\nUpholds=kiosk.service\n"}, "kiosk",
                              {"edge.target"}),
    "by a target's file, in quotes": ({LIB + "edge.target": '[Unit]\nWants="foo.service" "kiosk.service"\n'}, "kiosk",
                                      {"edge.target"}),
    "by a target's file that is no UTF-8": ({LIB + "edge.target": "# f\xfcr\n[Unit]\nWants=kiosk.service\n"}, "kiosk",
                                            {"edge.target"}),
    "by a target's file with a byte order mark": ({LIB + "edge.target": "\xef\xbb\xbf[Unit]\nWants=kiosk.service\n"},
                                                  "kiosk", {"edge.target"}),
    "by a target's file that is hidden": ({LIB + "edge.target": "[Unit]\nWants=kiosk.service\n",
                                           ETC + "edge.target": "[Unit]\nWants=foo.service\n"}, "kiosk", set()),
    "by a drop-in that is masked": ({LIB + "edge.target.d/a.conf": "[Unit]\nWants=kiosk.service\n",
                                     ETC + "edge.target.d/a.conf": MASK}, "kiosk", set()),
    # Aliases
    "by an alias": ({LIB + "kiosk.service": "[Service]\n", ETC + "shop.service": UNIT,
                     ETC + "multi-user.target.wants/shop.service": UNIT}, "kiosk", MULTI_USER),
    "as an alias": ({LIB + "kiosk.service": "[Service]\n", ETC + "shop.service": UNIT,
                     ETC + "multi-user.target.wants/kiosk.service": UNIT}, "shop", MULTI_USER),
    "by the alias of a template": ({ETC + "shop@.service": Link("kiosk@.service"),
                                    ETC + "multi-user.target.wants/shop@1.service": UNIT}, "kiosk@1", MULTI_USER),
    "by what is no alias": ({ETC + "shop.service": "[Service]\n", LIB + "shop.service": Link("kiosk.service"),
                             ETC + "multi-user.target.wants/shop.service": UNIT}, "kiosk", set()),
    # Not yet
    "once it is enabled": ({LIB + "kiosk.service": WANTED + "Also=foo.service\n"}, "kiosk", MULTI_USER),
    "once its template is": ({LIB + "kiosk@.service": "[Install]\nRequiredBy=edge.target\n"}, "kiosk@1",
                             {"edge.target"}),
    "once it is, before its target": ({LIB + "kiosk.service": "[Unit]\nBefore=multi-user.target\n" + WANTED}, "kiosk",
                                      set()),
    "by the target of the whole cluster": ({LIB + "kiosk.service": "[Install]\nWantedBy=microshift-ready.target\n"},
                                           "kiosk", set()),
    # Quadlet
    **{name: (files, unit + ".service", targets) for name, (files, unit, targets) in quadlet.CASES.items()},
    # Newer than the generator that tests/host has.
    "a container that is upheld": ({QUADLET + "kiosk.container": CONTAINER.replace("WantedBy", "UpheldBy")},
                                   "kiosk", MULTI_USER),
    "an alias that is no unit": ({QUADLET + "kiosk.container": CONTAINER + "Alias=x\n"}, "kiosk", MULTI_USER),
    "an artifact": ({QUADLET + "kiosk.artifact": "[Artifact]\n" + WANTED}, "kiosk-artifact", MULTI_USER),
    "a link of a container that is masked": ({QUADLET + "kiosk.container": CONTAINER,
                                              ETC + "multi-user.target.wants/kiosk.service": MASK}, "kiosk", set()),
    # What other people write
    "circles": ({ETC + "a.service": Link("b.service"), ETC + "b.service": Link("a.service"),
                 ETC + "edge.target.wants": Link("edge.target.wants"), QUADLET + "again": Link(".."),
                 QUADLET + "kiosk.container": WANTED, ETC + "kiosk.service": Link("kiosk.service")}, "kiosk",
                MULTI_USER),
    "names that end a line": ({ETC + "a\n[Service]\nExecStart=x\nb.target.wants/kiosk.service": UNIT,
                               QUADLET + "kiosk.container": "[Install]\nWantedBy=%i.target edge@.target a;b.target\n"},
                              "kiosk", set()),
    "a file of another system's root": ({ETC + "multi-user.target.wants": Link("../../../../../../wants"),
                                         "wants/kiosk.service": UNIT}, "kiosk", MULTI_USER),
    "text that is none": ({LIB + "edge.target": "\0\xff", QUADLET + "kiosk.container": "[\n\0" + WANTED}, "kiosk",
                          set()),
}


@pytest.mark.parametrize("files,unit,targets", PULLED_IN.values(), ids=PULLED_IN)
def test_no_target_that_pulls_the_unit_in_waits_for_it(systemctl, root, files, unit, targets):
    make(root, files)
    done = run(systemctl, "bind", "ingress", unit, f"--root={root}")
    assert (done.returncode, done.stderr) == (0, "")
    # Below the root, wherever its links lead.
    path, = root.glob("**/system/*.service.d/msready-ingress.conf")
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert lines[:3] == ["[Unit]", f"BindsTo={GATE}", f"After={GATE}"]
    assert lines[3:] == [f"After={target}" for target in sorted(targets)]
    assert run(systemctl, "unbind", "ingress", unit, f"--root={root}").returncode == 0
    assert not list(root.glob("**/msready-ingress.conf"))


@pytest.mark.parametrize("unit,files,target", [
    ("kiosk.service", {LIB + "kiosk.service": "[Unit]\nBefore=multi-user.target\n"}, "multi-user.target"),
    ("kiosk.service", {ETC + "kiosk.service.d/a.conf": "[Unit]\nBefore=foo.service multi-user.target\n"},
     "multi-user.target"),
    ("kiosk@1.service", {LIB + "kiosk@.service": "[Unit]\nBefore=multi-user.target\n"}, "multi-user.target"),
    ("kiosk.service", {ETC + "service.d/a.conf": "[Unit]\nBefore=multi-user.target\n"}, "multi-user.target"),
    ("kiosk-a@1.service", {ETC + "kiosk-.service.d/a.conf": "[Unit]\nBefore='multi-user.target'\n"},
     "multi-user.target"),
    ("kiosk.service", {QUADLET + "kiosk.container": "[Unit]\nBefore=multi-user.target\nBefore=\n" + CONTAINER},
     "multi-user.target"),
    ("kiosk.socket", {}, "sockets.target"), ("kiosk.timer", {}, "timers.target"), ("kiosk.path", {}, "paths.target"),
    ("kiosk.mount", {}, "local-fs.target"),
])
def test_a_unit_that_is_started_before_its_target_is_not_started_after_it(systemctl, root, unit, files, target):
    """That would be a cycle, which systemd cuts by dropping a job. It is told who waits."""
    make(root, {**files, f"{LIB}{target}.wants/{unit}": UNIT, f"{ETC}edge.target.wants/{unit}": UNIT})
    done = run(systemctl, "bind", "ingress", unit, f"--root={root}")
    assert done.returncode == 0
    waits = f"{target} waits for {unit}, and so for gate ingress: the unit is ordered before it."
    assert done.stderr == f"msready: {waits}\n"
    text = (root / ETC / f"{unit}.d/msready-ingress.conf").read_text()
    assert "After=edge.target\n" in text and f"After={target}\n" not in text


# Files below the root; the unit; what unmasks it: "" where systemctl does not, None where nothing has to.
MASKED = {
    "in etc": ({ETC + "kiosk.service": MASK, LIB + "kiosk.service": "[Service]\n"}, "kiosk", "unmask kiosk.service"),
    "in run": ({RUN + "kiosk.service": MASK}, "kiosk", "unmask --runtime kiosk.service"),
    "by an empty file": ({ETC + "kiosk.service": ""}, "kiosk", "unmask kiosk.service"),
    "by its vendor": ({LIB + "kiosk.service": MASK}, "kiosk", ""),
    "of a container": ({ETC + "kiosk.service": MASK, QUADLET + "kiosk.container": WANTED}, "kiosk",
                       "unmask kiosk.service"),
    "of an alias": ({LIB + "shop.service": Link("kiosk.service"), ETC + "kiosk.service": MASK}, "shop",
                    "unmask kiosk.service"),
    "of a template": ({ETC + "kiosk@.service": MASK}, "kiosk@1", "unmask kiosk@.service"),
    "of a template, not of the instance": ({ETC + "kiosk@.service": MASK, LIB + "kiosk@1.service": "[Service]\n"},
                                           "kiosk@1", None),
    "below the administrator's file": ({ETC + "kiosk.service": "[Service]\n", LIB + "kiosk.service": MASK}, "kiosk",
                                       None),
    "elsewhere": ({ETC + "kiosk2.service": MASK}, "kiosk", None),
}


@pytest.mark.parametrize("files,unit,unmask", MASKED.values(), ids=MASKED)
def test_a_masked_unit_is_not_bound(systemctl, root, files, unit, unmask):
    make(root, files)
    done = run(systemctl, "bind", "ingress", unit, f"--root={root}")
    masked = unmask is not None
    assert done.returncode == masked and bool(list(root.glob("**/*.conf"))) != masked
    if masked:
        first, *hint = done.stderr.splitlines()
        assert first.startswith(f"msready: {unit}.service is masked by /")
        assert hint == ([f"To unmask it: systemctl --root={root} {unmask}"] if unmask else [])


def test_what_cannot_be_read_stops_nobody(systemctl, root):
    """Files of no use to systemd are of none to us, and none of them is waited for."""
    make(root, {LIB + "a.target": "#" * (1 << 20), QUADLET + "kiosk.kube": "#" * (1 << 20), QUADLET + "x": "",
                LIB + "b.target.wants/kiosk.service": UNIT})
    for name in (LIB + "c.target", LIB + "kiosk.service", QUADLET + "kiosk.container", ETC + "d.target.wants"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / name)
    (root / QUADLET / "e.container").mkdir()
    done = run(systemctl, "bind", "ingress", "kiosk", f"--root={root}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "After=b.target\n" in (root / ETC / "kiosk.service.d/msready-ingress.conf").read_text()


def test_more_files_than_a_system_has_are_refused(systemctl, root):
    (root / LIB).mkdir(parents=True)
    for i in range(16385):
        (root / LIB / f"{i}.x").symlink_to("x")
    done = run(systemctl, "bind", "ingress", "kiosk", f"--root={root}")
    assert done.returncode == 1 and f"cannot read the units of {root}: too many files" in done.stderr
    assert not (root / ETC).exists()


def test_a_drop_in_of_all_containers_counts_for_each(systemctl, root):
    make(root, {f"{QUADLET}{i}.container": "" for i in range(128)} |
         {f"{QUADLET}container.d/{i}.conf": "" for i in range(128)})
    done = run(systemctl, "bind", "ingress", "kiosk", f"--root={root}")
    assert done.returncode == 1 and "too many files" in done.stderr


def test_more_targets_than_a_drop_in_can_name(systemctl, root):
    make(root, {f"{LIB}{'t' * 180}{i}.target.wants/kiosk.service": UNIT for i in range(1100)})
    done = run(systemctl, "bind", "ingress", "kiosk", f"--root={root}")
    assert done.returncode == 1 and "cannot write " in done.stderr and "daemon" not in done.stderr
    assert not list(root.glob("**/*.conf"))


@pytest.mark.parametrize("forward", [True, False])
def test_more_aliases_than_a_unit_has_are_refused(systemctl, root, forward):
    """Whichever end is bound, and at once."""
    (root / ETC).mkdir(parents=True)
    for i in range(3000):
        (root / ETC / f"a{i:05}.service").symlink_to(f"a{i + 1:05}.service")
    started = time.monotonic()
    done = run(systemctl, "bind", "ingress", "a00000" if forward else "a03000", f"--root={root}")
    assert done.returncode == 1 and "too many files or aliases" in done.stderr
    assert time.monotonic() - started < 10


def test_while_an_image_is_built(systemctl, tmp_path):
    """No systemd runs, and so no daemon: neither is asked, and the files of this system tell."""
    socket = f"--socket={tmp_path}/socket"
    done = run(systemctl, socket, "bind", "no-such-gate-here", "kiosk", offline="1")
    assert done.returncode == 4 and done.stderr.splitlines()[1].startswith("Its file would be /")
    done = run(systemctl, socket, "unbind", "ingress", "no-such-unit-here", offline="1")
    assert done.returncode == 1 and "there is no /etc/systemd/system/" in done.stderr
    assert not systemctl.log.exists()


@pytest.mark.parametrize("verb", ["bind", "unbind"])
@pytest.mark.parametrize("folder", ["nowhere", ""])
def test_a_root_that_is_not_there(systemctl, tmp_path, verb, folder):
    """An empty one, of a variable that is not set, is not this system."""
    root = folder and tmp_path / folder
    done = run(systemctl, verb, "ingress", "kiosk", f"--root={root}")
    assert (done.returncode, done.stderr) == (2, f"msready: --root= takes a folder, not '{root}'.\n")
    assert systemctl.calls() == [] and not (tmp_path / "nowhere").exists()


def test_unbind_that_failed_can_be_done_again(systemctl, root):
    assert run(systemctl, "bind", "ingress", "kiosk", f"--root={root}").returncode == 0
    script = systemctl.folder / "systemctl"
    text = script.read_text()
    script.write_text(text.replace("*disable*) rm", "*disable*) exit 1; rm"))
    done = run(systemctl, "unbind", "ingress", "kiosk", f"--root={root}")
    assert done.returncode == 1 and "disable failed" in done.stderr
    script.write_text(text)
    assert run(systemctl, "unbind", "ingress", "kiosk", f"--root={root}").returncode == 0
    assert tree(root) == {} and not any(systemctl.enabled.iterdir())


def test_bind_a_unit_that_is_not_there(systemctl, tmp_path):
    systemctl.state.write_text("not-found")
    done = run(systemctl, "bind", "ingress", "no-such-unit-of-msready.service")
    assert done.returncode == 1 and "there is no unit" in done.stderr
    assert systemctl.calls() == []


def test_bind_where_the_gate_cannot_be_enabled(systemctl, root):
    """As in an image that lacks msready: nothing is bound to a unit that will never be there."""
    theirs = root / "etc/systemd/system/kiosk.service.d/theirs.conf"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[Service]\n")
    systemctl.enabled.rmdir()
    done = run(systemctl, "bind", "ingress", "kiosk", f"--root={root}")
    assert (done.returncode, done.stdout) == (1, "") and "enable failed" in done.stderr
    assert tree(root) == {str(theirs.relative_to(root)): "[Service]\n"}
    assert not (root / f"etc/systemd/system/{GATE}.d").exists()
