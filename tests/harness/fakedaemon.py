# SPDX-License-Identifier: Apache-2.0
"""A daemon for the client to ask: over real varlink it answers what the test scripted, and nothing else.

    with FakeDaemon(path) as daemon:
        daemon.replies["Describe"] = {"verdict": verdict("ready"), "gates": [gate("dns")]}
        daemon.monitor({...}, {...})          # what each subscriber is told, at once
        daemon.tell({...})                    # and later
"""

import json
import pathlib
import socket
import threading

INTERFACE = "io.msready.Readiness."

MINUTE = 60 * 1_000_000
# Boottime of the scripted world, and its wall clock: 2026-11-23 12:00:00 UTC.
NOW = 10 * MINUTE
REALTIME = 1_795_435_200 * 1_000_000


def verdict(state, since=2 * MINUTE, **more):
    return {
        "state": state,
        "changedBoottimeUSec": NOW - since,
        "changedRealtimeUSec": REALTIME - since,
        "nowBoottimeUSec": NOW,
        "bootId": "0f2a4c6e81b3d5f70f2a4c6e81b3d5f7",
        **more,
    }


def gate(name, state="ready", since=2 * MINUTE, required=True, objects=(1, 1), containers=(2, 2), blockers=(), **more):
    return {
        "name": name,
        "description": f"Gate {name}",
        "required": required,
        "state": state,
        "changedBoottimeUSec": NOW - since,
        "readyObjects": objects[0],
        "totalObjects": objects[1],
        "readyContainers": containers[0],
        "totalContainers": containers[1],
        "blockers": list(blockers),
        **more,
    }


def blocker(gate, kind, name, reason, namespace=None, since=MINUTE, **more):
    thing = {"kind": kind, **({"namespace": namespace} if namespace else {}), "name": name}
    return {"gate": gate, "object": thing, "reason": reason, "sinceBoottimeUSec": NOW - since, **more}


class Error(dict):
    """A reply that is an error: Error("NoSuchGate", gate="x"); a name with a dot is a full one."""

    def __init__(self, name, **parameters):
        super().__init__(parameters)
        self.name = name if "." in name else INTERFACE + name


class FakeDaemon:
    def __init__(self, path, first=()):
        self.path = pathlib.Path(path)
        self.replies = {}  # method: parameters, Error, or a function of the call's parameters
        self.calls = []  # (full method, parameters, flags)
        self.first = list(first)  # what a subscriber is told at once
        self.mute = False  # takes calls and says nothing
        self.subscribers = []
        self.connections = set()
        self.changed = threading.Condition()
        self.socket = None
        self.start()

    def start(self):
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(self.path))
        self.socket.listen(64)
        threading.Thread(target=self._accept, args=(self.socket,), daemon=True).start()

    def stop(self):
        """As a crash: all connections end; the socket stays, but nothing listens on it."""
        if self.socket.fileno() < 0:
            return
        with self.changed:
            # shutdown() wakes the thread that accepts.
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.subscribers.clear()

    def _accept(self, listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, listening), daemon=True).start()

    def _serve(self, connection, listening):
        with self.changed:
            if listening.fileno() < 0:
                # It came at the last moment.
                connection.close()
                return
            self.connections.add(connection)
        buffer = b""
        try:
            while data := connection.recv(65536):
                buffer += data
                while b"\0" in buffer:
                    message, buffer = buffer.split(b"\0", 1)
                    self._answer(connection, json.loads(message))
        except OSError:
            pass
        with self.changed:
            self.connections.discard(connection)
            if connection in self.subscribers:
                self.subscribers.remove(connection)
            self.changed.notify_all()
        connection.close()

    @staticmethod
    def _send(connection, parameters, **members):
        if isinstance(parameters, Error):
            members = {"error": parameters.name}
        reply = {**members, **({"parameters": parameters} if parameters else {})}
        connection.sendall(json.dumps(reply, ensure_ascii=False).encode() + b"\0")

    def _answer(self, connection, call):
        method, parameters = call["method"], call.get("parameters") or {}
        with self.changed:
            self.calls.append((method, parameters, {k for k in ("more", "oneway") if call.get(k)}))
            self.changed.notify_all()
            if self.mute:
                return
            if method == INTERFACE + "Monitor" and "Monitor" not in self.replies:
                for reply in self.first:
                    self._send(connection, reply, continues=True)
                self.subscribers.append(connection)
                return
        reply = self.replies.get(method.removeprefix(INTERFACE))
        if reply is None:
            reply = Error("org.varlink.service.MethodNotFound", method=method)
        self._send(connection, reply(parameters) if callable(reply) else reply)

    def monitor(self, *replies):
        with self.changed:
            self.first = list(replies)

    def wait_for(self, question, timeout=30):
        """Until the question, asked under the lock, is true."""
        with self.changed:
            assert self.changed.wait_for(question, timeout), "nothing of the kind came"

    def tell(self, reply, wait=True):
        """Tells all subscribers. wait: for the first one; else those that there are, if they still listen."""
        if wait:
            self.wait_for(lambda: self.subscribers)
        with self.changed:
            for connection in self.subscribers:
                try:
                    self._send(connection, reply, continues=True)
                except OSError:
                    if wait:
                        raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.path.unlink(missing_ok=True)
