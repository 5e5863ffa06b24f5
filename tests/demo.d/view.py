# SPDX-License-Identifier: Apache-2.0
"""What the demonstration shows: a story that grows downwards, and under it what `msready wait` shows live.

On a terminal msready gets a terminal of its own and draws there as it does for any user; its picture is put under
the story, and moved down when the story grows. Elsewhere its lines become lines of the story.
"""

import codecs
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import threading
import time

from harness import process

LEFT = 19  # the columns of the time and of the speaker
STYLES = {"dim": "2", "bold": "1", "good": "1;32"}


def _read(descriptor):
    """What is there to read; nothing at the end, which a terminal tells by an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


class Terminal:
    """What a program has drawn, as rows: as much of a terminal as msready's live lines need."""

    TOKENS = re.compile(r"\x1b\[(\d*)A|(\r)|\x1b\[0?(J)|(\n)")
    CUT = re.compile(r"\x1b(\[[\d;]*)?$")

    def __init__(self):
        self.rows = [""]
        self.row = 0
        self.kept = ""

    def feed(self, text):
        """Returns whether the drawing is complete: the text may be cut anywhere, and the rest comes later."""
        text, self.kept = self.kept + text, ""
        if cut := self.CUT.search(text):
            text, self.kept = text[: cut.start()], cut[0]
        at = 0
        for token in self.TOKENS.finditer(text):
            self.rows[self.row] += text[at : token.start()]
            at = token.end()
            if token[4]:
                self.row += 1
                if self.row == len(self.rows):
                    self.rows.append("")
            elif token[3]:
                self.rows[self.row :] = [""]
            elif not token[2]:
                self.row = max(self.row - int(token[1] or 1), 0)
        self.rows[self.row] += text[at:]
        return not self.kept and not self.rows[self.row]

    def lines(self):
        return self.rows if self.rows[-1] else self.rows[:-1]


class View:
    """live: whether the standard output is a terminal to draw on."""

    def __init__(self, live):
        self.live = live
        self.colours = live and "NO_COLOR" not in os.environ
        self.started = None
        self.lock = threading.RLock()
        self.terminal = Terminal()
        self.shown = 0
        self.ends_blank = True
        self.child = None
        self.output = None
        self.reader = None

    @property
    def size(self):
        return shutil.get_terminal_size() if self.live else os.terminal_size((80, 24))

    def styled(self, style, text):
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.colours and style else text

    def _write(self, text):
        """One write: the live lines are taken away, text is added, and they are put back."""
        with self.lock:
            clear = f"\x1b[{self.shown}A\r\x1b[J" if self.shown else ""
            block = self.terminal.lines() if self.child and self.live else []
            if block and not (self.ends_blank and not text or text.endswith("\n\n")):
                block = ["", *block]
            self.shown = len(block)
            if text:
                self.ends_blank = text.endswith("\n\n")
            sys.stdout.write(clear + text + "".join(line + "\n" for line in block))
            sys.stdout.flush()

    def say(self, text="", style=None):
        """A paragraph without a time."""
        lines = textwrap.wrap(text, min(self.size.columns, 100) - 1) or [""]
        self._write("".join(self.styled(style, line) + "\n" for line in lines))

    def quote(self, words, command):
        """Runs a command and tells what it prints, as it prints it to a terminal. Returns its exit status."""
        child, output = self._spawn(command)
        with open(output, "rb", buffering=0) as stream:
            text = b"".join(iter(lambda: _read(stream.fileno()), b"")).decode(errors="replace")
        status = child.wait()
        above = "" if self.ends_blank else "\n"
        self._write(above + self.styled("bold", "$ " + words) + "\n" + text.rstrip("\n") + "\n\n")
        return status

    def tell(self, who, text, style=None):
        """A line of the story: when, who, what."""
        now = time.monotonic() - self.started if self.started else 0
        width = max(min(self.size.columns, 100) - LEFT - 1, 20)
        if not self.live:
            width = 1000
        first, *rest = textwrap.wrap(text, width, break_on_hyphens=False)
        when, name = self.styled("dim", f"{now:5.1f}s "), self.styled("bold", f"{who:<12}")
        lines = [when + name + self.styled(style, first)]
        lines += [" " * LEFT + self.styled(style, line) for line in rest]
        self._write("".join(line + "\n" for line in lines))

    # The client

    def _spawn(self, command):
        """Starts a program with a terminal like ours for its output, or a pipe. Returns it and the other end."""
        output, its = pty.openpty() if self.live else os.pipe()
        if self.live:
            mode = termios.tcgetattr(its)
            mode[1] &= ~termios.OPOST
            termios.tcsetattr(its, termios.TCSANOW, mode)
            self._resize(its)
        try:
            return process.spawn(command, stdout=its, stderr=its), output
        finally:
            os.close(its)

    def watch(self, command):
        """Starts the client that shows how far things are."""
        self.started = time.monotonic()
        self.child, self.output = self._spawn(command)
        self.reader = threading.Thread(target=self._read_live if self.live else self._read_lines, daemon=True)
        self.reader.start()
        if self.live:
            signal.signal(signal.SIGWINCH, self._on_resize)

    def _resize(self, terminal):
        columns, rows = self.size
        # A row is ours, and one has to stay free for the cursor.
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", max(rows - 2, 4), columns, 0, 0))

    def _on_resize(self, *_):
        self._resize(self.output)
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGWINCH)

    def _read_lines(self):
        with open(self.output, encoding="utf-8", errors="replace", closefd=False) as lines:
            for line in lines:
                self.tell("msready", line.rstrip())

    def _read_live(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := _read(self.output):
            with self.lock:
                if self.terminal.feed(decoder.decode(data)):
                    self._write("")

    def finish(self, timeout=5):
        """Waits for the client to end by itself; its last words become a part of the story. Its exit status."""
        if not self.child:
            return None
        try:
            status = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        self.close()
        return status

    def close(self):
        if not self.child:
            return
        process.end(self.child)
        self.reader.join(2)
        with self.lock:
            # The live lines end here; without a child they are not put back.
            words, self.child = self.terminal.lines(), None
            self._write("")
        os.close(self.output)
        if self.live:
            signal.signal(signal.SIGWINCH, signal.SIG_DFL)
            for line in words:
                self.tell("msready", re.sub(r"\x1b\[[0-9;]*m", "", line), "good")
