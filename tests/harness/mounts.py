# SPDX-License-Identifier: Apache-2.0
"""A host that looks different to one program: other files and folders in the places where it looks. Needs root."""

import os
import pathlib
import shlex


def may_be_had():
    return os.geteuid() == 0


def _floor(path):
    """The deepest folder above the path that this host has."""
    return next(parent for parent in path.parents if parent.is_dir())


def wrapper(places):
    """Words in front of a program that finds at each path of {path: source} the content of source at its start.

    The host itself does not change: where it lacks a path, a layer over the folder above has it.
    """
    places = {pathlib.Path(path): pathlib.Path(source) for path, source in places.items()}
    missing = [path for path in places if not path.exists()]
    lines = ["set -e"]
    if missing:
        lines.append("mount -t tmpfs none /mnt")
    for number, floor in enumerate(sorted({_floor(path) for path in missing})):
        layer = f"/mnt/{number}"
        options = f"lowerdir={floor},upperdir={layer}/upper,workdir={layer}/work"
        lines += [f"mkdir -p {layer}/upper {layer}/work", f"mount -t overlay none -o {shlex.quote(options)} {floor}"]
    for path, source in places.items():
        if path in missing:
            lines.append(f"mkdir -p {path}" if source.is_dir() else f"mkdir -p {path.parent}; touch {path}")
        lines.append(f"mount --bind {shlex.quote(str(source))} {path}")
    return ["unshare", "--mount", "sh", "-c", "\n".join([*lines, 'exec "$@"']), "sh"]
