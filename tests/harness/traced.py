# SPDX-License-Identifier: Apache-2.0
"""msreadyd where it is installed, under strace: all paths are those of a host, the ports are the test's.

It has the socket from systemd, whose journal, bus and notification socket are there. Needs root and strace.
"""

import os
import shutil
import socket
import threading

from . import mounts, process
from .daemon import Daemon

PROGRAM = "/usr/bin/msreadyd"


class _Sink:
    """A socket of systemd's that takes what comes, and answers nothing."""

    def __init__(self, path, kind):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(str(path))
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        threading.Thread(target=self._take, args=(kind,), daemon=True).start()

    def _take(self, kind):
        try:
            while True:
                if kind == socket.SOCK_STREAM:
                    self.socket.accept()[0].close()
                else:
                    self.socket.recv(65536)
        except OSError:
            pass

    def close(self):
        # Wakes the thread, which close() does not.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class TracedDaemon(Daemon):
    """The daemon of an Edge, or one without a cluster. gates: texts by name, beside the shipped ones of the folder."""

    def __init__(self, kubeconfig=None, kubelet=None, gates=None, config="", **options):
        super().__init__(kubeconfig=kubeconfig, kubelet=kubelet, **options)
        self.trace_file = self.folder / "trace"
        self.places = {}
        for inside in ("/etc/msready", "/etc/microshift", "/usr/lib/microshift", "/usr/lib/msready",
                       "/var/lib/msready", "/var/lib/microshift", "/run/msready", "/run/systemd", "/run/dbus"):
            self.places[inside] = self.folder / inside[1:].replace("/", "-")
            self.places[inside].mkdir()
        self.etc, self.microshift = self.places["/etc/msready"], self.places["/etc/microshift"]
        (self.etc / "gates.d").mkdir()
        shutil.copytree(process.REPOSITORY / "units/gates", self.places["/usr/lib/msready"] / "gates.d")
        for name, text in (gates or {}).items():
            (self.etc / "gates.d" / f"{name}.gate").write_text(text)
        (self.etc / "msready.conf").write_text(config)
        (self.microshift / "config.yaml").write_text("network: {}\n")
        self.state_folder = self.places["/run/msready"] / "state"
        self.state_folder.mkdir()
        (self.places["/run/systemd"] / "system").mkdir()
        self.kubeconfig_copy = self.places["/var/lib/microshift"] / "resources/kubeadmin/kubeconfig"
        self.kubeconfig_copy.parent.mkdir(parents=True)
        if kubelet:
            self.places["/sys/fs/cgroup"] = kubelet.cgroups.root
            self.places["/etc/machine-id"] = kubelet.machine_id_file
        self.places[PROGRAM] = self.binary
        self.socket = self.places["/run/msready"] / "io.msready.Readiness"
        self.sinks = [_Sink(self.places["/run/systemd"] / "journal/socket", socket.SOCK_DGRAM),
                      _Sink(self.places["/run/dbus"] / "system_bus_socket", socket.SOCK_STREAM)]
        (self.places["/run/systemd"] / "notify").symlink_to(self.notify.path)

    def write_kubeconfig(self):
        self.kubeconfig_copy.write_text(open(self.kubeconfig).read())

    def start(self, wait=True):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.socket))
        listener.listen(4096)
        number = listener.fileno()
        activate = f'exec 3<&{number}; LISTEN_FDS=1 LISTEN_FDNAMES=varlink LISTEN_PID=$$ exec "$@"'
        command = [*mounts.wrapper(self.places), "strace", "-f", "-yy", "-s", "200", "-o", self.trace_file,
                   "bash", "-c", activate, "bash", PROGRAM, "--log-level=debug"]
        if self.kubelet:
            command.append(f"--boot-id={self.kubelet.boot_id}")
        with open(self.log_file, "ab") as log:
            stream = os.fstat(log.fileno())
            env = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "60000000",
                   "RUNTIME_DIRECTORY": "/run/msready/state", "STATE_DIRECTORY": "/var/lib/msready",
                   "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"}
            self.process = process.spawn(command, env=env, stdout=log, stderr=log, cwd="/", pass_fds=(number,))
        listener.close()
        if wait:
            process.eventually(self._listening, 20, 0.05, "the daemon's answer")
        return self

    def calls(self):
        """The lines of the trace, from the start of the program on."""
        lines = self.trace_file.read_text(errors="replace").splitlines()
        start = next(i for i, line in enumerate(lines) if f'execve("{PROGRAM}"' in line)
        return [line for line in lines[start + 1:] if "(" in line]

    def stop(self, timeout=20):
        # strace itself takes no SIGTERM as long as the program runs.
        os.kill(self.tracee(), 15)
        return self.process.wait(timeout)

    def tracee(self):
        for line in self.trace_file.read_text(errors="replace").splitlines():
            return int(line.split()[0])

    def close(self):
        for sink in self.sinks:
            sink.close()
        super().close()
