# SPDX-License-Identifier: Apache-2.0
"""The lint finds what it is for, and the tree is clean."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("msready_lint", HERE / "lint.py")
lint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lint)

C = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HASH = "# SPDX-License-Identifier: Apache-2.0\n"

BAD = {
    "upwards": ("lib/base/x.c", C + '#include "json/json.h"\n', "base may not include json"),
    "sideways": ("lib/kube/x.c", C + '#include "http/request.h"\n', "kube may not include http"),
    "sideways-back": ("lib/http/x.h", C + '#include "kube/object.h"\n', "http may not include kube"),
    "impure": ("lib/ready/x.c", C + '#include "event/loop.h"\n', "ready may not include event"),
    "library-on-program": (
        "lib/varlink/x.c",
        C + '#include "daemon/manager.h"\n',
        "varlink may not include daemon",
    ),
    "program-on-program": ("cli/x.c", C + '#include "daemon/manager.h"\n', "cli may not include daemon"),
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
        C + '#include <systemd/sd-daemon.h>\n#include "daemon/manager.h"\n#include "http/request.h"\n',
    ),
    "own-library": ("lib/http/x.c", C + "#include <curl/curl.h>\n#include <ares.h>\n"),
    "uthash": ("lib/base/hash.h", C + "#include <uthash.h>\n"),
    "own-folder": ("daemon/x.c", C + '#include "manager.h"\n'),
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
