# SPDX-License-Identifier: Apache-2.0
"""What counts as in sync, and how long the daemon waits for it: old and new servers, resumed watches, none at all."""

import socket
import time

import pytest

from harness import fake_cues, fakekubelet, guide, process
from harness.daemon import Daemon
from harness.edge import QUICK


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
    assert watch.query["resourceVersion"].isdigit() and not watch.is_initial
    assert watch.query.get("allowWatchBookmarks") in ("true", "1")
    if mode != "ignored":
        # Later streams know what one stream has learned about this server.
        refused = [r for r in server.asked("watch", since=mark) if r.is_initial]
        assert len(refused) <= 8
        mark = server.mark()
        server.end_streams("clean", "daemonsets")
        server.store.compact()
        assert not server.expect("watch", "daemonsets", since=mark)[0].is_initial


def test_end_mark_that_never_comes(edge):
    """Not in sync: no gate opens on it, and the daemon does not wait for it for ever."""
    server = edge.server
    edge.up()
    server.cue("watch", "pods", times=1, no_end_mark=True, match=lambda r: "%3D" + guide.NODE in r.target)
    edge.start()
    started = time.monotonic()
    # The silence was 5 s.
    edge.expect_ready(30)
    assert time.monotonic() - started > 3


def test_clean_end_is_no_event(ready_edge):
    """Watches end every hour or two; the daemon resumes them, and no client notices."""
    server, daemon = ready_edge.server, ready_edge.daemon
    # A gate that is not required is shut: the daemon reads its events.
    server.expect_streams("events")
    for how in ("clean", "eof", "reset"):
        mark, told = server.mark(), daemon.notify.mark()
        server.end_streams(how)
        ready_edge.expect_settled()
        ready_edge.expect_steady()
        again = [r for r in server.asked(since=mark) if r.what in ("watch", "list")]
        assert len(again) >= 4
        assert all(r.what == "watch" and r.query.get("resourceVersion", "0") != "0" for r in again), again
        assert not daemon.notified("READY=1", told)


def test_etcd_restored_from_a_backup(ready_edge):
    """All versions are smaller than those that we hold."""
    server = ready_edge.server
    server.store.skip_versions(-500)
    server.end_streams("clean")
    ready_edge.expect_settled()
    ready_edge.expect_steady()
    server.delete("daemonsets", "openshift-dns", "dns-default")
    ready_edge.daemon.expect_gate("dns", "lost")


def test_no_evidence_while_out_of_sync(ready_edge):
    """Neither open nor shut: the open gates live on their grace, and no longer."""
    server, daemon = ready_edge.server, ready_edge.daemon
    server.cue("watch", "pods", times=None, **fake_cues.unavailable(1))
    server.cue("list", "pods", times=None, **fake_cues.unavailable(1))
    server.end_streams("eof", "pods")
    time.sleep(1.5)
    assert daemon.gate("dns")["state"] == "ready"
    daemon.expect_gate("dns", "unknown", 20)
    assert daemon.gate("api")["state"] == "ready"
    server.clear_cues()
    daemon.expect_gate("dns", "ready")


def test_another_hosts_node(edge, tmp_path):
    """While this host has not registered, the only node there is belongs to another one. What its stream of pods said
    counts for nothing when ours comes."""
    other = edge.kubelet
    name = socket.gethostname().lower()
    ours = fakekubelet.FakeKubelet(edge.server.rest, tmp_path / "late", name, machine_id="9" * 32)
    config = {**QUICK, "Host": {"MachineIdFile": "/nowhere"}}
    with Daemon(edge.server.kubeconfig, ours, config) as daemon:
        daemon.start()
        daemon.expect_gate("api", "ready")
        edge.server.expect_streams("pods", 2)
        other.new_boot_node()
        other.all_up()
        for _ in range(3):
            other.renew_lease()
        process.eventually(lambda: ("ovn", "Unproven") in {(g, r) for g, _, r in daemon.blockers()}, 10, 0.02,
                           f"pods that do not run here; {daemon.blockers()}")
        edge.server.put(guide.node(name))
        ours.patch_node(ready=False)
        process.eventually(lambda: ("node", "KubeletNotReady") in {(g, r) for g, _, r in daemon.blockers()}, 10, 0.02,
                           f"our own node; {daemon.blockers()}")
        time.sleep(1)
        assert daemon.client("wait", "dns", "--timeout=500ms").returncode == 5
        transitions = daemon.call("GetTimeline")["transitions"]
        opened = [t["gate"] for t in transitions if t.get("gate") and t["to"] == "ready" and not t.get("object")]
        assert opened == ["api"]
