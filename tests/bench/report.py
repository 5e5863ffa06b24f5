# SPDX-License-Identifier: Apache-2.0
"""Figures as lines of TAP, each with its aim and with the bound that fails it."""

import os
import sys
import traceback


class Report:
    """ratio() fails at twice its aim, because machines are noisy; count() fails at its aim."""

    def __init__(self):
        self.number = 0
        self.failures = 0

    def _line(self, good, name, text="", directive=""):
        self.number += 1
        self.failures += not good
        result = "ok" if good else "not ok"
        print(f"{result} {self.number} - {name}{': ' if text else ''}{text}{directive}", flush=True)

    def _figure(self, name, value, aim, bound, unit):
        verdict = "" if value <= aim else ", AIM MISSED" if value <= bound else ", FAILED"
        text = f"{value:.3g}{unit} (aim at most {aim:.3g}{unit}, fails above {bound:.3g}{unit}{verdict})"
        self._line(value <= bound, name, text)

    def ratio(self, name, value, aim):
        self._figure(name, value, aim, 2 * aim, "")

    def count(self, name, value, aim, unit=""):
        self._figure(name, value, aim, aim, unit)

    def timed(self, name, value, aim, unit):
        """A time that is an aim by itself: as noisy as a ratio."""
        self._figure(name, value, aim, 2 * aim, unit)

    def note(self, text):
        print("# " + text, flush=True)

    def skip(self, name, why):
        if os.environ.get("CI", "") == "true":
            self._line(False, name, f"skipped, which is a failure under CI=true: {why}")
        else:
            self._line(True, name, "", f" # SKIP {why}")

    def crashed(self, name):
        self._line(False, name, f"ended with {sys.exc_info()[1]!r}"[:300].replace("\n", " ").replace("#", "%"))
        for line in traceback.format_exc().splitlines():
            self.note(line)

    def end(self):
        print(f"1..{self.number}", flush=True)
