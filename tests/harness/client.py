# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of the client: running it, and texts to compare with."""

import fcntl
import os
import pathlib
import pty
import struct
import subprocess
import termios

from . import process

DATA = process.REPOSITORY / "tests/data/cli"


def environment(**more):
    """Independent of the user that runs the tests: time zone, locale and terminal are fixed."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
    return {**kept, "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


def program():
    return str(process.build_folder() / "cli/msready")


class Client:
    """client("status", "dns") runs msready and returns what it did."""

    def __init__(self, socket):
        self.socket = pathlib.Path(socket)

    def command(self, *arguments):
        return [program(), f"--socket={self.socket}", *arguments]

    def __call__(self, *arguments, **more):
        return subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, env=environment(**more))

    def start(self, *arguments, **more):
        return process.spawn(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=environment(**more))

    def on_terminal(self, *arguments, columns=80, rows=24, **more):
        """All that is written to a terminal of this size, escape sequences included."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        child = process.spawn(self.command(*arguments), stdout=slave, stderr=slave, env=environment(**more))
        os.close(slave)
        data = b""
        try:
            while chunk := os.read(master, 65536):
                data += chunk
        except OSError:
            pass
        os.close(master)
        process.end(child)
        return data.decode()


def golden(name, text):
    """The text equals the recorded one; MSREADY_UPDATE_GOLDEN=1 records it, for a person to read the change."""
    path = DATA / name
    if os.environ.get("MSREADY_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing"
    assert text == path.read_text(encoding="utf-8")
