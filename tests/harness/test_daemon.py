# SPDX-License-Identifier: Apache-2.0
"""The part of the harness that stands in for systemd, tried on a stand-in for the daemon."""

import os
import socket
import stat

import pytest

from harness import process
from harness.daemon import Daemon, NotifySocket
from harness.varlink import VarlinkError

STAND_IN = '''#!/usr/bin/python3
import json, os, signal, socket, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
path = sys.argv[sys.argv.index("--socket") + 1]
def stop(*_):
    notify.send(b"STOPPING=1")
    os.unlink(path)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGHUP, lambda *_: notify.send(b"STATUS=0 of 4 gates open: node: StaleBoot"))
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
print("watchdog", os.environ.get("WATCHDOG_USEC"), " ".join(sys.argv[1:]), file=sys.stderr, flush=True)
notify.send(b"STATUS=waiting")
read, write = os.pipe()
socket.send_fds(notify, [b"BARRIER=1"], [write])
os.close(write)
os.read(read, 1)
notify.send(b"READY=1\\nSTATUS=4 of 4 gates open")
while True:
    peer, _ = server.accept()
    data = b""
    while True:
        more = peer.recv(100)
        if not more:
            break
        data += more
        while b"\\0" in data:
            text, data = data.split(b"\\0", 1)
            call = json.loads(text)
            reply = {"parameters": {"verdict": {"state": "ready"}, "gates": [
                {"name": "dns", "state": "waiting", "blockers": [
                    {"gate": "dns", "object": {"kind": "Pod", "name": "dns-default-1"}, "reason": "Unproven"}]}]}}
            if not call["method"].endswith(".Describe"):
                reply = {"error": "org.varlink.service.MethodNotFound", "parameters": {"method": call["method"]}}
            peer.sendall(json.dumps(reply).encode() + b"\\0")
    peer.close()
'''


@pytest.fixture
def stand_in(tmp_path):
    path = tmp_path / "stand-in"
    path.write_text(STAND_IN)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_notifications_come_in_order_and_the_barrier_is_answered(stand_in):
    with Daemon(binary=stand_in, watchdog_usec=5000000) as daemon:
        ready = daemon.expect_notify("READY=1")
        waiting = daemon.expect_notify("STATUS=waiting")
        assert waiting.time <= ready.time and ready.value("STATUS") == "4 of 4 gates open"
        assert daemon.is_ready and daemon.status() == "4 of 4 gates open"
        assert "watchdog 5000000 --config" in daemon.log()
        mark = daemon.notify.mark()
        daemon.reload()
        assert daemon.expect_status("StaleBoot")
        daemon.expect_no_notify("READY=1", during=0.2, since=mark)
        assert daemon.stop() == 0
        assert daemon.notified("STOPPING=1", since=mark)


def test_what_was_sent_before_the_question_is_in_the_answer(tmp_path):
    notify = NotifySocket(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(str(notify.path))
        for round_ in range(200):
            mark = notify.mark()
            sender.send(f"STATUS={round_}".encode())
            assert [n.value("STATUS") for n in notify.find(lambda _: True, mark)] == [str(round_)]
    notify.close()
    assert len(notify.find(lambda _: True)) == 200


def test_describe(stand_in):
    with Daemon(binary=stand_in) as daemon:
        assert daemon.verdict() == "ready"
        assert daemon.gate("dns")["state"] == "waiting"
        assert daemon.blockers() == [("dns", "dns-default-1", "Unproven")]
        daemon.expect_verdict("ready")
        with pytest.raises(VarlinkError) as error:
            daemon.call("ListGates")
        assert error.value.name == "org.varlink.service.MethodNotFound"
        with pytest.raises(AssertionError):
            daemon.expect_notify("RELOADING=1", timeout=0.1)


def test_files_and_command_line(stand_in, tmp_path):
    class Kubelet:
        boot_id = "5a0c9a52-5b0b-4a0e-9f43-1c6ce1e8a7f4"
        boot_id_file, machine_id_file = tmp_path / "boot_id", tmp_path / "machine-id"

        class cgroups:
            root = tmp_path / "cgroup"

    options = {"Readiness": {"HoldSec": "2s", "Require": ["a", "b"]}}
    with Daemon(tmp_path / "kubeconfig", Kubelet, options, {"a": "[Gate]\n"}, ["--log-level", "debug"],
                binary=stand_in) as daemon:
        text = daemon.config_file.read_text()
        assert f"CgroupRoot={tmp_path / 'cgroup'}\n" in text
        assert "[Readiness]\nHoldSec=2s\nRequire=a\nRequire=b\n" in text
        assert (daemon.gates_folder / "a.gate").read_text() == "[Gate]\n"
        words = daemon.command()
        assert words[words.index("--boot-id") + 1] == Kubelet.boot_id and words[-2:] == ["--log-level", "debug"]
        folder = daemon.folder
    assert not folder.exists()


def test_a_daemon_that_dies_is_told_at_once(tmp_path, stand_in):
    stand_in.write_text("#!/bin/sh\necho 'no boot ID' >&2\nexit 1\n")
    with pytest.raises(AssertionError, match="no boot ID"):
        Daemon(binary=stand_in).__enter__()


def test_a_sanitizers_word_is_a_failure(stand_in):
    daemon = Daemon(binary=stand_in).start()
    with open(daemon.log_file, "a") as log:
        log.write("==1==ERROR: AddressSanitizer: heap-use-after-free\n")
    with pytest.raises(AssertionError, match="sanitizer"):
        daemon.close()


def test_children_end_with_the_program(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text("import sys, time\n"
                      f"sys.path.insert(0, {str(process.REPOSITORY / 'tests')!r})\n"
                      "from harness import process\n"
                      "print(process.spawn(['sleep', '1000']).pid, flush=True)\n"
                      "time.sleep(1000)\n")
    import subprocess
    parent = subprocess.Popen(["/usr/bin/python3", str(script)], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert os.path.exists(f"/proc/{child}")
    parent.kill()
    parent.wait()

    def gone():
        try:
            return open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True
    process.eventually(gone, 5)
