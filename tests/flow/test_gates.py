# SPDX-License-Identifier: Apache-2.0
"""Gates are files: overridden, masked, dropped in, broken and loaded anew while the daemon goes on."""

import re
import subprocess
import time

import pytest

from harness import guide, process
from harness.daemon import Daemon

SHIPPED = {path.stem: path.read_text() for path in sorted((process.REPOSITORY / "units/gates").glob("*.gate"))}
REQUIRED = {name: SHIPPED[name] for name in ("api", "node", "ovn", "dns")}


def states(daemon):
    return {g["name"]: g["state"] for g in daemon.describe()["gates"]}


def definition(daemon, name):
    return next((d for d in daemon.call("ListGates")["definitions"] if d["name"] == name), None)


def reload(daemon, refused=False):
    mark = len(re.findall("Configuration loaded anew|Cannot reload", daemon.log()))
    daemon.reload()
    process.eventually(
        lambda: len(re.findall("Configuration loaded anew|Cannot reload", daemon.log())) > mark, 10, 0.02, "a reload"
    )
    assert refused == ("Cannot reload" in daemon.log().split("Configuration loaded anew")[-1])


@pytest.fixture
def ready(edge):
    """A cluster that is ready by gates of which each file can be changed."""
    edge.up()
    edge.start(gates={**REQUIRED, "resolver": SHIPPED["resolver"]})
    edge.expect_ready()
    edge.daemon.expect_gate("resolver", "ready")
    edge.expect_settled()
    return edge


def expect_no_edge(daemon, names, during):
    """Whoever watches these gates sees nothing."""
    since = {name: daemon.gate(name)["changedBoottimeUSec"] for name in names}
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        for g in daemon.describe()["gates"]:
            if g["name"] in since:
                assert g["state"] == "ready" and g["changedBoottimeUSec"] == since[g["name"]], g
        time.sleep(0.01)


def test_dead_container_whose_group_stays_costs_nothing(ready):
    daemon = ready.daemon
    ready.kubelet.container_dies("dns-default")
    daemon.expect_gate("dns", "lost")
    before = daemon.cpu_seconds()
    time.sleep(2)
    assert daemon.cpu_seconds() - before < 0.2
    ready.kubelet.container_restarts("dns-default")
    daemon.expect_gate("dns", "ready")
