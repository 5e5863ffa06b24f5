# SPDX-License-Identifier: Apache-2.0
"""varlinkctl of Debian 13 and of the newest Debian, against the real daemon."""

import json
import re

import pytest

from harness import process

IDLS = sorted((process.REPOSITORY / "lib/varlink").glob("*.varlink"))
INTERFACES = {"org.varlink.service", "io.systemd.service", "io.msready.Readiness"}
READINESS = "io.msready.Readiness."
DNS = "dns-default-28m2q"
# Newer releases have words for the errors that all services have.
IN_OTHER_WORDS = {
    "org.varlink.service.InvalidParameter": "Invalid argument",
    "org.varlink.service.ExpectedMore": "called without 'more' flag",
    "org.varlink.service.MethodNotFound": "No such device or address",
    "org.varlink.service.InterfaceNotFound": "Cannot assign requested address",
}


def call(peer, method, parameters=None, *options, address=None, **how):
    method = method if "." in method else READINESS + method
    words = [] if parameters is None else [json.dumps(parameters)]
    return peer.run("varlinkctl", "-j", *options, "call", address or peer.socket, method, *words, **how)


def reply(*words, **how):
    return json.loads(call(*words, **how).stdout)


def timeless(described):
    """A description without the members that change all the time."""
    described["verdict"].pop("nowBoottimeUSec")
    return described


def replies(text):
    """What --more prints: a JSON text a line, after a record separator."""
    return [json.loads(line.lstrip("\x1e")) for line in text.splitlines() if line.strip("\x1e ")]


def test_versions(peer):
    version = int(re.match(r"systemd (\d+)", peer.run("varlinkctl", "--version").stdout)[1])
    assert version >= peer.version


def test_info(peer, daemon):
    info = json.loads(peer.run("varlinkctl", "-j", "info", peer.socket).stdout)
    assert set(info) == {"vendor", "product", "version", "url", "interfaces"}
    assert set(info["interfaces"]) == INTERFACES
    assert (info["vendor"], info["product"]) == ("msready", "msreadyd")
    text = peer.run("varlinkctl", "info", peer.socket).stdout
    assert all(name in text for name in INTERFACES)
    listed = peer.run("varlinkctl", "list-interfaces", peer.socket).stdout
    assert INTERFACES <= set(listed.split())


def test_methods(peer, daemon):
    listed = set(peer.run("varlinkctl", "list-methods", peer.socket).stdout.split())
    for idl in IDLS:
        text = idl.read_text()
        interface = re.search(r"^interface (\S+)", text, re.M)[1]
        declared = {f"{interface}.{name}" for name in re.findall(r"^method (\w+)", text, re.M)}
        assert declared and declared <= listed


@pytest.mark.parametrize("idl", IDLS, ids=lambda path: path.stem)
def test_idl(peer, daemon, idl):
    """Valid to its parser as a file, and as the daemon serves it."""
    done = peer.run("varlinkctl", "validate-idl", input=idl.read_text())
    assert not re.search("warn|invalid|error:", done.stderr, re.I), done.stderr
    served = peer.run("varlinkctl", "introspect", peer.socket, idl.stem).stdout
    for member in re.findall(r"^(?:type|method|error) \w+", idl.read_text(), re.M):
        assert re.search(rf"^{member}\b", served, re.M), f"{member} is not in:\n{served}"
    # What it prints can be read again.
    peer.run("varlinkctl", "validate-idl", input=served)


def test_describe(peer, daemon):
    expected = timeless(daemon.describe())
    assert timeless(reply(peer, "Describe", {})) == expected
    assert timeless(reply(peer, "Describe")) == expected
    assert timeless(reply(peer, "Describe", {"gates": None})) == expected
    one = reply(peer, "Describe", {"gates": ["dns"]})
    assert [gate["name"] for gate in one["gates"]] == ["dns"]


def test_every_other_method(peer, daemon):
    objects = reply(peer, "ListObjects", {"gate": "dns"})["objects"]
    assert {o["object"]["name"] for o in objects} >= {DNS}
    assert len(reply(peer, "ListGates", {})["definitions"]) >= 10
    timeline = reply(peer, "GetTimeline", {})
    assert timeline["transitions"] and "boots" in timeline
    assert call(peer, "io.systemd.service.Ping", {}).stdout.strip() in ("", "{}", "null")
    # The caller is root.
    call(peer, "io.systemd.service.SetLogLevel", {"level": 6})
    call(peer, "io.systemd.service.Reload", {})
    call(peer, "io.systemd.service.SetLogLevel", {"level": 7})
    assert daemon.verdict() == "ready"


def test_refused_reload(peer, daemon):
    daemon.write_config({"Readiness": {"HoldSec": "soon"}})
    failed = call(peer, "io.systemd.service.Reload", {}, status=1)
    assert READINESS + "ReloadFailed" in failed.stderr
    daemon.write_config()
    call(peer, "io.systemd.service.Reload", {})
    assert daemon.verdict() == "ready"


def test_wait(peer, daemon):
    done = reply(peer, "Wait", {})
    assert done["verdict"]["state"] == "ready"
    failed = call(peer, "Wait", {"state": "lost", "timeoutUSec": 300_000}, status=1)
    assert READINESS + "TimedOut" in failed.stderr
    graceful = reply(peer, "Wait", {"state": "lost", "timeoutUSec": 0}, f"--graceful={READINESS}TimedOut")
    assert graceful["verdict"]["state"] == "ready"


@pytest.mark.parametrize(
    "method, parameters, error",
    [
        ("Describe", {"gates": ["nowhere"]}, READINESS + "NoSuchGate"),
        ("Wait", {"gates": ["nowhere"]}, READINESS + "NoSuchGate"),
        ("GetTimeline", {"bootId": "0" * 32}, READINESS + "NoSuchBoot"),
        ("Describe", {"colour": 1}, "org.varlink.service.InvalidParameter"),
        ("Describe", {"gates": "dns"}, "org.varlink.service.InvalidParameter"),
        ("Monitor", {}, "org.varlink.service.ExpectedMore"),
        ("Nothing", {}, "org.varlink.service.MethodNotFound"),
        ("io.nowhere.Nothing", {}, "org.varlink.service.InterfaceNotFound"),
    ],
)
def test_errors(peer, daemon, method, parameters, error):
    done = call(peer, method, parameters, status=1)
    assert error in done.stderr or IN_OTHER_WORDS.get(error, error) in done.stderr
    # It can be told from others, by name.
    call(peer, method, parameters, f"--graceful={error}")


def test_monitor(peer, edge, daemon):
    """--more: the whole state, then each change as it comes."""
    child = peer.start("varlinkctl", "-j", "--more", "--timeout=60", "call", peer.socket, READINESS + "Monitor",
                       '{"gates":["dns"]}')
    seen = replies(child.stdout.readline())
    assert seen[0]["verdict"]["state"] == "ready" and seen[0]["gates"][0]["state"] == "ready"
    edge.kubelet.pod_waiting(DNS, "ImagePullBackOff", "no such image")
    while not any(g["state"] == "lost" for told in seen for g in told["gates"]):
        line = child.stdout.readline()
        assert line, child.stderr.read()
        seen += replies(line)
    blocker = seen[-1]["gates"][0]["blockers"][0]
    assert blocker["reason"] == "ImagePullBackOff"
    process.end(child)
    child.stdout.close()
    child.stderr.close()


def test_monitor_ends_with_its_time(peer, daemon):
    # Also on a busy machine the first reply comes within this time.
    done = call(peer, "Monitor", {}, "--more", "--timeout=3", status=1)
    assert replies(done.stdout)[0]["verdict"]["state"] == "ready"
    assert re.search("TimedOut|timed out", done.stderr)


def test_collect(peer, daemon):
    collected = reply(peer, "Describe", {}, "--collect")
    assert [timeless(one) for one in collected] == [timeless(daemon.describe())]
    told, = replies(call(peer, "Describe", {}, "--more").stdout)
    assert told["verdict"]["state"] == "ready"


def test_oneway(peer, daemon):
    done = call(peer, "io.systemd.service.SetLogLevel", {"level": 7}, "--oneway")
    assert done.stdout == ""


def test_quiet(peer, daemon):
    assert call(peer, "Describe", {}, "--quiet").stdout == ""


@pytest.fixture(scope="module")
def sshd(booted):
    """An sshd of the host's on a port of the loopback network, which `ssh edge` reaches."""
    host, port = booted.host, process.free_port()
    host.run("mkdir", "-p", "/run/sshd", "/root/.ssh")
    host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/key")
    host.run("cp", "/root/.ssh/key.pub", "/root/.ssh/authorized_keys")
    host.run("ssh-keygen", "-A")
    host.write("/root/.ssh/config", f"Host edge\n HostName 127.0.0.1\n Port {port}\n IdentityFile /root/.ssh/key\n"
               " StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n BatchMode yes\n", 0o600)
    child = host.spawn("/usr/sbin/sshd", "-D", "-e", "-o", "ListenAddress=127.0.0.1", "-o", f"Port={port}",
                       "-o", "PermitRootLogin=prohibit-password")
    process.eventually(lambda: host.run("ssh", "edge", "true", check=False).returncode == 0, 20, 0.1, "sshd")
    yield child
    process.end(child)


def test_ssh_unix(booted, sshd, daemon):
    """As a fleet is asked: sshd reaches the socket by itself."""
    address = f"ssh-unix:edge:{booted.socket}"
    info = json.loads(booted.run("varlinkctl", "-j", "info", address).stdout)
    assert info["product"] == "msreadyd"
    assert timeless(reply(booted, "Describe", {}, address=address)) == timeless(daemon.describe())
    failed = call(booted, "Describe", {"gates": ["nowhere"]}, address=address, status=1)
    assert READINESS + "NoSuchGate" in failed.stderr
    served = booted.run("varlinkctl", "introspect", address, "io.msready.Readiness").stdout
    assert "method Describe" in served


def test_ssh_unix_monitor(booted, sshd, edge, daemon):
    address = f"ssh-unix:edge:{booted.socket}"
    child = booted.start("varlinkctl", "-j", "--more", "--timeout=60", "call", address, READINESS + "Monitor", "{}")
    assert replies(child.stdout.readline())[0]["verdict"]["state"] == "ready"
    edge.kubelet.pod_waiting(DNS, "ImagePullBackOff", "no such image")
    while "ImagePullBackOff" not in (line := child.stdout.readline()):
        assert line, child.stderr.read()
    process.end(child)
    child.stdout.close()
    child.stderr.close()
