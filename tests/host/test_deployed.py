# SPDX-License-Identifier: Apache-2.0
"""Which gates apply where MicroShift deploys other things than usual, in the sandbox, under systemd 252 and 257."""

import json

import pytest

from harness import guide

MANIFESTS = "/usr/lib/microshift/manifests.d"
CONFIG = "/etc/microshift/config.d"


def definitions(node):
    """What `msready gates` tells of each gate."""
    return {d["name"]: d for d in json.loads(node.msready("gates", "-j", check=True).stdout)["definitions"]}


@pytest.fixture(scope="module")
def community(cluster, shared_kubelet):
    """The network of community builds is in the cluster, too. The names of its pods."""
    for namespace in guide.namespaces(guide.COMMUNITY):
        cluster.admin.create("/api/v1/namespaces", namespace)
    shared_kubelet.adopt({w.key: guide.create_workload(cluster.admin, w) for w in guide.COMMUNITY})
    return {w.name for w in guide.COMMUNITY}


def install(node, *names):
    for name in names:
        node.host.write(f"{MANIFESTS}/{name}/kustomization.yaml", "resources: []\n")


def test_a_drop_in_two_folders_deep(make_node_of):
    node = make_node_of("trixie")
    node.host.write(f"{CONFIG}/sites/edge/10-router.yaml", "ingress:\n  status: Removed\n")
    node.boot()
    ingress = definitions(node)["ingress"]
    assert not ingress["enabled"]
    assert ingress["cause"].startswith("ConditionMicroShift= not met, line ")
    node.usable()
    node.host.wait_active("microshift-ready.target")


def test_what_is_installed_and_not_deployed(make_node_of):
    node = make_node_of("bookworm")
    node.host.write(f"{CONFIG}/10-paths.yaml", "manifests:\n  kustomizePaths: [/etc/microshift/manifests.d/*]\n")
    install(node, "001-microshift-olm")
    node.boot()
    olm = definitions(node)["olm"]
    assert not olm["enabled"]
    assert olm["cause"].startswith("ConditionMicroShiftDeploys= not met, line ")
    node.usable()
    # The administrator has it deployed after all.
    node.host.run("mkdir", "-p", "/etc/microshift/manifests.d")
    node.host.run("ln", "-s", f"{MANIFESTS}/001-microshift-olm", "/etc/microshift/manifests.d/lifecycle")
    node.msready("reload", check=True)
    assert definitions(node)["olm"]["enabled"]


def test_a_community_build(make_node, community):
    node = make_node()
    node.host.write(f"{CONFIG}/00-disableDefaultCNI.yaml", "network:\n  cniPlugin: none\n")
    node.host.write(f"{CONFIG}/01-disable-storage-csi.yaml", "storage:\n    driver: \"none\"\n")
    install(node, "000-microshift-kindnet", "000-microshift-kube-proxy", "001-microshift-topolvm")
    node.boot()
    told = definitions(node)
    required = {name for name, d in told.items() if d["required"] and d["enabled"]}
    assert required == {"api", "kube-proxy", "kindnet", "node", "dns"}
    assert not told["ovn"]["enabled"] and not told["storage"]["enabled"]

    # The node is NotReady for want of a network: what is told first is what makes one.
    node.kubelet.new_boot_node(ready=False)
    node.kubelet.start_heartbeat()
    node.expect_status("kube-proxy: Unproven")
    node.kubelet.pod_up("kube-proxy")
    node.expect_status("kindnet: Unproven")
    assert node.gate("node")["blockers"][0]["reason"] == "KubeletNotReady"
    assert "see the gate kindnet" in node.gate("node")["blockers"][0]["hint"]

    # A file that kindnet left behind makes the node Ready without it.
    node.kubelet.new_boot_node()
    node.kubelet.pod_up("dns-default")
    for name in ("node", "dns", "kube-proxy"):
        node.expect_gate(name, "ready")
    assert node.host.state("microshift-ready.target") == "inactive"
    node.kubelet.pod_up("kube-kindnet-ds")
    node.expect_ready()
    node.host.wait_active("microshift-ready.target")
