# SPDX-License-Identifier: Apache-2.0
"""Child processes that cannot outlive the tests, ports, folders."""

import ctypes
import errno
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def build_folder():
    """Where msready was built: $MSREADY_BUILD, else build/ in the sources."""
    return pathlib.Path(os.environ.get("MSREADY_BUILD") or REPOSITORY / "build")


def vendor_folder():
    """Where the build under test looks for its vendor files."""
    options = json.loads((build_folder() / "meson-info/intro-buildoptions.json").read_text())
    return pathlib.Path(next(o["value"] for o in options if o["name"] == "prefix")) / "lib/msready"


def is_sanitized():
    """Built with sanitizers, which take memory and time of their own."""
    return b"__asan_init" in (build_folder() / "daemon/msreadyd").read_bytes()


def cache_folder():
    """The folder for results that are costly to make and the same each time."""
    named = os.environ.get("MSREADY_CACHE")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path(os.environ.get("HOME", "/root")) / ".cache"
    return pathlib.Path(base) / "msready"


def die_with_parent():
    """For preexec_fn: a test program that is killed takes its children along."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def spawn(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("preexec_fn", die_with_parent)
    return subprocess.Popen([str(word) for word in command], **options)


def end(process, timeout=10, how=signal.SIGTERM):
    """Ends a child by its id, by force where asking does not help. Returns its exit status."""
    if process is None:
        return None
    if process.poll() is None:
        process.send_signal(how)
        # A stopped process takes no signal but SIGKILL until it goes on.
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
    return process.returncode


_reserved = []


def free_port(family=socket.AF_INET, host="127.0.0.1"):
    """A port on which no program listens, and that no other test gets as long as this program runs. It is outside
    the range that the kernel uses for outgoing connections: else a server that is down for a while may lose it."""
    while True:
        port = random.randrange(10000, 32000)
        holder = socket.socket(family, socket.SOCK_STREAM)
        try:
            holder.bind((host, port))
        except OSError as error:
            holder.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        # It never listens, so connections are refused. From now on a server that sets SO_REUSEADDR may share the port,
        # as all servers do to be able to restart; the next search for a port does not set it before it binds.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _reserved.append(holder)
        return port


def openssl(folder, *words):
    """Runs openssl in this folder."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE)


class Context:
    """`with x:` starts it and closes it in the end, also if the start fails."""

    def start(self):
        return self

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()


class Folder:
    """A folder with a short name, because a socket's path must fit into 107 bytes. Gone after clean()."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="msready-", dir="/tmp"))

    def clean(self):
        shutil.rmtree(self.path, ignore_errors=True)


def quickest(measure, bound, rounds=4):
    """Measures until it took less than the bound. A busy machine makes some rounds slow, a fault all of them."""
    took = []
    while not took or took[-1] >= bound:
        assert len(took) < rounds, f"never in less than {bound} s: {took}"
        took.append(measure())
    return took[-1]


def eventually(question, timeout=10.0, interval=0.02, what=None):
    """Asks until the answer is true, and returns it. Exceptions count as no; a failure names the last one."""
    deadline = time.monotonic() + timeout
    problem = None
    while True:
        try:
            answer = question()
            if answer:
                return answer
            problem = f"last answer: {answer!r}"
        except AssertionError:
            raise
        except Exception as error:  # what goes wrong while something comes up is expected
            problem = repr(error)
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or question} did not come true in {timeout} s; {problem}")
        time.sleep(interval)
