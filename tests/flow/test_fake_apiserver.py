# SPDX-License-Identifier: Apache-2.0
"""The scripted API server itself, tested with clients that are not ours."""

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import fake_cues, fakekubelet, guide, process
from harness.fake_apiserver import FakeApiServer

WATCH_LIST = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"


@pytest.fixture
def server():
    with FakeApiServer() as made:
        yield made


def node(name, ready="True"):
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"kind": "Node", "metadata": {"name": name, "labels": {"zone": name[-1]}}, "status": status}


def curl(server, path, *words, certificate=True):
    command = ["curl", "-sS", "-N", "--max-time", "30", "--cacert", str(server.pki.ca)]
    if certificate:
        command += ["--cert", str(server.pki.client[0]), "--key", str(server.pki.client[1])]
    return subprocess.run([*command, *words, server.url + path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Watch:
    """An open watch, line by line."""

    def __init__(self, server, path):
        context = server.admin_context()
        self.connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=30)
        self.connection.request("GET", path)
        self.response = self.connection.getresponse()

    def line(self):
        text = self.response.readline()
        return json.loads(text) if text else None

    def lines(self, count):
        made = [self.line() for _ in range(count)]
        return [(m["type"], m["object"]["metadata"].get("name", "")) for m in made]


@pytest.fixture
def watch(server):
    opened = []

    def make(path):
        opened.append(Watch(server, path))
        return opened[-1]

    yield make
    for made in opened:
        made.connection.close()


# As a server behaves


def test_guide_and_kubelet_on_it(server, tmp_path):
    """The harness' own kubelet and cluster live on it as on a real one."""
    kubelet = fakekubelet.FakeKubelet(server.rest, tmp_path)
    kubelet.adopt(guide.create_all(server.rest))
    kubelet.new_boot_node()
    kubelet.all_up()
    kubelet.renew_lease()
    kubelet.renew_lease()
    pods = server.rest.list("/api/v1/pods")
    assert len(pods) == 13 and all(p["status"]["phase"] == "Running" for p in pods)
    mine = server.rest.list(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{guide.NODE}")
    assert len(mine) == 13
    assert server.rest.list("/api/v1/pods?fieldSelector=spec.nodeName%3D") == []
    assert len(server.rest.list("/apis/apps/v1/daemonsets")) == 4
    server.rest.delete("/api/v1/namespaces/openshift-dns/pods/dns-default-28m2q")
    assert len(server.rest.list("/api/v1/namespaces/openshift-dns/pods")) == 1


def test_kubectl_reads_it(server):
    """A strict third-party parser finds no fault."""
    server.put(node("edge-1"))
    done = curl(server, "/api/v1/nodes")
    assert [i["metadata"]["name"] for i in json.loads(done.stdout)["items"]] == ["edge-1"]
    assert json.loads(curl(server, "/version").stdout)["gitVersion"] == server.version
    assert b"404 page not found" in curl(server, "/apis/argoproj.io/v1alpha1/applications").stdout
    server.register("argoproj.io/v1alpha1", "applications", "Application")
    assert json.loads(curl(server, "/apis/argoproj.io/v1alpha1/applications").stdout)["items"] == []


def test_pages(server):
    for number in range(7):
        server.put(node(f"n-{number}"))
    first = json.loads(curl(server, "/api/v1/nodes?limit=3").stdout)
    assert len(first["items"]) == 3 and first["metadata"]["remainingItemCount"] == 4
    # Changes in between are not visible: all pages are of one version.
    server.delete("nodes", name="n-6")
    token = first["metadata"]["continue"]
    second = json.loads(curl(server, f"/api/v1/nodes?limit=500&continue={token}").stdout)
    assert [i["metadata"]["name"] for i in second["items"]] == ["n-3", "n-4", "n-5", "n-6"]
    assert second["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}
    server.expire_pages()
    assert json.loads(curl(server, f"/api/v1/nodes?limit=3&continue={token}").stdout)["code"] == 410


def test_watch_and_resume(server, watch):
    server.put(node("a-1"))
    version = server.store.version
    first = watch(f"/api/v1/nodes?watch=1&resourceVersion={version}")
    server.put(node("b-2"))
    server.put(node("a-1", "False"))
    server.delete("nodes", name="b-2")
    expected = [("ADDED", "b-2"), ("MODIFIED", "a-1"), ("DELETED", "b-2")]
    assert first.lines(3) == expected
    # The same again for a client that was away; other resources also count up the version.
    server.put({"kind": "Pod", "metadata": {"name": "p", "namespace": "n"}})
    assert watch(f"/api/v1/nodes?watch=1&resourceVersion={version}").lines(3) == expected


def test_selectors(server, watch):
    scheduled = watch("/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dedge")
    pod = {"kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": {}}
    server.put(pod)
    server.put({**pod, "spec": {"nodeName": "edge"}})
    server.put({**pod, "spec": {"nodeName": "edge"}, "status": {"phase": "Running"}})
    server.put({**pod, "spec": {"nodeName": "other"}})
    assert scheduled.lines(3) == [("ADDED", "p"), ("MODIFIED", "p"), ("DELETED", "p")]
    server.put(node("n-1"))
    server.put(node("n-2"))
    found = json.loads(curl(server, "/api/v1/nodes?labelSelector=zone%20in%20(2,3)").stdout)["items"]
    assert [i["metadata"]["name"] for i in found] == ["n-2"]


def test_watch_list(server, watch):
    server.put(node("a"))
    server.put(node("b"))
    stream = watch(f"/api/v1/nodes?{WATCH_LIST}")
    assert stream.lines(2) == [("ADDED", "a"), ("ADDED", "b")]
    mark = stream.line()
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    server.put(node("c"))
    assert stream.lines(1) == [("ADDED", "c")]
    server.bookmark("nodes")
    mark = stream.line()["object"]["metadata"]
    assert mark == {"resourceVersion": str(server.store.version), "creationTimestamp": None}


@pytest.mark.parametrize("mode", ["off", "old", "storage", "ignored"])
def test_servers_without_watch_list(server, watch, mode):
    server.put(node("a"))
    server.watch_list = mode
    stream = watch(f"/api/v1/nodes?{WATCH_LIST}")
    if mode in ("off", "old"):
        assert stream.response.status == 422
        assert ("sendInitialEvents" in stream.line()["message"]) == (mode == "off")
    elif mode == "storage":
        refused = stream.line()
        assert refused["type"] == "ERROR" and refused["object"]["code"] == 500
        assert stream.line() is None
    else:
        assert stream.lines(1) == [("ADDED", "a")]
        server.expect_streams("nodes")[0].raw(b"")
        server.put(node("b"))
        assert stream.lines(1) == [("ADDED", "b")]


def test_unasked_end_mark(server, watch):
    server.unasked_end_marks = True
    mark = watch("/api/v1/nodes?watch=1").line()
    assert "k8s.io/initial-events-end" in mark["object"]["metadata"]["annotations"]


def test_time_limit_and_bookmarks(server, watch):
    server.bookmark_interval = 0.3
    version = server.store.version
    stream = watch(f"/api/v1/nodes?watch=1&allowWatchBookmarks=true&timeoutSeconds=3&resourceVersion={version}")
    kinds = []
    while line := stream.line():
        kinds.append(line["type"])
    assert kinds and set(kinds) == {"BOOKMARK"}


# What can go wrong


def test_gone(server, watch):
    version = server.store.version
    open_one = watch(f"/api/v1/nodes?watch=1&resourceVersion={version}")
    server.expect_streams("nodes")
    server.store.compact()
    assert watch(f"/api/v1/nodes?watch=1&resourceVersion={version}").line()["object"]["reason"] == "Expired"
    assert open_one.line()["object"]["code"] == 410
    server.cue("watch", "nodes", **fake_cues.gone("Gone"))
    refused = watch("/api/v1/nodes?watch=1&resourceVersion=1")
    assert (refused.response.status, refused.line()["reason"]) == (410, "Gone")
    server.cue("watch", "nodes", **fake_cues.gone_event())
    assert watch("/api/v1/nodes?watch=1&resourceVersion=1").line()["object"]["code"] == 410
    later = watch(f"/api/v1/nodes?watch=1&resourceVersion={server.store.version}")
    server.expect_streams("nodes")[-1].error(410, "Gone", "x")
    assert later.line()["object"]["reason"] == "Gone"


def test_too_large_version(server):
    server.store.skip_versions(-500)
    done = json.loads(curl(server, f"/api/v1/nodes?resourceVersion={server.store.version + 100}").stdout)
    assert (done["code"], done["reason"]) == (504, "Timeout")


def answer(server, path="/api/v1/pods"):
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.admin_context(), timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


@pytest.mark.parametrize(
    "what, status, header, text",
    [
        (fake_cues.too_many(7), 429, ("Retry-After", "7"), b"Too many requests"),
        (fake_cues.too_many_status(3), 429, ("Retry-After", "3"), b'"retryAfterSeconds": 3'),
        (fake_cues.unavailable(5), 503, ("Retry-After", "5"), b"shutting down"),
        (fake_cues.unauthorized(), 401, None, b'"Unauthorized"'),
        (fake_cues.forbidden(), 403, None, b"is forbidden"),
        (fake_cues.not_found(), 404, None, b"404 page not found"),
        (fake_cues.html(), 200, ("Content-Type", "text/html"), b"<html>"),
        (fake_cues.redirect(), 302, ("Location", "https://example.com/"), b""),
    ],
)
def test_answers(server, what, status, header, text):
    cue = server.cue("list", "pods", times=2, **what)
    for _ in range(2):
        got = answer(server)
        assert got[0] == status and text in got[2]
        assert not header or got[1][header[0]] == header[1]
    assert answer(server)[0] == 200 and cue.used == 2


def test_gzip_that_nobody_asked_for(server):
    server.cue("list", "pods", gzip=True)
    _, headers, body = answer(server)
    assert headers["Content-Encoding"] == "gzip" and body[:2] == b"\x1f\x8b"


def test_microshift_before_it_is_ready(server):
    server.closed_until_ready, server.ready = True, False
    status, headers, _ = answer(server)
    assert (status, headers["Retry-After"]) == (503, "5")
    assert b"[-]poststarthook/rbac/bootstrap-roles failed" in answer(server, "/readyz")[2]
    # With this header even the probe is refused, and so could never open the API.
    done = curl(server, "/readyz", "-H", "X-OpenShift-Internal-If-Not-Ready: reject", "-w", "%{http_code}")
    assert done.stdout.endswith(b"429")
    server.ready = True
    assert answer(server)[0] == 503
    assert answer(server, "/readyz")[2] == b"ok"
    assert answer(server)[0] == 200


def test_credentials(server):
    assert json.loads(curl(server, "/api/v1/pods", certificate=False).stdout)["code"] == 401
    assert curl(server, "/readyz", certificate=False).stdout == b"ok"
    server.tokens["secret"] = "someone"
    bearer = ("-H", "Authorization: Bearer secret")
    assert json.loads(curl(server, "/api/v1/pods", *bearer, certificate=False).stdout)["kind"] == "PodList"
    server.accept_certificates = False
    assert json.loads(curl(server, "/api/v1/pods").stdout)["code"] == 401
    server.accept_certificates = True
    server.forbidden.add("pods")
    assert json.loads(curl(server, "/api/v1/pods").stdout)["code"] == 403
    assert [r.status for r in server.asked("list", "pods")] == [401, 200, 401, 403]
    assert server.asked("list")[-1].peer == "system:admin"


@pytest.mark.parametrize(
    "which, complaint",
    [
        ("expired", b"certificate has expired"),
        ("early", b"certificate is not yet valid"),
        ("other-ca", b"unable to get local issuer certificate"),
        ("other-name", b"no alternative certificate subject name"),
    ],
)
def test_certificates(server, which, complaint):
    server.use_certificate(which)
    done = curl(server, "/readyz")
    assert done.returncode in (51, 60) and complaint in done.stderr
    server.use_certificate("good")
    assert curl(server, "/readyz").stdout == b"ok"


def test_certificate_of_the_client_is_required():
    with FakeApiServer(require_certificate=True) as server:
        assert curl(server, "/readyz", certificate=False).returncode != 0
        process.eventually(lambda: server.handshake_errors)
        assert curl(server, "/readyz").stdout == b"ok"


def test_ipv6():
    if not socket.has_ipv6 or not socket.create_server(("::1", 0), family=socket.AF_INET6):
        pytest.skip("no IPv6 on loopback")
    with FakeApiServer(address="::1") as server:
        assert curl(server, "/readyz").stdout == b"ok"


# The wire


def raw_bytes(server, path, cut_after=None, how="close"):
    """All that comes over TLS for one request, and how it ended."""
    if cut_after is not None:
        server.cue(None, None, cut_after=cut_after, how=how)
    context = server.admin_context()
    # Off by default, and a careless client would not notice it.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as tls:
            tls.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            data = b""
            try:
                while more := tls.recv(65536):
                    data += more
            except (ConnectionResetError, ssl.SSLError) as error:
                # Python calls a reset an end of file as well, with another reason.
                return data, "eof" if getattr(error, "reason", "") == "UNEXPECTED_EOF_WHILE_READING" else "reset"
            return data, "close"


def test_cut_at_each_byte(server):
    whole, end = raw_bytes(server, "/readyz")
    assert whole.endswith(b"\r\n\r\nok") and end == "close"
    for size in range(0, len(whole) + 1, 7):
        assert raw_bytes(server, "/readyz", size) == (whole[:size], "close")


@pytest.mark.parametrize("how", ["close", "eof", "reset"])
def test_ends(server, how):
    data, end = raw_bytes(server, "/readyz", 20, how)
    # A reset may overtake what was sent before it.
    assert end == how and (how == "reset" or data == b"HTTP/1.1 200 OK\r\nCon")


def test_stall_and_silence(server):
    cue = server.cue("readyz", **fake_cues.silent())
    started = time.monotonic()
    # Long enough that the question is heard.
    assert curl(server, "/readyz", "--max-time", "3").returncode == 28
    assert time.monotonic() - started >= 3 and cue.used == 1
    assert curl(server, "/readyz").stdout == b"ok"


@pytest.mark.parametrize("split", [1, 143])
def test_pieces(server, watch, split):
    server.split = split
    server.put(node("a"))
    assert watch(f"/api/v1/nodes?{WATCH_LIST}").lines(1) == [("ADDED", "a")]


def test_ends_of_streams(server, watch):
    for how in ("clean", "close", "eof", "reset"):
        stream = watch(f"/api/v1/nodes?watch=1&resourceVersion={server.store.version}")
        server.expect_streams("nodes")
        server.end_streams(how)
        if how == "clean":
            assert stream.line() is None
        else:
            with pytest.raises((OSError, http.client.IncompleteRead, ssl.SSLError)):
                assert stream.response.read()
        process.eventually(lambda: not server.open_streams())


def test_cut_within_a_watch(server, watch):
    server.put(node("a"))
    server.cue("watch", "nodes", cut_after=300, how="reset")
    with pytest.raises((OSError, http.client.IncompleteRead, ssl.SSLError)):
        assert watch(f"/api/v1/nodes?{WATCH_LIST}").response.read()


def test_generated_stream(server, watch):
    line = json.dumps({"type": "ADDED", "object": node("x")}).encode() + b"\n"
    server.cue("watch", "nodes", lines=(line for _ in range(1000)))
    assert watch(f"/api/v1/nodes?{WATCH_LIST}").lines(1000) == [("ADDED", "x")] * 1000


def test_port_and_connections(server, watch):
    stream = watch(f"/api/v1/nodes?watch=1&resourceVersion={server.store.version}")
    server.expect_streams("nodes")
    server.close_port()
    assert curl(server, "/readyz").returncode == 7
    # What is open stays.
    server.put(node("a"))
    assert stream.lines(1) == [("ADDED", "a")]
    server.drop_connections("reset")
    with pytest.raises((OSError, http.client.IncompleteRead, ssl.SSLError)):
        assert stream.response.read()
    server.resume_serving()
    assert curl(server, "/readyz").stdout == b"ok"


def test_freeze(server, watch):
    """The kernel answers, the server does not."""
    stream = watch(f"/api/v1/nodes?watch=1&resourceVersion={server.store.version}")
    server.expect_streams("nodes")
    server.freeze()
    server.put(node("a"))
    assert curl(server, "/readyz", "--max-time", "0.5").returncode == 28
    threading.Timer(0.2, server.thaw).start()
    assert stream.lines(1) == [("ADDED", "a")]
    assert curl(server, "/readyz").stdout == b"ok"


def test_what_it_was_asked(server):
    answer(server, "/readyz")
    mark = server.mark()
    threading.Timer(0.1, answer, (server, "/api/v1/namespaces/n/pods?limit=500")).start()
    asked = server.expect("list", "pods", since=mark)[0]
    assert asked.query == {"limit": "500"} and asked.namespace == "n" and asked.method == "GET"
    assert not server.asked("list", "pods", since=server.mark())
    assert asked.connection != server.asked("readyz")[0].connection
