# SPDX-License-Identifier: Apache-2.0
"""The server's end of one HTTP/1.1 connection, which can break off at any byte in any manner."""

import gzip as _gzip
import select
import socket
import ssl
import struct
import time
import urllib.parse

REASONS = {200: "OK", 201: "Created", 302: "Found", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
REASONS.update({405: "Method Not Allowed", 409: "Conflict", 410: "Gone", 422: "Unprocessable Entity"})
REASONS.update({429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"})


class Ended(Exception):
    """The connection is over, as it was meant to be."""


class Request:
    """What was asked: when (CLOCK_MONOTONIC), on which connection (a number), by whom (peer: the name in the
    client's certificate), and what it was answered (status, None while it was not)."""

    def __init__(self, wire, method, target, headers, body):
        parts = urllib.parse.urlsplit(target)
        self.time = time.monotonic()
        self.connection = wire.number
        self.peer = wire.peer
        self.method = method
        self.target = target
        self.path = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.headers = headers
        self.body = body
        self.status = None

    @property
    def is_initial(self):
        """Of a watch: whether it asks for all that is there first."""
        return self.query.get("sendInitialEvents") == "true"

    def __repr__(self):
        return f"<{self.time:.3f} #{self.connection} {self.method} {self.target} {self.status}>"


class Wire:
    numbers = iter(range(1, 1 << 62))

    def __init__(self, tls, flowing):
        self.tls = tls
        self.flowing = flowing
        self.number = next(Wire.numbers)
        self.input = b""
        self.closing = False
        self.aborted = None
        certificate = tls.getpeercert() or {}
        self.peer = next((v for part in certificate.get("subject", ()) for k, v in part if k == "commonName"), None)
        self.begin_answer(None, None, None)

    # Reading

    def _fill(self):
        self.flowing.wait()
        data = self.tls.recv(65536)
        self.flowing.wait()
        self.input += data
        return bool(data)

    def read_request(self):
        """The next request, or None where the peer has closed."""
        while b"\r\n\r\n" not in self.input:
            if not self._fill():
                return None
        head, self.input = self.input.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length") or 0)
        while len(self.input) < length:
            if not self._fill():
                return None
        body, self.input = self.input[:length], self.input[length:]
        if headers.get("connection", "").lower() == "close":
            self.closing = True
        return Request(self, method, target, headers, body)

    def is_abandoned(self):
        """Whether the peer has closed its side."""
        try:
            readable, _, _ = select.select([self.tls], [], [], 0)
            if not readable:
                return False
            self.tls.setblocking(False)
            try:
                data = self.tls.recv(4096)
            finally:
                self.tls.setblocking(True)
            self.input += data
            return not data
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        except (OSError, ValueError):
            return True

    # Writing

    def begin_answer(self, cut_after, how, split):
        self.written = 0
        self.cut_after = cut_after
        self.how = how
        self.split = split
        if cut_after == 0:
            self.finish(how)

    def write(self, data):
        if self.cut_after is not None:
            data = data[: self.cut_after - self.written]
        step = self.split or max(len(data), 1)
        for at in range(0, len(data), step):
            self.flowing.wait()
            if self.aborted:
                raise Ended
            self.tls.sendall(data[at : at + step])
        self.written += len(data)
        if self.cut_after is not None and self.written >= self.cut_after:
            self.finish(self.how)

    def _head(self, status, headers):
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines + ["", ""]).encode()

    def answer(self, status, body, content_type, more=None, gzip=False):
        headers = {"Content-Type": content_type, "Cache-Control": "no-cache, private"}
        if gzip:
            body = _gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = len(body)
        headers.update(more or {})
        self.write(self._head(status, headers) + body)

    def begin_chunks(self, content_type):
        headers = {"Content-Type": content_type, "Cache-Control": "no-cache, private"}
        headers["Transfer-Encoding"] = "chunked"
        self.write(self._head(200, headers))

    def chunk(self, data):
        if data:
            self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end_chunks(self):
        self.write(b"0\r\n\r\n")

    # The end

    def finish(self, how):
        """Ends the connection in that manner, and this thread's work on it."""
        if how == "stall":
            while not self.is_abandoned():
                time.sleep(0.05)
            raise Ended
        self.drop(how)
        raise Ended

    def abort(self, how):
        """For other threads: makes this connection's own thread end it in that manner, as soon as it looks. What it
        has not written by then is never written."""
        self.aborted = how
        try:
            # Of the plain socket: TLS takes no part in it, and nothing is sent.
            socket.socket.shutdown(self.tls, socket.SHUT_RD)
        except OSError:
            pass

    def drop(self, how):
        """close: TLS says that it ends. eof: only TCP does. reset: neither."""
        how = self.aborted or how
        self.closing = True
        try:
            if how == "close":
                # Sends the end of TLS and does not wait for the answer.
                self.tls.settimeout(0.2)
                try:
                    self.tls = self.tls.unwrap()
                except (OSError, ssl.SSLError, ValueError):
                    pass
            elif how == "reset":
                self.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if how != "reset":
                self.tls.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        try:
            self.tls.close()
        except OSError:
            pass
