# SPDX-License-Identifier: Apache-2.0
"""Compilers and libraries of other releases of Debian: trees that have them, and commands run in these. Needs root.

In a command /mnt/sources has the sources, read-only, and /mnt/out a folder of the caller's; ccache works there.
"""

import fcntl
import hashlib
import pathlib
import subprocess

from . import host, process

HEADERS = ["libsystemd-dev", "libcurl4-openssl-dev", "libcjson-dev", "libev-dev", "libyaml-dev", "libc-ares-dev",
           "libsmartcols-dev", "uthash-dev", "libcmocka-dev", "libc6-dev", "pkg-config", "ninja-build", "python3",
           "ccache"]
# What the build of msready and of its unit tests reads, and what these tests read.
READ = ["meson.build", "meson_options.txt", "lib", "daemon", "cli", "units", "man", "tests/meson.build", "tests/unit",
        "tests/fuzz", "tests/bench", "tests/cluster", "tests/data"]
# In a mount namespace of its own: nothing is left behind, and the tree stays as it is.
SCRIPT = """
set -e
root=$1 out=$2 cache=$3 sources=$4 command=$5
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/mnt"
mkdir "$root/mnt/sources" "$root/mnt/out" "$root/mnt/ccache"
mount --bind "$sources" "$root/mnt/sources"
mount -o remount,bind,ro "$root/mnt/sources"
mount --bind "$out" "$root/mnt/out"
mount --bind "$cache" "$root/mnt/ccache"
exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        CCACHE_DIR=/mnt/ccache CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=1G nice sh -ec "cd /mnt/out; $command"
"""


def tree(suite, packages):
    """The folder of a tree of this release that can build msready with these packages."""
    return host.minimal(suite, [*HEADERS, *packages])


def run(root, out, command, check=True):
    """Runs a shell command in this tree, in out. Its CompletedProcess; stdout has both of its outputs."""
    cache = process.cache_folder() / "ccache"
    cache.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["unshare", "--mount", "--propagation=private", "sh", "-c", SCRIPT, "sh", root, out, cache,
                           process.REPOSITORY, command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", preexec_fn=process.die_with_parent)
    if check and done.returncode:
        raise AssertionError(f"{command}\nended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done


def digest(*parts):
    """A key of texts, bytes, files and folders, in the order given."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, pathlib.Path):
            part = "\n".join(f"{path.relative_to(process.REPOSITORY)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
                             for path in files(part))
        total.update(part if isinstance(part, bytes) else str(part).encode())
        total.update(b"\0")
    return total.hexdigest()


def files(path):
    """This file, or all in this folder that are not made by running something."""
    if path.is_file():
        return [path]
    return sorted(found for found in path.rglob("*") if found.is_file() and "__pycache__" not in found.parts)


def sources():
    """A key of all that decides how a build of msready and its unit suite end."""
    return digest(*(process.REPOSITORY / name for name in READ))


def once(name, key, story):
    """Calls story() unless it has passed before with the same key. Its word is kept in the cache."""
    kept = process.cache_folder() / "passed" / f"{name}-{key[:32]}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with open(kept.parent / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            return
        story()
        for older in sorted(kept.parent.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)[:-20]:
            older.unlink()
        kept.touch()
