# SPDX-License-Identifier: Apache-2.0
"""What msready says that it needs is enough: the oldest versions of libraries, of meson and of Python.

Debian 11 has older libraries than msready asks for (libcurl 7.74, c-ares 1.17, libsmartcols 2.36, libsystemd 247), and
Python 3.9. What builds and passes its unit suite there uses nothing that is newer. Needs root.
"""

import re
import shutil

from harness import process, toolchain
from harness.from_pip import from_pip

# Each name of a library for pkg-config, and what RHEL 9 and Debian 12 have at least.
LIBRARIES = {"libsystemd": "252", "libcurl": "7.76", "libcares": "1.18", "smartcols": "2.37"}
MESON = "0.63"

# c-ares 1.17 calls back after its end, and crashes without memory; that of Debian 12, 1.18, passes in the suite unit.
# cmocka 1.1.5 tells skipped tests as failed ones, and parts of test-daemon-file-watch skip.
WITHOUT = ["test-daemon-file-watch", "test-http-resolve", "test-http-memory", "test-http-name-servers"]

# The libraries claim to be what meson.build asks for, and are older. glibc is too old: 2.31, where RHEL 9 has 2.34.
BUILD = """
mkdir pc
for library in {libraries}; do
        file=$(find /usr/lib /usr/share -name ${{library%:*}}.pc)
        sed "s/^Version:.*/Version: ${{library#*:}}/" $file >pc/${{file##*/}}
done
python3 --version
export PKG_CONFIG_PATH=/mnt/out/pc CC='ccache gcc' PYTHONPATH=/mnt/out/meson
export CFLAGS='-include /mnt/sources/tests/package/glibc-2.34.h'
meson='python3 -W error::SyntaxWarning -m mesonbuild.mesonmain'
$meson setup build /mnt/sources --prefix=/usr
ninja -C build
$meson test -C build --no-rebuild --print-errorlogs $($meson test -C build --list 2>&1 |
        sed -n 's,^msready:unit / ,,p' | grep -v -x {without})
DESTDIR=/mnt/out/root $meson install -C build --no-rebuild --quiet
root/usr/bin/msready version
"""


def asked():
    """What meson.build asks for: {name: version}."""
    text = (process.REPOSITORY / "meson.build").read_text()
    return dict(re.findall(r"dependency\('([^']+)', version: '>=([\d.]+)'\)", text))


def test_every_file_names_the_same_floors():
    text = (process.REPOSITORY / "meson.build").read_text()
    assert asked() == LIBRARIES
    assert re.search(r"meson_version: '>=([\d.]+)'", text)[1] == MESON
    assert f"systemd {LIBRARIES['libsystemd']} or newer" in (process.REPOSITORY / "README.md").read_text()
    assert f"systemd {LIBRARIES['libsystemd']} or newer" in (process.REPOSITORY / "NEWS.md").read_text()

    spec = (process.REPOSITORY / "packaging/rpm/msready.spec").read_text()
    assert dict(re.findall(r"^BuildRequires: +pkgconfig\((\S+)\) >= (\S+)$", spec, re.M)) == LIBRARIES
    assert re.search(r"^BuildRequires: +meson >= (\S+)$", spec, re.M)[1] == MESON

    control = (process.REPOSITORY / "packaging/deb/control").read_text()
    for package, floor in re.findall(r"\b(lib\S+-dev|meson) \(>= ([\d.]+)", control):
        assert floor in {**LIBRARIES, "meson": MESON}.values(), f"{package} >= {floor}"


def test_builds_and_passes_with_libraries_older_than_the_floors(trees, tmp_path):
    root = toolchain.tree("bullseye", ["gcc", "openssl", "ca-certificates"])
    meson = from_pip(f"meson=={MESON}.0")
    glibc = process.REPOSITORY / "tests/package/glibc-2.34.h"
    libraries = " ".join(f"{name}:{version}" for name, version in asked().items())
    without = " ".join(f"-e {name}" for name in WITHOUT)

    def story():
        shutil.copytree(meson, tmp_path / "meson")
        said = toolchain.run(root, tmp_path, BUILD.format(libraries=libraries, without=without)).stdout
        assert "Python 3.9." in said and f"Version: {MESON}.0" in said
        assert not re.search("deprecated", said, re.I), said[-6000:]
        version = re.search(r"^ *version: '([^']+)'", (process.REPOSITORY / "meson.build").read_text(), re.M)[1]
        assert said.splitlines()[-1].split()[-1] == version, said[-500:]

    key = toolchain.digest(toolchain.sources(), glibc, root.name, BUILD, libraries, without, MESON)
    toolchain.once("floors", key, story)
