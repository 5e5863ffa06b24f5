# SPDX-License-Identifier: Apache-2.0
"""Ports, addresses, names, certificates, and the file that names them."""

import pathlib
import shutil
import time

import pytest

from harness import process
from harness.daemon import Daemon
from harness.fake_apiserver import FakeApiServer


def message(edge, gate="api"):
    blockers = edge.daemon.gate(gate)["blockers"]
    return blockers[0].get("message", "") if blockers else ""


def test_port_opens_late(edge):
    """The daemon reconnects when the port opens, not at the end of a long back-off."""
    server = edge.server
    edge.up()
    server.close_port()
    edge.start()
    edge.expect_reason("ApiUnreachable", "api")

    def open_late():
        server.stop_serving()
        time.sleep(4)
        mark, opened = server.mark(), time.monotonic()
        server.resume_serving()
        return server.expect("readyz", since=mark)[0].time - opened

    process.quickest(open_late, 0.6)
    edge.expect_ready()


def test_server_goes_and_comes(ready_edge):
    """The API out of reach is no evidence: open gates live on their grace, and come back at once."""
    server, daemon = ready_edge.server, ready_edge.daemon
    told = daemon.notify.mark()
    before = daemon.describe()["verdict"]["nowBoottimeUSec"]
    server.stop_serving()

    def told_of():
        return [b for g in daemon.describe()["gates"] for b in g["blockers"] if b["reason"] == "ApiUnreachable"]

    # One stream after the other finds the server gone.
    process.eventually(lambda: {"Node", "Pod"} <= {b["object"]["kind"] for b in told_of()}, 10, 0.02, "all streams")
    assert daemon.verdict() == "ready"
    # Since then, and not since the objects changed last.
    blockers = told_of()
    assert min(b["sinceBoottimeUSec"] for b in blockers) > before
    time.sleep(1)
    server.resume_serving()
    ready_edge.expect_settled()
    process.eventually(lambda: ready_edge.kubelet.renew_lease() and not ready_edge.reasons("dns"), 10, 0.1)
    assert daemon.verdict() == "ready"
    server.stop_serving()
    daemon.expect_verdict("unknown", 20)
    server.resume_serving()
    process.eventually(lambda: ready_edge.kubelet.renew_lease() and daemon.verdict() == "ready", 15, 0.3)
    assert not daemon.notified("READY=1", told)


def test_dead_container_while_the_api_is_away(ready_edge):
    server, daemon = ready_edge.server, ready_edge.daemon
    server.stop_serving()
    ready_edge.expect_reason("ApiUnreachable")
    ready_edge.kubelet.cgroups.all_die()
    daemon.expect_gate("dns", "lost")
    daemon.expect_verdict("lost")


@pytest.mark.parametrize(
    "which, reason, words",
    [
        ("early", "Clock", "valid"),
        ("expired", "Clock", "expired"),
        ("other-ca", "ApiUnreachable", "certificate"),
        ("other-name", "ApiUnreachable", "localhost"),
    ],
)
def test_certificates(edge, which, reason, words):
    server = edge.server
    edge.up()
    server.use_certificate(which)
    edge.start()
    edge.expect_reason(reason, "api")
    process.eventually(lambda: words in message(edge), 10, 0.05, f"{words} in {message(edge)!r}")
    hint = edge.daemon.gate("api")["blockers"][0]["hint"]
    assert ("clock" in hint) == (reason == "Clock")
    assert not edge.daemon.is_ready
    server.use_certificate("good")
    edge.expect_ready()


def test_certificate_goes_bad_while_open(ready_edge):
    server = ready_edge.server
    server.use_certificate("expired")
    server.drop_connections("eof")
    ready_edge.expect_reason("Clock")
    ready_edge.daemon.expect_verdict("unknown", 20)


def test_certificate_of_ours_is_refused(built, tmp_path):
    with FakeApiServer(require_certificate=True) as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig", certificate=False)
        with Daemon(kubeconfig=kubeconfig, boot_id="0" * 32) as daemon:
            process.eventually(lambda: daemon.gate("api")["blockers"][0]["reason"] == "Unauthorized", 10, 0.05)


def test_ipv6_only(built, tmp_path):
    """`localhost` is 127.0.0.1 first, then ::1; the name is verified on both."""
    with FakeApiServer(address="::1") as server:
        with Daemon(kubeconfig=server.kubeconfig, boot_id="0" * 32) as daemon:
            daemon.expect_gate("api", "ready")


def test_ipv4_first(built, tmp_path):
    port = process.free_port()
    with FakeApiServer(port=port) as four, FakeApiServer(address="::1", port=port) as six:
        with Daemon(kubeconfig=four.kubeconfig, boot_id="0" * 32) as daemon:
            daemon.expect_gate("api", "ready")
            assert four.asked("readyz") and not six.requests and not six.handshake_errors


def test_name_that_nobody_knows(edge):
    server = edge.server
    kubeconfig = server.write_kubeconfig(server.folder / "other", server=f"https://edge.invalid:{server.port}")
    edge.start(kubeconfig=kubeconfig)
    edge.expect_reason("ApiUnreachable", "api", 15)
    process.eventually(lambda: "resolve" in edge.daemon.gate("api")["blockers"][0]["hint"], 10, 0.1, message(edge))
    # Once the file is corrected, the daemon tries it at once.
    edge.up()
    server.write_kubeconfig(kubeconfig)
    edge.expect_ready()


def test_kubeconfig_comes_late_and_in_pieces(edge):
    """MicroShift makes the folder, truncates the file and writes it."""
    server = edge.server
    edge.up()
    text = pathlib.Path(server.kubeconfig).read_text()
    path = server.folder / "resources/kubeadmin/kubeconfig"
    edge.start(kubeconfig=path)

    def come_late():
        if path.exists():
            edge.daemon.stop()
            shutil.rmtree(path.parent)
            edge.daemon.start()
        edge.expect_reason("KubeconfigMissing", "api")
        mark = server.mark()
        time.sleep(0.5)
        path.parent.mkdir(parents=True)
        path.write_text("")
        time.sleep(0.3)
        with open(path, "w") as file:
            for at in range(0, len(text), 1000):
                file.write(text[at : at + 1000])
                file.flush()
                time.sleep(0.02)
        written = time.monotonic()
        return server.expect("readyz", since=mark)[0].time - written

    process.quickest(come_late, 1)
    edge.expect_ready()


def test_hung_from_the_start(edge):
    server = edge.server
    edge.up()
    server.freeze()
    edge.start()
    edge.expect_reason("ApiUnreachable", "api", 15)
    server.thaw()
    edge.expect_ready(15)
