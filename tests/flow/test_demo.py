# SPDX-License-Identifier: Apache-2.0
"""tests/demo tells the truth, fits a terminal of 80 columns, and leaves nothing behind."""

import fcntl
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import unicodedata

import pytest
from harness import process

DEMO = process.REPOSITORY / "tests/demo"
sys.path.insert(0, str(DEMO.with_name("demo.d")))

from view import Terminal  # noqa: E402


def in_session(session):
    """The processes of this session: the demonstration starts all of its processes in a session of its own."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:  # it has just ended
        return [b""]


@pytest.fixture
def play(built):
    """Starts tests/demo in a session of its own; its processes end with the test at the latest."""
    started = []

    def start(*words, fast=True, **options):
        env = dict(os.environ, MSREADY_BUILD=str(built))
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        command = [str(DEMO), *(["--fast"] if fast else []), *words]
        started.append(
            subprocess.Popen(command, stdin=subprocess.DEVNULL, env=env, start_new_session=True, **options)
        )
        return started[-1]

    yield start
    for demo in started:
        for pid in in_session(demo.pid):
            os.kill(pid, signal.SIGKILL)
        demo.wait()


def position(text, *patterns):
    """The text contains the patterns in this order."""
    at = 0
    for pattern in patterns:
        match = re.compile(pattern).search(text, at)
        assert match, f"{pattern!r} is not in the rest of\n{text[at:]}"
        at = match.end()


def test_the_story_goes_from_a_stale_boot_to_ready(play):
    demo = play("--no-live")
    text = demo.communicate(timeout=120)[0].decode()
    assert demo.returncode == 0, text
    ready = r"systemd +READY=1 from msreadyd"
    position(text, r"api: waiting, .*ApiUnreachable", r"api: ready", ready)
    position(text, r"node: waiting, .*StaleBoot", r"node: waiting, .*KubeletNotReady", r"node: ready", ready)
    position(text, r"ovn: waiting, Pod .*Unproven", r"ovn: waiting, Pod .*ContainerCreating", r"ovn: ready", ready)
    position(text, r"dns: waiting, Pod .*Unproven", r"dns: waiting, Pod .*ImagePullBackOff", r"dns: ready", ready)
    position(text, ready, r"\$ msready status\n.*cluster (is|has been) ready",
             r"4 of 4 required gates ready, 6 of 6 others")
    assert text.count("READY=1 from") == 1
    assert not in_session(demo.pid)


def test_what_is_drawn_may_come_in_pieces():
    text = "\x1b[33m●\x1b[0m one\n  two\n\x1b[2A\r\x1b[J● three\n  four\n  five\n\x1b[3A\r\x1b[Jdone\n"
    for size in (1, 2, 3, 7, len(text)):
        terminal = Terminal()
        for at in range(0, len(text), size):
            whole = terminal.feed(text[at : at + size])
        assert whole
        assert terminal.lines() == ["done"]
    terminal = Terminal()
    assert not terminal.feed("one\n\x1b[1")
    assert terminal.feed("A\r\x1b[Jtwo\n")
    assert terminal.lines() == ["two"]


def test_the_live_view_fits_a_terminal(play):
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    demo = play(stdout=its, stderr=its)
    os.close(its)
    terminal, data, seen = Terminal(), b"", set()
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        # Whole lines, because a character or a sequence may be cut.
        data += chunk
        whole, newline, data = data.rpartition(b"\n")
        # Each line by itself: where we are slow, several pictures come at once, and each counts.
        for line in (whole + newline).splitlines(True):
            terminal.feed(line.decode())
            rows = [re.sub(r"\x1b\[[0-9;]*m|\r", "", row) for row in terminal.rows]
            seen |= {row for row in rows if " ← " in row or "gates ready" in row}
            story = rows[: next((i for i, row in enumerate(rows) if row.startswith("$ ")), len(rows))]
            for row in story:
                assert sum(not unicodedata.combining(c) for c in row) <= 80, row
    os.close(ours)
    assert demo.wait(30) == 0, "\n".join(terminal.rows)
    assert any("node ← Node" in row and "StaleBoot" in row for row in seen), seen
    assert any("of 4 gates ready" in row for row in seen), seen
    # What was live is gone, and the story is whole.
    final = "\n".join(rows)
    assert " ← " not in final
    position(final, "Power is back", r"ready after", r"READY=1 from msreadyd", r"cluster (is|has been) ready",
             "has ended")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_what_it_started(play, number):
    # At its own pace: it has to be interrupted before it comes to its end.
    demo = play("--no-live", fast=False)
    for line in demo.stdout:
        if b"StaleBoot" in line:
            break
    daemon = next(words for words in map(command_line, in_session(demo.pid)) if words[0].endswith(b"/msreadyd"))
    folders = [
        pathlib.Path(daemon[daemon.index(option) + 1].decode()).parent for option in (b"--socket", b"--kubeconfig")
    ]
    assert all(folder.is_dir() for folder in folders)
    demo.send_signal(number)
    rest = demo.communicate(timeout=30)[0].decode()
    assert demo.returncode == 130, rest
    assert "READY=1 from" not in rest
    assert not in_session(demo.pid)
    assert not any(folder.exists() for folder in folders)


def test_an_unknown_option_is_refused(play):
    demo = play("--slow")
    text = demo.communicate(timeout=30)[0].decode()
    assert demo.returncode == 2
    assert "--slow" in text
