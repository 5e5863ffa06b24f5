# SPDX-License-Identifier: Apache-2.0
"""Makes `harness` importable from every folder of tests, and provides its costly parts as fixtures.

Tests that need something which this machine lacks are skipped with the reason; under CI=true tap.py lets them fail.
"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import pytest  # noqa: E402

from harness import cluster as _cluster  # noqa: E402
from harness import fakekubelet, guide, host as _host, process  # noqa: E402
from harness.endpoints import NameServer  # noqa: E402


def _assets(release="current", *parts):
    """As harness.cluster.assets; skips where nothing can be built."""
    try:
        return _cluster.assets(release, *parts)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no parts of Kubernetes: {' '.join(error.cmd)} ended with {error.returncode}")


@pytest.fixture(scope="module", params=["current"])
def cluster(request):
    """A running API server, shared by a module's tests.

    @pytest.mark.parametrize("cluster", ["current", "old"], indirect=True) runs a test on both releases.
    """
    with _cluster.Cluster(request.param, assets_folder=_assets(request.param)) as made:
        yield made


@pytest.fixture
def make_cluster():
    """make_cluster("old", args={...}) makes a Cluster, not yet started, that ends with the test."""
    clusters = []

    def make(release="current", **options):
        clusters.append(_cluster.Cluster(release, assets_folder=_assets(release), **options))
        return clusters[-1]

    yield make
    for made in clusters:
        made.close()


@pytest.fixture
def own_cluster(request, make_cluster):
    """An API server of the test's own, to be killed and restarted. It takes the same parameters as `cluster`."""
    return make_cluster(getattr(request, "param", "current")).start()


@pytest.fixture
def guide_kubelet(own_cluster, tmp_path):
    """The guide's node and 13 pods on `own_cluster`, under a fake kubelet. Nothing has a status yet."""
    kubelet = fakekubelet.FakeKubelet(own_cluster.admin, tmp_path / "host")
    kubelet.adopt(guide.create_all(own_cluster.admin))
    yield kubelet
    kubelet.close()


@pytest.fixture
def boot_host():
    """boot_host("trixie", ...) makes a Host, not yet booted, that ends with the test."""
    hosts = []

    def make(suite="bookworm", **options):
        try:
            _host.check()
        except _host.CannotBoot as error:
            pytest.skip(str(error))
        hosts.append(_host.Host(suite, **options))
        return hosts[-1]

    yield make
    for made in hosts:
        made.close()


@pytest.fixture(scope="session")
def built():
    """The folder of the build under test; skips where there is none."""
    folder = process.build_folder()
    if not (folder / "daemon/msreadyd").exists():
        pytest.skip(f"msreadyd is not built in {folder}")
    return folder


@pytest.fixture
def closing():
    """closing(x): x is closed when the test ends."""
    made = []

    def add(what):
        made.append(what)
        return what

    yield add
    for what in reversed(made):
        what.close()


@pytest.fixture
def names(closing, tmp_path):
    """A name server, for programs under names.wrapper()."""
    if not NameServer.may_be_had():
        pytest.skip("a name server needs root: port 53, and a resolv.conf of its own")
    return closing(NameServer(tmp_path))
