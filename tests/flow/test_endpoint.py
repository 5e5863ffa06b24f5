# SPDX-License-Identifier: Apache-2.0
"""[Endpoint]: an application's address, as its users would reach it."""

import time

import pytest

from harness import fake_pki, process
from harness.endpoints import Application, NameServer, SilentApplication
from harness.network import Network


@pytest.fixture
def run(run_without_cluster):
    """run(app=URL or the lines of an [Endpoint], ...) starts msreadyd with such gates, required, and no cluster."""
    def start(gate="", options=None, **endpoints):
        gates = {name: text(line, gate) for name, line in endpoints.items()}
        return run_without_cluster(gates, **(options or {}))

    return start


def text(endpoint, gate=""):
    lines = endpoint if endpoint.startswith("URL=") else f"URL={endpoint}"
    return f"[Gate]\nRequired=yes\n{gate}\n[Endpoint]\n{lines}\n"


def gate_of(daemon, name="app"):
    return daemon.describe([name])["gates"][0]


def expect_state(daemon, state, name="app", timeout=10):
    return process.eventually(
        lambda: (g := gate_of(daemon, name))["state"] == state and g, timeout, 0.02, f"{name} {state}\n{daemon.log()}"
    )


def expect_shut(daemon, reason, name="app", timeout=10):
    """The gate, as it is told when its first blocker has this reason."""

    def looks():
        gate = gate_of(daemon, name)
        return gate["blockers"] and gate["blockers"][0]["reason"] == reason and gate

    return process.eventually(looks, timeout, 0.02, f"{reason} at {name}\n{daemon.log()}")


def expect_reason(daemon, reason, name="app", timeout=10):
    return expect_shut(daemon, reason, name, timeout)["blockers"][0]


def test_an_application_comes_fails_and_comes_back(run, closing):
    port = process.free_port()
    daemon = run(app=f"URL=http://localhost:{port}/app\nIntervalSec=1", gate="HoldSec=4")
    blocker = expect_reason(daemon, "ConnectionRefused")
    assert blocker["object"] == {"kind": "Endpoint", "name": f"http://localhost:{port}/app"}
    assert "ss -ltnp" in blocker["hint"] and "ingress" not in blocker["hint"]
    assert not daemon.is_ready

    application = closing(Application(port=port))
    daemon.expect_notify("READY=1")
    assert application.paths[0] == (f"localhost:{port}", "/app")
    [row] = daemon.call("ListObjects")["objects"]
    assert row["isReady"] and row["proof"] == "observed" and row["status"] == "Ready"

    application.status = 503
    gate = expect_shut(daemon, "UnexpectedStatus")
    assert gate["blockers"][0]["message"] == "it answered 503, expected 200-399"
    assert gate["clock"] == "hold"
    expect_state(daemon, "lost")
    application.status = 204
    expect_state(daemon, "ready")


def test_asked_every_5_seconds_while_shut_and_every_30_while_open(run, closing):
    application = closing(Application())
    application.status = 500
    daemon = run(app=application.url())
    process.eventually(lambda: len(application.asked) >= 2, 25)
    # When it was asked is known as well as a busy machine's threads tell it.
    assert 3.5 < application.asked[1] - application.asked[0] < 20
    application.status = 200
    expect_state(daemon, "ready", timeout=20)
    count = len(application.asked)
    time.sleep(7)
    assert len(application.asked) == count


def test_asked_often_while_another_check_keeps_the_gate_shut(run, closing):
    """What was true half a minute ago opens nothing."""
    good, bad = closing(Application()), closing(Application())
    bad.status = 500
    run(app=f"URL={good.url()}\n[Endpoint other]\nURL={bad.url()}")
    process.eventually(lambda: len(good.asked) >= 2, 20)


def test_nothing_to_do_with_the_api(run, closing):
    """No kubeconfig, no API: the address answers all the same, and what it answers is believed."""
    application = closing(Application())
    daemon = run(app=f"URL={application.url()}\nIntervalSec=1", gate="HoldSec=1\nUnknownSec=1")
    daemon.expect_notify("READY=1")
    time.sleep(2.5)
    assert gate_of(daemon)["state"] == "ready"
    application.status = 500
    expect_state(daemon, "lost")


def test_tls_in_each_way_it_can_be_wrong(run, closing, tmp_path):
    pki = fake_pki.Pki(tmp_path / "pki")
    pki.server("other-ca")
    endpoints = {}
    for which in fake_pki.SERVERS:
        application = closing(Application(pki.server(which)))
        endpoints[which] = f"URL={application.url('localhost', 'https')}\nCAFile={pki.ca}"
    good = closing(Application(pki.server("good")))
    endpoints["plain"] = f"URL=https://127.0.0.1:{closing(Application()).port}/"
    endpoints["system-ca"] = f"URL={good.url('localhost', 'https')}"
    endpoints["no-ca"] = f"URL={good.url('localhost', 'https')}\nCAFile={tmp_path}/none.pem"
    daemon = run(**endpoints)

    expect_state(daemon, "ready", "good")
    for name in ("other-ca", "other-name", "system-ca", "plain"):
        assert expect_reason(daemon, "TLS", name)["message"].startswith("TLS failed: ")
    assert "has expired" in expect_reason(daemon, "TLS", "expired")["message"]
    assert "not valid yet" in expect_reason(daemon, "Clock", "early")["message"]
    blocker = expect_reason(daemon, "CAUnreadable", "no-ca")
    assert blocker["message"] == f"CAFile={tmp_path}/none.pem: No such file or directory"
    assert "CAFile=" in blocker["hint"]


def test_a_new_ca_is_used(run, closing, tmp_path):
    pki = fake_pki.Pki(tmp_path / "pki")
    application = closing(Application(pki.server("good")))
    pki.server("other-ca")
    ca = tmp_path / "ca.pem"
    ca.write_bytes((pki.folder / "other.crt").read_bytes())
    daemon = run(app=f"URL={application.url('localhost', 'https')}\nCAFile={ca}\nIntervalSec=1")
    expect_reason(daemon, "TLS")
    ca.write_bytes(pki.ca.read_bytes())
    expect_state(daemon, "ready")
    ca.unlink()
    expect_reason(daemon, "CAUnreadable")


def test_same_address_other_expectations(run, closing):
    application = closing(Application())
    application.status = 401
    url = f"URL={application.url()}\n"
    daemon = run(usual=url, login=url + "ExpectStatus=200-299 401")
    expect_state(daemon, "ready", "login")
    assert expect_reason(daemon, "UnexpectedStatus", "usual")["message"] == "it answered 401, expected 200-399"


def test_silence(run, closing):
    daemon = run(app=closing(SilentApplication()).url())
    blocker = expect_reason(daemon, "TimedOut", timeout=30)
    assert blocker["message"] == "timed out: no answer within 10 s"


def test_reload(run, closing):
    """What stays is not asked again, what goes is not asked any more, what comes is asked at once."""
    kept, gone, new = (closing(Application()) for _ in range(3))
    daemon = run(kept=kept.url(), gone=f"URL={gone.url()}\nIntervalSec=1")
    daemon.expect_notify("READY=1")
    with daemon.varlink() as subscriber:
        told = subscriber.more("io.msready.Readiness.Monitor")
        assert next(told)["removedGates"] == []
        (daemon.gates_folder / "gone.gate").unlink()
        daemon.write_gate("new", text(new.url()))
        daemon.reload()
        assert any(reply["removedGates"] == ["gone"] for reply in told)
    expect_state(daemon, "ready", "new", 4)
    assert gate_of(daemon, "kept")["state"] == "ready"
    # A question may have been on its way.
    time.sleep(0.5)
    count = len(gone.asked)
    time.sleep(2)
    assert len(gone.asked) == count
    assert len(kept.asked) == 1


def test_names(run, closing, names):
    application = closing(Application())
    names.names.add("app.apps.example.test")
    daemon = run(
        app=application.url("app.apps.example.test"),
        unknown="http://nobody.apps.example.test/",
        options={"wrapper": names.wrapper()},
    )
    expect_state(daemon, "ready")
    blocker = expect_reason(daemon, "NameNotFound", "unknown")
    assert "nobody.apps.example.test" in blocker["message"] and "wildcard DNS" in blocker["hint"]


def test_name_server_on_a_link(run, closing, tmp_path):
    """Its address has a meaning on one link only, which comes after the daemon."""
    reason = Network.check()
    if reason:
        pytest.skip(reason)
    with Network() as network:
        network.on_the_link("fe80::7", "fe80::53")
        names = closing(network.at_server(lambda: NameServer(tmp_path, "fe80::53%eth0")))
        names.names.add("app.example.test")
        names.file.write_text("nameserver fe80::53%uplink\n")
        application = closing(network.at_client(Application))
        daemon = run(
            app=f"URL={application.url('app.example.test')}\nIntervalSec=1",
            options={"wrapper": ["ip", "netns", "exec", network.client, *names.wrapper()]},
        )
        expect_reason(daemon, "NameServerSilent")
        network.rename_link("uplink", "fe80::7")
        expect_state(daemon, "ready")
        assert {name for _, name in names.asked} == {"app.example.test"}


def test_a_silent_name_server_blocks_nothing(run, closing, names):
    names.silent = True
    application = closing(Application())
    daemon = run(
        silent="http://app.apps.example.test/",
        app=f"URL={application.url()}\nIntervalSec=1",
        options={"wrapper": names.wrapper()},
    )
    # A client of a silent name server waits for at least five seconds.
    expect_state(daemon, "ready", timeout=4)
    slowest, deadline = 0.0, time.monotonic() + 30
    while time.monotonic() < deadline:
        begun = time.monotonic()
        gate = gate_of(daemon, "silent")
        slowest = max(slowest, time.monotonic() - begun)
        if gate["blockers"][0]["reason"] == "NameServerSilent":
            break
        time.sleep(0.01)
    assert gate["blockers"][0]["reason"] == "NameServerSilent"
    assert slowest < 3
    assert len(application.asked) >= 3
    assert "/etc/resolv.conf" in gate["blockers"][0]["hint"]

    names.silent = False
    names.names.add("app.apps.example.test")
    assert expect_reason(daemon, "ConnectionRefused", "silent", 15)

    # A stop while a question is on its way does not wait for the answer.
    names.silent = True
    asked = len(names.asked)
    process.eventually(lambda: len(names.asked) > asked, 10)
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 3
