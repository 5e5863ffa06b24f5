# SPDX-License-Identifier: Apache-2.0
"""Prometheus' text format, read by a parser that is not ours and checked by promtool."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

from . import host

# Units that are not the base ones, types, and endings that belong to histograms.
FORBIDDEN = r"_(ms|msec|usec|milliseconds|microseconds|minutes|hours|kb|kib|mb|gauge|counter|count|sum|bucket)(_|$)"


@functools.lru_cache
def promtool():
    """$MSREADY_PROMTOOL, or that of PATH; else Debian's, unpacked and not installed, for its package is a service.
    None where there is none, which CI=true does not accept."""
    found = os.environ.get("MSREADY_PROMTOOL") or shutil.which("promtool")
    if found or os.environ.get("CI") != "true":
        return found
    return str(host.unpacked("bookworm", ["prometheus"]) / "usr/bin/promtool")


def check(text):
    """Fails if node_exporter, Prometheus, or a careful reader of the conventions would complain."""
    assert text.endswith("\n") and "\r" not in text
    families, current = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, current, told = line.split(" ", 3)
            assert current not in families, f"{current} comes twice"
            assert told
            families[current] = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and families[name] is None, f"# TYPE of {name} is at a wrong place"
            assert kind in ("gauge", "counter")
            assert (kind == "counter") == name.endswith("_total"), name
            families[name] = kind
        else:
            name = re.match(r"([a-z][a-z0-9_]*)(\{[^ ]*\})? [0-9.]+$", line)
            assert name and name[1] == current, f"{line!r} is not of {current}"
    for name in families:
        assert name.startswith("msready_") and not re.search(FORBIDDEN, name), name
    if promtool():
        done = subprocess.run(
            [promtool(), "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0 and not done.stdout.strip(), done.stdout


class Metrics:
    """metrics["msready_verdict", "ready"]: the value of the sample with these values of labels."""

    def __init__(self, text):
        from prometheus_client.parser import text_string_to_metric_families

        self.samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, *(sample.labels[label] for label in sorted(sample.labels)))
                assert key not in self.samples, f"{key} comes twice"
                self.samples[key] = sample.value

    @classmethod
    def read(cls, path):
        text = pathlib.Path(path).read_text()
        check(text)
        return cls(text)

    def __getitem__(self, key):
        return self.samples[key if isinstance(key, tuple) else (key,)]

    def get(self, *key):
        return self.samples.get(key)

    def state(self, gate=None):
        """The one state that is 1."""
        name = ("msready_gate_state", gate) if gate else ("msready_verdict",)
        found = [key[-1] for key, value in self.samples.items() if key[: len(name)] == name and value == 1]
        assert len(found) == 1, found
        return found[0]
