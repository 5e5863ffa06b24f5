# SPDX-License-Identifier: Apache-2.0
"""tap.py [pytest's arguments]: runs pytest and prints TAP, so that meson counts every test by itself.

pytest's own output goes to standard error. Under CI=true a skipped test is a failed one: nothing that a test
needs may be absent on the machines that decide about a change.
"""

import os
import pathlib
import signal
import sys

# Python puts this script's folder first, where host.py would pass for the tests' folder host/.
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
sys.dont_write_bytecode = True

import pytest  # noqa: E402


class Tap:
    def __init__(self, output, strict):
        self.output = output
        self.strict = strict
        self.count = 0
        self.failed = {}

    def _say(self, line):
        print(line, file=self.output, flush=True)

    def _result(self, good, name, directive="", detail=""):
        self.count += 1
        # '#' begins a directive in TAP, and a test's parameters may hold one.
        self._say(f"{'ok' if good else 'not ok'} {self.count} - {name.replace('#', '%')}{directive}")
        for line in detail.splitlines():
            self._say("# " + line)

    @staticmethod
    def _reason(report):
        if isinstance(report.longrepr, tuple):
            return str(report.longrepr[2]).replace("Skipped: ", "", 1)
        return str(report.longrepr)

    @staticmethod
    def _name(nodeid):
        file, colons, rest = nodeid.partition("::")
        return file.rpartition("/")[2] + colons + rest

    def _skipped(self, name, reason):
        reason = " ".join(reason.split())
        if self.strict:
            self._result(False, name, "", f"skipped, which is a failure under CI=true: {reason}")
        else:
            self._result(True, name, f" # SKIP {reason}")

    def pytest_runtest_logreport(self, report):
        name = self._name(report.nodeid)
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped(name, self._reason(report))
        elif report.failed:
            # A test that failed and whose teardown fails as well is one failure with two reports.
            if name not in self.failed:
                self._result(False, name, "", f"{report.when}: {report.longreprtext}")
            else:
                self._say(
                    f"# {report.when} of {name} failed as well: {report.longreprtext.splitlines()[-1]}"
                )
            self.failed[name] = True
        elif report.when == "call":
            self.passed_call(name)

    def passed_call(self, name):
        # Told at once; should its teardown fail, that becomes a line of its own.
        self._result(True, name)

    def pytest_collectreport(self, report):
        name = self._name(report.nodeid) or "collection"
        if report.failed:
            self._result(False, name, "", report.longreprtext)
        elif report.skipped:
            self._skipped(name, self._reason(report))

    def pytest_sessionfinish(self, session, exitstatus):
        if exitstatus in (
            pytest.ExitCode.INTERRUPTED,
            pytest.ExitCode.INTERNAL_ERROR,
            pytest.ExitCode.USAGE_ERROR,
        ):
            if not self.count:
                self._say(f"Bail out! pytest ended with {int(exitstatus)}")
                return
        if not self.count:
            self._result(False, "collection", "", "no test was found")
        self._say(f"1..{self.count}")


def main():
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    strict = os.environ.get("CI", "") == "true"
    # As Ctrl-C does: what a test has started, a booted host perhaps, is ended by its fixtures.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    here = pathlib.Path(__file__).resolve().parents[1]
    arguments = ["-c", str(here / "pytest.ini"), "--rootdir", str(here), "--tb=short", "-ra", *sys.argv[1:]]
    status = pytest.main(arguments, plugins=[Tap(output, strict)])
    # Failed tests are told in TAP; any other end is one that TAP cannot tell.
    sys.exit(0 if status in (0, 1, 2, 5) else int(status))


if __name__ == "__main__":
    main()
