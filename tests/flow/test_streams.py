# SPDX-License-Identifier: Apache-2.0
"""List and watch: what an API server may do to them, and what old and broken servers do."""

import threading
import time

import pytest

from harness import fake_cues, fakekubelet, guide, process


REQUIRED = ("api", "node", "ovn", "dns")


def watches(server, resource, since=0):
    return server.asked("watch", resource, since)


def test_node_known_before_the_end_of_the_list(edge):
    """The list of all nodes need not come to its end, once ours is in it: it is watched by its name then."""
    server = edge.server
    edge.up()
    server.cue("watch", "nodes", times=None, no_end_mark=True, match=lambda r: "fieldSelector" not in r.query)
    edge.start()
    edge.expect_ready()
    asked = server.expect("watch", "nodes", count=2)
    # If the daemon waits for a silent list, it begins the list again.
    assert not server.asked("list", "nodes")
    assert [r.query.get("fieldSelector") for r in asked] == [None, f"metadata.name={guide.NODE}"]
    process.eventually(lambda: len(server.open_streams("nodes")) == 1, 5, 0.1, "the one by name")


def test_end_mark_that_nobody_asked_for(edge):
    server = edge.server
    server.watch_list, server.unasked_end_marks = "off", True
    edge.up()
    edge.start()
    edge.expect_ready()


def test_pages(edge):
    """More objects than one page holds: none is missed, and those that go between two pages do no harm."""
    server = edge.server
    server.watch_list = "off"
    for number in range(1100):
        server.put({"kind": "Pod", "metadata": {"name": f"x-{number:04}", "namespace": "bulk"}, "spec": {}})
    edge.up()
    mark = server.mark()
    server.cue("list", "pods", match=lambda r: "continue" in r.query, **fake_cues.gone())
    edge.start()
    edge.expect_ready()
    # The daemon began the first list again, and did not continue it.
    def pages():
        return [r for r in server.asked("list", "pods", mark) if r.query.get("fieldSelector") == "spec.nodeName="]

    process.eventually(lambda: len(pages()) >= 5)
    tokens = [bool(r.query.get("continue")) for r in pages()]
    assert tokens == [False, True, False, True, True], pages()


def test_what_happens_in_between_is_not_missed(ready_edge):
    server, kubelet = ready_edge.server, ready_edge.kubelet
    server.cue("watch", "pods", times=4, delay=0.5)
    server.end_streams("clean", "pods")
    server.delete("pods", "openshift-dns", "dns-default-28m2q")
    ready_edge.daemon.expect_gate("dns", "lost")
    assert kubelet.pods


@pytest.mark.parametrize(
    "shape",
    [fake_cues.gone(), fake_cues.gone("Gone"), fake_cues.gone_event(), fake_cues.gone_event("Gone")],
    ids=["status", "status-gone", "event", "event-gone"],
)
def test_gone(ready_edge, shape):
    """410 in each of its shapes: the daemon lists again, keeps objects meanwhile, drops those deleted in the gap."""
    server = ready_edge.server
    mark = server.mark()
    server.cue("watch", "daemonsets", times=1, match=lambda r: not r.is_initial, **shape)
    server.end_streams("clean", "daemonsets")
    server.delete("daemonsets", "openshift-dns", "dns-default")
    assert server.expect("watch", "daemonsets", count=2, since=mark)[-1].is_initial
    ready_edge.expect_reason("NotFound", "dns")
    ready_edge.daemon.expect_gate("dns", "lost")
    assert ready_edge.daemon.gate("ovn")["state"] == "ready"


def test_history_lost_in_the_stream(ready_edge):
    server = ready_edge.server
    mark = server.mark()
    server.store.compact()
    process.eventually(lambda: len([r for r in watches(server, "pods", mark) if r.is_initial]) >= 2)
    ready_edge.expect_steady()


def test_bookmarks_move_the_place_to_resume_from(ready_edge):
    server = ready_edge.server
    for number in range(20):
        server.put({"kind": "ConfigMap", "metadata": {"name": f"c-{number}", "namespace": "n"}})
    stream = server.open_streams("daemonsets")[0]
    sent = stream.sent
    server.bookmark("daemonsets")
    process.eventually(lambda: stream.sent > sent)
    version, mark = server.store.version, server.mark()
    server.end_streams("clean", "daemonsets")
    assert server.expect("watch", "daemonsets", since=mark)[0].query["resourceVersion"] == str(version)


def test_another_version_of_the_server_is_asked_again(ready_edge):
    """A server that had no WatchList may have it after an update."""
    server = ready_edge.server
    server.watch_list = "off"
    server.store.compact()
    server.expect("list", "daemonsets")
    server.watch_list, server.version = "on", "v1.37.0"
    mark = server.mark()
    server.stop_serving()
    time.sleep(0.3)
    server.resume_serving()
    ready_edge.expect_settled(15)
    server.store.compact()
    process.eventually(lambda: any(r.is_initial for r in watches(server, "daemonsets", mark)), 10)


def test_at_most_eight_streams(edge):
    """Each a connection, and one more for questions, which is kept so that the next costs no handshake."""
    server = edge.server

    def count():
        streams = len(server.open_streams())
        # One of the connections is the test's own.
        return 4 < streams <= 8 and len(server.connections) - 1 - streams in (0, 1)

    edge.kubelet.previous_boot()
    edge.start()
    edge.expect_reason("StaleBoot")
    time.sleep(1)
    process.eventually(count, 10, 0.1, "the streams of a stale cluster")
    edge.up()
    edge.expect_ready()
    process.eventually(count, 10, 0.1, "the streams of a ready cluster")


def test_what_is_watched_only_while_it_helps(edge):
    """Events while a gate is shut, Leases while a sign of life is wanted, all nodes until ours is known."""
    server = edge.server
    edge.kubelet.previous_boot()
    shipped = {name: (process.REPOSITORY / f"units/gates/{name}.gate").read_text() for name in REQUIRED}
    edge.start(gates=shipped)
    server.expect_streams("events")
    server.expect_streams("leases")
    assert "fieldSelector" not in server.expect_streams("nodes")[0].request.query
    edge.up()
    edge.expect_ready()
    process.eventually(lambda: not server.open_streams("events") and not server.open_streams("leases"))
    process.eventually(
        lambda: [s.request.query.get("fieldSelector") for s in server.open_streams("nodes")]
        == [f"metadata.name={guide.NODE}"]
    )
    # No Deployment is named by these gates.
    assert not server.open_streams("deployments") and not server.open_streams("replicasets")


def test_unsent_newline_and_blank_lines(ready_edge):
    """What happens between two events does not count."""
    server = ready_edge.server
    for stream in server.open_streams():
        stream.raw(b"\n\n  \n")
    ready_edge.expect_steady(0.5)
    server.delete("daemonsets", "openshift-dns", "dns-default")
    ready_edge.daemon.expect_gate("dns", "lost")


def test_reloads_in_a_row(ready_edge):
    """Each reload makes new streams beside the old ones. Only the newest stream that is in sync is believed, also if
    the next reload comes at the very moment in which it has caught up."""
    server, daemon = ready_edge.server, ready_edge.daemon
    mark, go = server.mark(), threading.Event()
    server.cue("watch", times=None, until=go)
    daemon.reload()
    for _ in range(6):
        server.expect("watch", "daemonsets", since=mark)
        daemon.pause()
        server.clear_cues()
        mark, answer, go = server.mark(), go, threading.Event()
        server.cue("watch", times=None, until=go)
        known = server.open_streams("daemonsets")
        answer.set()
        server.expect_new_stream("daemonsets", known)
        time.sleep(0.2)  # the answer is there to be read
        daemon.reload()
        daemon.resume()
        daemon.describe()
    process.eventually(lambda: len(server.open_streams("daemonsets")) == 1, 5, 0.1, "those that ended to close")
    server.clear_cues()
    go.set()
    ready_edge.expect_settled()
    process.eventually(lambda: len(server.open_streams("daemonsets")) == 1, 5, 0.1, "the newest")
    ready_edge.expect_steady()


def test_boot_ids_back_and_forth(ready_edge):
    """The daemon asks for all nodes, and ours is of this boot again before they come: one more stream keeps it."""
    server, daemon, kubelet = ready_edge.server, ready_edge.daemon, ready_edge.kubelet

    def is_of_all(request):
        return "fieldSelector" not in request.query

    # The list of all nodes takes a while, and after it the stream of ours is the slower one.
    server.cue("watch", "nodes", match=is_of_all, delay=0.4)
    server.cue("watch", "nodes", match=lambda r: not is_of_all(r) and not r.is_initial, delay=20)
    mark = server.mark()
    kubelet.patch_node(boot_id=fakekubelet.new_boot_id())
    process.eventually(lambda: any(map(is_of_all, watches(server, "nodes", mark))), 5, 0.01, "a list of all nodes")
    server.end_streams("clean", "nodes")
    process.eventually(lambda: not all(r.is_initial for r in watches(server, "nodes", mark)), 5, 0.01, "a slow stream")
    kubelet.new_boot_node()
    process.eventually(lambda: kubelet.renew_lease() and not daemon.blockers("node"), 10, 0.1, "the node")
    daemon.expect_verdict("ready")
    ready_edge.expect_steady(0.5)
    assert len(watches(server, "nodes", mark)) <= 4, watches(server, "nodes", mark)


@pytest.mark.parametrize("late", [200, 500])
def test_path_that_answers_late(edge, late):
    """An answer of a server that is not ready says nothing about it when it is: the daemon asks again then."""
    server = edge.server
    server.cue("livez", times=1, status=500)
    server.cue("livez", times=1, delay=1.5, status=late, body="ok")
    server.cue("livez", times=1, status=500)
    edge.start(gates={"live": "[Api]\nPath=/livez\n"})
    server.expect("livez", count=2)
    mark = server.mark()
    server.ready = False
    server.end_streams("reset")
    server.expect("readyz", count=2, since=mark)
    # Its next answer to that takes longer than the path's, and than the time until the daemon would ask again.
    server.cue("readyz", times=1, delay=3.5)
    server.ready = True
    server.expect("livez", count=3, timeout=8)
    assert "firstReadyBoottimeUSec" not in edge.daemon.gate("live")
    edge.daemon.expect_gate("live", "ready", 5)
