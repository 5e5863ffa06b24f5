# SPDX-License-Identifier: Apache-2.0
"""The real msreadyd, with the test in place of systemd: the test owns the notification socket."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from . import process
from .varlink import Varlink

INTERFACE = "io.msready.Readiness"


class Notification:
    """One datagram: when it came (CLOCK_MONOTONIC, seconds), its assignments, and its size."""

    def __init__(self, data):
        self.time = time.monotonic()
        self.size = len(data)
        self.lines = data.decode(errors="replace").split("\n")

    def value(self, name):
        for line in self.lines:
            if line.startswith(name + "="):
                return line[len(name) + 1 :]
        return None

    def __contains__(self, line):
        return line in self.lines

    def __repr__(self):
        return f"<{self.time:.3f} {self.lines}>"


class NotifySocket:
    """Binds a datagram socket as systemd does, and records what comes, in order.

    Questions about the past include everything that was sent before the question: the reader waits for a datagram of
    our own that is sent after it. Else on a busy machine it could be behind what the test knows from elsewhere.
    """

    MARKER = b"\0"

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.received = []
        self.changed = threading.Condition()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(0.2)
        self.asking = threading.Lock()
        self.markers_sent = self.markers_seen = 0
        self.running = True
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def _receive(self):
        while self.running:
            try:
                data, descriptors, _, _ = socket.recv_fds(self.socket, 65536, 16)
            except socket.timeout:
                continue
            except OSError:
                return
            # BARRIER=1 brings an end of a pipe; closing it is the answer.
            for descriptor in descriptors:
                os.close(descriptor)
            with self.changed:
                if data == self.MARKER:
                    self.markers_seen += 1
                else:
                    self.received.append(Notification(data))
                self.changed.notify_all()

    def _catch_up(self):
        if not self.running:
            return
        with self.asking, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(10)
            sender.sendto(self.MARKER, str(self.path))
            self.markers_sent += 1
            with self.changed:
                if not self.changed.wait_for(lambda: self.markers_seen >= self.markers_sent, 10):
                    raise AssertionError("the reader of the notification socket has stopped")

    def mark(self):
        """The number of datagrams so far, for `since`."""
        self._catch_up()
        with self.changed:
            return len(self.received)

    def find(self, question, since=0):
        self._catch_up()
        with self.changed:
            return [n for n in self.received[since:] if question(n)]

    def wait(self, question, timeout, since=0):
        """The first datagram from number `since` on for which the question is true; None when time is up."""
        deadline = time.monotonic() + timeout
        looked_at = since
        with self.changed:
            while True:
                while looked_at < len(self.received):
                    if question(self.received[looked_at]):
                        return self.received[looked_at]
                    looked_at += 1
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)

    def close(self):
        self.running = False
        self.thread.join(2)
        self.socket.close()
        self.path.unlink(missing_ok=True)


class Daemon(process.Context):
    """with Daemon(kubeconfig=cluster.kubeconfig, kubelet=fake) as daemon: daemon.expect_notify("READY=1")

    kubelet: a FakeKubelet, whose folder becomes the [Host] section; its boot ID is given as --boot-id.
    boot_id: another one; False: none, so that BootIdFile= counts.
    config: sections to add or to replace, a dict of dicts.
    gates: files to write to the gates folder, by name; None takes the shipped ones.
    arguments: words for the command line. watchdog_usec: sets WATCHDOG_USEC.
    wrapper: words in front of the program (valgrind).
    """

    def __init__(
        self,
        kubeconfig=None,
        kubelet=None,
        config=None,
        gates=None,
        arguments=(),
        boot_id=None,
        watchdog_usec=None,
        env=None,
        wrapper=(),
        binary=None,
    ):
        self._folder = process.Folder()
        self.folder = self._folder.path
        self.binary = pathlib.Path(binary or process.build_folder() / "daemon/msreadyd")
        self.kubeconfig = kubeconfig
        self.kubelet = kubelet
        self.boot_id = boot_id
        self.config = config or {}
        self.arguments = list(map(str, arguments))
        self.wrapper = list(map(str, wrapper))
        self.extra_env = dict(env or {})
        self.watchdog_usec = watchdog_usec
        self.socket = self.folder / "io.msready.Readiness"
        self.state_folder = self.folder / "state"
        self.state_folder.mkdir()
        self.config_file = self.folder / "msready.conf"
        self.log_file = self.folder / "log"
        self.log_file.touch()
        if gates is None:
            self.gates_folder = process.REPOSITORY / "units/gates"
        else:
            self.gates_folder = self.folder / "gates.d"
            self.gates_folder.mkdir()
            for name, text in gates.items():
                self.write_gate(name, text)
        self.write_config()
        self.notify = NotifySocket(self.folder / "notify")
        self.process = None

    # Files

    def write_config(self, config=None):
        """Writes msready.conf. A value that is a list becomes one assignment for each item."""
        sections = {}
        if self.kubelet:
            sections["Host"] = {
                "BootIdFile": self.kubelet.boot_id_file,
                "MachineIdFile": self.kubelet.machine_id_file,
                "CgroupRoot": self.kubelet.cgroups.root,
            }
        for name, keys in (config or self.config).items():
            sections.setdefault(name, {}).update(keys)
        lines = []
        for name, keys in sections.items():
            lines.append(f"[{name}]")
            for key, value in keys.items():
                for item in value if isinstance(value, (list, tuple)) else [value]:
                    lines.append(f"{key}={item}")
        self.config_file.write_text("\n".join(lines) + "\n")

    def write_gate(self, name, text):
        """Writes NAME.gate, or the drop-in where the name has a slash (dns.gate.d/10-x.conf)."""
        path = self.gates_folder / (name if "/" in name or name.endswith(".gate") else name + ".gate")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    # Life

    def command(self):
        words = [
            *self.wrapper,
            self.binary,
            "--config",
            self.config_file,
            "--gates-dir",
            self.gates_folder,
            "--socket",
            self.socket,
            "--state-dir",
            self.state_folder,
        ]
        if self.kubeconfig:
            words += ["--kubeconfig", self.kubeconfig]
        boot_id = self.kubelet.boot_id if self.boot_id is None and self.kubelet else self.boot_id
        if boot_id:
            words += ["--boot-id", boot_id]
        return [str(word) for word in words] + self.arguments

    def start(self, wait=True):
        """Starts the program. wait: until it has its socket."""
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin"),
            "LANG": "C.UTF-8",
            "NOTIFY_SOCKET": str(self.notify.path),
        }
        for name, value in os.environ.items():
            if name.startswith(("ASAN_", "UBSAN_", "LSAN_", "GCOV_", "LLVM_")):
                env[name] = value
        if self.watchdog_usec:
            # Without WATCHDOG_PID= the variable counts for each process that has it.
            env["WATCHDOG_USEC"] = str(self.watchdog_usec)
        env.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        env.update(self.extra_env)
        with open(self.log_file, "ab") as log:
            self.process = process.spawn(self.command(), env=env, stdout=log, stderr=log, cwd=self.folder)
        if wait:
            process.eventually(self._listening, 10, 0.01, "the daemon's socket")
        return self

    def _listening(self):
        if self.process.poll() is not None:
            raise AssertionError(f"msreadyd exited with {self.process.returncode}:\n{self.log()}")
        with Varlink(self.socket):
            return True

    @property
    def pid(self):
        return self.process.pid

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=10):
        """SIGTERM; returns the exit status. A sanitizer's complaint is a failure of the test."""
        status = process.end(self.process, timeout)
        self.check_sanitizers()
        return status

    def restart(self, kill=False, **options):
        self.kill() if kill else self.stop()
        return self.start(**options)

    def check_sanitizers(self):
        log = self.log()
        if re.search(r"ERROR: (Address|Leak)Sanitizer|runtime error:|==\d+==ERROR", log):
            raise AssertionError("a sanitizer has spoken:\n" + log)

    def log(self):
        """What the daemon wrote to its standard error so far."""
        return self.log_file.read_text(errors="replace")

    def expect_log(self, pattern, timeout=10):
        return process.eventually(
            lambda: re.search(pattern, self.log()), timeout, 0.02, f"{pattern!r} in the log:\n{self.log()}"
        )

    # What it tells systemd

    def expect_notify(self, line, timeout=10, since=0):
        """Waits for a datagram with this line (from number `since` on) and returns it."""
        found = self.notify.wait(lambda n: line in n, timeout, since)
        if not found:
            raise AssertionError(
                f"no {line!r} in {timeout} s. Notified: {self.notify.received[-10:]}\nLog:\n{self.log()}"
            )
        return found

    def expect_no_notify(self, line, during, since=0):
        found = self.notify.wait(lambda n: line in n, during, since)
        if found:
            raise AssertionError(f"{line!r} was notified: {found}\nLog:\n{self.log()}")

    def notified(self, line, since=0):
        return self.notify.find(lambda n: line in n, since)

    @property
    def is_ready(self):
        """Whether READY=1 was ever sent."""
        return bool(self.notified("READY=1"))

    def status(self):
        """The last STATUS=, as systemctl status would show it."""
        texts = self.notify.find(lambda n: n.value("STATUS") is not None)
        return texts[-1].value("STATUS") if texts else None

    def expect_status(self, pattern, timeout=10):
        """Waits until the last STATUS= matches, and returns it."""

        def matches():
            text = self.status()
            return text if text is not None and re.search(pattern, text) else None

        try:
            return process.eventually(matches, timeout, 0.01)
        except AssertionError:
            raise AssertionError(
                f"STATUS= is {self.status()!r}, not {pattern!r}, after {timeout} s\nLog:\n{self.log()}"
            ) from None

    # What it tells its clients

    def varlink(self, timeout=10):
        return Varlink(self.socket, timeout)

    def call(self, method, **parameters):
        with self.varlink() as connection:
            return connection.call(method if "." in method else f"{INTERFACE}.{method}", parameters or None)

    def describe(self, gates=None):
        return self.call("Describe", **({"gates": gates} if gates is not None else {}))

    def verdict(self):
        return self.describe()["verdict"]["state"]

    def gate(self, name):
        return next(g for g in self.describe()["gates"] if g["name"] == name)

    def blockers(self, gate=None):
        """(gate, object's name, reason) of each blocker."""
        return [
            (b["gate"], b["object"]["name"], b["reason"])
            for g in self.describe()["gates"]
            if gate in (None, g["name"])
            for b in g["blockers"]
        ]

    def expect_verdict(self, state, timeout=10):
        try:
            return process.eventually(lambda: self.verdict() == state, timeout, 0.02)
        except AssertionError as error:
            raise AssertionError(
                f"verdict is not {state!r} after {timeout} s: {self.blockers()} "
                f"({error})\nLog:\n{self.log()}"
            ) from None

    def expect_gate(self, name, state, timeout=10):
        try:
            return process.eventually(lambda: self.gate(name)["state"] == state, timeout, 0.02)
        except AssertionError as error:
            raise AssertionError(
                f"gate {name} is not {state!r} after {timeout} s: {self.blockers(name)} "
                f"({error})\nLog:\n{self.log()}"
            ) from None

    def client(self, *words, timeout=60, check=False, env=None):
        """Runs the msready client against this daemon."""
        binary = process.build_folder() / "cli/msready"
        return subprocess.run(
            [str(binary), f"--socket={self.socket}", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=timeout,
            check=check,
            env=dict(os.environ, **(env or {})),
        )

    # Its cost

    def private_memory(self):
        """Bytes of private memory: heap and stacks, and nothing that is mapped from files, as libraries are."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.M).group(1)) * 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        try:
            if self.process:
                process.end(self.process)
                self.check_sanitizers()
        finally:
            self.notify.close()
            self._folder.clean()
