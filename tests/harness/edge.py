# SPDX-License-Identifier: Apache-2.0
"""An edge node of the tests: a scripted API server, a fake kubelet, and the real daemon."""

import time

from . import fakekubelet, guide, process
from .daemon import Daemon

# Long enough that a busy machine loses nothing by accident, and short enough to wait for.
QUICK = {"Readiness": {"HoldSec": "1s", "UnknownSec": "8s"}}


class Edge:
    """An edge node: the API server, the kubelet and the daemon, which start() starts."""

    def __init__(self, built, folder, server):
        self.server = server
        self.kubelet = fakekubelet.FakeKubelet(server.rest, folder / "host")
        self.kubelet.adopt(guide.create_all(server.rest))
        self.daemon = None

    def start(self, config=None, wait=True, arguments=(), **options):
        options.setdefault("kubeconfig", self.server.kubeconfig)
        config = {**QUICK, **(config or {})}
        self.daemon = Daemon(kubelet=self.kubelet, config=config,
                             arguments=["--log-level", "debug", *arguments], **options)
        return self.daemon.start(wait)

    def up(self):
        """The node and its pods are ready, in this boot."""
        self.kubelet.new_boot_node()
        self.kubelet.all_up()

    def expect_ready(self, timeout=15):
        """READY=1. A daemon that started after the node's status was written needs the kubelet's next Lease."""
        process.eventually(
            lambda: self.daemon.is_ready or self.kubelet.renew_lease() is None,
            timeout,
            0.2,
            f"READY=1; {self.daemon.blockers()}",
        )

    def expect_streams(self, timeout=10):
        """Every stream that a ready cluster needs is open."""
        for plural, count in (("daemonsets", 1), ("nodes", 1), ("pods", 2)):
            self.server.expect_streams(plural, count, timeout)

    def expect_settled(self, timeout=10):
        """And each of them is in sync."""
        self.expect_streams(timeout)
        process.eventually(lambda: "NotSynced" not in self.reasons(), timeout, 0.02, "all that gates look at")

    def expect_steady(self, seconds=1.5):
        """The verdict is ready and stays so: what happened was no reason to doubt it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.daemon.verdict() == "ready"
            time.sleep(0.05)

    def reasons(self, gate=None):
        return {reason for _, _, reason in self.daemon.blockers(gate)}

    def expect_reason(self, reason, gate=None, timeout=10):
        process.eventually(
            lambda: reason in self.reasons(gate), timeout, 0.02, f"{reason}; {self.daemon.blockers(gate)}"
        )

    def close(self):
        if self.daemon:
            self.daemon.close()
        self.kubelet.close()
