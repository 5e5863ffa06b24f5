# SPDX-License-Identifier: Apache-2.0
"""The RPMs of these sources, built by `packaging/build rpm` in a tree of Debian, which is as people build them.

They run on the release that they were built on, and on newer ones. Needs root.
"""

import pathlib
import shutil
import tempfile

from . import building, host as _host, process

BEFORE = "0.0.9"
# A gate that msready had before, and has no more. Its condition does not hold on any host of the tests.
FORMER_GATE = "former"
# What decides which packages are installed for a build.
NEEDS = ("packaging/build", "packaging/rpm/build", "packaging/source.sh", "tests/packages.sh", "tests/packages.txt")


def built(suite="bookworm"):
    """{name: path} of the RPMs, by the name of the package; and "src". On Debian 12 the build ran the unit suite."""
    return _of(f"{suite}-now", suite, "packaging/build rpm" + ("" if suite == "bookworm" else " --nocheck"))


def before():
    """The same of a version before, with a gate more, which was built on Debian 12."""
    return _of("before", "bookworm", "packaging/build rpm --nocheck", _age)


def stubs(suite):
    """What stands in for packages of RHEL, by name and version; tests/package/rpm has their specs."""
    specs = {path.name: path for path in (process.REPOSITORY / "tests/package/rpm").glob("*.spec")}
    build = "rpmbuild -bb --nodeps --define '_topdir /tmp/top'"
    command = (f"{build} stubs.spec && {build} -D 'its_version 1' microshift.spec"
               f" && {build} -D 'its_version 2' microshift.spec"
               " && mkdir -p packaging/out && mv /tmp/top/RPMS/*/*.rpm packaging/out")
    folder = building.built(f"rpm-{suite}-stubs", tree(suite), specs, command)
    return {path.name.rsplit("-", 1)[0]: path for path in folder.glob("*.rpm")}


def said(rpms):
    """What the build printed."""
    return (rpms["msready"].parent / "log").read_text()


def tree(suite):
    """A Debian in which `packaging/build rpm` has found nothing but a fresh release, and has built."""
    steps = ('cp -r "$sources" "$1/root/msready"'
             ' && chroot "$1" /root/msready/packaging/build rpm --nocheck && rm -r "$1/root/msready"'
             ' && chroot "$1" apt-get install -q -y --no-install-recommends ccache rpmlint')
    key = building.key({name: process.REPOSITORY / name for name in NEEDS}, steps)
    with tempfile.TemporaryDirectory(prefix="msready-rpm-") as folder:
        building.copy(building.sources(), pathlib.Path(folder))
        return _host.made(f"{suite}-rpm-{key}", suite, [], "--variant=minbase",
                          f"--customize-hook=sources={folder}; {steps}")


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


def _of(kind, suite, command, change=None):
    folder = building.built(f"rpm-{kind}", tree(suite), building.sources(), command, change=change)
    rpms = {path.name.rsplit("-", 2)[0]: path for path in folder.glob("*.rpm") if ".src." not in path.name}
    return {**rpms, **{"src": path for path in folder.glob("*.src.rpm")}}
