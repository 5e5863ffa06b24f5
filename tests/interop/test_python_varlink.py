# SPDX-License-Identifier: Apache-2.0
"""python3-varlink, which reads the interface from the daemon itself and checks each reply against it."""

import pytest

from harness import examples

DNS = "dns-default-28m2q"


@pytest.fixture
def client(python_varlink, daemon):
    with python_varlink.Client.new_with_address(f"unix:{daemon.socket}") as made:
        yield made


@pytest.fixture
def readiness(client):
    with client.open("io.msready.Readiness") as connection:
        yield connection


def test_interfaces(client, daemon):
    assert set(client.get_interfaces()) == {"org.varlink.service", "io.msready.Readiness", "io.systemd.service"}


def test_idl(python_varlink):
    """Its scanner takes the texts."""
    from harness import process

    for path in (process.REPOSITORY / "lib/varlink").glob("*.varlink"):
        assert python_varlink.Interface(path.read_text()).name == path.stem


def test_every_method(readiness, daemon):
    described = readiness.Describe(None)
    assert described["verdict"]["state"] == "ready"
    assert {gate["name"] for gate in described["gates"]} >= {"api", "node", "dns"}
    # A list, null and nothing at all.
    assert [gate["name"] for gate in readiness.Describe(["dns"])["gates"]] == ["dns"]
    assert readiness.Describe()["gates"]
    assert readiness.Wait(["dns"], "ready", 0)["gates"][0]["state"] == "ready"
    assert DNS in {o["object"]["name"] for o in readiness.ListObjects("dns")["objects"]}
    assert "dns" in {d["name"] for d in readiness.ListGates()["definitions"]}
    timeline = readiness.GetTimeline()
    assert timeline["transitions"] and timeline["boots"] is not None


def test_io_systemd_service(client, daemon):
    with client.open("io.systemd.service") as connection:
        assert not connection.Ping()
        connection.SetLogLevel(7)
        connection.Reload()
    assert daemon.verdict() == "ready"


def test_errors(python_varlink, readiness, daemon):
    with pytest.raises(python_varlink.VarlinkError) as caught:
        readiness.Describe(["nowhere"])
    assert caught.value.error() == "io.msready.Readiness.NoSuchGate"
    assert caught.value.parameters() == {"gate": "nowhere"}
    with pytest.raises(python_varlink.VarlinkError) as caught:
        readiness.Wait(None, "lost", 100_000)
    assert caught.value.error() == "io.msready.Readiness.TimedOut"
    assert caught.value.parameters()["verdict"]["state"] == "ready"
    # The connection serves on.
    assert readiness.Describe()["verdict"]["state"] == "ready"


def test_monitor(client, edge, daemon):
    with client.open("io.msready.Readiness", namespaced=True) as connection:
        stream = connection.Monitor(["dns"], _more=True)
        first = next(stream)
        assert first.verdict.state == "ready" and first.gates[0].name == "dns"
        edge.kubelet.pod_waiting(DNS, "ImagePullBackOff", "no such image")
        for told in stream:
            if hasattr(told, "verdict") and told.verdict.state == "lost":
                break
        edge.kubelet.pod_up(DNS)
        for told in stream:
            if told.gates and told.gates[0].state == "ready":
                break
        assert not told.gates[0].blockers


@pytest.mark.parametrize("example", examples.of_kind("python"), ids=repr)
def test_example_of_the_manual(python_varlink, daemon, example, capsys):
    exec(example.text.replace("/run/msready/io.msready.Readiness", str(daemon.socket)), {})
    assert capsys.readouterr().out == "ready\n"
