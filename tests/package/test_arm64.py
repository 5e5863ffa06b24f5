# SPDX-License-Identifier: Apache-2.0
"""The package for arm64: cross-built, its unit suite played by qemu-user, installed in a tree of arm64."""

import os
import pathlib
import shutil
import subprocess

import pytest

from harness import building, debs, host, process

SUITE = "bookworm"
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
# How the kernel knows a program of arm64: by the head of such an ELF file.
BINFMT = (r":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
          r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:%s:F")
# In namespaces of its own the kernel is told of qemu, and this machine is not.
FOREIGN = ('read go; mount -t binfmt_misc none /proc/sys/fs/binfmt_misc'
           ' && echo "$binfmt" >/proc/sys/fs/binfmt_misc/register && exec "$@"')
CROSS_FILE = """[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-gcc-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'aarch64-linux-gnu-pkg-config'
exe_wrapper = '/msready/qemu'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
"""
# Without /proc, which not all places have where packages are built. qemu is slow: fewer of the random stories.
UNIT = ("umount /proc && meson setup b --cross-file cross.txt -Dprefix=/usr -Dwerror=true && ninja -C b"
        " && MSREADY_RUNS=20 meson test -C b --suite unit --no-rebuild --print-errorlogs --timeout-multiplier 10"
        " && mkdir -p packaging/out")

# No program of the unit suite reads these.
TEXTS = (".ci/", "BENCHMARKS.md", "HACKING.md", "NEWS.md", "README.md", "man/", "packaging/")


@pytest.fixture(autouse=True)
def possible(trees):
    if not QEMU:
        pytest.skip("qemu-aarch64-static is missing (package qemu-user-static)")


def package():
    command = f"packaging/build deb --arch=arm64 --suite={SUITE}"
    folder = building.built("arm64", None, building.sources(), command, building.ON_THIS_MACHINE)
    return next(folder.glob("msready_*_arm64.deb"))


def add_qemu(folder):
    shutil.copy(QEMU, folder / "qemu")
    (folder / "cross.txt").write_text(CROSS_FILE)


def foreign(*words):
    """Runs a command that may run programs of arm64. Its CompletedProcess."""
    unshare = ["unshare", "--user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", FOREIGN, "sh"]
    child = process.spawn([*unshare, *words], env=dict(os.environ, binfmt=BINFMT % QEMU), text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    own = os.readlink("/proc/self/ns/user")
    process.eventually(lambda: os.readlink(f"/proc/{child.pid}/ns/user") != own)
    for name in ("uid_map", "gid_map"):
        pathlib.Path(f"/proc/{child.pid}/{name}").write_text("0 0 4294967295\n")
    output, _ = child.communicate("go\n", timeout=900)
    return subprocess.CompletedProcess(words, child.returncode, output)


def arm64_tree():
    """The folder of a Debian of arm64 with what the package depends on."""
    # Without ca-certificates, which take longer to set up by qemu than all others.
    libraries = [name for name in host.COMMON if name.startswith("lib")]
    return host.made(f"{SUITE}-arm64", SUITE, ["systemd", *libraries, *host.PACKAGES[SUITE]], "--mode=root",
                     "--skip=check/qemu", "--architectures=arm64", "--variant=apt", run=foreign)


def files_of(package):
    done = subprocess.run(["dpkg-deb", "--contents", package], stdout=subprocess.PIPE, text=True, check=True)
    return {tuple(line.split()[i] for i in (0, 1, 5)) for line in done.stdout.splitlines()}


def test_unit_suite_by_qemu():
    words = [process.REPOSITORY / "packaging/deb/cross", "--tree", f"--suite={SUITE}"]
    made = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    tree, files = made.stdout.strip(), building.sources()
    folder = building.built("arm64-unit", tree, files, UNIT, change=add_qemu, without=TEXTS)
    assert "\nFail:               0" in (folder / "log").read_text()


def test_installed_on_arm64(tmp_path):
    made = package()
    assert files_of(made) == files_of(debs.built(SUITE)["msready"])
    root = tmp_path / "root"
    # Not an overlay: in namespaces of users these do not rename folders, which dpkg does.
    subprocess.run(["cp", "--archive", arm64_tree(), root], check=True)
    script = f"""set -e
cp {made} {root}/msready.deb
chroot {root} dpkg --install /msready.deb
chroot {root} msready --version
chroot {root} msready check-config
chroot {root} msreadyd --help
chroot {root} systemctl is-enabled msready.socket msready.service microshift-ready.target
"""
    done = foreign("sh", "-c", script)
    shutil.rmtree(root)
    assert done.returncode == 0, done.stdout
    assert "\nmsready 0" in done.stdout and done.stdout.split()[-3:] == ["enabled"] * 3, done.stdout
