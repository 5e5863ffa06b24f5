# SPDX-License-Identifier: Apache-2.0
"""The package for arm64: cross-built, its unit suite played by qemu-user, installed in a tree of arm64."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from harness import debs, host, process

SUITE = "bookworm"
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
# What the kernel takes for a program of arm64: the head of such an ELF file.
BINFMT = r":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00" \
    r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:%s:F"
CROSS = """[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-gcc-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'aarch64-linux-gnu-pkg-config'
exe_wrapper = '/build/qemu'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
"""
# Without /proc, as in the folders in which packages are built by hand. Random stories are told a few times only.
UNIT = """set -e
mount --bind "$work" "$tree/build"
mount --bind "$ccache" "$tree/ccache"
exec nice chroot "$tree" env -i PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    CCACHE_DIR=/ccache MSREADY_RUNS=20 sh -c '
    cd /build/msready && meson setup b --cross-file ../cross.txt -Dprefix=/usr -Dwerror=true && ninja -C b &&
    meson test -C b --suite unit --no-rebuild --print-errorlogs --timeout-multiplier 3'
"""
# In namespaces of its own the kernel is told of qemu, and this machine is not.
FOREIGN = 'read go; mount -t binfmt_misc none /proc/sys/fs/binfmt_misc' \
    ' && echo "$binfmt" >/proc/sys/fs/binfmt_misc/register && exec "$@"'


@pytest.fixture(autouse=True)
def possible():
    try:
        host.check()
    except host.CannotBoot as error:
        pytest.skip(str(error))
    if not QEMU:
        pytest.skip("qemu-aarch64-static is missing (package qemu-user-static)")


def cross(*words):
    """What packaging/deb/cross prints, called in a copy of the sources."""
    folder = tempfile.mkdtemp(prefix="msready-arm64-", dir="/var/tmp")
    try:
        debs.copy_sources(folder)
        env = dict(os.environ, MSREADY_CACHE=str(process.cache_folder()))
        done = subprocess.run([f"{folder}/packaging/deb/cross", f"--suite={SUITE}", *words], env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr[-5000:]
        kept(folder)
        return done.stdout.strip()
    finally:
        shutil.rmtree(folder)


def kept(folder):
    """Keeps the package that was built in this folder, if one was."""
    for made in pathlib.Path(folder, "packaging/out").glob("msready_*_arm64.deb"):
        below = process.cache_folder() / "deb"
        below.mkdir(parents=True, exist_ok=True)
        for old in below.glob("arm64-*.deb"):
            old.unlink()
        shutil.move(made, package_path())


def package_path():
    return process.cache_folder() / "deb" / f"arm64-{debs._key(SUITE)}.deb"


def package():
    if not package_path().is_file():
        cross()
    return package_path()


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
    wanted = ",".join(["systemd", *libraries, *host.PACKAGES[SUITE]])
    folder = process.cache_folder() / "host" / f"{SUITE}-arm64-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent)
        done = foreign("nice", "mmdebstrap", "--quiet", "--mode=root", "--skip=check/qemu", "--architectures=arm64",
                       "--variant=apt", '--aptopt=Acquire::Check-Valid-Until "false"', f"--include={wanted}", SUITE,
                       unfinished, host.MIRROR)
        if done.returncode:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise AssertionError(done.stdout[-3000:])
        os.chmod(unfinished, 0o755)
        os.rename(unfinished, folder)
    return folder


def files(package):
    done = subprocess.run(["dpkg-deb", "--contents", package], stdout=subprocess.PIPE, text=True, check=True)
    return {line.split()[5] for line in done.stdout.splitlines() if "/.build-id/" not in line}


def unit_key():
    """Of all that the unit suite is made of: neither pages nor tests in Python."""
    digest = hashlib.sha256((UNIT + CROSS).encode())
    for name, path in debs.sources().items():
        if not name.endswith(".md") and not (name.startswith("tests/") and name.endswith(".py")):
            digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def test_unit_suite_by_qemu():
    done_before = process.cache_folder() / "deb" / f"arm64-unit-{unit_key()}"
    if done_before.is_file():
        return
    tree = cross("--tree")
    work = pathlib.Path(tempfile.mkdtemp(prefix="msready-arm64-", dir="/var/tmp"))
    try:
        debs.copy_sources(work / "msready")
        (work / "cross.txt").write_text(CROSS)
        shutil.copy(QEMU, work / "qemu")
        variables = {"tree": tree, "work": work, "ccache": process.cache_folder() / "ccache"}
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", UNIT],
            env={**{k: v for k, v in os.environ.items() if k != "CI"}, **{k: str(v) for k, v in variables.items()}},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        assert done.returncode == 0, done.stdout[-6000:]
        done_before.parent.mkdir(parents=True, exist_ok=True)
        for old in done_before.parent.glob("arm64-unit-*"):
            old.unlink()
        done_before.write_text(done.stdout)
    finally:
        shutil.rmtree(work)


def test_installed_on_arm64(tmp_path):
    made = package()
    assert files(made) == files(debs.built(SUITE)["msready"])
    root = tmp_path / "root"
    for name in ("upper", "work", "root"):
        (tmp_path / name).mkdir()
    script = f"""set -e
mount -t overlay -o lowerdir={arm64_tree()},upperdir={tmp_path}/upper,workdir={tmp_path}/work overlay {root}
cp {made} {root}/msready.deb
chroot {root} dpkg --install /msready.deb
chroot {root} msready --version
chroot {root} msready check-config
chroot {root} msreadyd --help
chroot {root} systemctl is-enabled msready.socket msready.service microshift-ready.target
"""
    done = foreign("sh", "-c", script)
    assert done.returncode == 0, done.stdout
    assert "msready 0" in done.stdout and done.stdout.split()[-3:] == ["enabled"] * 3, done.stdout
