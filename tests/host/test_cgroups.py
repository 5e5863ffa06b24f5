# SPDX-License-Identifier: Apache-2.0
"""Control groups as a runtime has systemd make them on a unified host: PID 1 makes and empties slices and scopes of
the exact names while the API server is out of reach. msreadyd looks at them from its sandbox."""

import time

import pytest

from harness import fakekubelet, guide, process
from host import node as _node
from host import runtime


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
@pytest.mark.parametrize("kind, child", [("crio", False), ("crio", True), ("containerd", False),
                                         ("containerd", True)])
def test_scopes(built, boot_host, own_cluster, tmp_path, suite, kind, child):
    kubelet = fakekubelet.FakeKubelet(own_cluster.admin, tmp_path / "host", runtime=kind)
    kubelet.adopt(guide.create_all(own_cluster.admin))
    kubelet.previous_boot()
    node = _node.Node(suite, boot_host, built, own_cluster, kubelet, config=_node.REAL_CGROUPS).boot()
    run = runtime.Runtime(node, child)
    try:
        process.eventually(lambda: node.gate("node")["blockers"][0]["reason"] == "StaleBoot", 20, 0.1, "StaleBoot")
        kubelet.new_boot_node()
        for name in guide.REQUIRED:
            kubelet.pod_up(name)
        # The API server says Ready, but the pods have no container.
        node.expect_status("Unproven")
        for name in guide.REQUIRED:
            assert node.host.state("msready.service") == "activating"
            run.start(name)
        node.host.wait_active("msready.service")

        # Only the kernel can say it now.
        own_cluster.kill()
        node.expect_status("ApiUnreachable")
        assert node.gate("dns")["state"] == "ready"
        run.kill("dns-default")
        dead = time.clock_gettime(time.CLOCK_BOOTTIME)
        node.expect_gate("dns", "lost")
        # By the daemon's own time stamps, because asking takes a while.
        assert node.gate("dns")["changedBoottimeUSec"] / 1e6 - dead < _node.HOLD + 2
        assert node.gate("ovn")["state"] != "lost"

        own_cluster.start()
        kubelet.pod_up("dns-default")
        run.start("dns-default")
        process.eventually(lambda: kubelet.renew_lease() and node.describe()["verdict"]["state"] == "ready", 30, 0.3,
                           "ready again")
    finally:
        run.close()
