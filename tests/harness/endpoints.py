# SPDX-License-Identifier: Apache-2.0
"""Peers of [Endpoint] and [Socket] checks: applications, good and bad, listeners, and name servers."""

import http.server
import os
import pathlib
import socket
import ssl
import struct
import threading
import time

from . import mounts


class Application:
    """Answers `status` to every request. pair: certificate and key, for TLS; client_ca: who signs the certificates
    that clients must have. `asked`: when, monotonic."""

    def __init__(self, pair=None, port=0, client_ca=None):
        self.status = 200
        self.asked = []
        self.paths = []
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                application.asked.append(time.monotonic())
                application.paths.append((self.headers["Host"], self.path))
                self.send_response(application.status)
                self.send_header("Content-Length", "1000000")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, pair))
            if client_ca:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(str(client_ca))
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}/app"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SilentApplication:
    """Accepts, and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def close(self):
        self.socket.close()


class Listener:
    """Accepts connections at (HOST, PORT) or PATH until the end of the block. `ended`: what each peer had said."""

    def __init__(self, address):
        inet = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        family = socket.AF_UNIX if isinstance(address, str) else inet
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(address)
        self.socket.listen()
        self.socket.settimeout(0.05)
        self.port = self.socket.getsockname()[1] if family != socket.AF_UNIX else None
        self.ended = []
        self.running = True
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while self.running:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                continue
            with peer:
                peer.settimeout(5)
                self.ended.append(peer.recv(64))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()
        self.socket.close()


class FullListener:
    """Listens at (HOST, PORT) or PATH, accepts nobody, and has no room for one more who waits."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.bind(address)
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1] if family != socket.AF_UNIX else None
        self.waiting = []
        for _ in range(4):
            peer = socket.socket(family)
            peer.setblocking(False)
            peer.connect_ex(self.socket.getsockname())
            self.waiting.append(peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in [self.socket, *self.waiting]:
            each.close()


class NameServer:
    """At port 53 of an address of this host. `names` are at 127.0.0.1, others do not exist.

    silent: no answers; unheard: none about these names.
    """

    def __init__(self, folder, address=None):
        # Tests that run at the same time have their own.
        self.address = address or f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
        self.names = set()
        self.silent = False
        self.unheard = set()
        self.asked = []
        family, kind, _, _, place = socket.getaddrinfo(self.address, 53, type=socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family, kind)
        self.socket.bind(place)
        self.socket.settimeout(0.1)
        self.file = pathlib.Path(folder) / "resolv.conf"
        self.file.write_text(f"nameserver {self.address}\n")
        self.running = True
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def wrapper(self):
        """Words in front of a program that must ask this server and no other."""
        return mounts.wrapper({"/etc/resolv.conf": self.file})

    @staticmethod
    def may_be_had():
        return mounts.may_be_had()

    def _serve(self):
        while self.running:
            try:
                data, peer = self.socket.recvfrom(512)
            except socket.timeout:
                continue
            end, labels = 12, []
            while data[end]:
                labels.append(data[end + 1 : end + 1 + data[end]].decode())
                end += data[end] + 1
            name, kind = ".".join(labels).lower(), struct.unpack(">H", data[end + 1 : end + 3])[0]
            self.asked.append((time.monotonic(), name))
            if self.silent or name in self.unheard:
                continue
            found = name in self.names
            count = 1 if found and kind == 1 else 0
            answer = data[:2] + struct.pack(">HHHHH", 0x8180 if found else 0x8183, 1, count, 0, 0) + data[12 : end + 5]
            if count:
                answer += struct.pack(">HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton("127.0.0.1")
            self.socket.sendto(answer, peer)

    def close(self):
        self.running = False
        self.thread.join()
        self.socket.close()
