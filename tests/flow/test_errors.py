# SPDX-License-Identifier: Apache-2.0
"""Answers that are none: overload, refusals, other people's pages, bytes that end too soon."""

import itertools
import json
import re
import time

import pytest

from harness import fake_cues, guide, process

SHIPPED = {path.stem: path.read_text() for path in sorted((process.REPOSITORY / "units/gates").glob("*.gate"))}


# Each of these passes by itself, or the daemon works around it.
PASSING = {
    "429-text": fake_cues.too_many(1),
    "429-status": fake_cues.too_many_status(1),
    "503": fake_cues.unavailable(1),
    "500": {"status": 500, "body": fake_cues.status_object(500, "InternalError", "etcdserver: leader changed")},
    "500-event": fake_cues.internal_error_event(),
    "401": fake_cues.unauthorized(),
    "403": fake_cues.forbidden(),
    "404": fake_cues.not_found(),
    "html": fake_cues.html(),
    "redirect": fake_cues.redirect(),
    "empty": {"status": 200, "body": "", "content_type": "application/json"},
    "no-json": {"status": 200, "body": "{]\n", "content_type": "application/json"},
    "json-of-another": {"status": 200, "body": "[1,2,3]\n", "content_type": "application/json"},
    "no-event": {"status": 200, "body": '{"type":"ADDED"}\n{"object":{}}\n', "content_type": "application/json"},
    "half-an-event": {"status": 200, "body": '{"type":"ADDED","object":{"metad', "content_type": "application/json"},
    "nul-bytes": {"status": 200, "body": b"\0" * 5000, "content_type": "application/json"},
    "gzip": {"gzip": True, "status": 200, "body": '{"type":"BOOKMARK","object":{}}\n'},
    "cut-in-status-line": {"cut_after": 7, "how": "reset"},
    "cut-in-headers": {"cut_after": 60, "how": "eof"},
    "cut-in-an-event": {"cut_after": 400, "how": "eof"},
}


@pytest.mark.parametrize("what", PASSING)
def test_at_the_start(edge, what):
    """Twice for each stream of pods and nodes; then all is well, and READY=1 comes, once and late."""
    server = edge.server
    edge.up()
    for resource in ("pods", "nodes"):
        server.cue("watch", resource, times=2, **PASSING[what])
    edge.start()
    edge.expect_ready(20)
    assert len(edge.daemon.notified("READY=1")) == 1


def test_when_resumed(ready_edge):
    """Each of them in turn, twice, on the way back to where the stream was. The daemon sees the changes."""
    server, daemon, kubelet = ready_edge.server, ready_edge.daemon, ready_edge.kubelet
    ready = True
    for what, answer in PASSING.items():
        server.cue("watch", "pods", times=2, match=lambda r: not r.is_initial, **answer)
        server.end_streams("eof", "pods")
        ready = not ready
        kubelet.pod_ready("dns-default", ready)
        process.eventually(
            lambda: (daemon.gate("dns")["readyObjects"] == 1) == ready,
            20,
            0.02,
            f"{what}: {daemon.blockers('dns')}\n{daemon.log()[-1500:]}",
        )
        server.clear_cues()
        ready_edge.expect_settled(20)


def test_lists_in_the_way_of_failing(edge):
    """Where the server has no WatchList, lists fail as watches do."""
    server = edge.server
    server.watch_list = "off"
    edge.up()
    for what in ("429-text", "503", "html", "no-json", "half-an-event", "cut-in-an-event", "401"):
        server.cue("list", "pods", **PASSING[what])
    server.cue("list", "nodes", gzip=True)
    edge.start()
    edge.expect_ready(30)


def test_retry_after_has_a_limit(edge):
    """Retry-After: 3600 of a server that will be back in a second does not stop the daemon."""
    server = edge.server
    edge.up()
    server.cue("watch", "pods", times=3, **fake_cues.too_many(3600))
    edge.start()
    edge.expect_ready(60)


def test_back_off(edge):
    """The daemon asks a server that refuses less and less often, at most once a second for each stream."""
    server = edge.server
    edge.up()
    cue = server.cue("watch", "daemonsets", times=None, **fake_cues.unavailable(0))
    edge.start()
    # A back-off that grew without a limit would not have asked ten times in this time; a busy machine has.
    server.expect("watch", "daemonsets", count=10, timeout=20)
    asked = [r.time for r in server.asked("watch", "daemonsets")]
    assert len(asked) <= 6 + (time.monotonic() - asked[0]) * 2, asked
    gaps = sorted(b - a for a, b in zip(asked, asked[1:]))
    assert gaps[len(gaps) // 2] > 0.4, gaps
    cue.times = 0
    edge.expect_ready()


def test_nothing_but_readyz_before_it_is_ready(edge):
    """MicroShift answers 503 to everything until a /readyz was 200: the daemon's own must be that one."""
    server = edge.server
    edge.up()
    server.ready, server.closed_until_ready, server.has_been_ready = False, True, False
    mark = server.mark()
    edge.start()
    edge.expect_reason("ApiNotReady", "api")
    assert "rbac/bootstrap-roles" in edge.daemon.gate("api")["blockers"][0]["message"]
    server.expect("readyz", since=mark, count=8)
    asked = server.asked(since=mark)
    assert {r.path for r in asked} == {"/readyz"}
    assert len(asked) <= 3 + (time.monotonic() - asked[0].time) * 6
    assert all("x-openshift-internal-if-not-ready" not in r.headers for r in asked)
    # One connection is kept, not a handshake per probe.
    assert len({r.connection for r in asked}) == 1
    mark = server.mark()
    server.ready = True
    edge.expect_ready()
    # A probe on its way may still have got 500; all streams follow the first one that gets 200.
    before = list(itertools.takewhile(lambda r: r.what != "watch", server.asked(since=mark)))
    assert [r.status for r in before if r.what == "readyz"] in ([200], [500, 200]), before


def test_unauthorized_until_the_credentials_are_read_again(edge):
    server = edge.server
    edge.up()
    server.tokens["new"] = "system:admin"
    kubeconfig = server.write_kubeconfig(edge.server.folder / "token", certificate=False, token="old")
    edge.start(kubeconfig=kubeconfig)
    edge.expect_reason("Unauthorized")
    hints = [b.get("hint") for g in edge.daemon.describe()["gates"] for b in g["blockers"]]
    assert any(h and "credentials" in h for h in hints)
    assert not edge.daemon.is_ready
    server.write_kubeconfig(kubeconfig, certificate=False, token="new")
    edge.expect_ready()


def test_forbidden_is_said_aloud(edge):
    server = edge.server
    edge.up()
    server.forbidden.add("pods")
    edge.start()
    edge.expect_reason("Forbidden", "dns")
    message = edge.daemon.gate("dns")["blockers"][0]["message"]
    assert "cannot list resource" in message
    server.forbidden.clear()
    edge.expect_ready()


def test_redirects_are_not_followed(edge):
    server = edge.server
    edge.up()
    server.cue("watch", "pods", times=2, **fake_cues.redirect(f"{server.url}/elsewhere"))
    server.cue("readyz", times=2, **fake_cues.redirect(f"{server.url}/elsewhere"))
    edge.start()
    edge.expect_ready()
    assert not [r for r in server.requests if r.path == "/elsewhere"]


def test_no_encoding_is_asked_for(ready_edge):
    assert not [r for r in ready_edge.server.asked("watch") if "accept-encoding" in r.headers]


def test_object_over_the_ceiling(ready_edge):
    """One line of 5 MiB, of a pod that no gate looks at and of one that a gate looks at."""
    server, daemon = ready_edge.server, ready_edge.daemon
    before, mark = daemon.private_memory(), server.mark()
    huge = {"metadata": {"annotations": {"x": "y" * (5 << 20)}}}
    path = "/api/v1/namespaces/{}/pods/{}"
    server.rest.create("/api/v1/namespaces/bulk/pods", {"metadata": {"name": "big"}, "spec": {"nodeName": "n"}})
    server.rest.patch(path.format("bulk", "big"), huge)
    server.rest.patch(path.format("bulk", "big"), {"spec": {"nodeName": "microshift-dev.lab.example.com"}})
    server.rest.patch(path.format("openshift-dns", "dns-default-28m2q"), huge)
    ready_edge.expect_reason("Unreadable", "dns")
    (told,) = daemon.gate("dns")["blockers"]
    assert told["object"] == {"kind": "Pod", "namespace": "openshift-dns", "name": "dns-default-28m2q"}
    assert re.fullmatch(r"it has 52\d{5} bytes; at most 4194304 are read", told["message"]), told
    # What was freed stays in a sanitizer's quarantine for a while.
    assert daemon.private_memory() - before < ((256 if process.is_sanitized() else 12) << 20)
    # An open gate lives on its grace, and the stream goes on.
    ready_edge.expect_steady()
    server.rest.patch(path.format("openshift-dns", "dns-default-28m2q"), {"metadata": {"annotations": {"x": None}}})
    process.eventually(lambda: not daemon.gate("dns")["blockers"], 10, 0.02, "dns is read again")
    server.rest.delete(path.format("bulk", "big"))
    ready_edge.expect_steady()
    assert not server.asked("list", "pods", mark) and not server.asked("watch", "pods", mark)


def labels(count):
    return {f"label-{number}": "" for number in range(count)}


@pytest.mark.parametrize("watch_list", ["on", "off"])
def test_object_that_cannot_be_read(edge, watch_list):
    """One pod with 1,025 labels: READY=1 comes, only the gate that looks at it is not ready, and says why."""
    server = edge.server
    server.watch_list = watch_list
    path = "/api/v1/namespaces/tenant/pods/app"
    app = {"metadata": {"name": "app", "labels": labels(1025)}, "spec": {"nodeName": guide.NODE}}
    server.rest.create("/api/v1/namespaces/tenant/pods", app)
    edge.up()
    edge.start(gates={**SHIPPED, "tenant": "[Pods]\nNamespace=tenant\n"})
    edge.expect_ready()
    edge.expect_settled()
    told = edge.daemon.gate("tenant")
    (blocker,) = told["blockers"]
    assert told["state"] == "waiting" and blocker["reason"] == "Unreadable", told
    assert blocker["object"] == {"kind": "Pod", "namespace": "tenant", "name": "app"}
    assert blocker["message"] == "it has 1025 labels; at most 1024 are read"
    assert "oc edit" in blocker["hint"]
    mark = server.mark()
    server.rest.patch(path, {"metadata": {"labels": {"label-0": None}}})
    process.eventually(lambda: "Unreadable" not in edge.reasons("tenant"), 10, 0.02, "it can be read")
    server.rest.patch(path, {"metadata": {"labels": {"label-0": ""}}})
    edge.expect_reason("Unreadable", "tenant")
    edge.expect_steady()
    server.rest.delete(path)
    edge.expect_reason("NoPods", "tenant")
    edge.expect_steady()
    assert not server.asked("list", "pods", mark) and not server.asked("watch", "pods", mark)


@pytest.mark.parametrize("how", ["close", "eof", "reset"])
def test_cut_anywhere(ready_edge, how):
    """A resumed watch that breaks off at any byte of its answer loses nothing: the next watch brings the rest."""
    server, daemon, kubelet = ready_edge.server, ready_edge.daemon, ready_edge.kubelet
    ready = True
    for cut in range(1, 1200, 83):
        cue = server.cue("watch", "pods", times=2, match=lambda r: not r.is_initial, cut_after=cut, how=how)
        server.end_streams("clean", "pods")
        ready = not ready
        kubelet.pod_ready("dns-default", ready)
        process.eventually(lambda: cue.used == 2, 15, 0.01, f"cut at {cut}")
        process.eventually(
            lambda: (daemon.gate("dns")["readyObjects"] == 1) == ready, 15, 0.02, f"cut at {cut}; {daemon.blockers()}"
        )
    assert json.dumps(daemon.describe())


def test_split_at_every_byte(edge):
    """The whole of it in single bytes."""
    edge.server.split = 1
    edge.up()
    edge.start()
    edge.expect_ready(30)
