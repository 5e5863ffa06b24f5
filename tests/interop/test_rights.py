# SPDX-License-Identifier: Apache-2.0
"""Only root and the daemon's own user may change something. Every user may ask."""

import json
import os
import shutil
import subprocess

import pytest

from harness import process
from harness.client import environment
from harness.daemon import Daemon
from harness.varlink import Varlink, VarlinkError

NOBODY = 65534
OWN = 61234
DENIED = "org.varlink.service.PermissionDenied"


def as_user(uid, question):
    """What question() returns, asked by a child of this user without any group or capability."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            answer = question()
        except BaseException as error:  # noqa: B902 told to the parent
            answer = repr(error)
        os.write(sending, json.dumps(answer).encode())
        os._exit(0)
    os.close(sending)
    with open(receiving) as pipe:
        answer = json.loads(pipe.read())
    os.waitpid(child, 0)
    return answer


def outcomes(socket):
    """The error's name, or None, of each of these calls."""

    def ask():
        answers = {}
        with Varlink(socket) as connection:
            for method, parameters in (
                ("io.systemd.service.Ping", None),
                ("io.msready.Readiness.Describe", None),
                ("io.systemd.service.SetLogLevel", {"level": 5}),
                ("io.systemd.service.Reload", None),
                ("io.systemd.service.Reload", {"allowInteractiveAuthentication": True}),
            ):
                try:
                    connection.call(method, parameters)
                    answers.setdefault(method, None)
                except VarlinkError as error:
                    answers[method] = error.name
        return answers

    return ask


ASKED = {"io.systemd.service.Ping": None, "io.msready.Readiness.Describe": None}
ALLOWED = {**ASKED, "io.systemd.service.SetLogLevel": None, "io.systemd.service.Reload": None}
REFUSED = {**ASKED, "io.systemd.service.SetLogLevel": DENIED, "io.systemd.service.Reload": DENIED}


@pytest.fixture(autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("another user's rights are tried as root")


def test_root_may_and_nobody_may_not(edge, daemon):
    daemon.folder.chmod(0o755)
    told = daemon.notify.mark()
    assert as_user(NOBODY, outcomes(daemon.socket)) == REFUSED
    # Refused means not done: no reload, and the log level is the same.
    daemon.expect_no_notify("RELOADING=1", 0.3, told)
    before = len(daemon.log())
    daemon.describe()
    edge.kubelet.renew_lease()
    process.eventually(lambda: len(daemon.log()) > before, 5, what="debug lines")
    assert as_user(0, outcomes(daemon.socket)) == ALLOWED
    daemon.expect_notify("RELOADING=1", since=told)
    daemon.call("io.systemd.service.SetLogLevel", level=7)


def test_the_client_says_so(daemon, tmp_path):
    """`msready reload` and `msready log-level` of another user: an error that names the cause."""
    daemon.folder.chmod(0o755)
    program = shutil.copy(process.build_folder() / "cli/msready", daemon.folder / "msready")
    os.chmod(program, 0o755)
    for words in (["reload"], ["log-level", "debug"]):
        done = subprocess.run([program, f"--socket={daemon.socket}", *words], user=NOBODY, group=NOBODY,
                              extra_groups=[], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment(), timeout=30, cwd="/")
        assert done.returncode == 1 and not done.stdout
        assert "root" in done.stderr or "ermission" in done.stderr
    done = subprocess.run([program, f"--socket={daemon.socket}", "status", "--quiet"], user=NOBODY, group=NOBODY,
                          extra_groups=[], stdin=subprocess.DEVNULL, env=environment(), timeout=30, cwd="/")
    assert done.returncode == 0


def test_own_user():
    """A daemon with a user of its own obeys that user and root, and no other."""
    made = Daemon(boot_id="0" * 32, gates={"api": "[Gate]\nDescription=API\n[Api]\nPath=/readyz\n"},
                  wrapper=["setpriv", f"--reuid={OWN}", f"--regid={OWN}", "--clear-groups"])
    try:
        program = shutil.copy(made.binary, made.folder / "msreadyd")
        os.chmod(program, 0o755)
        made.binary = program
        for folder, _, files in os.walk(made.folder):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(path, OWN, OWN)
        made.folder.chmod(0o755)
        made.start()
        assert as_user(OWN, outcomes(made.socket)) == ALLOWED
        assert as_user(0, outcomes(made.socket)) == ALLOWED
        assert as_user(NOBODY, outcomes(made.socket)) == REFUSED
    finally:
        made.close()
