# SPDX-License-Identifier: Apache-2.0
"""msready in images: what README.md, msready.units(7) and packaging/image/Containerfile say, word for word.

The base image is a Debian that has never been booted, with rpm, stubs of RHEL's packages and MicroShift's unit. COPY
and RUN are carried out as podman does it: a process of its own is PID 1, and no systemd runs. dnf and bootc are
stand-ins there, the first of which calls rpm; the packages are those of packaging/build, with their scripts.
"""

import glob
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from harness import examples, process, rpms

from host import fresh, standin
from host.node import CONFIG

CONTAINERFILE = process.REPOSITORY / "packaging/image/Containerfile"
# rpm instead of dnf, as there are no repositories.
DNF = """#!/bin/sh
[ "$1" = install ] || exit 0
for word; do case $word in *.rpm) [ ! -e "$word" ] || set -- "$@" "$word" ;; esac; shift; done
[ $# = 0 ] || exec rpm --install "$@"
"""
STAND_INS = {"/usr/local/bin/dnf": DNF, "/usr/local/bin/bootc": "#!/bin/sh\n"}
STUBS = ("libraries", "systemd", "selinux-policy-targeted", "policycoreutils")
KIOSK = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
GATE = (process.REPOSITORY / "units/examples/workspace.gate").read_text()
# What packages leave alone: the machine's own, what is mounted over, and what is a link into /var in such images.
NOT_AN_IMAGES = ("var", "run", "tmp", "boot", "usr/etc", "usr/local", "opt", "srv", "mnt", "home", "root", "dev",
                 "sys", "proc", "usr/lib/modules", "usr/lib/bootc", "etc/hostname", "etc/resolv.conf",
                 "etc/machine-id")
# Where Debian's rpm keeps its records, which on RHEL are in /usr; and what a stub writes.
RECORDS = (b"root/.rpmdb", b"var/lib/rpm", b"var/log/selinux-calls")
ENABLED = ("msready.socket", "msready.service", "microshift-ready.target")
# As the last presets of Fedora, and one that an image for MicroShift needs with them.
PRESETS = {"10-image.preset": "enable microshift.service\n", "99-default-disable.preset": "disable *\n"}


class Image:
    """A tree that becomes an image. host: not booted yet. context: the folder that COPY takes files from."""

    def __init__(self, host, context, stubs):
        self.host = host
        self.root = host.root
        self.context = context
        for path in stubs:
            shutil.copy(path, self.root)
        self.run("rpm --install /*.rpm && rm /*.rpm")
        for path, text in STAND_INS.items():
            host.write(path, text, 0o755)
        host.write("/usr/lib/systemd/system/microshift.service", standin.MICROSHIFT)
        standin.systemctl(host, "enable", "microshift.service")
        self.before = self.paths()

    def paths(self):
        """Of all files and folders, as bytes, relative to the root."""
        found = set()
        for folder, folders, files in os.walk(os.fsencode(self.root)):
            found |= {os.path.relpath(os.path.join(folder, name), os.fsencode(self.root)) for name in folders + files}
        return found

    def added(self):
        """What the image has and its base has not; without rpm's own records."""
        return {path for path in self.paths() - self.before if not path.startswith(RECORDS)}

    def copy(self, *words):
        *sources, target = words
        found = [path for source in sources for path in glob.glob(str(self.context / source))]
        assert found, f"COPY {' '.join(words)}: nothing there"
        folder = self.host.path(target)
        folder.mkdir(parents=True, exist_ok=True)
        for path in found:
            copy = shutil.copytree if os.path.isdir(path) else shutil.copy
            copy(path, folder, **({"dirs_exist_ok": True} if os.path.isdir(path) else {}))

    def run(self, command, *in_front):
        """In a container: PID 1 is the command's shell."""
        words = in_front or ("unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.root}/proc")
        done = subprocess.run([*words, "chroot", self.root, "sh", "-c", command], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]})
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
        assert not re.search("unreachable|warning|[Ff]ailed", done.stdout), f"{command}:\n{done.stdout}"
        return done.stdout

    def build(self, text):
        """Carries a Containerfile out. Returns what its commands said."""
        said = ""
        for line in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M)).splitlines():
            instruction, _, rest = line.strip().partition(" ")
            if instruction == "COPY":
                self.copy(*rest.split())
            elif instruction == "RUN":
                said += self.run(rest)
            else:
                assert instruction in ("", "ARG", "FROM"), line
        return said

    def enabled(self, *units):
        for unit in units:
            words = ["systemctl", f"--root={self.root}", "is-enabled", unit]
            assert subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout == "enabled\n", unit

    def bound(self, gate, unit):
        """Whether the unit is bound to the gate, which starts with MicroShift."""
        self.enabled(f"msready-gate@{gate}.service")
        folder = self.host.path("/etc/systemd/system")
        assert f"Upholds={unit}\n" in (folder / f"msready-gate@{gate}.service.d/{unit}.conf").read_text()
        assert "BindsTo=" in (folder / f"{unit}.d/msready-{gate}.conf").read_text()

    def seal(self):
        """As it comes to a machine: never booted, without an ID, with nothing in /var, and all presets applied."""
        for path in STAND_INS:
            self.host.path(path).unlink()
        for name, text in PRESETS.items():
            self.host.write(f"/usr/lib/systemd/system-preset/{name}", text)
        standin.systemctl(self.host, "preset-all", "--preset-mode=full")
        for path in self.host.path("/var").iterdir():
            path.unlink() if path.is_symlink() else shutil.rmtree(path)
        self.host.write("/etc/machine-id", "")


def blocks(source, section):
    """The examples of a section that are no units."""
    found = [e for e in examples.all_examples() if (e.source, e.section) == (source, section)]
    return [e.text for e in found if e.kind == "shell"]


def containerfile(source, section):
    (text,) = [text for text in blocks(source, section) if text.startswith("FROM ")]
    return text


@pytest.fixture
def suite(request, trees):
    return getattr(request, "param", "bookworm")


@pytest.fixture
def context(suite, tmp_path):
    """The folder of the sources with what packaging/build leaves, and with what an administrator puts there."""
    folder = tmp_path / "context"
    (folder / "packaging/out").mkdir(parents=True)
    (folder / "rpms").mkdir()
    (folder / "units").symlink_to(process.REPOSITORY / "units")
    (folder / "workspace.gate").write_text(GATE)
    (folder / "kiosk.service").write_text(KIOSK)
    for name, path in rpms.built(suite).items():
        (folder / "packaging/out" / pathlib.Path(path).name).symlink_to(path)
        (folder / "rpms" / pathlib.Path(path).name).symlink_to(path)
    return folder


@pytest.fixture
def image(suite, boot_host, context, tmp_path):
    lab = tmp_path / "lab"
    lab.mkdir()
    host = boot_host(suite, packages=["rpm"], binds={"/lab": (lab, "ro")})
    host.binds["/usr"] = (host.path("/usr"), "ro")
    stubs = [path for name, path in rpms.stubs(suite).items() if name.rpartition("-")[0] in STUBS]
    return Image(host, context, stubs)


def keeps_the_rules(image):
    """Those of `bootc container lint` that a package can break, and of /var and /usr/local in such images."""
    added = image.added()
    assert b"usr/bin/msreadyd" in added
    for path in added:
        name = path.decode("utf-8")  # utf8
        assert not name.startswith(tuple(f"{folder}/" for folder in NOT_AN_IMAGES)), name
        assert name not in NOT_AN_IMAGES and "/" in name, name
        status = (image.root / name).lstat()
        if name.startswith("etc/"):
            assert (status.st_uid, status.st_gid) == (0, 0), name  # etc-uid-drift
        if (image.root / name).is_symlink():
            os.fsencode(os.readlink(image.root / name)).decode("utf-8")
    has_sysusers(image)


def has_sysusers(image):
    """Users and groups are made by sysusers.d alone, or have an entry there."""
    told = {line.split()[1] for path in image.host.path("/usr/lib/sysusers.d").glob("*.conf")
            for line in path.read_text().splitlines() if re.match("[ug]", line)}
    assert "msready" in told
    for name in ("passwd", "group"):
        base = (pathlib.Path(image.host.lower) / "etc" / name).read_text().splitlines()
        for line in set(image.host.path(f"/etc/{name}").read_text().splitlines()) - set(base):
            assert line.partition(":")[0] in told, line


def first_boot(image, tmp_path):
    """Everything is enabled; the bound unit starts when its gate opens."""
    host = image.host
    host.write("/usr/lib/msready/msready.conf.d/test.conf", CONFIG)
    image.seal()
    host.boot()
    assert host.run("touch", "/usr/bin/written", check=False).returncode != 0
    assert [host.output("systemctl", "is-enabled", unit) for unit in ENABLED] == ["enabled"] * len(ENABLED)
    with fresh.node_to_come(host, tmp_path / "lab") as kubelet:
        assert "workspace" in host.output("msready", "gates")
        fresh.expect_waiting({"msready": host.run("msready", check=False).stdout})
        assert host.state("kiosk.service") == "inactive"
        assert host.state("msready-gate@ingress.service") == "activating"
        fresh.come_up(host, kubelet)
        host.wait_active("kiosk.service")
    failed = host.output("systemctl", "list-units", "--failed", "--no-legend", "ms*", "micro*", "kiosk*")
    assert failed == ""


@pytest.mark.parametrize("suite", ["bookworm", "trixie"], indirect=True)
def test_from_the_build_to_the_first_boot(image, tmp_path):
    image.copy("kiosk.service", "/usr/lib/systemd/system/")
    said = image.build(containerfile("README.md", "In an image"))
    assert said.endswith("kiosk.service will run while gate ingress is open.\n"), said
    keeps_the_rules(image)
    image.enabled(*ENABLED)
    image.bound("ingress", "kiosk.service")
    first_boot(image, tmp_path)


def test_the_containerfile_of_the_sources(image):
    said = image.build(CONTAINERFILE.read_text())
    assert said.endswith("edge-app.service will run while gate workspace is open.\n"), said
    keeps_the_rules(image)
    image.enabled(*ENABLED)
    image.bound("workspace", "edge-app.service")


def test_the_manual(image):
    """Its Containerfile, and moved to /usr as it says, the binding is the same."""
    image.build(containerfile("msready.units.7", "IN AN IMAGE"))
    keeps_the_rules(image)
    image.enabled(*ENABLED)
    image.bound("ingress", "kiosk.service")
    for name in ("msready-gate@ingress.service.d/kiosk.service.conf", "kiosk.service.d/msready-ingress.conf",
                 "microshift.service.wants/msready-gate@ingress.service"):
        target = image.host.path(f"/usr/lib/systemd/system/{name}")
        target.parent.mkdir(exist_ok=True)
        image.host.path(f"/etc/systemd/system/{name}").rename(target)
    image.seal()
    image.host.boot()
    assert image.host.show("kiosk.service", "BindsTo") == "msready-gate@ingress.service"
    image.host.wait_state("msready-gate@ingress.service", "activating")


def test_kickstart(image):
    """%post is run in a chroot of a system with a systemd of its own, whose /run and /proc are seen there."""
    (text,) = [text for text in blocks("msready.units.7", "IN AN IMAGE") if text.startswith("%packages")]
    packages, _, post = text.partition("%post\n")
    wanted = [line for line in packages.splitlines() if not line.startswith("%")]
    # ostree's files name the same.
    others = [text for text in blocks("msready.units.7", "IN AN IMAGE") if text.startswith("packages")]
    assert [re.findall(r"(?<=[ \[\"])ms[a-z-]+", text) for text in others] == [wanted, wanted]
    image.copy("kiosk.service", "/usr/lib/systemd/system/")
    image.copy("rpms/*.rpm", "/run/rpms")
    image.host.path("/run/systemd/system").mkdir(parents=True, exist_ok=True)
    proc = f"mount --bind /proc {shlex.quote(str(image.root))}/proc && \"$@\"; exit $?"
    in_front = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", proc, "sh")
    image.run("rpm --install " + " ".join(f"/run/rpms/{name}-[0-9]*.[nx]*.rpm" for name in wanted), *in_front)
    for command in post.splitlines()[:-1]:
        assert command.endswith(" kiosk.service") and "will run while" in image.run(command, *in_front)
    image.enabled(*ENABLED)
    image.bound("ingress", "kiosk.service")
