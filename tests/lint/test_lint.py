# SPDX-License-Identifier: Apache-2.0
"""The lint finds what it is for, and the tree is clean."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.from_pip import from_pip

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("msready_lint", HERE / "lint.py")
lint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lint)

TREE = HERE.parents[1]
CLANG_FORMAT = "clang-format==14.0.6"

C = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HASH = "# SPDX-License-Identifier: Apache-2.0\n"

BAD = {
    "upwards": ("lib/base/x.c", C + '#include "json/json.h"\n', "base may not include json"),
    "sideways": ("lib/kube/x.c", C + '#include "http/request.h"\n', "kube may not include http"),
    "sideways-back": ("lib/http/x.h", C + '#include "kube/object.h"\n', "http may not include kube"),
    "impure": ("lib/ready/x.c", C + '#include "event/loop.h"\n', "ready may not include event"),
    "library-on-program": (
        "lib/varlink/x.c",
        C + '#include "daemon/options.h"\n',
        "varlink may not include daemon",
    ),
    "program-on-program": ("cli/x.c", C + '#include "daemon/options.h"\n', "cli may not include daemon"),
    "other-brackets": ("lib/kube/x.c", C + "#include <http/request.h>\n", "kube may not include http"),
    "new-folder": ("lib/novel/x.c", C, "not in the table"),
    "no-folder": ("lib/kube/x.c", C + '#include "object.h"\n', "includes name their folder"),
    "unknown-folder": ("daemon/x.c", C + '#include "tests/x.h"\n', "of no folder"),
    "foreign-ev": ("lib/http/x.c", C + "#include <ev.h>\n", "<ev.h> may be included in event only"),
    "foreign-cjson": ("lib/kube/x.c", C + "# include <cjson/cJSON.h>\n", "in json only"),
    "foreign-yaml": ("lib/kube/x.c", C + "#include <yaml.h>\n", "in yaml only"),
    "foreign-curl": ("daemon/x.c", C + "#include <curl/curl.h>\n", "in http only"),
    "foreign-ares": ("lib/event/x.c", C + "#include <ares.h>\n", "in http only"),
    "foreign-systemd": ("lib/varlink/x.c", C + "#include <systemd/sd-daemon.h>\n", "in cli, daemon only"),
    "foreign-smartcols": ("daemon/x.c", C + "#include <libsmartcols/libsmartcols.h>\n", "in cli only"),
    "foreign-uthash": ("lib/ready/x.c", C + "#include <uthash.h>\n", "in base only"),
    "exit": ("daemon/options.c", C + "void f(void) { exit(1); }\n", "exit() is for main.c alone"),
    "exit-in-lib": ("lib/base/main.c", C + "void f(void) { exit (1); }\n", "exit() is for main.c alone"),
    "no-licence": ("lib/base/x.h", "#pragma once\n" + C, "the first line says SPDX"),
    "no-licence-script": ("tests/x", "#!/bin/sh\nset -eu\n" + HASH, "the first line says SPDX"),
    "no-licence-meson": ("lib/meson.build", "subdir('base')\n", "the first line says SPDX"),
    "tab": ("cli/x.c", C + "\tint x;\n", "a tab"),
    "long-line": ("cli/x.c", C + "int " + "x" * 115 + ";\n", "120 columns"),
    "long-python": ("tests/x.py", HASH + "x = 1  # " + "x" * 111 + "\n", "120 columns"),
    "blanks": ("cli/x.c", C + "int x; \n", "blanks at the end"),
    "no-newline": ("cli/x.c", C + "int x;", "no newline"),
    "python": ("tests/x.py", HASH + "def f(:\n", "does not compile"),
    "python-by-name": ("tests/x", "#!/usr/bin/python3\n" + HASH + "def f(:\n", "does not compile"),
    "shell": ("tests/x", "#!/bin/sh\n" + HASH + "if true; then\n", "sh -n"),
    "bash": ("tests/x", "#!/bin/bash\n" + HASH + "a=(1 2\n", "bash -n"),
    **{
        f"banned-{name}": ("lib/base/x.c", C + f"void f(void) {{ {name} (a, b); }}\n", f"{name}() is banned")
        for name in lint.BANNED
    },
    "banned-type": ("lib/base/x.c", C + "unsigned __int128 x;\n", "__int128 is banned"),
    "long-file": ("lib/base/x.c", C + "int x;\n" * 600, "601 lines, 600 are the limit"),
    "long-script": ("cli/x.sh", HASH + "true\n" * 600, "601 lines, 600 are the limit"),
    "long-test": ("tests/unit/x.c", C + "int x;\n" * 1000, "1001 lines, 1000 are the limit"),
    "manager": ("daemon/publish-notify.c", C + '#include "manager.h"\n', "manager.h is for daemon/main.c alone"),
    "manager-of-a-test": ("tests/unit/x.c", C + '#include "manager.h"\n', "is for daemon/main.c alone"),
    "other-source": ("daemon/source-api.c", C + '#include "source-host.h"\n', "may include no other source"),
    "other-source-in-header": ("daemon/source-x.h", C + '#include "source-api.h"\n', "may include no other source"),
    "source-of-a-publisher": (
        "daemon/publish-metrics.c",
        C + '#include "source-streams.h"\n',
        "source-streams.h is for daemon/manager.c and the sources",
    ),
    "source-of-an-asker": ("daemon/ask-socket.c", C + '#include "source-questions.h"\n', "and the sources"),
    "source-of-a-header": ("daemon/hub.h", C + '#include "daemon/source-kubeconfig.h"\n', "and the sources"),
    "source-of-main": ("daemon/main.c", C + '#include "source-api.h"\n', "and the sources"),
    "cleanup": ("cli/x.c", C + "void f(void) {\n        _cleanup_(out_done) Output out;\n}\n", "_cleanup_ without"),
    "cleanup-free": ("cli/x.c", C + "void f(void) { _cleanup_free_ char *a = NULL, *b; }\n", "_cleanup_ without"),
    "cleanup-array": ("cli/x.c", C + "void f(void) { _cleanup_(x_done) X x[2]; }\n", "_cleanup_ without"),
    "banned-in-tests": ("tests/unit/x.c", C + "void f(void) { strcpy(a, b); }\n", "strcpy() is banned"),
}

GOOD = {
    "downwards": (
        "lib/ready/x.c",
        C + '#include <stdio.h>\n#include "base/macro.h"\n#include "kube/object.h"\n',
    ),
    "itself": ("lib/kube/x.c", C + '#include "kube/object.h"\n'),
    "program": (
        "daemon/x.c",
        C + '#include <systemd/sd-daemon.h>\n#include "daemon/options.h"\n#include "http/request.h"\n',
    ),
    "own-library": ("lib/http/x.c", C + "#include <curl/curl.h>\n#include <ares.h>\n"),
    "uthash": ("lib/base/hash.h", C + "#include <uthash.h>\n"),
    "own-folder": ("daemon/x.c", C + '#include "options.h"\n'),
    "main": ("daemon/main.c", C + "int main(void) { exit(run()); }\n"),
    "_exit": ("daemon/x.c", C + "void f(void) { _exit(1); }\n"),
    "names-that-end-alike": (
        "lib/base/x.c",
        C + "void f(void) { my_strcpy(a); vsnprintf(b); gmtime_r(c); localtime_r(d); }\n",
    ),
    "cleanups": (
        "lib/base/x.c",
        C
        + "#define _cleanup_free_ _cleanup_(freep)\n"
        + "void f(void) {\n        _cleanup_(x_done) X x = { .a = 1,\n .b = f(1, 2) }, y[2] = {};\n"
        + "        _cleanup_free_ char *a = g(b, c), *d = NULL;\n}\n",
    ),
    "members": ("lib/base/x.c", C + "void f(X *x) { x->exit(1); x->ops.atoi(2); }\n"),
    "spoken-of": (
        "lib/base/x.c",
        C + '/* strcpy(a, b) */\nconst char *s = "exit(1) \\" sprintf(x)"; // gets(x)\n',
    ),
    "test": ("tests/unit/x.c", C + '#include "test.h"\n#include <curl/curl.h>\n'),
    "script": ("tests/x", "#!/bin/sh\n" + HASH + "echo hello\n"),
    "manager-itself": ("daemon/manager.c", C + '#include "manager.h"\n#include "source-host.h"\n'),
    "manager-in-main": ("daemon/main.c", C + '#include "manager.h"\n'),
    "own-source": (
        "daemon/source-api.c",
        C + '#include "source-api.h"\n#include "source-api-internal.h"\n#include "source-kubeconfig.h"\n',
    ),
    "source-of-a-test": ("tests/unit/x.c", C + '#include "source-api.h"\n#include "source-host.h"\n'),
    "limit-of-lines": ("cli/x.c", C + "int x;\n" * 599),
    "limit-of-lines-of-tests": ("tests/x.py", HASH + "x = 1\n" * 999),
    "limit": ("cli/x.c", C + "int " + "x" * 114 + ";\n"),
    "table-of-a-test": ("tests/unit/x.c", C + "int " + "x" * 200 + ";\n"),
    "other": ("README.md", "\tanything\n"),
}


@pytest.mark.parametrize("name", BAD)
def test_finds(name):
    path, text, message = BAD[name]
    found = [m for _, m in lint.check(path, text)]
    assert any(message in m for m in found), found
    assert len(found) == 1, found


@pytest.mark.parametrize("name", GOOD)
def test_lets_pass(name):
    assert list(lint.check(*GOOD[name])) == []


@pytest.mark.parametrize("path", ["tests/flow/test_load.py", "tests/unit/test-json.c", "tests/fuzz/fuzz-json.c"])
def test_finds_what_no_suite_runs(path):
    other = "# it's not 'load' or 'json'\ntest('other', files('test_other.py'), env: 'loader')"
    assert len(list(lint.check_is_run(path, other))) == 1
    for meson in ("foreach name : ['load', 'json']", "files('test_load.py', 'test-json.c', 'fuzz-json.c')"):
        assert not list(lint.check_is_run(path, meson))
    assert not list(lint.check_is_run("tests/harness/daemon.py", ""))


def test_a_file_that_is_too_long():
    assert [n for n, _ in lint.check("cli/y.c", C + "int x;\n" * 600)] == [600]
    assert list(lint.check("cli/y.c", C + "int x;\n" * 599)) == []


X_H, Y_H = C + "int x_new(void);\n", C + "void y_free(int y);\n"
TREE_OF_TWO = {
    "lib/kube/x.h": X_H,
    "lib/kube/x.c": C + '#include "kube/y.h"\n\nint x_new(void) {\n        y_free(1);\n        return 0;\n}\n',
    "lib/kube/y.h": Y_H,
    "lib/kube/y.c": C + "void y_free(int y) {\n        (void) y;\n}\n",
}
IN_A_CIRCLE = {
    "by-calls": {"lib/kube/y.c": C + "void y_free(int y) {\n        x_new();\n}\n"},
    "by-a-third": {
        "lib/kube/y.c": C + "void y_free(int y) {\n        z();\n}\n",
        "lib/kube/z.h": C + "void z(void);\n",
        "lib/kube/z.c": C + "void z(void) {\n        x_new ();\n}\n",
    },
    "by-address": {"lib/kube/y.c": C + "void y_free(int y) {\n        int (*f)(void) = x_new;\n}\n"},
    "by-a-table": {"lib/kube/y.c": C + "void y_free(int y) {\n}\nconst Ops y_ops = {\n        .new = x_new,\n};\n"},
    "by-data": {
        "lib/kube/x.h": X_H + "extern const X *const x_kinds[]; /* ends with NULL */\n",
        "lib/kube/x.c": TREE_OF_TWO["lib/kube/x.c"] + "\nconst X *const x_kinds[] = {\n        NULL,\n};\n",
        "lib/kube/y.c": C + "void y_free(int y) {\n        return x_kinds[0];\n}\n",
    },
    "by-the-address-of-data": {
        "lib/kube/x.h": X_H + "extern XState x_state;\n",
        "lib/kube/x.c": TREE_OF_TWO["lib/kube/x.c"] + "\nXState x_state;\n",
        "lib/kube/y.c": C + "static const XState *const states[] = { &x_state };\nvoid y_free(int y) {\n}\n",
    },
    "by-a-macro": {
        "lib/kube/x.h": X_H + "#define X_NEW(a) \\\n        x_new()\n",
        "lib/kube/y.c": C + "void y_free(int y) {\n        X_NEW(y);\n}\n",
    },
    "by-an-inline-function": {
        "lib/kube/x.h": X_H + "static inline int x_of(int y) {\n        return y ? x_new() : 0;\n}\n",
        "lib/kube/y.c": C + "void y_free(int y) {\n        x_of(y);\n}\n",
    },
    "by-a-cleanup": {
        "lib/kube/x.h": X_H + "DEFINE_CLEANUP(X, x_new)\n",
        "lib/kube/y.c": C + "void y_free(int y) {\n        _cleanup_(x_newp) X *x = NULL;\n}\n",
    },
    "by-includes": {"lib/kube/x.h": '#include "kube/y.h"\n' + X_H, "lib/kube/y.h": '#include "kube/x.h"\n' + Y_H},
    "in-a-program": {
        "daemon/x.h": '#include "z.h"\n' + C,
        "daemon/z.h": '#include "x.h"\n' + C,
    },
}
IN_NO_CIRCLE = {
    "as-it-is": {},
    "a-comment": {"lib/kube/y.c": C + "/* x_new() */\nvoid y_free(int y) {\n}\n"},
    "a-name-of-its-own": {"lib/kube/y.c": C + "static int x_new(void) {\n}\nvoid y_free(int y) {\n}\n"},
    "a-macro": {
        "lib/kube/x.c": C + "DEFINE_CLEANUP(X *, x_new)\n\nint x_new(void) {\n        y_free(1);\n}\n",
        "lib/kube/y.c": C + "DEFINE_CLEANUP(Y *, y_free)\n\nvoid y_free(int y) {\n}\n",
        "lib/kube/z.h": C + "#define DEFINE_CLEANUP(type, function)\n",
    },
    "a-type-of-its-caller": {"lib/kube/y.c": C + '#include "kube/x.h"\nvoid y_free(int y) {\n}\n'},
    "members": {"lib/kube/y.c": C + "void y_free(int y) {\n        y_run(ops->x_new, (Ops){ .x_new = y });\n}\n"},
    "a-table-of-its-own": {
        "lib/kube/x.h": X_H + "extern const X x_kinds[];\n",
        "lib/kube/x.c": TREE_OF_TWO["lib/kube/x.c"] + "\nconst X x_kinds[] = { NULL };\n",
        "lib/kube/y.c": C + "static const X x_kinds[2] = {};\nvoid y_free(int y) {\n        y_run(x_kinds);\n}\n",
    },
    "in-tests": {"tests/unit/a.h": '#include "b.h"\n', "tests/unit/b.h": '#include "a.h"\n'},
}


@pytest.mark.parametrize("name", IN_A_CIRCLE)
def test_finds_circles(name):
    ((_, _, message),) = lint.check_circles({**TREE_OF_TWO, **IN_A_CIRCLE[name]})
    assert message.startswith("a circle: ") and message.count(",") == (2 if name == "by-a-third" else 1)


@pytest.mark.parametrize("name", IN_NO_CIRCLE)
def test_lets_pass_what_is_no_circle(name):
    texts = {**TREE_OF_TWO, **IN_NO_CIRCLE[name]}
    assert list(lint.check_circles(texts)) == []


def test_a_circle_that_is_allowed(monkeypatch):
    two = {**TREE_OF_TWO, **IN_A_CIRCLE["by-calls"]}
    monkeypatch.setattr(lint, "MAY_CIRCLE", ({"lib/kube/x.c", "lib/kube/y.c"},))
    assert list(lint.check_circles(two)) == []
    # A third file may not join, and an exception that nothing needs is told.
    assert len(list(lint.check_circles({**two, **IN_A_CIRCLE["by-a-third"]}))) == 2
    ((_, _, message),) = lint.check_circles(TREE_OF_TWO)
    assert "remove it from MAY_CIRCLE" in message


def test_hacking_prints_the_arrows():
    done = subprocess.run([sys.executable, str(HERE / "lint.py"), "--arrows"], stdout=subprocess.PIPE, text=True)
    assert done.stdout.startswith("| folder | what | may include |\n")
    assert done.stdout in (TREE / "HACKING.md").read_text(), "put what `tests/lint/lint.py --arrows` prints there"


def parts_of_meson(folder):
    """The folders that this one's meson.build names as dependencies of its library."""
    text = (TREE / folder / "meson.build").read_text()
    library = re.search(r"= static_library\((.*?)^[\w ]+=", text, re.S | re.M)[1]
    return {name for name in re.findall(r"dep_(\w+)", library) if name in lint.LIBRARY}


def test_meson_links_along_the_arrows():
    """Each folder links only what it may include, and all of that by itself or through others."""
    assert {p.name for p in (TREE / "lib").iterdir() if p.is_dir()} == lint.LIBRARY
    links = {name: parts_of_meson(f"lib/{name}") - {name} for name in lint.LIBRARY}
    for name in lint.LIBRARY:
        assert links[name] <= lint.MAY_INCLUDE[name], f"lib/{name}/meson.build"
        reach = set(links[name])
        for _ in lint.LIBRARY:
            reach |= set().union(*(links[other] for other in reach))
        assert lint.MAY_INCLUDE[name] <= reach, f"lib/{name}/meson.build"
    for program in "daemon", "cli":
        assert parts_of_meson(program) <= lint.MAY_INCLUDE[program], f"{program}/meson.build"


def clang_format():
    """clang-format 14, as Debian 12 has it: another version lays out some lines differently."""
    program = shutil.which("clang-format-14")
    return program or str(from_pip(CLANG_FORMAT) / "clang_format/data/bin/clang-format")


def test_layout_is_clang_formats():
    program = clang_format()
    assert " version 14." in subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True).stdout
    names = [str(path) for path in lint.files(TREE) if path.suffix in (".c", ".h")]
    assert len(names) > 200
    jobs = os.cpu_count() or 1

    def run(part):
        return subprocess.run([program, "--dry-run", "--Werror", "--ferror-limit=1", *part], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True).stdout

    with ThreadPoolExecutor(jobs) as pool:
        found = "".join(pool.map(run, (names[i::jobs] for i in range(jobs))))
    assert not found, f"{found}\nclang-format-14 -i FILE lays it out"


def test_layout_is_looked_at():
    done = subprocess.run([clang_format(), "--dry-run", "--Werror", "--assume-filename", str(TREE / "lib/x.c")],
                          input="int f( void ){return 0;}\n", stderr=subprocess.PIPE, text=True)
    assert done.returncode != 0 and "clang-format-violations" in done.stderr


def test_line_numbers_stand_behind_comments():
    text = C + "/* one\n   two\n */\nvoid f(void)\n{\n        strcpy(a, b);\n}\n"
    assert [number for number, _ in lint.check("lib/base/x.c", text)] == [7]


def test_exit_status(tmp_path):
    bad = tmp_path / "lib/base"
    bad.mkdir(parents=True)
    (bad / "x.c").write_text(C + '#include "kube/object.h"\n')
    (tmp_path / "build").mkdir()
    (tmp_path / "build/y.c").write_text("not ours\n")
    done = subprocess.run(
        [sys.executable, str(HERE / "lint.py"), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "lib/base/x.c:2: base may not include kube: the arrows point down",
        "1 files, 1 breaches",
    ]


def test_tree():
    done = subprocess.run(
        [sys.executable, str(HERE / "lint.py"), str(HERE.parents[1])], stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, done.stdout
