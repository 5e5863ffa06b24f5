# SPDX-License-Identifier: Apache-2.0
"""The wall clock of an edge device starts in 1970 and jumps by decades: that makes nothing ready or lost."""

import time

from harness import guide, process
from harness.daemon import Daemon

DECADES = 30 * 365 * 86400


def reasons(daemon, gate):
    return {reason for _, _, reason in daemon.blockers(gate)}


def rests(daemon):
    """Whether it has nothing to do for a while."""
    before = daemon.cpu_seconds()
    time.sleep(0.7)
    return daemon.cpu_seconds() == before


def test_decades(built, own_cluster, guide_kubelet, clock):
    kubelet = guide_kubelet
    kubelet.previous_boot()
    # An hour after the epoch no certificate is valid yet.
    clock(3600 - time.time())
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet, env=clock.env,
                config={"Readiness": {"HoldSec": "2s", "UnknownSec": "5s"}}) as daemon:
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

        # Its last streams may still be connecting, and a connection made at the wrong time fails because of the clock.
        process.eventually(lambda: rests(daemon), 20, 0, "rest")
        before = len(daemon.call("io.msready.Readiness.GetTimeline")["transitions"])
        for seconds in (DECADES, -DECADES, 3600 - time.time()):
            clock(seconds)
            kubelet.renew_lease()
            # Longer than the grace in the end, all jumps together.
            time.sleep(2)
            assert daemon.verdict() == "ready", daemon.log()[-2000:]
        assert len(daemon.call("io.msready.Readiness.GetTimeline")["transitions"]) == before
        # In 1970 a dead container is as dead as ever.
        kubelet.container_dies("dns-default")
        daemon.expect_gate("dns", "lost")
        clock(0)
        kubelet.pod_up("dns-default")
        process.eventually(lambda: kubelet.renew_lease() and daemon.verdict() == "ready", 20, 0.3, "ready again")
        assert len(daemon.notified("READY=1")) == 1


def test_hours_asleep(built, own_cluster, guide_kubelet, clock):
    """Two clocks are ahead after a suspend, and the third is not: settle, hold and grace have not run meanwhile."""
    kubelet = guide_kubelet
    slept = 0

    def suspend():
        nonlocal slept
        slept += 3600
        clock(slept, slept)

    def stays(gate, state, seconds):
        kubelet.renew_lease()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert daemon.gate(gate)["state"] == state
            time.sleep(0.1)

    kubelet.previous_boot()
    with Daemon(kubeconfig=own_cluster.kubeconfig, kubelet=kubelet, env=clock.env,
                config={"Readiness": {"SettleSec": "8s", "HoldSec": "8s", "UnknownSec": "12s"}}) as daemon:
        process.eventually(lambda: "StaleBoot" in reasons(daemon, "node"), 10, 0.1, "StaleBoot")
        suspend()
        stays("dns", "waiting", 1)
        for name in guide.REQUIRED:
            kubelet.pod_up(name)
        kubelet.new_boot_node()
        process.eventually(lambda: kubelet.renew_lease() and daemon.gate("dns").get("clock") == "settle", 20, 0.1,
                           "TRUE")
        suspend()
        stays("dns", "waiting", 1.5)
        process.eventually(lambda: daemon.is_ready, 20, 0.1, "READY=1")

        kubelet.container_dies("dns-default", report=True)
        # The host says that the container is dead before the kubelet's report comes, which dates the blocker again.
        process.eventually(
            lambda: daemon.gate("dns").get("clock") == "hold" and "Unproven" not in reasons(daemon, "dns"),
            10, 0.1, "FALSE by the report")
        suspend()
        stays("dns", "ready", 1.5)
        daemon.expect_gate("dns", "lost", 20)
        since = next(b["sinceBoottimeUSec"] for b in daemon.gate("dns")["blockers"]) / 1e6
        assert time.clock_gettime(time.CLOCK_BOOTTIME) + slept - since > 3600, "it has been dead since before"

        own_cluster.kill()
        process.eventually(lambda: daemon.gate("ovn").get("clock") == "grace", 20, 0.1, "no evidence")
        suspend()
        assert daemon.gate("ovn")["state"] == "ready"
        time.sleep(2)
        assert daemon.gate("ovn")["state"] == "ready"
        daemon.expect_gate("ovn", "unknown", 30)
