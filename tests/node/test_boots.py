# SPDX-License-Identifier: Apache-2.0
"""Real boots of a real node: READY=1 comes when the last required pod is usable, and never before."""

import os
import time

import pytest

from harness import cluster as _cluster
from harness import process, realnode

ROUNDS = int(os.environ.get("MSREADY_BOOTS", "3"))

# What an administrator would run: it believes what the API server says.
KUBECTL_WAIT = f"""[Unit]
After=microshift.service
[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root
ExecStart=/assets/kubectl --kubeconfig {realnode.KUBECONFIG} wait --for=condition=Ready --timeout=300s \\
        pod --all --all-namespaces
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def node():
    from harness import host

    try:
        host.check()
    except host.CannotBoot as error:
        pytest.skip(str(error))
    assets = _cluster.assets("current", "all")
    build = process.build_folder()
    made = realnode.RealNode(assets)
    try:
        made.install(build)
        made.write("/etc/systemd/system/kubectl-wait.service", KUBECTL_WAIT)
        made.boot()
        made.deploy()
        made.wait_usable(240)
        made.enable("kubectl-wait.service")
        yield made
    finally:
        made.close()


def ids_of(node):
    return {i for _, ids in node.pods().values() for i in ids if i}


@pytest.mark.parametrize("cut", [True, False], ids=["power-cut", "clean"])
def test_boots(node, cut):
    for _ in range(ROUNDS):
        old = ids_of(node)
        node.reboot(cut=cut, wait="lab-apiserver.service")
        recorder = node.record()
        node.wait_usable(240)
        time.sleep(1)
        recording = recorder.stop()
        ready = node.usec("msready.service", "ActiveEnterTimestampMonotonic")
        came = [at for at, state in recording if realnode.usable(state, node.boot_id, old)]
        assert came, f"never usable: {recording[-1]}"
        # The recorder asks thirty times a second, so it may be late by that and its own work; never early.
        assert ready > came[0] - 0.25, f"READY=1 {came[0] - ready:.2f} s before the cluster was usable"
        print(f"READY=1 {ready - came[0]:+.2f} s from the recorder's sight of a usable cluster")
        waited = node.usec("kubectl-wait.service", "ActiveEnterTimestampMonotonic")
        if waited:
            print(f"kubectl wait said ready {ready - waited:.2f} s before msready")
        assert ready - came[0] < 3, "READY=1 late"
