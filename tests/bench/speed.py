# SPDX-License-Identifier: Apache-2.0
"""Figures of time: from a change to READY=1, what waiting costs, how fast an answer is."""

import os
import pathlib
import subprocess
import time

from harness import guide, process
from harness.host import CannotBoot, Host

from scene import Patch, Scene, measure, median, program, until_quiet

LAST = guide.workload("dns-default")


class Change:
    """The last pod is Ready: the moment that all contestants wait for."""

    def __init__(self, scene):
        self.scene = scene
        self.patch = Patch(scene.cluster)

    def prepare(self):
        """The last pod runs, in live containers under new IDs, and is not ready. Returns one of the IDs."""
        pod = self.scene.kubelet.pod_started(LAST.pod)
        return pod["status"]["containerStatuses"][0]["containerID"]

    def happen(self):
        """Sends the change; returns when."""
        kubelet = self.scene.kubelet
        statuses = [dict(c, ready=True) for c in kubelet.find(LAST.pod)["status"]["containerStatuses"]]
        conditions = kubelet._conditions(True)
        return self.patch.send(LAST.pod_path, {"containerStatuses": statuses, "conditions": conditions})

    def close(self):
        self.patch.close()


def _time_daemon(scene, change):
    change.prepare()
    with scene.daemon(wait=False) as daemon:
        process.eventually(
            lambda: {(b[1], b[2]) for b in daemon.blockers()} == {(LAST.pod, "ContainersNotReady")},
            20,
            0.05,
            "the last pod as the only blocker",
        )
        until_quiet(daemon.pid)
        begin = change.happen()
        end = daemon.expect_notify("READY=1", 20).time
        change.patch.finish()
        return end - begin


def _time_line(command, change, pattern):
    """From the change to the first line that matches."""
    child = process.spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        if pattern == b"found":
            assert child.stdout.readline() == b"synced\n"
        until_quiet(child.pid)
        begin = change.happen()
        while True:
            line = child.stdout.readline()
            end = time.monotonic()
            if not line:
                raise AssertionError(f"{command[0]}: {child.stderr.read()[-500:]}")
            if pattern in line:
                break
        change.patch.finish()
        return end - begin
    finally:
        process.end(child)
        child.stdout.close()
        child.stderr.close()


def change(report, options):
    """From a change on the API server to READY=1."""
    with Scene() as scene:
        moment = Change(scene)
        ours, floor, kubectl = [], [], []
        for _ in range(options.rounds or (31 if options.thorough else 15)):
            ours.append(_time_daemon(scene, moment))
            word = moment.prepare()
            floor.append(_time_line(scene.floor_command(word), moment, b"found"))
            moment.prepare()
            kubectl.append(_time_line(scene.kubectl_wait_command(LAST), moment, b"condition met"))
        moment.close()
        spread = [
            f"{name} {max(times) / min(times):.1f}"
            for name, times in (("msready", ours), ("watch", floor), ("kubectl", kubectl))
        ]
        report.note(f"{len(ours)} rounds, in turn; largest / smallest of each: {', '.join(spread)}")
        report.ratio("change to READY=1 / change to the end of a bare watch", median(ours) / median(floor), 1.15)
        report.ratio("change to READY=1 / change to kubectl wait's answer", median(ours) / median(kubectl), 1.15)


def wait(report, options):
    """What `msready wait` costs beside `kubectl wait`."""
    rounds = options.rounds or 5
    # A gate that shuts and opens again at once.
    config = {"Readiness": {"HoldSec": "50ms"}}
    with Scene() as scene, scene.daemon(config=config) as daemon:
        moment = Change(scene)

        def happens(child):
            time.sleep(1)
            moment.happen()
            moment.patch.finish()

        client = [process.build_folder() / "cli/msready", f"--socket={daemon.socket}", "wait", "--timeout=60s"]
        ours, theirs = [], []
        for _ in range(rounds):
            for runs, command in ((ours, client), (theirs, scene.kubectl_wait_command(LAST))):
                moment.prepare()
                daemon.expect_verdict("lost", 20)
                runs += measure(command, during=happens)
                daemon.expect_verdict("ready", 20)
        moment.close()
        least = _peak(measure([client[0], "--version"], rounds))
        report.ratio("CPU of msready wait / kubectl wait", _cpu(ours) / _cpu(theirs), 1 / 20)
        report.ratio("peak memory of msready wait / kubectl wait", _peak(ours) / _peak(theirs), 1 / 20)
        report.note(f"the libraries' own part of that memory: `msready --version` has {least / _peak(ours):.2f} of it")


def _cpu(runs):
    return median(run.cpu for run in runs)


def _peak(runs):
    return median(run.peak for run in runs)


def status(report, options):
    """Time and memory of `msready status`."""
    rounds = options.rounds or 100
    with Scene() as scene, scene.daemon() as daemon:
        client = [process.build_folder() / "cli/msready", f"--socket={daemon.socket}", "status"]
        ours, floor = [], []
        for _ in range(max(rounds // 10, 1)):
            ours.append(measure(client, 10))
            floor.append(measure(["/bin/true"], 10))
        # The median of the calmest ten, because disturbances only ever add to it.
        wall, bare = (min(median(run.wall for run in ten) for ten in runs) for runs in (ours, floor))
        report.note(f"msready status / true: {wall / bare:.2f} in wall time")
        report.timed("wall time of msready status", wall * 1000, 3, " ms")
        report.count("peak memory of msready status", _peak(sum(ours, [])) / (1 << 20), 5, " MiB")


# varlink

# Whether a reply wakes a processor that sleeps is worth more than all that a server does for it, and is the
# scheduler's choice: callers and servers share one.
PROCESSOR = {min(os.sched_getaffinity(0))}


def _pin_host(host):
    """All processes of a booted host, and what they start, to the processor."""
    space = os.readlink(f"/proc/{host.leader}/ns/pid")
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "ns/pid") == space:
                os.sched_setaffinity(int(entry.name), PROCESSOR)
        except OSError:  # gone by now, or not accessible
            pass


def _load(socket, method, calls, inside=()):
    done = subprocess.run(
        [*inside, str(program("varlink-load")), str(socket), method, str(calls)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, PROCESSOR),
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    total, middle, slow, size = map(int, done.stdout.split())
    return {"rate": calls / (total / 1e6), "p50": middle, "p99": slow, "size": size}


def _told(load):
    return f"{load['rate']:.0f} calls/s, p99 {load['p99'] / 1e3:.0f} us, {load['size']:.0f} bytes each"


def _load_of_systemd(host, calls):
    """The same load on a service of a booted host, whose services refuse peers that have no process ID there."""
    inside = ["nsenter", f"--target={host.leader}", "--pid"]
    run = f"/proc/{host.leader}/root/run/systemd"
    for name in ("io.systemd.Hostname", "journal/io.systemd.journal"):
        try:
            return name, _load(f"{run}/{name}", "org.varlink.service.GetInfo", calls, inside)
        except AssertionError as error:
            problem = error
    raise problem


def _subscribers(daemon, count):
    """Bytes of private memory for each subscriber, after each has had its first reply."""
    before = daemon.private_memory()
    peers = []
    try:
        for _ in range(count):
            peer = daemon.varlink(20)
            peer.send("io.msready.Readiness.Monitor", {}, more=True)
            peers.append(peer)
        for peer in peers:
            peer.reply()
        return (daemon.private_memory() - before) / count
    finally:
        for peer in peers:
            peer.close()


def _calmest(loads):
    """Of several loads in turn with others, the smallest of each time: disturbances only ever add to it."""
    return {name: (max if name == "rate" else min)(load[name] for load in loads) for name in loads[0]}


def varlink(report, options):
    """Describe beside what a service of systemd answers, and what a subscriber costs."""
    calls = 4000 if options.thorough else 1000
    with Scene() as scene, scene.daemon() as daemon:
        report.count("private memory for each of 1,000 subscribers", _subscribers(daemon, 1000) / 1024, 16, " KiB")
        try:
            host = Host("trixie").boot()
        except CannotBoot as error:
            host = None
            report.skip("varlink beside a service of systemd", str(error))
        describe, info, theirs = [], [], []
        try:
            os.sched_setaffinity(daemon.pid, PROCESSOR)
            if host:
                _pin_host(host)
            for _ in range(options.rounds or 7):
                describe.append(_load(daemon.socket, "io.msready.Readiness.Describe", calls))
                info.append(_load(daemon.socket, "org.varlink.service.GetInfo", calls))
                if host:
                    name, load = _load_of_systemd(host, calls)
                    theirs.append(load)
        finally:
            if host:
                host.close()
        describe, info = _calmest(describe), _calmest(info)
        report.note(f"Describe: {_told(describe)}")
        report.note(f"GetInfo: {_told(info)}")
        if not host:
            return
        theirs = _calmest(theirs)
        report.note(f"GetInfo of systemd 257's {name}: {_told(theirs)}")
        report.ratio("median of GetInfo / of GetInfo of systemd", info["p50"] / theirs["p50"], 1)
        report.ratio("median of Describe / of GetInfo of systemd", describe["p50"] / theirs["p50"], 2)
        report.ratio("p99 of Describe / of GetInfo of systemd", describe["p99"] / theirs["p99"], 4)
