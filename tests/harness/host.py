# SPDX-License-Identifier: Apache-2.0
"""A booted Debian with systemd as PID 1, in systemd-nspawn, on the loopback network of this machine.

The tree is made once by mmdebstrap and kept; a host runs on an overlay above it, which survives reboots of
that host and is gone with it. Needs root.
"""

import atexit
import ctypes
import hashlib
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from . import process

# Packages that msready needs to run, and that tests need to look at it.
PACKAGES = {"bookworm": ["libc-ares2"], "trixie": ["libcares2"]}
COMMON = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "ca-certificates",
    "procps",
    "iproute2",
    "mount",
    "libsystemd0",
    "libcurl4",
    "libcjson1",
    "libev4",
    "libyaml-0-2",
    "libsmartcols1",
]
MIRROR = os.environ.get("MSREADY_DEBIAN_MIRROR", "http://deb.debian.org/debian")

# Sandboxes are of full strength only where PID 1 may load programs into the kernel: device ACLs and address filters
# of unified groups are such programs, and where they cannot be had systemd starts a service without them.
FILTERS = ["--capability=CAP_BPF,CAP_NET_ADMIN", "--system-call-filter=bpf"]

MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count()
_open_hosts = set()


class CannotBoot(Exception):
    """What this machine lacks for booted hosts."""


def check():
    """Raises CannotBoot with what is missing."""
    if os.geteuid() != 0:
        raise CannotBoot("booted hosts need root")
    for tool, package in (
        ("systemd-nspawn", "systemd-container"),
        ("mmdebstrap", "mmdebstrap"),
        ("nsenter", "util-linux"),
    ):
        if not shutil.which(tool):
            raise CannotBoot(f"{tool} is missing (package {package})")


def tree(suite="bookworm", packages=()):
    """The folder of a Debian tree with these packages beyond the usual ones; made where absent."""
    return made(suite, suite, {*COMMON, *PACKAGES[suite], *packages}, "--variant=minbase")


def bare(suite, command):
    """A tree of a fresh Debian, nothing but systemd in it, in which this one command of apt has been run."""
    # With yes for an answer. The network is this machine's.
    hook = f'DEBIAN_FRONTEND=noninteractive chroot "$1" {command} --yes --quiet'
    key = hashlib.sha256(command.encode()).hexdigest()[:12]
    options = ("--variant=minbase", f"--customize-hook={hook}")
    return made(f"{suite}-bare-{key}", suite, ["systemd", "systemd-sysv"], *options)


def minimal(suite, packages):
    """A tree of nothing but a release's essential packages and these, without manuals: to run programs in it."""
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
    return made(f"{suite}-minimal", suite, packages, "--variant=minbase", *options)


def unpacked(suite, packages):
    """A tree of packages that are unpacked and not set up: for single programs of a release that is no host."""
    return made(f"{suite}-unpacked", suite, packages, "--variant=extract")


def generator_of_podman():
    """The folder of a tree with nothing but Quadlet, the generator of podman 5.4: its package needs 400 MB more."""
    take = (
        'cd "$1" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --quiet download podman'
        " && dpkg-deb --fsys-tarfile podman_*.deb | tar --extract ./usr/libexec/podman/quadlet && rm podman_*.deb"
    )
    return made("trixie-quadlet", "trixie", [], "--variant=custom", f"--customize-hook={take}")


def _run(*words):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def made(name, suite, packages, *options, run=_run):
    """The tree of this name, made by mmdebstrap with these packages and options where absent.

    run: calls the command; its CompletedProcess has both outputs in stdout.
    """
    wanted = sorted(packages)
    key = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12]
    folder = process.cache_folder() / "host" / f"{name}-{key}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "lock", "w") as lock:
        subprocess.run(["flock", str(lock.fileno())], pass_fds=[lock.fileno()], check=True)
        if folder.is_dir():
            return folder
        # A half-made folder does no harm: it never has the final name.
        unfinished = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}.", dir=folder.parent))
        done = run(
            "nice",
            "mmdebstrap",
            "--quiet",
            # A machine's clock may be ahead of the newest list's last day.
            '--aptopt=Acquire::Check-Valid-Until "false"',
            *options,
            *(["--include=" + ",".join(wanted)] if wanted else []),
            suite,
            str(unfinished),
            MIRROR,
        )
        if done.returncode:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise RuntimeError(f"mmdebstrap of {suite} failed:\n{done.stdout[-3000:]}")
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    return folder


def _unified_mount():
    """Where this machine's cgroup2 is: /sys/fs/cgroup, or /sys/fs/cgroup/unified beside version 1."""
    for line in open("/proc/self/mountinfo"):
        if " - cgroup2 " in line:
            return pathlib.Path(line.split()[4])
    return None


def _named_mount():
    """The hierarchy of systemd's own on version 1."""
    path = pathlib.Path("/sys/fs/cgroup/systemd")
    return path if (path / "cgroup.procs").exists() else None


class Host(process.Context):
    """with Host() as host: host.run("systemctl", "is-system-running")

    suite: "bookworm" (systemd 252) or "trixie" (257). lower: a tree of it with other packages.
    files: path to text, written before each first boot.
    binds: folders of this machine that the host sees, by path there (source, or (source, "ro")).
    boot_arguments: words for systemd-nspawn.
    """

    BOOT_SECONDS = 60

    def __init__(
        self,
        suite="bookworm",
        packages=(),
        lower=None,
        name=None,
        files=None,
        binds=None,
        unified=True,
        boot_arguments=(),
    ):
        check()
        self.lower = lower or tree(suite, packages)
        self.suite = suite
        self.name = name or f"msready{os.getpid()}-{next(_serial)}"
        self.unified = unified
        self.binds = dict(binds or {})
        self.boot_arguments = list(boot_arguments)
        # Not /tmp, which may be a small tmpfs.
        self.folder = pathlib.Path(
            tempfile.mkdtemp(prefix="msready-host-", dir=os.environ.get("MSREADY_TMP", "/var/tmp"))
        )
        self.root = self.folder / "root"
        self.console = self.folder / "console"
        self.nspawn = None
        self.mounted = False
        self.groups = []
        _open_hosts.add(self)
        try:
            self._mount()
            self.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 " + self.name + "\n")
            self.write("/etc/hostname", self.name + "\n")
            self.write("/etc/machine-id", hashlib.md5(self.name.encode()).hexdigest() + "\n")
            for path, text in (files or {}).items():
                self.write(path, text)
        except BaseException:
            self.close()
            raise

    # The tree

    def _mount(self):
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir()
        options = f"lowerdir={self.lower},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
        done = subprocess.run(
            ["mount", "-t", "overlay", "-o", options, "overlay", str(self.root)],
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode == 0:
            self.mounted = True
            return
        # Where /var/tmp cannot carry an overlay, a copy does.
        subprocess.run(["cp", "--reflink=auto", "-aT", str(self.lower), str(self.root)], check=True)

    def path(self, inside):
        """Where a path of the host is on this machine (its /run and /tmp are not visible from here)."""
        return self.root / str(inside).lstrip("/")

    def write(self, inside, text, mode=None):
        """Writes a file of the host; while it runs, also into its /run and /tmp."""
        if self.is_running:
            self.run("mkdir", "-p", str(pathlib.PurePath(inside).parent))
            self.run("tee", str(inside), input=text)
            if mode is not None:
                self.run("chmod", f"{mode:o}", str(inside))
            return
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text(text)
        if mode is not None:
            target.chmod(mode)

    def install_msready(self, build=None):
        """`meson install` of a finished build into the host."""
        build = build or process.build_folder()
        subprocess.run(
            ["meson", "install", "-C", str(build), "--no-rebuild", "--quiet"],
            check=True,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ, DESTDIR=str(self.root)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    # Boots

    @property
    def is_running(self):
        return self.nspawn is not None and self.nspawn.poll() is None

    @property
    def leader(self):
        """The process ID, on this machine, of the host's PID 1."""
        children = (
            pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
        )
        return int(children[0])

    def _make_groups(self):
        """nspawn shares out the group that it runs in, so each host has to start in one of its own."""
        self.groups = []
        for mount in (_unified_mount(), _named_mount()):
            if mount:
                group = mount / f"msready-{self.name}"
                group.mkdir(exist_ok=True)
                self.groups.append(group)

    def _remove_groups(self):
        for group in self.groups:
            for folder, _, _ in os.walk(group, topdown=False):
                for _ in range(20):
                    try:
                        os.rmdir(folder)
                        break
                    except FileNotFoundError:
                        break
                    except OSError:
                        time.sleep(0.05)
        self.groups = []

    def boot(self, wait="multi-user.target", timeout=None):
        """Boots the host; returns after this unit is active (None: as soon as commands can be run)."""
        assert not self.is_running, "it runs already"
        self._make_groups()
        groups = list(self.groups)

        def enter():
            process.die_with_parent()
            os.setsid()
            for group in groups:
                (group / "cgroup.procs").write_text("0")

        words = [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--register=no",
            "--keep-unit",
            "--directory",
            str(self.root),
            "--machine",
            self.name,
            "--console=pipe",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
        ]
        for inside, source in self.binds.items():
            source, kind = source if isinstance(source, tuple) else (source, "rw")
            words.append(f"--bind{'-ro' if kind == 'ro' else ''}={source}:{inside}")
        words += FILTERS + self.boot_arguments
        env = dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1" if self.unified else "0")
        started = time.monotonic()
        with open(self.console, "ab") as console:
            self.nspawn = process.spawn(words, env=env, stdout=console, stderr=console, preexec_fn=enter)
        try:
            process.eventually(self._answers, timeout or self.BOOT_SECONDS, 0.02, "PID 1 of the host")
            if wait:
                self.wait_active(wait, timeout or self.BOOT_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.console_text()}") from None
        self.boot_seconds = time.monotonic() - started
        return self

    def _answers(self):
        if not self.is_running:
            raise AssertionError(f"systemd-nspawn exited with {self.nspawn.returncode}")
        # nspawn's first child becomes PID 1 a little later: until then its namespaces are not the host's.
        if pathlib.Path(f"/proc/{self.leader}/comm").read_text().strip() != "systemd":
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() not in (
            "",
            "offline",
            "unknown",
        )

    def console_text(self, lines=40):
        try:
            return "\n".join(self.console.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _inside(self, words):
        return [
            "nsenter",
            "--target",
            str(self.leader),
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--root",
            "--wd=/",
            "--",
            "env",
            "-i",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/root",
            "LANG=C.UTF-8",
            "SYSTEMD_PAGER=",
            "SYSTEMD_COLORS=0",
            *map(str, words),
        ]

    def run(self, *words, check=True, timeout=60, input=None):
        """Runs a command inside; returns its CompletedProcess with text. The network is this machine's."""
        stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(
            self._inside(words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=timeout,
            errors="replace",
            **stdin,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done

    def output(self, *words, **options):
        return self.run(*words, **options).stdout.strip()

    def spawn(self, *words, **options):
        """Starts a command inside and returns its Popen."""
        return process.spawn(self._inside(words), **options)

    # systemd

    def systemctl(self, *words, **options):
        return self.run("systemctl", *words, **options)

    def show(self, unit, name):
        return self.output("systemctl", "show", "--value", "--property", name, unit)

    def state(self, unit):
        return self.show(unit, "ActiveState")

    def wait_state(self, unit, *states, timeout=30):
        try:
            return process.eventually(lambda: self.state(unit) in states, timeout, 0.05)
        except AssertionError:
            raise AssertionError(
                f"{unit} is {self.state(unit)}, not {states}, after {timeout} s\n"
                + self.run("systemctl", "status", "--no-pager", "--full", unit, check=False).stdout
            ) from None

    def wait_active(self, unit, timeout=30):
        return self.wait_state(unit, "active", timeout=timeout)

    def journal(self, *words):
        """The journal's matching lines, including everything that was sent to it before the question."""
        self.run("journalctl", "--sync", check=False)
        return self.output("journalctl", "--no-pager", "--quiet", *words)

    # Ends

    def _ended(self, timeout):
        try:
            self.nspawn.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self._remove_groups()
        return True

    def poweroff(self, timeout=60):
        """An orderly shutdown, as the power button asks for one."""
        os.kill(self.leader, signal.SIGRTMIN + 4)
        if not self._ended(timeout):
            raise AssertionError(f"no shutdown in {timeout} s\n{self.console_text()}")

    def power_cut(self):
        """Everything in the host is dead at once. The files that it had written stay."""
        os.kill(self.leader, signal.SIGKILL)
        if not self._ended(15):
            self.nspawn.kill()
            self._ended(15)

    def reboot(self, cut=False, **options):
        """Shutdown, or a power cut, and a new boot."""
        self.power_cut() if cut else self.poweroff()
        return self.boot(**options)

    def close(self):
        """Ends the host by force and removes everything of it."""
        if self.is_running:
            try:
                self.power_cut()
            except (OSError, IndexError, subprocess.TimeoutExpired):
                process.end(self.nspawn, 5, signal.SIGKILL)
        # Also those of a host that went down by itself.
        self._remove_groups()
        if self.mounted:
            if subprocess.run(["umount", str(self.root)], stderr=subprocess.DEVNULL).returncode:
                _libc.umount2(os.fsencode(self.root), MNT_DETACH)
            self.mounted = False
        shutil.rmtree(self.folder, ignore_errors=True)
        _open_hosts.discard(self)

    def start(self):
        return self if self.is_running else self.boot()


@atexit.register
def _close_all():
    for host in list(_open_hosts):
        host.close()
