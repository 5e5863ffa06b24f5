# SPDX-License-Identifier: Apache-2.0
"""Figures of size: memory, the cost of ten thousand pods, and the cost of idling."""

import pathlib
import re
import time

from scene import Scene, cpu_of, measure, median, until_quiet

MIB = 1 << 20


def _pods(options):
    return options.pods or 10000


def _memory(daemon):
    until_quiet(daemon.pid, 1)
    text = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
    return daemon.private_memory(), int(re.search(r"^VmHWM:\s+(\d+)", text, re.M).group(1)) * 1024


def memory(report, options):
    """Private memory, with the guide's 13 pods and with ten thousand more."""
    pods = _pods(options)
    with Scene() as scene:
        small = {}
        for scope in ("node", "cluster"):
            with scene.daemon(scope=scope) as daemon:
                small[scope], peak = _memory(daemon)
            report.note(f"Scope={scope}: peak of resident memory, libraries included: {peak / MIB:.1f} MiB")
            report.count(f"private memory, Scope={scope}, 13 pods", small[scope] / MIB, 3, " MiB")
        size, seconds = scene.add_crowd(pods)
        report.note(f"{pods} pods more, each {size} bytes")
        for scope in ("node", "cluster"):
            with scene.daemon(scope=scope) as daemon:
                private, peak = _memory(daemon)
            report.note(f"Scope={scope}: peak of resident memory, libraries included: {peak / MIB:.1f} MiB")
            more = (private - small[scope]) / MIB
            report.count(f"private memory, Scope={scope}, more with {pods} pods beside", more, 4, " MiB")
        with scene.daemon(gates=scene.crowd_gates()) as daemon:
            private, peak = _memory(daemon)
        each = (private - small["node"]) / pods
        report.note(f"where a gate keeps all {pods}: {each:.0f} bytes each")


def _sync(scene, **options):
    """CPU and wall time of a new daemon until it is ready, including everything else that it does."""
    begin = time.monotonic()
    with scene.daemon(**options) as daemon:
        ready = daemon.notified("READY=1")[0].time
        return cpu_of(daemon.pid), ready - begin


def sync(report, options):
    """CPU and time to sync ten thousand pods, against kubectl and against the download alone."""
    pods = _pods(options)
    with Scene() as scene:
        scene.add_crowd(pods)
        some, every, floor, kubectl = [], [], [], []
        for _ in range(options.rounds or (9 if options.thorough else 5)):
            some.append(_sync(scene))
            every.append(_sync(scene, gates=scene.crowd_gates()))
            floor += measure(scene.floor_command())
            kubectl += measure(scene.kubectl_command("get", "pods", "-A"))
        theirs = median(run.cpu for run in kubectl)
        bare, bare_wall = median(run.cpu for run in floor), median(run.wall for run in floor)
        report.note(
            f"{pods} pods, {scene.download() / MIB:.0f} MiB; the bare download / kubectl get pods -A: "
            f"{bare / theirs:.3f} in CPU"
        )
        for name, runs, aim in (("13 kept", some, 1 / 8), ("all kept", every, 1 / 4)):
            cpu, wall = median(run[0] for run in runs), median(run[1] for run in runs)
            report.note(f"{name}: {cpu / bare:.2f} x the CPU, {wall / bare_wall:.2f} x the time of the bare download")
            report.ratio(f"CPU to sync, {name} / kubectl get pods -A", cpu / theirs, aim)
        report.ratio("time to sync, 13 kept / the bare download", median(run[1] for run in some) / bare_wall, 1.3)


def _switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M).group(1))


def _connections(pid):
    """TCP connections that a process has."""
    links = [str(path.readlink()) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    rows = [line.split() for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return sum(row[9] in inodes and row[3] == "01" for row in rows)


WATCHDOG = 30  # seconds, pinged twice in each
COARSE = 45


def idle(report, options):
    """How often a daemon wakes while nothing happens."""
    minutes = 3 if options.thorough else 1
    period = 60 * minutes
    with Scene() as scene, scene.daemon(watchdog_usec=WATCHDOG * 1000000) as daemon:
        # What follows READY=1: events are no longer watched.
        time.sleep(3)
        until_quiet(daemon.pid, 2)
        streams = _connections(daemon.pid)
        woken, cpu = _switches(daemon.pid), cpu_of(daemon.pid)
        pings = len(daemon.notified("WATCHDOG=1"))
        time.sleep(period)
        woken, cpu = _switches(daemon.pid) - woken, cpu_of(daemon.pid) - cpu
        pings = len(daemon.notified("WATCHDOG=1")) - pings
        coarse = period // COARSE + 1
        # A wake-up that comes a little early may be the last of a minute or the first of the next.
        bookmarks = streams * (minutes + 1)
        report.note(
            f"{woken} wake-ups in {period} s: {pings} pings of the watchdog, up to {coarse} turns of the "
            f"coarse timer, up to {bookmarks} bookmarks on {streams} streams; "
            f"{cpu / period * 1e6:.0f} us of CPU a second"
        )
        report.count("pings of the watchdog", pings, 2 * period // WATCHDOG + 1)
        report.count("wake-ups while idle", woken, pings + coarse + bookmarks)
