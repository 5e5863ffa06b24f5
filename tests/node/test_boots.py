# SPDX-License-Identifier: Apache-2.0
"""Real boots of a real node: READY=1 comes when the last required pod is usable, and never before.

MSREADY_BOOTS: the number of power cuts; there are three clean reboots for five of them.
"""

import glob
import os
import time

import pytest

from harness import realnode

CUTS = int(os.environ.get("MSREADY_BOOTS", "5"))
CLEAN = max(1, CUTS * 3 // 5)

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
def node(make_real_node):
    made = make_real_node()
    made.write("/etc/systemd/system/kubectl-wait.service", KUBECTL_WAIT)
    made.boot()
    made.deploy()
    made.wait_usable(240)
    made.enable("kubectl-wait.service")
    return made


def ids_of(node):
    return {i for _, ids in node.pods().values() for i in ids if i}


def proofs(node):
    told = node.query("objects")["objects"]
    return {(o["object"]["kind"], o["proof"]) for o in told
            if o["object"]["kind"] in ("Node", "Pod") and o["proof"] != "missing"}


@pytest.mark.parametrize("cut", [True, False], ids=["power-cut", "clean"])
def test_boots(node, cut):
    lead = []
    for _ in range(CUTS if cut else CLEAN):
        old = ids_of(node)
        node.power_cut() if cut else node.poweroff()
        # What a kernel that restarts would forget.
        assert not glob.glob(f"/sys/fs/cgroup/*/msready-{node.name}")
        node.boot(wait="lab-apiserver.service")
        recorder = node.record()
        node.wait_usable(240)
        time.sleep(0.5)
        recording = recorder.stop()
        ready = node.usec("msready.service", "ActiveEnterTimestampMonotonic")
        came = [(before, at) for before, at, state in recording if realnode.usable(state, node.boot_id, old)]
        assert came, f"never usable: {recording[-1]}"
        before, at = came[0]
        assert ready > before, f"READY=1 {before - ready:.2f} s before the cluster was usable: {recording}"
        assert ready < at + 3, f"READY=1 {ready - at:.2f} s after the cluster was usable"
        assert proofs(node) == {("Node", "bootId"), ("Pod", "cgroup")}
        assert node.show("msready.service", "NRestarts") == "0"
        print(f"READY=1 {ready - before:.2f} s after the last sight of an unusable cluster")
        waited = node.usec("kubectl-wait.service", "ActiveEnterTimestampMonotonic")
        if waited:
            lead.append(ready - waited)
            print(f"kubectl wait said ready {lead[-1]:.2f} s before msready")
    if cut:
        # The lie that this is all about: if it is no longer told, these boots show nothing.
        assert max(lead) > 1
