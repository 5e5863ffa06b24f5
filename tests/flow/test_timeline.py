# SPDX-License-Identifier: Apache-2.0
"""What a boot leaves on record: its transitions across restarts of the daemon, and a line that outlives it."""

import json
import re
import time

import pytest

from harness import fakekubelet, guide, process
from harness.edge import QUICK
from harness.varlink import VarlinkError

GATES = {
    "api": "[Gate]\nRequired=yes\n[Api]\nPath=/readyz\n",
    "node": "[Gate]\nRequired=yes\n[Node]\nName=local\n",
    "dns": "[Gate]\nRequired=yes\nAfter=node\n"
    "[Workload]\nKind=DaemonSet\nNamespace=openshift-dns\nName=dns-default\n",
}


def transitions(daemon, **parameters):
    return daemon.call("GetTimeline", **parameters)["transitions"]


def boots(daemon):
    return daemon.call("GetTimeline")["boots"]


def edges(daemon):
    """(gate or None, from, to) of each change of a gate or of the verdict, as they came."""
    return [(t.get("gate"), t["from"], t["to"]) for t in transitions(daemon) if "object" not in t]


def lines(daemon):
    file = daemon.state_folder / "boots.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def boot(edge, **readiness):
    """A boot from a stale cluster to READY=1. readiness: keys of [Readiness]."""
    edge.kubelet.previous_boot()
    edge.start({"Readiness": {**QUICK["Readiness"], **readiness}}, gates=GATES)
    edge.expect_reason("StaleBoot", "node")
    edge.expect_reason("Unproven", "dns")
    edge.kubelet.new_boot_node()
    process.eventually(
        lambda: edge.daemon.gate("node")["state"] == "ready" or edge.kubelet.renew_lease() is None, 10, 0.2, "node"
    )
    edge.kubelet.all_up()
    edge.expect_ready()
    return edge.daemon


def another_boot(edge, lines_before=None):
    """The host is rebooted: another boot ID, and what the disk keeps."""
    daemon = edge.daemon
    daemon.stop()
    edge.kubelet.reboot_host()
    if lines_before is not None:
        (daemon.state_folder / "boots.jsonl").write_bytes(lines_before)
    edge.up()
    mark = daemon.notify.mark()
    daemon.start()
    process.eventually(
        lambda: daemon.notified("READY=1", mark) or edge.kubelet.renew_lease() is None, 15, 0.2, "READY=1 again"
    )
    return daemon


def test_a_boot(edge):
    daemon = boot(edge)
    told = edges(daemon)
    assert told == [
        ("api", "waiting", "ready"),
        ("node", "waiting", "ready"),
        ("dns", "waiting", "ready"),
        (None, "waiting", "ready"),
    ]
    # What the cluster waited for is what the gate did that opened last.
    opened, ready = [t for t in transitions(daemon) if "object" not in t][2:]
    assert ready["blocker"] == opened["blocker"] and opened["gate"] == "dns"
    times = [t["boottimeUSec"] for t in transitions(daemon)]
    assert times == sorted(times)
    clock = time.clock_gettime(time.CLOCK_BOOTTIME) * 1e6
    assert all(clock - 120e6 < t < clock for t in times)
    assert all(abs(t["realtimeUSec"] / 1e6 - time.time()) < 120 for t in transitions(daemon))

    edge.kubelet.container_dies("dns-default", report=True)
    daemon.expect_gate("dns", "lost")
    lost = next(t for t in transitions(daemon) if t["to"] == "lost" and t.get("gate") == "dns")
    assert lost["blocker"]["object"]["name"].startswith("dns-default") and lost["blocker"]["reason"]
    assert edges(daemon)[4:] == [("dns", "ready", "lost"), (None, "ready", "lost")]


def test_across_restarts(edge):
    daemon = boot(edge)
    before = transitions(daemon)
    for kill in (False, True):
        daemon.restart(kill=kill)
        process.eventually(lambda: len(transitions(daemon)) >= len(before))
        assert transitions(daemon)[: len(before)] == before
    edge.kubelet.renew_lease()
    daemon.expect_verdict("ready")
    # A gate that was restored as open did not open again.
    assert edges(daemon)[: len(edges(daemon))].count(("dns", "waiting", "ready")) == 1


def of_pod(daemon):
    """(from, to, reason) of the DNS pod, as they came."""
    return [(t["from"], t["to"], t.get("blocker", {}).get("reason")) for t in transitions(daemon)
            if t.get("object", {}).get("kind") == "Pod"]


def proven(edge):
    """All objects pass, by what this run of the daemon has seen."""
    process.eventually(lambda: all(o["isReady"] for o in edge.daemon.call("ListObjects")["objects"]) or
                       edge.kubelet.renew_lease() is None, 15, 0.2, "all proven")


def test_objects(edge):
    """The pod's own way is told, once; across restarts, with what came in between."""
    daemon = boot(edge, HoldSec="60s")
    assert of_pod(daemon)[0] == ("absent", "waiting", "Unproven") and of_pod(daemon)[-1][:2] == ("waiting", "ready")
    order = [(t.get("gate"), t.get("object", {}).get("kind")) for t in transitions(daemon) if t["to"] == "ready"]
    # What opens a gate comes before it.
    assert order == [("api", "Api"), ("api", None), ("node", "Node"), ("node", None),
                     ("dns", "Pod"), ("dns", "DaemonSet"), ("dns", None), (None, None)]
    before = transitions(daemon)
    daemon.restart(kill=True)
    proven(edge)
    assert transitions(daemon) == before

    # It dies and is back within the hold: the gate knows nothing of that. It is not written for that either.
    files = [daemon.state_folder / name for name in ("timeline.jsonl", "state.json", "boots.jsonl")]
    written = [file.stat().st_mtime_ns for file in files]
    edge.kubelet.container_dies("dns-default", report=True)
    process.eventually(lambda: of_pod(daemon)[-1][1] == "lost")
    edge.kubelet.pod_up("dns-default")
    process.eventually(lambda: of_pod(daemon)[-1][:2] == ("lost", "ready"))
    assert [e for e in edges(daemon) if e[2] == "lost"] == []
    assert [file.stat().st_mtime_ns for file in files] == written
    told = of_pod(daemon)
    daemon.restart()
    proven(edge)
    assert of_pod(daemon) == told


def test_ages_across_restarts(edge):
    """A blocker stands since its reason was first seen; what is shown of an object, since this daemon looks."""
    edge.kubelet.new_boot_node()
    edge.kubelet.pod_waiting("dns-default")
    edge.start(gates=GATES)
    edge.expect_reason("ContainerCreating", "dns")
    daemon = edge.daemon

    def since():
        return [b["sinceBoottimeUSec"] for b in daemon.gate("dns")["blockers"] if b["reason"] == "ContainerCreating"]

    first = since()
    time.sleep(1)
    daemon.restart()
    edge.expect_reason("ContainerCreating", "dns")
    assert since() == first
    (workload,) = [o for o in daemon.call("ListObjects")["objects"] if o["object"]["kind"] == "DaemonSet"]
    assert workload["sinceBoottimeUSec"] > first[0] + 1_000_000


def test_an_object_that_flaps(edge):
    """It pushes out nothing of what became of the gates, and of its own the oldest."""
    daemon = boot(edge, HoldSec="60s")
    gates = edges(daemon)
    for _ in range(20):
        edge.kubelet.container_dies("dns-default", report=True)
        process.eventually(lambda: of_pod(daemon)[-1][1] == "lost")
        edge.kubelet.pod_up("dns-default")
        process.eventually(lambda: of_pod(daemon)[-1][1] == "ready")
    assert edges(daemon) == gates
    assert len(of_pod(daemon)) == 16 and "waiting" not in {state for told in of_pod(daemon) for state in told[:2]}


def test_record_of_boots(edge):
    daemon = boot(edge)
    process.eventually(lambda: lines(daemon))
    first = lines(daemon)[0]
    assert first["bootId"].replace("-", "") == edge.kubelet.boot_id.replace("-", "")
    assert first["pulledImages"] is False and first["readyUSec"] > 0
    gates = {g["name"]: g for g in first["gates"]}
    assert set(gates) == set(GATES)
    assert gates["node"]["readyUSec"] <= gates["dns"]["readyUSec"] <= first["readyUSec"]
    assert re.fullmatch(rf"Node {re.escape(guide.NODE)}: \w+", gates["node"]["waitedFor"])
    assert re.fullmatch(r"Pod openshift-dns/dns-default-28m2q: \w+", gates["dns"]["waitedFor"])
    # The transition says the same.
    opened = next(t for t in transitions(daemon) if t.get("gate") == "dns" and "object" not in t)
    assert opened["to"] == "ready" and opened["blocker"]["object"]["name"] == "dns-default-28m2q"

    old = edge.kubelet.boot_id
    daemon = another_boot(edge)
    process.eventually(lambda: len(lines(daemon)) == 2)
    assert [b["bootId"] for b in boots(daemon)] == [b["bootId"] for b in lines(daemon)]
    # The transitions are this boot's; of an earlier one there is what its line tells.
    assert len(edges(daemon)) == 4
    told = transitions(daemon, bootId=old)
    assert [t.get("gate") for t in told] == ["api", "node", "dns", None]
    assert told[2]["blocker"]["object"] == opened["blocker"]["object"]
    assert told[3]["boottimeUSec"] == first["readyUSec"]
    assert told[3]["blocker"] == told[2]["blocker"]
    with pytest.raises(VarlinkError) as caught:
        daemon.call("GetTimeline", bootId="f" * 32)
    assert caught.value.name.endswith("NoSuchBoot")
    # Restarted, and stopped: still one line for each.
    daemon.restart()
    daemon.expect_verdict("ready", 15)
    daemon.stop()
    assert len(lines(daemon)) == 2


def record(number, ready=None, pulled=False):
    made = {"bootId": f"{number:032x}", "startedRealtimeUSec": 1, "pulledImages": pulled, "gates": []}
    return json.dumps({**made, **({"readyUSec": ready} if ready else {})}).encode() + b"\n"


def pulled(edge):
    """An event tells that an image of dns-default was pulled."""
    pod = edge.kubelet.find("dns-default")["metadata"]
    involved = {"kind": "Pod", "namespace": pod["namespace"], "name": pod["name"], "uid": pod["uid"]}
    now = {"firstTimestamp": fakekubelet.now(), "lastTimestamp": fakekubelet.now()}
    message = 'Successfully pulled image "x" in 2s (2s including waiting)'
    event = {"kind": "Event", "metadata": {"name": "e", "namespace": pod["namespace"]}, "involvedObject": involved}
    edge.server.put({**event, **now, "reason": "Pulled", "message": message, "type": "Normal"})


def test_what_a_boot_was_it_stays(edge):
    """How long it took, and whether it pulled images, is settled once the cluster was ready: a restart of the daemon,
    which sees no such events any more, and gates that come later change nothing of that."""
    edge.kubelet.previous_boot()
    edge.start(gates=GATES)
    daemon = edge.daemon
    edge.expect_reason("Unproven", "dns")
    pulled(edge)
    edge.up()
    edge.expect_ready()
    process.eventually(lambda: lines(daemon))
    (first,) = lines(daemon)
    assert first["pulledImages"] and first["readyUSec"] > 0

    daemon.restart()
    daemon.expect_verdict("ready", 15)
    daemon.write_gate("later", "[Gate]\nRequired=yes\n[Pods]\nNamespace=nowhere\n")
    daemon.reload()
    daemon.expect_verdict("waiting")
    daemon.stop()
    (last,) = lines(daemon)
    assert (last["pulledImages"], last["readyUSec"]) == (True, first["readyUSec"])
    assert {g["name"] for g in last["gates"]} == {*GATES, "later"}


def test_images_pulled_later(edge):
    """An update of an application is none of the boot's business."""
    daemon = boot(edge)
    process.eventually(lambda: lines(daemon))
    edge.kubelet.container_dies("dns-default", report=True)
    daemon.expect_gate("dns", "lost")
    pulled(edge)
    process.eventually(lambda: edge.server.open_streams("events") and edge.server.open_streams("events")[0].sent)
    edge.kubelet.pod_up("dns-default")
    daemon.expect_verdict("ready", 15)
    daemon.stop()
    assert [b["pulledImages"] for b in lines(daemon)] == [False]


def test_how_long_it_usually_takes(edge):
    """The median of earlier boots of this kind, whatever else the file has become."""
    boot(edge)
    text = b"".join(
        [
            record(1, 10_000_000),
            b"\0\0\0\0\n",
            record(2, 30_000_000),
            b"not JSON\n",
            record(3, 7_000_000_000, True),
            record(4),
            record(5, 20_000_000),
            record(6, 99_000_000)[:40],
        ]
    )
    daemon = another_boot(edge, text)
    assert daemon.describe()["verdict"]["typicalReadyUSec"] == 20_000_000
    process.eventually(lambda: len(boots(daemon)) == 6)
    assert len(lines(daemon)) == 6
    # With images to pull it is a boot of the other kind.
    edge.kubelet.container_dies("dns-default", report=True)
    daemon.expect_gate("dns", "lost")
    pulled(edge)
    process.eventually(lambda: daemon.describe()["verdict"]["typicalReadyUSec"] == 7_000_000_000, 5, 0.05)


def test_a_hundred_boots(edge):
    boot(edge)
    daemon = another_boot(edge, b"".join(record(n, 1_000_000 + n) for n in range(1, 151)))
    process.eventually(lambda: len(lines(daemon)) == 100)
    kept = [b["bootId"] for b in lines(daemon)]
    assert kept[0] == f"{52:032x}" and len(set(kept)) == 100


def test_no_folder(edge):
    """What cannot be written is not kept, and nothing else suffers."""
    edge.up()
    edge.start(gates=GATES)
    edge.expect_ready()
    daemon = edge.daemon
    for file in daemon.state_folder.iterdir():
        file.unlink()
    daemon.state_folder.rmdir()
    edge.kubelet.container_dies("dns-default", report=True)
    daemon.expect_gate("dns", "lost")
    assert edges(daemon)[-1] == (None, "ready", "lost")
    daemon.state_folder.mkdir()
