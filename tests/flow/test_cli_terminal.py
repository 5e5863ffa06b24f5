# SPDX-License-Identifier: Apache-2.0
"""What the client does on a terminal: lines in place, widths, colours, the pager, and how it leaves."""

import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

from harness import process, world
from harness.client import Client, environment
from harness.fakedaemon import FakeDaemon, blocker, gate, verdict


@pytest.fixture
def daemon(tmp_path):
    with FakeDaemon(tmp_path / "s") as daemon:
        daemon.replies["Describe"] = world.waiting()
        daemon.monitor(world.waiting())
        yield daemon


class Tmux:
    """A terminal that can be looked at."""

    def __init__(self, folder, columns, rows):
        if not shutil.which("tmux"):
            pytest.skip("tmux is missing")
        self.command = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self.columns = columns
        shell = ["env", "-i", *(f"{k}={v}" for k, v in environment(PS1="$ ").items()), "sh"]
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows), *shell)
        self.wait(lambda s: s.strip() == "$")

    def run(self, *arguments):
        return subprocess.run([*self.command, *arguments], check=True, stdout=subprocess.PIPE, text=True,
                              env=environment()).stdout

    def type(self, text):
        self.run("send-keys", text, "Enter")

    def key(self, name):
        self.run("send-keys", name)

    def screen(self):
        return self.run("capture-pane", "-p").rstrip("\n")

    def resize(self, columns, rows):
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    def wait(self, question, timeout=60):
        """Returns the screen that the question is true of."""
        deadline = time.monotonic() + timeout
        while not question(screen := self.screen()):
            assert time.monotonic() < deadline, screen
            time.sleep(0.05)
        return screen

    def after(self, seconds, question):
        """What is true of the screen also when it has been drawn a few times; looked at once more where a picture was
        just being drawn, or had not been drawn yet."""
        time.sleep(seconds)
        return self.wait(question)

    def close(self):
        subprocess.run([*self.command, "kill-server"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def tmux(tmp_path):
    terminals = []

    def start(columns=80, rows=24):
        terminals.append(Tmux(tmp_path, columns, rows))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def command(daemon, *arguments):
    return " ".join(Client(daemon.path).command(*arguments))


def test_wait_in_place(daemon, tmux):
    t = tmux(100)
    t.type("clear; " + command(daemon, "wait") + "; echo status $?")
    screen = t.wait(lambda s: re.search("waiting for ([2-9]|[0-9]{2})s", s)).splitlines()
    assert re.match(r"● 2 of 3 gates ready, 1 of 2 containers, waiting for \d+s", screen[0])
    assert screen[1].startswith("  dns ← Pod openshift-dns/dns-default-x7k2p: ImagePullBackOff for 1min")
    assert screen[2].startswith("    Back-off pulling image") and len(screen) == 3
    creating = blocker("dns", "Pod", "dns-default-x7k2p", "ContainerCreating", "openshift-dns")
    daemon.tell({"gates": [gate("dns", "waiting", blockers=[creating])]})
    screen = t.wait(lambda s: "ContainerCreating" in s)
    assert "ImagePullBackOff" not in screen and len(screen.splitlines()) == 2
    daemon.tell({"verdict": verdict("ready"), "gates": [gate("dns")]})
    screen = t.wait(lambda s: "status" in s).splitlines()
    assert re.match(r"ready after \d+s", screen[0]) and screen[1] == "status 0"


def test_wait_left_by_the_user(daemon, tmux):
    t = tmux()
    t.type("clear; " + command(daemon, "wait"))
    t.wait(lambda s: "ImagePullBackOff" in s)
    t.key("C-c")
    screen = t.wait(lambda s: s.rstrip().endswith("$"))
    assert "ImagePullBackOff" not in screen


def test_forty_columns(daemon, tmux):
    """Lines are broken at blanks; only the message, which may be long, is cut."""
    t = tmux(40, 12)
    t.type("clear; " + command(daemon, "wait"))
    t.wait(lambda s: "waiting for" in s and "2 of 3 gates" in s)
    screen = t.after(2.5, lambda s: s.count("\n") == 6 and s.startswith("● 2 of 3 gates ready")).splitlines()
    assert all(len(line) <= 40 for line in screen)
    assert screen[0] == "● 2 of 3 gates ready, 1 of 2 containers,"
    assert screen[3:5] == ["  dns ← Pod", "      openshift-dns/dns-default-x7k2p:"]
    assert re.match("      ImagePullBackOff for [1-9]", screen[5]) and re.match("    Back-off pulling.*…$", screen[6])


def test_headings_are_broken_at_blanks(daemon, tmux):
    t = tmux(50, 60)
    t.type("clear; " + command(daemon, "explain", "dns") + "; echo en''d")
    rows = t.wait(lambda s: "end" in s.splitlines()).splitlines()
    assert rows[:4] == ["● cluster has been waiting for 9min, since",
                        "  11:51:00 (usually ready 4min 10s after boot)",
                        "  node edge-1, server https://127.0.0.1:6443,",
                        "  Kubernetes v1.30.5"]
    (i,) = [i for i, row in enumerate(rows) if row.startswith("dns (")]
    assert rows[i + 1].startswith("  ") and all(len(row) <= 50 for row in rows[:i + 2])


def test_resized_on_the_way(daemon, tmux):
    t = tmux(100, 20)
    t.type("clear; " + command(daemon, "wait"))
    t.wait(lambda s: "ImagePullBackOff" in s)
    for columns in 50, 120, 40, 90:
        t.resize(columns, 20)
        t.after(1.3, lambda s: s.count("gates ready") == 1 and s.count("dns ←") == 1)


def test_fewer_rows_than_lines(daemon, tmux):
    blockers = [gate(f"g{i}", "waiting", blockers=[blocker(f"g{i}", "Pod", f"p{i}", "Pending")]) for i in range(30)]
    daemon.monitor({"verdict": verdict("waiting"), "gates": blockers})
    t = tmux(60, 8)
    t.type("clear; " + command(daemon, "wait"))
    t.wait(lambda s: "g4" in s)
    t.after(2.2, lambda s: s.startswith("● 0 of 30 gates ready") and "g29" not in s)


def test_watch_in_place(daemon, tmux):
    t = tmux(100, 30)
    t.type("clear; " + command(daemon, "watch"))
    t.wait(lambda s: "2 of 3 required gates ready" in s)
    daemon.tell({"verdict": verdict("ready"), "gates": [gate("dns"), gate("ingress", required=False)]})
    screen = t.wait(lambda s: "3 of 3 required gates ready" in s)
    assert screen.count("GATE") == 1 and "ImagePull" not in screen
    t.key("C-c")
    # The last picture stays.
    assert "3 of 3" in t.wait(lambda s: s.rstrip().endswith("$"))


def test_wait_tells_when_the_daemon_is_away(daemon, tmux):
    t = tmux()
    t.type("clear; " + command(daemon, "wait"))
    t.wait(lambda s: "2 of 3 gates" in s)
    daemon.stop()
    t.wait(lambda s: "msreadyd has been unreachable for" in s)
    daemon.start()
    screen = t.wait(lambda s: "2 of 3 gates" in s)
    assert "unreachable" not in screen


@pytest.mark.parametrize("verb", ["wait", "watch"])
def test_a_daemon_that_was_never_there(tmp_path, tmux, verb):
    t = tmux()
    t.type("clear; " + " ".join(Client(tmp_path / "none").command(verb)))
    screen = t.wait(lambda s: "unreachable" in s)
    # It is broken where it is longer than the terminal is wide.
    words = " ".join(screen.split())
    assert re.fullmatch("● msreadyd has been unreachable for [0-9a-z ]+: No such file or directory", words), screen


@pytest.fixture
def many_objects(daemon):
    if not shutil.which("less"):
        pytest.skip("less is missing")
    daemon.replies["ListObjects"] = {"objects": [
        {"object": {"kind": "Pod", "namespace": "n", "name": f"pod-{i}"}, "gates": ["g"], "isReady": True,
         "proof": "cgroup", "status": "Running", "sinceBoottimeUSec": 1} for i in range(100)]}


def test_a_pager_with_borrowed_rights_runs_nothing(daemon, tmux, many_objects, tmp_path):
    """A user who may run only `sudo msready` gets no shell of the pager's."""
    made = tmp_path / "made"
    t = tmux(80, 10)
    t.type(f"clear; SUDO_UID=1000 PAGER='touch {made}; cat' {command(daemon, 'objects')}")
    t.wait(lambda s: "pod-5" in s and "pod-99" not in s)
    t.key("!")
    t.wait(lambda s: "not available" in s)
    t.key("Enter")
    t.key("q")
    t.wait(lambda s: s.rstrip().endswith("$"))
    assert not made.exists()
    # With rights of one's own it is one's own affair.
    t.type(f"clear; PAGER='touch {made}; cat' {command(daemon, 'objects')}")
    t.wait(lambda s: "100 of 100 objects" in s)
    assert made.exists()


def test_long_answers_are_paged(daemon, tmux, many_objects):
    t = tmux(80, 10)
    t.type("clear; " + command(daemon, "objects"))
    screen = t.wait(lambda s: "pod-5" in s)
    assert "pod-99" not in screen
    t.key("q")
    t.wait(lambda s: s.rstrip().endswith("$"))
    t.type("clear; " + command(daemon, "objects", "--no-pager") + "; echo e''nd")
    t.wait(lambda s: "100 of 100 objects" in s and "end" in s)
    # What fits is not paged.
    t.type("clear; " + command(daemon, "version") + "; echo e''nd")
    t.wait(lambda s: "end" in s)


def test_colours(daemon):
    assert "cluster has been \x1b[33mwaiting\x1b[0m for" in Client(daemon.path).on_terminal("status")
    assert re.search("api +\x1b\\[32mready", Client(daemon.path).on_terminal("status"))
    for more in {"NO_COLOR": "1"}, {"TERM": "dumb"}:
        assert "\x1b" not in Client(daemon.path).on_terminal("status", **more)


def test_a_terminal_that_cannot_move_its_cursor(daemon, many_objects):
    """As an editor's or a plain serial line: lines, as in a file, and no pager."""
    for verb in "wait", "watch":
        text = Client(daemon.path).on_terminal(verb, "--timeout=2", TERM="dumb")
        assert "\x1b" not in text and text.count("dns: waiting, Pod") == 1, text
    assert "100 of 100 objects" in Client(daemon.path).on_terminal("objects", TERM="dumb", PAGER="false")
    # An empty NO_COLOR is none, by its own convention.
    assert "\x1b[32m" in Client(daemon.path).on_terminal("status", NO_COLOR="")
    assert "\x1b" not in Client(daemon.path)("status").stdout


def test_json_on_a_terminal_is_pretty(daemon):
    assert Client(daemon.path).on_terminal("-j").startswith("{\r\n")
    assert "\x1b" not in Client(daemon.path).on_terminal("-j")


def test_signal_is_the_cause_of_death(daemon):
    master, slave = pty.openpty()
    child = process.spawn(Client(daemon.path).command("wait"), stdout=slave, stderr=slave, env=environment())
    daemon.wait_for(lambda: daemon.subscribers)
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == -signal.SIGTERM
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize("verb", ["wait", "watch"])
def test_stopped_and_continued(daemon, tmux, verb):
    """What others wrote in between is theirs."""
    t = tmux(200, 60)
    t.type("clear; " + command(daemon, verb))
    t.wait(lambda s: "ImagePullBackOff for" in s)
    t.key("C-z")
    t.wait(lambda s: s.rstrip().endswith("$"))
    t.type("echo one; echo two; echo thr''ee")
    t.wait(lambda s: "\nthree\n" in s)
    t.type("fg")
    t.wait(lambda s: s.count("ImagePullBackOff for") == 2)
    screen = t.after(2.5, lambda s: s.count("ImagePullBackOff for") == 2)
    assert "\none\ntwo\nthree\n" in screen


@pytest.mark.parametrize("verb", ["wait", "watch"])
def test_signals_that_were_ignored_before_stay_so(daemon, verb):
    """As of a job in the background of a script, whose terminal sends it the interrupt of the foreground."""
    def ignore():
        process.die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    master, slave = pty.openpty()
    child = process.spawn(Client(daemon.path).command(verb), stdout=slave, stderr=slave, env=environment(),
                          preexec_fn=ignore)
    daemon.wait_for(lambda: daemon.subscribers)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    time.sleep(1)
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == -signal.SIGTERM
    os.close(slave)
    os.close(master)


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is missing")
def test_zsh_completes(daemon, tmux, tmp_path):
    """The gates are asked of the daemon that the line names, by whatever verb takes them, but those of unbind."""
    daemon.replies["ListGates"] = world.definitions()
    folder = process.REPOSITORY / "cli/completions"
    t = tmux(120, 40)
    t.type(f"PATH={process.build_folder()}/cli:$PATH PS1='z%% ' zsh -f")
    t.wait(lambda s: s.endswith("z%"))
    t.type(f"fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; clear")
    t.wait(lambda s: s == "z%")

    def complete(line, wanted):
        t.key("C-u")
        t.run("send-keys", "-l", line + "\t")
        t.wait(lambda s: all(re.search(rf"(^|\s){word}(\s|$)", s.partition("\n")[2]) for word in wanted))
        t.key("C-c")
        # What is typed while the line is being given up may be given up with it.
        t.wait(lambda s: s.endswith("\nz%"))
        t.type("clear")
        t.wait(lambda s: s == "z%")

    complete("msready ", ["status", "timeline", "version"])
    for verb in "status", "timeline", "plot", "hold", "bind":
        complete(f"msready --socket={daemon.path} {verb} ", ["dns", "storage"])
    complete("msready --json=", ["pretty", "short", "off"])
    for gate, unit in ("ingress", "kiosk"), ("ingress", "shop"), ("olm", "till"), ("olm", "desk"):
        file = tmp_path / f"etc/systemd/system/msready-gate@{gate}.service.d/{unit}.service.conf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# Written by msready bind.\n")
    complete(f"msready --root={tmp_path} unbind ", ["ingress", "olm"])
    complete(f"msready --root={tmp_path} unbind ingress ", [r"kiosk\.service", r"shop\.service"])
