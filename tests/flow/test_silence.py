# SPDX-License-Identifier: Apache-2.0
"""Servers that hang and networks that swallow packets: nothing reports it, and the daemon finds out all the same. And
the daemon itself hangs."""

import re
import signal
import socket
import time

import pytest

from harness import guide, process
from harness.fake_apiserver import FakeApiServer
from harness.network import Network


def test_hung_server(ready_edge):
    """SIGSTOP: the kernel acknowledges, the server does not answer. Found within 100 s, over when it goes on."""
    server, daemon = ready_edge.server, ready_edge.daemon
    started = time.monotonic()
    server.freeze()
    ready_edge.expect_reason("ApiUnreachable", timeout=110)
    assert time.monotonic() - started < 105
    assert daemon.verdict() == "ready"
    server.thaw()
    ready_edge.expect_settled()
    process.eventually(lambda: ready_edge.kubelet.renew_lease() and not ready_edge.reasons("dns"), 15, 0.3)
    assert daemon.verdict() == "ready"


def test_half_open(make_edge):
    """A network that swallows packets: no byte, no reset. The kernel is told to find that out within 30 s."""
    reason = Network.check()
    if reason:
        pytest.skip(reason)
    with Network() as network, FakeApiServer(names=("localhost", network.server_address)) as server:
        at = (network.server_address, server.port)
        server.listen_also(network.at_server(lambda: socket.create_server(at)))
        edge = make_edge(server)
        edge.up()
        kubeconfig = server.write_kubeconfig(server.folder / "remote", server="https://%s:%d" % at)
        edge.start(kubeconfig=kubeconfig, wrapper=["ip", "netns", "exec", network.client])
        edge.expect_ready()
        edge.expect_settled()
        network.swallow()
        swallowed = time.monotonic()
        edge.expect_reason("ApiUnreachable", timeout=50)
        assert time.monotonic() - swallowed < 45
        network.heal()
        edge.expect_settled(20)
        process.eventually(lambda: edge.kubelet.renew_lease() and edge.daemon.verdict() == "ready", 30, 0.3)


def told_lost(daemon):
    return re.search(r"(Gate \w+|The cluster) changed from \w+ to lost", daemon.log())


def paused_unready(edge):
    """The daemon, stopped right after a pod was not Ready."""
    edge.up()
    daemon = edge.start(config={"Readiness": {"HoldSec": "3s"}})
    edge.expect_ready()
    edge.expect_settled()
    edge.kubelet.pod_ready("dns-default", False)
    process.eventually(lambda: edge.reasons("dns"), 5, 0.01, "a blocker")
    daemon.pause()
    return daemon


@pytest.mark.parametrize("end", [None, signal.SIGTERM, signal.SIGKILL])
def test_stalled_daemon(edge, end):
    """The daemon is stopped, for longer than HoldSec=, right after a pod was not Ready. When it goes on, or is
    restarted at once, the pod's Ready waits in its sockets: what it did not see was not FALSE."""
    daemon = paused_unready(edge)
    edge.kubelet.pod_ready("dns-default")
    time.sleep(6)
    if end:
        daemon.process.send_signal(end)
    daemon.resume()
    if end:
        daemon.process.wait(10)
        edge.kubelet.start_heartbeat(0.5)
        daemon.start()
    process.eventually(lambda: daemon.verdict() == "ready" and not edge.reasons("dns"), 15, 0.05)
    edge.expect_steady(4)
    assert not told_lost(daemon), told_lost(daemon).group()


def test_stalled_daemon_loses_what_is_lost(edge):
    """What is FALSE after the stall as well is lost when the hold is over, and not before the news was read."""
    daemon = paused_unready(edge)
    time.sleep(6)
    daemon.resume()
    resumed = time.monotonic()
    daemon.expect_gate("dns", "lost", 10)
    assert 0.9 < time.monotonic() - resumed < 6
    assert told_lost(daemon)


def test_stalled_while_it_resumes(edge):
    """A stream counts as in sync when a second has passed without news, but not where that waits in its socket."""
    server, kubelet = edge.server, edge.kubelet
    edge.up()
    daemon = edge.start(gates={"dns": "[Gate]\nRequired=yes\n[Pods]\nNamespace=openshift-dns\nName=dns-default-*\n"})
    edge.expect_reason("KubeletSilent", "dns")
    server.expect_streams("leases", 1)
    process.eventually(lambda: "NotSynced" not in edge.reasons(), 5, 0.02)

    def ours():
        return [s for s in server.open_streams("pods") if guide.NODE in s.request.target and s not in known]

    known = ()
    known = ours()
    server.cue("watch", "pods", times=1, lines=[], match=lambda r: guide.NODE in r.target)
    server.end_streams("reset", "pods")
    process.eventually(ours, 5, 0.005, "a stream that is resumed")
    kubelet.renew_lease()
    process.eventually(lambda: "KubeletSilent" not in edge.reasons(), 5, 0.02)
    daemon.pause()
    kubelet.pod_ready("dns-default", False)
    ours()[0].event("MODIFIED", kubelet.find("dns-default"))
    time.sleep(2)
    daemon.resume()
    edge.expect_reason("ContainersNotReady", "dns")
    assert not daemon.is_ready


def test_stalled_while_it_waits_for_an_answer(edge):
    """The answer of an application has come in the time in which the daemon was stopped: it is no time-out."""
    with socket.create_server(("127.0.0.1", 0)) as application:
        application.settimeout(10)

        def answer(meanwhile=lambda: None):
            peer, _ = application.accept()
            with peer:
                peer.recv(4096)
                meanwhile()
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        url = "http://127.0.0.1:%d/" % application.getsockname()[1]
        gate = f"[Gate]\nRequired=yes\nHoldSec=0\n[Endpoint]\nURL={url}\nIntervalSec=1s\n"
        daemon = edge.start(gates={"shop": gate})
        answer()
        daemon.expect_gate("shop", "ready")
        answer(daemon.pause)
        time.sleep(12)
        daemon.resume()
        answer()
        time.sleep(0.5)
        assert not told_lost(daemon), told_lost(daemon).group()
