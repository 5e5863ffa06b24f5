# SPDX-License-Identifier: Apache-2.0
"""The RPMs of these sources, built by `packaging/build rpm` in a tree of Debian, which is as people build them.

They run on the release that they were built on. Kept as long as the sources are the same; a compiler's results are
kept as well. Needs root.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import host as _host, process

BEFORE = "0.0.9"
# A gate that msready had before, and has no more. Its condition does not hold on any host of the tests.
FORMER_GATE = "former"
# What decides which packages are installed for a build.
NEEDS = ("packaging/build", "packaging/rpm/build", "packaging/source.sh", "tests/packages.sh", "tests/packages.txt")
KEPT = 3

BUILD = """set -e
mount -t overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" overlay "$work/root"
mkdir -p "$work/root/msready" "$work/root/ccache"
mount --bind "$work/sources" "$work/root/msready"
mount --bind "$ccache" "$work/root/ccache"
exec "$chroot" "$work/root" sh -c 'cd /msready && nice sh -c "$0"' "$command"
"""
# Runs a command in the tree $1 with a /proc and /dev, and leaves no mounts behind.
CHROOT = """#!/bin/sh
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin \
    CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 "$@"
"""


def built(suite="bookworm"):
    """{name: path} of the RPMs, by the name of the package; and "src"."""
    return _cached(suite, "now", _sources(), lambda folder: None, "packaging/build rpm --nocheck")


def before(suite="bookworm"):
    """The same of a version before, with a gate more."""
    return _cached(suite, "before", _sources(), _age, "packaging/build rpm --nocheck")


def checked(suite="bookworm"):
    """As built(), by a build that ran the unit suite as %check. Its log is said() of it."""
    return _cached(suite, "checked", _sources(), lambda folder: None, "packaging/build rpm")


def stubs(suite):
    """What stands in for packages of RHEL, by name and version; tests/package/rpm has their specs."""
    folder = process.REPOSITORY / "tests/package/rpm"
    build = "rpmbuild -bb --nodeps --define '_topdir /tmp/top'"
    command = (f"{build} stubs.spec && {build} -D 'its_version 1' microshift.spec"
               f" && {build} -D 'its_version 2' microshift.spec"
               " && mkdir -p packaging/out && mv /tmp/top/RPMS/*/*.rpm packaging/out")
    made = _cached(suite, "stubs", {path.name: path for path in folder.glob("*.spec")}, lambda folder: None, command)
    return {path.name.rsplit("-", 1)[0]: path for path in next(iter(made.values())).parent.glob("*.rpm")}


def run(root, *words, binds=()):
    """Runs a command in this tree, where no systemd runs, as the build of an image does. Its CompletedProcess.

    binds: pairs of a folder of this machine and where it is there.
    """
    with tempfile.TemporaryDirectory(prefix="msready-rpm-") as folder:
        chroot = pathlib.Path(folder) / "chroot"
        chroot.write_text(CHROOT)
        chroot.chmod(0o755)
        script = "set -e\n" + "".join(f'mount --bind "{source}" "{root}{inside}"\n' for source, inside in binds)
        for _, inside in binds:
            pathlib.Path(f"{root}{inside}").mkdir(parents=True, exist_ok=True)
        return _alone(script + 'exec "$@"', str(chroot), str(root), *map(str, words))


def said(rpms):
    """What the build printed."""
    return (next(iter(rpms.values())).parent / "log").read_text()


def tree(suite):
    """A Debian in which `packaging/build rpm` has found nothing but a fresh release, and has built."""
    _host.check()
    steps = ('cp -r "$sources" "$1/root/msready"'
             ' && chroot "$1" /root/msready/packaging/build rpm --nocheck && rm -r "$1/root/msready"'
             ' && chroot "$1" apt-get install -q -y --no-install-recommends ccache rpmlint')
    key = _key({name: process.REPOSITORY / name for name in NEEDS}, steps)
    with tempfile.TemporaryDirectory(prefix="msready-rpm-") as folder:
        _copy(_sources(), pathlib.Path(folder))
        options = ("--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"',
                   f"--customize-hook=sources={folder}; {steps}")
        return _host._made(f"{suite}-rpm-{key}", suite, [], *options)


def _sources():
    """The files of the sources, by name: of a clone, all but what git ignores."""
    root = process.REPOSITORY
    if (root / ".git").exists():
        words = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(words, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*")
                 if not path.relative_to(root).parts[0].startswith("build") and "packaging/out" not in str(path)]
    return {name: root / name for name in sorted(set(names)) if name and (root / name).is_file()}


def _copy(files, folder):
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _key(files, *more):
    digest = hashlib.sha256("\0".join(more).encode())
    for name, path in sorted(files.items()):
        digest.update(f"\0{name}\0{os.access(path, os.X_OK)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _age(folder):
    """Makes the sources those of the version before."""
    for name in ("meson.build", "packaging/rpm/msready.spec"):
        text = (folder / name).read_text()
        now = text.partition("version: '" if name == "meson.build" else "Version:")[2].strip().split()[0].strip("',")
        (folder / name).write_text(text.replace(now, BEFORE, 1))
    gates = folder / "units/gates"
    shutil.copy(gates / "olm.gate", gates / f"{FORMER_GATE}.gate")
    listed = folder / "units/meson.build"
    listed.write_text(listed.read_text().replace("gates = [", f"gates = ['{FORMER_GATE}', ", 1))


def _cached(suite, kind, files, change, command):
    below = process.cache_folder() / "rpm"
    below.mkdir(parents=True, exist_ok=True)
    base = tree(suite)
    folder = below / f"{suite}-{kind}-{_key(files, base.name, command, pathlib.Path(__file__).read_text())}"
    with _locked(below / f"{suite}-{kind}.lock"):
        if not folder.is_dir():
            _build(base, files, change, command, folder)
            _forget(below, f"{suite}-{kind}-*")
    rpms = {path.name.rsplit("-", 2)[0]: path for path in folder.glob("*.rpm") if ".src." not in path.name}
    return {**rpms, **{"src": path for path in folder.glob("*.src.rpm")}}


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget(below, pattern):
    """Keeps the newest results."""
    for old in sorted(below.glob(pattern), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _build(base, files, change, command, folder):
    ccache = process.cache_folder() / "ccache"
    ccache.mkdir(parents=True, exist_ok=True)
    # Not /tmp, which may be a small tmpfs.
    work = pathlib.Path(tempfile.mkdtemp(prefix="msready-rpm-", dir=os.environ.get("MSREADY_TMP", "/var/tmp")))
    try:
        for name in ("upper", "work", "root"):
            (work / name).mkdir()
        _copy(files, work / "sources")
        change(work / "sources")
        chroot = work / "chroot"
        chroot.write_text(CHROOT)
        chroot.chmod(0o755)
        done = _alone(BUILD, tree=base, work=work, ccache=ccache, chroot=chroot, command=command)
        assert done.returncode == 0, f"{command} failed:\n{done.stdout[-5000:]}"
        result = work / "sources/packaging/out"
        (result / "log").write_text(done.stdout)
        # It never has the final name unless it is complete.
        unfinished = folder.with_name(folder.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(result, unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _alone(script, *words, **variables):
    """Runs a script in namespaces of its own; its mounts and processes end with it."""
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", *words],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
