# SPDX-License-Identifier: Apache-2.0
"""[Condition]: objects of kinds that come and go, what they say, and who may say it."""

import time

import pytest

from harness import fake_cues, process

API = "[Gate]\nRequired=yes\n[Api]\n"
TLS = "[Condition]\nResource=cert-manager.io/v1/certificates\nNamespace=shop\nName=tls\nType=Ready\n"
CONTROLLER = "[Workload]\nKind=DaemonSet\nNamespace=openshift-dns\nName=dns-default\n"


def certificate(message="issued", **metadata):
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"namespace": "shop", "name": "tls", **metadata},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": message}]},
    }


@pytest.fixture
def tls(edge):
    """A gate of a certificate that is ready, without a controller beside it."""
    edge.server.register("cert-manager.io/v1", "certificates", "Certificate")
    edge.server.put(certificate())
    edge.up()
    edge.start(gates={"api": API, "tls": TLS})
    edge.expect_ready()
    edge.daemon.expect_gate("tls", "ready")
    return edge


def blocker(edge, gate):
    return (edge.daemon.gate(gate)["blockers"] or [{}])[0]


def expect_message(edge, gate, text):
    process.eventually(
        lambda: text in blocker(edge, gate).get("message", ""), 10, 0.02, f"{text}: {edge.daemon.gate(gate)}"
    )


def test_definition_that_goes(tls):
    """With its definition a resource loses its objects: that is no doubt, and the gate is lost."""
    server, daemon = tls.server, tls.daemon
    server.unregister("certificates")
    expect_message(tls, "tls", "does not know the resource cert-manager.io/v1/certificates")
    found = blocker(tls, "tls")
    assert found["reason"] == "NotFound" and "oc api-resources" in found["hint"]
    daemon.expect_gate("tls", "lost", 5)

    # It comes back without the object, and then with it.
    server.register("cert-manager.io/v1", "certificates", "Certificate")
    expect_message(tls, "tls", "no such object")
    server.put(certificate())
    daemon.expect_gate("tls", "ready")

    # It is asked for again, and not in a loop.
    server.unregister("certificates")
    daemon.expect_gate("tls", "lost", 5)
    time.sleep(2)
    mark = server.mark()
    time.sleep(2)
    assert 1 <= len([r for r in server.asked(since=mark) if r.plural == "certificates"]) <= 6


def test_definition_that_is_not_there_yet(edge):
    edge.up()
    edge.start(gates={"api": API, "tls": TLS})
    edge.expect_ready()
    expect_message(edge, "tls", "does not know the resource")
    assert edge.daemon.gate("tls")["state"] == "waiting"
    edge.server.register("cert-manager.io/v1", "certificates", "Certificate")
    edge.server.put(certificate())
    edge.daemon.expect_gate("tls", "ready")


def test_refused_is_not_unknown_to_the_server(tls):
    """Neither credentials that do not suffice, nor a server that is not ready, say anything of the resource."""
    server, daemon = tls.server, tls.daemon
    server.forbidden.add("certificates")
    server.end_streams("clean", "certificates")
    tls.expect_reason("Forbidden", "tls")
    time.sleep(1.5)
    assert daemon.gate("tls")["state"] == "ready"
    server.forbidden.clear()
    process.eventually(lambda: not daemon.gate("tls")["blockers"], 10, 0.02, "it may be seen again")
    server.cue("watch", "certificates", times=None, **fake_cues.not_found())
    server.cue("list", "certificates", times=None, **fake_cues.not_found())
    server.ready = False
    server.end_streams("reset")
    tls.expect_reason("ApiNotReady", "tls")
    time.sleep(1.5)
    assert daemon.gate("tls")["state"] == "ready"


def test_label_is_no_word_of_the_controller(edge):
    server = edge.server
    server.register("cert-manager.io/v1", "certificates", "Certificate")
    server.put(certificate("of the boot before"))
    edge.kubelet.new_boot_node()
    edge.start(gates={"node": "[Gate]\nRequired=yes\n[Node]\n", "tls": TLS + CONTROLLER, "dns": CONTROLLER})
    edge.expect_ready()
    edge.expect_reason("Unproven", "tls")
    edge.kubelet.all_up()
    edge.daemon.expect_gate("dns", "ready")
    server.put(certificate("of the boot before", labels={"looked": "at"}))
    time.sleep(1)
    assert edge.daemon.gate("tls")["state"] == "waiting"
    assert edge.reasons("tls") == {"Unproven"}
    assert "[Workload] or [Pods] of the same gate" in blocker(edge, "tls")["hint"]
    server.put(certificate("of this boot", labels={"looked": "at"}))
    edge.daemon.expect_gate("tls", "ready")


def test_field(edge):
    """The phase of a volume claim."""
    server = edge.server
    server.register("v1", "persistentvolumeclaims", "PersistentVolumeClaim")
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": "data"}}
    server.put({**claim, "status": {"phase": "Pending"}})
    of_claim = "[Condition {0}]\nResource=v1/persistentvolumeclaims\nNamespace=shop\nName=data\n"
    volume = of_claim.format("phase") + "Field=status.phase\nValue=Bound\n"
    size = of_claim.format("size") + "Field=status.capacity.storage\nValue=1Gi\n"
    edge.up()
    edge.start(gates={"api": API, "volume": volume, "size": size})
    edge.expect_ready()
    expect_message(edge, "volume", "status.phase is Pending")
    expect_message(edge, "size", "status.capacity.storage is absent")
    server.put({**claim, "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}})
    edge.daemon.expect_gate("volume", "ready")
    edge.daemon.expect_gate("size", "ready")
    assert "status.phase=Bound" in edge.daemon.client("gates", "volume").stdout
    server.put({**claim, "status": {"phase": "Lost"}})
    edge.daemon.expect_gate("volume", "lost")
    expect_message(edge, "volume", "status.phase is Lost")


def test_forgotten_namespace(edge):
    """What anybody may create in a namespace of his own opens no gate of an object without one."""
    server = edge.server
    server.register("cert-manager.io/v1", "certificates", "Certificate")
    server.put(certificate())
    edge.up()
    edge.start(gates={"api": API, "tls": TLS.replace("Namespace=shop\n", "")})
    edge.expect_ready()
    expect_message(edge, "tls", "only in the namespace shop")
    assert "Set Namespace=" in blocker(edge, "tls")["hint"]
    assert edge.daemon.gate("tls")["state"] == "waiting"
    edge.daemon.write_gate("tls", TLS)
    edge.daemon.reload()
    edge.daemon.expect_gate("tls", "ready")
