#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py [--thorough] [--pods N] [--rounds N] [FIGURE...]

Prints what msready costs, as ratios to what other programs need for the same task in the same run, with the aim of
each and the bound that fails it: twice the aim for a ratio, the aim itself for a count. Without a FIGURE: all of them.
"""

import argparse
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import size  # noqa: E402
import speed  # noqa: E402
from report import Report  # noqa: E402
from harness import cluster, process  # noqa: E402

FIGURES = {
    figure.__name__: figure
    for figure in (
        speed.change,
        speed.wait,
        speed.status,
        speed.varlink,
        size.memory,
        size.sync,
        size.idle,
    )
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--thorough",
        action="store_true",
        default=bool(os.environ.get("MSREADY_THOROUGH")),
        help="more rounds, longer periods (also: MSREADY_THOROUGH=1)",
    )
    parser.add_argument("--pods", type=int, help="how many are a crowd, 10000 by default")
    parser.add_argument("--rounds", type=int, help="how often each contestant has its turn")
    parser.add_argument("figure", nargs="*", choices=[[], *FIGURES], metavar="FIGURE", help=", ".join(FIGURES))
    options = parser.parse_args()

    report = Report()
    chosen = options.figure or list(FIGURES)
    missing = not (process.build_folder() / "daemon/msreadyd").exists()
    try:
        cluster.assets()
    except subprocess.CalledProcessError:
        missing = True
    for name in chosen:
        if missing:
            report.skip(name, "msreadyd is not built, or the parts of Kubernetes cannot be")
            continue
        try:
            FIGURES[name](report, options)
        except Exception:
            report.crashed(name)
    report.end()


if __name__ == "__main__":
    main()
