# SPDX-License-Identifier: Apache-2.0
"""The RPMs: what is in them, and what their scripts do to a host in the first boot of an image, upgrades and removals.

The host is Debian's, with rpm, systemd and the libraries for real. Stubs stand for RHEL's packages: that of systemd
has the program that scripts call and the triggers at a transaction's end.
"""

import re
import subprocess
import tempfile
import time

import pytest

from harness import building, fakekubelet, guide, process, rpms
from harness.fake_apiserver import FakeApiServer

from host.node import CONFIG, KUBECONFIG

SPEC = process.REPOSITORY / "packaging/rpm/msready.spec"
# Far below anything that waits for the cluster, which never comes up in half of this.
TRANSACTION_SECONDS = 15
ENABLED = {"sockets.target.wants/msready.socket", "microshift.service.wants/msready.service",
           "microshift.service.wants/microshift-ready.target"}
PACKAGES = ("msready", "msready-greenboot", "msready-selinux")
# Stands for all that an administrator writes.
ADMINISTRATORS = "/etc/msready/msready.conf.d/test.conf"
APPLICATION = """[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""


def query(path, *words):
    """What rpm says of this package, line by line."""
    done = subprocess.run(["rpm", "-qp", "--nosignature", *words, path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True)
    return done.stdout.splitlines()


# The files


def test_what_is_in_the_packages(suite):
    made = rpms.built(suite)
    assert set(made) == {*PACKAGES, "src"}
    files = {name: set(query(path, "-l")) for name, path in made.items()}
    everything = set().union(*(files[name] for name in PACKAGES))
    assert [path for path in everything if path.startswith(("/var", "/run", "/tmp", "/usr/local", "/lib/"))] == []
    assert {path for path in everything if path.startswith("/etc")} == {
        "/etc/msready", "/etc/msready/gates.d", "/etc/msready/msready.conf.d"}
    assert [path for path in files["msready"] if "greenboot" in path or "selinux" in path] == []
    assert "/usr/lib/greenboot/check/required.d/45_msready_running_check.sh" in files["msready-greenboot"]
    assert "/usr/share/selinux/packages/targeted/msready.pp.bz2" in files["msready-selinux"]
    assert {"/usr/lib/systemd/system/msready.service", "/usr/lib/systemd/system-preset/90-msready.preset",
            "/usr/lib/sysusers.d/msready.conf", "/usr/lib/systemd/catalog/msready.catalog",
            "/usr/share/licenses/msready", "/usr/share/man/man1/msready.1.gz",
            "/usr/share/bash-completion/completions/msready", "/usr/share/msready/io.msready.Readiness.varlink",
            "/usr/lib/msready/gates.d/node.gate"} <= files["msready"]
    for name in ("msready-greenboot", "msready-selinux"):
        assert query(made[name], "--qf", "%{ARCH}\n") == ["noarch"]

    requires = query(made["msready"], "-R")
    version = query(made["msready"], "--qf", "%{VERSION}-%{RELEASE}\n")[0]
    assert f"(msready-selinux = {version} if selinux-policy-targeted)" in requires
    assert "systemd >= 252" in requires
    named = {re.match(r"[^ (]+", line)[0] for line in requires if not line.startswith(("(", "rpmlib"))}
    assert named == {"/bin/sh", "/bin/bash", "systemd", "rtld", "libc.so.6", "libgcc_s.so.1", "libm.so.6",
                     "libcares.so.2", "libcjson.so.1", "libcurl.so.4", "libev.so.4", "libsmartcols.so.1",
                     "libsystemd.so.0", "libyaml-0.so.2"} - ({"libm.so.6", "libgcc_s.so.1", "/bin/bash"} - named)
    assert {"greenboot >= 0.14", f"msready = {version}"} <= set(query(made["msready-greenboot"], "-R"))
    # Nothing marks a unit for a restart that the transaction would wait for.
    scripts = "\n".join(query(made["msready"], "--scripts"))
    assert "mark-restart" not in scripts
    starts = [line for line in scripts.splitlines() if re.search(r"systemctl.*(start|reload) ms", line)]
    assert starts and all("--no-block" in line for line in starts)
    # The spec's version is that of the sources.
    assert version.partition("-")[0] == now_version()


def test_the_policy_module_is_whole(trees):
    """The one in the package; a module that was built on Debian 13 cannot be read on 12."""
    made = rpms.built("bookworm")["msready-selinux"]
    command = ('cp "$0" "$1/rpm" && rpm2archive "$1/rpm" && tar --extract --gzip --to-stdout --file "$1/rpm.tgz"'
               ' --wildcards "*/msready.pp.bz2" | bunzip2 >"$1/msready.pp"'
               ' && /usr/libexec/selinux/hll/pp "$1/msready.pp"')
    with tempfile.TemporaryDirectory() as folder:
        cil = subprocess.run(["sh", "-c", command, made, folder], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "(allow init_t msreadyd_t (process2 (" in cil and "nnp_transition" in cil
    assert set(re.findall(r'filecon "([^"(]+)', cil)) == {"/usr/bin/msreadyd", "/etc/msready", "/run/msready",
                                                         "/var/lib/msready"}


def test_check_runs_the_unit_suite(trees):
    """On one release: the unit suite runs in the Debian packages of both."""
    assert re.search(r"^Ok: +\d\d", rpms.said(rpms.built("bookworm")), re.M)


def test_rpmlint(suite, boot_host):
    folder = rpms.built(suite)["src"].parent
    done = building.chroot(boot_host(suite, lower=rpms.tree(suite)).root, "sh", "-c",
                           "rpmlint -r /sources/msready.rpmlintrc /rpms/*.rpm /sources/msready.spec",
                           binds=[(folder, "/rpms"), (SPEC.parent, "/sources")])
    assert "4 packages and 1 specfiles checked" in done.stdout, done.stdout
    # Releases of rpmlint differ in what there is to filter.
    found = [line for line in done.stdout.splitlines() if re.search(": [EW]: (?!unused-rpmlintrc-filter)", line)]
    assert found == []


@pytest.mark.parametrize("system", ["rhel 9", "rhel 10", "fedora 43"])
def test_the_spec_of(system):
    words = ["rpmspec", f"--load={SPEC.with_name('macros.debian')}", "--define", system, "--define",
             "dist .test", "-P", SPEC]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0 and "error" not in done.stderr, done.stderr
    tags = re.findall(r"^BuildRequires: +(.*)", done.stdout, re.M)
    assert {"pkgconfig(libcurl) >= 7.76", "pkgconfig(libsystemd) >= 252", "pkgconfig(smartcols) >= 2.37",
            "meson >= 0.63", "libev-devel", "systemd-rpm-macros", "selinux-policy-devel"} <= set(tags)
    assert ("sed -i 's|^/run/|/var/run/|'" in done.stdout) == (system == "rhel 9")
    assert "--suite unit" in done.stdout and "--auto-features=auto" in done.stdout
    assert not re.search(r"%(\{|meson|systemd|selinux|_)", done.stdout), done.stdout


# The story of a host


class Rpm:
    """rpm on a host, as root calls it there. now, before: the RPMs; stubs: those of RHEL's packages."""

    def __init__(self, host, now, before, stubs):
        self.host = host
        self.now = [now[name] for name in PACKAGES]
        self.before = [before[name] for name in PACKAGES]
        self.stubs = stubs
        self.folders = {path.parent: f"/rpms/{number}" for number, path in
                        enumerate([now["src"], before["src"], next(iter(stubs.values()))])}

    def names(self, paths):
        return [f"{self.folders[path.parent]}/{path.name}" for path in paths]

    def in_image(self, *words, rpms_to_install=()):
        done = building.chroot(self.host.root, "rpm", *words, *self.names(rpms_to_install),
                               binds=[(folder, inside) for folder, inside in self.folders.items()])
        assert done.returncode == 0 and "warning" not in done.stdout, done.stdout
        return done.stdout

    def __call__(self, *words, of=()):
        """One transaction; it must not wait for the cluster. What it prints, scripts included."""
        started = time.monotonic()
        try:
            done = self.host.run("sh", "-c", 'cd / && exec rpm "$@" 2>&1', "sh", *words, *self.names(of), check=False,
                                 timeout=TRANSACTION_SECONDS)
        except subprocess.TimeoutExpired:
            jobs = self.host.output("systemctl", "list-jobs")
            raise AssertionError(f"rpm {words} waits after {TRANSACTION_SECONDS} s:\n{jobs}") from None
        print(f"rpm {words}: {time.monotonic() - started:.1f} s")
        assert done.returncode == 0 and not re.search("warning|rror|unrecognized|ailed", done.stdout), done.stdout
        return done.stdout


@pytest.fixture
def cluster_to_come(tmp_path):
    """The API server and the kubelet of a node that has not come up yet."""
    (tmp_path / "lab").mkdir()
    with FakeApiServer() as server:
        made = fakekubelet.FakeKubelet(server.rest, tmp_path / "lab")
        made.adopt(guide.create_all(server.rest))
        made.server = server
        yield made
        made.close()


@pytest.fixture
def rpm(suite, boot_host, cluster_to_come):
    """rpm on a host that has not been booted."""
    now, before, stubs = rpms.built(suite), rpms.before(), rpms.stubs(suite)
    made = Rpm(None, now, before, stubs)
    made.host = boot_host(suite, packages=["rpm"], binds={
        "/lab": (cluster_to_come.folder, "ro"), **{inside: (folder, "ro") for folder, inside in made.folders.items()}})
    made.host.write("/etc/systemd/system/application.service", APPLICATION)
    return made


def links(host):
    """The links to msready's units, and the folders that they are in."""
    found = host.root.glob("etc/systemd/system/*.*/*")
    return {f"{path.parent.name}/{path.name}" for path in found
            if path.is_symlink() and re.match("msready|microshift-ready", path.name)}


def build_image(rpm):
    """Nothing runs, and presets enable what they enable on a running host."""
    stubs = [path for name, path in rpm.stubs.items() if name != "microshift-2"]
    rpm.in_image("-U", rpms_to_install=stubs)
    rpm.in_image("-U", rpms_to_install=rpm.before)
    assert links(rpm.host) == ENABLED
    for folder in ("/var/lib/msready", "/run/msready", "/var/log/msready"):
        assert not rpm.host.path(folder).exists()
    assert re.search("^msready:", rpm.host.path("/etc/passwd").read_text(), re.M), "no sysusers"


def pids(host, *units):
    return {unit: host.show(unit, "MainPID") for unit in units}


def version_of_daemon(host):
    """What the running daemon says of its program; its file has been replaced where it is the old one."""
    pid = host.show("msready.service", "MainPID")
    assert pid != "0"
    return host.output(f"/proc/{pid}/exe", "--version").split()[-1]


def expect_daemon(host, version):
    process.eventually(lambda: version_of_daemon(host) == version, 20, 0.1, f"a daemon of version {version}")
    answered = (0, 3)
    process.eventually(lambda: host.run("msready", "status", "--quiet", check=False).returncode in answered, 10, 0.1)
    assert host.show("msready.service", "NeedDaemonReload") == "no"


def now_version():
    return re.search(r"version: '(.*)'", (process.REPOSITORY / "meson.build").read_text())[1]


def upgrade_while_waiting(rpm):
    """MicroShift, which is not ready for ever, is upgraded in the same transaction."""
    host = rpm.host
    host.write(ADMINISTRATORS, CONFIG)
    host.boot(wait="basic.target")
    host.wait_state("microshift.service", "activating")
    expect_daemon(host, rpms.BEFORE)
    host.systemctl("start", "--no-block", "msready-wait@dns.service", "msready-gate@node.service")
    host.wait_state("msready-gate@node.service", "inactive", "activating")
    host.run("msready", "bind", "api", "application.service")
    gates = host.path("/usr/lib/msready/gates.d")
    assert (gates / f"{rpms.FORMER_GATE}.gate").exists()
    assert rpms.FORMER_GATE in host.output("msready", "gates")

    rpm("-U", of=[*rpm.now, rpm.stubs["microshift-2"]])
    expect_daemon(host, now_version())
    assert host.state("msready.service") == "activating" and host.state("microshift.service") == "activating"
    assert not (gates / f"{rpms.FORMER_GATE}.gate").exists()
    assert rpms.FORMER_GATE not in host.output("msready", "gates")
    assert host.state("application.service") == "inactive"


def bring_up(rpm, cluster_to_come):
    host = rpm.host
    cluster_to_come.reboot_host(host.output("cat", "/proc/sys/kernel/random/boot_id"))
    host.write(KUBECONFIG, cluster_to_come.server.kubeconfig.read_text(), 0o600)
    host.run("touch", "/run/microshift-may-run")
    cluster_to_come.new_boot_node()
    cluster_to_come.start_heartbeat()
    cluster_to_come.all_up()
    for unit in ("microshift-ready.target", "msready.service", "application.service", "msready-wait@dns.service"):
        host.wait_active(unit, timeout=60)


def replace_while_ready(rpm, version, *words, of):
    """What is bound runs on, what was reached stays reached."""
    host = rpm.host
    bound = pids(host, "application.service", "msready-gate@api.service", "msready-gate@node.service")
    since = host.show("microshift-ready.target", "ActiveEnterTimestampMonotonic")
    rpm("-U", *words, of=of)
    expect_daemon(host, version)
    host.wait_active("msready.service")
    assert pids(host, *bound) == bound
    assert host.show("microshift-ready.target", "ActiveEnterTimestampMonotonic") == since
    assert host.state("msready-wait@dns.service") == "active"


def expect_nothing(host):
    """Nothing of msready runs or is switched on."""
    known = host.output("systemctl", "list-units", "--all", "--no-legend", "--plain", "msready*", "microshift-ready*")
    assert not [line for line in known.splitlines() if "not-found" not in line], known
    assert host.output("systemctl", "list-units", "--no-legend", "msready*", "microshift-ready*") == ""
    assert host.run("pgrep", "-a", "msready", check=False).stdout == ""
    assert links(host) == set()
    assert not re.search("msready", host.output("ls", "/run", "/run/varlink/registry", check=False))


def erase(rpm):
    host = rpm.host
    said = rpm("-e", *PACKAGES)
    expect_nothing(host)
    assert host.state("application.service") == "inactive"
    # What is left is said, and is all that is left.
    left = set(host.output("find", "/etc", "/usr", "/var", "-name", "*msready*").splitlines())
    left -= {path for path in left if path.startswith(("/var/lib/systemd", "/var/log"))}
    drop_ins = {"/etc/systemd/system/msready-gate@api.service.d/application.service.conf",
                "/etc/systemd/system/application.service.d/msready-api.conf"}
    assert {path for path in said.splitlines() if path.startswith("/etc")} == drop_ins
    assert "/var/lib/msready" in said
    assert left - {"/etc/systemd/system/msready-gate@api.service.d"} == {
        "/etc/systemd/system/application.service.d/msready-api.conf", "/etc/msready",
        "/etc/msready/msready.conf.d", "/var/lib/msready"}
    assert host.output("find", "/etc/msready", "-type", "f") == ADMINISTRATORS
    called = host.output("cat", "/var/log/selinux-calls")
    assert "semodule -n -s targeted -X 200 -i /usr/share/selinux/packages/targeted/msready.pp.bz2" in called
    removal = "semodule -n -X 200 -s targeted -r msready"
    assert removal in called and "fixfiles" in called.partition(removal)[2]


def install_and_erase_while_waiting(rpm):
    """On a host that runs, an installation starts nothing; and the removal of what waits does not wait."""
    host = rpm.host
    host.run("rm", "/run/microshift-may-run", "/etc/systemd/system/application.service.d/msready-api.conf")
    host.run("rm", "-r", "/etc/systemd/system/msready-gate@api.service.d")
    host.systemctl("restart", "--no-block", "microshift.service")
    rpm("-U", of=rpm.now)
    assert links(host) == ENABLED
    for unit in ("msready.socket", "msready.service", "microshift-ready.target"):
        assert host.state(unit) == "inactive"
    host.systemctl("start", "msready.socket")
    host.systemctl("start", "--no-block", "microshift-ready.target", "msready-wait@dns.service",
                   "msready-gate@node.service")
    host.systemctl("enable", "msready-gate@ingress.service")
    expect_daemon(host, now_version())
    said = rpm("-e", *PACKAGES)
    expect_nothing(host)
    assert "drop-ins of msready bind" not in said


def test_the_story_of_a_host(rpm, cluster_to_come):
    build_image(rpm)
    upgrade_while_waiting(rpm)
    bring_up(rpm, cluster_to_come)
    replace_while_ready(rpm, rpms.BEFORE, "--oldpackage", of=rpm.before)
    replace_while_ready(rpm, now_version(), of=rpm.now)
    erase(rpm)
    install_and_erase_while_waiting(rpm)
