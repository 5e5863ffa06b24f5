# SPDX-License-Identifier: Apache-2.0
"""Hosts with the real msready. The tests of a module share the API server behind them, and each boots a host."""

import functools

import pytest

from harness import fakekubelet, guide

from host import node as _node


@pytest.fixture(scope="module")
def shared_kubelet(cluster, tmp_path_factory):
    """The guide's node and 13 pods on `cluster`, under a fake kubelet."""
    kubelet = fakekubelet.FakeKubelet(cluster.admin, tmp_path_factory.mktemp("host"))
    kubelet.folder.chmod(0o755)
    kubelet.adopt(guide.create_all(cluster.admin))
    yield kubelet
    kubelet.close()


@pytest.fixture
def make_node_of(boot_host, built, cluster, shared_kubelet):
    """make_node_of("trixie", ...) makes a Node, not booted yet. The API server serves the previous boot's state."""
    if not (built / "cli/msready").exists():
        pytest.skip(f"msready is not built in {built}")
    if cluster.apiserver.poll() is not None:
        cluster.start()

    def make(suite, **options):
        shared_kubelet.previous_boot()
        return _node.Node(suite, boot_host, built, cluster, shared_kubelet, **options)

    yield make
    shared_kubelet.stop_heartbeat()


@pytest.fixture(params=["bookworm", "trixie"])
def make_node(request, make_node_of):
    """As make_node_of, with each version of systemd in turn."""
    return functools.partial(make_node_of, request.param)
