# SPDX-License-Identifier: Apache-2.0
"""Units, gates, the catalog and the greenboot check, as they are installed and without a daemon."""

import configparser
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import examples, process

UNITS = process.REPOSITORY / "units"
GATES = sorted((UNITS / "gates").glob("*.gate"))
REQUIRED = {"api", "dns", "node", "ovn", "kindnet", "kube-proxy"}
TRACKED = {"resolver", "service-ca", "ingress", "csi-snapshot", "storage", "multus", "olm", "gitops", "gateway-api",
           "cert-manager", "kserve", "sriov", "metrics-server", "kube-state-metrics", "node-exporter"}
GATE_KEYS = {"Description", "Required", "After", "ConditionPathExists", "ConditionMicroShift",
             "ConditionMicroShiftDeploys"}
CHECK_KEYS = {
    "Api": {"Path"},
    "Node": {"Name"},
    "Pods": {"Namespace", "Selector", "Name", "MinimumReady", "Proof"},
    "Workload": {"Kind", "Namespace", "Name", "MinimumReady", "Revision", "Proof"},
    "Condition": {"Resource", "Namespace", "Name", "Type", "Status", "Field", "Value"},
    "Endpoint": {"URL", "ExpectStatus", "CAFile", "IntervalSec"},
    "Socket": {"Connect", "IntervalSec"},
}
# Targets that no unit may precede: a wait in front of one would hold up every boot.
BOOT_TARGETS = {"multi-user.target", "graphical.target", "default.target", "basic.target", "sysinit.target"}


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is missing")


def assignments(path):
    """The file as a list of (section, key, value)."""
    found, section = [], None
    for line in path.read_text().splitlines():
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            section = line[1:-1]
        else:
            key, equals, value = line.partition("=")
            assert equals, f"{path}: {line!r} is no assignment"
            found.append((section, key, value))
    return found


def values(path, section, key):
    """All words assigned to a key, over all of its lines."""
    return [word for s, k, v in assignments(path) if (s, k) == (section, key) for word in v.split()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """`meson install` into a folder; returns the folders units, gates, catalog and so on by name."""
    build = process.build_folder()
    if not (build / "build.ninja").exists():
        pytest.skip(f"nothing is built in {build}")
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--quiet"],
                   check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.PIPE, env=dict(os.environ, DESTDIR=str(root)))
    return root


@pytest.fixture(scope="module")
def units(installed, tmp_path_factory):
    """The installed units, naming a program that exists here."""
    folder = tmp_path_factory.mktemp("units")
    for path in installed.rglob("systemd/system/*"):
        (folder / path.name).write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", path.read_text(), flags=re.M))
    assert len(list(folder.iterdir())) >= 7
    return folder


def analyze(units, *words):
    need("systemd-analyze")
    return subprocess.run(["systemd-analyze", "--no-pager", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=dict(os.environ, SYSTEMD_UNIT_PATH=f"{units}:"))


@pytest.mark.parametrize("unit", ["msready.socket", "msready.service", "msready-wait.service",
                                  "msready-wait@dns.service",
                                  "msready-gate@dns.service", "microshift-ready.target", "msready-boot-check.service"])
def test_verify_is_silent(units, unit):
    done = analyze(units, "verify", "--man=no", unit)
    assert (done.returncode, done.stdout) == (0, "")


def exposure(units, unit):
    done = analyze(units, "security", "--offline=true", str(units / unit))
    return float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout).group(1))


def test_exposure_of_the_daemon(units, installed, tmp_path):
    assert exposure(units, "msready.service") <= 1.6
    drop_in, = installed.rglob("drop-ins/msready.service.d/localhost-only.conf")
    folder = tmp_path / "units"
    shutil.copytree(units, folder)
    (folder / "msready.service.d").mkdir()
    shutil.copy(drop_in, folder / "msready.service.d")
    assert exposure(folder, "msready.service") <= 1.5


@pytest.mark.parametrize("drop_in", sorted((UNITS / "drop-ins").glob("*.conf")), ids=lambda p: p.stem)
def test_drop_ins_fit_their_unit(units, installed, tmp_path, drop_in):
    place, = installed.rglob(f"drop-ins/*/{drop_in.name}")
    unit = place.parent.name[:-2]
    folder = tmp_path / "units"
    shutil.copytree(units, folder)
    (folder / place.parent.name).mkdir()
    shutil.copy(drop_in, folder / place.parent.name)
    done = analyze(folder, "verify", "--man=no", unit)
    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_waits_in_front_of_the_boot(units):
    for path in units.iterdir():
        before = set(values(path, "Unit", "Before"))
        assert not before & BOOT_TARGETS, path.name
        assert not set(values(path, "Unit", "After")) & BOOT_TARGETS, path.name
        # The boot check alone may fail a boot, and it is off.
        assert before <= ({"boot-complete.target"} if path.name == "msready-boot-check.service" else set())
        wanted = set(values(path, "Install", "WantedBy"))
        assert wanted <= {"microshift.service", "sockets.target"}, path.name


def test_a_crash_of_the_daemon_restarts_nobody(units):
    for path in units.iterdir():
        for key in ("Requires", "BindsTo", "Requisite", "PartOf", "After"):
            assert "msready.service" not in values(path, "Unit", key), f"{path.name}: {key}="


def test_applications_stop_before_microshift(units):
    for name in ("msready-wait.service", "msready-wait@.service", "msready-gate@.service", "microshift-ready.target"):
        assert "microshift.service" in values(units / name, "Unit", "After")
    # The daemon sees the whole boot.
    assert "microshift.service" not in values(units / "msready.service", "Unit", "After")


def test_the_wait_has_no_limit_and_a_hung_program_has(units):
    wait = units / "msready-wait.service"
    assert values(wait, "Service", "Environment") == ["MSREADY_TIMEOUT=infinity"]
    assert values(wait, "Service", "TimeoutStartSec") == ["infinity"]
    for name in ("msready.service", "msready-gate@.service"):
        assert values(units / name, "Service", "TimeoutStartSec") == ["90s"]
        assert values(units / name, "Unit", "StartLimitIntervalSec") == ["0"]


def test_presets():
    lines = (UNITS / "90-msready.preset").read_text().splitlines()
    for unit in ("msready.socket", "msready.service", "microshift-ready.target"):
        assert f"enable {unit}" in lines
    assert "disable msready-boot-check.service" in lines
    # A template, so this enables nothing; see the file.
    assert "enable msready-gate@.service" in lines
    assert "DefaultInstance" not in (UNITS / "msready-gate@.service.in").read_text()


# Gates

def test_the_shipped_gates():
    assert {path.stem for path in GATES} == REQUIRED | TRACKED
    assert {path.stem for path in GATES if values(path, "Gate", "Required") == ["yes"]} == REQUIRED


@pytest.mark.parametrize("path", [*GATES, *sorted((UNITS / "examples").glob("*.gate"))], ids=lambda p: p.stem)
def test_a_gate_file(path):
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", path.stem)
    sections = re.findall(r"^\[(.*)\]$", path.read_text(), re.M)
    assert sections[0] == "Gate" and len(sections) > 1
    assert len(set(sections)) == len(sections), "a label twice"
    for section, key, _ in assignments(path):
        kind = section.split()[0]
        # No timing keys: they are the administrator's.
        assert key in (GATE_KEYS if kind == "Gate" else CHECK_KEYS[kind]), f"[{section}] {key}="
    assert values(path, "Gate", "Description")
    known = {p.stem for p in GATES}
    assert set(values(path, "Gate", "After")) <= known


def test_check_sections_are_those_of_the_man_page():
    """The unit test ready-kinds compares the page with the table of kinds."""
    page = (process.REPOSITORY / "man/msready.gate.5").read_text()
    told = {section: set(re.findall(r"\bCm (\w+)=", "\n".join(re.findall(r"^\.It .*", body, re.M))))
            for section, body in re.findall(r"^\.Ss \[(\w+)\]\n((?:(?!\.S[sh] ).*\n)*)", page, re.M)}
    assert told == CHECK_KEYS
    assert {"Gate", *told} == examples.SECTIONS["gate"]


def test_explanation_order_has_no_cycle():
    after = {path.stem: set(values(path, "Gate", "After")) for path in GATES}
    while after:
        first = [name for name, names in after.items() if not names & set(after)]
        assert first, f"a cycle among {sorted(after)}"
        for name in first:
            del after[name]


def test_gates_are_installed(installed):
    folder, = installed.rglob("gates.d/api.gate")
    assert {p.name for p in folder.parent.iterdir()} == {p.name for p in GATES}
    assert (folder.parent.parent / "msready.conf").exists()


def test_the_account_is_not_made_unasked(installed):
    folder, = installed.rglob("manifests.d/090-msready")
    assert "microshift" not in str(folder.relative_to(installed))
    kustomization = (folder / "kustomization.yaml").read_text()
    listed = set(re.findall(r"^- (\S+)$", kustomization, re.M))
    assert listed == {p.name for p in folder.iterdir()} - {"kustomization.yaml"}
    # The account may only read.
    verbs = {verb for line in re.findall(r"verbs: \[(.*)\]", (folder / "roles.yaml").read_text())
             for verb in re.findall(r'"(\w+)"', line)}
    assert verbs == {"get", "list", "watch"}
    assert "secrets" not in (folder / "roles.yaml").read_text()


# The journal

def message_ids():
    text = (process.REPOSITORY / "daemon/message-id.h").read_text()
    return dict(re.findall(r'#define (MESSAGE_ID_\w+) "(\w+)"', text))


def test_the_catalog_knows_each_message():
    ids = list(message_ids().values())
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[0-9a-f]{32}", i) for i in ids)
    assert set(re.findall(r"^-- (\w+)$", (UNITS / "msready.catalog").read_text(), re.M)) == set(ids)


def test_journalctl_takes_the_catalog(tmp_path):
    need("journalctl")
    folder = tmp_path / "usr/lib/systemd/catalog"
    folder.mkdir(parents=True)
    shutil.copy(UNITS / "msready.catalog", folder)
    done = subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    listed = subprocess.run(["journalctl", f"--root={tmp_path}", "--list-catalog"],
                            stdout=subprocess.PIPE, text=True).stdout
    assert len(listed.splitlines()) == len(message_ids())


# greenboot

class Greenboot:
    def __init__(self, folder, script):
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.conf = folder / "greenboot.conf"
        self.script = folder / "check.sh"
        self.script.write_text(re.sub(r"\S+/msready (wait|explain)", r"msready \1", script.read_text()))
        self.tool("systemctl", "echo enabled")
        self.tool("grub2-editenv", "echo boot_success=0")
        self.tool("msready", f'echo "$@" >>{folder}/asked')

    def tool(self, name, text):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self):
        return subprocess.run(["bash", str(self.script)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True,
                              env={"PATH": f"{self.bin}:/usr/bin:/bin", "MSREADY_GREENBOOT_CONF": str(self.conf)})

    def asked(self):
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def greenboot(installed, tmp_path):
    need("bash")
    script, = installed.rglob("greenboot/check/required.d/*.sh")
    assert os.access(script, os.X_OK)
    return Greenboot(tmp_path, script)


@pytest.mark.parametrize("conf,counter,seconds", [
    ("", "", 600),
    ("MICROSHIFT_WAIT_TIMEOUT_SEC=300", "", 300),
    ("MICROSHIFT_WAIT_TIMEOUT_SEC=9999", "", 9999),
    ("MICROSHIFT_WAIT_TIMEOUT_SEC=59", "", 60),
    ("MICROSHIFT_WAIT_TIMEOUT_SEC=10000", "", 600),
    ("MICROSHIFT_WAIT_TIMEOUT_SEC=10min", "", 600),
    ("MICROSHIFT_WAIT_TIMEOUT_SEC='a[$(touch pwned)]'", "", 600),
    # After an update GRUB counts down: each attempt waits longer.
    ("", "2", 600),
    ("", "1", 1200),
    ("", "0", 1800),
    ("", "-1", 2400),
    ("", "3", 600),
    ("", "x", 600),
    ("GREENBOOT_MAX_BOOT_ATTEMPTS=5", "2", 1800),
    ("GREENBOOT_MAX_BOOT_ATTEMPTS=10", "2", 600),
    ("GREENBOOT_MAX_BOOTS=4", "1", 1800),
    ("GREENBOOT_MAX_BOOTS=9\nGREENBOOT_MAX_BOOT_ATTEMPTS=2", "0", 1200),
    ("MICROSHIFT_WAIT_TIMEOUT_SEC=100\nDISABLED_HEALTHCHECKS=(a.sh b.sh)", "1", 200),
])
def test_greenboot_waits_as_microshift_does(greenboot, conf, counter, seconds):
    greenboot.conf.write_text(conf + "\n")
    greenboot.tool("grub2-editenv",
                   f"echo boot_success=0; echo boot_counter={counter}" if counter else "echo boot_success=1")
    done = greenboot.run()
    assert done.returncode == 0, done.stderr
    assert greenboot.asked() == [f"wait --timeout={seconds}s"]
    assert not pathlib.Path("pwned").exists()


def test_greenboot_without_grub(greenboot):
    greenboot.tool("grub2-editenv", "exit 127")
    assert greenboot.run().returncode == 0
    assert greenboot.asked() == ["wait --timeout=600s"]


@pytest.mark.parametrize("state", ["disabled", "masked", "static", ""])
def test_greenboot_without_microshift(greenboot, state):
    greenboot.tool("systemctl", f"echo {state}; exit 1")
    done = greenboot.run()
    assert (done.returncode, greenboot.asked()) == (0, [])
    assert "not enabled" in done.stdout


@pytest.mark.parametrize("there", [None, "is-enabled --quiet msready.socket", "is-enabled --quiet msready.service",
                                   "is-active --quiet msready.socket"])
def test_greenboot_without_msready(greenboot, there):
    """An update must not be rolled back because nobody has enabled what would judge it."""
    greenboot.tool("systemctl", f"""case "$*" in
        "is-enabled microshift.service") echo enabled ;;
        "{there}") ;;
        *) exit 1 ;;
    esac""")
    greenboot.tool("msready", f'echo "$@" >>{greenboot.folder}/asked; exit 69')
    done = greenboot.run()
    if there:
        assert done.returncode == 1 and greenboot.asked()[0] == "wait --timeout=600s"
    else:
        assert (done.returncode, greenboot.asked()) == (0, [])
        assert "Warning: msready is not enabled" in done.stderr


@pytest.mark.parametrize("status", [1, 4, 5])
def test_greenboot_fails_with_the_reasons(greenboot, status):
    greenboot.tool("msready", f'[ "$1" = wait ] && exit {status}; echo "gate dns: ImagePullBackOff"')
    done = greenboot.run()
    assert done.returncode == 1
    assert "ImagePullBackOff" in done.stderr and f"exit status {status}" in done.stderr


def test_examples_are_valid_shell():
    need("sh")
    subprocess.run(["sh", "-n", str(UNITS / "examples/make-kubeconfig")], check=True)


def test_every_key_of_msready_conf_is_listed():
    text = (UNITS / "msready.conf").read_text()
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("# ",))
    parser.optionxform = str
    parser.read_string(re.sub(r"^#(?=\w+=)", "", text, flags=re.M))
    assert {s: sorted(parser[s]) for s in parser.sections()} == {
        "Cluster": ["Context", "Kubeconfig", "Node", "Scope"],
        "Readiness": ["HoldSec", "Require", "SettleSec", "UnknownSec"],
        "Host": ["BootIdFile", "CgroupRoot", "MachineIdFile"],
        "Metrics": ["Textfile"],
        "Log": ["Level"],
    }
