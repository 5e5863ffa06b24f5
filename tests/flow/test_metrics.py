# SPDX-License-Identifier: Apache-2.0
"""The text file for node_exporter."""

import os
import time

import pytest

from harness import process

pytest.importorskip("prometheus_client", reason="needs python3-prometheus-client")

from harness.metrics import Metrics  # noqa: E402


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "textfile_collector"
    folder.mkdir()
    return folder / "msready.prom"


def expect(file, question, timeout=20):
    """Each state of the file on the way is checked against the format."""

    def looks():
        metrics = Metrics.read(file)
        return question(metrics) and metrics

    return process.eventually(looks, timeout, 0.05, f"what was asked for in:\n{file.exists() and file.read_text()}")


def config(file):
    return {"Metrics": {"Textfile": file}}


def test_a_boot(edge, file):
    """From the previous boot's truth to ready, and from there to lost."""
    edge.kubelet.previous_boot()
    edge.start(config(file))
    metrics = expect(file, lambda m: m["msready_guards_held_total", "node", "StaleBoot"] >= 1)
    assert metrics.state() == "waiting" and metrics.state("node") == "waiting"
    assert metrics["msready_api_ready"] == 1
    assert metrics["msready_blockers"] > 0 and metrics["msready_gate_blockers", "node"] == 1
    assert metrics.get("msready_gate_first_ready_boottime_seconds", "node") is None
    assert metrics["msready_guards_held_total", "dns", "StaleBoot"] == 0
    assert file.stat().st_mode & 0o7777 == 0o644

    edge.up()
    edge.expect_ready()
    version = edge.server.version
    metrics = expect(file, lambda m: m.state() == "ready" and m.get("msready_kubernetes_build_info", version))
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    opened = metrics["msready_gate_first_ready_boottime_seconds", "dns"]
    told = edge.daemon.describe(["dns"])["gates"][0]["firstReadyBoottimeUSec"]
    assert now - 60 < opened < now and abs(opened - told / 1_000_000) < 0.001
    assert metrics["msready_gate_state", "dns", "ready"] == 1 and metrics["msready_gate_state", "dns", "lost"] == 0
    assert metrics["msready_required_gates"] == metrics["msready_required_gates_ready"] == 4
    assert metrics["msready_gate_ready_containers", "dns"] == metrics["msready_gate_containers", "dns"] == 2
    assert metrics["msready_build_info", "0.1.0"] == 1
    assert metrics["msready_kubernetes_build_info", version] == 1
    assert metrics["msready_stream_events_total"] > 10 and metrics["msready_stream_received_bytes_total"] > 1000
    restarts = metrics["msready_stream_restarts_total"]

    edge.server.end_streams("clean", "daemonsets")
    edge.kubelet.container_dies("dns-default", report=True)
    metrics = expect(
        file, lambda m: m.state("dns") == "lost" and m["msready_stream_restarts_total"] >= restarts + 1
    )
    assert metrics.state() == "lost"
    assert metrics["msready_gate_first_ready_boottime_seconds", "dns"] == opened


def test_silent_kubelet_is_a_guard(edge, file):
    edge.up()
    edge.start(config(file))
    metrics = expect(file, lambda m: m["msready_guards_held_total", "node", "KubeletSilent"] == 1)
    assert metrics.state() == "waiting"


def test_written_only_for_news_and_once_a_second(ready_edge, file):
    edge = ready_edge
    edge.daemon.write_config({**edge.daemon.config, **config(file)})
    edge.daemon.reload()
    expect(file, lambda m: m.state() == "ready")

    def version():
        told = file.stat()
        return told.st_ino, told.st_mtime_ns

    written = set()
    began = time.monotonic()
    while len(written) < 5 and time.monotonic() - began < 20:
        edge.kubelet.patch_node()
        written.add(version())
        time.sleep(0.02)
    # The first one was there, the second one may have come at once.
    assert len(written) == 5 and time.monotonic() - began > 2.5

    def is_left_alone():
        still = version()
        time.sleep(2.5)
        return version() == still

    process.eventually(is_left_alone, 10, 0, "rest")
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_reload_and_stop(ready_edge, file):
    edge = ready_edge
    other = file.with_name("other.prom")
    edge.daemon.write_config({**edge.daemon.config, **config(file)})
    edge.daemon.reload()
    process.eventually(file.exists)
    edge.daemon.write_config({**edge.daemon.config, **config(other)})
    edge.daemon.reload()
    process.eventually(lambda: other.exists() and not file.exists())
    edge.daemon.write_config(edge.daemon.config)
    edge.daemon.reload()
    process.eventually(lambda: not other.exists())

    edge.daemon.write_config({**edge.daemon.config, **config(file)})
    edge.daemon.reload()
    process.eventually(file.exists)
    edge.daemon.stop()
    assert not file.exists()


def test_what_cannot_be_written_is_said_once(edge, file):
    os.rmdir(file.parent)
    edge.start(config(file))
    edge.daemon.expect_log(r"Cannot write the metrics to Textfile=.*ReadWritePaths=.*node-exporter\.conf")
    edge.up()
    edge.expect_ready()
    time.sleep(1.5)
    assert edge.daemon.log().count("Cannot write the metrics") == 1
    file.parent.mkdir()
    edge.kubelet.pod_ready("dns-default", False)
    expect(file, lambda m: m.state("dns") == "lost")
    edge.daemon.expect_log("The metrics are written to .* again")


def test_nothing_where_nothing_is_asked_for(ready_edge, tmp_path):
    assert not list(tmp_path.rglob("*.prom"))
    assert not list(ready_edge.daemon.folder.rglob("*.prom"))


def test_a_reload_with_a_file_that_nobody_reads_keeps_the_old_one(edge, file):
    edge.up()
    edge.start(config(file))
    edge.expect_ready()
    expect(file, lambda m: m.state() == "ready")
    daemon = edge.daemon
    for name in ("msready.txt", "textfile_collector/", "folder.prom"):
        other = f"{file.parent.parent}/{name}"
        (file.parent.parent / "folder.prom").mkdir(exist_ok=True)
        daemon.write_config({**daemon.config, **config(other)})
        line = daemon.config_file.read_text().split("\n").index(f"Textfile={other}") + 1
        done = daemon.client("reload")
        assert done.returncode == 1 and f"{daemon.config_file}:{line}: Textfile={other}: " in done.stderr, done.stderr
    edge.kubelet.pod_ready("dns-default", ready=False)
    daemon.expect_gate("dns", "lost", 30)
    expect(file, lambda m: m.state() == "lost")
