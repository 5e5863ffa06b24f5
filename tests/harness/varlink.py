# SPDX-License-Identifier: Apache-2.0
"""A varlink client of a few lines: JSON objects that end in a NUL, over a stream socket."""

import json
import socket

from .process import Context


class VarlinkError(Exception):
    def __init__(self, reply):
        self.name = reply["error"]
        self.parameters = reply.get("parameters") or {}
        super().__init__(f"{self.name} {self.parameters}")


class Varlink(Context):
    """with Varlink(path) as v: v.call("org.varlink.service.GetInfo")"""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.buffer = b""

    def send(self, method, parameters=None, **flags):
        call = {"method": method, **({"parameters": parameters} if parameters is not None else {}), **flags}
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def receive(self):
        """The next reply as it is, or None where the peer has closed."""
        while b"\0" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def reply(self):
        reply = self.receive()
        if reply is None:
            raise ConnectionError("closed instead of a reply")
        if "error" in reply:
            raise VarlinkError(reply)
        return reply

    def call(self, method, parameters=None):
        self.send(method, parameters)
        return self.reply().get("parameters") or {}

    def more(self, method, parameters=None):
        """Yields the parameters of each reply, for as long as the peer says that there are more."""
        self.send(method, parameters, more=True)
        while True:
            reply = self.reply()
            yield reply.get("parameters") or {}
            if not reply.get("continues"):
                return

    def close(self):
        self.socket.close()
