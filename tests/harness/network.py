# SPDX-License-Identifier: Apache-2.0
"""Two hosts of their own on one wire: network namespaces, and a way to swallow every packet between them."""

import ctypes
import os
import subprocess
import threading
from .process import Context, _libc

CLONE_NEWNET = 0x40000000


class Network(Context):
    """with Network() as network: ... network.client (for `ip netns exec`), network.server_address

    A server's sockets are made by network.at_server(make), which runs `make` there.
    """

    client_address = "10.203.7.1"
    server_address = "10.203.7.2"

    def __init__(self):
        self.client = f"msready-c{os.getpid()}"
        self.server = f"msready-s{os.getpid()}"

    @staticmethod
    def check():
        """None, or why there can be none."""
        if os.geteuid() != 0:
            return "network namespaces need root"
        probe = f"msready-p{os.getpid()}"
        if subprocess.run(["ip", "netns", "add", probe], stderr=subprocess.DEVNULL).returncode != 0:
            return "no network namespaces here"
        subprocess.run(["ip", "netns", "del", probe])
        return None

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def start(self):
        for name in (self.client, self.server):
            self._ip("netns", "add", name)
            self._ip("-n", name, "link", "set", "lo", "up")
        self._ip(
            *("-n", self.client, "link", "add", "eth0", "type", "veth"),
            *("peer", "name", "eth0", "netns", self.server),
        )
        for name, address in ((self.client, self.client_address), (self.server, self.server_address)):
            self._ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            self._ip("-n", name, "link", "set", "eth0", "up")
        return self

    def close(self):
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", name], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def at_server(self, make):
        """Calls make() in the server's network, where the sockets that it makes stay, and returns its result."""
        return self._at(self.server, make)

    @staticmethod
    def _at(name, make):
        made, failed = [], []

        def run():
            try:
                with open(f"/run/netns/{name}") as namespace:
                    _setns(namespace.fileno(), CLONE_NEWNET)
                made.append(make())
            except BaseException as error:  # is raised in the caller's thread
                failed.append(error)

        # A namespace belongs to a thread: this one ends with it.
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return made[0]

    def at_client(self, make):
        """The same in the client's network."""
        return self._at(self.client, make)

    def on_the_link(self, client_address, server_address):
        """Adds addresses that mean nothing without the link that they are on."""
        for name, address in ((self.client, client_address), (self.server, server_address)):
            self._ip("-n", name, "address", "add", f"{address}/64", "dev", "eth0", "nodad")

    def rename_link(self, name, address):
        """The client's eth0 has a new name from now on, and of addresses this one on the link."""
        self._ip("-n", self.client, "link", "set", "eth0", "down")
        self._ip("-n", self.client, "link", "set", "eth0", "name", name)
        self._ip("-n", self.client, "link", "set", name, "up")
        self._ip("-n", self.client, "address", "add", f"{address}/64", "dev", name, "nodad")

    def swallow(self):
        """Packets from the server to the client are lost from now on, and neither side is told."""
        self._ip("-n", self.server, "route", "add", "blackhole", f"{self.client_address}/32")

    def heal(self):
        self._ip("-n", self.server, "route", "del", "blackhole", f"{self.client_address}/32")


def _setns(descriptor, kind):
    # os.setns() is of Python 3.12.
    if _libc.setns(descriptor, kind) != 0:
        raise OSError(ctypes.get_errno(), "setns")
