# SPDX-License-Identifier: Apache-2.0
"""The Debian packages of these sources, built by `packaging/build deb` in a tree of that release.

Kept as long as the sources are the same; a compiler's results are kept as well. Needs root.
"""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import host as _host, process

BEFORE = "0.0.9-1"
# A gate that msready had before, and has no more.
FORMER_GATE = "former"
KEPT = 3

# In namespaces of its own: its mounts and processes end with it.
BUILD = """set -e
mount -t overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" overlay "$work/root"
mkdir -p "$work/root/msready" "$work/root/ccache"
mount --bind "$work/sources" "$work/root/msready"
mount --bind "$ccache" "$work/root/ccache"
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
exec chroot "$work/root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin \\
    CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 nice sh -c "cd /msready && $command"
"""


def built(suite="bookworm", arch=None):
    """{name: path} of the packages, by name; and "changes"."""
    # Its lintian says more than the one of the machine that the tests run on. The cross build has a tree of its own.
    command = "packaging/build deb --nocheck && lintian --allow-root --tag-display-limit 0 packaging/out/*.changes"
    command += " >packaging/out/lintian 2>&1 || true"
    return _cached(suite, "native", command) if arch is None else _cross(suite, arch)


def checked(suite="bookworm"):
    """As built(), by a build that ran the unit suite. log() has what it said."""
    return _cached(suite, "checked", "packaging/build deb")


def log(debs):
    return (debs["msready"].parent / "log").read_text()


def lintian(debs):
    return (debs["msready"].parent / "lintian").read_text()


def before(debs, folder):
    """The path of a package of the version before in this folder: a gate more, and a daemon with other bytes."""
    root = pathlib.Path(folder) / "before"
    subprocess.run(["dpkg-deb", "--raw-extract", debs["msready"], root], check=True)
    control = root / "DEBIAN/control"
    control.write_text(re.sub("(?m)^Version: .*", f"Version: {BEFORE}", control.read_text()))
    gates = root / "usr/lib/msready/gates.d"
    shutil.copy(gates / "olm.gate", gates / f"{FORMER_GATE}.gate")
    with open(root / "usr/bin/msreadyd", "ab") as program:
        program.write(b"before")
    made = root.with_name(f"msready_{BEFORE}.deb")
    words = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, made]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    return made


def needs():
    """What the file control says that a build needs."""
    text = (process.REPOSITORY / "packaging/deb/control").read_text()
    listed = re.search(r"^Build-Depends:((?:.*\n)(?:[ \t].*\n)*)", text, re.M).group(1)
    return " ".join(listed.split())


def tree(suite):
    """A Debian with what a build needs."""
    _host.check()
    wanted = f"build-essential, ccache, lintian, {needs()}"
    step = f"apt-get satisfy -q -y --no-install-recommends '{wanted}'"
    key = hashlib.sha256(step.encode()).hexdigest()[:12]
    options = ("--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"',
               f'--customize-hook=DEBIAN_FRONTEND=noninteractive chroot "$1" {step}')
    return _host._made(f"{suite}-deb-{key}", suite, [], *options)


def sources():
    """The files of the sources, by name: of a clone, all but what git ignores."""
    root = process.REPOSITORY
    if (root / ".git").exists():
        words = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(words, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*")
                 if not path.relative_to(root).parts[0].startswith("build") and "packaging/out" not in str(path)]
    return {name: root / name for name in sorted(set(names)) if name and (root / name).is_file()}


def copy_sources(folder):
    for name, path in sources().items():
        target = pathlib.Path(folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _key(*more):
    digest = hashlib.sha256("\0".join(more).encode())
    for name, path in sources().items():
        digest.update(f"\0{name}\0{os.access(path, os.X_OK)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _listed(folder):
    debs = {path.name.split("_")[0]: path for path in folder.glob("*.deb")}
    return {**debs, **{"changes": path for path in folder.glob("*.changes")}}


def _cross(suite, arch):
    # The tree is this release's where the machine is; the cross build makes it by itself.
    raise NotImplementedError(f"no {arch} package of {suite} yet")


def _cached(suite, kind, command):
    below = process.cache_folder() / "deb"
    below.mkdir(parents=True, exist_ok=True)
    base = tree(suite)
    folder = below / f"{suite}-{kind}-{_key(base.name, command)}"
    with open(below / f"{suite}-{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _build(base, command, folder)
            for old in sorted(below.glob(f"{suite}-{kind}-*"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                shutil.rmtree(old, ignore_errors=True)
    return _listed(folder)


def _build(base, command, folder):
    ccache = process.cache_folder() / "ccache-trees"
    ccache.mkdir(parents=True, exist_ok=True)
    # Not /tmp, which may be a small tmpfs.
    work = pathlib.Path(tempfile.mkdtemp(prefix="msready-deb-", dir=os.environ.get("MSREADY_TMP", "/var/tmp")))
    try:
        for name in ("upper", "work", "root"):
            (work / name).mkdir()
        copy_sources(work / "sources")
        variables = {"tree": base, "work": work, "ccache": ccache, "command": command}
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", BUILD],
            env={**os.environ, **{name: str(value) for name, value in variables.items()}},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        result = work / "sources/packaging/out"
        if done.returncode or "msready" not in _listed(result):
            raise AssertionError(f"{command} failed:\n{done.stdout[-5000:]}")
        (result / "log").write_text(done.stdout)
        # It never has the final name unless it is complete.
        unfinished = folder.with_name(folder.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(result, unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
