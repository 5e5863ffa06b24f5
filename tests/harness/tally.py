# SPDX-License-Identifier: Apache-2.0
"""tally.py STATUS REPORT...: adds up meson's JUnit reports, names what failed, and prints the last line.

STATUS is 0 if meson passed every run: a test program that meson failed for a reason which none of its own
tests reports (a crash, a time-out, an exit status) is one failure. A report given as +REPORT is of programs of the
report before it that failed there and were played again: it counts instead, and what passed is called flaky.
Exit status 1 if anything failed or nothing ran.
"""

import sys
import xml.etree.ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def suites_of(report):
    return {suite.get("name", ""): list(suite.iter("testcase"))
            for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite")}


def main(status, *reports):
    runs = []
    for report in reports:
        if not report.startswith("+"):
            runs.append(suites_of(report))
            continue
        for name, cases in suites_of(report[1:]).items():
            if all(outcome(case) != "failed" for case in cases):
                failed = [case.get("name", "") for case in runs[-1].get(name, ()) if outcome(case) == "failed"]
                print(f"flaky: {name}" + (f": {', '.join(failed)}" if failed else ""))
            runs[-1][name] = cases

    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for run in runs:
        for name, cases in run.items():
            for case in cases:
                result = outcome(case)
                counts[result] += 1
                if result != "passed":
                    print(f"{result}: {name}: {case.get('name', '')}")
    if status != "0" and not counts["failed"]:
        print("failed: a build or a test program, see above")
        counts["failed"] += 1
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    print(line + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
