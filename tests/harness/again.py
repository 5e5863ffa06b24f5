# SPDX-License-Identifier: Apache-2.0
"""again.py LOG: the test programs that failed by meson's log (a JSON object a line) and may be played once more.

The log names a program "PROJECT:SUITE / NAME", with a + between suites.

Those are the programs that start daemons, servers and hosts, and wait for them: beside others on a slow machine one
may be late once. Programs of the other suites have no such excuse. Exit status 1 if one of those failed.
"""

import json
import pathlib
import sys

MAY_BE_LATE = {"flow", "slow", "cluster", "host", "node", "interop", "package"}
GOOD = {"OK", "SKIP", "EXPECTEDFAIL"}


def main(log):
    failed = [test for test in map(json.loads, pathlib.Path(log).read_text().splitlines())
              if test["result"] not in GOOD]
    late = []
    for test in failed:
        suites, _, name = test["name"].rpartition(" / ")
        if set(suites.rpartition(":")[2].split("+")) & MAY_BE_LATE:
            late.append(name)
    for name in late:
        print(name)
    return 0 if len(late) == len(failed) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
