# SPDX-License-Identifier: Apache-2.0
"""What a user is told first, and what while nobody can know: right after the daemon's start, and with MicroShift
stopped."""

import re
import time

import pytest

from harness import process

SOCKET = "[Gate]\nRequired=yes\n[Socket]\nConnect={}\n"


def headline(daemon, *words):
    return daemon.client(*words).stdout.splitlines()[0]


@pytest.mark.parametrize("words", [(), ("-q",), ("-j", "status"), ("explain",), ("objects",), ("wait", "--timeout=0")],
                         ids=lambda words: "-".join(words) or "default")
def test_first_answer(edge, words):
    """The cluster is well, and the client faster than the daemon's first question."""
    edge.up()
    daemon = edge.start()
    started = time.monotonic()
    done = daemon.client(*words)
    told = done.stdout + done.stderr
    assert done.returncode in ((0,) if words == ("objects",) else (0, 3, 5)), told
    assert "ApiUnreachable" not in told and "for 0" not in told, told
    # On a busy machine the daemon's first question may take longer than the client waits.
    assert "NotAsked" not in told or time.monotonic() - started > 0.9, told
    edge.expect_ready()
    assert "ApiUnreachable" not in daemon.log() and "NotAsked" not in daemon.log()
    api = [t for t in daemon.call("GetTimeline")["transitions"] if t.get("gate") == "api"]
    assert [t.get("blocker") for t in api] == [None] * len(api) and api


def test_nobody_answers(edge):
    """A server that takes the question and never answers: after a second that is said, and not as a fault."""
    edge.up()
    edge.server.freeze()
    daemon = edge.start()
    started = time.monotonic()
    done = daemon.client()
    assert time.monotonic() - started < 4
    assert done.returncode == 3 and "api ← Api /readyz: NotAsked for " in done.stdout, done.stdout
    assert "the API server has not been asked yet" in done.stdout and "→" not in done.stdout, done.stdout
    daemon.expect_status("not asked yet")
    edge.expect_reason("ApiUnreachable", timeout=15)


def test_a_question_of_a_new_gate(run_without_cluster, tmp_path):
    """After a reload, too, what has not been asked yet is no fault."""
    daemon = run_without_cluster({"mqtt": SOCKET.format(tmp_path / "nothing")})
    process.eventually(lambda: daemon.blockers("mqtt")[0][2] == "NotFound", 5, 0.02)
    daemon.write_gate("other", SOCKET.format(tmp_path / "else"))
    daemon.call("io.systemd.service.Reload")
    done = daemon.client("status", "other")
    assert done.returncode == 3 and "NotFound" in done.stdout and "NotAsked" not in done.stdout


def test_doubt(edge):
    """MicroShift is stopped: the cluster stays ready for its grace, and each line says that this is in doubt."""
    edge.up()
    server, daemon = edge.server, edge.start(config={"Readiness": {"UnknownSec": "15s"}})
    edge.expect_ready()
    edge.expect_settled()
    assert daemon.client("-q", "status", "--fresh").returncode == 0
    server.stop_serving()
    edge.expect_reason("ApiUnreachable", "api")
    line = r"● cluster is ready, in doubt for .*: ApiUnreachable \(unknown in \d+s\)$"
    assert re.match(line, headline(daemon)) and re.match(line, headline(daemon, "explain"))
    assert daemon.client("-q").returncode == 0
    assert daemon.client("-q", "--fresh").returncode == 6
    assert daemon.client("-q", "status", "api", "--fresh").returncode == 6
    daemon.expect_status(r"^ready since ..:..:.., in doubt since ..:..:..: \d of \d gates open; ")

    daemon.expect_verdict("unknown", 25)
    assert re.match(r"● cluster was ready, unknown for .*, since ..:..:..$", headline(daemon))
    assert daemon.client("-q").returncode == daemon.client("-q", "--fresh").returncode == 6
    server.resume_serving()
    process.eventually(lambda: edge.kubelet.renew_lease() and daemon.verdict() == "ready", 30, 0.3)
    process.eventually(lambda: not edge.reasons("api"), 10, 0.05)
    process.eventually(lambda: daemon.client("-q", "--fresh").returncode == 0, 10, 0.1)
    assert re.match("● cluster (is|has been) ready", headline(daemon)) and "doubt" not in headline(daemon)


def test_failing(edge):
    """A gate whose checks fail is ready for its hold; the first line names it, and then says since when it is lost."""
    edge.up()
    daemon = edge.start(config={"Readiness": {"HoldSec": "5s"}})
    edge.expect_ready()
    edge.expect_settled()
    edge.kubelet.pod_ready("dns-default", False)
    process.eventually(lambda: edge.reasons("dns"), 5, 0.02)
    assert re.match(r"● cluster is ready, dns failing for .*: ContainersNotReady \(lost in .*\)$", headline(daemon))
    assert daemon.client("-q").returncode == 0
    assert daemon.client("-q", "--fresh").returncode == 3
    daemon.expect_verdict("lost")
    assert re.match(r"● cluster was ready, lost (just now|\ds ago), at ..:..:..$", headline(daemon))
    assert daemon.client("-q").returncode == 3
