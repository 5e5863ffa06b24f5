# SPDX-License-Identifier: Apache-2.0
"""[Socket]: a service that does not speak HTTP accepts connections."""

import os
import socket
import time

import pytest

from harness import process
from harness.endpoints import FullListener, Listener


@pytest.fixture
def run(run_without_cluster):
    """run(broker=Connect=, ...) starts msreadyd with such gates, required, and no cluster."""
    def start(gate="HoldSec=1", options=None, **sockets):
        gates = {name: f"[Gate]\nRequired=yes\n{gate}\n[Socket]\nConnect={connect}\nIntervalSec=1\n"
                 for name, connect in sockets.items()}
        return run_without_cluster(gates, **(options or {}))

    return start


def gate_of(daemon, name="broker"):
    return daemon.describe([name])["gates"][0]


def expect_state(daemon, state, name="broker", timeout=10):
    process.eventually(lambda: gate_of(daemon, name)["state"] == state, timeout, 0.02,
                       f"{name} {state}\n{daemon.log()}")


def expect_blocker(daemon, reason, name="broker", timeout=10):
    def looks():
        blockers = gate_of(daemon, name)["blockers"]
        return blockers and blockers[0]["reason"] == reason and blockers[0]

    return process.eventually(looks, timeout, 0.02, f"{reason} at {name}\n{daemon.log()}")


def test_a_broker_comes_dies_and_comes_back(run):
    port = process.free_port()
    daemon = run(broker=f"localhost:{port}")
    blocker = expect_blocker(daemon, "ConnectionRefused")
    assert blocker["object"] == {"kind": "Socket", "name": f"localhost:{port}"}
    assert blocker["message"] == "connection refused"
    assert "ss -ltnp" in blocker["hint"]
    assert not daemon.is_ready

    with Listener(("127.0.0.1", port)) as listener:
        daemon.expect_notify("READY=1")
        [row] = daemon.call("ListObjects")["objects"]
        assert row["object"]["kind"] == "Socket" and row["isReady"]
        assert (row["proof"], row["status"]) == ("observed", "Ready")
        process.eventually(lambda: len(listener.ended) >= 2, 10)
        assert set(listener.ended) == {b""}, "the daemon says nothing to the service"
    expect_state(daemon, "lost")
    with Listener(("127.0.0.1", port)):
        expect_state(daemon, "ready")


def test_a_path(run, tmp_path):
    """A socket that does not exist yet; one whose service is gone; and a new one in its place."""
    path = tmp_path / "mqtt.sock"
    daemon = run(broker=path)
    blocker = expect_blocker(daemon, "NotFound")
    assert blocker["object"] == {"kind": "Socket", "name": str(path)}
    assert "Connect=" in blocker["hint"]
    with Listener(str(path)):
        expect_state(daemon, "ready")
    expect_blocker(daemon, "ConnectionRefused")
    expect_state(daemon, "lost")
    path.unlink()
    expect_blocker(daemon, "NotFound")
    with Listener(str(path)):
        expect_state(daemon, "ready")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_addresses_of_both_families(run):
    """The service listens on one of the addresses that its name has."""
    with Listener(("::1", 0)) as listener:
        daemon = run(broker=f"localhost:{listener.port}", literal=f"[::1]:{listener.port}",
                     other=f"127.0.0.1:{listener.port}")
        expect_state(daemon, "ready")
        expect_state(daemon, "ready", "literal")
        expect_blocker(daemon, "ConnectionRefused", "other")


def test_a_service_does_not_accept(run, tmp_path):
    """A full queue of a unix socket, and of a port, is a service that does not answer."""
    with FullListener(str(tmp_path / "full")) , FullListener(("127.0.0.1", 0)) as port:
        daemon = run(path=tmp_path / "full", port=f"127.0.0.1:{port.port}")
        for name in ("path", "port"):
            blocker = expect_blocker(daemon, "TimedOut", name, timeout=30)
            assert blocker["message"] == "timed out: no connection within 10 s"


def test_a_path_that_is_forbidden(run, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("to give the daemon's capabilities away needs root")
    path = tmp_path / "mqtt.sock"
    with Listener(str(path)):
        path.chmod(0)
        os.chown(path, 65534, 65534)
        daemon = run(broker=path, options={"wrapper": ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]})
        blocker = expect_blocker(daemon, "Forbidden")
        assert blocker["message"] == "the daemon is not allowed to connect to it"
        assert "capabilities" in blocker["hint"]


def test_names(run, names):
    with Listener(("127.0.0.1", 0)) as listener:
        names.names.add("broker.example.test")
        names.unheard.add("silent.example.test")
        daemon = run(broker=f"broker.example.test:{listener.port}", unknown="nobody.example.test:1883",
                     silent="silent.example.test:1883", options={"wrapper": names.wrapper()})
        expect_state(daemon, "ready")
        assert "nobody.example.test" in expect_blocker(daemon, "NameNotFound", "unknown")["message"]
        begun = time.monotonic()
        gate_of(daemon)
        assert time.monotonic() - begun < 2, "a silent name server blocks nothing"
        expect_blocker(daemon, "NameServerSilent", "silent", timeout=20)
