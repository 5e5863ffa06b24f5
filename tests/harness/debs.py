# SPDX-License-Identifier: Apache-2.0
"""The Debian packages of these sources, built by `packaging/build deb` in a tree of that release. Needs root."""

import hashlib
import pathlib
import re
import shutil
import subprocess

from . import building, host as _host, process

BEFORE = "0.0.9-1"
# A gate that msready had before, and has no more.
FORMER_GATE = "former"


def built(suite="bookworm"):
    """{name: path} of the packages, by name; and "changes". The build ran the unit suite, as log() shows."""
    # Its lintian says more than the one of the machine that the tests run on.
    command = ("packaging/build deb && { lintian --allow-root --tag-display-limit 0 packaging/out/*.changes"
               " >packaging/out/lintian 2>&1 || true; }")
    folder = building.built(f"deb-{suite}", tree(suite), building.sources(), command)
    debs = {path.name.split("_")[0]: path for path in folder.glob("*.deb")}
    return {**debs, **{"changes": path for path in folder.glob("*.changes")}}


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
    wanted = f"build-essential, ccache, lintian, {needs()}"
    step = f"apt-get satisfy -q -y --no-install-recommends '{wanted}'"
    key = hashlib.sha256(step.encode()).hexdigest()[:12]
    return _host.made(f"{suite}-deb-{key}", suite, [], "--variant=minbase",
                      f'--customize-hook=DEBIAN_FRONTEND=noninteractive chroot "$1" {step}')
