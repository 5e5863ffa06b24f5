# SPDX-License-Identifier: Apache-2.0
"""Plays a boot for the real msreadyd and shows what happens; tests/demo builds and runs this."""

import argparse
import pathlib
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import boot  # noqa: E402
from harness import daemon, fake_apiserver, fakekubelet, guide, process  # noqa: E402
from view import View  # noqa: E402

INTRODUCTION = (
    "This plays the boot of a MicroShift node after a power cut, with 13 pods and every image to pull. The API "
    "server, the kubelet and the containers are played; msreadyd and msready are the real ones, and this program "
    "has systemd's place: it waits for READY=1."
)
FAST = 0.04


class Failed(Exception):
    """The boot did not go as it must."""


class Stage:
    """All the parts, and the clock of the story. All files are in one folder, which is removed at the end."""

    def __init__(self, view, pace):
        self.view = view
        self.pace = pace
        self._folder = process.Folder()
        folder = self._folder.path
        self.closers = [self._folder.clean]
        try:
            self._prepare(folder)
        except BaseException:
            self.close()
            raise

    def _prepare(self, folder):
        self.apiserver = fake_apiserver.FakeApiServer(folder=folder / "apiserver")
        self.apiserver.version = guide.VERSION
        self.closers.append(self.apiserver.close)
        self.apiserver.start()
        self.kubelet = fakekubelet.FakeKubelet(self.apiserver.rest, folder / "host")
        self.daemon = None

    def start_daemon(self):
        self.daemon = daemon.Daemon(
            kubeconfig=self.apiserver.kubeconfig,
            kubelet=self.kubelet,
            gates=boot.GATES,
            arguments=["--gates-dir", process.REPOSITORY / "units/gates"],
        )
        self.closers.append(self.daemon.close)
        for name in boot.MASKED:
            (self.daemon.gates_folder / name).symlink_to("/dev/null")
        self.daemon.start()
        self.closers.append(self.view.close)
        self.view.watch(self.client("wait"))

    def client(self, *words):
        return [process.build_folder() / "cli/msready", f"--socket={self.daemon.socket}", *words]

    def close(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while self.closers:
            self.closers.pop()()

    # The story

    def at(self, seconds, who=None, text=None):
        """Waits until then, and tells it."""
        started = self.view.started or time.monotonic()
        time.sleep(max(started + seconds * self.pace - time.monotonic(), 0))
        if text:
            self.tell(who, text)

    def tell(self, who, text, style=None):
        self.view.tell(who, text, style)

    def _describe(self):
        if self.daemon.process.poll() is not None:
            raise Failed(f"msreadyd ended with {self.daemon.process.returncode}")
        return self.daemon.describe()

    def _eventually(self, question, what):
        deadline = time.monotonic() + 15
        while not question(described := self._describe()):
            if time.monotonic() > deadline:
                states = {gate["name"]: gate["state"] for gate in described["gates"]}
                raise Failed(f"{what} did not come true; gates: {states}, blockers: {self.daemon.blockers()}")
            time.sleep(0.05)

    def expect(self, gate, reason):
        """The gate is shut for this reason, and the daemon has not sent READY=1."""

        def is_so(described):
            return any(
                blocker["reason"] == reason
                for described_gate in described["gates"]
                if described_gate["name"] == gate
                for blocker in described_gate["blockers"]
            )

        self._eventually(is_so, f"{gate}: {reason}")
        if self.daemon.is_ready:
            raise Failed(f"msreadyd said READY=1 while {gate} was shut ({reason})")

    def expect_ready(self, *gates):
        self._eventually(
            lambda described: {g["name"] for g in described["gates"] if g["state"] == "ready"} >= set(gates),
            f"{' and '.join(gates)} ready",
        )

    def last_step(self, step):
        """Does the last missing step; msreadyd must say READY=1 after it and not before."""
        if self.daemon.is_ready:
            raise Failed("msreadyd said READY=1 before the cluster was usable")
        before = time.monotonic()
        step()
        told = self.daemon.notify.wait(lambda n: "READY=1" in n, 15)
        if not told:
            raise Failed(f"no READY=1 came; blockers: {self.daemon.blockers()}")
        status = self.view.finish()
        self.tell("systemd", f"READY=1 from msreadyd, {(told.time - before) * 1000:.0f} ms after that.", "good")
        if status != 0:
            raise Failed(f"msready wait ended with {status}")

    def show(self, *words):
        """Runs msready as a user would and shows what it prints; returns its exit status."""
        return self.view.quote("msready " + " ".join(words), self.client(*words, "--no-pager"))


def run(options):
    view = View(sys.stdout.isatty() and not options.no_live)
    view.say(INTRODUCTION)
    view.say()
    stage = Stage(view, FAST if options.fast else 1)
    try:
        boot.play(stage)
        status = stage.show("status")
        stage.show("timeline")
        told = [n for n in stage.daemon.notify.received if "READY=1" in n]
        if status != 0 or len(told) != 1:
            raise Failed(f"msready status ended with {status}, and READY=1 came {len(told)} times")
    except (Failed, AssertionError):
        if stage.daemon:
            print(f"\nWhat msreadyd had to say:\n{stage.daemon.log()[-5000:]}", file=sys.stderr)
        raise
    finally:
        stage.close()
    view.say("Everything that was started here has ended.")


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--no-live", action="store_true")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        run(options)
    except KeyboardInterrupt:
        print("\ntests/demo: interrupted; everything that was started here has ended.", file=sys.stderr)
        return 130
    except (Failed, AssertionError, OSError, subprocess.CalledProcessError) as error:
        print(f"tests/demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
