# SPDX-License-Identifier: Apache-2.0
"""Every file compiles without a warning by gcc 11 and 14 and clang 14 to 19, with the flags of packages.

gcc builds; of clang, whose warnings need no code, only the first half is run. Needs root.
"""

import re

import pytest

from harness import process, toolchain

SYNTAX = process.REPOSITORY / "tests/package/syntax.py"

BOTH = "-g -fstack-protector-strong -fstack-clash-protection -fcf-protection -fasynchronous-unwind-tables"
RHEL9 = f"-O2 -fexceptions -Wall -Wp,-D_FORTIFY_SOURCE=2 -march=x86-64-v2 -mtune=generic {BOTH}"
RHEL10 = f"-O2 -fexceptions -Wall -Wp,-U_FORTIFY_SOURCE,-D_FORTIFY_SOURCE=3 -march=x86-64-v3 {BOTH}"
DEBIAN = f"-O2 -Werror=format-security -Wformat -D_FORTIFY_SOURCE=3 {BOTH}"
LTO = "-flto=auto -ffat-lto-objects"

# Which release of Debian has which; gcc's first one is the one that configures for the clangs.
GCC = {"bookworm": ("gcc-11", RHEL9), "trixie": ("gcc-14", RHEL10)}
CLANG = {"bookworm": ["clang-14", "clang-15", "clang-16"], "trixie": ["clang-17", "clang-18", "clang-19"]}

SETUP = """
CC='ccache {gcc}' CFLAGS='{flags}' LDFLAGS='{flags} -Werror -Wl,-z,relro,-z,now' \\
        meson setup build /mnt/sources --prefix=/usr --buildtype=plain -Dwerror=true >setup.log 2>&1 ||
        {{ cat setup.log; exit 1; }}
"""
BUILD = SETUP + "ninja -C build {targets}\n"
# Only its commands are wanted, but of the flags of Debian, and the one file that is made.
COMMANDS = SETUP + "ninja -C build lib/varlink/varlink-texts.c >setup.log\n"


@pytest.fixture(params=sorted(GCC))
def release(request, trees):
    return request.param, toolchain.tree(request.param, ["meson", GCC[request.param][0], *CLANG[request.param]])


def test_gcc(release, tmp_path):
    suite, root = release
    gcc, flags = GCC[suite]
    whole = BUILD.format(gcc=gcc, flags=flags, targets="all")
    # At the end the whole program is one, and gcc sees more. The two programs are enough.
    linked = BUILD.format(gcc=gcc, flags=f"{flags} {LTO}", targets="daemon/msreadyd cli/msready")

    def story():
        for name, commands in [("whole", whole), ("linked", linked)][: 2 if gcc == "gcc-14" else 1]:
            out = tmp_path / name
            out.mkdir()
            said = toolchain.run(root, out, commands).stdout
            # How many processes link is no fault of the sources.
            assert not re.search("(?<!lto-wrapper: )warning:", said), said[-6000:]

    toolchain.once(gcc, toolchain.digest(toolchain.sources(), root.name, whole, linked), story)


def test_clang(release, tmp_path):
    suite, root = release
    commands = COMMANDS.format(gcc=GCC[suite][0], flags=DEBIAN)
    kept = process.cache_folder() / "passed"

    def story():
        toolchain.run(root, tmp_path, commands)
        for clang in CLANG[suite]:
            known = kept / f"{clang}.files"
            if known.exists():
                (tmp_path / "kept").write_text(known.read_text())
            said = toolchain.run(root, tmp_path, f"python3 /mnt/sources/tests/package/syntax.py {clang} kept").stdout
            assert " 0 with warnings" in said, said
            known.write_text((tmp_path / "kept").read_text())
            (tmp_path / "kept").unlink()

    toolchain.once(f"clang-{suite}", toolchain.digest(toolchain.sources(), SYNTAX, root.name, commands), story)
