# SPDX-License-Identifier: Apache-2.0
"""List and watch: what an API server does to it within its rights, and what old and broken ones do."""

import time

import pytest

from harness import fake_cues, fakekubelet, guide, process


REQUIRED = ("api", "node", "ovn", "dns")


def watches(server, resource, since=0):
    return server.asked("watch", resource, since)


def is_initial(request):
    return request.query.get("sendInitialEvents") == "true"


def is_resumed(request):
    return not is_initial(request)


def expect_steady(edge, seconds=1.5):
    """The verdict is ready and stays it: what happened was no reason to doubt."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert edge.daemon.verdict() == "ready"
        time.sleep(0.05)


@pytest.mark.parametrize("mode", ["on", "off", "old", "storage", "ignored"])
def test_servers_old_and_new(edge, mode):
    server = edge.server
    server.watch_list = mode
    edge.up()
    mark = server.mark()
    edge.start()
    edge.expect_ready(30)
    lists = server.asked("list", "pods", mark)
    if mode == "on":
        assert not lists
        return
    # In pages, of a consistent read, then from there on.
    assert lists and all(r.query.get("limit") == "500" and "resourceVersion" not in r.query for r in lists)
    watch = server.expect("watch", "pods", since=mark, count=3)[-1]
    assert watch.query["resourceVersion"].isdigit() and not is_initial(watch)
    assert watch.query.get("allowWatchBookmarks") in ("true", "1")
    if mode != "ignored":
        # What one stream has learned of this server, those after it know.
        refused = [r for r in server.asked("watch", since=mark) if is_initial(r)]
        assert len(refused) <= 8
        mark = server.mark()
        server.end_streams("clean", "daemonsets")
        server.store.compact()
        assert not is_initial(server.expect("watch", "daemonsets", since=mark)[0])


def test_end_mark_that_never_comes(edge):
    """Not in sync: nothing opens on it, and it is not waited for without end."""
    server = edge.server
    edge.up()
    server.cue("watch", "pods", times=1, no_end_mark=True, match=lambda r: "%3D" + guide.NODE in r.target)
    edge.start()
    started = time.monotonic()
    edge.expect_ready(30)
    # The silence was 5 s.
    assert 3 < time.monotonic() - started < 15


def test_node_known_before_the_end_of_the_list(edge):
    """The list of all nodes need not come to its end, once ours is in it: it is watched by its name then."""
    server = edge.server
    edge.up()
    server.cue("watch", "nodes", times=None, no_end_mark=True, match=lambda r: "fieldSelector" not in r.query)
    edge.start()
    edge.expect_ready(5)
    asked = watches(server, "nodes")
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
    # The first list was begun anew, not gone on with.
    pages = [r for r in server.asked("list", "pods", mark) if r.query.get("fieldSelector") == "spec.nodeName="]
    tokens = [bool(r.query.get("continue")) for r in pages]
    assert tokens == [False, True, False, True, True], pages


def test_clean_end_is_no_event(ready_edge):
    """Watches end every hour or two; they are resumed, and nobody hears of it."""
    server, daemon = ready_edge.server, ready_edge.daemon
    for how in ("clean", "eof", "reset"):
        mark, told = server.mark(), daemon.notify.mark()
        server.end_streams(how)
        ready_edge.expect_settled()
        expect_steady(ready_edge)
        again = [r for r in server.asked(since=mark) if r.what in ("watch", "list")]
        assert len(again) >= 4
        assert all(r.what == "watch" and r.query.get("resourceVersion", "0") != "0" for r in again), again
        assert not daemon.notified("READY=1", told)


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
    """410 in each of its shapes: listed anew, kept meanwhile, and what went in the gap is gone."""
    server = ready_edge.server
    mark = server.mark()
    server.cue("watch", "daemonsets", times=1, match=lambda r: not is_initial(r), **shape)
    server.end_streams("clean", "daemonsets")
    server.delete("daemonsets", "openshift-dns", "dns-default")
    assert is_initial(server.expect("watch", "daemonsets", count=2, since=mark)[-1])
    ready_edge.expect_reason("NotFound", "dns")
    ready_edge.daemon.expect_gate("dns", "lost")
    assert ready_edge.daemon.gate("ovn")["state"] == "ready"


def test_history_lost_in_the_stream(ready_edge):
    server = ready_edge.server
    mark = server.mark()
    server.store.compact()
    process.eventually(lambda: len([r for r in watches(server, "pods", mark) if is_initial(r)]) >= 2)
    expect_steady(ready_edge)


def test_etcd_restored_from_a_backup(ready_edge):
    """All versions are smaller than those that we hold."""
    server = ready_edge.server
    server.store.skip_versions(-500)
    server.end_streams("clean")
    ready_edge.expect_settled()
    expect_steady(ready_edge)
    server.delete("daemonsets", "openshift-dns", "dns-default")
    ready_edge.daemon.expect_gate("dns", "lost")


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


def test_no_evidence_while_out_of_sync(ready_edge):
    """Neither open nor shut: the open gates live on their grace, and no longer."""
    server, daemon = ready_edge.server, ready_edge.daemon
    server.cue("watch", "pods", times=None, **fake_cues.unavailable(1))
    server.cue("list", "pods", times=None, **fake_cues.unavailable(1))
    server.end_streams("eof", "pods")
    time.sleep(1.5)
    assert daemon.gate("dns")["state"] == "ready"
    daemon.expect_gate("dns", "unknown", 5)
    assert daemon.gate("api")["state"] == "ready"
    server.clear_cues()
    daemon.expect_gate("dns", "ready")


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
    process.eventually(lambda: any(is_initial(r) for r in watches(server, "daemonsets", mark)), 10)


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
    assert count(), (server.open_streams(), server.connections)
    edge.up()
    edge.expect_ready()
    process.eventually(count, 5, 0.1, "the streams of a ready cluster")


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
    """What lies between two events is not ours to judge."""
    server = ready_edge.server
    for stream in server.open_streams():
        stream.raw(b"\n\n  \n")
    expect_steady(ready_edge, 0.5)
    server.delete("daemonsets", "openshift-dns", "dns-default")
    ready_edge.daemon.expect_gate("dns", "lost")


def test_boot_ids_back_and_forth(ready_edge):
    """All nodes are asked for, and ours is of this boot again before they come: it is kept, by one more stream."""
    server, daemon, kubelet = ready_edge.server, ready_edge.daemon, ready_edge.kubelet

    def is_of_all(request):
        return "fieldSelector" not in request.query

    # The list of all nodes takes a while, and after it the stream of ours is the slower one.
    server.cue("watch", "nodes", match=is_of_all, delay=0.4)
    server.cue("watch", "nodes", match=lambda r: not is_of_all(r) and not is_initial(r), delay=20)
    mark = server.mark()
    kubelet.patch_node(boot_id=fakekubelet.new_boot_id())
    process.eventually(lambda: any(map(is_of_all, watches(server, "nodes", mark))), 5, 0.01, "a list of all nodes")
    server.end_streams("clean", "nodes")
    process.eventually(lambda: not all(map(is_initial, watches(server, "nodes", mark))), 5, 0.01, "a slow stream")
    kubelet.new_boot_node()
    process.eventually(lambda: kubelet.renew_lease() and not daemon.blockers("node"), 10, 0.1, "the node")
    daemon.expect_verdict("ready")
    expect_steady(ready_edge, 0.5)
    assert len(watches(server, "nodes", mark)) <= 4, watches(server, "nodes", mark)
