# SPDX-License-Identifier: Apache-2.0
"""A daemon that is ready, and third-party clients: varlinkctl of two releases, python3-varlink."""

import subprocess
import sys

import pytest

from harness import host as _host, process
from harness.edge import Edge
from harness.fake_apiserver import FakeApiServer
from harness.from_pip import from_pip

# varlinkctl runs ssh itself.
IN_HOST = ("openssh-server", "openssh-client")
HERE = "/lab"
PYTHON_VARLINK = "varlink==31.0.0"


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    """A cluster that is ready, and a daemon that has said so."""
    if not (process.build_folder() / "daemon/msreadyd").exists():
        pytest.skip(f"msreadyd is not built in {process.build_folder()}")
    with FakeApiServer() as server:
        made = Edge(None, tmp_path_factory.mktemp("edge"), server)
        try:
            made.up()
            made.start()
            made.expect_ready()
            made.expect_settled()
            yield made
        finally:
            made.close()


@pytest.fixture
def daemon(edge):
    """That daemon; what a test did to DNS is undone."""
    yield edge.daemon
    edge.kubelet.pod_up("dns-default-28m2q")
    edge.daemon.expect_verdict("ready")
    # Wait until nothing changes any more.
    edge.expect_settled()
    process.eventually(lambda: not any("clock" in gate for gate in edge.daemon.describe()["gates"]), 20, 0.05, "rest")


class Peer:
    """Runs programs of another system, which sees the daemon's folder as HERE."""

    socket = f"{HERE}/io.msready.Readiness"

    def _words(self, words):
        raise NotImplementedError

    def run(self, *words, status=0, timeout=30, input=None):
        """Runs it to its end and expects this exit status; returns a CompletedProcess with text."""
        stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(self._words(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=timeout, **stdin)
        assert done.returncode == status, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def start(self, *words):
        return process.spawn(self._words(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Booted(Peer):
    """Debian 13 with systemd 257 as PID 1, with msready installed."""

    version = 257

    def __init__(self, folder):
        self.host = _host.Host("trixie", packages=IN_HOST, binds={HERE: folder})
        try:
            self.host.install_msready()
            # It shares our network, where another program has port 22.
            for unit in ("ssh.service", "ssh.socket", "sshd.service"):
                path = self.host.path(f"/etc/systemd/system/{unit}")
                path.unlink(missing_ok=True)
                path.symlink_to("/dev/null")
            self.host.boot()
        except BaseException:
            self.host.close()
            raise

    def _words(self, words):
        return self.host._inside(words)

    def close(self):
        self.host.close()


class Unpacked(Peer):
    """The newest Debian's programs, in a tree that was not set up."""

    ENTER = ('mkdir -p "$2/mnt" "$2/proc" "$2/dev" && mount --bind "$1" "$2/mnt" && '
             'mount --rbind /proc "$2/proc" && mount --rbind /dev "$2/dev" && tree=$2 && shift 2 && '
             'exec env -i PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 SYSTEMD_PAGER= chroot "$tree" "$@"')
    socket = "/mnt/io.msready.Readiness"
    version = 258

    def __init__(self, folder):
        self.folder = folder
        self.tree = _host.unpacked("sid", ("base-files", "systemd"))

    def _words(self, words):
        return ["unshare", "--mount", "sh", "-c", self.ENTER, "sh", str(self.folder), str(self.tree), *words]

    def close(self):
        pass


def _check():
    try:
        _host.check()
    except _host.CannotBoot as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def booted(edge):
    _check()
    made = Booted(edge.daemon.folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def newest(edge):
    _check()
    return Unpacked(edge.daemon.folder)


@pytest.fixture(params=["booted", "newest"])
def peer(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def python_varlink():
    """The Python module `varlink`."""
    folder = str(from_pip(PYTHON_VARLINK))
    sys.path.insert(0, folder)
    import varlink

    yield varlink
    sys.path.remove(folder)
