# SPDX-License-Identifier: Apache-2.0
"""The wall clock of an edge device starts in 1970 and jumps by decades: nothing is ready or lost by that."""

import time

from harness import guide, process
from harness.daemon import Daemon

DECADES = 30 * 365 * 86400


def reasons(daemon, gate):
    return {reason for _, _, reason in daemon.blockers(gate)}


def test_decades(built, own_cluster, guide_kubelet, clock):
    kubelet = guide_kubelet
    kubelet.previous_boot()
    # An hour after the epoch no certificate is valid yet.
    clock(3600 - time.time())
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet, env=clock.env,
                config={"Readiness": {"HoldSec": "2s", "UnknownSec": "4s"}}) as daemon:
        process.eventually(lambda: "Clock" in reasons(daemon, "api"), 10, 0.1, "Clock")
        clock(0)
        daemon.expect_gate("api", "ready")
        process.eventually(lambda: "StaleBoot" in reasons(daemon, "node"), 10, 0.1, "StaleBoot")
        for seconds in (DECADES, -DECADES, 3600 - time.time(), 0):
            clock(seconds)
            time.sleep(0.5)
            assert not daemon.is_ready, "a jump of the clock proves nothing"
        for name in guide.REQUIRED:
            kubelet.pod_up(name)
        kubelet.new_boot_node()
        process.eventually(lambda: daemon.is_ready or not kubelet.renew_lease(), 20, 0.3, "READY=1")

        before = len(daemon.call("io.msready.Readiness.GetTimeline")["transitions"])
        for seconds in (DECADES, -DECADES, 3600 - time.time()):
            clock(seconds)
            kubelet.renew_lease()
            # Longer than the grace in the end, all jumps together.
            time.sleep(2)
            assert daemon.verdict() == "ready"
        assert len(daemon.call("io.msready.Readiness.GetTimeline")["transitions"]) == before
        # In 1970 a dead container is as dead as ever.
        kubelet.container_dies("dns-default")
        daemon.expect_gate("dns", "lost")
        clock(0)
        kubelet.pod_up("dns-default")
        process.eventually(lambda: kubelet.renew_lease() and daemon.verdict() == "ready", 20, 0.3, "ready again")
        assert len(daemon.notified("READY=1")) == 1
