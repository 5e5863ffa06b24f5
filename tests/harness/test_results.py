# SPDX-License-Identifier: Apache-2.0
"""How results are reported and counted: TAP for meson, and the last line of tests/run."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from harness import process

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"

TESTS = '''
import pytest
def test_good():
    pass
def test_bad():
    assert 1 == 2
@pytest.mark.skip(reason="no moon")
def test_skipped():
    pass
@pytest.mark.parametrize("x", ["a/b#c"])
def test_name(x):
    pass
@pytest.fixture
def broken():
    yield
    raise RuntimeError("at the end")
def test_end(broken):
    pass
'''


def tap(folder, text, **env):
    (folder / "test_sample.py").write_text(text)
    done = subprocess.run([PYTHON, str(HERE / "tap.py"), str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=dict(os.environ, **env))
    return done.returncode, [line for line in done.stdout.splitlines() if not line.startswith("#")], done.stdout


@pytest.mark.parametrize("ci,skipped", [("", "ok 3 - test_sample.py::test_skipped # SKIP no moon"),
                                        ("true", "not ok 3 - test_sample.py::test_skipped")])
def test_tap(tmp_path, ci, skipped):
    status, lines, text = tap(tmp_path, TESTS, CI=ci)
    assert status == 0
    assert lines == [
        "ok 1 - test_sample.py::test_good",
        "not ok 2 - test_sample.py::test_bad",
        skipped,
        "ok 4 - test_sample.py::test_name[a/b%c]",
        "ok 5 - test_sample.py::test_end",
        "not ok 6 - test_sample.py::test_end",
        "1..6",
    ]
    assert "assert 1 == 2" in text and "at the end" in text


def test_no_test_and_no_python(tmp_path):
    assert tap(tmp_path, "")[1] == ["not ok 1 - collection", "1..1"]
    assert tap(tmp_path, "import nothing_of_this_name\n")[1] == ["not ok 1 - test_sample.py", "1..1"]


def report(*cases, name="s"):
    return f"<testsuites><testsuite name='{name}'>{''.join(cases)}</testsuite></testsuites>"


GOOD = "<testcase name='good'/>"
BAD = "<testcase name='bad'><failure/></testcase>"
ERROR = "<testcase name='error'><error/></testcase>"
SKIPPED = "<testcase name='skipped'><skipped/></testcase>"


@pytest.mark.parametrize("status,reports,last,code", [
    ("0", [report(GOOD, GOOD), report(GOOD)], "3 passed, 0 failed", 0),
    ("1", [report(GOOD, BAD, ERROR), report(SKIPPED)], "1 passed, 2 failed, 1 skipped", 1),
    ("1", [report(GOOD)], "1 passed, 1 failed", 1),
    ("0", [report(SKIPPED)], "0 passed, 0 failed, 1 skipped", 1),
    ("0", [], "0 passed, 0 failed", 1),
])
def test_tally(tmp_path, status, reports, last, code):
    paths = []
    for number, text in enumerate(reports):
        paths.append(tmp_path / f"{number}.xml")
        paths[-1].write_text(text)
    command = [PYTHON, str(HERE / "tally.py"), status, *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert (done.stdout.splitlines()[-1], done.returncode) == (last, code)


@pytest.mark.parametrize("status,again,lines,code", [
    ("0", report(GOOD, GOOD), ["flaky: s: bad", "2 passed, 0 failed"], 0),
    ("1", report(BAD, GOOD), ["failed: s: bad", "1 passed, 1 failed"], 1),
    ("0", report(GOOD, name="t"), ["flaky: t", "failed: s: bad", "2 passed, 1 failed"], 1),
])
def test_played_again(tmp_path, status, again, lines, code):
    (tmp_path / "first.xml").write_text(report(GOOD, BAD))
    (tmp_path / "again.xml").write_text(again)
    command = [PYTHON, str(HERE / "tally.py"), status, str(tmp_path / "first.xml"), f"+{tmp_path / 'again.xml'}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert (done.stdout.splitlines(), done.returncode) == (lines, code)


@pytest.mark.parametrize("results,names,code", [
    ([("flow", "flow-a", "OK"), ("slow", "flow-b", "FAIL"), ("node", "node-c", "TIMEOUT")], ["flow-b", "node-c"], 0),
    ([("unit", "test-a", "ERROR"), ("host", "host-b", "FAIL")], ["host-b"], 1),
    ([("bench", "bench-a", "FAIL"), ("cluster", "cluster-b", "SKIP")], [], 1),
])
def test_who_may_play_again(tmp_path, results, names, code):
    log = tmp_path / "log.json"
    log.write_text("".join(json.dumps({"name": f"msready:{suite} / {name}", "result": result}) + "\n"
                           for suite, name, result in results))
    done = subprocess.run([PYTHON, str(HERE / "again.py"), str(log)], stdout=subprocess.PIPE, text=True)
    assert (done.stdout.split(), done.returncode) == (names, code)


def run_in(tmp_path, tests):
    """tests/run in a tree whose meson.build has these lines and no others."""
    for name in ("run", "packages.sh", "packages.txt", "harness/tally.py"):
        (tmp_path / "tests" / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(process.REPOSITORY / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(process.REPOSITORY / "meson_options.txt", tmp_path)
    (tmp_path / "meson.build").write_text("project('msready', 'c')\n" + tests)
    return subprocess.run([tmp_path / "tests/run", "--no-install", "--suite", "unit"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)


def test_each_build_is_tested(tmp_path):
    done = run_in(tmp_path, "test('one', find_program('true'), suite: 'unit')\n")
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed", done.stdout
    assert done.returncode == 0


def test_no_tests_are_no_success(tmp_path):
    """As without cmocka."""
    done = run_in(tmp_path, "")
    for folder in ("build", "build-asan"):
        assert f"no tests were built in {folder}/: is cmocka missing?" in done.stdout, done.stdout
    assert done.returncode == 1
    assert "0 passed, 1 failed" in done.stdout.splitlines()[-1]
