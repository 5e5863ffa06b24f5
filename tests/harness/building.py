# SPDX-License-Identifier: Apache-2.0
"""Packages of these sources, built by a command in a tree of Debian, as people build them. Needs root.

A result is kept as long as all that it is made of is the same; a compiler's results are kept as well.
"""

import contextlib
import fcntl
import hashlib
import inspect
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import process

KEPT = 3

# Runs a command in the tree $1 with a /proc and /dev. Its mounts and processes end with the namespaces that it is in.
CHROOT = """#!/bin/sh
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin \\
    CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 "$@"
"""
IN_TREE = """set -e
mount -t overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" overlay "$work/root"
mkdir -p "$work/root/msready" "$work/root/ccache"
mount --bind "$work/sources" "$work/root/msready"
mount --bind "$ccache" "$work/root/ccache"
exec "$work/chroot" "$work/root" nice sh -c "cd /msready && $command"
"""
ON_THIS_MACHINE = 'cd "$work/sources" && exec nice sh -c "$command"'


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


def copy(files, folder):
    """Writes these files, by name, into a folder."""
    for name, path in files.items():
        target = pathlib.Path(folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def key(files, *more):
    """A short name for the contents of these files and these texts."""
    digest = hashlib.sha256("\0".join(more).encode())
    for name, path in sorted(files.items()):
        digest.update(f"\0{name}\0{os.access(path, os.X_OK)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def chroot(root, *words, binds=()):
    """Runs a command in this tree, where no systemd runs, as the build of an image does. Its CompletedProcess.

    binds: pairs of a folder of this machine and where it is there.
    """
    with tempfile.TemporaryDirectory(prefix="msready-chroot-") as folder:
        script = "set -e\n" + "".join(f'mount --bind "{source}" "{root}{inside}"\n' for source, inside in binds)
        for _, inside in binds:
            pathlib.Path(f"{root}{inside}").mkdir(parents=True, exist_ok=True)
        return _alone(script + 'exec "$@"', str(_chroot_program(folder)), str(root), *map(str, words))


def built(kind, base, files, command, script=IN_TREE, change=None, without=()):
    """The folder of what this command left in packaging/out/, with its output as the file log.

    kind: a name for all results of which only the newest are kept. base: the tree it runs in, None for this machine.
    files: of what it is made. change: called with the folder of the copied files, before. without: what the result
    does not depend on, as the beginnings of names; it never does on tests in Python.
    """
    below = process.cache_folder() / "packages"
    below.mkdir(parents=True, exist_ok=True)
    rules = pathlib.Path(__file__).read_text() + command + (inspect.getsource(change) if change else "")
    decisive = {name: path for name, path in files.items()
                if not (name.startswith("tests/") and name.endswith(".py")) and not name.startswith(without)}
    folder = below / f"{kind}-{key(decisive, str(base), rules)}"
    with _locked(below / f"{kind}.lock"):
        if not folder.is_dir():
            _build(base, files, command, script, change, folder)
            for old in sorted(below.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                shutil.rmtree(old, ignore_errors=True)
    return folder


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _chroot_program(folder):
    path = pathlib.Path(folder) / "chroot"
    path.write_text(CHROOT)
    path.chmod(0o755)
    return path


def _build(base, files, command, script, change, folder):
    ccache = process.cache_folder() / "ccache"
    ccache.mkdir(parents=True, exist_ok=True)
    # Not /tmp, which may be a small tmpfs.
    work = pathlib.Path(tempfile.mkdtemp(prefix="msready-package-", dir=os.environ.get("MSREADY_TMP", "/var/tmp")))
    try:
        for name in ("upper", "work", "root", "sources"):
            (work / name).mkdir()
        _chroot_program(work)
        copy(files, work / "sources")
        if change:
            change(work / "sources")
        done = _alone(script, tree=base, work=work, ccache=ccache, command=command)
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
    """Runs a script in namespaces of its own; its mounts and processes end with it, or with this test."""
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", *words],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        preexec_fn=process.die_with_parent)
