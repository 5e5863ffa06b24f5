# SPDX-License-Identifier: Apache-2.0
"""Real boots of a real node: READY=1 comes when the last required pod is usable, and never before.

MSREADY_BOOTS: the number of power cuts; there are two clean reboots for three of them.
"""

import os

import pytest

from harness import realnode
from node import watch

CUTS = int(os.environ.get("MSREADY_BOOTS", "12"))
CLEAN = max(1, CUTS * 2 // 3)

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


@pytest.mark.parametrize("cut", [True, False], ids=["power-cut", "clean"])
def test_boots(node, cut):
    lead = []
    for _ in range(CUTS if cut else CLEAN):
        ready = watch.reboot(node, cut)
        waited = node.usec("kubectl-wait.service", "ActiveEnterTimestampMonotonic")
        if waited:
            lead.append(ready - waited)
            print(f"kubectl wait said ready {lead[-1]:.2f} s before msready")
    if cut:
        # The lie that msready must not believe: if the API server no longer tells it, these boots prove nothing.
        assert max(lead) > 1
